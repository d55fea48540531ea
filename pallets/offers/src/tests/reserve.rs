use super::{UNTIL, certificate, certified};
use crate::{Error, Event, Offer, Offers as Records, Reservation, mock::*};
use blockcloud_primitives::{AccountId, Allow, JobSpec, List, OfferId, Resources, SiteId};
use frame_support::{assert_noop, assert_ok};

/// Reserves for [`spec`] with one change, at the start.
fn reserve(offer: OfferId, change: impl FnOnce(&mut JobSpec)) -> Result<crate::ReservationOf<Test>, sp_runtime::DispatchError> {
    let mut spec = spec();
    change(&mut spec);
    Offers::reserve(offer, &spec, START)
}

#[test]
fn takes_from_what_is_free_and_pins_the_price() {
    run(|| {
        let offer = market();
        let before = Records::<Test>::get(offer).unwrap();
        let reservation = Reservation { provider: account(PROVIDER), site: SiteId(1), rate: 66 };
        assert_eq!(Offers::reserve(offer, &spec(), START), Ok(reservation));
        assert_eq!(Records::<Test>::get(offer), Some(Offer { free: resources(12, 56, 90, 2), ..before }));
        assert_eq!(Records::<Test>::get(offer).unwrap().reserved(), Some(spec().resources));
        System::assert_last_event(Event::Reserved { offer, resources: spec().resources }.into());
    });
}

#[test]
fn sells_all_there_is_and_never_more() {
    run(|| {
        let offer = market();
        for _ in 0..4 {
            assert_ok!(Offers::reserve(offer, &spec(), START));
        }
        assert_eq!(Records::<Test>::get(offer).unwrap().free, resources(0, 32, 60, 2));
        assert_noop!(Offers::reserve(offer, &spec(), START), Error::<Test>::InsufficientCapacity);
        Offers::release(offer, &spec().resources);
        assert_ok!(Offers::reserve(offer, &spec(), START));
    });
}

#[test]
fn fails_without_resources() {
    run(|| {
        let offer = market();
        assert_noop!(reserve(offer, |spec| spec.resources = Resources::default()), Error::<Test>::NothingAsked);
    });
}

#[test]
fn fails_without_an_offer() {
    run(|| {
        assert_noop!(reserve(OfferId(0), |_| ()), Error::<Test>::NoOffer);
    });
}

#[test]
fn fails_when_withdrawn() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_noop!(reserve(offer, |_| ()), Error::<Test>::OfferWithdrawn);
    });
}

#[test]
fn fails_with_the_error_of_each_refusal() {
    run(|| {
        let offer = market();
        assert_noop!(
            reserve(offer, |spec| {
                spec.resources = resources(17, 0, 0, 0);
                spec.price_limit = 1_000;
            }),
            Error::<Test>::InsufficientCapacity
        );
        assert_noop!(reserve(offer, |spec| spec.price_limit = 65), Error::<Test>::PriceAboveLimit);
        assert_noop!(Offers::reserve(offer, &spec(), terms(SiteId(1)).closes), Error::<Test>::OutsideWindow);
        assert_noop!(reserve(offer, |spec| spec.longest_run = 601), Error::<Test>::RunTooLong);
        assert_noop!(reserve(offer, |spec| spec.cover = 5_001), Error::<Test>::InsufficientCover);
        assert_noop!(reserve(offer, |spec| spec.policy.tees = List::new()), Error::<Test>::TeeNotAccepted);
        let denied = vec![AccountId([PROVIDER; 32])];
        assert_noop!(reserve(offer, |spec| spec.policy.denied_providers = denied.try_into().unwrap()), Error::<Test>::ProviderDenied);
        assert_noop!(reserve(offer, |spec| spec.policy.regions = Allow::Only(List::new())), Error::<Test>::RegionNotAccepted);
        assert_noop!(reserve(offer, |spec| spec.policy.jurisdictions = Allow::Only(List::new())), Error::<Test>::JurisdictionNotAccepted);
        let certificates = vec!["C5".parse().unwrap()];
        assert_noop!(reserve(offer, |spec| spec.policy.certificates = certificates.try_into().unwrap()), Error::<Test>::CertificateMissing);
    });
}

#[test]
fn fails_once_a_fact_has_expired() {
    run(|| {
        let offer = market();
        certified(SiteId(1), certificate("C5"));
        let mut spec = spec();
        spec.policy.certificates = vec!["C5".parse().unwrap()].try_into().unwrap();
        assert_ok!(Offers::reserve(offer, &spec, UNTIL - 1));
        assert_noop!(Offers::reserve(offer, &spec, UNTIL), Error::<Test>::CertificateMissing);
    });
}
