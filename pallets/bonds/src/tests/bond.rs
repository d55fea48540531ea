use super::{bonded, signed};
use crate::{Bond, Bonds as Records, Error, Event, Flows, Totals, mock::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn locks_the_money() {
    run(|| {
        assert_ok!(Bonds::bond(signed(1), 1_000));
        assert_eq!(Records::<Test>::get(account(1)), Some(Bond { total: 1_000, ..Bond::default() }));
        assert_eq!(Totals::<Test>::get(), Flows { bonded: 1_000, withdrawn: 0 });
        assert_eq!(spendable(&account(1)), ENDOWMENT - 1_000);
        assert_eq!(Bonds::free(&account(1)), 1_000);
        System::assert_last_event(Event::Bonded { principal: account(1), amount: 1_000, total: 1_000 }.into());
    });
}

#[test]
fn adds_to_the_bond_that_stands() {
    run(|| {
        bonded(1, 1_000);
        // Below the minimum by itself, but not together with what stands.
        assert_ok!(Bonds::bond(signed(1), 7));
        assert_eq!(Records::<Test>::get(account(1)), Some(Bond { total: 1_007, ..Bond::default() }));
        assert_eq!(spendable(&account(1)), ENDOWMENT - 1_007);
        System::assert_last_event(Event::Bonded { principal: account(1), amount: 7, total: 1_007 }.into());
    });
}

#[test]
fn unbonding_money_does_not_count_towards_the_minimum() {
    run(|| {
        bonded(1, MINIMUM);
        assert_ok!(Bonds::unbond(signed(1), MINIMUM));
        assert_noop!(Bonds::bond(signed(1), MINIMUM - 1), Error::<Test>::BelowMinimum);
        assert_ok!(Bonds::bond(signed(1), MINIMUM));
        assert_eq!(Bonds::free(&account(1)), MINIMUM);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Bonds::bond(RuntimeOrigin::none(), 1_000), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_with_zero() {
    run(|| {
        bonded(1, 1_000);
        assert_noop!(Bonds::bond(signed(1), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn fails_below_the_minimum() {
    run(|| {
        assert_noop!(Bonds::bond(signed(1), MINIMUM - 1), Error::<Test>::BelowMinimum);
    });
}

#[test]
fn fails_without_the_money() {
    run(|| {
        assert_noop!(Bonds::bond(signed(1), ENDOWMENT + 1), TokenError::FundsUnavailable);
        assert_noop!(Bonds::bond(signed(9), MINIMUM), TokenError::FundsUnavailable);
    });
}

#[test]
fn fails_on_overflow() {
    run(|| {
        bonded(1, 1_000);
        assert_noop!(Bonds::bond(signed(1), u128::MAX), sp_runtime::ArithmeticError::Overflow);
    });
}
