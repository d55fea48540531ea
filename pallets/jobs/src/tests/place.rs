//! `place`: all or nothing, and every reason for nothing.

use super::job;
use crate::{Cursor, Due, Error, Event, Flows, Job, JobsOf, NextJob, Specs, TotalFlows, mock::*};
use blockcloud_primitives::{Allow, JobId, JobSpec, JobState, List, Measurements, OfferId, SiteId, Workload};
use codec::{Encode, MaxEncodedLen};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, TokenError};

fn deposit(spec: &JobSpec) -> u128 {
    DEPOSIT_BASE + DEPOSIT_PER_BYTE * (spec.encoded_size() + Job::<AccountId32>::max_encoded_len()) as u128
}

fn refused(change: impl FnOnce(&mut JobSpec), error: impl Into<DispatchError>) {
    run(|| {
        let mut spec = spec();
        change(&mut spec);
        assert_noop!(Jobs::place(signed(CUSTOMER), OFFER, Box::new(spec)), error.into());
    });
}

#[test]
fn locks_everything_and_tells() {
    run(|| {
        let spec = spec();
        assert_ok!(Jobs::place(signed(CUSTOMER), OFFER, Box::new(spec.clone())));
        let deposit = deposit(&spec);
        let deadline = START + u64::from(ACCEPT_WITHIN) * SECOND;
        let second = deadline / SECOND;
        let expected = Job {
            customer: CUSTOMER,
            provider: PROVIDER,
            offer: OFFER,
            site: SiteId(1),
            terms: spec.terms(),
            resources: spec.resources,
            rate: RATE,
            longest_run: LONGEST_RUN,
            checkpoint_gap: GAP,
            state: JobState::Reserved,
            placed_at: START,
            deadline,
            queued: Some(second),
            session_until: None,
            suspended: None,
            run: None,
            completion: None,
            deposit,
            deposited: ESCROW,
            paid: 0,
            returned: 0,
        };
        assert_eq!(job(JobId(0)), expected);
        assert_eq!(Specs::<Test>::get(JobId(0)), Some(spec.clone()));
        assert_eq!(NextJob::<Test>::get(), JobId(1));
        assert_eq!(Due::<Test>::get(second).into_inner(), [JobId(0)]);
        assert_eq!(Cursor::<Test>::get(), Some(START / SECOND + 1));
        assert_eq!(TotalFlows::<Test>::get(), Flows { deposited: ESCROW, paid: 0, returned: 0 });
        assert!(JobsOf::<Test>::contains_key(CUSTOMER, [0; 8]) && JobsOf::<Test>::contains_key(PROVIDER, [0; 8]));
        assert_eq!(held(&CUSTOMER), (ESCROW, deposit));
        assert_eq!(spendable(&CUSTOMER), ENDOWMENT - ESCROW - deposit);
        let placed = Event::Placed {
            job: JobId(0),
            customer: CUSTOMER,
            provider: PROVIDER,
            offer: OFFER,
            terms: spec.terms(),
            rate: RATE,
            escrow: ESCROW,
            deposit,
            deadline,
        };
        assert_eq!(events(), [placed]);
        let world = world();
        assert_eq!(world.offers[&OFFER].free, TOTAL_VCPUS - 2);
        assert_eq!(world.covers[&JobId(0)], (PROVIDER, CUSTOMER, spec.cover));
    });
}

#[test]
fn ids_are_never_used_twice() {
    run(|| {
        assert_eq!(placed(), JobId(0));
        assert_ok!(Jobs::cancel(signed(CUSTOMER), JobId(0)));
        assert_eq!(placed(), JobId(1));
    });
}

#[test]
fn a_free_job_needs_no_escrow() {
    run(|| {
        let job = place(FREE_OFFER, JobSpec { escrow: 0, ..spec() });
        assert_eq!(held(&CUSTOMER).0, 0);
        start(attest(accept(job)));
        wait(5 * SECOND);
        checkpoint(job).unwrap();
        assert_eq!(super::job(job).earned(), 0);
    });
}

#[test]
fn fails_when_no_region_is_allowed() {
    refused(|spec| spec.policy.regions = Allow::Only(List::new()), Error::<Test>::EmptyAllowList);
}

#[test]
fn fails_when_no_jurisdiction_is_allowed() {
    refused(|spec| spec.policy.jurisdictions = Allow::Only(List::new()), Error::<Test>::EmptyAllowList);
}

#[test]
fn fails_when_no_measurement_is_allowed() {
    refused(|spec| spec.policy.measurements = Measurements::Only(List::new()), Error::<Test>::EmptyAllowList);
}

#[test]
fn fails_when_no_hardware_is_accepted() {
    refused(|spec| spec.policy.tees = List::new(), Error::<Test>::NoTee);
}

#[test]
fn fails_without_processor() {
    refused(|spec| spec.resources.vcpus = 0, Error::<Test>::NoResources);
}

#[test]
fn fails_without_memory() {
    refused(|spec| spec.resources.memory_gib = 0, Error::<Test>::NoResources);
}

#[test]
fn fails_when_the_workload_may_use_more_memory_than_is_paid() {
    refused(
        |spec| {
            let Workload::Wasm { memory_mib, .. } = &mut spec.workload;
            *memory_mib = 1025;
        },
        Error::<Test>::MemoryNotReserved,
    );
}

#[test]
fn fails_without_a_run() {
    refused(|spec| spec.longest_run = 0, Error::<Test>::NoRun);
}

#[test]
fn fails_when_the_gap_is_too_small() {
    refused(|spec| spec.policy.checkpoint_gap = MIN_GAP - 1, Error::<Test>::CheckpointGapOutOfBounds);
}

#[test]
fn fails_when_the_gap_is_too_large() {
    refused(|spec| spec.policy.checkpoint_gap = MAX_GAP + 1, Error::<Test>::CheckpointGapOutOfBounds);
}

#[test]
fn fails_when_a_suspended_job_is_to_wait_too_long() {
    refused(|spec| spec.policy.suspension_grace = MAX_SUSPENSION_GRACE + 1, Error::<Test>::SuspensionGraceTooLong);
}

#[test]
fn fails_when_more_certifiers_are_asked_for_than_can_vouch() {
    refused(|spec| spec.policy.chip_endorsements = 5, Error::<Test>::TooManyEndorsements);
}

#[test]
fn fails_when_evidence_is_to_count_for_less_than_a_renewal_takes() {
    refused(|spec| spec.policy.longest_session = 19, Error::<Test>::SessionTooShort);
}

#[test]
fn fails_when_no_publisher_is_allowed() {
    refused(|spec| spec.policy.measurements = Measurements::Publishers(List::new()), Error::<Test>::EmptyAllowList);
}

#[test]
fn the_escrow_must_pay_for_the_shortest_paid_time() {
    let least = RATE * u128::from(MIN_PAID_TIME);
    refused(|spec| spec.escrow = least - 1, Error::<Test>::EscrowTooLow);
    run(|| assert_eq!(place(OFFER, JobSpec { escrow: least, ..spec() }), JobId(0)));
}

#[test]
fn a_run_shorter_than_the_shortest_paid_time_needs_escrow_for_itself_only() {
    refused(|spec| (spec.longest_run, spec.escrow) = (3, 3 * RATE - 1), Error::<Test>::EscrowTooLow);
    run(|| assert_eq!(place(OFFER, JobSpec { longest_run: 3, escrow: 3 * RATE, ..spec() }), JobId(0)));
}

#[test]
fn fails_when_the_price_cannot_be_counted() {
    run(|| {
        change(|world| world.offers.get_mut(&OFFER).unwrap().price = u128::MAX);
        assert_noop!(Jobs::place(signed(CUSTOMER), OFFER, Box::new(spec())), Error::<Test>::Overflow);
    });
}

#[test]
fn fails_when_all_ids_are_used() {
    run(|| {
        NextJob::<Test>::put(JobId(u64::MAX));
        assert_noop!(Jobs::place(signed(CUSTOMER), OFFER, Box::new(spec())), Error::<Test>::NoIdsLeft);
    });
}

#[test]
fn fails_when_the_market_refuses() {
    run(|| {
        assert_noop!(Jobs::place(signed(CUSTOMER), OfferId(77), Box::new(spec())), NO_OFFER);
    });
    refused(|spec| spec.resources.vcpus = TOTAL_VCPUS + 1, SOLD_OUT);
}

#[test]
fn fails_when_the_surety_refuses() {
    refused(|spec| spec.cover = BOND + 1, NO_COVER);
}

#[test]
fn fails_when_the_escrow_is_not_there() {
    refused(|spec| spec.escrow = ENDOWMENT, TokenError::FundsUnavailable);
}

#[test]
fn fails_when_the_deposit_is_not_there() {
    run(|| {
        let poor = AccountId32::new([99; 32]);
        assert_noop!(Jobs::place(signed(poor), FREE_OFFER, Box::new(JobSpec { escrow: 0, ..spec() })), TokenError::FundsUnavailable);
    });
}

#[test]
fn fails_when_the_queue_is_full() {
    run(|| {
        MaxDuePerBlock::set(0);
        // Every second that is tried.
        let full: List<JobId, { crate::PER_SECOND }> = vec![JobId(9); crate::PER_SECOND as usize].try_into().unwrap();
        let now = START / SECOND;
        let seconds = || Jobs::candidates(now + u64::from(ACCEPT_WITHIN), now + 1, u64::MAX);
        seconds().for_each(|second| Due::<Test>::insert(second, full.clone()));
        assert_noop!(Jobs::place(signed(CUSTOMER), OFFER, Box::new(spec())), Error::<Test>::QueueFull);
        seconds().for_each(Due::<Test>::remove);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Jobs::place(RuntimeOrigin::none(), OFFER, Box::new(spec())), DispatchError::BadOrigin);
    });
}
