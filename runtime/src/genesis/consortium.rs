//! An example of a production chain: four companies that validate and govern together, no simulated hardware, no well-known accounts.
//!
//! The keys are examples. Their secrets are derived from the public development phrase by the paths given here, so that the example can be run;
//! a real consortium exports the specification, puts its own keys in, and starts from that.

use super::Founder;
use crate::{
    AccountId, AttestationConfig, BalancesConfig, ConsortiumConfig, CouncilConfig, RuntimeGenesisConfig, SessionConfig,
    TechnicalCommitteeConfig, config::money::UNIT,
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
    Company {
        name: "Aurora Data Centres",
        path: "//consortium//aurora",
        account: hex_literal("94018e9f012fb6de1024c3ed134aad96d36a02726161d34bfb80901d06bffd61"),
        aura: hex_literal("5e661595ca4c4eff63b2be57e79d504dcb9798b3036df0937f0233d0c5c4da0c"),
        grandpa: hex_literal("883c34173a6ebb12da520c54e8460ef6992175ba97a050b16b8d8016d1496cc9"),
    },
    Company {
        name: "Borealis Hosting",
        path: "//consortium//borealis",
        account: hex_literal("aa552f29f00fee3f616e70b3a708ecfec871f624c189227fd59b683e1cfbd55f"),
        aura: hex_literal("1acb638f58db2f58edcfb12656cf9a6c13dc411aba0a10d245983bbb2fbd1544"),
        grandpa: hex_literal("c6b11ec1e010c4fc65b795c31c94c58792bc5b8d446685811cdc3a0adcb34986"),
    },
    Company {
        name: "Cascade Compute",
        path: "//consortium//cascade",
        account: hex_literal("48807b84b1992c186cdae6928d71b7bc595edae6e76ae82e72e4e5917242d240"),
        aura: hex_literal("cc00d9c6471f251f39fe7882d43372d8baa7d9188d46c09e4c576560eab8e834"),
        grandpa: hex_literal("2a7a1890e41be8965ee407cb2ffce75690dada847766b666640e410e5720b3b6"),
    },
    Company {
        name: "Delta Grid",
        path: "//consortium//delta",
        account: hex_literal("f4524240e0e25f8c0bf1995a07ef33a23fcffa766165c8ac544e6374f50c536c"),
        aura: hex_literal("02b83a268ff6bba3696cdd2728277db5cd2a05e77c9e02ff158a9b246e727549"),
        grandpa: hex_literal("89a200530f23c56ffd964fc1909bc57810613ca057c373c004504130c1708153"),
    },
];

/// 32 bytes from 64 lower-case hex digits, at compile time.
const fn hex_literal(text: &str) -> [u8; 32] {
    const fn digit(symbol: u8) -> u8 {
        match symbol {
            b'0'..=b'9' => symbol - b'0',
            b'a'..=b'f' => symbol - b'a' + 10,
            _ => panic!("not a hex digit"),
        }
    }
    let text = text.as_bytes();
    assert!(text.len() == 64, "a key has 64 hex digits");
    let mut bytes = [0; 32];
    let mut index = 0;
    while index < bytes.len() {
        bytes[index] = digit(text[2 * index]) * 16 + digit(text[2 * index + 1]);
        index += 1;
    }
    bytes
}

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
        technical_committee: TechnicalCommitteeConfig { members: accounts().collect() },
        consortium: ConsortiumConfig { validators: founders.iter().map(Founder::listed).collect() },
        // Vendors' roots and firmware floors are the council's first motions; until then no hardware is trusted.
        attestation: AttestationConfig { simulation_allowed: false },
        session: SessionConfig { keys: founders.iter().map(Founder::session).collect() },
    })
}
