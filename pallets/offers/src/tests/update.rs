use crate::{Error, Event, Offer, Offers as Records, Reservation, mock::*};
use blockcloud_primitives::{List, OfferId, OfferTerms, Price, Resources, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

/// Updates the offer to [`terms`] with one change.
fn update(offer: OfferId, change: impl FnOnce(&mut OfferTerms)) -> sp_runtime::DispatchResult {
    let mut terms = terms(SiteId(1));
    change(&mut terms);
    Offers::update(signed(PROVIDER), offer, terms)
}

#[test]
fn keeps_what_is_reserved_and_moves_the_rest() {
    run(|| {
        let offer = market();
        let before = Records::<Test>::get(offer).unwrap();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        let terms = OfferTerms { total: resources(5, 100, 10, 0), cover_per_job: 1, ..terms(SiteId(1)) };
        assert_ok!(Offers::update(signed(PROVIDER), offer, terms.clone()));
        assert_eq!(Records::<Test>::get(offer), Some(Offer { terms: terms.clone(), free: resources(1, 92, 0, 0), ..before }));
        System::assert_last_event(Event::Updated { offer, terms }.into());

        Offers::release(offer, &spec().resources);
        assert_eq!(Records::<Test>::get(offer).unwrap().free, resources(5, 100, 10, 0));
    });
}

#[test]
fn touches_later_jobs_only() {
    run(|| {
        let offer = market();
        let reservation = |rate| Reservation { provider: account(PROVIDER), site: SiteId(1), rate };
        assert_eq!(Offers::reserve(offer, &spec(), START), Ok(reservation(66)));
        assert_ok!(update(offer, |terms| terms.price = Price { vcpu: 20, memory_gib: 0, storage_gib: 0, gpu: 0 }));
        assert_eq!(Offers::reserve(offer, &spec(), START), Ok(reservation(80)));
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::update(RuntimeOrigin::none(), OfferId(0), terms(SiteId(1))), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_an_offer() {
    run(|| {
        market();
        assert_noop!(update(OfferId(1), |_| ()), Error::<Test>::NoOffer);
    });
}

#[test]
fn fails_for_another_providers() {
    run(|| {
        let offer = market();
        registered(OTHER);
        assert_noop!(Offers::update(signed(OTHER), offer, terms(SiteId(1))), Error::<Test>::NotYourOffer);
    });
}

#[test]
fn fails_when_withdrawn() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_noop!(update(offer, |_| ()), Error::<Test>::OfferWithdrawn);
    });
}

#[test]
fn fails_at_another_site() {
    run(|| {
        let offer = market();
        let site = site_of(PROVIDER);
        assert_noop!(update(offer, |terms| terms.site = site), Error::<Test>::SiteFixed);
    });
}

#[test]
fn fails_with_terms_that_cannot_be_published() {
    run(|| {
        let offer = market();
        assert_noop!(update(offer, |terms| terms.tees = List::new()), Error::<Test>::NoTee);
        assert_noop!(update(offer, |terms| terms.total = Resources::default()), Error::<Test>::NoCapacity);
        assert_noop!(update(offer, |terms| terms.closes = START), Error::<Test>::BadWindow);
        assert_noop!(update(offer, |terms| terms.longest_job = 0), Error::<Test>::BadLongestJob);
        assert_noop!(update(offer, |terms| terms.price.gpu = u128::MAX), Error::<Test>::PriceOverflow);
    });
}

#[test]
fn fails_below_what_is_reserved() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        let asked = spec().resources;
        for total in [
            Resources { vcpus: asked.vcpus - 1, ..asked },
            Resources { memory_gib: asked.memory_gib - 1, ..asked },
            Resources { storage_gib: asked.storage_gib - 1, ..asked },
        ] {
            assert_noop!(update(offer, |terms| terms.total = total), Error::<Test>::BelowReserved);
        }
        assert_ok!(update(offer, |terms| terms.total = asked));
        assert_eq!(Records::<Test>::get(offer).unwrap().free, Resources::default());
    });
}
