//! Files of rounds: whole, damaged, pruned.

use super::*;
use crate::{SignedRound, state::SlotRecord};
use blockcloud_primitives::{AggregatorId, Checkpoint, JobId, PublicKey, Round, Signature, Usage};
use tempfile::TempDir;

const WHOLE: Part = Part { base: 0, height: 4 };

fn snapshot(number: u64) -> Snapshot {
    let checkpoint = Checkpoint {
        version: 1,
        job: JobId(1),
        size: number + 1,
        root: Digest::ZERO,
        time: number,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    };
    let entry = Some(SlotEntry::new(checkpoint, Signature([1; 64])));
    let slot = SlotRecord { slot: 3, job: JobId(1), key: PublicKey([1; 32]), registered: true, entry, counted: number + 1 };
    Snapshot { slots: vec![slot, SlotRecord { slot: 9, registered: false, ..slot }], parts: vec![] }
}

fn statement(number: u64) -> Statement {
    let root = Digest(tree(WHOLE, &snapshot(number)).unwrap().root());
    let round = Round { version: 1, aggregator: AggregatorId(1), number, root, filled: 1, receipts: 1, time: number };
    Statement::Round(SignedRound { round, signature: Signature([5; 64]) })
}

fn filled(rounds: u64) -> (TempDir, Rounds) {
    let folder = tempfile::tempdir().unwrap();
    let (made, newest) = Rounds::open(folder.path().join("rounds"), WHOLE).unwrap();
    assert!(newest.is_none());
    for number in 0..rounds {
        made.prepare(&statement(number), &snapshot(number)).unwrap();
        made.finish(&statement(number)).unwrap();
        made.publish(statement(number), snapshot(number), tree(WHOLE, &snapshot(number)).unwrap());
    }
    (folder, made)
}

fn again(folder: &TempDir) -> Result<(Rounds, Option<Arc<Loaded>>), RoundsError> {
    Rounds::open(folder.path().join("rounds"), WHOLE)
}

#[test]
fn a_finished_round_is_there_again_and_a_prepared_one_is_not() {
    let (folder, rounds) = filled(3);
    rounds.prepare(&statement(3), &snapshot(3)).unwrap();
    drop(rounds);
    let (rounds, newest) = again(&folder).unwrap();
    let newest = newest.unwrap();
    assert_eq!((newest.statement, &newest.snapshot), (statement(2), &snapshot(2)));
    assert_eq!(rounds.statement(3), None);
    assert_eq!(rounds.statements(1, 9), [statement(1), statement(2)]);
    assert_eq!(std::fs::read_dir(folder.path().join("rounds")).unwrap().count(), 3);
}

#[test]
fn slots_are_proved_filled_or_empty_and_unregistered_ones_are_empty() {
    let (_folder, rounds) = filled(1);
    let loaded = rounds.load(0).unwrap();
    for slot in 0..16 {
        let (entry, path) = loaded.slot(slot).unwrap();
        assert_eq!(entry.is_some(), slot == 3);
        let path: Vec<_> = path.iter().map(|digest| digest.0).collect();
        blockcloud_receipt_log::verify_slot(&statement(0).root().0, 4, slot, entry.as_ref(), &path).unwrap();
    }
    assert!(loaded.slot(16).is_none());
    assert!(loaded.part(Part { base: 0, height: 2 }).is_none());
}

#[test]
fn a_newest_round_that_is_damaged_is_named_wherever_that_is() {
    let (folder, _) = filled(2);
    let path = path_of(&folder.path().join("rounds"), 1);
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(again(&folder), Err(RoundsError::Damaged(named)) if named == path), "{at}");
    }
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert!(matches!(again(&folder), Err(RoundsError::Damaged(_))));
    // One under another number is not its own.
    std::fs::write(path_of(&folder.path().join("rounds"), 2), &good).unwrap();
    assert!(matches!(again(&folder), Err(RoundsError::Damaged(_))));
}

#[test]
fn an_older_round_that_is_damaged_is_named_when_it_is_asked_for() {
    let (folder, rounds) = filled(9);
    let path = path_of(&folder.path().join("rounds"), 0);
    let mut bad = std::fs::read(&path).unwrap();
    let end = bad.len();
    bad[end - 40] ^= 1;
    std::fs::write(&path, bad).unwrap();
    assert!(matches!(rounds.load(0), Err(RoundsError::Damaged(_))));
    assert!(rounds.load(1).is_ok());
    assert!(matches!(rounds.load(9), Err(RoundsError::NotKept(9))));
}

#[test]
fn what_is_pruned_is_old_and_acknowledged_and_never_the_newest() {
    let (folder, rounds) = filled(6);
    let kept = |rounds: &Rounds| rounds.statements(0, 99).iter().map(Statement::number).collect::<Vec<_>>();
    rounds.prune(2, 1).unwrap();
    assert_eq!(kept(&rounds), [2, 3, 4, 5]);
    rounds.prune(2, 5).unwrap();
    assert_eq!(kept(&rounds), [4, 5]);
    rounds.prune(1, 99).unwrap();
    assert_eq!(kept(&rounds), [5]);
    assert_eq!(again(&folder).unwrap().1.unwrap().statement, statement(5));
}
