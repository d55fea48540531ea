//! One file per call or function, one test per behaviour.

mod checkpoint;
mod checkpoint_in_round;
mod commit_round;
mod invariants;
mod log;
mod random;
mod random_rounds;
mod register_aggregator;
mod register_source;
mod report_equivocation;
mod retire_aggregator;
mod views;
mod withdraw_source;

use crate::{HoldReason, mock::*};
use blockcloud_primitives::Balance;
use frame_support::traits::fungible::hold::Inspect;
use sp_runtime::AccountId32;

/// What is held of an account: for its aggregators, for its sources.
fn held(account: &AccountId32) -> (Balance, Balance) {
    let held = |reason: HoldReason| Balances::balance_on_hold(&reason.into(), account);
    (held(HoldReason::Aggregator), held(HoldReason::Source))
}
