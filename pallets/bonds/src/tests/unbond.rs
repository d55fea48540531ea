use super::{bonded, signed};
use crate::{Bond, Bonds as Records, Error, Event, Unbonding, mock::*, types::MAX_UNBONDINGS};
use blockcloud_primitives::JobId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn starts_the_delay() {
    run(|| {
        bonded(1, 1_000);
        assert_ok!(Bonds::unbond(signed(1), 400));
        let at = START + u64::from(DELAY) * 1_000;
        let unbonding = vec![Unbonding { amount: 400, at }].try_into().unwrap();
        assert_eq!(Records::<Test>::get(account(1)), Some(Bond { total: 1_000, reserved: 0, unbonding }));
        assert_eq!(Bonds::free(&account(1)), 600);
        assert_eq!(spendable(&account(1)), ENDOWMENT - 1_000);
        System::assert_last_event(Event::Unbonded { principal: account(1), amount: 400, at }.into());
    });
}

#[test]
fn takes_a_whole_bond() {
    run(|| {
        bonded(1, 1_000);
        assert_ok!(Bonds::unbond(signed(1), 1_000));
        assert_eq!(Bonds::free(&account(1)), 0);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Bonds::unbond(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_with_zero() {
    run(|| {
        bonded(1, 1_000);
        assert_noop!(Bonds::unbond(signed(1), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn fails_without_a_bond() {
    run(|| {
        assert_noop!(Bonds::unbond(signed(1), 1), Error::<Test>::NoBond);
    });
}

#[test]
fn fails_on_what_covers_a_job_or_is_unbonding() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(1), &principal, &account(2), 300));
        assert_noop!(Bonds::unbond(signed(1), 701), Error::<Test>::NotFree);
        assert_ok!(Bonds::unbond(signed(1), 600));
        assert_noop!(Bonds::unbond(signed(1), 101), Error::<Test>::NotFree);
    });
}

#[test]
fn fails_when_dust_would_stand() {
    run(|| {
        bonded(1, 1_000);
        assert_noop!(Bonds::unbond(signed(1), 1_000 - MINIMUM + 1), Error::<Test>::BelowMinimum);
        assert_ok!(Bonds::unbond(signed(1), 1_000 - MINIMUM));
    });
}

#[test]
fn fails_with_too_many_portions() {
    run(|| {
        bonded(1, 1_000);
        for _ in 0..MAX_UNBONDINGS {
            assert_ok!(Bonds::unbond(signed(1), 10));
        }
        assert_noop!(Bonds::unbond(signed(1), 10), Error::<Test>::TooManyUnbondings);
        set_time(START + u64::from(DELAY) * 1_000);
        assert_ok!(Bonds::withdraw(signed(1)));
        assert_ok!(Bonds::unbond(signed(1), 10));
    });
}
