//! The market: offers, bonds, jobs, attestation, receipts, and the adapters between them.
//!
//! No pallet knows another. What one asks (its `traits`) is answered here by what another offers; an adapter only forwards.

use crate::{
    AccountId, Attestation, Balance, Balances, Bonds, Jobs, Offers, Receipts, Runtime, RuntimeHoldReason, Timestamp,
    config::{
        governance::{CouncilMotion, EmergencyStop},
        money::{MICRO, MILLI, UNIT},
    },
};
use blockcloud_primitives::{Checkpoint, End, Head, JobId, JobSpec, Lapse, Moment, OfferId, PublicKey, Resources, Session};
use frame_support::{
    defensive, parameter_types,
    traits::{ConstU32, ConstU128, Time},
    weights::Weight,
};
use sp_runtime::{DispatchError, DispatchResult};

/// An hour in seconds.
const HOUR: u32 = 60 * 60;
/// A day in seconds.
const DAY: u32 = 24 * HOUR;
/// Held for any record of the market.
const RECORD: Balance = 10 * MILLI;
/// Held for each byte of it.
const BYTE: Balance = 10 * MICRO;
/// What is stored for a job beside its record and its spec, which the jobs count themselves: two listings, a queue entry, the session, the evidence seen,
/// the log, the cover. A test holds the numbers against the records.
pub const JOB_RECORDS: (u32, u32) = (9, 1_250);

parameter_types! {
    /// How many queue entries one block may process; the integrity test of the jobs holds it against a quarter of a block.
    pub const MaxDuePerBlock: u32 = 128;
}

impl pallet_offers::Config for Runtime {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Surety = FreeBond;
    type GovernanceOrigin = CouncilMotion;
    type DepositBase = ConstU128<RECORD>;
    type DepositPerByte = ConstU128<BYTE>;
    type MaxSites = ConstU32<64>;
    type MaxOffers = ConstU32<256>;
    type MaxFacts = ConstU32<32>;
    type MaxCertifiers = ConstU32<64>;
    type MaxFactValidity = ConstU32<{ 2 * 365 * DAY }>;
    type WeightInfo = pallet_offers::weights::SubstrateWeight<Runtime>;
}

impl pallet_bonds::Config for Runtime {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type UnbondingDelay = ConstU32<{ 7 * DAY }>;
    type MinimumBond = ConstU128<UNIT>;
    type WeightInfo = pallet_bonds::weights::SubstrateWeight<Runtime>;
}

impl pallet_jobs::Config for Runtime {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Capacity = Market;
    type Cover = Liability;
    type Attester = Guests;
    type Logs = Heads;
    type AcceptWithin = ConstU32<60>;
    type AttestWithin = ConstU32<300>;
    // The customer uploads its inputs and releases the key in this time.
    type StartWithin = ConstU32<900>;
    type SilenceGrace = ConstU32<30>;
    type LastWordGrace = ConstU32<30>;
    type ClaimWindow = ConstU32<HOUR>;
    type MinCheckpointGap = ConstU32<2>;
    type MaxCheckpointGap = ConstU32<HOUR>;
    type MaxSuspensionGrace = ConstU32<HOUR>;
    type MinPaidTime = ConstU32<60>;
    type DepositBase = ConstU128<{ JOB_RECORDS.0 as u128 * RECORD + JOB_RECORDS.1 as u128 * BYTE }>;
    type DepositPerByte = ConstU128<BYTE>;
    type MaxDuePerBlock = MaxDuePerBlock;
    type WeightInfo = pallet_jobs::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = super::market_benchmarks::Neighbours;
}

impl pallet_attestation::Config for Runtime {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type GovernanceOrigin = CouncilMotion;
    type StopOrigin = EmergencyStop;
    type Certifiers = Auditors;
    type DepositBase = ConstU128<RECORD>;
    type DepositPerByte = ConstU128<BYTE>;
    type CollateralGrace = ConstU32<{ 30 * DAY }>;
    type MaxAnchorAge = ConstU32<256>;
    type MaxSession = ConstU32<DAY>;
    type MaxMeasurements = ConstU32<256>;
    type MaxDeniedChips = ConstU32<4096>;
    type WeightInfo = pallet_attestation::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = super::market_benchmarks::Neighbours;
}

impl pallet_receipts::Config for Runtime {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = Timestamp;
    type Sessions = Guests;
    type OnCheckpoint = Accrual;
    type Parties = Sides;
    type OnEquivocation = Sentence;
    type DepositBase = ConstU128<RECORD>;
    type DepositPerByte = ConstU128<BYTE>;
    type Stake = ConstU128<{ 10 * UNIT }>;
    type MaxAge = ConstU32<300>;
    type MaxAhead = ConstU32<60>;
    type WeightInfo = pallet_receipts::weights::SubstrateWeight<Runtime>;
}

/// Bonds as the surety that offers ask for.
pub struct FreeBond;

impl pallet_offers::Surety<AccountId> for FreeBond {
    fn free(provider: &AccountId) -> Balance {
        Bonds::free(provider)
    }
}

/// Offers as the capacity that jobs reserve.
pub struct Market;

impl pallet_jobs::traits::Capacity<AccountId> for Market {
    fn reserve(offer: OfferId, spec: &JobSpec, now: Moment) -> Result<pallet_jobs::traits::Reservation<AccountId>, DispatchError> {
        let pallet_offers::Reservation { provider, site, rate } = Offers::reserve(offer, spec, now)?;
        Ok(pallet_jobs::traits::Reservation { provider, site, rate })
    }

    fn release(offer: OfferId, resources: &Resources) {
        Offers::release(offer, resources);
    }

    fn note_end(provider: &AccountId, end: End) {
        Offers::note_end(provider, end);
    }
}

/// Bonds as the cover of jobs.
pub struct Liability;

impl pallet_jobs::traits::Cover<AccountId> for Liability {
    fn reserve(job: JobId, principal: &AccountId, obligee: &AccountId, amount: Balance) -> DispatchResult {
        Bonds::reserve(job, principal, obligee, amount)
    }

    fn release(job: JobId) {
        Bonds::release(job);
    }
}

/// Attestation as the verifier of jobs' evidence and the keeper of the keys that checkpoints are signed by.
pub struct Guests;

impl pallet_jobs::traits::Attester<AccountId> for Guests {
    fn open(candidate: &pallet_jobs::traits::Candidate<'_, AccountId>) -> Result<Weight, DispatchError> {
        Attestation::open(&attested(candidate)).map(|opened| opened.weight)
    }

    fn open_weight() -> Weight {
        Attestation::open_weight()
    }

    fn renew(candidate: &pallet_jobs::traits::Candidate<'_, AccountId>) -> Result<Weight, DispatchError> {
        Attestation::renew(&attested(candidate)).map(|opened| opened.weight)
    }

    fn renew_weight() -> Weight {
        Attestation::renew_weight()
    }

    fn close(job: JobId) {
        Attestation::close(job);
    }

    fn session(job: JobId) -> Option<Session> {
        Attestation::session(job)
    }

    fn judge(job: JobId, now: Moment) -> Result<(), Lapse> {
        Attestation::judge(job, now).map(|_| ())
    }
}

/// One pallet's candidate as the other's.
fn attested<'a>(candidate: &pallet_jobs::traits::Candidate<'a, AccountId>) -> pallet_attestation::Candidate<'a> {
    let pallet_jobs::traits::Candidate { job, provider, site, terms, policy, evidence, now } = *candidate;
    pallet_attestation::Candidate { job, provider, site, terms, policy, evidence, now }
}

/// The offers' certifiers as those who may vouch for chips.
pub struct Auditors;

impl pallet_attestation::traits::Certifiers for Auditors {
    fn is_accredited(account: &AccountId) -> bool {
        Offers::is_certifier(account)
    }
}

impl pallet_receipts::Sessions for Guests {
    fn receipt_key(job: JobId, at: Moment) -> Option<PublicKey> {
        let session = Attestation::judge(job, <Timestamp as Time>::now()).ok()?;
        // A session that was renewed is older than its last renewal; only running jobs renew, and those began with the first.
        let lived = session.previous.is_some() || session.since <= at;
        lived.then_some(session.receipt_key)
    }

    fn known_key(job: JobId) -> Option<PublicKey> {
        Attestation::session(job).map(|session| session.receipt_key)
    }

    fn weight() -> Weight {
        Attestation::judge_weight()
    }
}

/// Receipts as the keeper of the heads of jobs' logs.
pub struct Heads;

impl pallet_jobs::traits::Logs for Heads {
    fn open(job: JobId) {
        if let Err(error) = Receipts::open(job) {
            defensive!("a job's log was opened twice", error);
        }
    }

    fn close(job: JobId) {
        Receipts::close(job);
    }

    fn head(job: JobId) -> Option<Head> {
        Receipts::head(job)
    }
}

/// Jobs as what earns by checkpoints.
pub struct Accrual;

impl pallet_receipts::OnCheckpoint for Accrual {
    fn accepted(job: JobId, checkpoint: &Checkpoint, now: Moment) -> DispatchResult {
        Jobs::on_checkpoint(job, checkpoint, now)
    }

    fn weight() -> Weight {
        Jobs::on_checkpoint_weight()
    }
}

/// Jobs as what has two sides.
pub struct Sides;

impl pallet_receipts::Parties<AccountId> for Sides {
    fn side(job: JobId, account: &AccountId) -> Option<pallet_receipts::Side> {
        let (customer, provider) = Jobs::parties(job)?;
        // Who is both stands on the customer's side, and gets no more places for it.
        if *account == customer {
            Some(pallet_receipts::Side::Customer)
        } else {
            (*account == provider).then_some(pallet_receipts::Side::Provider)
        }
    }

    fn weight() -> Weight {
        <Runtime as frame_system::Config>::DbWeight::get().reads(1)
    }
}

/// Jobs as what ends when its guest signed two histories.
pub struct Sentence;

impl pallet_receipts::OnEquivocation for Sentence {
    fn equivocated(job: JobId) -> DispatchResult {
        Jobs::on_equivocation(job)
    }

    fn weight() -> Weight {
        Jobs::on_equivocation_weight()
    }
}
