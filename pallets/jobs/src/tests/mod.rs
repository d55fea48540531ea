//! One file per call; then what no call does: pay, deadlines, the queue, views, invariants, and random sequences against a ledger.

mod accept;
mod accrual;
mod attest;
mod cancel;
mod checkpoint;
mod complete;
mod deadlines;
mod equivocation;
mod escrow;
mod invariants;
mod ledger;
mod place;
mod poke;
mod queue;
mod renew;
mod rounds;
mod settle;
mod suspension;
mod top_up;
mod views;

use crate::{JobOf, Jobs, mock::Test};
use blockcloud_primitives::{JobId, JobState};

/// The stored job.
fn job(id: JobId) -> JobOf<Test> {
    Jobs::<Test>::get(id).expect("the job is stored")
}

/// Where it stands.
fn state(id: JobId) -> JobState {
    job(id).state
}

/// Changes the stored job behind the pallet's back.
fn tamper(id: JobId, change: impl FnOnce(&mut JobOf<Test>)) {
    Jobs::<Test>::mutate(id, |job| change(job.as_mut().expect("the job is stored")));
}
