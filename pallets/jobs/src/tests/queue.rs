//! The queue and the service: one entry for each job, caps, resumption, spill-over, failures.

use super::{job, state, tamper};
use crate::{Cursor, Due, Event, Jobs as Stored, PER_SECOND, WeightInfo, mock::*};
use blockcloud_primitives::{End, JobId, JobSpec, JobState, List};
use frame_support::weights::WeightMeter;
use sp_runtime::DispatchError;

fn free(jobs: u32) -> Vec<JobId> {
    (0..jobs).map(|_| place(FREE_OFFER, JobSpec { escrow: 0, cover: 0, ..spec() })).collect()
}

fn stored() -> usize {
    Stored::<Test>::iter_keys().count()
}

/// Leaves no room in a second.
fn fill(second: u64) {
    Due::<Test>::insert(second, List::<JobId, PER_SECOND>::truncate_from(vec![JobId(u64::MAX); PER_SECOND as usize]));
}

fn second(after_start: u32) -> u64 {
    START / SECOND + u64::from(after_start)
}

#[test]
fn without_a_job_nothing_is_written() {
    run(|| {
        wait(SECOND);
        assert_eq!(Cursor::<Test>::get(), None);
    });
}

#[test]
fn a_cap_holds_for_each_block_and_the_rest_comes_in_the_next() {
    run(|| {
        free(7);
        MaxDuePerBlock::set(3);
        wait(u64::from(ACCEPT_WITHIN) * SECOND);
        assert_eq!((stored(), Cursor::<Test>::get()), (4, Some(second(ACCEPT_WITHIN))));
        wait(0);
        assert_eq!(stored(), 1);
        wait(0);
        assert_eq!((stored(), Cursor::<Test>::get()), (0, Some(second(ACCEPT_WITHIN) + 1)));
    });
}

#[test]
fn weight_holds_too() {
    run(|| {
        free(3);
        let until = u64::from(ACCEPT_WITHIN);
        let jobs = |count| {
            <() as WeightInfo>::drain()
                .saturating_add(<() as WeightInfo>::drain_second().saturating_mul(until))
                .saturating_add(Jobs::drain_job_weight().saturating_mul(count))
        };
        set_time(START + until * SECOND);
        let mut meter = WeightMeter::with_limit(jobs(2));
        poll_with(&mut meter);
        assert_eq!((stored(), meter.consumed()), (1, jobs(2)));
        // Nothing at all is done with too little weight.
        let mut meter = WeightMeter::with_limit(<() as WeightInfo>::drain() / 2);
        poll_with(&mut meter);
        assert_eq!((stored(), meter.consumed()), (1, Default::default()));
    });
}

#[test]
fn a_long_standstill_is_caught_up_in_steps() {
    run(|| {
        free(1);
        wait(10_000 * SECOND);
        assert_eq!((stored(), Cursor::<Test>::get()), (0, Some(second(601))));
        let late = free(1)[0];
        for _ in 0..16 {
            wait(0);
        }
        assert_eq!(Cursor::<Test>::get(), Some(second(10_001)));
        assert_eq!(state(late), JobState::Reserved);
        wait(u64::from(ACCEPT_WITHIN) * SECOND);
        assert_eq!(stored(), 0);
    });
}

#[test]
fn a_full_second_spills_into_the_next() {
    run(|| {
        MaxDuePerBlock::set(2 * PER_SECOND);
        let jobs = free(PER_SECOND + 1);
        let at = second(ACCEPT_WITHIN);
        let last = jobs.last().copied().unwrap();
        assert_eq!((Due::<Test>::get(at).len(), Due::<Test>::get(at + 1).into_inner()), (PER_SECOND as usize, vec![last]));
        wait(u64::from(ACCEPT_WITHIN) * SECOND);
        assert_eq!(stored(), 1);
        wait(SECOND);
        assert_eq!(stored(), 0);
    });
}

#[test]
fn when_the_spill_is_full_an_entry_comes_early_and_again() {
    run(|| {
        let full = || second(ACCEPT_WITHIN)..second(ACCEPT_WITHIN) + 4;
        full().for_each(fill);
        let id = free(1)[0];
        assert_eq!(job(id).queued, Some(second(1)));
        wait(SECOND);
        assert_eq!(job(id).queued, Some(second(2)));
        full().for_each(Due::<Test>::remove);
        wait(SECOND);
        assert_eq!(job(id).queued, Some(second(ACCEPT_WITHIN)));
    });
}

#[test]
fn when_all_near_seconds_are_full_an_entry_goes_far_away() {
    run(|| {
        let near = || (second(1)..second(5)).chain(second(ACCEPT_WITHIN)..second(ACCEPT_WITHIN) + 4);
        near().for_each(fill);
        fill(second(1) + 16);
        let id = free(1)[0];
        near().chain([second(1) + 16]).for_each(Due::<Test>::remove);
        assert_eq!(job(id).queued, Some(second(1) + 32));
    });
}

#[test]
fn a_job_that_finds_no_room_waits_in_its_second_and_holds_nobody_up() {
    run(|| {
        // Both entries stand in one second; the one without room is looked at first.
        let overdue = free(1)[0];
        let id = free(1)[0];
        accept(id);
        set_time(START + u64::from(ACCEPT_WITHIN) * SECOND);
        let full = || Jobs::candidates(second(ATTEST_WITHIN), second(ACCEPT_WITHIN) + 1, u64::MAX);
        full().for_each(fill);
        wait(0);
        assert_eq!((Cursor::<Test>::get(), job(id).queued), (Some(second(ACCEPT_WITHIN)), Some(second(ACCEPT_WITHIN))));
        assert_eq!(Stored::<Test>::get(overdue), None);
        full().for_each(Due::<Test>::remove);
        wait(0);
        assert_eq!(job(id).queued, Some(second(ATTEST_WITHIN)));
    });
}

#[test]
fn an_earlier_deadline_moves_the_entry() {
    run(|| {
        let id = attest({
            let id = placed();
            accept(id);
            // The entry of the acceptance fires early and goes to the attestation's second.
            wait(u64::from(ACCEPT_WITHIN) * SECOND);
            assert_eq!(job(id).queued, Some(second(ATTEST_WITHIN)));
            id
        });
        assert_eq!(job(id).queued, Some(second(ACCEPT_WITHIN + START_WITHIN)));
        assert!(!Due::<Test>::contains_key(second(ATTEST_WITHIN)));
    });
}

#[test]
fn checkpoints_leave_the_entry_where_it_is() {
    run(|| {
        let id = running();
        let queued = job(id).queued;
        set_time(START + 5 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(job(id).queued, queued);
    });
}

#[test]
fn an_earlier_deadline_without_room_is_late_but_pokable() {
    run(|| {
        let id = attested();
        let queued = job(id).queued;
        let full = || Jobs::candidates(second(GAP + SILENCE_GRACE), second(1), queued.unwrap());
        full().for_each(fill);
        start(id);
        full().for_each(Due::<Test>::remove);
        assert_eq!(job(id).queued, queued);
        set_time(job(id).deadline);
        Jobs::poke(signed(STRANGER), id).unwrap();
        assert_eq!(state(id), JobState::Settled(End::Silent));
    });
}

#[test]
fn one_job_that_fails_does_not_hold_up_the_others() {
    run(|| {
        let (bad, good) = (placed(), place(OTHER_OFFER, spec()));
        // More is written down as locked than is held for the customer: returning it fails.
        tamper(bad, |job| job.deposited = 2 * ENDOWMENT);
        events();
        wait(u64::from(ACCEPT_WITHIN) * SECOND);
        assert_eq!(Stored::<Test>::get(good), None);
        let error = DispatchError::Token(sp_runtime::TokenError::FundsUnavailable);
        assert!(events().contains(&Event::Postponed { job: bad, error }));
        assert_eq!(job(bad).queued, Some(second(ACCEPT_WITHIN) + 61));
        tamper(bad, |job| job.deposited = ESCROW);
        wait(61 * SECOND);
        assert_eq!(Stored::<Test>::get(bad), None);
    });
}
