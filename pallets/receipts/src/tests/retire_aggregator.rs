//! `retire_aggregator`: everything goes and the deposit returns; one refusal per test.

use super::held;
use crate::{Aggregators, Error, Event, RoundLogs, Rounds, mock::*};
use blockcloud_primitives::AggregatorId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn forgets_everything_and_returns_the_deposit() {
    run(|| {
        let mut collector = Collector::registered();
        Guest::attested(JOB, 1);
        let slot = collector.register(CUSTOMER, JOB);
        for _ in 0..3 {
            collector.commit();
        }
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), collector.id, slot));
        assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), collector.id));
        assert_eq!(held(&OWNER), (0, 0));
        assert_eq!(Balances::free_balance(OWNER), ENDOWMENT);
        assert!(!Aggregators::<Test>::contains_key(collector.id) && !RoundLogs::<Test>::contains_key(collector.id));
        assert_eq!(Rounds::<Test>::iter().count(), 0);
        System::assert_last_event(Event::AggregatorRetired { aggregator: collector.id }.into());
    });
}

#[test]
fn a_full_ring_goes_as_well() {
    run(|| {
        let mut collector = Collector::registered();
        for _ in 0..300 {
            collector.commit();
            set_time(collector.time);
        }
        assert_eq!(Rounds::<Test>::iter().count(), 256);
        Receipts::do_try_state().unwrap();
        assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), collector.id));
        assert_eq!(Rounds::<Test>::iter().count(), 0);
    });
}

#[test]
fn leaves_the_others() {
    run(|| {
        let mut first = Collector::registered();
        let mut second = Collector::registered();
        first.commit();
        second.commit();
        assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), first.id));
        assert_eq!(Receipts::kept_round(second.id, 0).map(|kept| kept.round.aggregator), Some(second.id));
        second.commit();
    });
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        assert_noop!(Receipts::retire_aggregator(RuntimeOrigin::none(), AggregatorId(0)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_unknown() {
    run(|| {
        assert_noop!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), AggregatorId(0)), Error::<Test>::UnknownAggregator);
    });
}

#[test]
fn fails_for_anyone_but_the_owner() {
    run(|| {
        let collector = Collector::registered();
        assert_noop!(Receipts::retire_aggregator(RuntimeOrigin::signed(ANYONE), collector.id), Error::<Test>::NotOwner);
    });
}

#[test]
fn fails_while_there_are_sources() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        collector.register(CUSTOMER, JOB);
        assert_noop!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), collector.id), Error::<Test>::SourcesLeft);
    });
}
