//! The first block: named presets that a chain specification starts from.
//!
//! | preset | validators | council | simulated hardware |
//! | --- | --- | --- | --- |
//! | `dev` | Alice | Alice | allowed |
//! | `local4` | Alice, Bob, Charlie, Dave | Alice | allowed |
//! | `consortium` | four named companies | the same four | refused |

mod consortium;
mod development;

use crate::{AccountId, SessionKeys};
use alloc::vec::Vec;
use blockcloud_primitives::Text;
use serde_json::Value;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::PresetId;

#[cfg(test)]
pub(crate) use consortium::{COMPANIES, Company};

/// One validator on one machine.
pub const DEV: &str = "dev";
/// Four validators on one machine.
pub const LOCAL4: &str = "local4";
/// An example of a consortium of companies.
pub const CONSORTIUM: &str = "consortium";

/// A validator of the first block.
struct Founder {
    account: AccountId,
    name: Text<64>,
    aura: AuraId,
    grandpa: GrandpaId,
}

impl Founder {
    fn session(&self) -> (AccountId, AccountId, SessionKeys) {
        let keys = SessionKeys { aura: self.aura.clone(), grandpa: self.grandpa.clone() };
        (self.account.clone(), self.account.clone(), keys)
    }

    fn listed(&self) -> (AccountId, Text<64>) {
        (self.account.clone(), self.name.clone())
    }
}

/// The presets by name.
pub fn names() -> Vec<PresetId> {
    [DEV, LOCAL4, CONSORTIUM].map(PresetId::from).into()
}

/// The preset of this name, as JSON.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let preset: Value = match id.as_ref() {
        DEV => development::dev(),
        LOCAL4 => development::local4(),
        CONSORTIUM => consortium::consortium(),
        _ => return None,
    };
    serde_json::to_vec(&preset).ok()
}
