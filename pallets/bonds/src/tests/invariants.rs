//! Each invariant of the README is broken once, and must be missed by name.

use super::{bonded, signed};
use crate::{Bonds as Records, Cover, Covers, Totals, Unbonding, mock::*};
use blockcloud_primitives::JobId;
use frame_support::{assert_ok, traits::Hooks};
use sp_runtime::TryRuntimeError;

/// A state that uses everything, then one thing wrong in it.
fn broken_by(breaking: impl FnOnce()) -> Result<(), TryRuntimeError> {
    new_test_ext().execute_with(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        assert_ok!(Bonds::unbond(signed(1), 100));
        set_time(START + 1_000);
        assert_ok!(Bonds::unbond(signed(1), 200));
        assert_ok!(Bonds::do_try_state());
        breaking();
        Bonds::do_try_state()
    })
}

fn with_bond(change: impl FnOnce(&mut crate::Bond)) {
    Records::<Test>::mutate(account(1), |slot| change(slot.as_mut().unwrap()));
}

#[test]
fn backed() {
    assert_eq!(broken_by(|| with_bond(|bond| bond.total += 1)), Err("bonds 1: a bond is not what is on hold for it".into()));
    assert_eq!(
        broken_by(|| Records::<Test>::insert(account(3), crate::Bond::default())),
        Err("bonds 1: a bond of nothing is stored".into())
    );
}

#[test]
fn disjoint() {
    let result = broken_by(|| with_bond(|bond| bond.reserved = 701));
    assert_eq!(result, Err("bonds 2: reserved and unbonding parts exceed the bond".into()));
}

#[test]
fn explained() {
    let cover = |n, amount| Cover { principal: account(n), obligee: account(2), amount };
    assert_eq!(broken_by(|| Covers::<Test>::remove(JobId(7))), Err("bonds 3: the reserved part is not the sum of the covers".into()));
    assert_eq!(broken_by(|| Covers::<Test>::insert(JobId(8), cover(1, 0))), Err("bonds 3: a cover is zero".into()));
    assert_eq!(
        broken_by(|| Covers::<Test>::insert(JobId(8), cover(3, 1))),
        Err("bonds 3: a cover names a principal without a bond".into())
    );
}

#[test]
fn conserved() {
    let wrong = Err("bonds 4: bonded less withdrawn is not what is bonded".into());
    assert_eq!(broken_by(|| Totals::<Test>::mutate(|flows| flows.bonded += 1)), wrong);
    assert_eq!(broken_by(|| Totals::<Test>::mutate(|flows| flows.withdrawn = flows.bonded + 1)), wrong);
}

#[test]
fn ordered() {
    let portions = |list: Vec<Unbonding>| with_bond(|bond| bond.unbonding = list.try_into().unwrap());
    assert_eq!(broken_by(|| portions(vec![Unbonding { amount: 0, at: START }])), Err("bonds 5: an unbonding portion is zero".into()));
    assert_eq!(
        broken_by(|| portions(vec![Unbonding { amount: 1, at: START }, Unbonding { amount: 1, at: START - 1 }])),
        Err("bonds 5: unbonding portions are out of order".into())
    );
}

#[test]
fn sums_that_overflow_are_violations() {
    let result = broken_by(|| {
        Covers::<Test>::insert(JobId(8), Cover { principal: account(1), obligee: account(2), amount: u128::MAX });
    });
    assert_eq!(result, Err("bonds: a sum overflows".into()));
}

#[test]
fn the_configuration_is_sound() {
    new_test_ext().execute_with(Bonds::integrity_test);
}
