use super::{bonded, signed};
use crate::{Bond, Bonds as Records, Error, Event, Flows, Totals, Unbonding, mock::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

const DUE: u64 = START + DELAY as u64 * 1_000;

#[test]
fn pays_all_that_is_due_and_nothing_else() {
    run(|| {
        bonded(1, 1_000);
        assert_ok!(Bonds::unbond(signed(1), 100));
        set_time(START + 1_000);
        assert_ok!(Bonds::unbond(signed(1), 200));
        set_time(START + 2_000);
        assert_ok!(Bonds::unbond(signed(1), 300));
        set_time(DUE + 1_000);
        assert_ok!(Bonds::withdraw(signed(1)));

        let unbonding = vec![Unbonding { amount: 300, at: DUE + 2_000 }].try_into().unwrap();
        assert_eq!(Records::<Test>::get(account(1)), Some(Bond { total: 700, reserved: 0, unbonding }));
        assert_eq!(Totals::<Test>::get(), Flows { bonded: 1_000, withdrawn: 300 });
        assert_eq!(spendable(&account(1)), ENDOWMENT - 700);
        System::assert_last_event(Event::Withdrawn { principal: account(1), amount: 300, total: 700 }.into());
    });
}

#[test]
fn removes_the_record_with_the_last_unit() {
    run(|| {
        bonded(1, 1_000);
        assert_ok!(Bonds::unbond(signed(1), 1_000));
        set_time(DUE);
        assert_ok!(Bonds::withdraw(signed(1)));
        assert_eq!(Records::<Test>::get(account(1)), None);
        assert_eq!(spendable(&account(1)), ENDOWMENT);
        System::assert_last_event(Event::Withdrawn { principal: account(1), amount: 1_000, total: 0 }.into());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Bonds::withdraw(RuntimeOrigin::none()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_a_bond() {
    run(|| {
        assert_noop!(Bonds::withdraw(signed(1)), Error::<Test>::NoBond);
    });
}

#[test]
fn fails_before_the_delay_is_over() {
    run(|| {
        bonded(1, 1_000);
        assert_noop!(Bonds::withdraw(signed(1)), Error::<Test>::NothingDue);
        assert_ok!(Bonds::unbond(signed(1), 1_000));
        set_time(DUE - 1);
        assert_noop!(Bonds::withdraw(signed(1)), Error::<Test>::NothingDue);
    });
}
