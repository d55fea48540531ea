//! The council's calls.

use crate::{DeniedChips, Error, Event, Fault, Floors, Measurements, Roots, RootsOf, mock::*};
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
            assert_eq!(Measurements::<Test>::get(measurement(9)), Some(NOW + 1));
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
            assert_eq!(Measurements::<Test>::get(MEASUREMENT), Some(NOW + 2));
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
            assert_ok!(Attestation::withdraw_measurement(council(), MEASUREMENT));
            assert_eq!(Measurements::<Test>::get(MEASUREMENT), None);
            System::assert_last_event(Event::MeasurementWithdrawn { measurement: MEASUREMENT }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::withdraw_measurement(RuntimeOrigin::signed(PROVIDER), MEASUREMENT), BadOrigin);
        });
    }

    #[test]
    fn fails_when_not_approved() {
        run(|| {
            assert_noop!(Attestation::withdraw_measurement(council(), measurement(9)), Error::<Test>::MeasurementNotApproved);
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
            for floor in [Some(FLOOR), None] {
                assert_ok!(Attestation::set_floor(council(), Tee::SevSnp, Product::Turin, floor));
                assert_eq!(Floors::<Test>::get((Tee::SevSnp, Product::Turin)), floor);
                System::assert_last_event(Event::FloorSet { tee: Tee::SevSnp, product: Product::Turin, floor }.into());
            }
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            let origin = RuntimeOrigin::signed(PROVIDER);
            assert_noop!(Attestation::set_floor(origin, Tee::SevSnp, Product::Turin, Some(FLOOR)), BadOrigin);
        });
    }

    #[test]
    fn fails_when_no_verifier_exists() {
        run(|| {
            assert_noop!(Attestation::set_floor(council(), Tee::Cca, Product::Turin, Some(FLOOR)), Error::<Test>::UnsupportedTee);
        });
    }

    #[test]
    fn fails_when_simulated_on_a_production_chain() {
        run_on(Default::default(), || {
            assert_noop!(Attestation::set_floor(council(), Tee::Simulated, Product::Turin, Some(FLOOR)), Error::<Test>::SimulationRefused);
        });
    }
}
