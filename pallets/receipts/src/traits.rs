//! What the pallet asks of its neighbours. The runtime implements it; no pallet is named here.

use blockcloud_primitives::{Checkpoint, JobId, Moment, PublicKey};
use frame_support::{dispatch::DispatchResult, weights::Weight};

/// Knows which key speaks for a job's guest.
pub trait Sessions {
    /// The receipt key of the job's session, if it has one that is live at `now`.
    fn receipt_key(job: JobId, now: Moment) -> Option<PublicKey>;

    /// What `receipt_key` costs at most.
    fn weight() -> Weight;
}

/// Is told of checkpoints.
pub trait OnCheckpoint {
    /// The job's log has reached this checkpoint, which passed every check of this pallet. An error refuses it: nothing is then stored.
    fn accepted(job: JobId, checkpoint: &Checkpoint, now: Moment) -> DispatchResult;

    /// What `accepted` costs at most.
    fn weight() -> Weight;
}
