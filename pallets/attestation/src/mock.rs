//! A runtime with only this pallet, and guests on a simulated processor whose reports are made and signed as a real one's are.

use crate as pallet_attestation;
use crate::{Candidate, GenesisConfig, GenesisRoots, Opened, Pallet, traits::Certifiers};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{
    AccountId, Allow, Balance, Digest, Evidence, Firmware, JobId, List, Measurement, Measurements, Moment, Policy, PublicKey,
    ReportBinding, Session, Signature, SiteId, Tcb, Tee,
};
use blockcloud_simulator::{Processor, dev_root};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU128, VariantCountOf},
};
use frame_system::{EnsureRoot, EnsureSignedBy};
use sp_core::{H256, Pair, ed25519};
use sp_runtime::{AccountId32, BuildStorage, DispatchError, traits::IdentityLookup};
use std::sync::LazyLock;

pub mod tdx;

type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system = 0,
        Timestamp: pallet_timestamp = 1,
        Balances: pallet_balances = 2,
        Attestation: pallet_attestation = 23,
    }
);

frame_support::ord_parameter_types! {
    /// The technical committee, as one account.
    pub const Committee: AccountId32 = AccountId32::new([40; 32]);
}

parameter_types! {
    pub const BlockHashCount: u64 = MAX_ANCHOR_AGE as u64;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Block = Block;
    type BlockHashCount = BlockHashCount;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
    type RuntimeHoldReason = RuntimeHoldReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

/// See [`crate::Config::MaxAnchorAge`].
pub const MAX_ANCHOR_AGE: u32 = 256;
/// See [`crate::Config::MaxSession`].
pub const MAX_SESSION: u32 = 86_400;
/// See [`crate::Config::MaxMeasurements`].
pub const MAX_MEASUREMENTS: u32 = 3;
/// See [`crate::Config::MaxDeniedChips`].
pub const MAX_DENIED_CHIPS: u32 = 2;
/// See [`crate::Config::DepositBase`].
pub const DEPOSIT_BASE: Balance = 1_000;
/// See [`crate::Config::DepositPerByte`].
pub const DEPOSIT_PER_BYTE: Balance = 2;
/// See [`crate::Config::CollateralGrace`].
pub const COLLATERAL_GRACE: u32 = 30 * 86_400;
/// What each account of the mock starts with.
pub const ENDOWMENT: Balance = 1_000_000;

parameter_types! {
    /// The accredited certifiers.
    pub static Accredited: Vec<AccountId32> = vec![CERTIFIER, OTHER_CERTIFIER];
}

/// Who is accredited, as [`Accredited`] says.
pub struct Audits;

impl Certifiers for Audits {
    fn is_accredited(account: &AccountId32) -> bool {
        Accredited::get().contains(account)
    }
}

impl crate::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type GovernanceOrigin = EnsureRoot<AccountId32>;
    type StopOrigin = EnsureSignedBy<Committee, AccountId32>;
    type Certifiers = Audits;
    type DepositBase = ConstU128<DEPOSIT_BASE>;
    type DepositPerByte = ConstU128<DEPOSIT_PER_BYTE>;
    type CollateralGrace = ConstU32<COLLATERAL_GRACE>;
    type MaxAnchorAge = ConstU32<MAX_ANCHOR_AGE>;
    type MaxSession = ConstU32<MAX_SESSION>;
    type MaxMeasurements = ConstU32<MAX_MEASUREMENTS>;
    type MaxDeniedChips = ConstU32<MAX_DENIED_CHIPS>;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Audits;
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::traits::BenchmarkHelper for Audits {
    fn certifiers(count: u32) -> Vec<AccountId32> {
        let certifiers: Vec<_> = (0..count).map(|number| AccountId32::new([100 + number as u8; 32])).collect();
        Accredited::mutate(|accredited| accredited.extend(certifiers.clone()));
        certifiers
    }
}

/// The chain's clock when a test starts.
pub const NOW: Moment = 1_800_000_000_000;
/// The chain's height when a test starts.
pub const HEIGHT: u32 = 1_000;
/// A week in milliseconds: until when the mock's genesis approves its measurement.
pub const WEEK: Moment = 7 * 86_400_000;
/// The job that tests use.
pub const JOB: JobId = JobId(7);
/// Who runs it.
pub const PROVIDER: AccountId32 = AccountId32::new([2; 32]);
/// Somebody else, who may also run one.
pub const OTHER: AccountId32 = AccountId32::new([3; 32]);
/// Where it runs.
pub const SITE: SiteId = SiteId(6);
/// Who vouches for chips.
pub const CERTIFIER: AccountId32 = AccountId32::new([20; 32]);
/// Who else does.
pub const OTHER_CERTIFIER: AccountId32 = AccountId32::new([21; 32]);
/// Who publishes guest software.
pub const PUBLISHER: AccountId32 = AccountId32::new([30; 32]);
/// The guest software that the mock's genesis approves.
pub const MEASUREMENT: Measurement = Measurement([4; 48]);
/// Hash of the job's terms.
pub const TERMS: Digest = Digest([5; 32]);
/// The hardware that the mock's genesis trusts.
pub const HARDWARE: (Tee, Product) = (Tee::Simulated, Product::Genoa);

/// The provider's processor.
pub static CHIP: LazyLock<Processor> = LazyLock::new(|| Processor::new([1; 32]));

/// The processor's firmware level in the chain's type.
pub fn firmware() -> Tcb {
    let blockcloud_evidence::snp::Tcb { bootloader, tee, snp, microcode, fmc } = CHIP.tcb();
    Tcb { bootloader, tee, snp, microcode, fmc }
}

/// SHA-256 of the processor's identity.
pub fn chip() -> Digest {
    Digest(sp_io::hashing::sha2_256(&CHIP.chip_id()))
}

/// A development chain's first state: the simulated Genoa is trusted, its floor is what it runs, one measurement is approved.
pub fn development() -> GenesisConfig<Test> {
    let (tee, product) = HARDWARE;
    GenesisConfig {
        simulation_allowed: true,
        roots: vec![GenesisRoots::new(tee, product, dev_root::ROOT, dev_root::ISSUER)],
        floors: vec![(tee, product, firmware())],
        tdx: vec![tdx::genesis()],
        measurements: vec![(MEASUREMENT, NOW + WEEK)],
        ..Default::default()
    }
}

/// Storage after this genesis, at height [`HEIGHT`] and time [`NOW`].
pub fn storage_of(genesis: GenesisConfig<Test>) -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    genesis.assimilate_storage(&mut storage).unwrap();
    let rich = [PROVIDER, OTHER, CERTIFIER, PUBLISHER].map(|account| (account, ENDOWMENT)).to_vec();
    pallet_balances::GenesisConfig::<Test> { balances: rich, ..Default::default() }.assimilate_storage(&mut storage).unwrap();
    let mut storage = sp_io::TestExternalities::from(storage);
    Accredited::set(vec![CERTIFIER, OTHER_CERTIFIER]);
    storage.execute_with(|| {
        set_height(HEIGHT);
        set_time(NOW);
    });
    storage
}

/// Storage of a development chain.
#[cfg(feature = "runtime-benchmarks")]
pub fn storage() -> sp_io::TestExternalities {
    storage_of(development())
}

/// Runs a test on a development chain and ends it in try-state.
pub fn run(test: impl FnOnce()) {
    run_on(development(), test);
}

/// Runs a test on a chain with this genesis and ends it in try-state.
pub fn run_on(genesis: GenesisConfig<Test>, test: impl FnOnce()) {
    storage_of(genesis).execute_with(|| {
        test();
        Pallet::<Test>::do_try_state().unwrap();
    });
}

/// Sets the chain's clock.
pub fn set_time(now: Moment) {
    Timestamp::set_timestamp(now);
}

/// Sets the chain's height and keeps the hashes that a chain of this height keeps.
pub fn set_height(height: u32) {
    System::set_block_number(height.into());
    let _ = frame_system::BlockHash::<Test>::clear(u32::MAX, None);
    for number in (0..1).chain(height.saturating_sub(MAX_ANCHOR_AGE)..height) {
        frame_system::BlockHash::<Test>::insert(u64::from(number), hash_of(number));
    }
}

/// Hash of a block of the mock's chain.
pub fn hash_of(number: u32) -> H256 {
    H256(sp_io::hashing::blake2_256(&number.to_le_bytes()))
}

/// A policy that asks for nothing that the mock's provider does not have.
pub fn policy() -> Policy {
    Policy {
        regions: Allow::Any,
        jurisdictions: Allow::Any,
        certificates: List::new(),
        tees: vec![Tee::Simulated, Tee::SevSnp, Tee::SimulatedTdx].try_into().unwrap(),
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
    }
}

/// A guest in a confidential VM: what its evidence binds, and its receipt key. Honest unless a test changes it.
#[derive(Clone)]
pub struct Guest {
    /// What the report binds.
    pub binding: ReportBinding,
    /// What the host bound at launch.
    pub host_data: [u8; 32],
    /// The software.
    pub measurement: Measurement,
    /// The receipt key.
    pub pair: ed25519::Pair,
}

impl Guest {
    /// The guest of the job whose keys this number determines; its evidence binds the last finished block.
    pub fn new(number: u8) -> Self {
        let pair = ed25519::Pair::from_seed(&[number; 32]);
        Self {
            binding: ReportBinding {
                genesis: Digest(hash_of(0).0),
                tee: Tee::Simulated,
                provider: AccountId(PROVIDER.into()),
                job: JOB,
                terms: TERMS,
                anchor: HEIGHT - 1,
                anchor_hash: Digest(hash_of(HEIGHT - 1).0),
                receipt_key: PublicKey(pair.public().0),
                wrapping_key: PublicKey([number; 32]),
                tls_key: None,
                gpu_evidence: None,
                previous: None,
            },
            host_data: TERMS.0,
            measurement: MEASUREMENT,
            pair,
        }
    }

    /// The same, renewing earlier evidence of its own.
    pub fn renewing(mut self, earlier: &Evidence) -> Self {
        self.binding.previous = Some(earlier.replay_key());
        self
    }

    /// The same, binding another block of the chain.
    pub fn anchored(mut self, anchor: u32) -> Self {
        self.binding.anchor = anchor;
        self.binding.anchor_hash = Digest(hash_of(anchor).0);
        self
    }

    /// The evidence that it makes.
    pub fn evidence(&self) -> Evidence {
        self.evidence_of(&CHIP, |_| ())
    }

    /// The evidence that it makes on a processor that signs a report changed in this way.
    pub fn evidence_of(&self, processor: &Processor, change: impl FnOnce(&mut [u8; 1184])) -> Evidence {
        let report_data = self.binding.report_data();
        let mut report = processor.launch(self.measurement.0, self.host_data).report(report_data);
        change(&mut report);
        processor.sign(&mut report);
        Evidence {
            tee: self.binding.tee,
            report: report.to_vec().try_into().unwrap(),
            certificate: processor.certificate().to_vec().try_into().unwrap(),
            anchor: self.binding.anchor,
            receipt_key: self.binding.receipt_key,
            wrapping_key: self.binding.wrapping_key,
            possession: Signature(self.pair.sign(&report_data).0),
        }
    }

    /// The session that its evidence opens under the mock's policy.
    pub fn session(&self, evidence: &Evidence) -> Session {
        Session {
            provider: AccountId(PROVIDER.into()),
            tee: self.binding.tee,
            receipt_key: self.binding.receipt_key,
            wrapping_key: self.binding.wrapping_key,
            measurement: self.measurement,
            chip: chip(),
            firmware: Firmware::SevSnp(firmware()),
            evidence: evidence.replay_key(),
            previous: self.binding.previous,
            since: NOW,
            valid_until: NOW + u64::from(MAX_SESSION) * 1_000,
        }
    }
}

/// Submits evidence for the job under the mock's policy.
pub fn open(evidence: &Evidence) -> Result<Session, DispatchError> {
    open_under(&policy(), evidence)
}

/// The same, and says what it weighed.
pub fn open_weighed(evidence: &Evidence) -> Result<Opened, DispatchError> {
    Attestation::open(&candidate(&policy(), evidence))
}

/// Submits evidence for the job under a policy.
pub fn open_under(policy: &Policy, evidence: &Evidence) -> Result<Session, DispatchError> {
    Attestation::open(&candidate(policy, evidence)).map(|opened| opened.session)
}

/// The provider brings this evidence for the job under a policy, now.
pub fn candidate<'a>(policy: &'a Policy, evidence: &'a Evidence) -> Candidate<'a> {
    Candidate { job: JOB, provider: &PROVIDER, site: SITE, terms: TERMS, policy, evidence, now: Timestamp::get() }
}

/// Submits evidence to renew the job's session under the mock's policy.
pub fn renew(evidence: &Evidence) -> Result<Session, DispatchError> {
    Attestation::renew(&candidate(&policy(), evidence)).map(|opened| opened.session)
}

/// The council.
pub fn council() -> RuntimeOrigin {
    RuntimeOrigin::root()
}
