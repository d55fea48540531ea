//! `register_aggregator`: what is stored and held, and one refusal per test.

use super::held;
use crate::{Aggregator, Aggregators, Error, Event, NextAggregator, RoundLog, RoundLogs, mock::*};
use blockcloud_primitives::{AggregatorId, PublicKey};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, TokenError};

const KEY: PublicKey = PublicKey([5; 32]);

#[test]
fn stores_the_aggregator_for_a_deposit() {
    run(|| {
        assert_ok!(Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), KEY, 10));
        let (deposit, id) = (held(&OWNER).0, AggregatorId(0));
        // The stake, 258 records, and their bytes: more than the kept rounds alone.
        assert!(deposit > STAKE + 258 * 100 + 256 * 73);
        let record = Aggregator { owner: OWNER, key: KEY, height: 10, stopped: false, deposit, sources: 0, width: 0 };
        assert_eq!(Aggregators::<Test>::get(id), Some(record));
        assert_eq!(RoundLogs::<Test>::get(id), RoundLog::default());
        System::assert_last_event(Event::AggregatorRegistered { aggregator: id, owner: OWNER, key: KEY, height: 10, deposit }.into());
    });
}

#[test]
fn ids_are_never_used_again() {
    run(|| {
        for id in 0..3 {
            assert_ok!(Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), KEY, 30));
            assert_ok!(Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), AggregatorId(id)));
        }
        assert_eq!(NextAggregator::<Test>::get(), AggregatorId(3));
    });
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        assert_noop!(Receipts::register_aggregator(RuntimeOrigin::none(), KEY, 10), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_the_tree_is_too_high() {
    run(|| {
        assert_noop!(Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), KEY, 31), Error::<Test>::TooHigh);
        assert_ok!(Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), KEY, 30));
    });
}

#[test]
fn fails_when_no_id_is_left() {
    run(|| {
        NextAggregator::<Test>::put(AggregatorId(u32::MAX));
        assert_noop!(Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), KEY, 10), Error::<Test>::NoIdsLeft);
    });
}

#[test]
fn fails_when_the_deposit_cannot_be_held() {
    run(|| {
        let poor = RuntimeOrigin::signed(AccountId32::new([77; 32]));
        assert_noop!(Receipts::register_aggregator(poor, KEY, 10), TokenError::FundsUnavailable);
    });
}
