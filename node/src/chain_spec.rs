//! Chains that the node knows by name. The contents of their first blocks are the runtime's presets.

use blockcloud_runtime::{DECIMALS, SYMBOL, WASM_BINARY, genesis};
use sc_service::{ChainType, GenericChainSpec, Properties};

/// A chain's specification, without extensions.
pub type ChainSpec = GenericChainSpec;

/// The specification of this name, or of this file.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "" | genesis::DEV => preset(genesis::DEV, "BlockCloud Development", "blockcloud_dev", ChainType::Development),
        "local" | genesis::LOCAL4 => preset(genesis::LOCAL4, "BlockCloud Local (four validators)", "blockcloud_local4", ChainType::Local),
        genesis::CONSORTIUM => preset(genesis::CONSORTIUM, "BlockCloud Example Consortium", "blockcloud_consortium", ChainType::Live),
        path => ChainSpec::from_json_file(path.into())
            .map_err(|error| format!("chain '{path}': {error}. Give dev, local4, consortium, or a file that build-spec wrote.")),
    }
}

fn preset(preset: &str, name: &str, id: &str, kind: ChainType) -> Result<ChainSpec, String> {
    let code =
        WASM_BINARY.ok_or("this node was built without its runtime's Wasm (SKIP_WASM_BUILD); build it again without that variable")?;
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), SYMBOL.into());
    properties.insert("tokenDecimals".into(), DECIMALS.into());
    properties.insert("ss58Format".into(), 42.into());
    Ok(ChainSpec::builder(code, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(kind)
        .with_protocol_id(id)
        .with_properties(properties)
        .with_genesis_config_preset_name(preset)
        .build())
}
