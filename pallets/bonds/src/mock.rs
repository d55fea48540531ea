//! The smallest runtime that the bonds pallet runs in, and its money and clock for tests.

use crate as pallet_bonds;
use blockcloud_primitives::{Balance, Moment};
use frame_support::{
    derive_impl,
    traits::{ConstU32, ConstU128},
};
use sp_runtime::{AccountId32, BuildStorage, traits::IdentityLookup};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeFreezeReason, RuntimeHoldReason, RuntimeTask)]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(21)]
    pub type Bonds = pallet_bonds;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
    type AccountStore = System;
}

/// Seconds of the unbonding delay.
pub const DELAY: u32 = 100;
/// The least that a bond may stand at.
pub const MINIMUM: Balance = 50;
/// What each test account starts with.
pub const ENDOWMENT: Balance = 10_000;
/// When each test starts.
pub const START: Moment = 1_700_000_000_000;

impl pallet_bonds::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type UnbondingDelay = ConstU32<DELAY>;
    type MinimumBond = ConstU128<MINIMUM>;
    type WeightInfo = ();
}

/// The account of a number. 1 to 4 are endowed.
pub fn account(n: u8) -> AccountId32 {
    AccountId32::new([n; 32])
}

/// The chain's time from now on.
pub fn set_time(now: Moment) {
    pallet_timestamp::Now::<Test>::put(now);
}

/// What an account may spend.
pub fn spendable(who: &AccountId32) -> Balance {
    Balances::free_balance(who)
}

/// Fresh storage at block 1, where events are kept.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().expect("an empty genesis builds");
    pallet_balances::GenesisConfig::<Test> { balances: (1..=4).map(|n| (account(n), ENDOWMENT)).collect(), ..Default::default() }
        .assimilate_storage(&mut storage)
        .expect("balances above the existential deposit build");
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        set_time(START);
    });
    ext
}

/// Runs a test on fresh storage and checks every invariant at its end.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Bonds::do_try_state().expect("every invariant holds at the end of a test");
    });
}
