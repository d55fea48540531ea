//! `add_validator`.

use crate::{Error, Event, Validator, Validators, mock::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn puts_the_company_at_the_end_of_the_list() {
    run(|| {
        set_keys(4);
        assert_ok!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("Company 4")));
        assert_eq!(Validators::<Test>::get().last(), Some(&Validator { account: 4, name: name("Company 4") }));
        System::assert_last_event(Event::ValidatorAdded { account: 4, name: name("Company 4") }.into());
    });
}

#[test]
fn fails_without_a_motion() {
    run(|| {
        assert_noop!(Consortium::add_validator(RuntimeOrigin::signed(1), 4, name("Company 4")), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_session_keys() {
    run(|| {
        assert_noop!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("Company 4")), Error::<Test>::KeysNotSet);
    });
}

#[test]
fn fails_for_a_validator() {
    run(|| {
        assert_noop!(Consortium::add_validator(RuntimeOrigin::root(), 3, name("Company 4")), Error::<Test>::AlreadyValidator);
    });
}

#[test]
fn fails_with_the_name_of_another() {
    run(|| {
        set_keys(4);
        assert_noop!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("Company 3")), Error::<Test>::NameTaken);
    });
}

#[test]
fn fails_without_a_name() {
    run(|| {
        set_keys(4);
        assert_noop!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("")), Error::<Test>::NoName);
    });
}

#[test]
fn fails_when_the_list_is_full() {
    run(|| {
        set_keys(4);
        set_keys(5);
        assert_ok!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("Company 4")));
        assert_noop!(Consortium::add_validator(RuntimeOrigin::root(), 5, name("Company 5")), Error::<Test>::TooManyValidators);
    });
}
