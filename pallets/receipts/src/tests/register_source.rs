//! `register_source`: which slot is given, from which round on, and one refusal per test.

use super::held;
use crate::{Aggregators, Error, Event, Place, Places, Side, Source, Sources, WeightInfo, mock::*};
use blockcloud_primitives::{AggregatorId, JobId};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, weights::Weight};
use sp_runtime::{AccountId32, DispatchError, DispatchResult, TokenError};

fn register(account: AccountId32, aggregator: AggregatorId, job: JobId, vacant: Option<u32>) -> DispatchResult {
    Receipts::register_source(RuntimeOrigin::signed(account), aggregator, job, vacant)
}

/// As many jobs with open logs as the mock's tree has slots, and one more.
fn jobs() -> Vec<JobId> {
    let jobs: Vec<_> = (0..9).map(JobId).collect();
    jobs.iter().for_each(|job| drop(Guest::attested(*job, 1)));
    jobs
}

#[test]
fn gives_the_first_unused_slot_from_the_next_round_on_for_a_deposit() {
    run(|| {
        let mut collector = Collector::registered();
        collector.commit();
        Guest::attested(JOB, 1);
        assert_ok!(register(PROVIDER, collector.id, JOB, None));
        let (aggregator, deposit) = (collector.id, held(&PROVIDER).1);
        assert!(deposit > 200);
        let source = Source { job: JOB, holder: PROVIDER, side: Side::Provider, from: 1, deposit };
        assert_eq!(Sources::<Test>::get(aggregator, 0), Some(source));
        assert_eq!(Places::<Test>::get(JOB).to_vec(), [Place { aggregator, slot: 0, side: Side::Provider }]);
        let record = Aggregators::<Test>::get(aggregator).unwrap();
        assert_eq!((record.sources, record.width), (1, 1));
        System::assert_last_event(Event::SourceRegistered { aggregator, slot: 0, job: JOB, holder: PROVIDER, from: 1, deposit }.into());
    });
}

#[test]
fn gives_a_vacant_slot_again_from_the_round_after_the_next_on() {
    run(|| {
        let mut collector = Collector::registered();
        let jobs = jobs();
        let slot = collector.register(CUSTOMER, jobs[0]);
        collector.register(CUSTOMER, jobs[1]);
        collector.commit();
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), collector.id, slot));
        assert_ok!(register(CUSTOMER, collector.id, jobs[2], Some(slot)));
        // Round 1 may be under way with the former owner's checkpoint: it is nobody's.
        assert_eq!(Sources::<Test>::get(collector.id, slot).map(|source| (source.job, source.from)), Some((jobs[2], 2)));
        assert_eq!(Aggregators::<Test>::get(collector.id).map(|record| (record.sources, record.width)), Some((2, 2)));
    });
}

#[test]
fn each_side_has_places_that_the_other_cannot_take() {
    run(|| {
        let collectors: Vec<_> = (0..5).map(|_| Collector::registered()).collect();
        Guest::attested(JOB, 1);
        assert_ok!(register(PROVIDER, collectors[0].id, JOB, None));
        assert_ok!(register(PROVIDER, collectors[1].id, JOB, None));
        assert_noop!(register(PROVIDER, collectors[2].id, JOB, None), Error::<Test>::TooManyPlaces);
        assert_ok!(register(CUSTOMER, collectors[2].id, JOB, None));
        assert_ok!(register(CUSTOMER, collectors[3].id, JOB, None));
        assert_noop!(register(CUSTOMER, collectors[4].id, JOB, None), Error::<Test>::TooManyPlaces);
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), collectors[2].id, 0));
        assert_ok!(register(CUSTOMER, collectors[4].id, JOB, None));
    });
}

#[test]
fn costs_its_own_work_and_that_of_the_neighbour() {
    let call = crate::Call::<Test>::register_source { aggregator: AggregatorId(0), job: JOB, vacant: None };
    assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::register_source() + Weight::from_parts(300_000, 3_000));
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        assert_noop!(Receipts::register_source(RuntimeOrigin::none(), AggregatorId(0), JOB, None), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_for_a_stranger() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        for stranger in [ANYONE, OWNER] {
            assert_noop!(register(stranger, collector.id, JOB, None), Error::<Test>::NotParty);
        }
    });
}

#[test]
fn fails_when_no_log_is_open() {
    run(|| {
        let collector = Collector::registered();
        assert_noop!(register(CUSTOMER, collector.id, JOB, None), Error::<Test>::NoLog);
    });
}

#[test]
fn fails_when_the_log_has_two_histories() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        crate::Logs::<Test>::mutate(JOB, |log| log.as_mut().unwrap().equivocated = true);
        assert_noop!(register(CUSTOMER, collector.id, JOB, None), Error::<Test>::Equivocated);
    });
}

#[test]
fn fails_when_the_aggregator_is_unknown() {
    run(|| {
        Guest::attested(JOB, 1);
        assert_noop!(register(CUSTOMER, AggregatorId(0), JOB, None), Error::<Test>::UnknownAggregator);
    });
}

#[test]
fn fails_when_the_aggregator_is_stopped() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        super::report_equivocation::stop(&collector);
        assert_noop!(register(CUSTOMER, collector.id, JOB, None), Error::<Test>::Stopped);
    });
}

#[test]
fn fails_when_registered_there_by_either_side() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        assert_ok!(register(CUSTOMER, collector.id, JOB, None));
        assert_noop!(register(CUSTOMER, collector.id, JOB, None), Error::<Test>::AlreadyRegistered);
        assert_noop!(register(PROVIDER, collector.id, JOB, None), Error::<Test>::AlreadyRegistered);
    });
}

#[test]
fn fails_when_every_slot_was_given_out_and_none_is_named() {
    run(|| {
        let collector = Collector::registered();
        let jobs = jobs();
        for job in &jobs[..8] {
            assert_ok!(register(CUSTOMER, collector.id, *job, None));
        }
        assert_noop!(register(CUSTOMER, collector.id, jobs[8], None), Error::<Test>::NoUnusedSlot);
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), collector.id, 3));
        assert_noop!(register(CUSTOMER, collector.id, jobs[8], None), Error::<Test>::NoUnusedSlot);
        assert_ok!(register(CUSTOMER, collector.id, jobs[8], Some(3)));
    });
}

#[test]
fn fails_when_the_named_slot_is_taken_or_was_never_given_out() {
    run(|| {
        let collector = Collector::registered();
        let jobs = jobs();
        assert_ok!(register(CUSTOMER, collector.id, jobs[0], None));
        for slot in [0, 1, 8, u32::MAX] {
            assert_noop!(register(CUSTOMER, collector.id, jobs[1], Some(slot)), Error::<Test>::NotVacant);
        }
    });
}

#[test]
fn fails_when_the_deposit_cannot_be_held() {
    run(|| {
        let collector = Collector::registered();
        Guest::attested(JOB, 1);
        assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), CUSTOMER, 100));
        assert_noop!(register(CUSTOMER, collector.id, JOB, None), TokenError::FundsUnavailable);
    });
}
