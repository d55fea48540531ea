//! What the market shows.

use super::{UNTIL, certificate, certified, region};
use crate::{mock::*, views::MAX_PAGE};
use blockcloud_primitives::{
    AccountId, End, FactView, OfferFilter, OfferId, OfferTerms, OfferView, Price, ProviderRecord, Quote, Refusal, SiteId, Tee,
};
use frame_support::assert_ok;
use std::collections::BTreeSet;

#[test]
fn endpoint_is_the_profile() {
    run(|| {
        assert_eq!(Offers::endpoint(&account(PROVIDER)), None);
        registered(PROVIDER);
        assert_eq!(Offers::endpoint(&account(PROVIDER)), Some("https://agent.example".parse().unwrap()));
    });
}

#[test]
fn offer_view_shows_everything_at_once() {
    run(|| {
        let offer = market();
        certified(SiteId(1), certificate("C5"));
        certified(SiteId(1), region("DE-BE"));
        assert_ok!(Offers::certify(signed(CERTIFIER_2), SiteId(1), certificate("SOC2"), START + 1));
        set_time(START + 1);
        assert_ok!(Offers::reserve(offer, &spec(), START));
        Offers::note_end(&account(PROVIDER), End::Completed);
        let terms = terms(SiteId(1));
        let fact = |fact| FactView { fact, certifier: AccountId([CERTIFIER; 32]), until: UNTIL };
        assert_eq!(
            Offers::offer_view(offer),
            Some(OfferView {
                id: offer,
                provider: AccountId([PROVIDER; 32]),
                endpoint: "https://agent.example".parse().unwrap(),
                site: SiteId(1),
                // The third has expired.
                facts: vec![fact(region("DE-BE")), fact(certificate("C5"))],
                tees: terms.tees,
                total: terms.total,
                free: resources(12, 56, 90, 2),
                price: terms.price,
                opens: terms.opens,
                closes: terms.closes,
                longest_job: terms.longest_job,
                cover_per_job: terms.cover_per_job,
                free_bond: 10_000,
                record: ProviderRecord { completed: 1, ..Default::default() },
            })
        );
    });
}

#[test]
fn offer_view_ends_with_the_withdrawal() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_eq!(Offers::offer_view(offer), None);
        assert_eq!(Offers::offer_view(OfferId(99)), None);
    });
}

/// Four offers of [`PROVIDER`], the first of them of TDX, and two of [`OTHER`], small ones.
fn six_offers() {
    registered(PROVIDER);
    registered(OTHER);
    let (first, second) = (site_of(PROVIDER), site_of(OTHER));
    published(PROVIDER, OfferTerms { tees: vec![Tee::Tdx].try_into().unwrap(), ..terms(first) });
    for _ in 1..4 {
        published(PROVIDER, terms(first));
    }
    for _ in 0..2 {
        published(OTHER, OfferTerms { total: resources(1, 1, 1, 0), ..terms(second) });
    }
}

/// All pages of a filter, by identifier; checks that none is too long.
fn walk(filter: &OfferFilter, limit: u32) -> Vec<OfferId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Offers::offers_page(filter, after, limit);
        assert!(page.items.len() <= limit as usize);
        seen.extend(page.items.iter().map(|view| view.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return seen,
        }
    }
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<OfferId> {
    numbers.into_iter().map(OfferId).collect()
}

#[test]
fn pages_show_every_offer_once() {
    run(|| {
        six_offers();
        for limit in 1..=7 {
            let seen = walk(&OfferFilter::default(), limit);
            assert_eq!(seen.len(), 6, "limit {limit}");
            assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), ids(0..6), "limit {limit}");
        }
    });
}

#[test]
fn the_last_page_names_no_next() {
    run(|| {
        six_offers();
        assert_eq!(Offers::offers_page(&OfferFilter::default(), None, 6).next, None);
        assert!(Offers::offers_page(&OfferFilter::default(), None, 5).next.is_some());
        // Zero is taken as one, anything above the largest page as the largest.
        assert_eq!(Offers::offers_page(&OfferFilter::default(), None, 0).items.len(), 1);
        assert_eq!(Offers::offers_page(&OfferFilter::default(), None, u32::MAX).items.len(), 6);
    });
}

#[test]
fn a_page_begins_after_an_offer_that_is_gone() {
    run(|| {
        six_offers();
        for provider in [None, Some(AccountId([PROVIDER; 32]))] {
            let filter = OfferFilter { provider, ..Default::default() };
            let first = Offers::offers_page(&filter, None, 1);
            let after = first.next.unwrap();
            let rest = walk(&filter, 10).split_off(1);
            let owner = if after.0 < 4 { PROVIDER } else { OTHER };
            assert_ok!(Offers::withdraw(signed(owner), after));
            let seen: Vec<_> = Offers::offers_page(&filter, Some(after), 10).items.iter().map(|view| view.id).collect();
            assert_eq!(seen, rest);
        }
    });
}

#[test]
fn filters_select() {
    run(|| {
        six_offers();
        let seen = |filter: OfferFilter| walk(&filter, 1).into_iter().collect::<BTreeSet<_>>();
        let provider = |n| OfferFilter { provider: Some(AccountId([n; 32])), ..Default::default() };
        assert_eq!(seen(provider(PROVIDER)), ids(0..4));
        assert_eq!(seen(provider(OTHER)), ids(4..6));
        assert_eq!(seen(provider(9)), ids([]));
        assert_eq!(seen(OfferFilter { tee: Some(Tee::Tdx), ..Default::default() }), ids([0]));
        assert_eq!(seen(OfferFilter { free: Some(resources(2, 0, 0, 0)), ..Default::default() }), ids(0..4));
        assert_eq!(seen(OfferFilter { tee: Some(Tee::SevSnp), ..provider(PROVIDER) }), ids(1..4));
    });
}

#[test]
fn withdrawn_offers_are_on_no_page() {
    run(|| {
        let offer = market();
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_ok!(Offers::withdraw(signed(PROVIDER), offer));
        assert_eq!(walk(&OfferFilter::default(), 10), vec![]);
        assert_eq!(Offers::quotes(&spec(), 10), vec![]);
    });
}

#[test]
fn quotes_rank_the_fitting_by_price_then_the_refused_by_reasons() {
    run(|| {
        registered(PROVIDER);
        set_free_bond(PROVIDER, 10_000);
        let site = site_of(PROVIDER);
        let price = |vcpu| Price { vcpu, memory_gib: 0, storage_gib: 0, gpu: 0 };
        let dear = published(PROVIDER, OfferTerms { price: price(20), ..terms(site) });
        let small = published(PROVIDER, OfferTerms { price: price(1), total: resources(1, 1, 1, 0), cover_per_job: 0, ..terms(site) });
        let cheap = published(PROVIDER, OfferTerms { price: price(5), ..terms(site) });
        let beyond = published(PROVIDER, OfferTerms { price: price(26), ..terms(site) });
        let quote = |offer, rate, refusals| Quote { offer, provider: AccountId([PROVIDER; 32]), rate, total: rate * 60, refusals };
        let all = vec![
            quote(cheap, 20, vec![]),
            quote(dear, 80, vec![]),
            quote(beyond, 104, vec![Refusal::Price]),
            quote(small, 4, vec![Refusal::Cover, Refusal::Capacity]),
        ];
        assert_eq!(Offers::quotes(&spec(), 10), all);
        assert_eq!(Offers::quotes(&spec(), MAX_PAGE + 1), all);
        assert_eq!(Offers::quotes(&spec(), 2), all[..2]);
        assert_eq!(Offers::quotes(&spec(), 0), all[..1]);
    });
}

#[test]
fn a_quote_that_fits_is_what_a_reservation_gets() {
    run(|| {
        market();
        let quote = Offers::quotes(&spec(), 1).remove(0);
        assert_eq!(quote.refusals, vec![]);
        assert_eq!(Offers::reserve(quote.offer, &spec(), START).map(|reservation| reservation.rate), Ok(quote.rate));
    });
}
