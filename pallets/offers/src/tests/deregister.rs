use crate::{Error, Event, Providers, mock::*};
use blockcloud_primitives::SiteId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn returns_everything() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_ok!(Offers::remove_site(signed(PROVIDER), SiteId(1)));
        assert_ok!(Offers::deregister(signed(PROVIDER)));
        assert_eq!(Providers::<Test>::get(account(PROVIDER)), None);
        assert_eq!(spendable(PROVIDER), ENDOWMENT);
        System::assert_last_event(Event::Deregistered { provider: account(PROVIDER) }.into());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::deregister(RuntimeOrigin::none()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_not_registered() {
    run(|| {
        assert_noop!(Offers::deregister(signed(PROVIDER)), Error::<Test>::NotRegistered);
    });
}

#[test]
fn fails_with_sites() {
    run(|| {
        registered(PROVIDER);
        site_of(PROVIDER);
        assert_noop!(Offers::deregister(signed(PROVIDER)), Error::<Test>::HasSites);
    });
}
