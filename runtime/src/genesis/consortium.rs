//! An example of a production chain: four companies that validate and govern together, no simulated hardware, no well-known accounts.
//!
//! The keys are examples. Their secrets are derived from the public development phrase by the paths given here, so that the example can be run;
//! a real consortium exports the specification, puts its own keys in, and starts from that.

use super::Founder;
use crate::{
    AccountId, AttestationConfig, BalancesConfig, ConsortiumConfig, CouncilConfig, RuntimeGenesisConfig, SessionConfig, config::money::UNIT,
};
use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_core::{ed25519, sr25519};

/// What every company starts with.
const ENDOWMENT: u128 = 1_000_000 * UNIT;

/// A company of the example.
pub(crate) struct Company {
    /// Its name.
    pub name: &'static str,
    /// Path of its account (sr25519); its session keys are at this path followed by `//aura` (sr25519) and `//grandpa` (ed25519).
    #[cfg_attr(not(test), allow(dead_code))]
    pub path: &'static str,
    /// The account.
    pub account: [u8; 32],
    /// The authoring key.
    pub aura: [u8; 32],
    /// The finality key.
    pub grandpa: [u8; 32],
}

/// The companies of the example.
pub(crate) const COMPANIES: [Company; 4] = [
    Company { name: "Aurora Data Centres", path: "//consortium//aurora", account: [0; 32], aura: [0; 32], grandpa: [0; 32] },
    Company { name: "Borealis Hosting", path: "//consortium//borealis", account: [0; 32], aura: [0; 32], grandpa: [0; 32] },
    Company { name: "Cascade Compute", path: "//consortium//cascade", account: [0; 32], aura: [0; 32], grandpa: [0; 32] },
    Company { name: "Delta Grid", path: "//consortium//delta", account: [0; 32], aura: [0; 32], grandpa: [0; 32] },
];

/// The example.
pub fn consortium() -> Value {
    let founders: Vec<_> = COMPANIES
        .iter()
        .map(|company| Founder {
            account: AccountId::new(company.account),
            name: company.name.parse().unwrap_or_default(),
            aura: sr25519::Public::from_raw(company.aura).into(),
            grandpa: ed25519::Public::from_raw(company.grandpa).into(),
        })
        .collect();
    let accounts = || founders.iter().map(|founder| founder.account.clone());
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig { balances: accounts().map(|account| (account, ENDOWMENT)).collect() },
        council: CouncilConfig { members: accounts().collect() },
        consortium: ConsortiumConfig { validators: founders.iter().map(Founder::listed).collect() },
        // Vendors' roots and firmware floors are the council's first motions; until then no hardware is trusted.
        attestation: AttestationConfig { simulation_allowed: false },
        session: SessionConfig { keys: founders.iter().map(Founder::session).collect() },
    })
}
