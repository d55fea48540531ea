//! What the pallet stores of a job. Not here: the spec itself, which is stored beside the record because few calls need it.

use crate::accrual::{self, Clock};
use blockcloud_primitives::{Balance, Completion, Digest, End, JobState, Moment, OfferId, Resources, SiteId, Suspension};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A job that is not closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Job<AccountId> {
    /// Who placed it and pays.
    pub customer: AccountId,
    /// Who runs it and is paid.
    pub provider: AccountId,
    /// The offer under which it was placed.
    pub offer: OfferId,
    /// Where it runs.
    pub site: SiteId,
    /// Terms hash of its spec.
    pub terms: Digest,
    /// The capacity that is reserved for it until it ends.
    pub resources: Resources,
    /// Price per second, fixed at placement.
    pub rate: Balance,
    /// Longest run in seconds.
    pub longest_run: u32,
    /// Largest number of seconds that one checkpoint vouches for.
    pub checkpoint_gap: u32,
    /// Where it stands.
    pub state: JobState,
    /// When it was placed.
    pub placed_at: Moment,
    /// When the state ends by itself. Authoritative: from this moment on only `settle` and `poke` touch the job.
    pub deadline: Moment,
    /// The second (Unix time) in whose queue entry the job stands: rarely the deadline's own. Absent only while it is being processed.
    pub queued: Option<u64>,
    /// When the session that it rests on ends; absent until it is attested.
    pub session_until: Option<Moment>,
    /// Why it waits for new evidence, unpaid; absent while its evidence counts. Of a job that has ended: whether it waited then.
    pub suspended: Option<Suspension>,
    /// Its run; absent until the first checkpoint.
    pub run: Option<Run>,
    /// What the guest said when it finished.
    pub completion: Option<Completion>,
    /// Held from the customer for the stored bytes.
    pub deposit: Balance,
    /// Locked by the customer altogether: escrow and top-ups.
    pub deposited: Balance,
    /// Paid out to the provider.
    pub paid: Balance,
    /// Returned to the customer.
    pub returned: Balance,
}

/// How far a job has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Run {
    /// When the first checkpoint was accepted (chain's clock).
    pub started_at: Moment,
    /// When the last checkpoint was accepted (chain's clock).
    pub last_checkpoint: Moment,
    /// Until when checkpoints vouch (the guest's clock, never ahead of the chain's).
    pub vouched_until: Moment,
    /// Milliseconds for which pay is due. Pay is computed from this sum, so that many checkpoints round no more often than one.
    pub covered_ms: u64,
}

impl<AccountId> Job<AccountId> {
    /// What the provider has earned so far: never more than what is locked.
    pub fn earned(&self) -> Balance {
        self.run.map_or(0, |run| accrual::earned(self.rate, run.covered_ms, self.deposited))
    }

    /// What is still held of the customer's escrow.
    pub fn held(&self) -> Balance {
        // Saturating for the reader only: that it never saturates is invariant 1.
        self.deposited.saturating_sub(self.paid).saturating_sub(self.returned)
    }

    /// Whether the state has ended by itself and only waits for the queue or a poke.
    pub fn is_overdue(&self, now: Moment) -> bool {
        now >= self.deadline
    }

    /// Whether the job has not ended yet.
    pub fn is_live(&self) -> bool {
        !matches!(self.state, JobState::Settled(_))
    }

    /// The clock of a running job.
    pub fn clock(&self) -> Option<Clock> {
        self.run.map(|run| Clock {
            run,
            rate: self.rate,
            deposited: self.deposited,
            longest_run: self.longest_run,
            checkpoint_gap: self.checkpoint_gap,
            session_until: self.session_until.unwrap_or(Moment::MAX),
        })
    }
}

/// Everything that ever went through the escrow, in total. `deposited = paid + returned + held` at all times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Flows {
    /// Locked by customers.
    pub deposited: Balance,
    /// Paid to providers.
    pub paid: Balance,
    /// Returned to customers.
    pub returned: Balance,
}

/// The graces, in seconds, that a running job's deadline depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// How long after the largest gap a job may be silent before it ends. It is not paid for this time.
    pub silence: u32,
    /// How long after the paid time is over the last checkpoint and the completion may still come.
    pub last_word: u32,
}

/// A deadline and the end that it brings.
pub type Due = (Moment, End);
