//! Certifiers and the facts that they vouch for.
//!
//! A fact counts while it has not expired, its site exists and its certifier is accredited; what no longer counts may be removed by anyone.
//! Not here: which facts a job asks for (`capacity`).

use crate::{
    Certifiers, Config, Error, Event, Facts, Pallet, Sites,
    calls::{SECOND, decrease},
    types::{FactRecord, FactRecordOf},
};
use blockcloud_primitives::{Fact, FactKind, Moment, SiteId};
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{Get, Time},
};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
    /// Whether this account is an accredited certifier now.
    pub fn is_certifier(account: &T::AccountId) -> bool {
        Certifiers::<T>::contains_key(account)
    }

    pub(crate) fn do_accredit(certifier: T::AccountId) -> DispatchResult {
        ensure!(!Certifiers::<T>::contains_key(&certifier), Error::<T>::AlreadyAccredited);
        ensure!(Certifiers::<T>::count() < T::MaxCertifiers::get(), Error::<T>::TooManyCertifiers);

        Certifiers::<T>::insert(&certifier, ());
        Self::deposit_event(Event::Accredited { certifier });
        Ok(())
    }

    pub(crate) fn do_discredit(certifier: T::AccountId) -> DispatchResult {
        ensure!(Certifiers::<T>::contains_key(&certifier), Error::<T>::NotAccredited);

        Certifiers::<T>::remove(&certifier);
        Self::deposit_event(Event::Discredited { certifier });
        Ok(())
    }

    pub(crate) fn do_certify(certifier: T::AccountId, site: SiteId, fact: Fact, until: Moment) -> DispatchResult {
        ensure!(Certifiers::<T>::contains_key(&certifier), Error::<T>::NotAccredited);
        let mut place = Sites::<T>::get(site).ok_or(Error::<T>::NoSite)?;
        ensure!(is_well_formed(&fact), Error::<T>::MalformedFact);
        let now = T::Time::now();
        ensure!(until > now, Error::<T>::AlreadyExpired);
        let validity = u64::from(T::MaxFactValidity::get()).checked_mul(SECOND).ok_or(ArithmeticError::Overflow)?;
        let latest = now.checked_add(validity).ok_or(ArithmeticError::Overflow)?;
        ensure!(until <= latest, Error::<T>::ValidTooLong);

        let kind = fact.kind();
        let deposit = match Facts::<T>::get(site, &kind) {
            Some(old) if old.certifier == certifier => old.deposit,
            Some(old) => {
                ensure!(!Self::counts(&old, now), Error::<T>::VouchedByAnother);
                let deposit = Self::take_deposit::<FactRecordOf<T>>(&certifier)?;
                Self::return_deposit(&old.certifier, old.deposit);
                deposit
            }
            None => {
                ensure!(place.facts < T::MaxFacts::get(), Error::<T>::TooManyFacts);
                place.facts = place.facts.checked_add(1).ok_or(ArithmeticError::Overflow)?;
                let deposit = Self::take_deposit::<FactRecordOf<T>>(&certifier)?;
                Sites::<T>::insert(site, place);
                deposit
            }
        };
        Facts::<T>::insert(site, kind, FactRecord { fact: fact.clone(), certifier: certifier.clone(), until, deposit });
        Self::deposit_event(Event::Certified { site, fact, certifier, until });
        Ok(())
    }

    /// Revokes as a certifier, or as governance (`None`).
    pub(crate) fn do_revoke(certifier: Option<T::AccountId>, site: SiteId, kind: FactKind) -> DispatchResult {
        let record = Facts::<T>::get(site, &kind).ok_or(Error::<T>::NoFact)?;
        ensure!(certifier.is_none_or(|certifier| certifier == record.certifier), Error::<T>::NotYourFact);

        Self::remove_fact(site, &kind, record);
        Self::deposit_event(Event::Revoked { site, kind });
        Ok(())
    }

    pub(crate) fn do_remove_expired_fact(site: SiteId, kind: FactKind) -> DispatchResult {
        let record = Facts::<T>::get(site, &kind).ok_or(Error::<T>::NoFact)?;
        let stands = Sites::<T>::contains_key(site) && Self::counts(&record, T::Time::now());
        ensure!(!stands, Error::<T>::NotExpired);

        Self::remove_fact(site, &kind, record);
        Self::deposit_event(Event::FactRemoved { site, kind });
        Ok(())
    }

    /// The fact of this kind about a site, if it counts now.
    pub(crate) fn counting_fact(site: SiteId, kind: &FactKind, now: Moment) -> Option<Fact> {
        let record = Facts::<T>::get(site, kind)?;
        Self::counts(&record, now).then_some(record.fact)
    }

    /// Whether a fact about an existing site counts now.
    pub(crate) fn counts(record: &FactRecordOf<T>, now: Moment) -> bool {
        now < record.until && Certifiers::<T>::contains_key(&record.certifier)
    }

    fn remove_fact(site: SiteId, kind: &FactKind, record: FactRecordOf<T>) {
        Facts::<T>::remove(site, kind);
        // The site may be gone; its facts stay until somebody removes them.
        Sites::<T>::mutate_extant(site, |place| decrease(&mut place.facts));
        Self::return_deposit(&record.certifier, record.deposit);
    }
}

/// Whether the text is of its standard's form. That it is true is for the certifier to know.
fn is_well_formed(fact: &Fact) -> bool {
    let is_country = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    match fact {
        Fact::Region(code) => code.as_str().split_once('-').is_some_and(|(country, part)| {
            is_country(country) && (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }),
        Fact::Jurisdiction(code) => is_country(code.as_str()),
        Fact::Certificate(name) => !name.is_empty(),
        Fact::Operator(name) => !name.is_empty(),
    }
}
