//! `checkpoint`: what is stored, and one refusal per test.

use crate::{Error, Event, Log, Logs, WeightInfo, mock::*};
use blockcloud_primitives::{Checkpoint, Digest, Head, JobId, List, Signature};
use blockcloud_receipt_log::EMPTY_ROOT;
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, weights::Weight};
use sp_core::{Pair, ed25519};
use sp_runtime::DispatchError;

/// The head that an accepted checkpoint becomes.
fn head(checkpoint: &Checkpoint) -> Head {
    let Checkpoint { size, root, time, usage, .. } = *checkpoint;
    Head { size, root, time, usage, accepted_at: NOW }
}

#[test]
fn first_becomes_the_head_and_is_told() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        assert_ok!(guest.submit(checkpoint));
        assert_eq!(Logs::<Test>::get(JOB), Some(Log { opened_at: NOW, head: Some(head(&checkpoint)), equivocated: false }));
        assert_eq!(Told::get(), [(JOB, checkpoint, NOW)]);
        System::assert_last_event(Event::Advanced { job: JOB, head: head(&checkpoint) }.into());
    });
}

#[test]
fn next_ones_replace_the_head_at_every_size() {
    run(|| {
        let mut guest = Guest::attested(JOB, 1);
        for receipts in [1, 1, 2, 3, 1, 8, 16, 31] {
            guest.write(receipts);
            let checkpoint = guest.checkpoint();
            assert_ok!(guest.submit(checkpoint));
            assert_eq!(Receipts::head(JOB), Some(head(&checkpoint)));
        }
    });
}

#[test]
fn may_skip_one_that_the_chain_never_saw() {
    run(|| {
        let mut guest = Guest::attested(JOB, 2);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        guest.write(2);
        guest.checkpoint();
        guest.write(2);
        let third = guest.checkpoint();
        assert_ok!(guest.submit(third));
        assert_eq!(Receipts::head(JOB), Some(head(&third)));
    });
}

#[test]
fn costs_its_own_work_and_that_of_both_neighbours() {
    let checkpoint = Guest::new(JOB).checkpoint();
    let proof: List<Digest, 64> = vec![Digest::ZERO; 5].try_into().unwrap();
    let call = crate::Call::<Test>::checkpoint { checkpoint, signature: Signature([0; 64]), proof };
    assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::checkpoint(5) + Weight::from_parts(21_000, 210));
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        let signature = guest.sign(&checkpoint);
        assert_noop!(Receipts::checkpoint(RuntimeOrigin::none(), checkpoint, signature, List::new()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_no_log_is_open() {
    run(|| {
        let mut guest = Guest::new(JOB);
        guest.write(5);
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(checkpoint), Error::<Test>::NoLog);
    });
}

#[test]
fn fails_when_the_job_is_closed() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        Receipts::close(JOB);
        assert_noop!(guest.submit(checkpoint), Error::<Test>::NoLog);
    });
}

#[test]
fn fails_when_unattested() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        Keys::mutate(|keys| keys.remove(&JOB));
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(checkpoint), Error::<Test>::NoSession);
    });
}

#[test]
fn fails_when_the_version_is_unknown() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = Checkpoint { version: 2, ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::UnsupportedVersion);
    });
}

#[test]
fn fails_with_the_wrong_key() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        guest.pair = ed25519::Pair::from_seed(&[200; 32]);
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(checkpoint), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_with_the_key_of_another_job() {
    run(|| {
        let mut other = Guest::attested(JobId(8), 5);
        Guest::attested(JOB, 5);
        other.job = JOB;
        let checkpoint = other.checkpoint();
        assert_noop!(other.submit(checkpoint), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_when_renamed_to_another_job() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let signed = guest.checkpoint();
        let signature = guest.sign(&signed);
        // The very same key even speaks for the other job, and still the signature was not made for it.
        Keys::mutate(|keys| keys.insert(JobId(8), guest.key()));
        assert_ok!(Receipts::open(JobId(8)));
        let renamed = Checkpoint { job: JobId(8), ..signed };
        assert_noop!(Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), renamed, signature, List::new()), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_when_signed_for_another_chain() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        let signature = Signature(guest.pair.sign(&checkpoint.signing_payload(&Digest([1; 32]))).0);
        assert_noop!(Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, signature, List::new()), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_when_changed_after_signing() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let signed = guest.checkpoint();
        let signature = guest.sign(&signed);
        let more_usage = {
            let mut changed = signed;
            changed.usage.cpu_ms += 1;
            changed
        };
        let changed = [
            Checkpoint { size: 6, ..signed },
            Checkpoint { root: Digest([3; 32]), ..signed },
            Checkpoint { time: signed.time + 1, ..signed },
            Checkpoint { previous_size: 1, ..signed },
            Checkpoint { previous_root: Digest([3; 32]), ..signed },
            more_usage,
        ];
        for checkpoint in changed {
            assert_noop!(
                Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, signature, List::new()),
                Error::<Test>::BadSignature
            );
        }
    });
}

#[test]
fn fails_when_from_the_future() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let limit = NOW + u64::from(MAX_AHEAD) * 1_000;
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(Checkpoint { time: limit + 1, ..checkpoint }), Error::<Test>::FromTheFuture);
        assert_noop!(guest.submit(Checkpoint { time: u64::MAX, ..checkpoint }), Error::<Test>::FromTheFuture);
        assert_ok!(guest.submit(Checkpoint { time: limit, ..checkpoint }));
    });
}

#[test]
fn fails_when_too_old() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let limit = NOW - u64::from(MAX_AGE) * 1_000;
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(Checkpoint { time: limit - 1, ..checkpoint }), Error::<Test>::TooOld);
        assert_noop!(guest.submit(Checkpoint { time: 0, ..checkpoint }), Error::<Test>::TooOld);
        assert_ok!(guest.submit(Checkpoint { time: limit, ..checkpoint }));
    });
}

#[test]
fn fails_when_empty() {
    run(|| {
        let mut guest = Guest::attested(JOB, 0);
        let checkpoint = guest.checkpoint();
        assert_eq!((checkpoint.size, checkpoint.root), (0, Digest(EMPTY_ROOT)));
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Empty);
    });
}

#[test]
fn fails_when_the_log_shrank() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let mut shorter = guest.clone();
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        shorter.tree = (0..4).map(|index| guest.tree.leaf(index).unwrap()).collect();
        shorter.time = guest.time;
        let checkpoint = shorter.checkpoint();
        assert_noop!(shorter.submit(checkpoint), Error::<Test>::Shrunk);
    });
}

#[test]
fn fails_when_smaller_than_its_own_predecessor() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = Checkpoint { previous_size: 6, ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Shrunk);
    });
}

#[test]
fn fails_when_forked_at_the_same_size() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let mut twin = guest.clone();
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        twin.fork();
        let checkpoint = twin.checkpoint();
        assert_noop!(twin.submit(checkpoint), Error::<Test>::Forked);
    });
}

#[test]
fn fails_when_its_predecessor_is_not_the_head_that_the_chain_knows() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        guest.write(3);
        let checkpoint = Checkpoint { previous_root: Digest([3; 32]), ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Forked);
    });
}

#[test]
fn fails_when_its_predecessor_had_its_size_and_another_root() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = Checkpoint { previous_size: 5, previous_root: Digest([3; 32]), ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Forked);
    });
}

#[test]
fn fails_when_its_empty_predecessor_had_a_root() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = Checkpoint { previous_root: Digest::ZERO, ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Forked);
    });
}

#[test]
fn fails_when_stale_because_it_was_accepted_before() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        assert_ok!(guest.submit(checkpoint));
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Stale);
    });
}

#[test]
fn fails_when_stale_because_nothing_was_added() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        let again = guest.checkpoint();
        assert!(again.time > first.time);
        assert_noop!(guest.submit(again), Error::<Test>::Stale);
    });
}

#[test]
fn fails_when_stale_because_its_clock_stood_still() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        guest.write(3);
        let checkpoint = Checkpoint { time: first.time, ..guest.checkpoint() };
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Stale);
    });
}

#[test]
fn fails_when_stale_because_it_was_overtaken() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let overtaken = guest.checkpoint();
        guest.write(3);
        let latest = guest.checkpoint();
        assert_ok!(guest.submit(latest));
        assert_noop!(guest.submit(overtaken), Error::<Test>::Stale);
    });
}

#[test]
fn fails_when_any_usage_counter_fell() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let counters = &mut guest.usage;
        (counters.bytes_in, counters.bytes_out, counters.bytes_stored, counters.bytes_sent) = (1, 1, 1, 1);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        guest.write(3);
        let next = guest.checkpoint();
        for counter in 0..5 {
            let mut checkpoint = next;
            let usage = &mut checkpoint.usage;
            let fallen = [&mut usage.cpu_ms, &mut usage.bytes_in, &mut usage.bytes_out, &mut usage.bytes_stored, &mut usage.bytes_sent];
            *fallen.into_iter().nth(counter).unwrap() = 0;
            assert_noop!(guest.submit(checkpoint), Error::<Test>::UsageShrunk);
        }
        assert_ok!(guest.submit(next));
    });
}

#[test]
fn fails_when_history_was_changed() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        // Another fifth receipt, and then a few more: no proof can lead there from the head.
        let previous = guest.previous;
        guest.fork();
        guest.write(3);
        guest.previous = previous;
        let checkpoint = guest.checkpoint();
        assert_noop!(guest.submit(checkpoint), Error::<Test>::Inconsistent);
    });
}

#[test]
fn fails_when_the_proof_is_missing_cut_padded_or_for_another_size() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let first = guest.checkpoint();
        assert_ok!(guest.submit(first));
        guest.write(6);
        let checkpoint = guest.checkpoint();
        let signature = guest.sign(&checkpoint);
        let good = guest.proof(5);
        let cut: List<_, 64> = good[..good.len() - 1].to_vec().try_into().unwrap();
        let mut padded = good.clone();
        padded.try_push(Digest::ZERO).unwrap();
        for proof in [List::new(), cut, padded, guest.proof(4)] {
            assert_noop!(Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, signature, proof), Error::<Test>::Inconsistent);
        }
        assert_ok!(Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, signature, good));
    });
}

#[test]
fn fails_when_the_first_comes_with_a_proof() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        let checkpoint = guest.checkpoint();
        let signature = guest.sign(&checkpoint);
        let proof = vec![Digest::ZERO].try_into().unwrap();
        assert_noop!(Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, signature, proof), Error::<Test>::Inconsistent);
    });
}

#[test]
fn fails_with_the_neighbours_reason_and_stores_nothing() {
    run(|| {
        let mut guest = Guest::attested(JOB, 5);
        Refuses::set(true);
        let checkpoint = guest.checkpoint();
        // The call as it is dispatched: in a storage layer of its own.
        let call = RuntimeCall::Receipts(crate::Call::checkpoint { checkpoint, signature: guest.sign(&checkpoint), proof: List::new() });
        use frame_support::traits::UnfilteredDispatchable;
        assert_noop!(call.dispatch_bypass_filter(RuntimeOrigin::signed(ANYONE)), REFUSAL);
        assert_eq!(Receipts::head(JOB), None);
    });
}
