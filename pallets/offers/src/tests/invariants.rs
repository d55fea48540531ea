//! Each invariant of the README is broken once, and must be missed by name.

use super::{certificate_kind, certified, region};
use crate::{Certifiers, Facts, NextOffer, NextSite, Offers as Records, OffersOf, Providers, Sites, mock::*};
use blockcloud_primitives::{FactKind, OfferId, SiteId};
use frame_support::{
    assert_ok,
    traits::{Hooks, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::TryRuntimeError;

const OFFER: OfferId = OfferId(0);
const SITE: SiteId = SiteId(1);

/// A state that uses everything, then one thing wrong in it. Offer 0 at site 1 is [`PROVIDER`]'s, offer 1 at site 2 [`OTHER`]'s.
fn broken_by(breaking: impl FnOnce()) -> Result<(), TryRuntimeError> {
    new_test_ext().execute_with(|| {
        market();
        registered(OTHER);
        published(OTHER, terms(site_of(OTHER)));
        certified(SITE, region("DE-BE"));
        assert_ok!(Offers::reserve(OFFER, &spec(), START));
        assert_ok!(Offers::do_try_state());
        breaking();
        Offers::do_try_state()
    })
}

fn with_offer(change: impl FnOnce(&mut crate::OfferOf<Test>)) {
    Records::<Test>::mutate(OFFER, |slot| change(slot.as_mut().unwrap()));
}

fn with_site(change: impl FnOnce(&mut crate::SiteOf<Test>)) {
    Sites::<Test>::mutate(SITE, |slot| change(slot.as_mut().unwrap()));
}

fn with_provider(change: impl FnOnce(&mut crate::Provider)) {
    Providers::<Test>::mutate(account(PROVIDER), |slot| change(slot.as_mut().unwrap()));
}

fn missed(text: &'static str) -> Result<(), TryRuntimeError> {
    Err(text.into())
}

#[test]
fn not_oversold() {
    assert_eq!(broken_by(|| with_offer(|offer| offer.free.gpus = 3)), missed("offers 1: more is free than there is"));
}

#[test]
fn counted() {
    assert_eq!(broken_by(|| with_provider(|provider| provider.sites += 1)), missed("offers 2: a provider's sites are miscounted"));
    assert_eq!(broken_by(|| with_provider(|provider| provider.offers -= 1)), missed("offers 2: a provider's offers are miscounted"));
    assert_eq!(broken_by(|| with_site(|site| site.offers += 1)), missed("offers 2: a site's offers are miscounted"));
    assert_eq!(broken_by(|| with_site(|site| site.facts = 0)), missed("offers 2: a site's facts are miscounted"));
    let uncounted = || frame_support::storage::unhashed::kill(&Certifiers::<Test>::hashed_key_for(account(CERTIFIER)));
    assert_eq!(broken_by(uncounted), missed("offers 2: certifiers are miscounted"));
}

#[test]
fn placed() {
    assert_eq!(broken_by(|| Sites::<Test>::remove(SITE)), missed("offers 3: an offer stands at no site"));
    assert_eq!(
        broken_by(|| with_offer(|offer| offer.terms.site = SiteId(2))),
        missed("offers 3: an offer stands at another provider's site")
    );
    assert_eq!(
        broken_by(|| OffersOf::<Test>::remove(account(PROVIDER), OFFER)),
        missed("offers 3: an offer is not in its provider's list")
    );
    assert_eq!(
        broken_by(|| OffersOf::<Test>::insert(account(OTHER), OFFER, ())),
        missed("offers 3: a provider's list names an offer that is not its own")
    );
    assert_eq!(broken_by(|| Providers::<Test>::remove(account(OTHER))), missed("offers 3: a site belongs to nobody"));
}

#[test]
fn gone_when_empty() {
    let breaking = || {
        with_offer(|offer| {
            offer.withdrawn = true;
            offer.free = offer.terms.total;
        })
    };
    assert_eq!(broken_by(breaking), missed("offers 4: a withdrawn offer without reservations is stored"));
}

#[test]
fn named_once() {
    let twice = missed("offers 5: an identifier would be handed out twice");
    assert_eq!(broken_by(|| NextOffer::<Test>::put(OfferId(1))), twice);
    assert_eq!(broken_by(|| NextSite::<Test>::put(SiteId(2))), twice);
    let site_zero = || Sites::<Test>::insert(SiteId(0), Sites::<Test>::get(SITE).unwrap());
    assert_eq!(broken_by(site_zero), twice);
    let other_kind = || Facts::<Test>::insert(SITE, certificate_kind("C5"), Facts::<Test>::get(SITE, FactKind::Region).unwrap());
    assert_eq!(broken_by(other_kind), missed("offers 5: a fact is stored under another kind"));
}

#[test]
fn deposited() {
    let wrong = missed("offers 6: deposits are not what is on hold");
    assert_eq!(broken_by(|| with_offer(|offer| offer.deposit += 1)), wrong);
    assert_eq!(broken_by(|| with_site(|site| site.deposit -= 1)), wrong);
    assert_eq!(broken_by(|| with_provider(|provider| provider.deposit += 1)), wrong);
    let fact = || Facts::<Test>::mutate(SITE, FactKind::Region, |slot| slot.as_mut().unwrap().deposit += 1);
    assert_eq!(broken_by(fact), wrong);
    let released = || {
        let reason = RuntimeHoldReason::Offers(crate::HoldReason::Deposit);
        Balances::release(&reason, &account(PROVIDER), 1, Precision::Exact).unwrap();
    };
    assert_eq!(broken_by(released), wrong);
}

#[test]
fn bounded() {
    let copies = |number: u32, copy: fn(u32)| move || (0..number).for_each(copy);
    let sites = copies(MAX_SITES, |n| {
        Sites::<Test>::insert(SiteId(3 + n), crate::Site { provider: account(PROVIDER), offers: 0, facts: 0, deposit: 0 });
        NextSite::<Test>::put(SiteId(4 + n));
        with_provider(|provider| provider.sites += 1);
    });
    assert_eq!(broken_by(sites), missed("offers 7: a provider has too many sites"));

    let offers = copies(MAX_OFFERS, |n| {
        let id = OfferId(2 + u64::from(n));
        Records::<Test>::insert(id, crate::Offer { deposit: 0, ..Records::<Test>::get(OFFER).unwrap() });
        OffersOf::<Test>::insert(account(PROVIDER), id, ());
        NextOffer::<Test>::put(OfferId(id.0 + 1));
        with_provider(|provider| provider.offers += 1);
        with_site(|site| site.offers += 1);
    });
    assert_eq!(broken_by(offers), missed("offers 7: a provider has too many offers"));

    let facts = copies(MAX_FACTS, |n| {
        let fact = super::certificate(&format!("SCHEME{n}"));
        let record = crate::FactRecord { fact: fact.clone(), certifier: account(CERTIFIER), until: START, deposit: 0 };
        Facts::<Test>::insert(SITE, fact.kind(), record);
        with_site(|site| site.facts += 1);
    });
    assert_eq!(broken_by(facts), missed("offers 7: too many facts about a site"));

    let certifiers = copies(MAX_CERTIFIERS, |n| Certifiers::<Test>::insert(account(100 + n as u8), ()));
    assert_eq!(broken_by(certifiers), missed("offers 7: too many certifiers"));
}

#[test]
fn sums_that_overflow_are_violations() {
    assert_eq!(broken_by(|| with_offer(|offer| offer.deposit = u128::MAX)), missed("offers: a sum overflows"));
}

#[test]
fn the_configuration_is_sound() {
    new_test_ext().execute_with(Offers::integrity_test);
}
