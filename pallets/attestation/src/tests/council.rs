//! The council's calls.

use crate::{Approval, DeniedChips, Error, Event, Fault, Floors, Measurements, Roots, RootsOf, Scheduled, Stopped, mock::*};
use blockcloud_evidence::snp::{Error as Refusal, Link, Product};
use blockcloud_primitives::{Digest, Measurement, Tcb, Tee};
use blockcloud_simulator::dev_root;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

fn development_roots() -> Roots {
    Roots { root: dev_root::ROOT.to_vec().try_into().unwrap(), issuer: dev_root::ISSUER.to_vec().try_into().unwrap() }
}

fn measurement(number: u8) -> Measurement {
    Measurement([number; 48])
}

mod set_roots {
    use super::*;

    #[test]
    fn stores_both_and_names_their_fingerprints() {
        run(|| {
            let Roots { root, issuer } = development_roots();
            assert_ok!(Attestation::set_roots(council(), Tee::Simulated, Product::Turin, root, issuer));
            assert_eq!(RootsOf::<Test>::get((Tee::Simulated, Product::Turin)), Some(development_roots()));
            System::assert_last_event(
                Event::RootsSet {
                    tee: Tee::Simulated,
                    product: Product::Turin,
                    root: Digest(sp_io::hashing::sha2_256(dev_root::ROOT)),
                    issuer: Digest(sp_io::hashing::sha2_256(dev_root::ISSUER)),
                }
                .into(),
            );
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            let Roots { root, issuer } = development_roots();
            let origin = RuntimeOrigin::signed(PROVIDER);
            assert_noop!(Attestation::set_roots(origin, Tee::Simulated, Product::Turin, root, issuer), BadOrigin);
        });
    }

    #[test]
    fn fails_when_no_verifier_exists() {
        run(|| {
            let Roots { root, issuer } = development_roots();
            assert_noop!(Attestation::set_roots(council(), Tee::Tdx, Product::Genoa, root, issuer), Error::<Test>::UnsupportedTee);
        });
    }

    #[test]
    fn fails_when_simulated_on_a_production_chain() {
        run_on(Default::default(), || {
            let Roots { root, issuer } = development_roots();
            assert_noop!(Attestation::set_roots(council(), Tee::Simulated, Product::Genoa, root, issuer), Error::<Test>::SimulationRefused);
        });
    }

    #[test]
    fn fails_when_the_root_did_not_sign_the_issuer() {
        run(|| {
            let Roots { root, issuer } = development_roots();
            // In each other's place.
            let error = Attestation::set_roots(council(), Tee::Simulated, Product::Genoa, issuer, root.clone()).unwrap_err();
            assert_eq!(error, Error::<Test>::Refused(Fault(Refusal::CertificateIssuer(Link::Root))).into());
            let garbage = vec![0x30; 100].try_into().unwrap();
            assert_noop!(
                Attestation::set_roots(council(), Tee::Simulated, Product::Genoa, root, garbage),
                Error::<Test>::Refused(Fault(Refusal::CertificateEncoding(Link::Issuer)))
            );
        });
    }
}

mod remove_roots {
    use super::*;

    #[test]
    fn removes_them() {
        run(|| {
            let (tee, product) = HARDWARE;
            assert_ok!(Attestation::remove_roots(council(), tee, product));
            assert_eq!(RootsOf::<Test>::get(HARDWARE), None);
            System::assert_last_event(Event::RootsRemoved { tee, product }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            let (tee, product) = HARDWARE;
            assert_noop!(Attestation::remove_roots(RuntimeOrigin::signed(PROVIDER), tee, product), BadOrigin);
        });
    }

    #[test]
    fn fails_when_there_are_none() {
        run(|| {
            assert_noop!(Attestation::remove_roots(council(), Tee::SevSnp, Product::Genoa), Error::<Test>::NoRoots);
        });
    }
}

mod approve_measurement {
    use super::*;

    #[test]
    fn approves_until_a_time() {
        run(|| {
            assert_ok!(Attestation::approve_measurement(council(), measurement(9), NOW + 1));
            assert_eq!(Measurements::<Test>::get(measurement(9)), Some(Approval { until: NOW + 1, drains: None }));
            System::assert_last_event(Event::MeasurementApproved { measurement: measurement(9), until: NOW + 1 }.into());
        });
    }

    #[test]
    fn gives_an_approval_another_end_even_when_there_may_be_no_more() {
        run(|| {
            for number in 1..MAX_MEASUREMENTS as u8 {
                assert_ok!(Attestation::approve_measurement(council(), measurement(100 + number), NOW + 1));
            }
            assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, NOW + 2));
            assert_eq!(Measurements::<Test>::get(MEASUREMENT), Some(Approval { until: NOW + 2, drains: None }));
            assert_eq!(Measurements::<Test>::count(), MAX_MEASUREMENTS);
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::approve_measurement(RuntimeOrigin::signed(PROVIDER), measurement(9), NOW + 1), BadOrigin);
        });
    }

    #[test]
    fn fails_when_already_over() {
        run(|| {
            assert_noop!(Attestation::approve_measurement(council(), measurement(9), NOW), Error::<Test>::AlreadyOver);
        });
    }

    #[test]
    fn fails_when_there_are_too_many() {
        run(|| {
            for number in 1..MAX_MEASUREMENTS as u8 {
                assert_ok!(Attestation::approve_measurement(council(), measurement(100 + number), NOW + 1));
            }
            assert_noop!(Attestation::approve_measurement(council(), measurement(9), NOW + 1), Error::<Test>::TooManyMeasurements);
        });
    }
}

mod withdraw_measurement {
    use super::*;

    #[test]
    fn removes_the_approval() {
        run(|| {
            assert_ok!(Attestation::withdraw_measurement(council(), MEASUREMENT, 0));
            assert_eq!(Measurements::<Test>::get(MEASUREMENT), None);
            System::assert_last_event(Event::MeasurementWithdrawn { measurement: MEASUREMENT, drains: NOW }.into());
        });
    }

    #[test]
    fn lets_what_runs_drain() {
        run(|| {
            assert_ok!(Attestation::withdraw_measurement(council(), MEASUREMENT, 60));
            let approval = Approval { until: NOW + WEEK, drains: Some(NOW + 60_000) };
            assert_eq!(Measurements::<Test>::get(MEASUREMENT), Some(approval));
            System::assert_last_event(Event::MeasurementWithdrawn { measurement: MEASUREMENT, drains: NOW + 60_000 }.into());
            // Approved anew, it opens sessions again.
            assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, NOW + WEEK));
            assert_ok!(open(&Guest::new(1).evidence()));
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::withdraw_measurement(RuntimeOrigin::signed(PROVIDER), MEASUREMENT, 0), BadOrigin);
        });
    }

    #[test]
    fn fails_when_not_approved() {
        run(|| {
            assert_noop!(Attestation::withdraw_measurement(council(), measurement(9), 0), Error::<Test>::MeasurementNotApproved);
        });
    }
}

mod deny_chip {
    use super::*;

    #[test]
    fn denies_it() {
        run(|| {
            assert_ok!(Attestation::deny_chip(council(), chip()));
            assert!(DeniedChips::<Test>::contains_key(chip()));
            System::assert_last_event(Event::ChipDenied { chip: chip() }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::deny_chip(RuntimeOrigin::signed(PROVIDER), chip()), BadOrigin);
        });
    }

    #[test]
    fn fails_when_denied() {
        run(|| {
            assert_ok!(Attestation::deny_chip(council(), chip()));
            assert_noop!(Attestation::deny_chip(council(), chip()), Error::<Test>::ChipDenied);
        });
    }

    #[test]
    fn fails_when_there_are_too_many() {
        run(|| {
            for number in 0..MAX_DENIED_CHIPS as u8 {
                assert_ok!(Attestation::deny_chip(council(), Digest([number; 32])));
            }
            assert_noop!(Attestation::deny_chip(council(), chip()), Error::<Test>::TooManyDeniedChips);
        });
    }
}

mod allow_chip {
    use super::*;

    #[test]
    fn allows_it() {
        run(|| {
            assert_ok!(Attestation::deny_chip(council(), chip()));
            assert_ok!(Attestation::allow_chip(council(), chip()));
            assert!(!DeniedChips::<Test>::contains_key(chip()));
            System::assert_last_event(Event::ChipAllowed { chip: chip() }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::allow_chip(RuntimeOrigin::signed(PROVIDER), chip()), BadOrigin);
        });
    }

    #[test]
    fn fails_when_not_denied() {
        run(|| {
            assert_noop!(Attestation::allow_chip(council(), chip()), Error::<Test>::ChipNotDenied);
        });
    }
}

mod set_floor {
    use super::*;

    const FLOOR: Tcb = Tcb { bootloader: 1, tee: 2, snp: 3, microcode: 4, fmc: 5 };

    #[test]
    fn sets_and_removes_it() {
        run(|| {
            let (tee, product) = (Tee::SevSnp, Product::Turin);
            for floor in [Some(FLOOR), None] {
                assert_ok!(Attestation::set_floor(council(), tee, product, floor, 0, 0));
                let set = floor.map(|level| Scheduled { level, from: NOW, drains: NOW, before: None });
                assert_eq!(Floors::<Test>::get((tee, product)), set);
                System::assert_last_event(Event::FloorSet { tee, product, floor, from: NOW, drains: NOW }.into());
            }
        });
    }

    #[test]
    fn keeps_the_present_floor_until_the_new_one_begins() {
        run(|| {
            let (tee, product) = HARDWARE;
            assert_ok!(Attestation::set_floor(council(), tee, product, Some(FLOOR), 60, 40));
            let set = Scheduled { level: FLOOR, from: NOW + 60_000, drains: NOW + 100_000, before: Some(firmware()) };
            assert_eq!(Floors::<Test>::get(HARDWARE), Some(set));
            // Changed again before it began: what counts meanwhile is still the first.
            assert_ok!(Attestation::set_floor(council(), tee, product, Some(Tcb::default()), 10, 0));
            assert_eq!(Floors::<Test>::get(HARDWARE).and_then(|floor| floor.before), Some(firmware()));
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            let origin = RuntimeOrigin::signed(PROVIDER);
            assert_noop!(Attestation::set_floor(origin, Tee::SevSnp, Product::Turin, Some(FLOOR), 0, 0), BadOrigin);
        });
    }

    #[test]
    fn fails_when_no_verifier_exists() {
        run(|| {
            for tee in [Tee::Cca, Tee::Tdx, Tee::SimulatedTdx] {
                assert_noop!(Attestation::set_floor(council(), tee, Product::Turin, Some(FLOOR), 0, 0), Error::<Test>::UnsupportedTee);
            }
        });
    }

    #[test]
    fn fails_when_simulated_on_a_production_chain() {
        run_on(Default::default(), || {
            let error = Error::<Test>::SimulationRefused;
            assert_noop!(Attestation::set_floor(council(), Tee::Simulated, Product::Turin, Some(FLOOR), 0, 0), error);
        });
    }
}

mod stop {
    use super::*;

    #[test]
    fn keeps_sessions_from_opening_but_not_from_being_renewed() {
        run(|| {
            let first = Guest::new(1).evidence();
            assert_ok!(open(&first));
            assert_ok!(Attestation::stop(RuntimeOrigin::signed(Committee::get())));
            System::assert_last_event(Event::Stopped.into());
            assert_noop!(open(&Guest::new(2).evidence()), Error::<Test>::Stopped);
            assert!(Attestation::judge(JOB, NOW).is_ok());
            assert_ok!(renew(&Guest::new(1).renewing(&first).evidence()));
        });
    }

    #[test]
    fn fails_when_not_the_committee() {
        run(|| {
            assert_noop!(Attestation::stop(RuntimeOrigin::signed(PROVIDER)), BadOrigin);
            assert_noop!(Attestation::stop(council()), BadOrigin);
        });
    }

    #[test]
    fn fails_when_stopped() {
        run(|| {
            Stopped::<Test>::put(true);
            assert_noop!(Attestation::stop(RuntimeOrigin::signed(Committee::get())), Error::<Test>::Stopped);
        });
    }
}

mod resume {
    use super::*;

    #[test]
    fn lets_sessions_open_again() {
        run(|| {
            Stopped::<Test>::put(true);
            assert_ok!(Attestation::resume(council()));
            System::assert_last_event(Event::Resumed.into());
            assert_ok!(open(&Guest::new(1).evidence()));
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            Stopped::<Test>::put(true);
            assert_noop!(Attestation::resume(RuntimeOrigin::signed(Committee::get())), BadOrigin);
        });
    }

    #[test]
    fn fails_when_not_stopped() {
        run(|| {
            assert_noop!(Attestation::resume(council()), Error::<Test>::NotStopped);
        });
    }
}
