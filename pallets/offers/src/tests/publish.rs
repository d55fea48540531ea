use super::deposit_of;
use crate::{Error, Event, NextOffer, Offer, OfferOf, Offers as Records, OffersOf, Provider, Providers, SiteOf, Sites, mock::*};
use blockcloud_primitives::{List, OfferId, OfferTerms, Price, Resources, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{ArithmeticError, DispatchError, TokenError};

#[test]
fn puts_all_capacity_on_the_market() {
    run(|| {
        let offer = market();
        let deposit = deposit_of::<OfferOf<Test>>();
        let (provider, terms) = (account(PROVIDER), terms(SiteId(1)));
        assert_eq!(
            Records::<Test>::get(offer),
            Some(Offer { provider: provider.clone(), terms: terms.clone(), free: terms.total, withdrawn: false, deposit })
        );
        assert!(OffersOf::<Test>::contains_key(&provider, offer));
        assert_eq!(Providers::<Test>::get(&provider).unwrap().offers, 1);
        assert_eq!(Sites::<Test>::get(SiteId(1)).unwrap().offers, 1);
        assert_eq!(NextOffer::<Test>::get(), OfferId(1));
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit_of::<Provider>() - deposit_of::<SiteOf<Test>>() - deposit);
        System::assert_last_event(Event::Published { offer, provider, terms }.into());
    });
}

/// Publishes [`terms`] with one change.
fn publish(change: impl FnOnce(&mut OfferTerms)) -> sp_runtime::DispatchResult {
    let mut terms = terms(SiteId(1));
    change(&mut terms);
    Offers::publish(signed(PROVIDER), terms)
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::publish(RuntimeOrigin::none(), terms(SiteId(1))), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_a_site() {
    run(|| {
        registered(PROVIDER);
        assert_noop!(publish(|_| ()), Error::<Test>::NoSite);
    });
}

#[test]
fn fails_at_another_providers_site() {
    run(|| {
        market();
        registered(OTHER);
        assert_noop!(Offers::publish(signed(OTHER), terms(SiteId(1))), Error::<Test>::NotYourSite);
    });
}

#[test]
fn fails_without_hardware() {
    run(|| {
        market();
        assert_noop!(publish(|terms| terms.tees = List::new()), Error::<Test>::NoTee);
    });
}

#[test]
fn fails_without_capacity() {
    run(|| {
        market();
        assert_noop!(publish(|terms| terms.total = Resources::default()), Error::<Test>::NoCapacity);
    });
}

#[test]
fn fails_with_a_bad_window() {
    run(|| {
        market();
        assert_noop!(publish(|terms| terms.closes = START), Error::<Test>::BadWindow);
        assert_noop!(publish(|terms| terms.opens = terms.closes), Error::<Test>::BadWindow);
        assert_noop!(publish(|terms| terms.opens = terms.closes + 1), Error::<Test>::BadWindow);
    });
}

#[test]
fn fails_with_a_bad_longest_job() {
    run(|| {
        market();
        assert_noop!(publish(|terms| terms.longest_job = 0), Error::<Test>::BadLongestJob);
        assert_noop!(publish(|terms| terms.longest_job = 1_011), Error::<Test>::BadLongestJob);
        assert_ok!(publish(|terms| terms.longest_job = 1_010));
    });
}

#[test]
fn fails_with_a_price_beyond_any_amount() {
    run(|| {
        market();
        assert_noop!(publish(|terms| terms.price = Price { vcpu: u128::MAX, ..terms.price }), Error::<Test>::PriceOverflow);
    });
}

#[test]
fn fails_with_too_many() {
    run(|| {
        market();
        for _ in 1..MAX_OFFERS {
            assert_ok!(publish(|_| ()));
        }
        assert_noop!(publish(|_| ()), Error::<Test>::TooManyOffers);
    });
}

#[test]
fn fails_when_all_identifiers_are_used() {
    run(|| {
        market();
        NextOffer::<Test>::put(OfferId(u64::MAX));
        assert_noop!(publish(|_| ()), ArithmeticError::Overflow);
    });
}

#[test]
fn fails_without_the_deposit() {
    run(|| {
        market();
        assert_ok!(Balances::transfer_allow_death(signed(PROVIDER), account(9), spendable(PROVIDER) - 1));
        assert_noop!(publish(|_| ()), TokenError::FundsUnavailable);
    });
}
