//! Collateral: brought by anyone, verified, never going back; and the council's word about TDX.

use crate::{
    CollateralKey, Error, Event, HoldReason, Missing, PckCrls, QeIdentities, RootCrls, Scheduled, TcbInfos, TdxFault, TdxFloors,
    TdxReference, TdxRoots,
    mock::{tdx::*, *},
};
use blockcloud_evidence::tdx::{Error as Refusal, Item, Link};
use blockcloud_primitives::{Balance, CollateralItem, Digest, TdxFloor, Tee};
use blockcloud_simulator::tdx::{Collateral, Platform, SignedCollateral, dev_root};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold as _};
use sp_runtime::{
    AccountId32, DispatchError, DispatchResult,
    TokenError::{self},
};

fn held(account: &AccountId32) -> Balance {
    Balances::balance_on_hold(&HoldReason::Collateral.into(), account)
}

fn refused(refusal: Refusal) -> DispatchError {
    Error::<Test>::RefusedTdx(TdxFault(refusal)).into()
}

fn changed(change: impl FnOnce(&mut Collateral)) -> SignedCollateral {
    let mut collateral = collateral();
    change(&mut collateral);
    collateral.sign()
}

fn authority() -> blockcloud_evidence::tdx::KeyId {
    PckCrls::<Test>::iter_keys().next().unwrap().1
}

mod submit_collateral {
    use super::*;

    #[test]
    fn keeps_each_piece_for_a_deposit() {
        run(|| {
            let signed = collateral().sign();
            assert_ok!(bring(root_crl(&signed)));
            let kept = RootCrls::<Test>::get(TDX).unwrap();
            let deposit = DEPOSIT_BASE + DEPOSIT_PER_BYTE * kept.item.encoded_size() as Balance;
            assert_eq!((kept.by, kept.deposit, held(&PROVIDER)), (PROVIDER, deposit, deposit));
            let not_after = kept.item.origin.not_after_ms;
            System::assert_last_event(Event::CollateralKept { tee: TDX, key: CollateralKey::RootCrl, by: PROVIDER, not_after }.into());
            for item in [pck_crl(&signed), tcb_info(&signed), qe_identity(&signed)] {
                assert_ok!(bring(item));
            }
            assert_eq!(TcbInfos::<Test>::get(TDX, PLATFORM.fmspc()).map(|kept| kept.item.evaluation_number), Some(EVALUATION));
            assert!(PckCrls::<Test>::contains_key(TDX, authority()) && QeIdentities::<Test>::contains_key(TDX));
        });
    }

    #[test]
    fn of_a_newer_piece_returns_the_deposit_of_the_older_one() {
        run_tdx(|| {
            let before = held(&PROVIDER);
            let newer = changed(|all| all.tcb_info = all.tcb_info.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY));
            assert_ok!(Attestation::submit_collateral(RuntimeOrigin::signed(OTHER), TDX, Box::new(tcb_info(&newer))));
            let deposit = held(&OTHER);
            assert!(deposit > 0 && held(&PROVIDER) == before - deposit);
            assert_eq!(TcbInfos::<Test>::get(TDX, PLATFORM.fmspc()).map(|kept| kept.by), Some(OTHER));
        });
    }

    /// Brings collateral of the day after tomorrow; then each of these pieces of today must be refused.
    fn never_goes_back(piece: fn(&SignedCollateral) -> CollateralItem, newer: fn(&mut Collateral), older: fn(&mut Collateral)) {
        run_tdx(|| {
            assert_ok!(bring(piece(&changed(newer))));
            assert_noop!(bring(piece(&changed(newer))), Error::<Test>::NotNewer);
            assert_noop!(bring(piece(&changed(older))), Error::<Test>::NotNewer);
            assert_noop!(bring(piece(&changed(|_| ()))), Error::<Test>::NotNewer);
        });
    }

    const LATER: (u64, u64) = (ISSUED + DAY, ISSUED + 8000 * DAY);
    const LATEST: (u64, u64) = (ISSUED + 2 * DAY, ISSUED + 8000 * DAY);

    #[test]
    fn never_takes_an_older_tcb_info_nor_evaluation() {
        let evaluation = |number, (issued, next): (u64, u64)| {
            move |all: &mut Collateral| {
                all.tcb_info = all.tcb_info.clone().within(issued, next).evaluated(number);
            }
        };
        run_tdx(|| {
            assert_ok!(bring(tcb_info(&changed(evaluation(19, LATER)))));
            // Issued later, but of an earlier evaluation; of a later evaluation, but issued earlier.
            assert_noop!(bring(tcb_info(&changed(evaluation(18, LATEST)))), Error::<Test>::NotNewer);
            assert_noop!(bring(tcb_info(&changed(evaluation(20, (ISSUED, LATER.1))))), Error::<Test>::NotNewer);
            assert_ok!(bring(tcb_info(&changed(evaluation(19, LATEST)))));
        });
    }

    #[test]
    fn never_takes_an_older_identity() {
        never_goes_back(
            qe_identity,
            |all| all.qe_identity = all.qe_identity.clone().within(LATER.0, LATER.1).evaluated(19),
            |all| all.qe_identity = all.qe_identity.clone().within(LATEST.0, LATEST.1),
        );
    }

    #[test]
    fn never_takes_an_older_revocation_list() {
        never_goes_back(
            root_crl,
            |all| all.root_crl = all.root_crl.clone().within(LATER.0, LATER.1).numbered(2),
            |all| all.root_crl = all.root_crl.clone().within(LATEST.0, LATEST.1).numbered(1),
        );
        never_goes_back(
            pck_crl,
            |all| all.pck_crl = all.pck_crl.clone().within(LATER.0, LATER.1).numbered(2),
            |all| all.pck_crl = all.pck_crl.clone().within(LATEST.0, LATEST.1).numbered(1),
        );
    }

    #[test]
    fn takes_a_newer_list_whose_number_stands_still() {
        run_tdx(|| {
            assert_ok!(bring(root_crl(&changed(|all| all.root_crl = all.root_crl.clone().within(LATER.0, LATER.1)))));
        });
    }

    #[test]
    fn fails_when_signed_by_somebody_else() {
        run(|| {
            let forged = changed(|all| all.root_crl.by = blockcloud_simulator::tdx::Key::from_seed(&[9; 32]));
            assert_noop!(bring(root_crl(&forged)), refused(Refusal::ItemSignature(Item::RootCrl)));
        });
    }

    #[test]
    fn fails_when_it_ran_out_or_is_from_the_future() {
        run(|| {
            let old = changed(|all| all.root_crl = all.root_crl.clone().within(ISSUED, ISSUED + DAY));
            assert_noop!(bring(root_crl(&old)), refused(Refusal::ItemExpired(Item::RootCrl)));
            let future = changed(|all| all.root_crl = all.root_crl.clone().within(NOW / 1000 + DAY, NOW / 1000 + 2 * DAY));
            assert_noop!(bring(root_crl(&future)), refused(Refusal::ItemNotYetValid(Item::RootCrl)));
        });
    }

    #[test]
    fn fails_when_the_signer_is_revoked() {
        run(|| {
            let signer = blockcloud_simulator::tdx::certificate::signer(dev_root::root(), dev_root::signer());
            let signed = changed(|all| all.root_crl = all.root_crl.clone().revoking(&signer));
            assert_ok!(bring(root_crl(&signed)));
            assert_noop!(bring(tcb_info(&signed)), refused(Refusal::CertificateRevoked(Link::Signer)));
        });
    }

    #[test]
    fn fails_without_the_roots_list_before_it() {
        run(|| {
            let signed = collateral().sign();
            for item in [pck_crl(&signed), tcb_info(&signed), qe_identity(&signed)] {
                assert_noop!(bring(item), Error::<Test>::NoCollateral(Missing(Item::RootCrl)));
            }
        });
    }

    #[test]
    fn fails_without_the_deposit() {
        run(|| {
            let item = Box::new(root_crl(&collateral().sign()));
            let poor = RuntimeOrigin::signed(AccountId32::new([77; 32]));
            assert_noop!(Attestation::submit_collateral(poor, TDX, item), TokenError::FundsUnavailable);
        });
    }

    #[test]
    fn fails_for_hardware_without_a_root_or_collateral() {
        let submit = |tee| -> DispatchResult {
            Attestation::submit_collateral(RuntimeOrigin::signed(PROVIDER), tee, Box::new(root_crl(&collateral().sign())))
        };
        run(|| {
            assert_noop!(submit(Tee::Tdx), Error::<Test>::NoRoots);
            assert_noop!(submit(Tee::SevSnp), Error::<Test>::UnsupportedTee);
        });
        run_on(Default::default(), || {
            assert_noop!(submit(TDX), Error::<Test>::SimulationRefused);
        });
    }
}

mod remove_collateral {
    use super::*;

    fn remove(key: CollateralKey) -> DispatchResult {
        Attestation::remove_collateral(RuntimeOrigin::signed(OTHER), TDX, key)
    }

    #[test]
    fn returns_the_deposit_once_it_ran_out_long_ago() {
        run(|| {
            let end = NOW / 1000 + DAY;
            assert_ok!(bring(root_crl(&changed(|all| all.root_crl = all.root_crl.clone().within(ISSUED, end)))));
            // A list counts until the millisecond before its next update.
            set_time((end + u64::from(COLLATERAL_GRACE)) * 1_000 - 1);
            assert_noop!(remove(CollateralKey::RootCrl), Error::<Test>::CollateralCounts);
            set_time((end + u64::from(COLLATERAL_GRACE)) * 1_000);
            assert_ok!(remove(CollateralKey::RootCrl));
            assert_eq!((held(&PROVIDER), RootCrls::<Test>::get(TDX)), (0, None));
            System::assert_last_event(Event::CollateralRemoved { tee: TDX, key: CollateralKey::RootCrl }.into());
        });
    }

    #[test]
    fn takes_each_piece_once_its_root_is_not_trusted() {
        run_tdx(|| {
            let keys = [
                CollateralKey::RootCrl,
                CollateralKey::PckCrl(authority()),
                CollateralKey::TcbInfo(PLATFORM.fmspc()),
                CollateralKey::QeIdentity,
            ];
            for key in keys {
                assert_noop!(remove(key), Error::<Test>::CollateralCounts);
            }
            assert_ok!(Attestation::remove_tdx_root(council(), TDX));
            for key in keys {
                assert_ok!(remove(key));
            }
            assert_eq!(held(&PROVIDER), 0);
        });
    }

    #[test]
    fn fails_for_what_is_not_there() {
        run(|| {
            assert_noop!(remove(CollateralKey::TcbInfo([0; 6])), Error::<Test>::UnknownCollateral);
        });
    }
}

mod set_tdx_root {
    use super::*;
    use sp_runtime::DispatchError::BadOrigin;

    fn der() -> blockcloud_primitives::CertificateDer {
        dev_root::ROOT.to_vec().try_into().unwrap()
    }

    #[test]
    fn stores_it_and_names_its_fingerprint() {
        run(|| {
            assert_ok!(Attestation::set_tdx_root(council(), Tee::Tdx, der()));
            assert_eq!(TdxRoots::<Test>::get(Tee::Tdx), Some(der()));
            let root = Digest(sp_io::hashing::sha2_256(dev_root::ROOT));
            System::assert_last_event(Event::TdxRootSet { tee: Tee::Tdx, root }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council() {
        run(|| {
            assert_noop!(Attestation::set_tdx_root(RuntimeOrigin::signed(PROVIDER), TDX, der()), BadOrigin);
        });
    }

    #[test]
    fn fails_for_what_is_no_root() {
        run(|| {
            let authority = dev_root::issuer_certificate().try_into().unwrap();
            assert_noop!(Attestation::set_tdx_root(council(), TDX, authority), refused(Refusal::CertificateIssuer(Link::Root)));
        });
    }

    #[test]
    fn fails_for_other_hardware() {
        run(|| {
            assert_noop!(Attestation::set_tdx_root(council(), Tee::SevSnp, der()), Error::<Test>::UnsupportedTee);
        });
        run_on(Default::default(), || {
            assert_noop!(Attestation::set_tdx_root(council(), TDX, der()), Error::<Test>::SimulationRefused);
        });
    }
}

mod remove_tdx_root {
    use super::*;
    use sp_runtime::DispatchError::BadOrigin;

    #[test]
    fn removes_it() {
        run(|| {
            assert_ok!(Attestation::remove_tdx_root(council(), TDX));
            assert_eq!(TdxRoots::<Test>::get(TDX), None);
            System::assert_last_event(Event::TdxRootRemoved { tee: TDX }.into());
        });
    }

    #[test]
    fn fails_when_not_the_council_or_when_there_is_none() {
        run(|| {
            assert_noop!(Attestation::remove_tdx_root(RuntimeOrigin::signed(PROVIDER), TDX), BadOrigin);
            assert_noop!(Attestation::remove_tdx_root(council(), Tee::Tdx), Error::<Test>::NoRoots);
        });
    }
}

mod set_tdx_floor {
    use super::*;
    use sp_runtime::DispatchError::BadOrigin;

    const FLOOR: TdxReference = TdxReference {
        floor: TdxFloor {
            evaluation: 20,
            tolerated: blockcloud_primitives::Shortcomings {
                out_of_date: false,
                configuration_needed: false,
                hardening_needed: true,
                relaunch_advised: false,
            },
        },
        xfam: 7,
    };

    #[test]
    fn sets_and_removes_it() {
        run(|| {
            assert_ok!(Attestation::set_tdx_floor(council(), TDX, Some(FLOOR), 60, 40));
            let (from, drains) = (NOW + 60_000, NOW + 100_000);
            let set = Scheduled { level: FLOOR, from, drains, before: Some(mock_floor()) };
            assert_eq!(TdxFloors::<Test>::get(TDX), Some(set));
            System::assert_last_event(Event::TdxFloorSet { tee: TDX, floor: Some(FLOOR), from, drains }.into());
            assert_ok!(Attestation::set_tdx_floor(council(), TDX, None, 0, 0));
            assert_eq!(TdxFloors::<Test>::get(TDX), None);
        });
    }

    fn mock_floor() -> TdxReference {
        crate::mock::tdx::genesis().floor
    }

    #[test]
    fn fails_when_not_the_council_or_for_other_hardware() {
        run(|| {
            assert_noop!(Attestation::set_tdx_floor(RuntimeOrigin::signed(PROVIDER), TDX, None, 0, 0), BadOrigin);
            assert_noop!(Attestation::set_tdx_floor(council(), Tee::Simulated, None, 0, 0), Error::<Test>::UnsupportedTee);
        });
    }
}

#[test]
fn a_platform_of_another_family_needs_its_own_tcb_info() {
    run_tdx(|| {
        let other = Platform::of([1, 2, 3, 4, 5, 6], [7; 32]);
        let evidence = evidence_of(&guest(1), &other, |_| ());
        assert_noop!(open(&evidence), Error::<Test>::NoCollateral(Missing(Item::TcbInfo)));
        assert_ok!(bring(tcb_info(&Collateral::new([1, 2, 3, 4, 5, 6]).sign())));
        assert_ok!(open(&evidence));
    });
}
