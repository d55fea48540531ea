use super::deposit_of;
use crate::{Error, Event, Provider, Providers, mock::*};
use blockcloud_primitives::ProviderRecord;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn stores_the_provider_for_a_deposit() {
    run(|| {
        let profile: crate::Profile = "https://agent.example".parse().unwrap();
        assert_ok!(Offers::register(signed(PROVIDER), profile.clone()));
        let deposit = deposit_of::<Provider>();
        assert_eq!(
            Providers::<Test>::get(account(PROVIDER)),
            Some(Provider { profile: profile.clone(), sites: 0, offers: 0, record: ProviderRecord::default(), deposit })
        );
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit);
        System::assert_last_event(Event::Registered { provider: account(PROVIDER), profile }.into());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::register(RuntimeOrigin::none(), "https://a".parse().unwrap()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_registered() {
    run(|| {
        registered(PROVIDER);
        assert_noop!(Offers::register(signed(PROVIDER), "https://a".parse().unwrap()), Error::<Test>::AlreadyRegistered);
    });
}

#[test]
fn fails_with_anything_but_a_url() {
    run(|| {
        for profile in ["", "agent.example", "https://", "http://", "ftp://agent.example", " https://agent.example"] {
            assert_noop!(Offers::register(signed(PROVIDER), profile.parse().unwrap()), Error::<Test>::NotAUrl);
        }
        assert_ok!(Offers::register(signed(PROVIDER), "http://127.0.0.1:8080".parse().unwrap()));
    });
}

#[test]
fn fails_without_the_deposit() {
    run(|| {
        assert_noop!(Offers::register(signed(9), "https://a".parse().unwrap()), TokenError::FundsUnavailable);
    });
}
