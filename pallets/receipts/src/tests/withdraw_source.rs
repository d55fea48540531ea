//! `withdraw_source`: the deposit returns to the holder, whoever calls; one refusal per test.

use super::held;
use crate::{Aggregators, Error, Event, Places, Sources, mock::*};
use blockcloud_primitives::AggregatorId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

fn withdraw(account: AccountId32, aggregator: AggregatorId, slot: u32) -> DispatchResult {
    Receipts::withdraw_source(RuntimeOrigin::signed(account), aggregator, slot)
}

#[test]
fn returns_the_deposit_and_forgets_the_place() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        let slot = collector.register(CUSTOMER, JOB);
        assert_ok!(withdraw(CUSTOMER, collector.id, slot));
        assert_eq!((held(&CUSTOMER), Balances::free_balance(CUSTOMER)), ((0, 0), ENDOWMENT));
        assert_eq!(Sources::<Test>::get(collector.id, slot), None);
        assert!(!Places::<Test>::contains_key(JOB));
        assert_eq!(Aggregators::<Test>::get(collector.id).map(|record| (record.sources, record.width)), Some((0, 1)));
        System::assert_last_event(Event::SourceWithdrawn { aggregator: collector.id, slot, job: JOB }.into());
    });
}

#[test]
fn leaves_the_jobs_other_places() {
    run(|| {
        let (first, second) = (Collector::registered(), Collector::registered());
        Guest::attested(JOB, 1);
        first.register(CUSTOMER, JOB);
        second.register(PROVIDER, JOB);
        assert_ok!(withdraw(CUSTOMER, first.id, 0));
        assert_eq!(Receipts::places_of(JOB).into_iter().map(|source| source.aggregator).collect::<Vec<_>>(), [second.id]);
    });
}

#[test]
fn is_open_to_anyone_once_the_log_is_closed_and_pays_the_holder() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        let slot = collector.register(CUSTOMER, JOB);
        Receipts::close(JOB);
        assert_ok!(withdraw(ANYONE, collector.id, slot));
        assert_eq!((Balances::free_balance(CUSTOMER), Balances::free_balance(ANYONE)), (ENDOWMENT, ENDOWMENT));
    });
}

#[test]
fn is_open_to_anyone_once_the_aggregator_is_stopped() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        let slot = collector.register(CUSTOMER, JOB);
        super::report_equivocation::stop(&collector);
        assert_ok!(withdraw(ANYONE, collector.id, slot));
        assert_eq!(Balances::free_balance(CUSTOMER), ENDOWMENT);
        // Then nothing holds the stopped one's records any more, nobody pays for them, and anyone clears them away.
        assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(ANYONE), collector.id));
    });
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        assert_noop!(Receipts::withdraw_source(RuntimeOrigin::none(), AggregatorId(0), 0), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_nothing_is_registered_there() {
    run(|| {
        let collector = Collector::registered();
        for aggregator in [collector.id, AggregatorId(9)] {
            assert_noop!(withdraw(CUSTOMER, aggregator, 0), Error::<Test>::UnknownSource);
        }
    });
}

#[test]
fn fails_for_anyone_but_the_holder() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        let slot = collector.register(CUSTOMER, JOB);
        for other in [PROVIDER, OWNER, ANYONE] {
            assert_noop!(withdraw(other, collector.id, slot), Error::<Test>::NotHolder);
        }
    });
}
