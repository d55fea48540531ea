use super::{bonded, signed};
use crate::{Bond, Bonds as Records, Cover, Covers, Error, Event, mock::*};
use blockcloud_primitives::JobId;
use frame_support::{assert_noop, assert_ok};

#[test]
fn takes_from_the_free_part() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        assert_eq!(Records::<Test>::get(&principal), Some(Bond { total: 1_000, reserved: 300, ..Bond::default() }));
        assert_eq!(Covers::<Test>::get(JobId(7)), Some(Cover { principal: principal.clone(), obligee: account(2), amount: 300 }));
        assert_eq!(Bonds::free(&principal), 700);
        System::assert_last_event(Event::Reserved { job: JobId(7), principal, obligee: account(2), amount: 300 }.into());
    });
}

#[test]
fn zero_stores_nothing() {
    run(|| {
        assert_ok!(Bonds::reserve(JobId(7), &account(1), &account(2), 0));
        assert_eq!(Covers::<Test>::get(JobId(7)), None);
    });
}

#[test]
fn a_whole_bond_may_cover() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 1_000));
        assert_eq!(Bonds::free(&principal), 0);
    });
}

#[test]
fn fails_when_the_job_is_covered() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        assert_noop!(Bonds::reserve(JobId(7), &principal, &account(2), 1), Error::<Test>::AlreadyCovered);
        assert_noop!(Bonds::reserve(JobId(7), &principal, &account(2), 0), Error::<Test>::AlreadyCovered);
    });
}

#[test]
fn fails_without_enough_free() {
    run(|| {
        assert_noop!(Bonds::reserve(JobId(7), &account(1), &account(2), 1), Error::<Test>::InsufficientBond);
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        assert_noop!(Bonds::reserve(JobId(8), &principal, &account(2), 701), Error::<Test>::InsufficientBond);
    });
}

#[test]
fn unbonding_money_covers_nothing() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::unbond(signed(1), 1_000));
        assert_noop!(Bonds::reserve(JobId(7), &principal, &account(2), 1), Error::<Test>::InsufficientBond);
    });
}
