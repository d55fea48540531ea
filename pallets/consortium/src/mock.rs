//! A chain with three companies, session keys as plain numbers and sessions of five blocks. Governance is root.

use crate as pallet_consortium;
use crate::{Name, Pallet};
use codec::Encode;
use frame_support::{
    derive_impl,
    traits::{ConstU32, ConstU64, Hooks},
};
use frame_system::EnsureRoot;
use sp_runtime::{
    BuildStorage, impl_opaque_keys,
    testing::UintAuthorityId,
    traits::{ConvertInto, OpaqueKeys},
};

type Block = frame_system::mocking::MockBlock<Test>;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(3)]
    pub type Consortium = pallet_consortium;
    #[runtime::pallet_index(4)]
    pub type Session = pallet_session;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u128>;
}

impl pallet_timestamp::Config for Test {
    type Moment = u64;
    type OnTimestampSet = ();
    type MinimumPeriod = ConstU64<1>;
    type WeightInfo = ();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = u128;
    type ExistentialDeposit = frame_support::traits::ConstU128<1>;
    type AccountStore = System;
}

impl_opaque_keys! {
    pub struct SessionKeys {
        pub other: Authorities,
    }
}

/// Keeps the authorities that the session pallet announces.
pub struct Authorities;

frame_support::parameter_types! {
    pub storage Announced: Vec<u64> = Vec::new();
}

impl sp_runtime::BoundToRuntimeAppPublic for Authorities {
    type Public = UintAuthorityId;
}

impl frame_support::traits::OneSessionHandler<u64> for Authorities {
    type Key = UintAuthorityId;

    fn on_genesis_session<'a, I: 'a + Iterator<Item = (&'a u64, Self::Key)>>(validators: I) {
        Announced::set(&validators.map(|(account, _)| *account).collect());
    }

    fn on_new_session<'a, I: 'a + Iterator<Item = (&'a u64, Self::Key)>>(changed: bool, validators: I, _: I) {
        if changed {
            Announced::set(&validators.map(|(account, _)| *account).collect());
        }
    }

    fn on_disabled(_: u32) {}
}

impl pallet_session::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = u64;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = pallet_session::PeriodicSessions<ConstU64<5>, ConstU64<0>>;
    type NextSessionRotation = pallet_session::PeriodicSessions<ConstU64<5>, ConstU64<0>>;
    type SessionManager = Consortium;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = ();
    type Currency = Balances;
    type KeyDeposit = frame_support::traits::ConstU128<0>;
}

impl pallet_consortium::Config for Test {
    type RuntimeCall = RuntimeCall;
    type GovernanceOrigin = EnsureRoot<u64>;
    type Registration = Session;
    type MaxValidators = ConstU32<4>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Test;
    type WeightInfo = ();
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<u64> for Test {
    fn set_keys(account: &u64) {
        set_keys(*account);
    }
}

/// A name.
pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The keys of an account: its own number.
pub fn keys(account: u64) -> SessionKeys {
    SessionKeys { other: UintAuthorityId(account) }
}

/// Lets an account set session keys.
pub fn set_keys(account: u64) {
    System::inc_providers(&account);
    let proof = keys(account).create_ownership_proof(&account.encode()).unwrap().encode();
    Session::set_keys(RuntimeOrigin::signed(account), keys(account), proof).unwrap();
}

/// Plays blocks until the next `sessions` have begun.
pub fn pass_sessions(sessions: u64) {
    let end = (System::block_number() / 5 + sessions) * 5;
    while System::block_number() < end {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        Session::on_initialize(next);
    }
}

/// Storage of the first block: companies 1, 2 and 3.
pub fn genesis() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances: [1, 2, 3].map(|id| (id, 100)).into(), ..Default::default() },
        consortium: pallet_consortium::GenesisConfig { validators: [1, 2, 3].map(|id| (id, name(&format!("Company {id}")))).into() },
        session: pallet_session::GenesisConfig { keys: [1, 2, 3].map(|id| (id, id, keys(id))).into(), ..Default::default() },
        ..Default::default()
    };
    storage.build_storage().unwrap().into()
}

/// Runs a test from block 1 and checks the invariants at its end.
pub fn run(test: impl FnOnce()) {
    let mut chain = genesis();
    chain.execute_with(|| {
        System::set_block_number(1);
        test();
        Pallet::<Test>::do_try_state().unwrap();
    });
}
