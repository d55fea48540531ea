//! `remove_validator`.

use crate::{Error, Event, Validator, Validators, mock::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn takes_the_company_off_the_list() {
    run(|| {
        assert_ok!(Consortium::remove_validator(RuntimeOrigin::root(), 2));
        assert_eq!(
            Validators::<Test>::get().into_inner(),
            [1, 3].map(|id| Validator { account: id, name: name(&format!("Company {id}")) })
        );
        System::assert_last_event(Event::ValidatorRemoved { account: 2, name: name("Company 2") }.into());
    });
}

#[test]
fn fails_without_a_motion() {
    run(|| {
        assert_noop!(Consortium::remove_validator(RuntimeOrigin::signed(2), 2), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_for_a_stranger() {
    run(|| {
        assert_noop!(Consortium::remove_validator(RuntimeOrigin::root(), 9), Error::<Test>::NotValidator);
    });
}

#[test]
fn fails_for_the_last_one() {
    run(|| {
        assert_ok!(Consortium::remove_validator(RuntimeOrigin::root(), 1));
        assert_ok!(Consortium::remove_validator(RuntimeOrigin::root(), 2));
        assert_noop!(Consortium::remove_validator(RuntimeOrigin::root(), 3), Error::<Test>::LastValidator);
    });
}
