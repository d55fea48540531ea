//! The smallest runtime that the offers pallet runs in; its clock, money and surety for tests, and a market to start from.

use crate as pallet_offers;
use blockcloud_primitives::{
    Allow, Balance, Blob, Digest, JobSpec, List, Measurements, Moment, OfferId, OfferTerms, Policy, Price, Resources, SiteId, Tcb, Tee,
    Workload,
};
use frame_support::{
    assert_ok, derive_impl, parameter_types,
    traits::{ConstU32, ConstU128},
};
use frame_system::EnsureRoot;
use sp_runtime::{AccountId32, BuildStorage, traits::IdentityLookup};
use std::collections::BTreeMap;

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
    #[runtime::pallet_index(20)]
    pub type Offers = pallet_offers;
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

parameter_types! {
    /// Free bonds by provider, as a test sets them.
    pub static FreeBonds: BTreeMap<AccountId32, Balance> = BTreeMap::new();
}

/// Answers with what the test has set.
pub struct MockSurety;

impl pallet_offers::Surety<AccountId32> for MockSurety {
    fn free(provider: &AccountId32) -> Balance {
        FreeBonds::get().get(provider).copied().unwrap_or_default()
    }
}

/// Sites of one provider.
pub const MAX_SITES: u32 = 3;
/// Offers of one provider.
pub const MAX_OFFERS: u32 = 4;
/// Facts of one site.
pub const MAX_FACTS: u32 = 4;
/// Accredited certifiers.
pub const MAX_CERTIFIERS: u32 = 3;
/// Seconds that a fact may be vouched for.
pub const MAX_VALIDITY: u32 = 1_000;

impl pallet_offers::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Surety = MockSurety;
    type GovernanceOrigin = EnsureRoot<AccountId32>;
    type DepositBase = ConstU128<100>;
    type DepositPerByte = ConstU128<1>;
    type MaxSites = ConstU32<MAX_SITES>;
    type MaxOffers = ConstU32<MAX_OFFERS>;
    type MaxFacts = ConstU32<MAX_FACTS>;
    type MaxCertifiers = ConstU32<MAX_CERTIFIERS>;
    type MaxFactValidity = ConstU32<MAX_VALIDITY>;
    type WeightInfo = ();
}

/// What each test account starts with.
pub const ENDOWMENT: Balance = 100_000;
/// When each test starts.
pub const START: Moment = 1_700_000_000_000;
/// The provider of [`market`].
pub const PROVIDER: u8 = 1;
/// A second provider.
pub const OTHER: u8 = 2;
/// Accredited from genesis.
pub const CERTIFIER: u8 = 5;
/// Accredited from genesis.
pub const CERTIFIER_2: u8 = 6;

/// The account of a number. 1 to 8 are endowed.
pub fn account(n: u8) -> AccountId32 {
    AccountId32::new([n; 32])
}

/// The chain's time from now on.
pub fn set_time(now: Moment) {
    pallet_timestamp::Now::<Test>::put(now);
}

/// What an account may spend.
pub fn spendable(n: u8) -> Balance {
    Balances::free_balance(account(n))
}

/// What a provider's bond can cover from now on.
pub fn set_free_bond(n: u8, amount: Balance) {
    FreeBonds::mutate(|bonds| bonds.insert(account(n), amount));
}

/// Signed by the account of a number.
pub fn signed(n: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(n))
}

/// So many of each kind of capacity.
pub fn resources(vcpus: u32, memory_gib: u32, storage_gib: u32, gpus: u32) -> Resources {
    Resources { vcpus, memory_gib, storage_gib, gpus }
}

/// Terms that every rule accepts.
pub fn terms(site: SiteId) -> OfferTerms {
    OfferTerms {
        site,
        tees: vec![Tee::SevSnp].try_into().unwrap(),
        total: resources(16, 64, 100, 2),
        price: Price { vcpu: 10, memory_gib: 2, storage_gib: 1, gpu: 100 },
        opens: START - 10_000,
        closes: START + 1_000_000,
        longest_job: 600,
        cover_per_job: 5_000,
    }
}

/// A job that fits [`terms`] and asks for no facts. Its rate is 4 * 10 + 8 * 2 + 10 * 1 = 66.
pub fn spec() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest::ZERO,
            engine: Digest::ZERO,
            fuel: 1,
            memory_mib: 1,
            seed: Digest::ZERO,
            args: List::new(),
        },
        manifest: Blob { digest: Digest::ZERO, bytes: 1 },
        inputs: List::new(),
        resources: resources(4, 8, 10, 0),
        longest_run: 60,
        policy: Policy {
            regions: Allow::Any,
            jurisdictions: Allow::Any,
            certificates: List::new(),
            tees: vec![Tee::SevSnp].try_into().unwrap(),
            firmware_floor: Tcb::default(),
            tdx_floor: Default::default(),
            legacy_hardware: false,
            chip_endorsements: 0,
            longest_session: 0,
            measurements: Measurements::Approved,
            denied_providers: List::new(),
            erase_within: 60,
            recipients: List::new(),
            checkpoint_gap: 10,
            suspension_grace: 0,
        },
        price_limit: 100,
        escrow: 6_000,
        cover: 1_000,
    }
}

/// A registered provider.
pub fn registered(n: u8) {
    assert_ok!(Offers::register(signed(n), "https://agent.example".parse().unwrap()));
}

/// A new site of a registered provider's.
pub fn site_of(n: u8) -> SiteId {
    let site = pallet_offers::NextSite::<Test>::get();
    assert_ok!(Offers::add_site(signed(n)));
    site
}

/// A new offer at a site of the provider's.
pub fn published(n: u8, terms: OfferTerms) -> OfferId {
    let offer = pallet_offers::NextOffer::<Test>::get();
    assert_ok!(Offers::publish(signed(n), terms));
    offer
}

/// [`PROVIDER`] with a bond, site 1, and one offer there on [`terms`].
pub fn market() -> OfferId {
    registered(PROVIDER);
    set_free_bond(PROVIDER, 10_000);
    published(PROVIDER, terms(site_of(PROVIDER)))
}

/// Fresh storage at block 1, where events are kept.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().expect("an empty genesis builds");
    pallet_balances::GenesisConfig::<Test> { balances: (1..=8).map(|n| (account(n), ENDOWMENT)).collect(), ..Default::default() }
        .assimilate_storage(&mut storage)
        .expect("balances above the existential deposit build");
    pallet_offers::GenesisConfig::<Test> { certifiers: vec![account(CERTIFIER), account(CERTIFIER_2)] }
        .assimilate_storage(&mut storage)
        .expect("certifiers within the limit build");
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        set_time(START);
        FreeBonds::set(BTreeMap::new());
    });
    ext
}

/// Runs a test on fresh storage and checks every invariant at its end.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Offers::do_try_state().expect("every invariant holds at the end of a test");
    });
}
