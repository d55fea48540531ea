use crate::{Certifiers, Error, Event, mock::*};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn lets_an_account_vouch() {
    run(|| {
        assert_ok!(Offers::accredit(RuntimeOrigin::root(), account(7)));
        assert!(Certifiers::<Test>::contains_key(account(7)));
        System::assert_last_event(Event::Accredited { certifier: account(7) }.into());
    });
}

#[test]
fn fails_for_anyone_but_governance() {
    run(|| {
        assert_noop!(Offers::accredit(signed(CERTIFIER), account(7)), DispatchError::BadOrigin);
        assert_noop!(Offers::accredit(RuntimeOrigin::none(), account(7)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_accredited() {
    run(|| {
        assert_noop!(Offers::accredit(RuntimeOrigin::root(), account(CERTIFIER)), Error::<Test>::AlreadyAccredited);
    });
}

#[test]
fn fails_with_too_many() {
    run(|| {
        assert_ok!(Offers::accredit(RuntimeOrigin::root(), account(7)));
        assert_noop!(Offers::accredit(RuntimeOrigin::root(), account(8)), Error::<Test>::TooManyCertifiers);
    });
}
