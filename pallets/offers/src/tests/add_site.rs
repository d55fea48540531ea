use super::deposit_of;
use crate::{Error, Event, NextSite, Provider, Providers, Site, SiteOf, Sites, mock::*};
use blockcloud_primitives::SiteId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{ArithmeticError, DispatchError, TokenError};

#[test]
fn hands_out_the_next_identifier() {
    run(|| {
        registered(PROVIDER);
        registered(OTHER);
        assert_ok!(Offers::add_site(signed(PROVIDER)));
        assert_ok!(Offers::add_site(signed(OTHER)));
        let deposit = deposit_of::<SiteOf<Test>>();
        let site = |n| Site { provider: account(n), offers: 0, facts: 0, deposit };
        assert_eq!(Sites::<Test>::get(SiteId(1)), Some(site(PROVIDER)));
        assert_eq!(Sites::<Test>::get(SiteId(2)), Some(site(OTHER)));
        assert_eq!(NextSite::<Test>::get(), SiteId(3));
        assert_eq!(Providers::<Test>::get(account(PROVIDER)).unwrap().sites, 1);
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit_of::<Provider>() - deposit);
        System::assert_last_event(Event::SiteAdded { provider: account(OTHER), site: SiteId(2) }.into());
    });
}

#[test]
fn never_hands_out_an_identifier_twice() {
    run(|| {
        registered(PROVIDER);
        let first = site_of(PROVIDER);
        assert_ok!(Offers::remove_site(signed(PROVIDER), first));
        assert_ne!(site_of(PROVIDER), first);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::add_site(RuntimeOrigin::none()), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_not_registered() {
    run(|| {
        assert_noop!(Offers::add_site(signed(PROVIDER)), Error::<Test>::NotRegistered);
    });
}

#[test]
fn fails_with_too_many() {
    run(|| {
        registered(PROVIDER);
        for _ in 0..MAX_SITES {
            site_of(PROVIDER);
        }
        assert_noop!(Offers::add_site(signed(PROVIDER)), Error::<Test>::TooManySites);
    });
}

#[test]
fn fails_when_all_identifiers_are_used() {
    run(|| {
        registered(PROVIDER);
        NextSite::<Test>::put(SiteId(u32::MAX));
        assert_noop!(Offers::add_site(signed(PROVIDER)), ArithmeticError::Overflow);
    });
}

#[test]
fn fails_without_the_deposit() {
    run(|| {
        registered(PROVIDER);
        assert_ok!(Balances::transfer_allow_death(signed(PROVIDER), account(9), spendable(PROVIDER) - 1));
        assert_noop!(Offers::add_site(signed(PROVIDER)), TokenError::FundsUnavailable);
    });
}
