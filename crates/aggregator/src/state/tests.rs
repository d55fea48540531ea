//! One test for each verdict.

use super::*;
use crate::SignedBranch;
use blockcloud_primitives::{Digest, Signature, Usage};
use blockcloud_receipt_log::{Tree, leaf_hash};

const KEY: PublicKey = PublicKey([1; 32]);
const CHILD: PublicKey = PublicKey([2; 32]);
const PART: Part = Part { base: 8, height: 3 };
const SLOT: u32 = 3;
const NOW: Moment = 1_000_000;

fn rules() -> Rules {
    Rules { aggregator: AggregatorId(5), max_ahead_ms: 1_000, require_proof: false }
}

fn source() -> Source {
    Source { slot: SLOT, job: JobId(7), key: KEY }
}

fn child() -> Child {
    Child { base: PART.base, height: PART.height, key: CHILD, first: 0 }
}

fn registry(sources: Vec<Source>, children: Vec<Child>) -> Registry {
    Registry::new(Part { base: 0, height: 4 }, sources, children).unwrap()
}

fn state() -> State {
    let mut state = State::default();
    state.register(&registry(vec![source()], vec![child()]));
    state
}

/// A log of 40 receipts.
fn tree() -> Tree {
    (0..40u8).map(|leaf| leaf_hash(&[leaf])).collect()
}

/// The checkpoint at this size, which names the one at `previous` as the one before it. Its time is its size.
fn checkpoint(previous: u64, size: u64) -> Checkpoint {
    let root = |size| Digest(tree().root_at(size).unwrap());
    Checkpoint {
        version: Checkpoint::VERSION,
        job: JobId(7),
        size,
        root: root(size),
        time: size,
        usage: Usage { cpu_ms: size, ..Usage::default() },
        previous_size: previous,
        previous_root: root(previous),
    }
}

fn submission(checkpoint: Checkpoint) -> Submission {
    Submission { checkpoint, signature: Signature([9; 64]), proof: vec![] }
}

fn proved(checkpoint: Checkpoint, from: u64) -> Submission {
    let proof = tree().consistency_proof(from, checkpoint.size).unwrap().into_iter().map(Digest).collect();
    Submission { proof, ..submission(checkpoint) }
}

/// With the checkpoint at size 20 taken.
fn at_twenty() -> State {
    let mut state = state();
    state.take(SLOT, KEY, SlotEntry::new(checkpoint(10, 20), Signature([9; 64])));
    state
}

fn judge(state: &State, submission: &Submission) -> Verdict {
    state.judge(&rules(), SLOT, &KEY, submission, NOW)
}

fn refused(submission: &Submission) -> Refusal {
    match judge(&at_twenty(), submission) {
        Verdict::Refuse(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn exposed(submission: &Submission) -> Refusal {
    match judge(&at_twenty(), submission) {
        Verdict::Expose(refusal, equivocation) => {
            let first = SlotEntry::new(checkpoint(10, 20), Signature([9; 64]));
            let second = SlotEntry::new(submission.checkpoint, submission.signature);
            assert_eq!(*equivocation, Equivocation::Log { slot: SLOT, key: KEY, first, second });
            refusal
        }
        other => panic!("{other:?}"),
    }
}

mod checkpoint {
    use super::*;

    #[test]
    fn the_first_and_what_follows_it_are_taken() {
        assert_eq!(judge(&state(), &submission(checkpoint(10, 20))), Verdict::Take);
        assert_eq!(judge(&at_twenty(), &submission(checkpoint(20, 21))), Verdict::Take);
        assert_eq!(judge(&at_twenty(), &submission(checkpoint(25, 30))), Verdict::Take);
        assert_eq!(judge(&at_twenty(), &proved(checkpoint(25, 30), 20)), Verdict::Take);
    }

    #[test]
    fn the_same_again_is_known_whatever_its_signature() {
        assert_eq!(judge(&at_twenty(), &submission(checkpoint(10, 20))), Verdict::Known);
        let other = Submission { signature: Signature([8; 64]), ..submission(checkpoint(10, 20)) };
        assert_eq!(judge(&at_twenty(), &other), Verdict::Known);
    }

    #[test]
    fn fails_for_a_slot_without_a_source_and_one_that_was_registered_anew() {
        let state = at_twenty();
        let next = submission(checkpoint(20, 30));
        let unknown = Verdict::Refuse(Refusal::UnknownSource { job: JobId(7) });
        assert_eq!(state.judge(&rules(), 4, &KEY, &next, NOW), unknown);
        assert_eq!(state.judge(&rules(), SLOT, &CHILD, &next, NOW), Verdict::Refuse(Refusal::SourceChanged));
        let other = submission(Checkpoint { job: JobId(8), ..next.checkpoint });
        assert_eq!(judge(&state, &other), Verdict::Refuse(Refusal::SourceChanged));
        let mut left = state;
        left.register(&registry(vec![], vec![]));
        assert_eq!(judge(&left, &next), unknown);
    }

    #[test]
    fn fails_for_another_version() {
        assert_eq!(refused(&submission(Checkpoint { version: 2, ..checkpoint(20, 30) })), Refusal::UnsupportedVersion { version: 2 });
    }

    #[test]
    fn fails_from_the_future() {
        let at = |time| submission(Checkpoint { time, ..checkpoint(20, 30) });
        assert_eq!(judge(&at_twenty(), &at(NOW + 1_000)), Verdict::Take);
        assert_eq!(refused(&at(NOW + 1_001)), Refusal::FromTheFuture { time: NOW + 1_001 });
    }

    #[test]
    fn fails_when_empty() {
        assert_eq!(refused(&submission(checkpoint(0, 0))), Refusal::Empty);
    }

    #[test]
    fn fails_when_it_contradicts_itself() {
        let base = checkpoint(20, 30);
        assert_eq!(refused(&submission(Checkpoint { previous_size: 31, ..base })), Refusal::Shrunk { size: 30, head: 31 });
        assert_eq!(
            refused(&submission(Checkpoint { previous_size: 30, previous_root: Digest::ZERO, ..base })),
            Refusal::Forked { size: 30 }
        );
        assert_eq!(refused(&submission(Checkpoint { previous_size: 0, previous_root: Digest::ZERO, ..base })), Refusal::Forked { size: 0 });
    }

    #[test]
    fn fails_when_overtaken_and_is_exposed_when_signed_later_than_the_larger_one() {
        assert_eq!(refused(&submission(checkpoint(10, 15))), Refusal::Shrunk { size: 15, head: 20 });
        assert_eq!(exposed(&submission(Checkpoint { time: 21, ..checkpoint(10, 15) })), Refusal::Shrunk { size: 15, head: 20 });
    }

    #[test]
    fn another_root_for_the_same_size_is_exposed() {
        assert_eq!(exposed(&submission(Checkpoint { root: Digest::ZERO, ..checkpoint(10, 20) })), Refusal::Forked { size: 20 });
        assert_eq!(exposed(&submission(Checkpoint { root: Digest::ZERO, time: 1, ..checkpoint(10, 20) })), Refusal::Forked { size: 20 });
    }

    #[test]
    fn another_root_for_the_one_before_is_exposed() {
        assert_eq!(exposed(&submission(Checkpoint { previous_root: Digest::ZERO, ..checkpoint(20, 30) })), Refusal::Forked { size: 20 });
    }

    #[test]
    fn fails_when_stale() {
        assert_eq!(refused(&submission(Checkpoint { time: 25, ..checkpoint(10, 20) })), Refusal::Stale { head: 20 });
        assert_eq!(refused(&submission(Checkpoint { time: 20, ..checkpoint(20, 30) })), Refusal::Stale { head: 20 });
    }

    #[test]
    fn a_usage_counter_that_fell_is_exposed() {
        assert_eq!(
            exposed(&submission(Checkpoint { usage: Usage { cpu_ms: 19, ..Usage::default() }, ..checkpoint(20, 30) })),
            Refusal::UsageShrunk
        );
    }

    #[test]
    fn fails_when_the_proof_is_for_another_size_or_cut_or_too_long_or_needless() {
        let good = proved(checkpoint(25, 30), 20);
        let inconsistent = Refusal::Inconsistent { head: 20 };
        assert_eq!(refused(&proved(checkpoint(25, 30), 19)), inconsistent);
        let cut = good.proof.split_last().unwrap().1.to_vec();
        assert_eq!(refused(&Submission { proof: cut, ..good.clone() }), inconsistent);
        assert_eq!(refused(&Submission { proof: vec![Digest::ZERO; MAX_PROOF + 1], ..good.clone() }), inconsistent);
        assert_eq!(judge(&state(), &good), Verdict::Refuse(Refusal::Inconsistent { head: 0 }));
    }

    #[test]
    fn fails_without_a_proof_where_one_is_demanded() {
        let strict = Rules { require_proof: true, ..rules() };
        let judge = |submission: &Submission| at_twenty().judge(&strict, SLOT, &KEY, submission, NOW);
        assert_eq!(judge(&submission(checkpoint(25, 30))), Verdict::Refuse(Refusal::Unproven { head: 20 }));
        assert_eq!(judge(&submission(checkpoint(20, 30))), Verdict::Take);
        assert_eq!(judge(&proved(checkpoint(25, 30), 20)), Verdict::Take);
    }
}

mod branch {
    use super::*;

    fn branch(number: u64) -> SignedBranch {
        let branch = Branch {
            version: Branch::VERSION,
            aggregator: AggregatorId(5),
            number,
            base: PART.base,
            height: PART.height,
            root: Digest([4; 32]),
            filled: 2,
            receipts: 10,
            time: 1,
        };
        SignedBranch { branch, signature: Signature([3; 64]) }
    }

    fn after_four() -> State {
        let mut state = state();
        state.register(&registry(vec![source()], vec![Child { first: 4, ..child() }]));
        state.take_branch(CHILD, branch(4));
        state
    }

    fn judge(state: &State, signed: &SignedBranch) -> Verdict {
        state.judge_branch(&rules(), &CHILD, signed, NOW)
    }

    fn refused(change: impl FnOnce(&mut Branch)) -> Refusal {
        let mut signed = branch(5);
        change(&mut signed.branch);
        match judge(&after_four(), &signed) {
            Verdict::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn they_are_taken_in_order_from_the_first_and_the_last_one_is_known() {
        assert_eq!(judge(&state(), &branch(0)), Verdict::Take);
        assert_eq!(judge(&state(), &branch(1)), Verdict::Refuse(Refusal::Gap { expected: 0, found: 1 }));
        assert_eq!(judge(&after_four(), &branch(5)), Verdict::Take);
        assert_eq!(judge(&after_four(), &branch(4)), Verdict::Known);
    }

    #[test]
    fn fails_for_a_gap_and_for_what_is_behind() {
        assert_eq!(refused(|branch| branch.number = 6), Refusal::Gap { expected: 5, found: 6 });
        assert_eq!(refused(|branch| branch.number = 3), Refusal::Behind { last: 4, found: 3 });
    }

    #[test]
    fn another_branch_of_the_same_number_is_exposed() {
        let mut other = branch(4);
        other.branch.root = Digest::ZERO;
        let proof = Equivocation::Branch { key: CHILD, first: branch(4), second: other };
        assert_eq!(judge(&after_four(), &other), Verdict::Expose(Refusal::Conflict { number: 4 }, Box::new(proof)));
    }

    #[test]
    fn fails_for_another_part_tree_key_or_version() {
        assert_eq!(refused(|branch| branch.base = 0), Refusal::UnknownPart { base: 0, height: 3 });
        assert_eq!(refused(|branch| branch.height = 2), Refusal::UnknownPart { base: 8, height: 2 });
        let other = Refusal::OtherAggregator { expected: AggregatorId(5), found: AggregatorId(6) };
        assert_eq!(refused(|branch| branch.aggregator = AggregatorId(6)), other);
        assert_eq!(after_four().judge_branch(&rules(), &KEY, &branch(5), NOW), Verdict::Refuse(Refusal::SourceChanged));
        assert_eq!(refused(|branch| branch.version = 9), Refusal::UnsupportedVersion { version: 9 });
    }

    #[test]
    fn fails_from_the_future() {
        assert_eq!(refused(|branch| branch.time = NOW + 1_001), Refusal::FromTheFuture { time: NOW + 1_001 });
    }

    #[test]
    fn fails_with_counters_that_cannot_be_true() {
        assert_eq!(refused(|branch| branch.filled = 9), Refusal::Implausible);
        assert_eq!(refused(|branch| branch.filled = 0), Refusal::Implausible);
        assert_eq!(refused(|branch| branch.receipts = u64::MAX), Refusal::Implausible);
    }

    #[test]
    fn all_branches_between_two_rounds_are_counted_and_the_newest_stands() {
        let mut state = after_four();
        state.take_branch(CHILD, branch(5));
        let (snapshot, receipts) = state.close();
        assert_eq!((receipts, snapshot.filled()), (20, 2));
        assert_eq!(snapshot.parts[0].branch, Some(branch(5)));
        assert_eq!(state.close(), (snapshot, 0));
    }
}

mod close {
    use super::*;

    fn entry(size: u64) -> SlotEntry {
        SlotEntry::new(checkpoint(0, size), Signature([9; 64]))
    }

    #[test]
    fn counts_each_receipt_once_and_keeps_what_says_nothing_new_in_its_slot() {
        let mut state = at_twenty();
        let (first, receipts) = state.close();
        assert_eq!((receipts, first.filled()), (20, 1));
        assert_eq!(state.close(), (first, 0));
        state.take(SLOT, KEY, entry(25));
        state.take(SLOT, KEY, entry(31));
        assert_eq!(state.close().1, 11);
    }

    #[test]
    fn a_source_that_leaves_and_returns_is_not_counted_again() {
        let mut state = at_twenty();
        state.close();
        state.register(&registry(vec![], vec![]));
        let (left, receipts) = state.close();
        assert_eq!((receipts, left.filled()), (0, 0));
        // Also after a crash.
        let mut state = State::of(left);
        state.register(&registry(vec![source()], vec![]));
        state.take(SLOT, KEY, entry(22));
        assert_eq!(state.close().1, 2);
    }

    #[test]
    fn another_key_is_another_log_and_counts_from_nothing() {
        let mut state = at_twenty();
        state.close();
        state.register(&registry(vec![Source { key: CHILD, ..source() }], vec![]));
        assert_eq!(state.close().0.filled(), 0);
        state.take(SLOT, CHILD, entry(5));
        assert_eq!(state.close().1, 5);
    }

    #[test]
    fn what_is_registered_during_a_round_is_admitted_without_disturbing_others() {
        let mut state = at_twenty();
        let newcomer = Source { slot: 4, job: JobId(70), key: CHILD };
        state.admit(&registry(vec![Source { key: CHILD, ..source() }, newcomer], vec![]));
        let registered: Vec<(u32, PublicKey, bool)> = state.slots().map(|record| (record.slot, record.key, record.registered)).collect();
        assert_eq!(registered, [(SLOT, KEY, true), (4, CHILD, true)]);
        // Nor may anything be both a slot and inside a part.
        state.admit(&registry(
            vec![Source { slot: 9, ..newcomer }],
            vec![Child { base: 0, ..child() }, Child { base: 12, height: 2, ..child() }],
        ));
        assert!(state.slots().all(|record| record.slot != 9));
        assert!(state.parts().all(|record| record.part == PART));
    }

    #[test]
    fn what_a_slot_takes_on_disk_is_what_the_guide_says() {
        let state = at_twenty();
        let record = *state.slots().next().unwrap();
        assert_eq!(record.encoded_size(), 256);
        let queued = crate::queue::Record::Checkpoint { slot: SLOT, key: KEY, entry: record.entry.unwrap() };
        assert_eq!(queued.encoded_size(), 239);
    }

    #[test]
    fn what_is_taken_again_after_a_crash_gives_the_same_state() {
        let before = at_twenty();
        let mut again = State::of(Snapshot::default());
        again.take(SLOT, KEY, SlotEntry::new(checkpoint(10, 20), Signature([9; 64])));
        assert_eq!(again.slots().collect::<Vec<_>>(), before.slots().collect::<Vec<_>>());
    }
}
