//! `judge`, `receipt_key`: a session is held against what the council says today.

use crate::{Error, Floors, Roots, RootsOf, Scheduled, mock::*};
use blockcloud_primitives::{JobId, Lapse, Measurements as Wanted, Policy, Tcb};
use frame_support::{assert_noop, assert_ok, traits::Get};

/// Opens the job's session, lets the council change its mind, and asserts the reason why the session counts no longer.
fn assert_lapses(change: impl FnOnce(), now: u64, reason: Lapse) {
    run(|| {
        let guest = Guest::new(1);
        assert_ok!(open(&guest.evidence()));
        assert_eq!(Attestation::receipt_key(JOB, now), Some(guest.binding.receipt_key));
        change();
        let now = Timestamp::get().max(now);
        assert_eq!(Attestation::judge(JOB, now), Err(reason));
        assert_eq!(Attestation::receipt_key(JOB, now), None);
        // It is still there to be looked at.
        assert!(Attestation::session(JOB).is_some());
    });
}

#[test]
fn lives_until_its_last_millisecond() {
    run(|| {
        let session = open(&Guest::new(1).evidence()).unwrap();
        assert!(Attestation::judge(JOB, session.valid_until - 1).is_ok());
        assert_eq!(Attestation::judge(JOB, session.valid_until), Err(Lapse::Expired));
    });
}

#[test]
fn lapses_without_a_session() {
    run(|| assert_eq!(Attestation::judge(JobId(8), NOW), Err(Lapse::NoSession)));
}

#[test]
fn lapses_when_the_job_was_closed() {
    run(|| {
        assert_ok!(open(&Guest::new(1).evidence()));
        Attestation::close(JOB);
        assert_eq!(Attestation::judge(JOB, NOW), Err(Lapse::NoSession));
    });
}

#[test]
fn lapses_when_roots_are_replaced() {
    let other = || {
        let roots = RootsOf::<Test>::get(HARDWARE).unwrap();
        RootsOf::<Test>::insert(HARDWARE, Roots { issuer: roots.root.clone(), ..roots });
    };
    assert_lapses(other, NOW, Lapse::RootsChanged);
}

#[test]
fn lapses_when_roots_are_removed() {
    let (tee, product) = HARDWARE;
    assert_lapses(|| Attestation::remove_roots(council(), tee, product).unwrap(), NOW, Lapse::RootsRemoved);
}

#[test]
fn lapses_when_the_floor_rises() {
    let (tee, product) = HARDWARE;
    let floor = Some(Tcb { snp: firmware().snp + 1, ..Tcb::default() });
    assert_lapses(|| Attestation::set_floor(council(), tee, product, floor, 0, 0).unwrap(), NOW, Lapse::BelowFloor);
}

#[test]
fn lapses_below_a_new_floor_only_when_its_grace_is_over() {
    let (tee, product) = HARDWARE;
    let floor = Some(Tcb { snp: firmware().snp + 1, ..Tcb::default() });
    let change = || {
        assert_ok!(Attestation::set_floor(council(), tee, product, floor, 60, 40));
        // From the activation on nothing opens below it; what runs has the grace.
        assert!(Attestation::judge(JOB, NOW + 99_999).is_ok());
        set_time(NOW + 60_000);
        assert_noop!(open(&Guest::new(2).evidence()), Error::<Test>::BelowFloor);
    };
    assert_lapses(change, NOW + 100_000, Lapse::BelowFloor);
}

#[test]
fn opens_under_the_old_floor_until_the_new_one_begins() {
    run(|| {
        let (tee, product) = HARDWARE;
        let floor = Some(Tcb { snp: firmware().snp + 1, ..Tcb::default() });
        assert_ok!(Attestation::set_floor(council(), tee, product, floor, 60, 40));
        assert_ok!(open(&Guest::new(1).evidence()));
    });
}

#[test]
fn lapses_when_the_drain_of_withdrawn_software_is_over() {
    let change = || {
        assert_ok!(Attestation::withdraw_measurement(council(), MEASUREMENT, 60));
        assert!(Attestation::judge(JOB, NOW + 59_999).is_ok());
        assert_noop!(open(&Guest::new(2).evidence()), Error::<Test>::MeasurementNotApproved);
    };
    assert_lapses(change, NOW + 60_000, Lapse::MeasurementWithdrawn);
}

#[test]
fn lapses_when_the_floor_is_removed() {
    let (tee, product) = HARDWARE;
    assert_lapses(|| Attestation::set_floor(council(), tee, product, None, 0, 0).unwrap(), NOW, Lapse::BelowFloor);
}

#[test]
fn lapses_when_the_chip_is_denied() {
    assert_lapses(|| Attestation::deny_chip(council(), chip()).unwrap(), NOW, Lapse::ChipDenied);
}

#[test]
fn lapses_when_the_software_is_withdrawn() {
    assert_lapses(|| Attestation::withdraw_measurement(council(), MEASUREMENT, 0).unwrap(), NOW, Lapse::MeasurementWithdrawn);
}

#[test]
fn lapses_when_the_approval_is_given_an_earlier_end() {
    let change = || {
        assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, NOW + 60_000));
        assert!(Attestation::judge(JOB, NOW + 59_999).is_ok());
        set_time(NOW + 60_000);
    };
    assert_lapses(change, NOW, Lapse::MeasurementWithdrawn);
}

#[test]
fn does_not_lapse_with_an_approval_that_it_does_not_rest_on() {
    run(|| {
        let policy = Policy { measurements: Wanted::Only(vec![MEASUREMENT].try_into().unwrap()), ..policy() };
        assert_ok!(open_under(&policy, &Guest::new(1).evidence()));
        assert_ok!(Attestation::withdraw_measurement(council(), MEASUREMENT, 0));
        assert!(Attestation::judge(JOB, NOW).is_ok());
    });
}

#[test]
fn holds_the_lower_of_committed_and_launch_level_against_the_floor() {
    run(|| {
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(Tcb::default()));
        // Launched under an older boot loader and an older SNP firmware than is committed now.
        let evidence = Guest::new(1).evidence_of(&CHIP, |report| {
            report[0x1f0] -= 1;
            report[0x1f6] -= 2;
        });
        assert_ok!(open(&evidence));
        let launched = Tcb { bootloader: firmware().bootloader - 1, snp: firmware().snp - 2, ..firmware() };
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(launched));
        assert!(Attestation::judge(JOB, NOW).is_ok());
        Floors::<Test>::insert(HARDWARE, Scheduled::at_once(Tcb { snp: launched.snp + 1, ..Tcb::default() }));
        assert_eq!(Attestation::judge(JOB, NOW), Err(Lapse::BelowFloor));
    });
}

#[test]
fn weights_are_those_of_the_benchmarks() {
    use crate::WeightInfo;
    type Weights = <Test as crate::Config>::WeightInfo;
    assert_eq!(Attestation::open_weight(), Weights::open_snp().max(Weights::open_tdx()));
    assert_eq!(Attestation::close_weight(), Weights::close());
    assert_eq!(Attestation::judge_weight(), Weights::judge());
    // A block of this runtime's kind has half a second of work for calls: one attestation must fit many times.
    let block = <<Test as frame_system::Config>::BlockWeights as Get<frame_system::limits::BlockWeights>>::get().max_block.ref_time();
    assert!(Attestation::open_weight().ref_time() < block / 10);
}
