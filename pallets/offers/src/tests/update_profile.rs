use super::{certified, region};
use crate::{Error, Event, Facts, Providers, mock::*};
use blockcloud_primitives::{FactKind, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn changes_the_profile_and_nothing_else() {
    run(|| {
        market();
        certified(SiteId(1), region("DE-BE"));
        let (before, fact) = (Providers::<Test>::get(account(PROVIDER)).unwrap(), Facts::<Test>::get(SiteId(1), FactKind::Region));
        let profile: crate::Profile = "https://new.example".parse().unwrap();
        assert_ok!(Offers::update_profile(signed(PROVIDER), profile.clone()));
        assert_eq!(Providers::<Test>::get(account(PROVIDER)), Some(crate::Provider { profile: profile.clone(), ..before }));
        assert_eq!(Facts::<Test>::get(SiteId(1), FactKind::Region), fact);
        System::assert_last_event(Event::ProfileUpdated { provider: account(PROVIDER), profile }.into());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::update_profile(RuntimeOrigin::none(), "https://a".parse().unwrap()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_not_registered() {
    run(|| {
        assert_noop!(Offers::update_profile(signed(PROVIDER), "https://a".parse().unwrap()), Error::<Test>::NotRegistered);
    });
}

#[test]
fn fails_with_anything_but_a_url() {
    run(|| {
        registered(PROVIDER);
        assert_noop!(Offers::update_profile(signed(PROVIDER), "agent.example".parse().unwrap()), Error::<Test>::NotAUrl);
    });
}
