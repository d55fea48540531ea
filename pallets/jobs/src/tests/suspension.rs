//! What becomes of a running job whose evidence counts no longer: notice, no pay, and an end unless that changes in time.

use super::{job, state};
use crate::{Error, Event, mock::*};
use blockcloud_primitives::{End, JobId, JobSpec, JobState, Lapse, Policy, Suspension};
use frame_support::{assert_noop, assert_ok};

/// A running job whose policy lets it wait for so many seconds.
pub fn patient(suspension_grace: u32) -> JobId {
    let policy = Policy { suspension_grace, ..spec().policy };
    start(attest(accept(place(OFFER, JobSpec { policy, ..spec() }))))
}

fn withdraw(id: JobId) {
    change(|world| world.withdrawn.push(id));
}

fn reinstate() {
    change(|world| world.withdrawn.clear());
}

fn poke(id: JobId) {
    Jobs::poke(signed(STRANGER), id).unwrap();
}

#[test]
fn anyone_can_have_a_withdrawal_noticed() {
    run(|| {
        let id = patient(60);
        set_time(START + 5 * SECOND);
        checkpoint(id).unwrap();
        withdraw(id);
        events();
        poke(id);
        let until = START + 65 * SECOND;
        let suspension = Suspension { since: START + 5 * SECOND, reason: Lapse::MeasurementWithdrawn, until };
        assert_eq!((job(id).suspended, job(id).deadline), (Some(suspension), until));
        assert_eq!(events(), [Event::Suspended { job: id, reason: Lapse::MeasurementWithdrawn, until }]);
        assert_noop!(Jobs::poke(signed(STRANGER), id), Error::<Test>::NotDue);
    });
}

#[test]
fn both_sides_see_a_lapse_at_once_and_the_notice_of_it() {
    run(|| {
        let id = patient(60);
        let view = || Jobs::job_view(id, |_| Default::default()).unwrap();
        assert_eq!((view().lapse, view().suspended), (None, None));
        withdraw(id);
        assert_eq!((view().lapse, view().suspended), (Some(Lapse::MeasurementWithdrawn), None));
        poke(id);
        assert_eq!(view().suspended.map(|suspension| suspension.reason), Some(Lapse::MeasurementWithdrawn));
    });
}

#[test]
fn nothing_is_taken_from_a_guest_that_does_not_count() {
    run(|| {
        let id = patient(60);
        withdraw(id);
        assert_noop!(checkpoint(id), Error::<Test>::SessionNotLive);
        poke(id);
        assert_noop!(checkpoint(id), Error::<Test>::SessionNotLive);
        assert_noop!(Guest::new(id).complete(), Error::<Test>::SessionNotLive);
    });
}

#[test]
fn the_job_ends_when_its_patience_is_over_and_the_money_is_right() {
    run(|| {
        let id = patient(60);
        for second in [8, 16] {
            set_time(START + second * SECOND);
            checkpoint(id).unwrap();
        }
        withdraw(id);
        poke(id);
        wait(59 * SECOND);
        assert_eq!(state(id), JobState::Running);
        wait(SECOND);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
        assert_eq!((spendable(&PROVIDER), held(&CUSTOMER).0), (ENDOWMENT + 16 * RATE, 0));
        // Why, is still there to be read.
        assert_eq!(job(id).suspended.map(|suspension| suspension.reason), Some(Lapse::MeasurementWithdrawn));
    });
}

#[test]
fn without_patience_the_job_ends_at_once() {
    run(|| {
        let id = patient(0);
        withdraw(id);
        poke(id);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
    });
}

#[test]
fn a_session_that_runs_out_suspends_from_that_moment_whenever_it_is_noticed() {
    run(|| {
        change(|world| world.session = 15);
        let id = patient(60);
        set_time(START + 9 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(job(id).deadline, START + 15 * SECOND);
        wait(13 * SECOND);
        let suspension = Suspension { since: START + 15 * SECOND, reason: Lapse::Expired, until: START + 75 * SECOND };
        assert_eq!(job(id).suspended, Some(suspension));
    });
}

#[test]
fn a_session_that_ran_out_too_long_ago_ends_the_job() {
    run(|| {
        change(|world| world.session = 15);
        let id = patient(10);
        wait(25 * SECOND);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
    });
}

#[test]
fn what_counts_again_goes_on_by_a_poke() {
    run(|| {
        let id = patient(60);
        withdraw(id);
        poke(id);
        set_time(START + 40 * SECOND);
        reinstate();
        events();
        poke(id);
        assert_eq!(job(id).suspended, None);
        assert_eq!(events(), [Event::Resumed { job: id, reason: Lapse::MeasurementWithdrawn }]);
        // A whole gap for the next checkpoint, which is paid from here on.
        set_time(START + 47 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(job(id).earned(), 7 * RATE);
    });
}

#[test]
fn what_counts_again_goes_on_by_a_checkpoint() {
    run(|| {
        let id = patient(60);
        withdraw(id);
        poke(id);
        set_time(START + 40 * SECOND);
        reinstate();
        checkpoint(id).unwrap();
        assert_eq!((job(id).suspended, job(id).earned()), (None, 0));
    });
}

#[test]
fn more_escrow_does_not_move_the_end_of_a_suspension() {
    run(|| {
        let id = patient(60);
        withdraw(id);
        poke(id);
        let until = job(id).deadline;
        assert_ok!(Jobs::top_up(signed(CUSTOMER), id, 100 * RATE));
        assert_eq!(job(id).deadline, until);
    });
}

#[test]
fn a_suspended_job_can_be_cancelled() {
    run(|| {
        let id = patient(60);
        withdraw(id);
        poke(id);
        assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
        assert_eq!(state(id), JobState::Settled(End::CancelledByCustomer));
    });
}

#[test]
fn a_job_that_does_not_run_yet_is_not_suspended_but_ends() {
    run(|| {
        let policy = Policy { suspension_grace: 60, ..spec().policy };
        let id = attest(accept(place(OFFER, JobSpec { policy, ..spec() })));
        withdraw(id);
        poke(id);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
    });
}
