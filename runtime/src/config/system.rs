//! The frame of every block: how much fits in, what an account is, how calls are bundled.

use crate::{
    AccountId, Balances, Block, BlockNumber, Hash, Nonce, OriginCaller, PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin,
    RuntimeTask, System, VERSION,
    config::money::{MILLI, deposit},
};
use frame_support::{
    derive_impl, parameter_types,
    traits::ConstU32,
    weights::{
        Weight,
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_MILLIS},
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::{Perbill, traits::AccountIdLookup};
use sp_version::RuntimeVersion;

/// The part of a block that ordinary transactions may fill; the rest is for inherents and governance.
const NORMAL_RATIO: Perbill = Perbill::from_percent(75);
/// Computing time of a full block: 0.6 s of the 1-s slot, so that a block is authored and imported well within its slot.
const BLOCK_TIME: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_MILLIS.saturating_mul(600), u64::MAX);
/// Longest block in bytes.
const BLOCK_BYTES: u32 = 5 * 1024 * 1024;

parameter_types! {
    pub const Version: RuntimeVersion = VERSION;
    pub const SS58Prefix: u16 = 42;
    /// Blocks whose hash the chain remembers: mortal transactions and the anchors of evidence refer to them.
    pub const BlockHashCount: BlockNumber = 4096;
    pub Weights: BlockWeights = BlockWeights::with_sensible_defaults(BLOCK_TIME, NORMAL_RATIO);
    pub Length: BlockLength = BlockLength::builder()
        .max_length(BLOCK_BYTES)
        .modify_max_length_for_class(frame_support::dispatch::DispatchClass::Normal, |max| *max = NORMAL_RATIO * *max)
        .build();
    pub const MultisigDepositBase: u128 = deposit(1, 88);
    pub const MultisigDepositFactor: u128 = deposit(0, 32);
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type Nonce = Nonce;
    type Hash = Hash;
    type AccountId = AccountId;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type AccountData = pallet_balances::AccountData<crate::Balance>;
    type BlockWeights = Weights;
    type BlockLength = Length;
    type BlockHashCount = BlockHashCount;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type SS58Prefix = SS58Prefix;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type MaxConsumers = ConstU32<128>;
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

/// A company's account: several of its officers must sign.
impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<32>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

/// The smallest balance with which an account exists.
pub const EXISTENTIAL_DEPOSIT: u128 = MILLI;
