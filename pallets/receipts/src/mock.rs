//! A runtime with only this pallet and its money, and a guest that keeps a real log under a real key. An aggregator with real trees is in `collector`.

mod collector;

pub use collector::*;

use crate as pallet_receipts;
use crate::{OnCheckpoint, OnEquivocation, Pallet, Parties, Sessions, Side};
use blockcloud_primitives::{Balance, Checkpoint, Digest, JobId, List, Moment, PublicKey, Signature, SignedCheckpoint, Usage};
use blockcloud_receipt_log::{EMPTY_ROOT, Tree, leaf_hash};
use frame_support::{
    derive_impl,
    dispatch::DispatchResult,
    parameter_types,
    traits::{ConstU32, ConstU128},
    weights::Weight,
};
use sp_core::{Pair, ed25519};
use sp_runtime::{AccountId32, BuildStorage, DispatchError, traits::IdentityLookup};
use std::collections::BTreeMap;

type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system = 0,
        Timestamp: pallet_timestamp = 1,
        Balances: pallet_balances = 5,
        Receipts: pallet_receipts = 24,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Block = Block;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
    type AccountStore = System;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

parameter_types! {
    /// The live sessions: which key speaks for which job.
    pub static Keys: BTreeMap<JobId, PublicKey> = BTreeMap::new();
    /// Whether the neighbour that is told of checkpoints refuses them.
    pub static Refuses: bool = false;
    /// What that neighbour was told.
    pub static Told: Vec<(JobId, Checkpoint, Moment)> = Vec::new();
    /// Which jobs the neighbour was told of that equivocated.
    pub static Forked: Vec<JobId> = Vec::new();
    /// Jobs whose sessions exist and are not live.
    pub static Lapsed: Vec<JobId> = Vec::new();
}

/// All neighbours.
pub struct Neighbours;

impl Sessions for Neighbours {
    fn receipt_key(job: JobId, _: Moment) -> Option<PublicKey> {
        Self::known_key(job).filter(|_| !Lapsed::get().contains(&job))
    }

    fn known_key(job: JobId) -> Option<PublicKey> {
        Keys::get().get(&job).copied()
    }

    fn weight() -> Weight {
        Weight::from_parts(1_000, 10)
    }
}

/// What the neighbour says when it refuses.
pub const REFUSAL: DispatchError = DispatchError::Other("the job takes no checkpoint");

impl OnCheckpoint for Neighbours {
    fn accepted(job: JobId, checkpoint: &Checkpoint, now: Moment) -> DispatchResult {
        if Refuses::get() {
            return Err(REFUSAL);
        }
        Told::mutate(|told| told.push((job, *checkpoint, now)));
        Ok(())
    }

    fn weight() -> Weight {
        Weight::from_parts(20_000, 200)
    }
}

impl Parties<AccountId32> for Neighbours {
    fn side(_: JobId, account: &AccountId32) -> Option<Side> {
        match account {
            account if *account == CUSTOMER => Some(Side::Customer),
            account if *account == PROVIDER => Some(Side::Provider),
            _ => None,
        }
    }

    fn weight() -> Weight {
        Weight::from_parts(300_000, 3_000)
    }
}

impl OnEquivocation for Neighbours {
    fn equivocated(job: JobId) -> DispatchResult {
        if Refuses::get() {
            return Err(REFUSAL);
        }
        Forked::mutate(|forked| forked.push(job));
        Ok(())
    }

    fn weight() -> Weight {
        Weight::from_parts(4_000_000, 40_000)
    }
}

/// See [`crate::Config::MaxAge`].
pub const MAX_AGE: u32 = 300;
/// See [`crate::Config::MaxAhead`].
pub const MAX_AHEAD: u32 = 60;

/// See [`crate::Config::Stake`].
pub const STAKE: Balance = 1_000_000;

impl crate::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Sessions = Neighbours;
    type OnCheckpoint = Neighbours;
    type Parties = Neighbours;
    type OnEquivocation = Neighbours;
    type DepositBase = ConstU128<100>;
    type DepositPerByte = ConstU128<1>;
    type Stake = ConstU128<STAKE>;
    type MaxAge = ConstU32<MAX_AGE>;
    type MaxAhead = ConstU32<MAX_AHEAD>;
    type WeightInfo = ();
}

/// The chain's clock when a test starts.
pub const NOW: Moment = 1_800_000_000_000;
/// The job that tests use.
pub const JOB: JobId = JobId(7);
/// Somebody who brings checkpoints.
pub const ANYONE: AccountId32 = AccountId32::new([9; 32]);
/// Who placed every job.
pub const CUSTOMER: AccountId32 = AccountId32::new([1; 32]);
/// Who runs every job.
pub const PROVIDER: AccountId32 = AccountId32::new([2; 32]);
/// Who registers aggregators.
pub const OWNER: AccountId32 = AccountId32::new([3; 32]);
/// What each of these starts with.
pub const ENDOWMENT: Balance = 100_000_000;

/// Storage at block 1 and time [`NOW`].
pub fn storage() -> sp_io::TestExternalities {
    Keys::set(BTreeMap::new());
    Refuses::set(false);
    Told::set(Vec::new());
    Forked::set(Vec::new());
    Lapsed::set(Vec::new());
    let mut genesis = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let balances = [ANYONE, CUSTOMER, PROVIDER, OWNER].map(|account| (account, ENDOWMENT)).to_vec();
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }.assimilate_storage(&mut genesis).unwrap();
    let mut storage = sp_io::TestExternalities::from(genesis);
    // Benchmarks sign with it.
    storage.register_extension(sp_keystore::KeystoreExt::new(sp_keystore::testing::MemoryKeystore::new()));
    storage.execute_with(|| {
        System::set_block_number(1);
        set_time(NOW);
    });
    storage
}

/// Runs a test and ends it in try-state.
pub fn run(test: impl FnOnce()) {
    storage().execute_with(|| {
        test();
        Pallet::<Test>::do_try_state().unwrap();
    });
}

/// Sets the chain's clock.
pub fn set_time(now: Moment) {
    Timestamp::set_timestamp(now);
}

/// The hash of the mock's first block, as guests know it.
pub fn genesis() -> Digest {
    Digest(System::block_hash(0).0)
}

/// A job's guest: its key, its log, its clock, its counters.
#[derive(Clone)]
pub struct Guest {
    /// The job.
    pub job: JobId,
    /// The receipt key.
    pub pair: ed25519::Pair,
    /// The log.
    pub tree: Tree,
    /// The clock.
    pub time: Moment,
    /// The counters.
    pub usage: Usage,
    /// Size and root at its last checkpoint.
    pub previous: (u64, Digest),
}

impl Guest {
    /// A guest with an empty log and no session.
    pub fn new(job: JobId) -> Self {
        Self {
            job,
            pair: ed25519::Pair::from_seed(&[job.0 as u8; 32]),
            tree: Tree::new(),
            time: NOW,
            usage: Usage::default(),
            previous: (0, Digest(EMPTY_ROOT)),
        }
    }

    /// A guest with a live session, an open log, and `receipts` receipts that it has not reported yet.
    pub fn attested(job: JobId, receipts: u64) -> Self {
        let mut guest = Self::new(job);
        Keys::mutate(|keys| keys.insert(job, guest.key()));
        Receipts::open(job).unwrap();
        guest.write(receipts);
        guest
    }

    /// The public receipt key.
    pub fn key(&self) -> PublicKey {
        PublicKey(self.pair.public().0)
    }

    /// Writes receipts.
    pub fn write(&mut self, receipts: u64) {
        for _ in 0..receipts {
            let index = self.tree.size();
            self.tree.append(leaf_hash(&[&self.job.0.to_le_bytes()[..], &index.to_le_bytes()].concat()));
        }
        self.usage.cpu_ms += receipts;
    }

    /// Replaces the log by one of the same size with another last receipt.
    pub fn fork(&mut self) {
        let size = self.tree.size();
        let kept: Vec<_> = (0..size - 1).map(|index| self.tree.leaf(index).unwrap()).collect();
        self.tree = kept.into_iter().chain([leaf_hash(b"another")]).collect();
    }

    /// The checkpoint of the log as it stands, a second after the one before.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.time += 1_000;
        let (previous_size, previous_root) = self.previous;
        self.previous = (self.tree.size(), Digest(self.tree.root()));
        Checkpoint {
            version: Checkpoint::VERSION,
            job: self.job,
            size: self.previous.0,
            root: self.previous.1,
            time: self.time,
            usage: self.usage,
            previous_size,
            previous_root,
        }
    }

    /// The guest's signature.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Signature {
        Signature(self.pair.sign(&checkpoint.signing_payload(&genesis())).0)
    }

    /// A checkpoint with the guest's signature.
    pub fn signed(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        SignedCheckpoint { checkpoint, signature: self.sign(&checkpoint) }
    }

    /// The proof from a size to the log as it stands.
    pub fn proof(&self, from: u64) -> List<Digest, 64> {
        match from {
            0 => List::new(),
            _ => {
                let hashes = self.tree.consistency_proof(from, self.tree.size()).unwrap();
                hashes.into_iter().map(Digest).collect::<Vec<_>>().try_into().unwrap()
            }
        }
    }

    /// Signs and submits a checkpoint with a proof from the head on chain, if there can be one.
    pub fn submit(&self, checkpoint: Checkpoint) -> DispatchResult {
        let from = Receipts::head(self.job).map_or(0, |head| head.size);
        let proof = if from > self.tree.size() { List::new() } else { self.proof(from) };
        Receipts::checkpoint(RuntimeOrigin::signed(ANYONE), checkpoint, self.sign(&checkpoint), proof)
    }
}
