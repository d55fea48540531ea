//! What the pallet asks of its neighbours. The runtime implements these; the pallet never imports another one.

use blockcloud_primitives::{
    Balance, Digest, End, Evidence, Head, JobId, JobSpec, Lapse, Moment, OfferId, Policy, Resources, Session, SiteId,
};
use frame_support::weights::Weight;
use sp_runtime::{DispatchError, DispatchResult};

/// Capacity that was reserved for a job, and at what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation<AccountId> {
    /// Who offers it.
    pub provider: AccountId,
    /// Where it stands.
    pub site: SiteId,
    /// Price per second for all of the spec's resources together.
    pub rate: Balance,
}

/// Who sells capacity.
pub trait Capacity<AccountId> {
    /// Judges the offer against the spec (policy, price limit, window, facts, cover) and takes the spec's resources out of what is free, or fails.
    fn reserve(offer: OfferId, spec: &JobSpec, now: Moment) -> Result<Reservation<AccountId>, DispatchError>;
    /// Gives back what was reserved. Called exactly once for each successful `reserve`.
    fn release(offer: OfferId, resources: &Resources);
    /// Takes a job's end into the provider's record.
    fn note_end(provider: &AccountId, end: End);
}

/// Who stands behind a provider.
pub trait Cover<AccountId> {
    /// Reserves `amount` of the principal's bond for the job, for the benefit of the obligee, or fails.
    fn reserve(job: JobId, principal: &AccountId, obligee: &AccountId, amount: Balance) -> DispatchResult;
    /// Frees what was reserved for the job. Called exactly once for each successful `reserve`.
    fn release(job: JobId);
}

/// A guest that asks to be attested.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a, AccountId> {
    /// The job.
    pub job: JobId,
    /// Who runs it.
    pub provider: &'a AccountId,
    /// Where it is to run.
    pub site: SiteId,
    /// Hash of the job's spec.
    pub terms: Digest,
    /// The customer's demands.
    pub policy: &'a Policy,
    /// What was brought.
    pub evidence: &'a Evidence,
    /// The chain's clock.
    pub now: Moment,
}

/// Who verifies evidence.
pub trait Attester<AccountId> {
    /// Verifies the evidence and opens the job's session, replacing an earlier one; or fails. Answers what that weighed.
    fn open(candidate: &Candidate<'_, AccountId>) -> Result<Weight, DispatchError>;
    /// Upper bound of what [`Attester::open`] weighs.
    fn open_weight() -> Weight;
    /// Verifies newer evidence of the very guest of the job's session and makes that last anew, whether or not it still counts; or fails. Answers what that
    /// weighed.
    fn renew(candidate: &Candidate<'_, AccountId>) -> Result<Weight, DispatchError>;
    /// Upper bound of what [`Attester::renew`] weighs.
    fn renew_weight() -> Weight;
    /// Removes the job's session, if there is one.
    fn close(job: JobId);
    /// The job's session, whether or not it counts.
    fn session(job: JobId) -> Option<Session>;
    /// Whether the job's session counts at `now`, or why it does not.
    fn judge(job: JobId, now: Moment) -> Result<(), Lapse>;
}

/// Who keeps the heads of receipt logs.
pub trait Logs {
    /// Opens the job's empty log.
    fn open(job: JobId);
    /// Closes it and forgets its head, if there is one.
    fn close(job: JobId);
    /// The last accepted checkpoint, absent before the first.
    fn head(job: JobId) -> Option<Head>;
}

/// What benchmarks need of the neighbours to get a job into any state without hardware evidence.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper<AccountId> {
    /// Publishes an offer of some provider, with site and bond, under which `spec` can be placed. The provider's account can be paid.
    fn offer(spec: &JobSpec) -> OfferId;
    /// Withdraws such an offer: it goes with its last job, which makes that job's end the dearest.
    fn withdraw(offer: OfferId);
    /// Stores a live session of the job with this receipt key.
    fn session(job: JobId, provider: &AccountId, receipt_key: blockcloud_primitives::PublicKey);
    /// Stores the job's head.
    fn head(job: JobId, head: Head);
}
