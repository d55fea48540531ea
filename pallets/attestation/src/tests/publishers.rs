//! Guest software by the word of publishers whom the customer's policy names.

use crate::{Approval, ApprovedBy, Error, Event, HoldReason, Publication, Published, Sessions, mock::*};
use blockcloud_primitives::{AccountId, Lapse, Measurements as Wanted, Policy};
use codec::MaxEncodedLen;
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold as _};
use sp_runtime::{AccountId32, TokenError};

fn deposit() -> u128 {
    DEPOSIT_BASE + DEPOSIT_PER_BYTE * Publication::max_encoded_len() as u128
}

fn held() -> u128 {
    Balances::balance_on_hold(&HoldReason::Measurement.into(), &PUBLISHER)
}

/// A policy that trusts these publishers.
fn trusting(publishers: &[AccountId32]) -> Policy {
    let publishers: Vec<_> = publishers.iter().map(|account| AccountId(account.clone().into())).collect();
    Policy { measurements: Wanted::Publishers(publishers.try_into().unwrap()), ..policy() }
}

fn publish(until: u64) -> sp_runtime::DispatchResult {
    Attestation::publish_measurement(RuntimeOrigin::signed(PUBLISHER), MEASUREMENT, until)
}

fn retract(drain: u32) -> sp_runtime::DispatchResult {
    Attestation::retract_measurement(RuntimeOrigin::signed(PUBLISHER), MEASUREMENT, drain)
}

#[test]
fn software_that_was_published_is_accepted_until_the_word_ends() {
    run(|| {
        assert_ok!(publish(NOW + 60_000));
        System::assert_last_event(
            Event::MeasurementPublished { publisher: PUBLISHER, measurement: MEASUREMENT, until: NOW + 60_000 }.into(),
        );
        assert_eq!(held(), deposit());
        let session = open_under(&trusting(&[OTHER, PUBLISHER]), &Guest::new(1).evidence());
        assert_eq!(session.map(|session| session.valid_until), Ok(NOW + 60_000));
        let by = ApprovedBy::Publisher(AccountId(PUBLISHER.into()));
        assert_eq!(Sessions::<Test>::get(JOB).map(|guest| guest.approved_by), Some(by));
    });
}

#[test]
fn a_word_can_be_given_another_end_for_the_same_deposit() {
    run(|| {
        assert_ok!(publish(NOW + 1));
        assert_ok!(publish(NOW + 2));
        let publication = Publication { approval: Approval { until: NOW + 2, drains: None }, deposit: deposit() };
        assert_eq!((Published::<Test>::get(PUBLISHER, MEASUREMENT), held()), (Some(publication), deposit()));
    });
}

#[test]
fn software_that_nobody_trusted_published_is_refused() {
    run(|| {
        let error = || Error::<Test>::MeasurementNotPublished;
        // The council's approval is not what this customer asks for.
        assert_noop!(open_under(&trusting(&[PUBLISHER]), &Guest::new(1).evidence()), error());
        assert_ok!(publish(NOW + WEEK));
        for publishers in [&[][..], &[OTHER]] {
            assert_noop!(open_under(&trusting(publishers), &Guest::new(1).evidence()), error());
        }
        set_time(NOW + WEEK);
        assert_noop!(open_under(&trusting(&[PUBLISHER]), &Guest::new(1).evidence()), error());
    });
}

#[test]
fn a_word_that_is_taken_back_ends_what_rests_on_it() {
    run(|| {
        assert_ok!(publish(NOW + WEEK));
        assert_ok!(open_under(&trusting(&[PUBLISHER]), &Guest::new(1).evidence()));
        assert_ok!(retract(0));
        System::assert_last_event(Event::MeasurementRetracted { publisher: PUBLISHER, measurement: MEASUREMENT, drains: NOW }.into());
        assert_eq!((Published::<Test>::get(PUBLISHER, MEASUREMENT), held()), (None, 0));
        assert_eq!(Attestation::judge(JOB, NOW), Err(Lapse::MeasurementWithdrawn));
    });
}

#[test]
fn what_runs_may_drain() {
    run(|| {
        assert_ok!(publish(NOW + WEEK));
        assert_ok!(open_under(&trusting(&[PUBLISHER]), &Guest::new(1).evidence()));
        assert_ok!(retract(60));
        assert_eq!(held(), deposit());
        assert_noop!(open_under(&trusting(&[PUBLISHER]), &Guest::new(2).evidence()), Error::<Test>::MeasurementNotPublished);
        assert!(Attestation::judge(JOB, NOW + 59_999).is_ok());
        assert_eq!(Attestation::judge(JOB, NOW + 60_000), Err(Lapse::MeasurementWithdrawn));
        assert_ok!(retract(0));
        assert_eq!(held(), 0);
    });
}

#[test]
fn publishing_fails_when_already_over_or_without_the_deposit() {
    run(|| {
        assert_noop!(publish(NOW), Error::<Test>::AlreadyOver);
        assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(PUBLISHER), OTHER, ENDOWMENT - deposit()));
        assert_noop!(publish(NOW + 1), TokenError::FundsUnavailable);
    });
}

#[test]
fn retracting_fails_for_what_was_not_published() {
    run(|| {
        assert_noop!(retract(0), Error::<Test>::MeasurementNotPublished);
    });
}
