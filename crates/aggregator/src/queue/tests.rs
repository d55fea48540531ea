//! What survives, what is cut off, what is named.

use super::*;
use blockcloud_primitives::{Checkpoint, Digest, JobId, Signature, Usage};
use tempfile::TempDir;

fn record(number: u64) -> Record {
    let checkpoint = Checkpoint {
        version: 1,
        job: JobId(number),
        size: number,
        root: Digest::ZERO,
        time: number,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    };
    Record::Checkpoint { slot: 1, key: PublicKey([1; 32]), entry: SlotEntry::new(checkpoint, Signature([2; 64])) }
}

fn open(folder: &TempDir, since: u64) -> Result<(Queue, Recovery), QueueError> {
    Queue::open(folder.path().join("queue"), since, 1 << 20)
}

fn found(folder: &TempDir, since: u64) -> Vec<Record> {
    open(folder, since).unwrap().1.records.into_iter().map(|(_, record)| record).collect()
}

fn file(folder: &TempDir, number: u64) -> PathBuf {
    path_of(&folder.path().join("queue"), number)
}

/// Three blocks of two records.
fn filled() -> (TempDir, Vec<Record>, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(&folder, 0).unwrap();
    let mut ends = vec![queue.bytes()];
    for block in 0..3 {
        queue.commit(&[record(block * 2), record(block * 2 + 1)], || ()).unwrap();
        ends.push(queue.bytes());
    }
    (folder, (0..6).map(record).collect(), ends)
}

#[test]
fn what_was_committed_is_there_again() {
    let (folder, records, _) = filled();
    assert_eq!(found(&folder, 0), records);
    // And can be gone on with.
    let (mut queue, _) = open(&folder, 0).unwrap();
    queue.commit(&[record(6)], || ()).unwrap();
    drop(queue);
    assert_eq!(found(&folder, 0), (0..7).map(record).collect::<Vec<_>>());
}

#[test]
fn a_file_that_ends_anywhere_loses_only_what_is_torn() {
    let (folder, records, ends) = filled();
    let good = fs::read(file(&folder, 0)).unwrap();
    for length in FILE_HEADER as u64..*ends.last().unwrap() {
        fs::write(file(&folder, 0), &good[..usize::try_from(length).unwrap()]).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count() - 1;
        let (_, recovery) = open(&folder, 0).unwrap();
        assert_eq!(recovery.records.len(), whole * 2, "{length}");
        assert_eq!(recovery.dropped_bytes, length - ends[whole]);
        assert!(recovery.records.iter().map(|(_, record)| record).eq(&records[..whole * 2]));
    }
}

#[test]
fn any_byte_that_is_damaged_before_a_whole_block_is_named() {
    let (folder, _, ends) = filled();
    let good = fs::read(file(&folder, 0)).unwrap();
    for at in FILE_HEADER..usize::try_from(ends[2]).unwrap() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(file(&folder, 0), &bad).unwrap();
        let block = ends.iter().rev().find(|end| **end <= at as u64).unwrap();
        assert!(matches!(open(&folder, 0), Err(QueueError::Damaged { offset, .. }) if offset == *block), "{at}");
        assert_eq!(fs::read(file(&folder, 0)).unwrap(), bad, "it is left as it is");
    }
}

#[test]
fn a_last_block_whose_bytes_did_not_all_arrive_is_cut_off() {
    let (folder, records, ends) = filled();
    let good = fs::read(file(&folder, 0)).unwrap();
    for at in [ends[2], ends[2] + 5, ends[2] + 30, ends[3] - 1] {
        let mut torn = good.clone();
        torn[usize::try_from(at).unwrap()] ^= 1;
        fs::write(file(&folder, 0), &torn).unwrap();
        assert_eq!(found(&folder, 0), records[..4]);
    }
}

#[test]
fn files_follow_each_other_and_damage_in_an_earlier_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue");
    let (mut queue, _) = Queue::open(path.clone(), 0, 300).unwrap();
    for number in 0..6 {
        queue.commit(&[record(number)], || ()).unwrap();
    }
    drop(queue);
    assert!(file(&folder, 2).exists());
    assert_eq!(found(&folder, 0), (0..6).map(record).collect::<Vec<_>>());
    // An earlier file that ends too soon was not torn: others follow it.
    let length = fs::metadata(file(&folder, 1)).unwrap().len();
    OpenOptions::new().write(true).open(file(&folder, 1)).unwrap().set_len(length - 1).unwrap();
    assert!(matches!(open(&folder, 0), Err(QueueError::Damaged { path, .. }) if path == file(&folder, 1)));
    fs::remove_file(file(&folder, 1)).unwrap();
    assert!(matches!(open(&folder, 0), Err(QueueError::Missing(path)) if path == file(&folder, 1)));
}

#[test]
fn a_last_file_that_was_only_begun_is_no_damage_and_something_else_is_left_alone() {
    let (folder, records, _) = filled();
    for begun in [&b""[..], &FILE_MAGIC[..7], &[0; 32]] {
        fs::write(file(&folder, 1), begun).unwrap();
        assert_eq!(found(&folder, 0), records);
        assert!(!file(&folder, 1).exists());
    }
    fs::write(file(&folder, 1), "somebody's notes").unwrap();
    assert!(matches!(open(&folder, 0), Err(QueueError::NotAQueue(_))));
    assert!(file(&folder, 1).exists());
    // A file under another number is not its own.
    fs::copy(file(&folder, 0), file(&folder, 1)).unwrap();
    assert!(matches!(open(&folder, 0), Err(QueueError::Damaged { offset: 16, .. })));
}

#[test]
fn records_of_finished_rounds_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(&folder, 0).unwrap();
    queue.commit(&[record(0)], || ()).unwrap();
    queue.commit(&[Record::Cut { round: 1 }, record(1)], || ()).unwrap();
    drop(queue);
    assert_eq!(found(&folder, 1), [record(1)]);
    assert_eq!(found(&folder, 2), []);
}

#[test]
fn what_was_meant_for_a_round_that_was_cut_and_not_finished_is_in_no_later_one_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(&folder, 0).unwrap();
    queue.commit(&[record(0)], || ()).unwrap();
    queue.commit(&[Record::Cut { round: 1 }, record(1)], || ()).unwrap();
    drop(queue);
    // A crash before round 0 was finished: all of it goes into round 0.
    let (mut queue, recovery) = open(&folder, 0).unwrap();
    assert_eq!(recovery.records.len(), 2);
    queue.commit(&[record(2)], || ()).unwrap();
    drop(queue);
    assert_eq!(found(&folder, 0), [record(0), record(1), record(2)]);
    // Round 0 was finished by then: nothing is left for round 1.
    assert_eq!(found(&folder, 1), []);
    let (mut queue, _) = open(&folder, 1).unwrap();
    queue.commit(&[record(3)], || ()).unwrap();
    drop(queue);
    assert_eq!(found(&folder, 1), [record(3)]);
}

#[test]
fn only_files_of_finished_rounds_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = Queue::open(folder.path().join("queue"), 0, 300).unwrap();
    for round in 0..5 {
        queue.commit(&[Record::Cut { round }, record(round)], || ()).unwrap();
        queue.commit(&[record(round + 100)], || ()).unwrap();
    }
    queue.prune(2).unwrap();
    drop(queue);
    let kept = found(&folder, 3);
    assert_eq!(kept, [3, 103, 4, 104].map(record));
    assert!(!file(&folder, 0).exists());
}

#[test]
fn a_block_that_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut queue, _) = open(&folder, 0).unwrap();
    let many = vec![record(1); MAX_BLOCK / 200];
    assert!(matches!(queue.commit(&many, || ()), Err(QueueError::TooLarge(_))));
    queue.commit(&[record(2)], || ()).unwrap();
}
