use super::deposit_of;
use crate::{Event, Offers as Records, Provider, Providers, SiteOf, mock::*};
use blockcloud_primitives::Resources;
use frame_support::assert_ok;

#[test]
fn frees_what_was_reserved() {
    run(|| {
        let offer = market();
        let before = Records::<Test>::get(offer);
        assert_ok!(Offers::reserve(offer, &spec(), START));
        Offers::release(offer, &spec().resources);
        assert_eq!(Records::<Test>::get(offer), before);
        System::assert_last_event(Event::Released { offer, resources: spec().resources }.into());
    });
}

#[test]
fn the_last_release_removes_a_withdrawn_offer() {
    run(|| {
        let offer = market();
        let small = resources(1, 0, 0, 0);
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::reserve(offer, &blockcloud_primitives::JobSpec { resources: small, ..spec() }, START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        Offers::release(offer, &spec().resources);
        assert_eq!(Records::<Test>::get(offer).unwrap().reserved(), Some(small));
        Offers::release(offer, &small);
        assert_eq!(Records::<Test>::get(offer), None);
        assert_eq!(Providers::<Test>::get(account(PROVIDER)).unwrap().offers, 0);
        assert_eq!(spendable(PROVIDER), ENDOWMENT - deposit_of::<Provider>() - deposit_of::<SiteOf<Test>>());
        System::assert_has_event(Event::Released { offer, resources: small }.into());
        System::assert_last_event(Event::Removed { offer }.into());
    });
}

#[test]
fn an_offer_that_is_sold_out_and_withdrawn_waits_for_its_job() {
    run(|| {
        let offer = market();
        let all = blockcloud_primitives::JobSpec { resources: resources(16, 64, 100, 2), price_limit: 1_000, ..spec() };
        assert_ok!(Offers::reserve(offer, &all, START));
        assert_eq!(Records::<Test>::get(offer).unwrap().free, Resources::default());
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        Offers::release(offer, &all.resources);
        assert_eq!(Records::<Test>::get(offer), None);
    });
}
