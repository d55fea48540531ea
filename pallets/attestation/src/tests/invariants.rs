//! Each invariant is broken once, and try-state says which.

use crate::{Accepted, Approval, Chip, Chips, DeniedChips, Floors, Measurements, Scheduled, Seen, Sessions, SimulationAllowed, mock::*};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{Digest, JobId, Measurement, Session, Tcb, Tee};
use frame_support::traits::Hooks;
use sp_runtime::TryRuntimeError;

/// What try-state says after a job was attested and this was done to the storage.
fn verdict(tamper: impl FnOnce()) -> Result<(), TryRuntimeError> {
    storage_of(development()).execute_with(|| {
        open(&Guest::new(1).evidence()).unwrap();
        Attestation::do_try_state().unwrap();
        tamper();
        Attestation::do_try_state()
    })
}

fn broken(message: &'static str) -> Result<(), TryRuntimeError> {
    Err(TryRuntimeError::Other(message))
}

/// Changes the job's session.
fn change(edit: impl FnOnce(&mut Session)) {
    Sessions::<Test>::mutate(JOB, |guest| edit(&mut guest.as_mut().unwrap().session));
}

#[test]
fn first_nothing_rests_on_hardware_that_is_not_accepted() {
    let message = broken("1: something rests on hardware that this chain does not accept");
    assert_eq!(verdict(|| SimulationAllowed::<Test>::put(false)), message);
    assert_eq!(verdict(|| Floors::<Test>::insert((Tee::Tdx, Product::Genoa), Scheduled::at_once(Tcb::default()))), message);
    assert_eq!(verdict(|| change(|session| session.tee = Tee::Cca)), message);
}

#[test]
fn second_a_session_lies_in_its_time() {
    assert_eq!(verdict(|| change(|session| session.since = NOW + 1)), broken("2: a session began in the future"));
    assert_eq!(verdict(|| change(|session| session.valid_until = session.since)), broken("2: a session ended before it began"));
    assert_eq!(verdict(|| change(|session| session.valid_until += 1)), broken("2: a session is too long"));
}

#[test]
fn third_a_session_rests_on_the_last_evidence() {
    let message = broken("3: a session rests on evidence that is not the last");
    assert_eq!(verdict(|| change(|session| session.evidence = Digest::ZERO)), message);
    assert_eq!(verdict(|| Accepted::<Test>::remove(JOB)), message);
    assert_eq!(verdict(|| Sessions::<Test>::remove(JOB)), broken("3: evidence is remembered for a job without a session"));
}

#[test]
fn fourth_no_evidence_is_accepted_twice() {
    let message = broken("4: the same evidence was accepted twice");
    let again = || {
        let Seen { evidence, anchor } = Accepted::<Test>::get(JOB)[0];
        Accepted::<Test>::mutate(JOB, |accepted| accepted.try_push(Seen { evidence, anchor }).unwrap());
    };
    assert_eq!(verdict(again), message);
    let for_another_job = || {
        Sessions::<Test>::insert(JobId(8), Sessions::<Test>::get(JOB).unwrap());
        Accepted::<Test>::insert(JobId(8), Accepted::<Test>::get(JOB));
    };
    assert_eq!(verdict(for_another_job), message);
}

#[test]
fn fifth_the_councils_lists_are_bounded() {
    let measurements = || {
        (0..MAX_MEASUREMENTS as u8)
            .for_each(|number| Measurements::<Test>::insert(Measurement([200 + number; 48]), Approval { until: NOW, drains: None }))
    };
    assert_eq!(verdict(measurements), broken("5: too many measurements are approved"));
    let chips = || (0..=MAX_DENIED_CHIPS as u8).for_each(|number| DeniedChips::<Test>::insert(Digest([number; 32]), ()));
    assert_eq!(verdict(chips), broken("5: too many chips are denied"));
}

#[test]
fn eighth_a_chips_key_is_its_own() {
    let moved = || {
        let record = Chips::<Test>::get(chip()).unwrap();
        Chips::<Test>::insert(Digest([1; 32]), Chip { sessions: 0, deposit: 0, ..record });
    };
    assert_eq!(verdict(moved), broken("8: a chip has the key of another"));
}

#[test]
fn the_configuration_is_sound() {
    Attestation::integrity_test();
}
