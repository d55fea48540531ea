//! What the calls of providers do: registering, sites, offers, in the order in which `lib` declares them.
//!
//! Not here: certifiers and facts (`facts`); reserving and releasing, which only the jobs pallet does (`capacity`).

use crate::{
    Config, Error, Event, NextOffer, NextSite, Offers, OffersOf, Pallet, Providers, Sites,
    types::{Offer, OfferOf, Profile, Provider, Site, SiteOf},
};
use blockcloud_primitives::{Moment, OfferId, OfferTerms, ProviderRecord, SiteId};
use frame_support::{
    defensive, ensure,
    pallet_prelude::*,
    traits::{Get, Time},
};
use sp_runtime::ArithmeticError;

/// Milliseconds of a second.
pub(crate) const SECOND: u64 = 1_000;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(provider: T::AccountId, profile: Profile) -> DispatchResult {
        ensure!(!Providers::<T>::contains_key(&provider), Error::<T>::AlreadyRegistered);
        ensure!(is_url(&profile), Error::<T>::NotAUrl);

        let deposit = Self::take_deposit::<Provider>(&provider)?;
        let record = Provider { profile: profile.clone(), sites: 0, offers: 0, record: ProviderRecord::default(), deposit };
        Providers::<T>::insert(&provider, record);
        Self::deposit_event(Event::Registered { provider, profile });
        Ok(())
    }

    pub(crate) fn do_update_profile(provider: T::AccountId, profile: Profile) -> DispatchResult {
        let mut record = Providers::<T>::get(&provider).ok_or(Error::<T>::NotRegistered)?;
        ensure!(is_url(&profile), Error::<T>::NotAUrl);

        record.profile = profile.clone();
        Providers::<T>::insert(&provider, record);
        Self::deposit_event(Event::ProfileUpdated { provider, profile });
        Ok(())
    }

    pub(crate) fn do_deregister(provider: T::AccountId) -> DispatchResult {
        let record = Providers::<T>::get(&provider).ok_or(Error::<T>::NotRegistered)?;
        // Offers stand at sites, so without sites there are no offers either.
        ensure!(record.sites == 0, Error::<T>::HasSites);

        Providers::<T>::remove(&provider);
        Self::return_deposit(&provider, record.deposit);
        Self::deposit_event(Event::Deregistered { provider });
        Ok(())
    }

    pub(crate) fn do_add_site(provider: T::AccountId) -> DispatchResult {
        let mut owner = Providers::<T>::get(&provider).ok_or(Error::<T>::NotRegistered)?;
        ensure!(owner.sites < T::MaxSites::get(), Error::<T>::TooManySites);
        owner.sites = owner.sites.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        let site = NextSite::<T>::get();
        let next = site.next().ok_or(ArithmeticError::Overflow)?;

        let deposit = Self::take_deposit::<SiteOf<T>>(&provider)?;
        NextSite::<T>::put(next);
        Providers::<T>::insert(&provider, owner);
        Sites::<T>::insert(site, Site { provider: provider.clone(), offers: 0, facts: 0, deposit });
        Self::deposit_event(Event::SiteAdded { provider, site });
        Ok(())
    }

    pub(crate) fn do_remove_site(provider: T::AccountId, site: SiteId) -> DispatchResult {
        let record = Self::own_site(&provider, site)?;
        ensure!(record.offers == 0, Error::<T>::HasOffers);

        Sites::<T>::remove(site);
        Self::change_provider(&provider, |owner| decrease(&mut owner.sites));
        Self::return_deposit(&provider, record.deposit);
        Self::deposit_event(Event::SiteRemoved { provider, site });
        Ok(())
    }

    pub(crate) fn do_publish(provider: T::AccountId, terms: OfferTerms) -> DispatchResult {
        let mut place = Self::own_site(&provider, terms.site)?;
        Self::check_terms(&terms, T::Time::now())?;
        let mut owner = Providers::<T>::get(&provider).ok_or(Error::<T>::NotRegistered)?;
        ensure!(owner.offers < T::MaxOffers::get(), Error::<T>::TooManyOffers);
        owner.offers = owner.offers.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        place.offers = place.offers.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        let offer = NextOffer::<T>::get();
        let next = offer.next().ok_or(ArithmeticError::Overflow)?;

        let deposit = Self::take_deposit::<OfferOf<T>>(&provider)?;
        NextOffer::<T>::put(next);
        Providers::<T>::insert(&provider, owner);
        Sites::<T>::insert(terms.site, place);
        OffersOf::<T>::insert(&provider, offer, ());
        let record = Offer { provider: provider.clone(), terms: terms.clone(), free: terms.total, withdrawn: false, deposit };
        Offers::<T>::insert(offer, record);
        Self::deposit_event(Event::Published { offer, provider, terms });
        Ok(())
    }

    pub(crate) fn do_update(provider: T::AccountId, offer: OfferId, terms: OfferTerms) -> DispatchResult {
        let mut record = Self::own_standing_offer(&provider, offer)?;
        ensure!(terms.site == record.terms.site, Error::<T>::SiteFixed);
        Self::check_terms(&terms, T::Time::now())?;
        let reserved = record.reserved().ok_or(ArithmeticError::Underflow)?;
        record.free = terms.total.checked_sub(&reserved).ok_or(Error::<T>::BelowReserved)?;
        record.terms = terms.clone();

        Offers::<T>::insert(offer, record);
        Self::deposit_event(Event::Updated { offer, terms });
        Ok(())
    }

    pub(crate) fn do_withdraw(provider: T::AccountId, offer: OfferId) -> DispatchResult {
        let mut record = Self::own_standing_offer(&provider, offer)?;
        record.withdrawn = true;

        Self::deposit_event(Event::Withdrawn { offer });
        Self::store_or_remove(offer, record);
        Ok(())
    }

    /// Stores an offer after a change, or removes it if it is withdrawn and nothing of it is reserved any more.
    pub(crate) fn store_or_remove(offer: OfferId, record: OfferOf<T>) {
        if !record.withdrawn || record.free != record.terms.total {
            Offers::<T>::insert(offer, record);
            return;
        }
        Offers::<T>::remove(offer);
        OffersOf::<T>::remove(&record.provider, offer);
        Self::change_provider(&record.provider, |owner| decrease(&mut owner.offers));
        Sites::<T>::mutate_extant(record.terms.site, |place| decrease(&mut place.offers));
        Self::return_deposit(&record.provider, record.deposit);
        Self::deposit_event(Event::Removed { offer });
    }

    fn own_site(provider: &T::AccountId, site: SiteId) -> Result<SiteOf<T>, DispatchError> {
        let record = Sites::<T>::get(site).ok_or(Error::<T>::NoSite)?;
        ensure!(record.provider == *provider, Error::<T>::NotYourSite);
        Ok(record)
    }

    fn own_standing_offer(provider: &T::AccountId, offer: OfferId) -> Result<OfferOf<T>, DispatchError> {
        let record = Offers::<T>::get(offer).ok_or(Error::<T>::NoOffer)?;
        ensure!(record.provider == *provider, Error::<T>::NotYourOffer);
        ensure!(!record.withdrawn, Error::<T>::OfferWithdrawn);
        Ok(record)
    }

    fn change_provider(provider: &T::AccountId, change: impl FnOnce(&mut Provider)) {
        Providers::<T>::mutate_extant(provider, change);
    }

    fn check_terms(terms: &OfferTerms, now: Moment) -> DispatchResult {
        ensure!(!terms.tees.is_empty(), Error::<T>::NoTee);
        ensure!(!terms.total.is_zero(), Error::<T>::NoCapacity);
        ensure!(terms.closes > now, Error::<T>::BadWindow);
        let window = terms.closes.checked_sub(terms.opens).filter(|length| *length > 0).ok_or(Error::<T>::BadWindow)?;
        let longest = u64::from(terms.longest_job).checked_mul(SECOND).ok_or(ArithmeticError::Overflow)?;
        ensure!(longest > 0 && longest <= window, Error::<T>::BadLongestJob);
        ensure!(terms.price.rate(&terms.total).is_some(), Error::<T>::PriceOverflow);
        Ok(())
    }
}

/// Takes one off a counter that counts at least the thing being removed.
pub(crate) fn decrease(counter: &mut u32) {
    match counter.checked_sub(1) {
        Some(rest) => *counter = rest,
        None => {
            defensive!("a counter was zero while what it counts was there");
        }
    }
}

/// Whether this can be an agent's base URL. Nothing is fetched, so the form is all that can be checked.
fn is_url(profile: &Profile) -> bool {
    let text = profile.as_str();
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).is_some_and(|rest| !rest.is_empty())
}
