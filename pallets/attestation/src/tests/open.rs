//! `open`: what is stored, and one refusal per test. The evidence is real but for its root: made by a simulated processor, verified as any other.

use crate::{
    Accepted, Approval, ApprovedBy, Basis, Candidate, Error, Event, Fault, Floors, Guest as Stored, Measurements, RootsOf, Scheduled, Seen,
    Sessions, mock::*,
};
use blockcloud_evidence::snp::{Error as Refusal, Link, Product, Report};
use blockcloud_primitives::{
    AccountId, Digest, Evidence, JobId, Measurement, Measurements as Wanted, Policy, PublicKey, Signature, Tcb, Tee,
};
use blockcloud_simulator::Processor;
use frame_support::{assert_noop, assert_ok};
use sp_core::{Pair, ed25519};
use sp_runtime::AccountId32;

/// Asserts that evidence is refused for this reason and changes nothing.
fn assert_refused(evidence: &Evidence, error: Error<Test>) {
    assert_noop!(open(evidence), error);
}

#[test]
fn stores_the_session_and_says_so() {
    run(|| {
        let guest = Guest::new(1);
        let evidence = guest.evidence();
        let session = guest.session(&evidence);
        assert_eq!(open(&evidence), Ok(session.clone()));
        assert_eq!(Attestation::session(JOB), Some(session.clone()));
        let issuer = Digest(sp_io::hashing::sha2_256(&RootsOf::<Test>::get(HARDWARE).unwrap().issuer));
        let basis = Basis::SevSnp { product: Product::Genoa, issuer };
        let stored = Stored { session: session.clone(), basis, approved_by: ApprovedBy::Council, endorsements: 0 };
        assert_eq!(Sessions::<Test>::get(JOB), Some(stored));
        assert_eq!(Accepted::<Test>::get(JOB).to_vec(), [Seen { evidence: evidence.replay_key(), anchor: HEIGHT - 1 }]);
        assert_eq!(Attestation::judge(JOB, NOW), Ok(session.clone()));
        System::assert_last_event(Event::Attested { job: JOB, session }.into());
    });
}

#[test]
fn replaces_the_session_of_a_guest_that_restarted() {
    run(|| {
        assert_ok!(open(&Guest::new(1).evidence()));
        let second = Guest::new(2);
        let evidence = second.evidence();
        assert_eq!(open(&evidence), Ok(second.session(&evidence)));
        assert_eq!(Attestation::receipt_key(JOB, NOW), Some(second.binding.receipt_key));
        assert_eq!(Accepted::<Test>::get(JOB).len(), 2);
    });
}

#[test]
fn close_forgets_the_session_and_its_evidence() {
    run(|| {
        assert_ok!(open(&Guest::new(1).evidence()));
        Attestation::close(JOB);
        assert_eq!(Attestation::session(JOB), None);
        assert!(!Accepted::<Test>::contains_key(JOB));
        System::assert_last_event(Event::Closed { job: JOB }.into());
    });
}

#[test]
fn close_does_nothing_without_a_session() {
    run(|| {
        let events = System::events().len();
        Attestation::close(JOB);
        assert_eq!(System::events().len(), events);
    });
}

#[test]
fn ends_with_the_approval_it_rests_on() {
    run(|| {
        let until = NOW + 3_600_000;
        assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, until));
        assert_eq!(open(&Guest::new(1).evidence()).map(|session| session.valid_until), Ok(until));
    });
}

#[test]
fn ends_when_the_policy_wants_newer_evidence() {
    run(|| {
        let until = |longest_session| {
            let policy = Policy { longest_session, ..policy() };
            open_under(&policy, &Guest::new(longest_session as u8).evidence()).map(|session| session.valid_until)
        };
        assert_eq!(until(20), Ok(NOW + 20_000));
        assert_eq!(until(u32::MAX), Ok(NOW + u64::from(MAX_SESSION) * 1_000));
    });
}

#[test]
fn ends_with_the_first_certificate() {
    run(|| {
        // The first of January 2049, when the simulated certificates expire.
        let expiry = 2_493_072_000_000;
        set_time(expiry - 5_000);
        Measurements::<Test>::insert(MEASUREMENT, Approval { until: expiry + WEEK, drains: None });
        assert_eq!(open(&Guest::new(1).evidence()).map(|session| session.valid_until), Ok(expiry));
    });
}

#[test]
fn takes_the_oldest_anchor_that_is_recent() {
    run(|| {
        assert_ok!(open(&Guest::new(1).anchored(HEIGHT - MAX_ANCHOR_AGE).evidence()));
    });
}

#[test]
fn takes_software_that_only_the_policy_names() {
    run(|| {
        Measurements::<Test>::remove(MEASUREMENT);
        let policy = Policy { measurements: Wanted::Only(vec![MEASUREMENT].try_into().unwrap()), ..policy() };
        assert_ok!(open_under(&policy, &Guest::new(1).evidence()));
        assert_eq!(Sessions::<Test>::get(JOB).map(|guest| guest.approved_by), Some(ApprovedBy::Customer));
    });
}

#[test]
fn fails_when_no_verifier_exists() {
    run(|| {
        assert_refused(&Evidence { tee: Tee::Cca, ..Guest::new(1).evidence() }, Error::UnsupportedTee);
    });
}

#[test]
fn fails_when_simulated_on_a_production_chain() {
    run_on(Default::default(), || {
        assert_refused(&Guest::new(1).evidence(), Error::SimulationRefused);
    });
}

#[test]
fn fails_when_the_policy_does_not_name_the_hardware() {
    run(|| {
        let evidence = Guest::new(1).evidence();
        for tees in [vec![], vec![Tee::SevSnp]] {
            let policy = Policy { tees: tees.try_into().unwrap(), ..policy() };
            assert_noop!(open_under(&policy, &evidence), Error::<Test>::TeeNotInPolicy);
        }
    });
}

#[test]
fn fails_when_the_anchor_is_yet_to_come() {
    run(|| {
        assert_refused(&Guest::new(1).anchored(HEIGHT).evidence(), Error::AnchorUnknown);
        assert_refused(&Guest::new(1).anchored(u32::MAX).evidence(), Error::AnchorUnknown);
    });
}

#[test]
fn fails_when_the_anchor_has_no_hash() {
    run(|| {
        let mut guest = Guest::new(1);
        frame_system::BlockHash::<Test>::remove(u64::from(guest.binding.anchor));
        guest.binding.anchor_hash = Digest::ZERO;
        assert_refused(&guest.evidence(), Error::AnchorUnknown);
    });
}

#[test]
fn fails_when_the_anchor_is_too_old() {
    run(|| {
        assert_refused(&Guest::new(1).anchored(HEIGHT - MAX_ANCHOR_AGE - 1).evidence(), Error::AnchorTooOld);
        assert_refused(&Guest::new(1).anchored(0).evidence(), Error::AnchorTooOld);
    });
}

#[test]
fn fails_when_replayed() {
    run(|| {
        let evidence = Guest::new(1).evidence();
        assert_ok!(open(&evidence));
        assert_refused(&evidence, Error::Replayed);
    });
}

#[test]
fn fails_when_an_earlier_guests_evidence_is_replayed_after_a_restart() {
    run(|| {
        let first = Guest::new(1).evidence();
        assert_ok!(open(&first));
        assert_ok!(open(&Guest::new(2).evidence()));
        assert_refused(&first, Error::Replayed);
    });
}

#[test]
fn fails_when_replayed_in_another_wrapping() {
    run(|| {
        let mut evidence = Guest::new(1).evidence();
        assert_ok!(open(&evidence));
        // Bytes that the processor did not sign do not make it new.
        *evidence.report.last_mut().unwrap() ^= 1;
        evidence.possession = Signature([0; 64]);
        assert_refused(&evidence, Error::Replayed);
    });
}

#[test]
fn fails_when_replayed_even_long_after() {
    run(|| {
        let evidence = Guest::new(1).evidence();
        assert_ok!(open(&evidence));
        set_height(HEIGHT + MAX_ANCHOR_AGE);
        assert_refused(&evidence, Error::AnchorTooOld);
    });
}

#[test]
fn fails_when_attested_too_often_and_forgets_old_evidence() {
    run(|| {
        for number in 1..=16 {
            assert_ok!(open(&Guest::new(number).evidence()));
        }
        assert_refused(&Guest::new(17).evidence(), Error::TooManyAttempts);
        set_height(HEIGHT + MAX_ANCHOR_AGE);
        let late = Guest::new(17).anchored(HEIGHT + 1).evidence();
        assert_ok!(open(&late));
        assert_eq!(Accepted::<Test>::get(JOB).to_vec(), [Seen { evidence: late.replay_key(), anchor: HEIGHT + 1 }]);
    });
}

#[test]
fn fails_with_the_verifiers_own_reason() {
    run(|| {
        let guest = Guest::new(1);
        let good = guest.evidence();
        let refused = |refusal| Error::Refused(Fault(refusal));

        let cut = Evidence { report: good.report[..1183].to_vec().try_into().unwrap(), ..good.clone() };
        assert_refused(&cut, refused(Refusal::ReportLength));
        let garbage = Evidence { certificate: vec![0; 700].try_into().unwrap(), ..good.clone() };
        assert_refused(&garbage, refused(Refusal::CertificateEncoding(Link::Chip)));
        let other_chip = Evidence { certificate: Processor::new([2; 32]).certificate().to_vec().try_into().unwrap(), ..good.clone() };
        assert_refused(&other_chip, refused(Refusal::ChipMismatch));
        let mut changed = good.clone();
        changed.report[0x90] ^= 1;
        assert_refused(&changed, refused(Refusal::ReportSignature));
        let debuggable = guest.evidence_of(&CHIP, |report| report[0x0a] |= 1 << 3);
        assert_refused(&debuggable, refused(Refusal::Debuggable));
        let deeper = guest.evidence_of(&CHIP, |report| report[0x30] = 1);
        assert_refused(&deeper, refused(Refusal::PrivilegeLevel));
    });
}

#[test]
fn fails_when_signed_under_another_root() {
    run(|| {
        // The council's certificates for this product are genuine, only not those that this chip's key descends from.
        let mut roots = RootsOf::<Test>::get(HARDWARE).unwrap();
        roots.issuer = roots.root.clone();
        RootsOf::<Test>::insert(HARDWARE, roots);
        assert_refused(&Guest::new(1).evidence(), Error::Refused(Fault(Refusal::CertificateIssuer(Link::Chip))));
    });
}

#[test]
fn fails_when_the_certificate_has_expired() {
    run(|| {
        set_time(2_493_072_001_000);
        assert_refused(&Guest::new(1).evidence(), Error::Refused(Fault(Refusal::CertificateExpired(Link::Issuer))));
        assert_eq!(Attestation::session(JOB), None);
    });
}

#[test]
fn fails_without_roots() {
    run(|| {
        let milan = Processor::of(Product::Milan, [1; 32]);
        assert_refused(&Guest::new(1).evidence_of(&milan, |_| ()), Error::NoRoots);
    });
}

#[test]
fn fails_when_simulated_evidence_claims_to_be_real() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.binding.tee = Tee::SevSnp;
        assert_refused(&guest.evidence(), Error::NoRoots);
    });
}

#[test]
fn fails_without_a_floor() {
    run(|| {
        Floors::<Test>::remove(HARDWARE);
        assert_refused(&Guest::new(1).evidence(), Error::NoFloor);
    });
}

#[test]
fn fails_when_launched_for_other_terms() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.host_data = [6; 32];
        assert_refused(&guest.evidence(), Error::WrongTerms);
    });
}

#[test]
fn fails_when_made_for_another_job() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.binding.job = JobId(8);
        assert_refused(&guest.evidence(), Error::NotBound);
    });
}

#[test]
fn fails_when_made_on_another_chain() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.binding.genesis = Digest([1; 32]);
        assert_refused(&guest.evidence(), Error::NotBound);
    });
}

#[test]
fn fails_when_made_for_another_provider() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.binding.provider = AccountId([3; 32]);
        assert_refused(&guest.evidence(), Error::NotBound);
    });
}

#[test]
fn fails_when_another_provider_submits_it() {
    run(|| {
        let thief = AccountId32::new([3; 32]);
        let evidence = Guest::new(1).evidence();
        let policy = policy();
        let stolen = Candidate { provider: &thief, ..candidate(&policy, &evidence) };
        assert_noop!(Attestation::open(&stolen), Error::<Test>::NotBound);
    });
}

#[test]
fn fails_when_the_anchor_is_of_another_fork() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.binding.anchor_hash = Digest([1; 32]);
        assert_refused(&guest.evidence(), Error::NotBound);
    });
}

#[test]
fn fails_when_the_submitted_anchor_is_not_the_bound_one() {
    run(|| {
        assert_refused(&Evidence { anchor: HEIGHT - 2, ..Guest::new(1).evidence() }, Error::NotBound);
    });
}

#[test]
fn fails_when_submitted_with_another_key() {
    run(|| {
        let guest = Guest::new(1);
        let thief = ed25519::Pair::from_seed(&[99; 32]);
        let with_receipt_key = Evidence {
            receipt_key: PublicKey(thief.public().0),
            possession: Signature(thief.sign(&guest.binding.report_data()).0),
            ..guest.evidence()
        };
        assert_refused(&with_receipt_key, Error::NotBound);
        assert_refused(&Evidence { wrapping_key: PublicKey([9; 32]), ..guest.evidence() }, Error::NotBound);
    });
}

#[test]
fn fails_when_the_receipt_key_is_not_possessed() {
    run(|| {
        let mut guest = Guest::new(1);
        // The report binds a key that the submitter does not hold.
        guest.pair = ed25519::Pair::from_seed(&[99; 32]);
        assert_refused(&guest.evidence(), Error::NotPossessed);
    });
}

#[test]
fn fails_when_committed_or_launched_below_the_floor() {
    run(|| {
        let guest = Guest::new(1);
        // Reported, committed, current and launch level agree in everything; then the floor rises by one part at a time.
        for raise in 0..4 {
            let mut floor = firmware();
            let parts = [&mut floor.bootloader, &mut floor.tee, &mut floor.snp, &mut floor.microcode];
            *parts.into_iter().nth(raise).unwrap() += 1;
            Floors::<Test>::insert(HARDWARE, Scheduled::at_once(floor));
            assert_refused(&guest.evidence(), Error::BelowFloor);
        }
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(firmware()));
        // The launch level alone lies below: the boot loader is its first byte.
        let launched_below = guest.evidence_of(&CHIP, |report| report[0x1f0] -= 1);
        assert_refused(&launched_below, Error::BelowFloor);
        // The committed level alone lies below.
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(Tcb { bootloader: firmware().bootloader + 1, ..Tcb::default() }));
        let committed_below = guest.evidence_of(&CHIP, |report| report[0x1f0] += 1);
        assert_refused(&committed_below, Error::BelowFloor);
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(Tcb { bootloader: firmware().bootloader, ..Tcb::default() }));
        assert_ok!(open(&committed_below));
    });
}

#[test]
fn fails_when_below_the_policys_floor() {
    run(|| {
        let evidence = Guest::new(1).evidence();
        let above = Tcb { snp: firmware().snp + 1, ..Tcb::default() };
        assert_noop!(open_under(&Policy { firmware_floor: above, ..policy() }, &evidence), Error::<Test>::BelowPolicyFloor);
        assert_ok!(open_under(&Policy { firmware_floor: firmware(), ..policy() }, &evidence));
    });
}

#[test]
fn fails_when_the_chip_is_denied() {
    run(|| {
        assert_ok!(Attestation::deny_chip(council(), chip()));
        assert_refused(&Guest::new(1).evidence(), Error::ChipDenied);
        // Even where the policy names the software itself.
        let policy = Policy { measurements: Wanted::Only(vec![MEASUREMENT].try_into().unwrap()), ..policy() };
        assert_noop!(open_under(&policy, &Guest::new(1).evidence()), Error::<Test>::ChipDenied);
    });
}

#[test]
fn fails_when_the_software_is_not_approved() {
    run(|| {
        let mut guest = Guest::new(1);
        guest.measurement = Measurement([8; 48]);
        assert_refused(&guest.evidence(), Error::MeasurementNotApproved);
    });
}

#[test]
fn fails_when_nothing_is_approved() {
    run(|| {
        Measurements::<Test>::remove(MEASUREMENT);
        assert_refused(&Guest::new(1).evidence(), Error::MeasurementNotApproved);
    });
}

#[test]
fn fails_when_the_approval_has_run_out() {
    run(|| {
        Measurements::<Test>::insert(MEASUREMENT, Approval { until: NOW, drains: None });
        assert_refused(&Guest::new(1).evidence(), Error::MeasurementExpired);
    });
}

#[test]
fn fails_when_the_policy_names_other_software_or_none() {
    run(|| {
        let evidence = Guest::new(1).evidence();
        for list in [vec![], vec![Measurement([8; 48])]] {
            let policy = Policy { measurements: Wanted::Only(list.try_into().unwrap()), ..policy() };
            assert_noop!(open_under(&policy, &evidence), Error::<Test>::MeasurementNotInPolicy);
        }
    });
}

#[test]
fn a_report_is_as_long_as_the_replay_key_assumes() {
    // `Evidence::replay_key` hashes the signed part; both sides must mean the same bytes.
    let evidence = Guest::new(1).evidence();
    assert_eq!(evidence.replay_key(), Digest(sp_io::hashing::sha2_256(Report::signed_part(&evidence.report).unwrap())));
}
