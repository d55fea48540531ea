//! What cannot both have been signed by one honest author, and that an honest author never signs it.

use blockcloud_primitives::{
    AggregatorId, Checkpoint, Contradiction, Digest, Equivocation, JobId, List, Round, Signature, SignedCheckpoint, SignedRound, Usage,
};
use codec::{Encode, MaxEncodedLen};

/// Root of an honest log at this size.
fn root(size: u64) -> Digest {
    Digest::of(&size.to_be_bytes())
}

/// An honest guest's checkpoints of these sizes.
fn chain(sizes: &[u64]) -> Vec<Checkpoint> {
    let mut previous = 0;
    let mut chain = Vec::new();
    for (index, size) in sizes.iter().enumerate() {
        let time = 1_000 + index as u64;
        let usage = Usage { cpu_ms: *size, bytes_in: index as u64, ..Usage::default() };
        let (previous_size, previous_root) = (previous, root(previous));
        chain.push(Checkpoint { version: 1, job: JobId(7), size: *size, root: root(*size), time, usage, previous_size, previous_root });
        previous = *size;
    }
    chain
}

fn verdict(one: &Checkpoint, other: &Checkpoint) -> Option<Contradiction> {
    let verdict = one.contradicts(other);
    assert_eq!(verdict, other.contradicts(one), "the order does not matter");
    verdict
}

#[test]
fn nothing_that_an_honest_guest_signs_contradicts_the_rest() {
    let chain = chain(&[1, 2, 5, 6, 40, 41, 1_000]);
    for one in &chain {
        for other in &chain {
            assert_eq!(verdict(one, other), None);
        }
    }
}

#[test]
fn any_two_histories_contradict_each_other_right_after_they_part() {
    // Histories that share their first checkpoints and go on with other sizes or other receipts.
    let trunk = [3, 5];
    for left in [6, 7, 9, 20] {
        for right in [6, 8, 9, 30] {
            let mut one = chain(&[&trunk[..], &[left]].concat());
            let mut other = chain(&[&trunk[..], &[right]].concat());
            let (one, other) = (one.pop().unwrap(), other.pop().unwrap());
            let forked = Checkpoint { root: Digest([9; 32]), time: other.time + 50, ..other };
            assert!(verdict(&one, &forked).is_some(), "{left} {right}");
            assert_eq!(verdict(&one, &other).is_some(), left != right, "{left} {right}");
        }
    }
}

#[test]
fn each_contradiction_is_told_apart() {
    let [first, second, third] = chain(&[3, 5, 9]).try_into().unwrap();
    let other = Digest([9; 32]);
    let cases = [
        (second, Checkpoint { root: other, ..second }, Some(Contradiction::Root)),
        (second, Checkpoint { previous_root: other, ..second }, Some(Contradiction::Root)),
        (second, Checkpoint { previous_root: other, ..third }, Some(Contradiction::Root)),
        (third, Checkpoint { size: 7, root: root(7), ..third }, Some(Contradiction::Predecessor)),
        (first, Checkpoint { previous_size: 0, previous_root: root(0), ..third }, Some(Contradiction::Predecessor)),
        (first, Checkpoint { time: 0, ..third }, Some(Contradiction::Size)),
        (first, Checkpoint { usage: Usage::default(), ..third }, Some(Contradiction::Usage)),
        (third, Checkpoint { usage: Usage::default(), time: third.time + 1, ..third }, Some(Contradiction::Usage)),
        // Neither is the later one, and one of the two extends the other.
        (third, Checkpoint { usage: Usage::default(), ..third }, None),
        (third, Checkpoint { time: third.time + 1, ..third }, None),
        (first, Checkpoint { job: JobId(8), root: other, ..first }, None),
    ];
    for (number, (one, two, expected)) in cases.into_iter().enumerate() {
        assert_eq!(verdict(&one, &two), expected, "case {number}");
    }
    // Counters of which each has one that is ahead.
    let crossed = Checkpoint { usage: Usage { bytes_out: 1, ..Usage::default() }, ..third };
    assert_eq!(verdict(&third, &crossed), Some(Contradiction::Usage));
}

#[test]
fn two_rounds_contradict_each_other_by_their_content_only() {
    let round = Round { version: 1, aggregator: AggregatorId(3), number: 9, root: Digest([1; 32]), filled: 5, receipts: 6, time: 7 };
    let contradictions = [
        Round { root: Digest([2; 32]), ..round },
        Round { filled: 4, ..round },
        Round { receipts: 5, time: 9, ..round },
        Round { version: 2, ..round },
    ];
    assert!(contradictions.iter().all(|other| round.contradicts(other) && other.contradicts(&round)));
    let others = [
        round,
        Round { time: 8, ..round },
        Round { number: 10, root: Digest([2; 32]), ..round },
        Round { aggregator: AggregatorId(4), root: Digest([2; 32]), ..round },
    ];
    assert!(!others.iter().any(|other| round.contradicts(other)));
}

#[test]
fn every_proof_is_smaller_than_a_kilobyte_and_has_fixed_bytes() {
    assert!(Equivocation::max_encoded_len() < 1_024);
    let checkpoint = chain(&[3])[0];
    let signed = SignedCheckpoint { checkpoint, signature: Signature([1; 64]) };
    let two = Equivocation::Checkpoints([signed; 2]).encode();
    assert_eq!((two.len(), two[0]), (1 + 402, 0));
    let round = Round { version: 1, aggregator: AggregatorId(3), number: 9, root: Digest([1; 32]), filled: 5, receipts: 6, time: 7 };
    let signed = SignedRound { round, signature: Signature([1; 64]) };
    let two = Equivocation::Rounds([signed; 2]).encode();
    assert_eq!((two.len(), two[0]), (1 + 258, 1));
    let path = List::try_from(vec![Digest([2; 32]); 25]).unwrap();
    let one = Equivocation::Committed { signed, committed: round, path }.encode();
    assert_eq!((one.len(), one[0]), (1 + 129 + 65 + 1 + 800, 2));
}
