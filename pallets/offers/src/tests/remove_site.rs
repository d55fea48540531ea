use super::{certified, deposit_of, region};
use crate::{Error, Event, Facts, Provider, Providers, Sites, mock::*};
use blockcloud_primitives::{FactKind, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn returns_the_deposit() {
    run(|| {
        registered(PROVIDER);
        let site = site_of(PROVIDER);
        assert_ok!(Offers::remove_site(signed(PROVIDER), site));
        assert_eq!(Sites::<Test>::get(site), None);
        assert_eq!(Providers::<Test>::get(account(PROVIDER)).unwrap().sites, 0);
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit_of::<Provider>());
        System::assert_last_event(Event::SiteRemoved { provider: account(PROVIDER), site }.into());
    });
}

#[test]
fn leaves_facts_that_anyone_may_remove() {
    run(|| {
        registered(PROVIDER);
        let site = site_of(PROVIDER);
        certified(site, region("DE-BE"));
        assert_ok!(Offers::remove_site(signed(PROVIDER), site));
        assert!(Facts::<Test>::contains_key(site, FactKind::Region));
        assert_ok!(Offers::remove_expired_fact(signed(7), site, FactKind::Region));
        assert_eq!(spendable(CERTIFIER), ENDOWMENT);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::remove_site(RuntimeOrigin::none(), SiteId(1)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_a_site() {
    run(|| {
        registered(PROVIDER);
        assert_noop!(Offers::remove_site(signed(PROVIDER), SiteId(1)), Error::<Test>::NoSite);
    });
}

#[test]
fn fails_for_another_providers() {
    run(|| {
        registered(PROVIDER);
        registered(OTHER);
        let site = site_of(PROVIDER);
        assert_noop!(Offers::remove_site(signed(OTHER), site), Error::<Test>::NotYourSite);
    });
}

#[test]
fn fails_while_an_offer_stands() {
    run(|| {
        let offer = market();
        assert_noop!(Offers::remove_site(signed(PROVIDER), SiteId(1)), Error::<Test>::HasOffers);
        // A withdrawn offer still stands while it runs jobs.
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_noop!(Offers::remove_site(signed(PROVIDER), SiteId(1)), Error::<Test>::HasOffers);
        Offers::release(offer, &spec().resources);
        assert_ok!(Offers::remove_site(signed(PROVIDER), SiteId(1)));
    });
}
