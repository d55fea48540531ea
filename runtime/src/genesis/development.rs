//! Presets for one machine: well-known keys, simulated hardware, Ferdie as an accredited certifier. Anyone can sign for these accounts.

use super::Founder;
use crate::{
    AccountId, AttestationConfig, BalancesConfig, ConsortiumConfig, CouncilConfig, OffersConfig, RuntimeGenesisConfig, SessionConfig,
    TechnicalCommitteeConfig, config::money::UNIT,
};
use alloc::{collections::BTreeSet, string::ToString, vec, vec::Vec};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{Shortcomings, Tcb, TdxFloor, Tee};
use frame_support::build_struct_json_patch;
use pallet_attestation::{GenesisRoots, GenesisTdx, TdxReference};
use serde_json::Value;
use sp_core::Bytes;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// What every well-known account starts with.
const ENDOWMENT: u128 = 1_000_000 * UNIT;
/// The root of simulated hardware. Its private key is as public as those of the well-known accounts.
const SIMULATED_ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/root.der");
/// The intermediate that certifies simulated chips.
const SIMULATED_ISSUER: &[u8] = include_bytes!("../../../crates/simulator/dev-root/issuer.der");
/// The root of simulated TDX platforms and of their collateral, which somebody has to bring: `blockcloud-agent collateral`.
const SIMULATED_TDX_ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/tdx/root.der");
/// What is wanted of simulated TDX platforms: the simulator's own evaluation, nothing against it, and the processor state of current processors.
const SIMULATED_TDX_FLOOR: TdxReference = TdxReference {
    floor: TdxFloor {
        evaluation: 18,
        tolerated: Shortcomings { out_of_date: false, configuration_needed: false, hardening_needed: false, relaunch_advised: false },
    },
    xfam: 0x6_02e7,
};
/// The firmware that a simulated processor must claim: somewhat less than the simulator's own, so that the floor is seen to work.
const SIMULATED_FLOOR: Tcb = Tcb { bootloader: 8, tee: 0, snp: 20, microcode: 80, fmc: 0 };

/// One validator, Alice, who is also the council.
pub fn dev() -> Value {
    development(&[(Sr25519Keyring::Alice, Ed25519Keyring::Alice)])
}

/// Four validators: Alice, Bob, Charlie and Dave. The council is Alice, so that a motion takes one signature.
pub fn local4() -> Value {
    development(&[
        (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
        (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
        (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
        (Sr25519Keyring::Dave, Ed25519Keyring::Dave),
    ])
}

fn development(keys: &[(Sr25519Keyring, Ed25519Keyring)]) -> Value {
    let founders: Vec<_> = keys
        .iter()
        .map(|(aura, grandpa)| Founder {
            account: aura.to_account_id(),
            name: aura.to_string().parse().unwrap_or_default(),
            aura: aura.public().into(),
            grandpa: grandpa.public().into(),
        })
        .collect();
    // Both kinds of well-known keys, so that clients of either signature scheme have an account.
    let accounts: BTreeSet<AccountId> =
        Sr25519Keyring::iter().map(|key| key.to_account_id()).chain(Ed25519Keyring::iter().map(|key| key.to_account_id())).collect();
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig { balances: accounts.into_iter().map(|account| (account, ENDOWMENT)).collect() },
        council: CouncilConfig { members: [Sr25519Keyring::Alice.to_account_id()].into() },
        technical_committee: TechnicalCommitteeConfig { members: [Sr25519Keyring::Alice.to_account_id()].into() },
        consortium: ConsortiumConfig { validators: founders.iter().map(Founder::listed).collect() },
        offers: OffersConfig { certifiers: vec![Sr25519Keyring::Ferdie.to_account_id()] },
        attestation: AttestationConfig {
            simulation_allowed: true,
            roots: vec![GenesisRoots::new(Tee::Simulated, Product::Genoa, SIMULATED_ROOT, SIMULATED_ISSUER)],
            floors: vec![(Tee::Simulated, Product::Genoa, SIMULATED_FLOOR)],
            tdx: vec![GenesisTdx { tee: Tee::SimulatedTdx, root: Bytes(SIMULATED_TDX_ROOT.to_vec()), floor: SIMULATED_TDX_FLOOR }],
        },
        session: SessionConfig { keys: founders.iter().map(Founder::session).collect() },
    })
}
