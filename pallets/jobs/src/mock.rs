//! The smallest runtime that the jobs pallet runs in, its money and clock for tests, and a guest with a real key and a real log. The neighbours are in
//! `neighbours`.

mod neighbours;

pub use neighbours::*;

use crate as pallet_jobs;
use blockcloud_primitives::{
    Allow, Balance, Blob, Checkpoint, Completion, Digest, Evidence, Exit, Head, JobId, JobSpec, List, Measurements, Moment, OfferId, Op,
    Party, Policy, PublicKey, Receipt, Resources, Signature, SiteId, Tcb, Tee, Usage, Workload,
};
use blockcloud_receipt_log::{Tree, receipt_hash};
use frame_support::{
    derive_impl, parameter_types,
    storage::with_storage_layer,
    traits::{ConstU32, ConstU128, Hooks},
    weights::WeightMeter,
};
use sp_core::{H256, Pair, ed25519};
use sp_runtime::{AccountId32, BuildStorage, DispatchResult, traits::IdentityLookup};

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
    #[runtime::pallet_index(22)]
    pub type Jobs = pallet_jobs;
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
    type ExistentialDeposit = ConstU128<MINIMUM_BALANCE>;
    type AccountStore = System;
}

/// The existential deposit.
pub const MINIMUM_BALANCE: Balance = 50;
/// What each test account starts with.
pub const ENDOWMENT: Balance = 1_000_000;
/// When each test starts: a whole second.
pub const START: Moment = 1_800_000_000_000;
/// Milliseconds in a second.
pub const SECOND: Moment = 1_000;

/// See [`pallet_jobs::Config`]; all in seconds.
pub const ACCEPT_WITHIN: u32 = 60;
/// Longer than [`START_WITHIN`], so that attesting moves the queue's entry to an earlier second.
pub const ATTEST_WITHIN: u32 = 300;
pub const START_WITHIN: u32 = 200;
pub const SILENCE_GRACE: u32 = 20;
pub const LAST_WORD_GRACE: u32 = 5;
pub const CLAIM_WINDOW: u32 = 600;
pub const MIN_GAP: u32 = 2;
pub const MAX_GAP: u32 = 60;
pub const MAX_SUSPENSION_GRACE: u32 = 120;
pub const MIN_PAID_TIME: u32 = 10;
pub const DEPOSIT_BASE: Balance = 1_000;
pub const DEPOSIT_PER_BYTE: Balance = 2;

parameter_types! {
    /// Most queue entries of one block; tests lower it.
    pub static MaxDuePerBlock: u32 = 80;
}

impl pallet_jobs::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Capacity = Neighbours;
    type Cover = Neighbours;
    type Attester = Neighbours;
    type Logs = Neighbours;
    type AcceptWithin = ConstU32<ACCEPT_WITHIN>;
    type AttestWithin = ConstU32<ATTEST_WITHIN>;
    type StartWithin = ConstU32<START_WITHIN>;
    type SilenceGrace = ConstU32<SILENCE_GRACE>;
    type LastWordGrace = ConstU32<LAST_WORD_GRACE>;
    type ClaimWindow = ConstU32<CLAIM_WINDOW>;
    type MinCheckpointGap = ConstU32<MIN_GAP>;
    type MaxCheckpointGap = ConstU32<MAX_GAP>;
    type MaxSuspensionGrace = ConstU32<MAX_SUSPENSION_GRACE>;
    type MinPaidTime = ConstU32<MIN_PAID_TIME>;
    type DepositBase = ConstU128<DEPOSIT_BASE>;
    type DepositPerByte = ConstU128<DEPOSIT_PER_BYTE>;
    type MaxDuePerBlock = MaxDuePerBlock;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Neighbours;
}

/// Who places jobs.
pub const CUSTOMER: AccountId32 = AccountId32::new([1; 32]);
/// Who else places jobs.
pub const OTHER_CUSTOMER: AccountId32 = AccountId32::new([2; 32]);
/// Who runs them.
pub const PROVIDER: AccountId32 = AccountId32::new([10; 32]);
/// Who else runs them.
pub const OTHER_PROVIDER: AccountId32 = AccountId32::new([11; 32]);
/// A provider whose account is gone.
pub const GHOST: AccountId32 = AccountId32::new([12; 32]);
/// Somebody else.
pub const STRANGER: AccountId32 = AccountId32::new([20; 32]);

/// Price of the usual spec at the usual offer, per second.
pub const RATE: Balance = 200;
/// Escrow of the usual spec: pays for its longest run exactly.
pub const ESCROW: Balance = 20_000;
/// Longest run of the usual spec in seconds.
pub const LONGEST_RUN: u32 = 100;
/// Checkpoint gap of the usual spec in seconds.
pub const GAP: u32 = 10;

/// A signed origin.
pub fn signed(account: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// The usual spec.
pub fn spec() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest::of(b"module"),
            engine: Digest::of(b"engine"),
            fuel: 1_000_000,
            memory_mib: 1024,
            seed: Digest::ZERO,
            args: List::new(),
        },
        manifest: Blob { digest: Digest::of(b"manifest"), bytes: 8 },
        inputs: List::new(),
        resources: Resources { vcpus: 2, memory_gib: 1, storage_gib: 1, gpus: 0 },
        longest_run: LONGEST_RUN,
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
            checkpoint_gap: GAP,
            suspension_grace: 0,
        },
        price_limit: RATE,
        escrow: ESCROW,
        cover: 500,
    }
}

/// The chain's clock.
pub fn now() -> Moment {
    pallet_timestamp::Now::<Test>::get()
}

/// Sets the chain's clock without anything else.
pub fn set_time(now: Moment) {
    pallet_timestamp::Now::<Test>::put(now);
}

/// Lets the service run with this much weight.
pub fn poll_with(meter: &mut WeightMeter) {
    <Jobs as Hooks<u64>>::on_poll(System::block_number(), meter);
}

/// Moves the clock and lets the service run.
pub fn wait(ms: u64) {
    set_time(now() + ms);
    poll_with(&mut WeightMeter::new());
}

/// Places this spec under this offer for the usual customer.
pub fn place(offer: OfferId, spec: JobSpec) -> JobId {
    Jobs::do_place(CUSTOMER, offer, spec).unwrap()
}

/// A job in state `Reserved`.
pub fn placed() -> JobId {
    place(OFFER, spec())
}

/// A job in state `Accepted`.
pub fn accepted() -> JobId {
    accept(placed())
}

/// A job in state `Attested`.
pub fn attested() -> JobId {
    attest(accepted())
}

/// A job in state `Running`, whose log has one receipt.
pub fn running() -> JobId {
    start(attested())
}

/// Brings a placed job to `Accepted`.
pub fn accept(job: JobId) -> JobId {
    let provider = Jobs::job(job).unwrap().provider;
    Jobs::accept(signed(provider), job).unwrap();
    job
}

/// Brings an accepted job to `Attested`.
pub fn attest(job: JobId) -> JobId {
    let provider = Jobs::job(job).unwrap().provider;
    Jobs::attest(signed(provider), job, Box::new(Guest::new(job).evidence())).unwrap();
    job
}

/// Brings an attested job to `Running`.
pub fn start(job: JobId) -> JobId {
    checkpoint(job).unwrap();
    job
}

/// A checkpoint of the job that is signed and accepted now.
pub fn checkpoint(job: JobId) -> DispatchResult {
    checkpoint_signed_at(job, now())
}

/// A checkpoint of the job's log that was signed at `time` and is accepted now.
pub fn checkpoint_signed_at(job: JobId, time: Moment) -> DispatchResult {
    let guest = Guest::new(job);
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job,
        size: guest.tree.size(),
        root: Digest(guest.tree.root()),
        time,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest(blockcloud_receipt_log::EMPTY_ROOT),
    };
    with_storage_layer(|| {
        Jobs::on_checkpoint(job, &checkpoint, now())?;
        let head = Head { size: checkpoint.size, root: checkpoint.root, time, usage: checkpoint.usage, accepted_at: now() };
        change(|world| world.logs.insert(job, Some(head)));
        Ok(())
    })
}

/// A job's guest: its receipt key and its log, in which the erase receipt is the last of three.
pub struct Guest {
    /// The job.
    pub job: JobId,
    /// The receipt key.
    pub pair: ed25519::Pair,
    /// The receipts.
    pub receipts: Vec<Receipt>,
    /// The log over them.
    pub tree: Tree,
}

impl Guest {
    /// The guest of this job.
    pub fn new(job: JobId) -> Self {
        let pair = ed25519::Pair::from_seed(&[job.0 as u8; 32]);
        let receipts: Vec<_> = [Op::Ingest, Op::Process, Op::Erase]
            .into_iter()
            .enumerate()
            .map(|(seq, op)| Receipt {
                version: Receipt::VERSION,
                job,
                seq: seq as u64,
                time: START,
                op,
                object: Digest::ZERO,
                offset: 0,
                bytes: 0,
                digest: Digest::ZERO,
                actor: Digest::ZERO,
                from: Party::site(SiteId(1)),
                to: Party::GUEST,
                derived_from: Digest::ZERO,
                purpose: 0,
                salt: [seq as u8; 16],
            })
            .collect();
        let tree = receipts.iter().map(receipt_hash).collect();
        Self { job, pair, receipts, tree }
    }

    /// The public receipt key.
    pub fn key(&self) -> PublicKey {
        PublicKey(self.pair.public().0)
    }

    /// Evidence that the mock's verifier believes.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            tee: Tee::SevSnp,
            report: vec![1; 1184].try_into().unwrap(),
            certificate: List::new(),
            anchor: 0,
            receipt_key: self.key(),
            wrapping_key: PublicKey([9; 32]),
            possession: Signature([0; 64]),
        }
    }

    /// What it says when it finished.
    pub fn completion(&self) -> Completion {
        Completion {
            version: Completion::VERSION,
            job: self.job,
            size: self.tree.size(),
            root: Digest(self.tree.root()),
            output: Blob { digest: Digest::of(b"output"), bytes: 6 },
            exit: Exit::Code(0),
            erased: 2,
        }
    }

    /// Its signature under this.
    pub fn sign(&self, completion: &Completion) -> Signature {
        Signature(self.pair.sign(&completion.signing_payload(&Digest([7; 32]))).0)
    }

    /// The inclusion proof of a receipt in the whole log.
    pub fn proof(&self, index: u64) -> List<Digest, 64> {
        let proof = self.tree.inclusion_proof(index, self.tree.size()).unwrap();
        proof.into_iter().map(Digest).collect::<Vec<_>>().try_into().unwrap()
    }

    /// Brings its last word.
    pub fn complete(&self) -> DispatchResult {
        let completion = self.completion();
        let signature = self.sign(&completion);
        Jobs::complete(signed(STRANGER), self.job, completion, signature, self.receipts[2], self.proof(2))
    }
}

/// What of an account's money is held, as escrow and as deposit.
pub fn held(account: &AccountId32) -> (Balance, Balance) {
    use frame_support::traits::fungible::hold::Inspect;
    let of = |reason: pallet_jobs::HoldReason| Balances::balance_on_hold(&reason.into(), account);
    (of(pallet_jobs::HoldReason::Escrow), of(pallet_jobs::HoldReason::Deposit))
}

/// What an account may spend.
pub fn spendable(account: &AccountId32) -> Balance {
    Balances::free_balance(account)
}

/// The pallet's events since the last time this was asked.
pub fn events() -> Vec<crate::Event<Test>> {
    let events = System::events();
    System::reset_events();
    events
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Jobs(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Fresh storage at block 1, where events are kept.
pub fn new_test_ext() -> sp_io::TestExternalities {
    MaxDuePerBlock::set(80);
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().expect("an empty genesis builds");
    let accounts = [CUSTOMER, OTHER_CUSTOMER, PROVIDER, OTHER_PROVIDER, STRANGER];
    pallet_balances::GenesisConfig::<Test> { balances: accounts.map(|account| (account, ENDOWMENT)).to_vec(), ..Default::default() }
        .assimilate_storage(&mut storage)
        .expect("balances above the existential deposit build");
    let mut ext = sp_io::TestExternalities::from(storage);
    // Benchmarks sign with it.
    ext.register_extension(sp_keystore::KeystoreExt::new(sp_keystore::testing::MemoryKeystore::new()));
    ext.execute_with(|| {
        System::set_block_number(1);
        frame_system::BlockHash::<Test>::insert(0, H256([7; 32]));
        set_time(START);
        open_market();
    });
    ext
}

/// Runs a test on fresh storage and checks every invariant at its end, those of the neighbours with it.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Jobs::do_try_state().expect("every invariant holds at the end of a test");
        check_neighbours();
    });
}
