//! The durable log: what survives a crash, what is refused, what goes where.

use crate::common::{JOB, receipt};
use blockcloud_primitives::{JobId, Receipt};
use blockcloud_receipt_log::{LogError, ReceiptLog, Recovery, Tree, receipt_bytes, receipt_hash};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const HEADER: usize = 24;
const SLOT: usize = Receipt::ENCODED_LEN + 16;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    (folder, path)
}

fn open(path: &Path) -> (ReceiptLog, Recovery) {
    ReceiptLog::open(path, JOB).unwrap()
}

fn append(log: &mut ReceiptLog, count: u64) {
    for seq in log.size()..log.size() + count {
        assert_eq!(log.append(&receipt(seq)).unwrap(), receipt_hash(&receipt(seq)));
    }
}

/// The bytes of a log whose receipts were synced in groups of these sizes.
fn file_of(groups: &[u64]) -> Vec<u8> {
    let (_folder, path) = folder();
    let (mut log, _) = open(&path);
    for group in groups {
        append(&mut log, *group);
        log.sync().unwrap();
    }
    fs::read(&path).unwrap()
}

fn expected_tree(size: u64) -> Tree {
    (0..size).map(|seq| receipt_hash(&receipt(seq))).collect()
}

/// Everything of a log with this many receipts is as it should be.
fn check(log: &ReceiptLog, size: u64) {
    assert_eq!(log.size(), size);
    assert_eq!(log.tree(), &expected_tree(size));
    let receipts: Vec<Receipt> = (0..size).map(receipt).collect();
    assert_eq!(log.receipts(0, usize::MAX).unwrap(), receipts);
}

#[test]
fn synced_receipts_are_there_again() {
    let (_folder, path) = folder();
    let (mut log, recovery) = open(&path);
    assert_eq!(recovery, Recovery::default());
    assert_eq!((log.job(), log.size(), log.confirmed()), (JOB, 0, 0));
    append(&mut log, 3);
    assert_eq!((log.size(), log.confirmed()), (3, 0));
    log.sync().unwrap();
    append(&mut log, 4);
    log.sync().unwrap();
    log.sync().unwrap();
    assert_eq!((log.size(), log.confirmed()), (7, 7));
    drop(log);

    let (mut log, recovery) = open(&path);
    assert_eq!(recovery, Recovery { receipts: 7, dropped_bytes: 0 });
    check(&log, 7);
    append(&mut log, 1);
    log.sync().unwrap();
    drop(log);
    check(&open(&path).0, 8);
}

#[test]
fn the_file_is_laid_out_as_documented() {
    let file = file_of(&[2, 2]);
    assert_eq!(file[..HEADER], [&b"blockcloud/log/1"[..], &JOB.0.to_le_bytes()].concat());
    for (seq, slot) in (0..).zip(file[HEADER..].chunks(SLOT)) {
        let leaf = u64::from_le_bytes(receipt_hash(&receipt(seq))[..8].try_into().unwrap());
        // The second group was begun when two receipts were confirmed.
        let confirmed: u64 = if seq < 2 { 0 } else { 2 };
        let check = leaf ^ confirmed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert_eq!(slot, [&receipt_bytes(&receipt(seq))[..], &confirmed.to_le_bytes(), &check.to_le_bytes()].concat());
    }
    assert_eq!(file.len(), HEADER + 4 * SLOT);
}

#[test]
fn receipts_are_read_in_pages_from_file_and_memory() {
    let (_folder, path) = folder();
    let (mut log, _) = open(&path);
    append(&mut log, 3);
    log.sync().unwrap();
    append(&mut log, 3);
    let expected = |range: std::ops::Range<u64>| range.map(receipt).collect::<Vec<_>>();
    assert_eq!(log.receipts(0, 2).unwrap(), expected(0..2));
    assert_eq!(log.receipts(2, 3).unwrap(), expected(2..5));
    assert_eq!(log.receipts(5, 100).unwrap(), expected(5..6));
    assert_eq!(log.receipts(6, 1).unwrap(), []);
    assert_eq!(log.receipts(u64::MAX, usize::MAX).unwrap(), []);
    assert_eq!(log.encoded(1, 2).unwrap(), [receipt_bytes(&receipt(1)), receipt_bytes(&receipt(2))].concat());
}

#[test]
fn what_was_not_synced_is_not_there() {
    let (_folder, path) = folder();
    let (mut log, _) = open(&path);
    append(&mut log, 2);
    log.sync().unwrap();
    append(&mut log, 5);
    drop(log);
    let (log, recovery) = open(&path);
    assert_eq!(recovery, Recovery { receipts: 2, dropped_bytes: 0 });
    check(&log, 2);
}

#[test]
fn more_than_fits_in_memory_is_written_before_the_sync_but_not_confirmed() {
    let (_folder, path) = folder();
    let (mut log, _) = open(&path);
    let many = (1 << 20) / SLOT as u64 + 10;
    append(&mut log, many);
    assert_eq!(log.confirmed(), 0);
    check(&log, many);
    drop(log);

    let (mut log, recovery) = open(&path);
    assert!(recovery.receipts > many - 20 && recovery.receipts < many, "{recovery:?}");
    assert_eq!(log.confirmed(), recovery.receipts);
    check(&log, recovery.receipts);
    append(&mut log, 1);
    log.sync().unwrap();
    drop(log);
    check(&open(&path).0, recovery.receipts + 1);
}

mod a_torn_write {
    use super::*;

    /// The file ends at every possible byte.
    #[test]
    fn that_ends_anywhere_loses_only_what_is_torn() {
        let groups = [1, 3, 2];
        let whole = file_of(&groups);
        let (_folder, path) = folder();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut log, recovery) = open(&path);
            let slots = cut.saturating_sub(HEADER) / SLOT;
            let dropped = if cut <= HEADER { 0 } else { (cut - HEADER) % SLOT };
            assert_eq!(recovery, Recovery { receipts: slots as u64, dropped_bytes: dropped as u64 }, "cut at {cut}");
            check(&log, slots as u64);
            if cut % 41 == 0 {
                append(&mut log, 2);
                log.sync().unwrap();
                drop(log);
                let (log, recovery) = open(&path);
                assert_eq!(recovery, Recovery { receipts: slots as u64 + 2, dropped_bytes: 0 });
                check(&log, slots as u64 + 2);
            }
        }
    }

    /// The file has its full length, but from some byte on the disk holds zeros.
    #[test]
    fn that_left_zeros_loses_only_what_is_torn() {
        let whole = file_of(&[2, 3]);
        let (_folder, path) = folder();
        let confirmed_end = HEADER + 2 * SLOT;
        for cut in (confirmed_end..whole.len()).step_by(7) {
            let mut file = whole.clone();
            file[cut..].fill(0);
            fs::write(&path, &file).unwrap();
            let (log, _) = open(&path);
            // Check bytes that happen to end in zeros may survive their own loss.
            assert!(log.size() as usize >= (cut - HEADER) / SLOT && log.size() < 5, "cut at {cut}");
            check(&log, log.size());
        }
    }

    /// Pages reach the disk in any order: a hole, and whole slots of the same group behind it.
    #[test]
    fn with_a_hole_ends_at_the_hole() {
        for hole in [2, 3, 4] {
            let mut file = file_of(&[2, 3]);
            file[HEADER + hole * SLOT..][..100].fill(0);
            let (_folder, path) = folder();
            fs::write(&path, &file).unwrap();
            let (log, recovery) = open(&path);
            assert_eq!(recovery, Recovery { receipts: hole as u64, dropped_bytes: ((5 - hole) * SLOT) as u64 });
            check(&log, hole as u64);
        }
    }

    #[test]
    fn of_the_header_begins_the_log_anew() {
        let (_folder, path) = folder();
        fs::write(&path, [0; HEADER]).unwrap();
        let (log, recovery) = open(&path);
        assert_eq!(recovery, Recovery::default());
        check(&log, 0);
        drop(log);
        check(&open(&path).0, 0);
    }
}

mod open {
    use super::*;

    fn refused(file: &[u8]) -> LogError {
        let (_folder, path) = folder();
        fs::write(&path, file).unwrap();
        let error = ReceiptLog::open(&path, JOB).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), file, "a refused file is left as it is");
        error
    }

    /// One changed bit at every byte of every group that another one follows, whatever the groups' sizes.
    #[test]
    fn fails_when_a_confirmed_receipt_is_damaged() {
        for groups in [&[2, 2, 1][..], &[1, 1, 1], &[2, 3]] {
            let whole = file_of(groups);
            let confirmed = groups[..groups.len() - 1].iter().sum::<u64>() as usize;
            for at in HEADER..HEADER + confirmed * SLOT {
                let mut file = whole.clone();
                file[at] ^= 0x10;
                let slot = (at - HEADER) / SLOT;
                match refused(&file) {
                    LogError::Corrupt { index, offset, .. } => {
                        assert_eq!((index, offset), (slot as u64, (HEADER + slot * SLOT) as u64));
                    }
                    other => panic!("byte {at}: {other}"),
                }
            }
        }
    }

    /// One whole slot of the last group suffices to know.
    #[test]
    fn fails_when_whole_groups_are_damaged() {
        for (groups, damaged) in [(&[2, 2, 1][..], 1..4), (&[1, 1, 1, 1], 1..3), (&[3, 2], 0..4)] {
            let mut file = file_of(groups);
            file[HEADER + damaged.start * SLOT..HEADER + damaged.end * SLOT].fill(0xee);
            let error = refused(&file);
            assert!(matches!(error, LogError::Corrupt { index, .. } if index == damaged.start as u64), "{groups:?}: {error}");
        }
    }

    #[test]
    fn fails_when_confirmed_receipts_change_places() {
        let mut file = file_of(&[1, 1, 1]);
        let (first, second) = file[HEADER..HEADER + 2 * SLOT].split_at_mut(SLOT);
        first.swap_with_slice(second);
        assert!(matches!(refused(&file), LogError::Corrupt { index: 0, .. }));
    }

    #[test]
    fn fails_when_a_confirmed_receipt_is_missing() {
        let mut file = file_of(&[1, 1, 1]);
        file.drain(HEADER..HEADER + SLOT);
        assert!(matches!(refused(&file), LogError::Corrupt { index: 0, .. }));
        let mut file = file_of(&[1, 1, 1]);
        file[HEADER..HEADER + SLOT].fill(0);
        assert!(matches!(refused(&file), LogError::Corrupt { index: 0, .. }));
    }

    #[test]
    fn fails_for_another_jobs_log() {
        let (_folder, path) = folder();
        drop(open(&path));
        let error = ReceiptLog::open(&path, JobId(43)).unwrap_err();
        assert!(matches!(error, LogError::OtherJob { expected: JobId(43), found: JOB, .. }), "{error}");
    }

    #[test]
    fn fails_for_another_kind_of_file() {
        assert!(matches!(refused(b"a letter"), LogError::NotALog(_)));
        assert!(matches!(refused(&[b'x'; 500]), LogError::NotALog(_)));
        assert!(matches!(refused(&[0; 500]), LogError::NotALog(_)));
        let mut file = file_of(&[1]);
        file[3] ^= 1;
        assert!(matches!(refused(&file), LogError::NotALog(_)));
    }

    #[test]
    fn fails_while_another_has_it_open() {
        let (_folder, path) = folder();
        let (first, _) = open(&path);
        assert!(matches!(ReceiptLog::open(&path, JOB), Err(LogError::InUse(_))));
        drop(first);
        check(&open(&path).0, 0);
    }

    #[test]
    fn fails_without_a_folder() {
        let (folder, _) = folder();
        let error = ReceiptLog::open(folder.path().join("missing/log"), JOB).unwrap_err();
        assert!(matches!(error, LogError::Io { .. }), "{error}");
    }
}

mod append {
    use super::*;

    fn refused(receipt: &Receipt) -> LogError {
        let (_folder, path) = folder();
        let (mut log, _) = open(&path);
        append(&mut log, 2);
        let error = log.append(receipt).unwrap_err();
        check(&log, 2);
        error
    }

    #[test]
    fn fails_out_of_sequence() {
        for found in [0, 1, 3, u64::MAX] {
            let receipt = Receipt { seq: found, ..receipt(2) };
            let error = refused(&receipt);
            assert!(matches!(error, LogError::OutOfSequence { expected: 2, found: given } if given == found), "{error}");
        }
    }

    #[test]
    fn fails_for_another_job() {
        let error = refused(&Receipt { job: JobId(1), ..receipt(2) });
        assert!(matches!(error, LogError::ForeignReceipt { expected: JOB, found: JobId(1) }), "{error}");
    }

    #[test]
    fn fails_for_another_version() {
        assert!(matches!(refused(&Receipt { version: 2, ..receipt(2) }), LogError::Version { found: 2 }));
    }
}

#[test]
fn reading_notices_a_file_that_changed_under_it() {
    let (_folder, path) = folder();
    let (mut log, _) = open(&path);
    append(&mut log, 3);
    log.sync().unwrap();
    let mut file = fs::read(&path).unwrap();
    file[HEADER + SLOT + 100] ^= 1;
    fs::write(&path, &file).unwrap();
    assert_eq!(log.receipts(0, 1).unwrap(), [receipt(0)]);
    assert!(matches!(log.receipts(0, 3), Err(LogError::Corrupt { index: 1, .. })));
}
