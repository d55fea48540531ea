//! Benchmarks of the calls at their worst: longest texts, deposits changing hands.
//!
//! Reserving and releasing are benchmarked with the calls of the jobs pallet that do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

use crate::{calls::SECOND, types::*, *};
use blockcloud_primitives::{Balance, Fact, FactKind, Moment, OfferId, OfferTerms, Price, Resources, SiteId, Tee};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    EnsureOrigin, Get, Time,
    fungible::{Inspect as _, Unbalanced as _},
    tokens::Precision,
};
use frame_system::RawOrigin;

/// An account that can pay every deposit.
fn funded<T: Config>(name: &'static str) -> T::AccountId {
    let who: T::AccountId = account(name, 0, 0);
    let most = Pallet::<T>::deposit_for::<(Provider, OfferOf<T>, FactRecordOf<T>)>().expect("deposits are amounts");
    let amount: Balance = (most + T::Currency::minimum_balance()) * 100;
    T::Currency::increase_balance(&who, amount, Precision::BestEffort).expect("the account can be funded");
    who
}

/// The longest profile there is.
fn profile() -> Profile {
    let mut text = alloc::string::String::from("https://");
    while text.len() < 256 {
        text.push('a');
    }
    text.parse().expect("256 bytes are within the bound")
}

fn provider<T: Config>() -> T::AccountId {
    let who = funded::<T>("provider");
    Pallet::<T>::register(RawOrigin::Signed(who.clone()).into(), profile()).expect("the account can register");
    who
}

fn site<T: Config>(provider: &T::AccountId) -> SiteId {
    let site = NextSite::<T>::get();
    Pallet::<T>::add_site(RawOrigin::Signed(provider.clone()).into()).expect("the provider can add a site");
    site
}

fn terms<T: Config>(site: SiteId) -> OfferTerms {
    OfferTerms {
        site,
        tees: [Tee::SevSnp; 4].to_vec().try_into().expect("four are within the bound"),
        total: Resources { vcpus: 1_000, memory_gib: 1_000, storage_gib: 1_000, gpus: 1_000 },
        price: Price { vcpu: 1, memory_gib: 1, storage_gib: 1, gpu: 1 },
        opens: 0,
        closes: T::Time::now() + 1_000 * SECOND,
        longest_job: 1,
        cover_per_job: 1,
    }
}

fn offer<T: Config>(provider: &T::AccountId) -> OfferId {
    let offer = NextOffer::<T>::get();
    let terms = terms::<T>(site::<T>(provider));
    Pallet::<T>::publish(RawOrigin::Signed(provider.clone()).into(), terms).expect("the provider can publish");
    offer
}

fn certifier<T: Config>(name: &'static str) -> T::AccountId {
    let who = funded::<T>(name);
    Certifiers::<T>::insert(&who, ());
    who
}

/// The longest fact there is.
fn fact() -> Fact {
    let text = alloc::string::String::from_utf8([b'A'; 64].to_vec()).expect("it is ASCII");
    Fact::Operator(text.parse().expect("64 bytes are within the bound"))
}

fn until<T: Config>() -> Moment {
    T::Time::now() + Moment::from(T::MaxFactValidity::get()) * SECOND
}

/// A fact about a new site.
fn vouched<T: Config>(certifier: &T::AccountId) -> SiteId {
    let site = site::<T>(&provider::<T>());
    Pallet::<T>::certify(RawOrigin::Signed(certifier.clone()).into(), site, fact(), until::<T>()).expect("the certifier can vouch");
    site
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let who = funded::<T>("provider");
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), profile());
        assert!(Providers::<T>::contains_key(&who));
    }

    #[benchmark]
    fn update_profile() {
        let who = provider::<T>();
        let new: Profile = "https://new.example".parse().expect("it is short");
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), new.clone());
        assert_eq!(Pallet::<T>::endpoint(&who), Some(new));
    }

    #[benchmark]
    fn deregister() {
        let who = provider::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()));
        assert!(!Providers::<T>::contains_key(&who));
    }

    #[benchmark]
    fn add_site() {
        let who = provider::<T>();
        let next = NextSite::<T>::get();
        #[extrinsic_call]
        _(RawOrigin::Signed(who));
        assert!(Sites::<T>::contains_key(next));
    }

    #[benchmark]
    fn remove_site() {
        let who = provider::<T>();
        let site = site::<T>(&who);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), site);
        assert!(!Sites::<T>::contains_key(site));
    }

    #[benchmark]
    fn publish() {
        let who = provider::<T>();
        let terms = terms::<T>(site::<T>(&who));
        let next = NextOffer::<T>::get();
        #[extrinsic_call]
        _(RawOrigin::Signed(who), terms);
        assert!(Offers::<T>::contains_key(next));
    }

    #[benchmark]
    fn update() {
        let who = provider::<T>();
        let id = offer::<T>(&who);
        let mut terms = Offers::<T>::get(id).expect("it was published").terms;
        terms.longest_job = 2;
        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, terms.clone());
        assert_eq!(Offers::<T>::get(id).map(|offer| offer.terms), Some(terms));
    }

    #[benchmark]
    fn withdraw() {
        let who = provider::<T>();
        let id = offer::<T>(&who);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), id);
        assert!(!Offers::<T>::contains_key(id));
    }

    #[benchmark]
    fn accredit() -> Result<(), BenchmarkError> {
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let who: T::AccountId = account("certifier", 0, 0);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, who.clone());
        assert!(Certifiers::<T>::contains_key(&who));
        Ok(())
    }

    #[benchmark]
    fn discredit() -> Result<(), BenchmarkError> {
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let who = certifier::<T>("certifier");
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, who.clone());
        assert!(!Certifiers::<T>::contains_key(&who));
        Ok(())
    }

    /// At its worst another certifier's expired fact is replaced: two deposits move.
    #[benchmark]
    fn certify() {
        let (old, new) = (certifier::<T>("old"), certifier::<T>("new"));
        let site = vouched::<T>(&old);
        Facts::<T>::mutate(site, FactKind::Operator, |slot| {
            if let Some(record) = slot {
                record.until = 0;
            }
        });
        #[extrinsic_call]
        _(RawOrigin::Signed(new.clone()), site, fact(), until::<T>());
        assert_eq!(Facts::<T>::get(site, FactKind::Operator).map(|record| record.certifier), Some(new));
    }

    #[benchmark]
    fn revoke() {
        let who = certifier::<T>("certifier");
        let site = vouched::<T>(&who);
        #[extrinsic_call]
        _(RawOrigin::Signed(who), site, FactKind::Operator);
        assert!(!Facts::<T>::contains_key(site, FactKind::Operator));
    }

    /// At its worst the fact is not expired and its certifier has to be looked up.
    #[benchmark]
    fn remove_expired_fact() {
        let who = certifier::<T>("certifier");
        let site = vouched::<T>(&who);
        Certifiers::<T>::remove(&who);
        let anyone: T::AccountId = whitelisted_caller();
        #[extrinsic_call]
        _(RawOrigin::Signed(anyone), site, FactKind::Operator);
        assert!(!Facts::<T>::contains_key(site, FactKind::Operator));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
