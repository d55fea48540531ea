//! The presets.

use super::chain;
use crate::{
    Aura, Balances, Runtime, Session,
    genesis::{COMPANIES, CONSORTIUM, Company, DEV, LOCAL4, names},
};
use sp_core::{Pair, crypto::DEV_PHRASE, ed25519, sr25519};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave};

fn validators() -> Vec<(crate::AccountId, String)> {
    pallet_consortium::Validators::<Runtime>::get().into_iter().map(|validator| (validator.account, validator.name.to_string())).collect()
}

fn members() -> Vec<crate::AccountId> {
    pallet_collective::Members::<Runtime, pallet_collective::Instance1>::get()
}

#[test]
fn every_preset_builds_and_its_authorities_are_its_listed_validators() {
    for name in names() {
        chain(name.as_ref()).execute_with(|| {
            let listed: Vec<_> = validators().into_iter().map(|(account, _)| account).collect();
            assert_eq!(Session::validators(), listed);
            assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), listed.len());
            assert_eq!(crate::Grandpa::grandpa_authorities().len(), listed.len());
            assert!(listed.iter().all(|account| Balances::free_balance(account) > 0));
            let references = |account| {
                let account = frame_system::Account::<Runtime>::get(account);
                (account.providers, account.consumers)
            };
            assert!(
                listed.iter().all(|account| references(account) == (1, 1)),
                "a validator exists by its balance and is used by its keys"
            );
            assert_eq!(pallet_consortium::Planned::<Runtime>::get().into_inner(), listed);
            assert_eq!(Aura::slot_duration(), 1_000);
        });
    }
}

#[test]
fn dev_is_alice() {
    chain(DEV).execute_with(|| {
        assert_eq!(validators(), [(Alice.to_account_id(), "Alice".into())]);
        assert_eq!(members(), [Alice.to_account_id()]);
    });
}

#[test]
fn local4_has_four_validators() {
    chain(LOCAL4).execute_with(|| {
        assert_eq!(Session::validators(), [Alice, Bob, Charlie, Dave].map(|key| key.to_account_id()));
        assert_eq!(members(), [Alice.to_account_id()]);
    });
}

#[test]
fn the_consortium_has_no_well_known_account() {
    chain(CONSORTIUM).execute_with(|| {
        assert_eq!(validators().into_iter().map(|(_, name)| name).collect::<Vec<_>>(), COMPANIES.map(|company| company.name));
        assert_eq!(members().len(), 4);
        assert!(sp_keyring::Sr25519Keyring::iter().all(|key| Balances::free_balance(key.to_account_id()) == 0));
    });
}

#[test]
fn the_companies_keys_are_where_their_paths_say() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let derived = COMPANIES.map(|Company { path, .. }| {
        let sr = |suffix: &str| sr25519::Pair::from_string(&format!("{DEV_PHRASE}{path}{suffix}"), None).unwrap().public().0;
        let ed = |suffix: &str| ed25519::Pair::from_string(&format!("{DEV_PHRASE}{path}{suffix}"), None).unwrap().public().0;
        [hex(&sr("")), hex(&sr("//aura")), hex(&ed("//grandpa"))]
    });
    assert_eq!(COMPANIES.map(|company| [hex(&company.account), hex(&company.aura), hex(&company.grandpa)]), derived);
}

#[test]
fn an_unknown_preset_is_none() {
    assert_eq!(crate::genesis::preset(&"staging".into()), None);
}

#[cfg(feature = "try-runtime")]
#[test]
fn every_preset_meets_every_invariant() {
    use frame_support::traits::{TryState, TryStateSelect};
    for name in names() {
        chain(name.as_ref()).execute_with(|| {
            <crate::AllPalletsWithSystem as TryState<u32>>::try_state(1, TryStateSelect::All).unwrap();
        });
    }
}

mod simulated_hardware {
    use super::*;
    use crate::{Attestation, RuntimeOrigin, config::governance::CouncilCollective};
    use blockcloud_evidence::snp::Product;
    use blockcloud_primitives::Tee;
    use frame_support::assert_noop;
    use sp_keyring::Sr25519Keyring::Ferdie;

    const ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/root.der");
    const ISSUER: &[u8] = include_bytes!("../../../crates/simulator/dev-root/issuer.der");

    #[test]
    fn is_trusted_by_development_presets() {
        for preset in [DEV, LOCAL4] {
            chain(preset).execute_with(|| {
                assert!(pallet_attestation::SimulationAllowed::<Runtime>::get());
                assert!(pallet_attestation::RootsOf::<Runtime>::contains_key((Tee::Simulated, Product::Genoa)));
                assert!(pallet_attestation::Floors::<Runtime>::contains_key((Tee::Simulated, Product::Genoa)));
                assert!(pallet_offers::Certifiers::<Runtime>::contains_key(Ferdie.to_account_id()));
            });
        }
    }

    #[test]
    fn is_refused_by_the_consortium_even_to_its_council() {
        chain(CONSORTIUM).execute_with(|| {
            assert!(!pallet_attestation::SimulationAllowed::<Runtime>::get());
            assert_eq!(pallet_attestation::RootsOf::<Runtime>::iter().count(), 0);
            let council: RuntimeOrigin = pallet_collective::RawOrigin::<_, CouncilCollective>::Members(4, 4).into();
            let (root, issuer) = (ROOT.to_vec().try_into().unwrap(), ISSUER.to_vec().try_into().unwrap());
            assert_noop!(
                Attestation::set_roots(council, Tee::Simulated, Product::Genoa, root, issuer),
                pallet_attestation::Error::<Runtime>::SimulationRefused
            );
        });
    }

    #[test]
    fn evidence_is_refused_by_the_consortium() {
        use blockcloud_primitives::{Allow, Digest, Evidence, JobId, Measurements, Policy, PublicKey, Signature, SiteId, Tcb};
        chain(CONSORTIUM).execute_with(|| {
            let policy = Policy {
                regions: Allow::Any,
                jurisdictions: Allow::Any,
                certificates: Default::default(),
                tees: vec![Tee::Simulated].try_into().unwrap(),
                firmware_floor: Tcb::default(),
                tdx_floor: Default::default(),
                legacy_hardware: false,
                chip_endorsements: 0,
                longest_session: 0,
                measurements: Measurements::Approved,
                denied_providers: Default::default(),
                erase_within: 60,
                recipients: Default::default(),
                checkpoint_gap: 10,
                suspension_grace: 0,
            };
            let evidence = Evidence {
                tee: Tee::Simulated,
                report: vec![0; 1184].try_into().unwrap(),
                certificate: vec![0; 64].try_into().unwrap(),
                anchor: 0,
                receipt_key: PublicKey([1; 32]),
                wrapping_key: PublicKey([2; 32]),
                possession: Signature([3; 64]),
            };
            let provider = Ferdie.to_account_id();
            let (job, site, terms) = (JobId(1), SiteId(1), Digest::ZERO);
            let candidate =
                pallet_attestation::Candidate { job, provider: &provider, site, terms, policy: &policy, evidence: &evidence, now: 1 };
            assert_noop!(Attestation::open(&candidate), pallet_attestation::Error::<Runtime>::SimulationRefused);
        });
    }
}
