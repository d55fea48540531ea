//! Erasing single receipts: what goes, what stays proved, what a crash in between leaves.

use crate::common::{JOB, expected_tree, receipt, receipts};
use blockcloud_primitives::{Digest, Op, Party, Receipt};
use blockcloud_receipt_log::{
    ErasedEntry, LogError, LogOptions, ReceiptLog, Recovery, entry_leaf, receipt_bytes, receipt_hash,
    tiles::{Directory, Flush, Store, TileError, TileTree, mirror},
    verify_consistency, verify_inclusion,
};
use codec::{Decode, Encode};
use std::{
    fs,
    path::{Path, PathBuf},
};

const SIZE: u64 = 700;
const SLOT: usize = Receipt::ENCODED_LEN + 16;
/// A head at 600, so that some receipts lie behind it.
const SMALL: LogOptions = LogOptions { segment: 256, head_every: 600 };
/// In the first and the last segment, before and behind the head, first and last.
const PLACES: [u64; 6] = [0, 3, 255, 256, 650, SIZE - 1];

/// Bytes before the first slot of a segment.
const HEADER: usize = 32;

fn open(folder: &Path) -> Result<(ReceiptLog, Recovery), LogError> {
    ReceiptLog::open(folder, JOB, SMALL)
}

fn append(log: &mut ReceiptLog, receipts: &[Receipt]) {
    log.append(receipts).unwrap();
    log.sync().unwrap();
}

/// Where the note of an erasure lies.
fn note(folder: &Path) -> PathBuf {
    folder.join("erasing")
}

/// The segment that a position is in, and where its slot begins there.
fn place_of(folder: &Path, index: u64) -> (PathBuf, usize) {
    (folder.join(format!("segments/{:010}", index / 256)), HEADER + (index % 256) as usize * SLOT)
}

/// A log of [`SIZE`] receipts that were synced in two groups.
fn log(folder: &Path) -> ReceiptLog {
    let (mut log, _) = open(folder).unwrap();
    append(&mut log, &receipts(0..SIZE)[..600]);
    append(&mut log, &receipts(0..SIZE)[600..]);
    log
}

/// Exactly these receipts are erased; every other one is there, and every proof holds.
fn check(log: &ReceiptLog, size: u64, erased: &[u64]) {
    let expected = expected_tree(size);
    let encoded = log.encoded(0, usize::MAX).unwrap();
    assert_eq!(encoded.len() as u64, size * Receipt::ENCODED_LEN as u64);
    for (index, entry) in (0..).zip(encoded.chunks(Receipt::ENCODED_LEN)) {
        let leaf = receipt_hash(&receipt(index));
        if erased.contains(&index) {
            assert_eq!(ErasedEntry::parse(entry), Some(ErasedEntry { job: JOB, seq: index, leaf }));
            assert!(matches!(log.receipts(index, 1), Err(LogError::Erased { index: found }) if found == index));
        } else {
            assert_eq!(entry, receipt_bytes(&receipt(index)));
        }
        // The erased one's place is proved like any other's.
        verify_inclusion(&expected.root(), size, index, &entry_leaf(entry), &log.tree().inclusion_proof(index, size).unwrap()).unwrap();
    }
    for old in (1..=size).step_by(97).chain(PLACES.map(|place| place + 1)) {
        verify_consistency(old, &expected.root_at(old).unwrap(), size, &expected.root(), &log.tree().consistency_proof(old, size).unwrap())
            .unwrap();
    }
}

/// Whether any file below the folder holds these bytes.
fn is_anywhere(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|item| {
        let path = item.unwrap().path();
        if path.is_dir() { is_anywhere(&path, bytes) } else { fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes) }
    })
}

#[test]
fn erased_receipts_are_gone_and_every_proof_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    for (count, place) in (1..).zip(PLACES) {
        let content = receipt(place).object.0;
        assert!(is_anywhere(folder.path(), &content));
        assert!(log.erase(place).unwrap());
        assert!(!log.erase(place).unwrap(), "a second time there is nothing to do");
        assert!(!is_anywhere(folder.path(), &content), "{place}");
        check(&log, SIZE, &PLACES[..count]);
    }
    drop(log);
    // It is opened as often as one likes, and goes on.
    let (mut log, recovery) = open(folder.path()).unwrap();
    assert_eq!(recovery, Recovery { receipts: SIZE, dropped_bytes: 0 });
    check(&log, SIZE, &PLACES);
    append(&mut log, &receipts(0..SIZE + 2)[SIZE as usize..]);
    drop(log);
    check(&open(folder.path()).unwrap().0, SIZE + 2, &PLACES);
}

#[test]
fn a_crash_anywhere_leaves_it_whole_or_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    let place = 650;
    let ((file, start), note) = (place_of(folder.path(), place), note(folder.path()));
    let slot = start..start + SLOT;
    let before = fs::read(&file).unwrap();
    // A folder in the place of the file that the note is written to stops the erasure before it begins.
    let unfinished = note.with_added_extension("unfinished");
    fs::create_dir(&unfinished).unwrap();
    assert!(matches!(log.erase(place), Err(LogError::Io { .. })));
    assert!(matches!(log.erase(place), Err(LogError::Broken(_))));
    fs::remove_dir(&unfinished).unwrap();
    drop(log);
    check(&open(folder.path()).unwrap().0, SIZE, &[]);
    let written = {
        let (mut log, _) = open(folder.path()).unwrap();
        log.erase(place).unwrap();
        drop(log);
        let after = fs::read(&file).unwrap();
        fs::write(&file, &before).unwrap();
        after
    };
    let said = note_of(place);
    // The note is there and the slot is old, new, or anything in between, wherever the crash cut; then the note is there still.
    for cut in (0..=SLOT).step_by(23).chain([1, 16, 48, Receipt::ENCODED_LEN, SLOT - 1]) {
        for torn in [
            [&written[slot.start..slot.start + cut], &before[slot.start + cut..slot.end]].concat(),
            [&before[slot.start..slot.start + cut], &written[slot.start + cut..slot.end]].concat(),
        ] {
            let mut bytes = before.clone();
            bytes[slot.clone()].copy_from_slice(&torn);
            fs::write(&file, &bytes).unwrap();
            fs::write(&note, &said).unwrap();
            let (log, recovery) = open(folder.path()).unwrap();
            assert_eq!(recovery, Recovery { receipts: SIZE, dropped_bytes: 0 });
            check_place(&log, place);
            assert!(!note.exists());
            assert_eq!(fs::read(&file).unwrap(), written, "{cut}");
        }
    }
    // The note was written and never put in its place.
    fs::write(&file, &before).unwrap();
    fs::write(&unfinished, &said[..20]).unwrap();
    check(&open(folder.path()).unwrap().0, SIZE, &[]);
}

fn check_place(log: &ReceiptLog, place: u64) {
    assert!(matches!(log.receipts(place, 1), Err(LogError::Erased { .. })));
    assert_eq!(log.receipts(place - 1, 1).unwrap(), [receipt(place - 1)]);
    let root = expected_tree(SIZE).root();
    verify_inclusion(&root, SIZE, place, &receipt_hash(&receipt(place)), &log.tree().inclusion_proof(place, SIZE).unwrap()).unwrap();
}

/// The note of an erasure as documented: a tag, SHA-256 of the rest, and in SCALE the job, the position, the leaf hash and what the slot knows to be confirmed.
fn note_of(place: u64) -> Vec<u8> {
    use sha2::Digest as _;
    // The first group was confirmed before it.
    let confirmed: u64 = 600;
    let rest = (JOB.0, place, receipt_hash(&receipt(place)), confirmed).encode();
    [&b"blockcloud/era/1"[..], &sha2::Sha256::digest(&rest), &rest].concat()
}

#[test]
fn what_cannot_be_erased_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    assert!(matches!(log.erase(SIZE), Err(LogError::NotConfirmed { index: SIZE, confirmed: SIZE })));
    assert!(matches!(log.erase(u64::MAX), Err(LogError::NotConfirmed { .. })));
    drop(log);
    // Notes that are no notes, of another job, or about another receipt than the one that stands there.
    let note = note(folder.path());
    let good = note_of(650);
    let foreign = {
        use sha2::Digest as _;
        let rest = (JOB.0 + 1, 650_u64, receipt_hash(&receipt(650)), 600_u64).encode();
        [&b"blockcloud/era/1"[..], &sha2::Sha256::digest(&rest), &rest].concat()
    };
    let mut flipped = good.clone();
    flipped[60] ^= 1;
    for bad in [&[][..], &good[..good.len() - 1], &flipped, &foreign] {
        fs::write(&note, bad).unwrap();
        assert!(matches!(open(folder.path()), Err(LogError::NoteDamaged(path)) if path == note));
    }
    let elsewhere = {
        use sha2::Digest as _;
        let rest = (JOB.0, 650_u64, receipt_hash(&receipt(651)), 600_u64).encode();
        [&b"blockcloud/era/1"[..], &sha2::Sha256::digest(&rest), &rest].concat()
    };
    fs::write(&note, elsewhere).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::Corrupt { index: 650, .. })));
    fs::remove_file(&note).unwrap();
    // What stands in an erased one's place in another position, or is changed, is damage.
    let (mut log, _) = open(folder.path()).unwrap();
    log.erase(640).unwrap();
    // What comes behind knows that it was confirmed.
    append(&mut log, &receipts(0..SIZE + 1)[SIZE as usize..]);
    drop(log);
    let (file, start) = place_of(folder.path(), 640);
    let good = fs::read(&file).unwrap();
    for position in [0, 20, 50, 100, 262, 270] {
        let mut bytes = good.clone();
        bytes[start + position] ^= 1;
        fs::write(&file, bytes).unwrap();
        assert!(matches!(open(folder.path()), Err(LogError::Corrupt { index: 640, .. })), "{position}");
    }
    let mut bytes = good.clone();
    bytes.copy_within(start..start + SLOT, start + SLOT);
    fs::write(&file, bytes).unwrap();
    assert!(matches!(open(folder.path()), Err(LogError::Corrupt { index: 641, .. })));
}

#[test]
fn audits_repairs_and_mirrors_go_on_with_what_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    log.erase(3).unwrap();
    let tree = log.tree();
    tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    assert!(matches!(tree.entry(3), Err(TileError::Erased { index: 3 })));
    assert_eq!(tree.entry(4).unwrap(), receipt_bytes(&receipt(4)));
    // A tile of leaves is made again from the entries, for which the erased one's leaf hash is enough.
    let leaves = folder.path().join("leaves/0000000000");
    let good = fs::read(&leaves).unwrap();
    fs::write(&leaves, [&[0; 256 * 32][..], &good[256 * 32..]].concat()).unwrap();
    tree.rebuild(0, 0).unwrap();
    assert!(fs::read(&leaves).unwrap() == good);
    let to = tempfile::tempdir().unwrap();
    let to = Directory::open(to.path(), Flush::Together).unwrap();
    assert_eq!(mirror(&tree, 0, &to).unwrap(), SIZE);
    let mirrored = TileTree::new(&to, tree.frontier().clone());
    mirrored.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    assert!(matches!(mirrored.entry(3), Err(TileError::Erased { index: 3 })));
    // A mirror from before has the receipt until it is made anew.
    let bundle = to.read("tile/entries/000").unwrap().unwrap();
    assert!(!bundle.windows(32).any(|window| window == receipt(3).object.0));
}

#[test]
fn a_pruned_receipt_is_gone_already() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    assert_eq!(log.prune(300).unwrap(), 256);
    assert!(matches!(log.erase(3), Err(LogError::Pruned { index: 3, from: 256 })));
    // An erasure that was under way when its segment was pruned has nothing left to do.
    drop(log);
    fs::write(note(folder.path()), note_of(3)).unwrap();
    open(folder.path()).unwrap();
    assert!(!note(folder.path()).exists());
}

/// The whole promise: entry, salt and key are deleted, every other proof stays valid, and the erase receipt says when the data was erased.
#[test]
fn after_erasure_every_other_proof_holds_and_the_erase_receipt_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let mut receipts = receipts(0..50);
    receipts.push(Receipt { op: Op::Erase, object: Digest::ZERO, digest: Digest::ZERO, ..receipt(50) });
    let (mut log, _) = open(folder.path()).unwrap();
    append(&mut log, &receipts);
    // What a checkpoint is signed over.
    let (size, root) = (log.size(), log.root());
    let erased = receipts[20];
    log.erase(20).unwrap();
    assert_eq!((log.size(), log.root()), (size, root));
    for receipt in receipts.iter().filter(|receipt| receipt.seq != 20) {
        assert_eq!(log.receipts(receipt.seq, 1).unwrap(), [*receipt]);
        let proof = log.tree().inclusion_proof(receipt.seq, size).unwrap();
        verify_inclusion(&root, size, receipt.seq, &receipt_hash(receipt), &proof).unwrap();
    }
    let last = log.receipts(size - 1, 1).unwrap()[0];
    assert_eq!((last.op, last.time), (Op::Erase, receipts[50].time), "the erase receipt is in the log under the checkpoint, with its time");
    // Whoever kept the receipt can still show that it was there; whoever did not has the leaf hash only.
    let proof = log.tree().inclusion_proof(20, size).unwrap();
    verify_inclusion(&root, size, 20, &receipt_hash(&erased), &proof).unwrap();
    assert_eq!(log.tree().leaf(20).unwrap(), receipt_hash(&erased));
}

/// Everything but the salt is guessed right, and nothing is learnt.
#[test]
fn an_erased_receipt_cannot_be_guessed_without_its_salt() {
    let salt = [0x5a; 16];
    let erased = Receipt { op: Op::Heartbeat, object: Digest::ZERO, digest: Digest::ZERO, derived_from: Digest::ZERO, salt, ..receipt(4) };
    let leaf = receipt_hash(&erased);
    // A heartbeat has little in it that is not known: its time to the millisecond, its length, and what it was.
    let guesses = |salt: [u8; 16]| {
        let times = (erased.time - 5)..(erased.time + 5);
        times.flat_map(move |time| (0..=10_u8).map(move |op| (time, op))).map(move |(time, op)| {
            let op = Op::decode(&mut &[op][..]).unwrap();
            receipt_hash(&Receipt { time, op, salt, from: Party::site(erased.from.site), ..erased })
        })
    };
    assert!(guesses(salt).any(|guess| guess == leaf), "with the salt it is found at once");
    let other_salts = (0..=255_u8).map(|byte| [byte; 16]).filter(|other| *other != salt).chain((0..128_u32).map(|bit| {
        let mut near = salt;
        near[(bit / 8) as usize] ^= 1 << (bit % 8);
        near
    }));
    for other in other_salts {
        assert!(!guesses(other).any(|guess| guess == leaf), "{other:?}");
    }
    // Receipts that are equal in all but the salt have different leaves, so that equal ones do not give each other away.
    assert_ne!(receipt_hash(&Receipt { salt: [0; 16], ..erased }), receipt_hash(&Receipt { salt: [1; 16], ..erased }));
}
