//! The durable log: what survives kill and power failure, what is refused, what is proved.

use crate::common::{JOB, expected_tree, open, receipt, receipts};
use blockcloud_primitives::{JobId, Receipt};
use blockcloud_receipt_log::{
    LogError, LogOptions, ReceiptLog, Recovery, receipt_bytes, receipt_hash,
    tiles::{Damage, Directory, Flush, Store, TileError, TileTree, mirror},
    verify_consistency, verify_inclusion,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const HEADER: usize = 32;
const SLOT: usize = Receipt::ENCODED_LEN + 16;
/// Small segments, and a head for every other one.
const SMALL: LogOptions = LogOptions { segment: 512, head_every: 1_000 };
/// No head at all.
const HEADLESS: LogOptions = LogOptions { segment: 256, head_every: u64::MAX };

/// A log whose receipts were synced in groups of these sizes, closed.
fn log_of(groups: &[u64], options: LogOptions) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path(), options);
    for group in groups {
        log.append(&receipts(log.size()..log.size() + group)).unwrap();
        log.sync().unwrap();
    }
    folder
}

fn expected_leaves(range: std::ops::Range<u64>) -> Vec<u8> {
    range.flat_map(|seq| receipt_hash(&receipt(seq))).collect()
}

fn segment(root: &Path, number: u64) -> PathBuf {
    root.join(format!("segments/{number:010}"))
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Everything of a log with this many receipts is as it should be.
fn check(log: &ReceiptLog, size: u64) {
    let expected = expected_tree(size);
    assert_eq!((log.size(), log.confirmed(), log.root()), (size, size, expected.root()));
    let from = log.kept_from();
    assert!(log.receipts(from, usize::MAX).unwrap() == receipts(from..size));
    let tree = log.tree();
    tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    for index in (0..size).step_by((size as usize / 5).max(1)) {
        let proof = tree.inclusion_proof(index, size).unwrap();
        verify_inclusion(&expected.root(), size, index, &receipt_hash(&receipt(index)), &proof).unwrap();
        let proof = tree.consistency_proof(index + 1, size).unwrap();
        verify_consistency(index + 1, &expected.root_at(index + 1).unwrap(), size, &expected.root(), &proof).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() { copy(&item.path(), &target) } else { fs::copy(item.path(), target).map(drop).unwrap() }
    }
}

#[test]
fn synced_receipts_are_there_again() {
    for options in [SMALL, HEADLESS, LogOptions::default()] {
        let folder = tempfile::tempdir().unwrap();
        let mut size = 0;
        for group in [1, 3, 508, 1, 511, 700, 2_000, 0] {
            let (mut log, recovery) = open(folder.path(), options);
            assert_eq!(recovery, Recovery { receipts: size, dropped_bytes: 0 });
            log.append(&receipts(size..size + group)).unwrap();
            log.sync().unwrap();
            log.sync().unwrap();
            size += group;
            check(&log, size);
        }
        let (log, _) = open(folder.path(), options);
        assert_eq!((log.job(), log.kept_from()), (JOB, 0));
        check(&log, 3_724);
    }
}

#[test]
fn the_folder_is_laid_out_as_documented() {
    let folder = log_of(&[2, 300], HEADLESS);
    let file = fs::read(segment(folder.path(), 1)).unwrap();
    assert_eq!(file[..HEADER], [&b"blockcloud/seg/1"[..], &JOB.0.to_le_bytes(), &256_u64.to_le_bytes()].concat());
    for (seq, slot) in (256..).zip(file[HEADER..].chunks(SLOT)) {
        // The segment's end confirmed what was before it.
        let confirmed: u64 = 256;
        let leaf = u64::from_le_bytes(receipt_hash(&receipt(seq))[..8].try_into().unwrap());
        let check = leaf ^ confirmed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert_eq!(slot, [&receipt_bytes(&receipt(seq))[..], &confirmed.to_le_bytes(), &check.to_le_bytes()].concat());
    }
    assert_eq!(file.len(), HEADER + 46 * SLOT);
    assert_eq!(fs::read(folder.path().join("leaves/0000000000")).unwrap(), expected_leaves(0..256));
}

#[test]
fn what_was_not_synced_is_not_there_and_not_in_the_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path(), LogOptions::default());
    log.append(&receipts(0..100)).unwrap();
    log.sync().unwrap();
    log.append(&receipts(100..5_000)).unwrap();
    assert_eq!((log.size(), log.confirmed(), log.root()), (5_000, 100, expected_tree(100).root()));
    assert_eq!(log.receipts(0, usize::MAX).unwrap(), receipts(0..100));
    assert_eq!(log.tree().store().read("tile/0/000").unwrap(), None, "a mirror never sees what may yet be lost");
    drop(log);
    let (log, recovery) = open(folder.path(), LogOptions::default());
    // Whatever the write-behind had written is whole, and confirmed from now on.
    assert!(recovery.receipts >= 100 && recovery.receipts < 5_000);
    check(&log, recovery.receipts);
}

#[test]
fn the_bytes_of_the_receipts_are_told_of_a_log_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(ReceiptLog::entry_bytes(folder.path()), Err(LogError::Io { .. })), "there is no log");
    let (mut log, _) = open(folder.path(), SMALL);
    log.append(&receipts(0..700)).unwrap();
    log.sync().unwrap();
    assert_eq!(ReceiptLog::entry_bytes(folder.path()).unwrap(), 700 * SLOT as u64);
}

#[test]
fn the_end_of_a_segment_confirms_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path(), SMALL);
    log.append(&receipts(0..1_300)).unwrap();
    assert_eq!((log.size(), log.confirmed()), (1_300, 1_024));
}

/// The last segment ends at every possible byte.
#[test]
fn a_torn_write_loses_only_what_is_torn() {
    let whole = log_of(&[254, 2, 1, 2], HEADLESS);
    let path = segment(whole.path(), 1);
    let length = fs::read(&path).unwrap().len();
    for cut in (0..=length).step_by(7).chain([HEADER, HEADER + SLOT, length]) {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        change(&segment(folder.path(), 1), |bytes| bytes.truncate(cut));
        let (mut log, recovery) = open(folder.path(), HEADLESS);
        let slots = cut.saturating_sub(HEADER) / SLOT;
        assert_eq!(recovery.receipts, 256 + slots as u64, "cut at {cut}");
        log.append(&receipts(log.size()..log.size() + 2)).unwrap();
        log.sync().unwrap();
        drop(log);
        check(&open(folder.path(), HEADLESS).0, 258 + slots as u64);
    }
}

#[test]
fn a_hole_in_the_last_group_ends_the_log_and_later_segments_go() {
    // The group of 400 spans two segments; nobody knows that any of its second part was confirmed.
    let whole = log_of(&[100, 400], HEADLESS);
    let folder = tempfile::tempdir().unwrap();
    copy(whole.path(), folder.path());
    change(&segment(folder.path(), 1), |bytes| bytes[HEADER + 10 * SLOT..][..100].fill(0));
    let (log, recovery) = open(folder.path(), HEADLESS);
    assert_eq!(recovery, Recovery { receipts: 266, dropped_bytes: (234 * SLOT) as u64 });
    check(&log, 266);
}

/// Power fails: what was not synced is gone or garbage, whichever files it is in. Tiles behind the head were not synced, nor was what follows the last group.
#[test]
fn a_power_failure_loses_nothing_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path(), SMALL);
    let mut size = 0;
    for group in [700, 900, 300, 1_200, 250] {
        log.append(&receipts(size..size + group)).unwrap();
        log.sync().unwrap();
        size += group;
        // A tile that the last head vouches for was synced; what came later may be anything.
        for damage in [None, Some(0), Some(100)] {
            let crashed = tempfile::tempdir().unwrap();
            copy(folder.path(), crashed.path());
            let safe = head_tiles(crashed.path()) as usize * 8192;
            change(&crashed.path().join("leaves/0000000000"), |bytes| match damage {
                None => bytes.truncate(safe),
                Some(0) => bytes[safe..].fill(0),
                Some(_) => bytes[safe..].fill(0xee),
            });
            let last = segment(crashed.path(), size / 512);
            change(&last, |bytes| bytes.extend_from_slice(&vec![0; 5 * SLOT + 3]));
            let (log, recovery) = open(crashed.path(), SMALL);
            assert_eq!(recovery, Recovery { receipts: size, dropped_bytes: 5 * SLOT as u64 + 3 });
            check(&log, size);
        }
    }
}

/// Full tiles of leaves below the head: SCALE, behind the magic and the digest: job, segment length, start, then the state, which begins with the size.
fn head_tiles(root: &Path) -> u64 {
    let Ok(bytes) = fs::read(root.join("head")) else { return 0 };
    let state = &bytes[16 + 32 + 24..];
    // The length of the state is a compact number of one, two or four bytes.
    let skip = [1, 2, 4][usize::from(state[0] & 3)];
    u64::from_le_bytes(state[skip..skip + 8].try_into().unwrap()) / 256
}

mod open {
    use super::*;

    fn refused(root: &Path, options: LogOptions) -> LogError {
        ReceiptLog::open(root, JOB, options).unwrap_err()
    }

    #[test]
    fn fails_when_a_confirmed_receipt_behind_the_head_is_damaged() {
        let whole = log_of(&[250, 3, 10, 1], HEADLESS);
        for (number, slot) in [(0, 0), (0, 252), (0, 255), (1, 0), (1, 6)] {
            for at in [0, 100, 259, 260, 268, 275] {
                let folder = tempfile::tempdir().unwrap();
                copy(whole.path(), folder.path());
                change(&segment(folder.path(), number), |bytes| bytes[HEADER + slot * SLOT + at] ^= 0x10);
                let error = refused(folder.path(), HEADLESS);
                let expected = number * 256 + slot as u64;
                assert!(matches!(error, LogError::Corrupt { index, .. } if index == expected), "{number} {slot} {at}: {error}");
            }
        }
    }

    /// One whole slot of the last group suffices to know.
    #[test]
    fn fails_when_whole_groups_are_damaged() {
        for (groups, damaged) in [(&[2, 2, 1][..], 1..4), (&[1, 1, 1, 1], 1..3), (&[3, 2], 0..4)] {
            let folder = log_of(groups, HEADLESS);
            change(&segment(folder.path(), 0), |bytes| bytes[HEADER + damaged.start * SLOT..HEADER + damaged.end * SLOT].fill(0xee));
            let error = refused(folder.path(), HEADLESS);
            assert!(matches!(error, LogError::Corrupt { index, .. } if index == damaged.start as u64), "{groups:?}: {error}");
        }
    }

    #[test]
    fn fails_when_confirmed_receipts_change_places() {
        let folder = log_of(&[1, 1, 1], HEADLESS);
        change(&segment(folder.path(), 0), |bytes| {
            let (first, second) = bytes[HEADER..HEADER + 2 * SLOT].split_at_mut(SLOT);
            first.swap_with_slice(second);
        });
        assert!(matches!(refused(folder.path(), HEADLESS), LogError::Corrupt { index: 0, .. }));
    }

    #[test]
    fn fails_when_a_segment_is_missing_or_short() {
        let whole = log_of(&[600, 600, 600, 600], SMALL);
        for number in [0, 1, 2, 3] {
            let folder = tempfile::tempdir().unwrap();
            copy(whole.path(), folder.path());
            fs::remove_file(segment(folder.path(), number)).unwrap();
            let error = refused(folder.path(), SMALL);
            assert!(matches!(error, LogError::Corrupt { index, .. } if index / 512 == number), "{number}: {error}");
        }
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        change(&segment(folder.path(), 3), |bytes| bytes.truncate(HEADER + SLOT));
        let error = refused(folder.path(), SMALL);
        assert!(matches!(error, LogError::Corrupt { index, .. } if index / 512 == 3), "{error}");
    }

    #[test]
    fn fails_when_the_head_is_damaged_at_any_byte() {
        let whole = log_of(&[2_000], SMALL);
        let head = whole.path().join("head");
        let length = fs::read(&head).unwrap().len();
        for at in (16..length).step_by(29) {
            change(&head, |bytes| bytes[at] ^= 1);
            assert!(matches!(refused(whole.path(), SMALL), LogError::HeadDamaged(_)), "{at}");
            change(&head, |bytes| bytes[at] ^= 1);
        }
        change(&head, |bytes| bytes.truncate(60));
        assert!(matches!(refused(whole.path(), SMALL), LogError::HeadDamaged(_)));
        // As the error says: with all entries there, it is made again.
        fs::remove_file(&head).unwrap();
        check(&open(whole.path(), SMALL).0, 2_000);
    }

    #[test]
    fn fails_for_another_jobs_log_and_another_kind_of_file() {
        let whole = log_of(&[2_000], SMALL);
        let error = ReceiptLog::open(whole.path(), JobId(43), SMALL).unwrap_err();
        assert!(matches!(error, LogError::OtherJob { expected: JobId(43), found: JOB, .. }), "{error}");
        fs::write(whole.path().join("head"), b"a letter").unwrap();
        assert!(matches!(refused(whole.path(), SMALL), LogError::NotALog(_)));
        let whole = log_of(&[2], HEADLESS);
        let error = ReceiptLog::open(whole.path(), JobId(43), HEADLESS).unwrap_err();
        assert!(matches!(error, LogError::OtherJob { expected: JobId(43), found: JOB, .. }), "{error}");
        change(&segment(whole.path(), 0), |bytes| bytes[0] ^= 1);
        assert!(matches!(refused(whole.path(), HEADLESS), LogError::NotALog(_)));
        change(&segment(whole.path(), 0), |bytes| (bytes[0], bytes[24]) = (b'b', 1));
        assert!(matches!(refused(whole.path(), HEADLESS), LogError::NotALog(_)));
    }

    #[test]
    fn fails_while_another_has_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = open(folder.path(), SMALL);
        assert!(matches!(refused(folder.path(), SMALL), LogError::InUse(_)));
        drop(first);
        open(folder.path(), SMALL);
    }

    #[test]
    fn fails_for_segments_of_another_length() {
        let folder = log_of(&[2_000], SMALL);
        for segment in [0, 100, 257] {
            assert!(matches!(refused(folder.path(), LogOptions { segment, ..SMALL }), LogError::Io { .. }));
        }
        assert!(matches!(refused(folder.path(), LogOptions { segment: 256, ..SMALL }), LogError::Io { .. }));
    }
}

mod append {
    use super::*;

    #[test]
    fn fails_for_any_wrong_receipt_and_takes_none_of_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(folder.path(), SMALL);
        log.append(&receipts(0..2)).unwrap();
        let with = |wrong| [receipts(2..4), vec![wrong]].concat();
        let error = log.append(&with(Receipt { seq: 5, ..receipt(4) })).unwrap_err();
        assert!(matches!(error, LogError::OutOfSequence { expected: 4, found: 5 }));
        let error = log.append(&with(Receipt { job: JobId(1), ..receipt(4) })).unwrap_err();
        assert!(matches!(error, LogError::ForeignReceipt { expected: JOB, found: JobId(1) }));
        let error = log.append(&with(Receipt { version: 2, ..receipt(4) })).unwrap_err();
        assert!(matches!(error, LogError::Version { found: 2 }));
        log.sync().unwrap();
        check(&log, 2);
    }
}

mod reading {
    use super::*;

    #[test]
    fn fails_when_an_entry_before_the_head_is_damaged_and_says_where() {
        let folder = log_of(&[2_000], SMALL);
        change(&segment(folder.path(), 1), |bytes| bytes[HEADER + 88 * SLOT + 3] ^= 1);
        let (log, _) = open(folder.path(), SMALL);
        let error = log.receipts(512, 256).unwrap_err();
        assert!(matches!(error, LogError::Tiles(TileError::Damaged { damage: Damage::Entry { index: 600 }, .. })), "{error}");
        assert_eq!(log.receipts(0, 512).unwrap(), receipts(0..512));
        assert!(log.tree().inclusion_proof(600, 2_000).is_ok(), "proofs need no entries");
    }

    #[test]
    fn a_damaged_tile_is_named_and_made_again_from_the_segments() {
        let folder = log_of(&[2_000], SMALL);
        let path = folder.path().join("leaves/0000000000");
        let whole = fs::read(&path).unwrap();
        let damages: [fn(&mut Vec<u8>); 3] =
            [|bytes| bytes[3 * 8192] ^= 1, |bytes| bytes[4 * 8192 - 1] ^= 1, |bytes| bytes[3 * 8192..][..8192].fill(0)];
        for damage in damages {
            change(&path, damage);
            let (log, _) = open(folder.path(), SMALL);
            let error = log.tree().inclusion_proof(800, 2_000).unwrap_err();
            assert!(matches!(error, TileError::Damaged { tile, .. } if tile.to_string() == "tile/0/003"), "{error}");
            assert!(log.tree().inclusion_proof(700, 2_000).is_ok());
            log.tree().rebuild(0, 3).unwrap();
            assert!(fs::read(&path).unwrap() == whole);
            check(&log, 2_000);
        }
    }

    #[test]
    fn a_mirror_has_every_tile_and_bundle_and_follows() {
        let folder = log_of(&[300], SMALL);
        let mirrored = tempfile::tempdir().unwrap();
        let to = Directory::open(mirrored.path(), Flush::EachWrite).unwrap();
        let (mut log, _) = open(folder.path(), SMALL);
        let mut size = mirror(&log.tree(), 0, &to).unwrap();
        assert!(mirrored.path().join("tile/0/001.p/44").exists());
        for (end, before, now) in [(310, 44, 54), (1_500, 54, 220)] {
            log.append(&receipts(log.size()..end)).unwrap();
            log.sync().unwrap();
            size = mirror(&log.tree(), size, &to).unwrap();
            assert_eq!(mirror(&log.tree(), size, &to).unwrap(), end);
            // Who holds the older state still finds its hashes; entries are where the newer state has them.
            let (there, last) = (|path: String| mirrored.path().join(path).exists(), end / 256);
            assert_eq!(there(format!("tile/0/001.p/{before}")), end == 310, "a full tile stands in for every partial one");
            assert!(!there(format!("tile/entries/001.p/{before}")));
            assert!(there(format!("tile/0/{last:03}.p/{now}")) && there(format!("tile/entries/{last:03}.p/{now}")));
        }
        // Nothing but the mirror and the frontier is needed.
        let tree = TileTree::new(&to, log.tree().frontier().clone());
        tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
        assert_eq!(tree.entry(1_234).unwrap(), receipt_bytes(&receipt(1_234)));
        assert_eq!(tree.inclusion_proof(1_234, 1_500).unwrap(), expected_tree(1_500).inclusion_proof(1_234, 1_500).unwrap());
    }

    #[test]
    fn fails_to_mirror_what_is_damaged() {
        let folder = log_of(&[2_000], SMALL);
        change(&segment(folder.path(), 1), |bytes| bytes[HEADER + 88 * SLOT + 3] ^= 1);
        let mirrored = tempfile::tempdir().unwrap();
        let to = Directory::open(mirrored.path(), Flush::Together).unwrap();
        let (log, _) = open(folder.path(), SMALL);
        let error = mirror(&log.tree(), 0, &to).unwrap_err();
        assert!(matches!(error, TileError::Damaged { damage: Damage::Entry { index: 600 }, .. }), "{error}");
    }

    #[test]
    fn pruned_receipts_are_gone_and_their_proofs_hold() {
        let folder = log_of(&[3_000], SMALL);
        let (mut log, _) = open(folder.path(), SMALL);
        assert_eq!(log.prune(3_000).unwrap(), 0);
        assert_eq!(log.prune(1_000).unwrap(), 1_536);
        assert_eq!(log.prune(2_000).unwrap(), 1_536);
        assert!(!segment(folder.path(), 2).exists() && segment(folder.path(), 3).exists());
        for _ in 0..2 {
            check(&log, 3_000);
            assert!(matches!(log.receipts(1_535, 1), Err(LogError::Pruned { index: 1_535, from: 1_536 })));
            assert!(matches!(log.tree().entry(1_535), Err(TileError::Pruned { index: 1_535, from: 1_536 })));
            drop(log);
            (log, _) = open(folder.path(), SMALL);
        }
    }

    #[test]
    fn fails_to_write_or_delete_entries_as_if_they_were_tiles() {
        let folder = log_of(&[300], SMALL);
        let (log, _) = open(folder.path(), SMALL);
        let tree = log.tree();
        let store = tree.store();
        for path in ["tile/entries/000", "tile/entries-from", "head", "segments/0000000000"] {
            assert_eq!(store.write(path, b"").unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
            assert_eq!(store.delete(path).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        }
    }
}
