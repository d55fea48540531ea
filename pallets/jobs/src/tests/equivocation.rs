//! What a proof that the guest signed two histories does to a job. That it is a proof is the keeper of the logs' affair.

use super::{job, state};
use crate::{Error, Event, mock::*};
use blockcloud_primitives::{End, JobId, JobState};
use frame_support::{assert_noop, assert_ok};

#[test]
fn ends_a_running_job_pays_what_is_earned_and_keeps_the_cover() {
    run(|| {
        let id = running();
        set_time(START + 8 * SECOND);
        assert_ok!(checkpoint(id));
        events();
        assert_ok!(Jobs::on_equivocation(id));
        let claims_until = now() + u64::from(CLAIM_WINDOW) * SECOND;
        assert_eq!((state(id), job(id).deadline), (JobState::Settled(End::Equivocated), claims_until));
        assert_eq!(
            events(),
            [
                Event::Paid { job: id, provider: PROVIDER, amount: 8 * RATE },
                Event::Returned { job: id, customer: CUSTOMER, amount: ESCROW - 8 * RATE },
                Event::Ended { job: id, end: End::Equivocated, claims_until },
            ]
        );
        assert!(world().covers.contains_key(&id));
        assert_eq!((world().offers[&OFFER].free, world().ends), (TOTAL_VCPUS, vec![(PROVIDER, End::Equivocated)]));
    });
}

#[test]
fn is_not_paid_the_shortest_paid_time() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::on_equivocation(id));
        assert_eq!((job(id).paid, job(id).returned), (0, ESCROW));
    });
}

#[test]
fn ends_an_attested_job() {
    run(|| {
        let id = attested();
        assert_ok!(Jobs::on_equivocation(id));
        assert_eq!((state(id), job(id).returned), (JobState::Settled(End::Equivocated), ESCROW));
    });
}

#[test]
fn is_the_end_of_a_job_that_is_overdue_and_was_not_looked_at() {
    run(|| {
        let id = running();
        set_time(job(id).deadline + SECOND);
        assert_ok!(Jobs::on_equivocation(id));
        assert_eq!(state(id), JobState::Settled(End::Equivocated));
    });
}

#[test]
fn a_job_that_has_ended_keeps_its_end_and_the_record_shows_both() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
        let before = job(id);
        events();
        assert_ok!(Jobs::on_equivocation(id));
        assert_eq!((job(id), events()), (before, vec![]));
        assert_eq!(world().ends, [(PROVIDER, End::CancelledByCustomer), (PROVIDER, End::Equivocated)]);
    });
}

#[test]
fn nothing_is_taken_of_the_job_afterwards() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::on_equivocation(id));
        assert_noop!(checkpoint(id), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::on_equivocation(JobId(9)), Error::<Test>::UnknownJob);
    });
}
