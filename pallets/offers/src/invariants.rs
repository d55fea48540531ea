//! What must hold in every state, numbered as in the README, and what must hold of the configuration.
//!
//! Not here: repair. A violated invariant is a defect of the code.

use crate::{
    Config, Pallet,
    types::{FactRecordOf, OfferOf, Provider, SiteOf},
};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_integrity_test() {
        assert!(T::MaxSites::get() > 0, "no provider could have a site");
        assert!(T::MaxOffers::get() > 0, "no provider could have an offer");
        assert!(T::MaxFacts::get() > 0, "no site could have a fact");
        assert!(T::MaxCertifiers::get() > 0, "nobody could vouch for a fact");
        assert!(T::MaxFactValidity::get() > 0, "every fact would be expired");
        for deposit in [
            Self::deposit_for::<Provider>(),
            Self::deposit_for::<SiteOf<T>>(),
            Self::deposit_for::<OfferOf<T>>(),
            Self::deposit_for::<FactRecordOf<T>>(),
        ] {
            assert!(deposit.is_ok_and(|deposit| deposit > 0), "every record must have a deposit, or the storage can be filled for nothing");
        }
    }
}

#[cfg(any(feature = "try-runtime", test))]
mod state {
    use crate::{Certifiers, Config, Facts, HoldReason, NextOffer, NextSite, Offers, OffersOf, Pallet, Providers, Sites};
    use alloc::collections::BTreeMap;
    use blockcloud_primitives::{Balance, SiteId};
    use frame_support::{
        ensure,
        traits::{Get, fungible::hold::Inspect as _},
    };
    use sp_runtime::TryRuntimeError;

    const OVERFLOW: TryRuntimeError = TryRuntimeError::Other("offers: a sum overflows");

    /// Counters per key.
    type Counts<Key> = BTreeMap<Key, u32>;

    fn count<Key: Ord>(counts: &mut Counts<Key>, key: Key) -> Result<(), TryRuntimeError> {
        let counter = counts.entry(key).or_default();
        *counter = counter.checked_add(1).ok_or(OVERFLOW)?;
        Ok(())
    }

    impl<T: Config> Pallet<T> {
        /// Checks all invariants of the README over the whole state.
        pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
            let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
            let mut owe = |payer: T::AccountId, deposit: Balance| -> Result<(), TryRuntimeError> {
                let sum = deposits.entry(payer).or_default();
                *sum = sum.checked_add(deposit).ok_or(OVERFLOW)?;
                Ok(())
            };

            let (mut offers_of, mut offers_at) = (Counts::<T::AccountId>::new(), Counts::<SiteId>::new());
            let next = NextOffer::<T>::get();
            for (id, offer) in Offers::<T>::iter() {
                let reserved = offer.reserved().ok_or("offers 1: more is free than there is")?;
                ensure!(!offer.withdrawn || !reserved.is_zero(), "offers 4: a withdrawn offer without reservations is stored");
                let place = Sites::<T>::get(offer.terms.site).ok_or("offers 3: an offer stands at no site")?;
                ensure!(place.provider == offer.provider, "offers 3: an offer stands at another provider's site");
                ensure!(OffersOf::<T>::contains_key(&offer.provider, id), "offers 3: an offer is not in its provider's list");
                ensure!(id < next, "offers 5: an identifier would be handed out twice");
                count(&mut offers_of, offer.provider.clone())?;
                count(&mut offers_at, offer.terms.site)?;
                owe(offer.provider, offer.deposit)?;
            }
            for (provider, id) in OffersOf::<T>::iter_keys() {
                let listed = Offers::<T>::get(id).is_some_and(|offer| offer.provider == provider);
                ensure!(listed, "offers 3: a provider's list names an offer that is not its own");
            }

            let mut facts_about = Counts::<SiteId>::new();
            for (site, kind, record) in Facts::<T>::iter() {
                ensure!(record.fact.kind() == kind, "offers 5: a fact is stored under another kind");
                count(&mut facts_about, site)?;
                owe(record.certifier, record.deposit)?;
            }

            let mut sites_of = Counts::<T::AccountId>::new();
            let next = NextSite::<T>::get();
            for (id, site) in Sites::<T>::iter() {
                ensure!(Providers::<T>::contains_key(&site.provider), "offers 3: a site belongs to nobody");
                ensure!(id > SiteId(0) && id < next, "offers 5: an identifier would be handed out twice");
                ensure!(site.offers == offers_at.get(&id).copied().unwrap_or_default(), "offers 2: a site's offers are miscounted");
                ensure!(site.facts == facts_about.get(&id).copied().unwrap_or_default(), "offers 2: a site's facts are miscounted");
                ensure!(site.facts <= T::MaxFacts::get(), "offers 7: too many facts about a site");
                count(&mut sites_of, site.provider.clone())?;
                owe(site.provider, site.deposit)?;
            }

            for (id, provider) in Providers::<T>::iter() {
                ensure!(provider.sites == sites_of.get(&id).copied().unwrap_or_default(), "offers 2: a provider's sites are miscounted");
                ensure!(provider.offers == offers_of.get(&id).copied().unwrap_or_default(), "offers 2: a provider's offers are miscounted");
                ensure!(provider.sites <= T::MaxSites::get(), "offers 7: a provider has too many sites");
                ensure!(provider.offers <= T::MaxOffers::get(), "offers 7: a provider has too many offers");
                owe(id, provider.deposit)?;
            }

            for (payer, owed) in deposits {
                let held = T::Currency::balance_on_hold(&HoldReason::Deposit.into(), &payer);
                ensure!(held == owed, "offers 6: deposits are not what is on hold");
            }

            let certifiers = u32::try_from(Certifiers::<T>::iter_keys().count()).map_err(|_| OVERFLOW)?;
            ensure!(certifiers == Certifiers::<T>::count(), "offers 2: certifiers are miscounted");
            ensure!(certifiers <= T::MaxCertifiers::get(), "offers 7: too many certifiers");
            Ok(())
        }
    }
}
