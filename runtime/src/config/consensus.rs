//! Time, authoring, finality, and the sessions that change who does both.
//!
//! Equivocation of a validator is seen in the logs and answered by a motion of the council: validators are known companies without a stake that
//! could be slashed.

use crate::{
    AccountId, Aura, Balance, Balances, BlockNumber, Consortium, Grandpa, Runtime, RuntimeEvent,
    config::{governance::MaxValidators, money::deposit},
};
use alloc::vec::Vec;
use frame_support::{
    parameter_types,
    traits::{ConstBool, ConstU32, ConstU64},
};
use pallet_session::PeriodicSessions;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
    impl_opaque_keys,
    traits::{ConvertInto, OpaqueKeys},
};

/// Length of a slot in milliseconds.
pub const SLOT_DURATION: u64 = 1_000;
/// Blocks of a session: five minutes. A change of the validators takes effect after two.
pub const SESSION_BLOCKS: BlockNumber = 300;

impl_opaque_keys! {
    /// The keys with which a validator authors and finalises.
    pub struct SessionKeys {
        /// Authoring (sr25519).
        pub aura: Aura,
        /// Finality (ed25519).
        pub grandpa: Grandpa,
    }
}

parameter_types! {
    pub const SessionBlocks: BlockNumber = SESSION_BLOCKS;
    pub const SessionOffset: BlockNumber = 0;
    pub const KeyDeposit: Balance = deposit(3, 160);
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Aura;
    type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
    type AuthorityId = AuraId;
    type MaxAuthorities = MaxValidators;
    type DisabledValidators = ();
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type SlotDuration = ConstU64<SLOT_DURATION>;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = MaxValidators;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = PeriodicSessions<SessionBlocks, SessionOffset>;
    type NextSessionRotation = PeriodicSessions<SessionBlocks, SessionOffset>;
    type SessionManager = Consortium;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}
