//! `cancel`, by either party.

use super::{job, state};
use crate::{Error, Event, Jobs as Stored, mock::*};
use blockcloud_primitives::{End, JobId, JobState};
use frame_support::{assert_noop, assert_ok};

#[test]
fn before_attestation_returns_everything_and_closes() {
    run(|| {
        for id in [placed(), accepted()] {
            events();
            assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
            assert_eq!(
                events(),
                [
                    Event::Returned { job: id, customer: CUSTOMER, amount: ESCROW },
                    Event::Ended { job: id, end: End::CancelledByCustomer, claims_until: START },
                    Event::Closed { job: id },
                ]
            );
            assert_eq!(Stored::<Test>::get(id), None);
        }
        assert_eq!((held(&CUSTOMER), spendable(&CUSTOMER)), ((0, 0), ENDOWMENT));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT);
    });
}

#[test]
fn after_attestation_keeps_the_cover_for_the_claim_window() {
    run(|| {
        let id = attested();
        assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
        assert_eq!(state(id), JobState::Settled(End::CancelledByCustomer));
        assert_eq!(job(id).deadline, START + u64::from(CLAIM_WINDOW) * SECOND);
        assert_eq!(held(&CUSTOMER), (0, job(id).deposit));
        assert!(world().covers.contains_key(&id));
        assert_eq!(world().offers[&OFFER].free, TOTAL_VCPUS);
    });
}

#[test]
fn a_running_job_pays_what_checkpoints_vouch_for() {
    run(|| {
        let id = running();
        for covered in [8, 13] {
            set_time(START + covered * SECOND);
            checkpoint(id).unwrap();
        }
        set_time(START + 17 * SECOND);
        assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
        assert_eq!((spendable(&PROVIDER), held(&CUSTOMER).0), (ENDOWMENT + 13 * RATE, 0));
    });
}

#[test]
fn a_running_job_is_paid_for_the_shortest_paid_time_at_least_unless_its_provider_gives_up() {
    run(|| {
        let least = u128::from(MIN_PAID_TIME) * RATE;
        assert_ok!(Jobs::cancel(signed(CUSTOMER), running()));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + least);
        assert_ok!(Jobs::cancel(signed(PROVIDER), running()));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + least);
        let short = place(OFFER, blockcloud_primitives::JobSpec { longest_run: 4, ..spec() });
        start(attest(accept(short)));
        assert_ok!(Jobs::cancel(signed(CUSTOMER), short));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + least + 4 * RATE);
    });
}

#[test]
fn the_provider_gives_up() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::cancel(signed(PROVIDER), id));
        assert_eq!(state(id), JobState::Settled(End::AbandonedByProvider));
        assert_eq!(world().ends, [(PROVIDER, End::AbandonedByProvider)]);
    });
}

#[test]
fn the_provider_stops_without_blame_when_the_escrow_is_used_up() {
    run(|| {
        let id = place(OFFER, blockcloud_primitives::JobSpec { escrow: 12 * RATE, ..spec() });
        start(attest(accept(id)));
        set_time(START + 8 * SECOND);
        checkpoint(id).unwrap();
        set_time(START + 12 * SECOND);
        assert_ok!(Jobs::cancel(signed(PROVIDER), id));
        assert_eq!(state(id), JobState::Settled(End::EscrowExhausted));
    });
}

#[test]
fn the_provider_stops_without_blame_when_the_time_is_up() {
    run(|| {
        let id = place(OFFER, blockcloud_primitives::JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        set_time(START + 8 * SECOND);
        checkpoint(id).unwrap();
        set_time(START + 12 * SECOND);
        assert_ok!(Jobs::cancel(signed(PROVIDER), id));
        assert_eq!(state(id), JobState::Settled(End::TimeUp));
    });
}

#[test]
fn a_provider_that_stopped_vouching_is_not_without_blame() {
    run(|| {
        let id = place(OFFER, blockcloud_primitives::JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        set_time(START + u64::from(GAP) * SECOND + 2 * SECOND);
        assert_ok!(Jobs::cancel(signed(PROVIDER), id));
        assert_eq!(state(id), JobState::Settled(End::AbandonedByProvider));
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::cancel(signed(CUSTOMER), JobId(0)), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_for_a_stranger() {
    run(|| {
        let id = running();
        assert_noop!(Jobs::cancel(signed(STRANGER), id), Error::<Test>::NotParty);
    });
}

#[test]
fn fails_after_the_end() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::cancel(signed(PROVIDER), id));
        assert_noop!(Jobs::cancel(signed(CUSTOMER), id), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = placed();
        set_time(job(id).deadline);
        // The provider missed it: neither party can call it something else.
        for caller in [CUSTOMER, PROVIDER] {
            assert_noop!(Jobs::cancel(signed(caller), id), Error::<Test>::Overdue);
        }
    });
}
