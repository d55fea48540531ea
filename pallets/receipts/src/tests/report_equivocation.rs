//! `report_equivocation`: what it does to a job and to an aggregator, what is no equivocation, and one refusal per test.

use super::held;
use crate::{Aggregators, Error, Event, Logs, WeightInfo, mock::*};
use blockcloud_primitives::{
    AggregatorId, Checkpoint, Contradiction, Digest, Equivocation, JobId, List, Round, Signature, SignedCheckpoint, SignedRound,
};
use codec::{Encode, MaxEncodedLen};
use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo, Pays},
    traits::UnfilteredDispatchable,
    weights::Weight,
};
use sp_core::{Pair, ed25519};
use sp_runtime::{DispatchError, DispatchErrorWithPostInfo};

fn report(proof: &Equivocation) -> DispatchResultWithPostInfo {
    Receipts::report_equivocation(RuntimeOrigin::signed(ANYONE), Box::new(proof.clone()))
}

/// The report's error, without its post-dispatch information.
fn refusal(proof: &Equivocation) -> Option<DispatchError> {
    report(proof).err().map(|DispatchErrorWithPostInfo { error, .. }| error)
}

fn digest(proof: &Equivocation) -> Digest {
    Digest(sp_io::hashing::sha2_256(&proof.encode()))
}

/// Two rounds that an aggregator signed under its next number.
fn two_rounds(collector: &Collector) -> Equivocation {
    let round = collector.round();
    Equivocation::Rounds([collector.signed(round), collector.signed(Round { root: Digest([6; 32]), ..round })])
}

/// Proves that the aggregator equivocated.
pub fn stop(collector: &Collector) {
    assert_ok!(report(&two_rounds(collector)));
}

/// A guest, and its twin that forked the last receipt: both signed.
fn forked() -> (Guest, [SignedCheckpoint; 2]) {
    let mut guest = Guest::attested(JOB, 5);
    let mut twin = guest.clone();
    twin.fork();
    let (first, second) = (guest.checkpoint(), twin.checkpoint());
    let both = [guest.signed(first), twin.signed(second)];
    (guest, both)
}

mod of_a_job {
    use super::*;

    #[test]
    fn ends_the_log_tells_the_neighbour_and_costs_nothing() {
        run(|| {
            let (guest, both) = forked();
            let proof = Equivocation::Checkpoints(both);
            let info = report(&proof).unwrap();
            assert_eq!(info.pays_fee, Pays::No);
            assert_eq!(Logs::<Test>::get(JOB).map(|log| log.equivocated), Some(true));
            assert_eq!(Forked::get(), [JOB]);
            let event = Event::LogEquivocated { job: JOB, key: guest.key(), contradiction: Contradiction::Root, proof: digest(&proof) };
            System::assert_last_event(event.into());
        });
    }

    #[test]
    fn needs_no_live_session() {
        run(|| {
            let (_, both) = forked();
            Lapsed::set(vec![JOB]);
            assert_ok!(report(&Equivocation::Checkpoints(both)));
        });
    }

    #[test]
    fn goes_in_either_order() {
        run(|| {
            let (_, [first, second]) = forked();
            assert_ok!(report(&Equivocation::Checkpoints([second, first])));
        });
    }

    #[test]
    fn is_found_in_every_contradiction() {
        let mut seen = Vec::new();
        let mut prove = |change: fn(&mut Guest, &mut Guest)| {
            run(|| {
                let mut guest = Guest::attested(JOB, 5);
                guest.checkpoint();
                guest.write(3);
                let mut twin = guest.clone();
                change(&mut guest, &mut twin);
                let (first, second) = (guest.checkpoint(), twin.checkpoint());
                assert_ok!(report(&Equivocation::Checkpoints([guest.signed(first), twin.signed(second)])));
                let events = System::events();
                let Some(RuntimeEvent::Receipts(Event::LogEquivocated { contradiction, .. })) = events.last().map(|last| &last.event)
                else {
                    panic!("{events:?}");
                };
                seen.push(*contradiction);
            });
        };
        // The same size, another root.
        prove(|_, twin| twin.fork());
        // The same predecessor's size, another predecessor.
        prove(|_, twin| (twin.previous.1 = Digest([9; 32]), twin.write(1)).1);
        // One longer than the other, after the same predecessor.
        prove(|_, twin| twin.write(1));
        // Later and smaller.
        prove(|guest, twin| {
            guest.write(4);
            guest.previous = (twin.tree.size() + 1, Digest([8; 32]));
            twin.time += 5_000;
        });
        // Later, with a lower counter: all that the later one says of the log continues the earlier one.
        prove(|guest, twin| {
            twin.previous = (guest.tree.size(), Digest(guest.tree.root()));
            twin.write(1);
            twin.usage.cpu_ms = 0;
            twin.time += 5_000;
        });
        use Contradiction::{Predecessor, Root, Size, Usage};
        assert_eq!(seen, [Root, Root, Predecessor, Size, Usage]);
    }

    #[test]
    fn costs_its_own_work_and_that_of_both_neighbours() {
        let checkpoint = Guest::new(JOB).checkpoint();
        let both = [SignedCheckpoint { checkpoint, signature: Signature([0; 64]) }; 2];
        let call = crate::Call::<Test>::report_equivocation { proof: Box::new(Equivocation::Checkpoints(both)) };
        let neighbours = Weight::from_parts(4_001_000, 40_010);
        assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::report_checkpoints() + neighbours);
    }

    #[test]
    fn fails_for_what_a_genuine_guest_signs() {
        run(|| {
            let mut guest = Guest::attested(JOB, 5);
            let mut signed = Vec::new();
            for receipts in [1, 2, 7, 1, 30] {
                guest.write(receipts);
                let checkpoint = guest.checkpoint();
                signed.push(guest.signed(checkpoint));
            }
            for first in &signed {
                for second in &signed {
                    let proof = Equivocation::Checkpoints([*first, *second]);
                    assert_eq!(refusal(&proof), Some(Error::<Test>::NoContradiction.into()));
                }
            }
        });
    }

    #[test]
    fn fails_for_checkpoints_of_two_jobs() {
        run(|| {
            let (_, [first, _]) = forked();
            let mut other = Guest::attested(JobId(8), 3);
            let checkpoint = other.checkpoint();
            let proof = Equivocation::Checkpoints([first, other.signed(checkpoint)]);
            assert_noop!(report(&proof), Error::<Test>::NoContradiction);
        });
    }

    #[test]
    fn fails_when_no_log_is_open() {
        run(|| {
            let (_, both) = forked();
            Receipts::close(JOB);
            assert_noop!(report(&Equivocation::Checkpoints(both)), Error::<Test>::NoLog);
        });
    }

    #[test]
    fn fails_when_reported_before_by_this_or_another_proof() {
        run(|| {
            let (mut guest, [first, second]) = forked();
            assert_ok!(report(&Equivocation::Checkpoints([first, second])));
            guest.write(1);
            let third = guest.checkpoint();
            for proof in [[first, second], [second, first], [second, guest.signed(third)]] {
                assert_noop!(report(&Equivocation::Checkpoints(proof)), Error::<Test>::AlreadyReported);
            }
            assert_eq!(Forked::get(), [JOB]);
        });
    }

    #[test]
    fn fails_when_a_version_is_unknown() {
        run(|| {
            let (guest, [first, second]) = forked();
            let second = guest.signed(Checkpoint { version: 2, ..second.checkpoint });
            assert_noop!(report(&Equivocation::Checkpoints([first, second])), Error::<Test>::UnsupportedVersion);
        });
    }

    #[test]
    fn fails_when_the_job_never_had_a_session() {
        run(|| {
            let (_, both) = forked();
            Keys::mutate(|keys| keys.remove(&JOB));
            assert_noop!(report(&Equivocation::Checkpoints(both)), Error::<Test>::NoSession);
        });
    }

    #[test]
    fn fails_unless_both_are_signed_by_the_sessions_key_for_this_chain() {
        run(|| {
            let (guest, [first, second]) = forked();
            let mut stranger = guest.clone();
            stranger.pair = ed25519::Pair::from_seed(&[200; 32]);
            let elsewhere = Signature(guest.pair.sign(&second.checkpoint.signing_payload(&Digest([1; 32]))).0);
            let forged = [
                [first, stranger.signed(second.checkpoint)],
                [stranger.signed(first.checkpoint), second],
                [first, SignedCheckpoint { signature: elsewhere, ..second }],
                [first, SignedCheckpoint { checkpoint: second.checkpoint, signature: first.signature }],
            ];
            for both in forged {
                assert_noop!(report(&Equivocation::Checkpoints(both)), Error::<Test>::BadSignature);
            }
        });
    }

    #[test]
    fn fails_with_the_neighbours_reason_and_stores_nothing() {
        run(|| {
            let (_, both) = forked();
            Refuses::set(true);
            let call = RuntimeCall::Receipts(crate::Call::report_equivocation { proof: Box::new(Equivocation::Checkpoints(both)) });
            assert_noop!(call.dispatch_bypass_filter(RuntimeOrigin::signed(ANYONE)), REFUSAL);
        });
    }

    #[test]
    fn nothing_more_is_accepted_of_the_log() {
        run(|| {
            let (mut guest, both) = forked();
            assert_ok!(report(&Equivocation::Checkpoints(both)));
            guest.write(1);
            let checkpoint = guest.checkpoint();
            assert_noop!(guest.submit(checkpoint), Error::<Test>::Equivocated);
        });
    }
}

mod of_an_aggregator {
    use super::*;

    #[test]
    fn stops_it_burns_its_deposit_and_costs_nothing() {
        run(|| {
            let collector = Collector::registered();
            let (burnt, issued) = (held(&OWNER).0, Balances::total_issuance());
            let proof = two_rounds(&collector);
            assert_eq!(report(&proof).unwrap().pays_fee, Pays::No);
            assert_eq!((held(&OWNER), Balances::total_issuance()), ((0, 0), issued - burnt));
            assert_eq!(Balances::free_balance(ANYONE), ENDOWMENT);
            let record = Aggregators::<Test>::get(collector.id).unwrap();
            assert_eq!((record.stopped, record.deposit), (true, 0));
            let event = Event::AggregatorStopped { aggregator: collector.id, number: 0, burnt, proof: digest(&proof) };
            System::assert_last_event(event.into());
        });
    }

    #[test]
    fn is_proved_by_one_signature_against_what_the_chain_took() {
        run(|| {
            let mut collector = Collector::registered();
            let rounds: Vec<_> = (0..6).map(|_| collector.commit()).collect();
            let committed = rounds[2];
            let signed = collector.signed(Round { root: Digest([6; 32]), ..committed });
            let path = collector.proof_of_round(2);
            assert_ok!(report(&Equivocation::Committed { signed, committed, path }));
            assert!(Aggregators::<Test>::get(collector.id).unwrap().stopped);
        });
    }

    #[test]
    fn leaves_what_its_owner_has_besides() {
        run(|| {
            let (first, second) = (Collector::registered(), Collector::registered());
            let both = held(&OWNER).0;
            stop(&first);
            assert_eq!(held(&OWNER).0, both / 2);
            assert_ok!(second.submit(second.round()));
        });
    }

    #[test]
    fn costs_its_own_work() {
        let round = Round { version: 1, aggregator: AggregatorId(0), number: 0, root: Digest::ZERO, filled: 0, receipts: 0, time: 0 };
        let both = [SignedRound { round, signature: Signature([0; 64]) }; 2];
        let call = crate::Call::<Test>::report_equivocation { proof: Box::new(Equivocation::Rounds(both)) };
        assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::report_rounds());
    }

    #[test]
    fn fails_for_the_same_content_another_number_or_another_aggregator() {
        run(|| {
            let collector = Collector::registered();
            let round = collector.round();
            let others = [
                round,
                Round { time: round.time + 9, ..round },
                Round { number: 1, root: Digest([6; 32]), ..round },
                Round { aggregator: AggregatorId(5), root: Digest([6; 32]), ..round },
            ];
            for other in others {
                let proof = Equivocation::Rounds([collector.signed(round), collector.signed(other)]);
                assert_noop!(report(&proof), Error::<Test>::NoContradiction);
                let proof = Equivocation::Committed { signed: collector.signed(round), committed: other, path: List::new() };
                assert_noop!(report(&proof), Error::<Test>::NoContradiction);
            }
        });
    }

    #[test]
    fn fails_when_the_chain_did_not_take_the_other_round() {
        run(|| {
            let mut collector = Collector::registered();
            collector.commit();
            let second = collector.commit();
            let path = collector.proof_of_round(1);
            let invented = Round { root: Digest([7; 32]), ..second };
            let proof = Equivocation::Committed { signed: collector.signed(second), committed: invented, path: path.clone() };
            assert_noop!(report(&proof), Error::<Test>::NotCommitted);
            let signed = collector.signed(invented);
            for path in [List::new(), collector.proof_of_round(0)] {
                let proof = Equivocation::Committed { signed, committed: second, path };
                assert_noop!(report(&proof), Error::<Test>::NotCommitted);
            }
            assert_ok!(report(&Equivocation::Committed { signed, committed: second, path }));
        });
    }

    #[test]
    fn fails_when_the_aggregator_is_unknown() {
        run(|| {
            let mut collector = Collector::registered();
            collector.id = AggregatorId(7);
            assert_noop!(report(&two_rounds(&collector)), Error::<Test>::UnknownAggregator);
        });
    }

    #[test]
    fn fails_when_reported_before_by_this_or_another_proof() {
        run(|| {
            let mut collector = Collector::registered();
            let committed = collector.commit();
            let first = two_rounds(&collector);
            assert_ok!(report(&first));
            assert_noop!(report(&first), Error::<Test>::AlreadyReported);
            let signed = collector.signed(Round { root: Digest([6; 32]), ..committed });
            let path = collector.proof_of_round(0);
            assert_noop!(report(&Equivocation::Committed { signed, committed, path }), Error::<Test>::AlreadyReported);
            // Not even once nothing of it is stored any more.
            assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(ANYONE), collector.id));
            assert_noop!(report(&first), Error::<Test>::UnknownAggregator);
        });
    }

    #[test]
    fn fails_when_a_version_is_unknown() {
        run(|| {
            let collector = Collector::registered();
            let round = collector.round();
            let proof = Equivocation::Rounds([collector.signed(round), collector.signed(Round { version: 2, ..round })]);
            assert_noop!(report(&proof), Error::<Test>::UnsupportedVersion);
        });
    }

    #[test]
    fn fails_unless_both_are_signed_by_its_key() {
        run(|| {
            let mut collector = Collector::registered();
            let committed = collector.commit();
            let (round, other) = (collector.round(), Round { root: Digest([6; 32]), ..collector.round() });
            let path = collector.proof_of_round(0);
            let genuine = collector.signed(round);
            collector.pair = ed25519::Pair::from_seed(&[200; 32]);
            let forged = collector.signed(other);
            for both in [[genuine, forged], [forged, genuine]] {
                assert_noop!(report(&Equivocation::Rounds(both)), Error::<Test>::BadSignature);
            }
            let signed = collector.signed(Round { root: Digest([6; 32]), ..committed });
            assert_noop!(report(&Equivocation::Committed { signed, committed, path }), Error::<Test>::BadSignature);
        });
    }
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        let proof = Box::new(two_rounds(&Collector::registered()));
        assert_noop!(Receipts::report_equivocation(RuntimeOrigin::none(), proof), DispatchError::BadOrigin);
    });
}

#[test]
fn every_proof_is_smaller_than_a_kilobyte() {
    assert!(Equivocation::max_encoded_len() < 1_024, "{}", Equivocation::max_encoded_len());
    assert_eq!((2 * SignedCheckpoint::max_encoded_len(), 2 * SignedRound::max_encoded_len()), (402, 258));
}
