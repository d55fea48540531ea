//! Tests of the wiring: presets, stable numbers, roles, what the council can do, and a job through the real pallets in a round. Logic is tested in the pallets.

mod genesis;
mod governance;
mod numbers;
mod roles;
mod rounds;

use crate::{RuntimeGenesisConfig, genesis as presets};
use frame_support::genesis_builder_helper::build_state;
use sp_io::TestExternalities;

/// The chain's first block from a preset: its patch over the default configuration, as the node does it.
pub fn chain(preset: &str) -> TestExternalities {
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    let patch: serde_json::Value = serde_json::from_slice(&presets::preset(&preset.into()).unwrap()).unwrap();
    merge(&mut config, patch);
    let mut chain = TestExternalities::default();
    chain.execute_with(|| {
        build_state::<RuntimeGenesisConfig>(serde_json::to_vec(&config).unwrap()).unwrap();
        frame_system::Pallet::<crate::Runtime>::set_block_number(1);
    });
    chain
}

fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    match (target, patch) {
        (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}
