//! What the pallet asks of its neighbours. The runtime implements it; no pallet is named here.

use crate::Side;
use blockcloud_primitives::{Checkpoint, JobId, Moment, PublicKey};
use frame_support::{dispatch::DispatchResult, weights::Weight};

/// Knows which key speaks for a job's guest.
pub trait Sessions {
    /// The receipt key of the job's session, if it has one that is live now and was live at `at`, which is now or before.
    fn receipt_key(job: JobId, at: Moment) -> Option<PublicKey>;

    /// The receipt key of the job's session, whether or not that is live.
    fn known_key(job: JobId) -> Option<PublicKey>;

    /// What each of the two costs at most.
    fn weight() -> Weight;
}

/// Is told of checkpoints.
pub trait OnCheckpoint {
    /// The job's log has reached this checkpoint, which passed every check of this pallet. It counts as of `at`: now, or when the round that it came
    /// through was committed. An error refuses it: nothing is then stored.
    fn accepted(job: JobId, checkpoint: &Checkpoint, at: Moment) -> DispatchResult;

    /// What `accepted` costs at most.
    fn weight() -> Weight;
}

/// Knows whose a job is.
pub trait Parties<AccountId> {
    /// On which side of the job this account stands; nothing if on none.
    fn side(job: JobId, account: &AccountId) -> Option<Side>;

    /// What `side` costs at most.
    fn weight() -> Weight;
}

/// Is told of equivocation.
pub trait OnEquivocation {
    /// The job's guest was proved to have signed two histories of its log. Called once for a job at most. An error undoes the report.
    fn equivocated(job: JobId) -> DispatchResult;

    /// What `equivocated` costs at most.
    fn weight() -> Weight;
}
