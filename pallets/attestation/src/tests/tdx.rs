//! Sessions from TDX quotes: what is stored, one refusal per test, and judging again. The evidence is real but for its root.

use crate::{
    ApprovedBy, Basis, Error, Guest as Stored, Missing, PckCrls, QeIdentities, RootCrls, Sessions, TcbInfos, TdxFault, TdxFloors, TdxRoots,
    mock::{tdx::*, *},
};
use blockcloud_evidence::tdx::{BodyType, Error as Refusal, Item, Link};
use blockcloud_primitives::{
    AccountId, Digest, Evidence, Firmware, JobId, Lapse, Measurement, Policy, Session, Shortcomings, Signature, TdxFloor, TdxLevel, Tee,
};
use blockcloud_simulator::tdx::{Layout, Platform, component, level};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn refused(refusal: Refusal) -> DispatchError {
    Error::<Test>::RefusedTdx(TdxFault(refusal)).into()
}

/// The session that this evidence opens.
fn session(guest: &Guest, evidence: &Evidence) -> Session {
    Session {
        tee: TDX,
        measurement: software(),
        chip: platform(),
        firmware: Firmware::Tdx(TdxLevel { evaluation: EVALUATION, shortcomings: Shortcomings::default(), date: ISSUED * 1_000 }),
        ..guest.session(evidence)
    }
}

/// Collateral in which the platform's level has this status, in Intel's words.
fn called(status: &'static str) -> sp_runtime::DispatchResult {
    bring_changed(|all| {
        let levels = vec![level(3, 11, 3, status, &[])];
        all.tcb_info = all.tcb_info.clone().with_levels(levels).within(ISSUED + DAY, ISSUED + 8000 * DAY);
        all.root_crl = all.root_crl.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
        all.pck_crl = all.pck_crl.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
        all.qe_identity = all.qe_identity.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
    })
}

#[test]
fn stores_the_session() {
    run_tdx(|| {
        let guest = guest(1);
        let evidence = evidence(&guest);
        assert_eq!(open(&evidence), Ok(session(&guest, &evidence)));
        let Some(Stored { session: stored, basis, approved_by, endorsements }) = Sessions::<Test>::get(JOB) else { panic!("no session") };
        assert_eq!((stored, approved_by, endorsements), (session(&guest, &evidence), ApprovedBy::Council, 0));
        assert!(matches!(basis, Basis::Tdx { root, .. } if root == crate::verify::digest(&TdxRoots::<Test>::get(TDX).unwrap())));
        assert_eq!(Attestation::receipt_key(JOB, NOW), Some(guest.binding.receipt_key));
    });
}

#[test]
fn takes_both_layouts_and_tells_replays_by_what_is_signed() {
    run_tdx(|| {
        for (number, layout) in [(1, Layout::V4), (2, Layout::V5(BodyType::Td10)), (3, Layout::V5(BodyType::Td15Ex))] {
            let mut evidence = evidence_of(&guest(number), &PLATFORM, |launch| launch.layout = layout);
            assert_ok!(open(&evidence));
            assert_noop!(open(&evidence), Error::<Test>::Replayed);
            // Zeros after a quote are not signed.
            evidence.report.try_push(0).unwrap();
            assert_noop!(open(&evidence), Error::<Test>::Replayed);
        }
    });
}

#[test]
fn renews_the_same_guest() {
    run_tdx(|| {
        let first = evidence(&guest(1));
        assert_ok!(open(&first));
        let renewal = evidence(&guest(1).renewing(&first));
        assert_eq!(renew(&renewal).map(|session| session.previous), Ok(Some(first.replay_key())));
        let on_another = evidence_of(&guest(1).renewing(&renewal), &Platform::new([2; 32]), |_| ());
        assert_noop!(renew(&on_another), Error::<Test>::AnotherGuest);
    });
}

#[test]
fn ends_with_the_first_piece_of_collateral() {
    run(|| {
        let end = NOW / 1000 + 3_600;
        assert_ok!(bring_changed(|all| all.qe_identity = all.qe_identity.clone().within(ISSUED, end)));
        assert_ok!(Attestation::approve_measurement(council(), software(), NOW + WEEK));
        assert_eq!(open(&evidence(&guest(1))).map(|session| session.valid_until), Ok(end * 1_000));
    });
}

#[test]
fn fails_on_a_production_chain_even_under_its_real_name() {
    run_on(Default::default(), || {
        assert_noop!(open(&evidence(&guest(1))), Error::<Test>::SimulationRefused);
    });
    run_tdx(|| {
        let mut guest = guest(1);
        guest.binding.tee = Tee::Tdx;
        let policy = Policy { tees: vec![Tee::Tdx].try_into().unwrap(), ..policy() };
        assert_noop!(open_under(&policy, &Evidence { tee: Tee::Tdx, ..evidence(&guest) }), Error::<Test>::NoRoots);
    });
}

#[test]
fn fails_when_one_vendors_evidence_is_called_anothers() {
    run_tdx(|| {
        let snp = Evidence { tee: TDX, certificate: Default::default(), ..Guest::new(1).evidence() };
        assert_noop!(open(&snp), refused(Refusal::QuoteVersion));
        let tdx = Evidence { tee: Tee::Simulated, ..evidence(&guest(1)) };
        assert!(open(&tdx).is_err());
    });
}

#[test]
fn fails_with_a_certificate_beside_it() {
    run_tdx(|| {
        let evidence = Evidence { certificate: vec![1].try_into().unwrap(), ..evidence(&guest(1)) };
        assert_noop!(open(&evidence), Error::<Test>::UnexpectedCertificate);
    });
}

#[test]
fn fails_without_each_piece_of_collateral() {
    let pieces: [(fn(), Item); 4] = [
        (|| RootCrls::<Test>::remove(TDX), Item::RootCrl),
        (|| drop(PckCrls::<Test>::clear_prefix(TDX, 9, None)), Item::PckCrl),
        (|| TcbInfos::<Test>::remove(TDX, PLATFORM.fmspc()), Item::TcbInfo),
        (|| QeIdentities::<Test>::remove(TDX), Item::QeIdentity),
    ];
    for (remove, item) in pieces {
        storage_of(development()).execute_with(|| {
            assert_ok!(bring_changed(|_| ()));
            remove();
            assert_noop!(open(&evidence(&guest(1))), Error::<Test>::NoCollateral(Missing(item)));
        });
    }
}

#[test]
fn fails_without_root_or_floor() {
    run_tdx(|| {
        let evidence = evidence(&guest(1));
        let floor = TdxFloors::<Test>::take(TDX);
        assert_noop!(open(&evidence), Error::<Test>::NoFloor);
        TdxFloors::<Test>::set(TDX, floor);
        TdxRoots::<Test>::remove(TDX);
        assert_noop!(open(&evidence), Error::<Test>::NoRoots);
    });
}

#[test]
fn fails_with_the_verifiers_own_reason() {
    run_tdx(|| {
        let guest = guest(1);
        let mut changed = evidence(&guest);
        changed.report[200] ^= 1;
        assert_noop!(open(&changed), refused(Refusal::QuoteSignature));
        let debuggable = evidence_of(&guest, &PLATFORM, |launch| launch.attributes |= 1);
        assert_noop!(open(&debuggable), refused(Refusal::Debuggable));
        let watched = evidence_of(&guest, &PLATFORM, |launch| launch.attributes |= 1 << 63);
        assert_noop!(open(&watched), refused(Refusal::PerformanceCounters));
    });
}

#[test]
fn fails_for_a_revoked_level() {
    run_tdx(|| {
        assert_ok!(called("Revoked"));
        assert_noop!(open(&evidence(&guest(1))), refused(Refusal::TcbRevoked));
    });
}

#[test]
fn fails_for_a_revoked_platform() {
    run_tdx(|| {
        let template = PLATFORM.certificate_template();
        let newer = |all: &mut blockcloud_simulator::tdx::Collateral| {
            all.pck_crl = all.pck_crl.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY).revoking(&template);
        };
        let mut collateral = collateral();
        newer(&mut collateral);
        assert_ok!(bring(pck_crl(&collateral.sign())));
        assert_noop!(open(&evidence(&guest(1))), refused(Refusal::CertificateRevoked(Link::Chip)));
    });
}

#[test]
fn fails_once_collateral_ran_out() {
    run_tdx(|| {
        set_time(2_521_929_601_000);
        assert!(open(&evidence(&guest(1))).is_err());
        assert_eq!(Attestation::session(JOB), None);
    });
}

#[test]
fn fails_below_the_councils_floor() {
    run_tdx(|| {
        let evidence = evidence(&guest(1));
        let raise = |change: fn(&mut TdxFloor)| {
            TdxFloors::<Test>::mutate(TDX, |floor| change(&mut floor.as_mut().unwrap().level.floor));
        };
        raise(|floor| floor.evaluation = EVALUATION + 1);
        assert_noop!(open(&evidence), Error::<Test>::BelowFloor);
        raise(|floor| floor.evaluation = EVALUATION);
        // Each shortcoming is refused unless it is tolerated.
        assert_ok!(called("SWHardeningNeeded"));
        assert_noop!(open(&evidence), Error::<Test>::BelowFloor);
        raise(|floor| floor.tolerated.hardening_needed = true);
        let policy = Policy {
            tdx_floor: TdxFloor { tolerated: Shortcomings { hardening_needed: true, ..Default::default() }, evaluation: 0 },
            ..policy()
        };
        assert_ok!(open_under(&policy, &evidence));
    });
}

#[test]
fn fails_below_the_policys_floor() {
    run_tdx(|| {
        let evidence = evidence(&guest(1));
        let demanding = Policy { tdx_floor: TdxFloor { evaluation: EVALUATION + 1, ..Default::default() }, ..policy() };
        assert_noop!(open_under(&demanding, &evidence), Error::<Test>::BelowPolicyFloor);
        // What the council tolerates the customer need not.
        TdxFloors::<Test>::mutate(TDX, |floor| floor.as_mut().unwrap().level.floor.tolerated.configuration_needed = true);
        assert_ok!(called("ConfigurationNeeded"));
        assert_noop!(open(&evidence), Error::<Test>::BelowPolicyFloor);
    });
}

#[test]
fn an_old_module_or_quoting_enclave_counts_as_out_of_date() {
    run_tdx(|| {
        let old = evidence_of(&guest(1), &PLATFORM, |launch| {
            launch.tee_tcb_svn[0] = 3;
            launch.current_tee_tcb_svn[0] = 3;
        });
        assert_noop!(open(&old), Error::<Test>::BelowFloor);
        assert_ok!(bring_changed(|all| {
            all.root_crl = all.root_crl.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
            all.pck_crl = all.pck_crl.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
            all.tcb_info = all.tcb_info.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY);
            let levels = vec![component(9, "UpToDate", &[]), component(8, "OutOfDate", &[])];
            all.qe_identity = all.qe_identity.clone().within(ISSUED + DAY, ISSUED + 8000 * DAY).with_levels(levels);
        }));
        assert_noop!(open(&evidence(&guest(2))), Error::<Test>::BelowFloor);
    });
}

#[test]
fn fails_with_processor_state_that_is_not_allowed() {
    run_tdx(|| {
        let evidence = evidence_of(&guest(1), &PLATFORM, |launch| launch.xfam |= 1 << 10);
        assert_noop!(open(&evidence), Error::<Test>::XfamNotAllowed);
    });
}

#[test]
fn fails_when_launched_for_other_terms() {
    run_tdx(|| {
        let mut other = guest(1);
        other.host_data = [6; 32];
        assert_noop!(open(&evidence(&other)), Error::<Test>::WrongTerms);
        // The right terms, and something behind them.
        let more = evidence_of(&guest(1), &PLATFORM, |launch| launch.mr_config_id[47] = 1);
        assert_noop!(open(&more), Error::<Test>::WrongTerms);
    });
}

#[test]
fn fails_when_made_for_something_else() {
    run_tdx(|| {
        let changes: [fn(&mut Guest); 5] = [
            |guest| guest.binding.job = JobId(8),
            |guest| guest.binding.genesis = Digest([1; 32]),
            |guest| guest.binding.provider = AccountId([3; 32]),
            |guest| guest.binding.anchor_hash = Digest([1; 32]),
            |guest| guest.binding.tee = Tee::Simulated,
        ];
        for change in changes {
            let mut guest = guest(1);
            change(&mut guest);
            assert_noop!(open(&evidence(&guest)), Error::<Test>::NotBound);
        }
        let forged = Evidence { possession: Signature([0; 64]), ..evidence(&guest(1)) };
        assert_noop!(open(&forged), Error::<Test>::NotPossessed);
    });
}

#[test]
fn fails_when_the_software_is_another_at_launch_or_after() {
    run_tdx(|| {
        let error = || Error::<Test>::MeasurementNotApproved;
        let mut other = guest(1);
        other.measurement = Measurement([8; 48]);
        assert_noop!(open(&evidence(&other)), error());
        for register in 0..3 {
            let grown = evidence_of(&guest(1), &PLATFORM, |launch| launch.rtmr[register] = [1; 48]);
            assert_noop!(open(&grown), error());
        }
        // The last register is the guest's own.
        assert_ok!(open(&evidence_of(&guest(1), &PLATFORM, |launch| launch.rtmr[3] = [1; 48])));
    });
}

#[test]
fn fails_when_the_platform_is_denied() {
    run_tdx(|| {
        assert_ok!(Attestation::deny_chip(council(), platform()));
        assert_noop!(open(&evidence(&guest(1))), Error::<Test>::ChipDenied);
    });
}

mod judged_again {
    use super::*;

    fn lapses(change: impl FnOnce(), reason: Lapse) {
        run_tdx(|| {
            assert_ok!(open(&evidence(&guest(1))));
            assert!(Attestation::judge(JOB, NOW).is_ok());
            change();
            assert_eq!(Attestation::judge(JOB, NOW), Err(reason));
        });
    }

    #[test]
    fn lapses_without_its_root() {
        lapses(|| Attestation::remove_tdx_root(council(), TDX).unwrap(), Lapse::RootsRemoved);
        let other = || TdxRoots::<Test>::mutate(TDX, |root| root.as_mut().unwrap()[100] ^= 1);
        lapses(other, Lapse::RootsChanged);
    }

    #[test]
    fn lapses_below_a_raised_floor() {
        let raise = |floor: TdxFloor| {
            move || {
                let reference = crate::TdxReference { floor, xfam: XFAM };
                Attestation::set_tdx_floor(council(), TDX, Some(reference), 0, 0).unwrap();
            }
        };
        lapses(raise(TdxFloor { evaluation: EVALUATION + 1, ..Default::default() }), Lapse::BelowFloor);
        lapses(|| Attestation::set_tdx_floor(council(), TDX, None, 0, 0).unwrap(), Lapse::BelowFloor);
    }

    #[test]
    fn lapses_when_the_platform_is_revoked_or_denied() {
        let revoke = || {
            let mut collateral = collateral();
            let list = collateral.pck_crl.within(ISSUED + DAY, ISSUED + 8000 * DAY);
            collateral.pck_crl = list.revoking(&PLATFORM.certificate_template());
            bring(pck_crl(&collateral.sign())).unwrap();
        };
        lapses(revoke, Lapse::ChipRevoked);
        lapses(|| Attestation::deny_chip(council(), platform()).unwrap(), Lapse::ChipDenied);
    }

    #[test]
    fn lapses_when_the_platforms_authority_is_revoked() {
        use blockcloud_simulator::tdx::{certificate, dev_root};
        let revoke = || {
            let authority = certificate::issuer(dev_root::root(), dev_root::issuer());
            let mut collateral = collateral();
            collateral.root_crl = collateral.root_crl.within(ISSUED + DAY, ISSUED + 8000 * DAY).revoking(&authority);
            bring(root_crl(&collateral.sign())).unwrap();
        };
        lapses(revoke, Lapse::ChipRevoked);
    }
}
