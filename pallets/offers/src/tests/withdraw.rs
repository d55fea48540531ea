use super::deposit_of;
use crate::{Error, Event, Offer, Offers as Records, OffersOf, Provider, Providers, SiteOf, Sites, mock::*};
use blockcloud_primitives::{OfferId, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn removes_an_offer_without_reservations() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_eq!(Records::<Test>::get(offer), None);
        assert!(!OffersOf::<Test>::contains_key(account(PROVIDER), offer));
        assert_eq!(Providers::<Test>::get(account(PROVIDER)).unwrap().offers, 0);
        assert_eq!(Sites::<Test>::get(SiteId(1)).unwrap().offers, 0);
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit_of::<Provider>() - deposit_of::<SiteOf<Test>>());
        System::assert_has_event(Event::Withdrawn { offer }.into());
        System::assert_last_event(Event::Removed { offer }.into());
    });
}

#[test]
fn marks_an_offer_with_reservations() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        let before = Records::<Test>::get(offer).unwrap();
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_eq!(Records::<Test>::get(offer), Some(Offer { withdrawn: true, ..before }));
        System::assert_last_event(Event::Withdrawn { offer }.into());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        assert_noop!(Offers::withdraw(RuntimeOrigin::none(), OfferId(0)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_an_offer() {
    run(|| {
        assert_noop!(Offers::withdraw(signed(PROVIDER), OfferId(0)), Error::<Test>::NoOffer);
    });
}

#[test]
fn fails_for_another_providers() {
    run(|| {
        let offer = market();
        assert_noop!(Offers::withdraw(signed(OTHER), offer), Error::<Test>::NotYourOffer);
    });
}

#[test]
fn fails_when_withdrawn() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_noop!(Offers::withdraw(signed(PROVIDER), offer), Error::<Test>::OfferWithdrawn);
    });
}
