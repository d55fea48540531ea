//! Each invariant is broken once, and try-state says which.

use crate::{Log, Logs, mock::*};
use blockcloud_primitives::{Digest, Head, Usage};
use blockcloud_receipt_log::EMPTY_ROOT;
use frame_support::traits::Hooks;
use sp_runtime::TryRuntimeError;

/// A sound head.
fn head() -> Head {
    Head { size: 1, root: Digest([1; 32]), time: NOW, usage: Usage::default(), accepted_at: NOW }
}

/// What try-state says of a log.
fn verdict(log: Log) -> Result<(), TryRuntimeError> {
    storage().execute_with(|| {
        Logs::<Test>::insert(JOB, log);
        Receipts::do_try_state()
    })
}

#[test]
fn a_sound_log_passes() {
    assert_eq!(verdict(Log { opened_at: NOW, head: None }), Ok(()));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(head()) }), Ok(()));
}

#[test]
fn first_a_head_vouches_for_something() {
    let broken = Err(TryRuntimeError::Other("1: a head vouches for nothing"));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { size: 0, ..head() }) }), broken);
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { root: Digest(EMPTY_ROOT), ..head() }) }), broken);
}

#[test]
fn second_a_head_was_timely() {
    let (ahead, behind) = (u64::from(MAX_AHEAD) * 1_000, u64::from(MAX_AGE) * 1_000);
    assert_eq!(
        verdict(Log { opened_at: NOW, head: Some(Head { time: NOW + ahead + 1, ..head() }) }),
        Err(TryRuntimeError::Other("2: a head's clock was ahead when it was accepted"))
    );
    assert_eq!(
        verdict(Log { opened_at: NOW, head: Some(Head { time: NOW - behind - 1, ..head() }) }),
        Err(TryRuntimeError::Other("2: a head's clock was behind when it was accepted"))
    );
}

#[test]
fn third_a_head_lies_within_its_logs_life() {
    assert_eq!(verdict(Log { opened_at: NOW + 1, head: None }), Err(TryRuntimeError::Other("3: a log was opened in the future")));
    let broken = Err(TryRuntimeError::Other("3: a head was accepted outside its log's life"));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { accepted_at: NOW - 1, ..head() }) }), broken);
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { accepted_at: NOW + 1, ..head() }) }), broken);
}

#[test]
fn the_configuration_is_sound() {
    Receipts::integrity_test();
}
