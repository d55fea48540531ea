//! The filter: each reason by itself, all together, and what an empty list means.

use super::{UNTIL, certificate, certificate_kind, certified, region};
use crate::{Error, Offers as Records, mock::*};
use blockcloud_primitives::{AccountId, Allow, Fact, FactKind, JobSpec, List, OfferTerms, Refusal, SiteId, Tee};
use frame_support::assert_ok;

/// Judges [`spec`] with one change against the offer of [`market`].
fn judge(change: impl FnOnce(&mut JobSpec)) -> Vec<Refusal> {
    let mut spec = spec();
    change(&mut spec);
    Offers::judge(&Records::<Test>::iter_values().next().unwrap(), &spec, pallet_timestamp::Now::<Test>::get())
}

fn only<T: Clone + core::fmt::Debug, const N: u32>(items: &[T]) -> Allow<T, N> {
    Allow::Only(items.to_vec().try_into().unwrap())
}

#[test]
fn a_job_that_fits_has_no_refusals() {
    run(|| {
        market();
        assert_eq!(judge(|_| ()), vec![]);
    });
}

#[test]
fn capacity_in_each_part() {
    run(|| {
        market();
        for asked in [resources(17, 0, 0, 0), resources(0, 65, 0, 0), resources(0, 0, 101, 0), resources(0, 0, 0, 3)] {
            assert_eq!(
                judge(|spec| {
                    spec.resources = asked;
                    spec.price_limit = u128::MAX;
                }),
                vec![Refusal::Capacity]
            );
        }
        assert_eq!(
            judge(|spec| {
                spec.resources = resources(16, 64, 100, 2);
                spec.price_limit = u128::MAX;
            }),
            vec![]
        );
    });
}

#[test]
fn capacity_that_is_reserved() {
    run(|| {
        let offer = market();
        for _ in 0..3 {
            assert_ok!(Offers::reserve(offer, &spec(), START));
            assert_eq!(judge(|_| ()), vec![]);
        }
        assert_ok!(Offers::reserve(offer, &spec(), START));
        assert_eq!(judge(|_| ()), vec![Refusal::Capacity]);
    });
}

#[test]
fn price_above_the_limit() {
    run(|| {
        market();
        assert_eq!(judge(|spec| spec.price_limit = 66), vec![]);
        assert_eq!(judge(|spec| spec.price_limit = 65), vec![Refusal::Price]);
    });
}

#[test]
fn price_beyond_any_amount() {
    run(|| {
        let offer = market();
        let mut terms = terms(SiteId(1));
        terms.price.vcpu = u128::MAX / 1_000;
        assert_ok!(Offers::update(signed(PROVIDER), offer, terms));
        let refusals = judge(|spec| {
            spec.resources = resources(u32::MAX, 0, 0, 0);
            spec.price_limit = u128::MAX;
        });
        assert_eq!(refusals, vec![Refusal::Price, Refusal::Capacity]);
    });
}

#[test]
fn window_at_both_ends() {
    run(|| {
        market();
        let OfferTerms { opens, closes, .. } = terms(SiteId(1));
        set_time(opens - 1);
        assert_eq!(judge(|_| ()), vec![Refusal::Window]);
        set_time(opens);
        assert_eq!(judge(|_| ()), vec![]);
        set_time(closes - 60_000);
        assert_eq!(judge(|_| ()), vec![]);
        set_time(closes - 60_000 + 1);
        assert_eq!(judge(|_| ()), vec![Refusal::Window]);
        set_time(u64::MAX);
        assert_eq!(judge(|_| ()), vec![Refusal::Window]);
    });
}

#[test]
fn run_longer_than_allowed() {
    run(|| {
        market();
        assert_eq!(judge(|spec| spec.longest_run = 600), vec![]);
        assert_eq!(judge(|spec| spec.longest_run = 601), vec![Refusal::LongestJob]);
    });
}

#[test]
fn cover_by_offer_and_by_bond() {
    run(|| {
        market();
        assert_eq!(judge(|spec| spec.cover = 5_000), vec![]);
        assert_eq!(judge(|spec| spec.cover = 5_001), vec![Refusal::Cover]);
        set_free_bond(PROVIDER, 999);
        assert_eq!(judge(|_| ()), vec![Refusal::Cover]);
        assert_eq!(judge(|spec| spec.cover = 999), vec![]);
    });
}

#[test]
fn hardware_that_is_not_accepted() {
    run(|| {
        market();
        let tees = |tees: Vec<Tee>| judge(|spec| spec.policy.tees = tees.try_into().unwrap());
        assert_eq!(tees(vec![Tee::Tdx]), vec![Refusal::Tee]);
        assert_eq!(tees(vec![Tee::Tdx, Tee::SevSnp]), vec![]);
        // Naming none accepts none.
        assert_eq!(tees(vec![]), vec![Refusal::Tee]);
    });
}

#[test]
fn provider_that_is_denied() {
    run(|| {
        market();
        let denied = |n| judge(|spec| spec.policy.denied_providers = vec![AccountId([n; 32])].try_into().unwrap());
        assert_eq!(denied(PROVIDER), vec![Refusal::Denied]);
        assert_eq!(denied(OTHER), vec![]);
    });
}

#[test]
fn region_must_be_vouched_for() {
    run(|| {
        market();
        let regions = |codes: &[&str]| {
            let codes: Vec<_> = codes.iter().map(|code| code.parse().unwrap()).collect();
            judge(|spec| spec.policy.regions = only(&codes))
        };
        let refused = vec![Refusal::Fact(FactKind::Region)];
        assert_eq!(regions(&["DE-BE"]), refused);
        certified(SiteId(1), region("DE-BE"));
        assert_eq!(regions(&["FR-75", "DE-BE"]), vec![]);
        assert_eq!(regions(&["FR-75"]), refused);
        // A list without entries is met by nothing.
        assert_eq!(regions(&[]), refused);
        set_time(UNTIL);
        assert_eq!(regions(&["DE-BE"]), refused);
    });
}

#[test]
fn jurisdiction_must_be_vouched_for() {
    run(|| {
        market();
        let countries = |codes: &[&str]| {
            let codes: Vec<_> = codes.iter().map(|code| code.parse().unwrap()).collect();
            judge(|spec| spec.policy.jurisdictions = only(&codes))
        };
        let refused = vec![Refusal::Fact(FactKind::Jurisdiction)];
        assert_eq!(countries(&["DE"]), refused);
        certified(SiteId(1), Fact::Jurisdiction("DE".parse().unwrap()));
        assert_eq!(countries(&["DE"]), vec![]);
        assert_eq!(countries(&["FR"]), refused);
        assert_eq!(countries(&[]), refused);
        assert_ok!(Offers::revoke(RuntimeOrigin::root(), SiteId(1), FactKind::Jurisdiction));
        assert_eq!(countries(&["DE"]), refused);
    });
}

#[test]
fn every_certificate_must_be_vouched_for() {
    run(|| {
        market();
        let certificates = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
            judge(|spec| spec.policy.certificates = names.try_into().unwrap())
        };
        let missing = |name| Refusal::Fact(certificate_kind(name));
        certified(SiteId(1), certificate("C5"));
        assert_eq!(certificates(&["C5"]), vec![]);
        assert_eq!(certificates(&["C5", "ISO27001", "HIPAA"]), vec![missing("ISO27001"), missing("HIPAA")]);
        // Each reason is given once.
        assert_eq!(certificates(&["HIPAA", "HIPAA"]), vec![missing("HIPAA")]);
        set_time(UNTIL);
        assert_eq!(certificates(&["C5"]), vec![missing("C5")]);
    });
}

#[test]
fn facts_about_another_site_do_not_count() {
    run(|| {
        market();
        certified(site_of(PROVIDER), certificate("C5"));
        let refusals = judge(|spec| spec.policy.certificates = vec!["C5".parse().unwrap()].try_into().unwrap());
        assert_eq!(refusals, vec![Refusal::Fact(certificate_kind("C5"))]);
    });
}

#[test]
fn gives_every_reason_in_order() {
    run(|| {
        market();
        set_free_bond(PROVIDER, 0);
        let refusals = judge(|spec| {
            spec.policy.denied_providers = vec![AccountId([PROVIDER; 32])].try_into().unwrap();
            spec.policy.tees = List::new();
            spec.policy.regions = only(&[]);
            spec.policy.jurisdictions = only(&[]);
            spec.policy.certificates = vec!["C5".parse().unwrap()].try_into().unwrap();
            spec.longest_run = u32::MAX;
            spec.price_limit = 0;
            spec.resources = resources(u32::MAX, 0, 0, 0);
        });
        assert_eq!(
            refusals,
            vec![
                Refusal::Denied,
                Refusal::Tee,
                Refusal::Fact(FactKind::Region),
                Refusal::Fact(FactKind::Jurisdiction),
                Refusal::Fact(certificate_kind("C5")),
                Refusal::LongestJob,
                Refusal::Window,
                Refusal::Price,
                Refusal::Cover,
                Refusal::Capacity,
            ]
        );
    });
}

#[test]
fn every_refusal_has_its_own_error() {
    let refusals = [
        Refusal::Capacity,
        Refusal::Price,
        Refusal::Window,
        Refusal::LongestJob,
        Refusal::Cover,
        Refusal::Tee,
        Refusal::Denied,
        Refusal::Fact(FactKind::Region),
        Refusal::Fact(FactKind::Jurisdiction),
        Refusal::Fact(certificate_kind("C5")),
        Refusal::Fact(FactKind::Operator),
    ];
    let names: Vec<String> = refusals.into_iter().map(|refusal| format!("{:?}", Error::<Test>::from(refusal))).collect();
    assert_eq!(
        names,
        [
            "InsufficientCapacity",
            "PriceAboveLimit",
            "OutsideWindow",
            "RunTooLong",
            "InsufficientCover",
            "TeeNotAccepted",
            "ProviderDenied",
            "RegionNotAccepted",
            "JurisdictionNotAccepted",
            "CertificateMissing",
            "OperatorNotAccepted",
        ]
    );
}
