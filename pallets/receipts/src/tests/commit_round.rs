//! `commit_round`: what is stored, and one refusal per test.

use crate::{Committed, Error, Event, RoundLogs, Rounds, mock::*, rounds::MAX_ROUNDS};
use blockcloud_primitives::{AggregatorId, Digest, Round, Signature};
use blockcloud_receipt_log::{Peaks, verify_round};
use frame_support::{assert_noop, assert_ok};
use sp_core::{Pair, ed25519};
use sp_runtime::DispatchError;

/// An aggregator with one source that has handed in a checkpoint.
fn filled() -> (Collector, Guest) {
    let mut collector = Collector::registered();
    let mut guest = Guest::attested(JOB, 5);
    let slot = collector.register(CUSTOMER, JOB);
    let checkpoint = guest.checkpoint();
    collector.take(slot, &guest, checkpoint);
    (collector, guest)
}

#[test]
fn stores_the_round_and_its_sum() {
    run(|| {
        let (mut collector, _) = filled();
        let first = Round { receipts: 5, ..collector.round() };
        assert_ok!(collector.submit(first));
        assert_eq!(Receipts::kept_round(collector.id, 0), Some(Committed { round: first, at: NOW }));
        System::assert_last_event(Event::RoundCommitted { round: first, receipts: 5 }.into());
        set_time(NOW + 7_000);
        (collector.number, collector.time) = (1, NOW + 6_000);
        let second = Round { receipts: 2, ..collector.round() };
        assert_ok!(collector.submit(second));
        assert_eq!(Receipts::kept_round(collector.id, 1), Some(Committed { round: second, at: NOW + 7_000 }));
        let log = RoundLogs::<Test>::get(collector.id);
        assert_eq!((log.rounds.size(), log.time, log.receipts), (2, Some(NOW + 7_000), 7));
        System::assert_last_event(Event::RoundCommitted { round: second, receipts: 7 }.into());
    });
}

#[test]
fn the_chains_root_proves_every_round_that_was_ever_committed() {
    run(|| {
        let (mut collector, _) = filled();
        let rounds: Vec<_> = (0..12).map(|_| collector.commit()).collect();
        let log = RoundLogs::<Test>::get(collector.id).rounds;
        assert_eq!((log.size(), log.root()), (12, collector.log.root()));
        for round in rounds {
            let path: Vec<_> = collector.proof_of_round(round.number).iter().map(|digest| digest.0).collect();
            assert_eq!(verify_round(&log.root(), log.size(), &round, &path), Ok(()));
        }
    });
}

#[test]
fn the_state_stays_the_same_size_after_256_rounds() {
    run(|| {
        let (mut collector, _) = filled();
        for _ in 0..260 {
            collector.commit();
            set_time(collector.time);
        }
        assert_eq!(Rounds::<Test>::iter().count(), 256);
        assert_eq!(Receipts::kept_round(collector.id, 3), None);
        assert_eq!(Receipts::kept_round(collector.id, 4).map(|kept| kept.round.number), Some(4));
        assert_eq!(Receipts::kept_round(collector.id, 259).map(|kept| kept.round.number), Some(259));
    });
}

#[test]
fn an_empty_round_is_a_round() {
    run(|| {
        let mut collector = Collector::registered();
        let round = collector.commit();
        assert_eq!((round.filled, round.receipts), (0, 0));
    });
}

#[test]
fn a_source_that_leaves_does_not_make_a_signed_round_void() {
    run(|| {
        let (collector, _) = filled();
        let round = collector.round();
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), collector.id, 0));
        assert_ok!(collector.submit(round));
    });
}

#[test]
fn a_round_that_came_too_late_is_signed_again_without_equivocation() {
    run(|| {
        let (collector, _) = filled();
        let late = collector.round();
        set_time(late.time + u64::from(MAX_AGE) * 1_000 + 1);
        assert_noop!(collector.submit(late), Error::<Test>::RoundTooOld);
        let again = Round { time: late.time + u64::from(MAX_AGE) * 1_000, ..late };
        assert_ok!(collector.submit(again));
        assert!(!late.contradicts(&again));
    });
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        let (collector, _) = filled();
        let round = collector.round();
        assert_noop!(Receipts::commit_round(RuntimeOrigin::none(), round, collector.sign(&round)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_the_aggregator_is_unknown() {
    run(|| {
        let (collector, _) = filled();
        assert_noop!(collector.submit(Round { aggregator: AggregatorId(9), ..collector.round() }), Error::<Test>::UnknownAggregator);
    });
}

#[test]
fn fails_when_the_aggregator_is_stopped() {
    run(|| {
        let (collector, _) = filled();
        super::report_equivocation::stop(&collector);
        assert_noop!(collector.submit(collector.round()), Error::<Test>::Stopped);
    });
}

#[test]
fn fails_when_the_version_is_unknown() {
    run(|| {
        let (collector, _) = filled();
        assert_noop!(collector.submit(Round { version: 2, ..collector.round() }), Error::<Test>::UnsupportedVersion);
    });
}

#[test]
fn fails_with_another_key_for_another_chain_or_when_changed_after_signing() {
    run(|| {
        let (mut collector, _) = filled();
        let round = collector.round();
        let signature = collector.sign(&round);
        let elsewhere = Signature(collector.pair.sign(&round.signing_payload(&Digest([1; 32]))).0);
        let origin = || RuntimeOrigin::signed(ANYONE);
        assert_noop!(Receipts::commit_round(origin(), round, elsewhere), Error::<Test>::BadSignature);
        let changed = [
            Round { root: Digest([3; 32]), ..round },
            Round { filled: 0, ..round },
            Round { receipts: 9, ..round },
            Round { time: round.time + 1, ..round },
            Round { number: 1, ..round },
        ];
        for round in changed {
            assert_noop!(Receipts::commit_round(origin(), round, signature), Error::<Test>::BadSignature);
        }
        collector.pair = ed25519::Pair::from_seed(&[200; 32]);
        assert_noop!(collector.submit(round), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_with_the_round_of_another_aggregator() {
    run(|| {
        let (collector, _) = filled();
        let other = Collector::registered();
        let round = Round { aggregator: other.id, ..collector.round() };
        assert_noop!(collector.submit(round), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_when_the_number_is_not_the_next() {
    run(|| {
        let (mut collector, _) = filled();
        let first = collector.commit();
        assert_noop!(collector.submit(first), Error::<Test>::WrongNumber);
        assert_noop!(collector.submit(Round { number: 2, ..collector.round() }), Error::<Test>::WrongNumber);
        assert_ok!(collector.submit(collector.round()));
    });
}

#[test]
fn fails_when_the_log_of_rounds_is_full() {
    storage().execute_with(|| {
        let (collector, _) = filled();
        RoundLogs::<Test>::mutate(collector.id, |log| log.rounds = Peaks::dearest(31));
        assert_noop!(collector.submit(Round { number: MAX_ROUNDS, ..collector.round() }), Error::<Test>::NoNumbersLeft);
    });
}

#[test]
fn fails_when_its_time_is_not_after_that_of_the_round_before() {
    run(|| {
        let (mut collector, _) = filled();
        let first = collector.commit();
        for time in [first.time, first.time - 1] {
            assert_noop!(collector.submit(Round { time, ..collector.round() }), Error::<Test>::RoundTimeStoodStill);
        }
        assert_ok!(collector.submit(Round { time: first.time + 1, ..collector.round() }));
    });
}

#[test]
fn fails_when_from_the_future() {
    run(|| {
        let (collector, _) = filled();
        let limit = NOW + u64::from(MAX_AHEAD) * 1_000;
        for time in [limit + 1, u64::MAX] {
            assert_noop!(collector.submit(Round { time, ..collector.round() }), Error::<Test>::RoundFromTheFuture);
        }
        assert_ok!(collector.submit(Round { time: limit, ..collector.round() }));
    });
}

#[test]
fn fails_when_too_old() {
    run(|| {
        let (collector, _) = filled();
        let limit = NOW - u64::from(MAX_AGE) * 1_000;
        for time in [limit - 1, 0] {
            assert_noop!(collector.submit(Round { time, ..collector.round() }), Error::<Test>::RoundTooOld);
        }
        assert_ok!(collector.submit(Round { time: limit, ..collector.round() }));
    });
}

#[test]
fn fails_when_more_slots_are_filled_than_were_given_out() {
    run(|| {
        let (collector, _) = filled();
        assert_noop!(collector.submit(Round { filled: 2, ..collector.round() }), Error::<Test>::TooManyFilled);
    });
}

#[test]
fn fails_when_it_has_receipts_and_no_filled_slot() {
    run(|| {
        let (collector, _) = filled();
        assert_noop!(collector.submit(Round { filled: 0, receipts: 1, ..collector.round() }), Error::<Test>::ReceiptsOfNobody);
    });
}

#[test]
fn fails_when_the_receipts_cannot_be_counted() {
    run(|| {
        let (mut collector, _) = filled();
        collector.commit();
        assert_noop!(collector.submit(Round { receipts: u64::MAX, ..collector.round() }), Error::<Test>::TooManyReceipts);
        assert_ok!(collector.submit(Round { receipts: u64::MAX - 1, ..collector.round() }));
    });
}
