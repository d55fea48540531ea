//! Capacity: judging an offer against a job, reserving, releasing, and the record of how jobs ended.
//!
//! The one filter, [`Pallet::judge`], serves quotes and reservations alike, so a quote cannot promise what a placement refuses. It runs before
//! anything is reserved. Not here: the cover, which the bonds pallet reserves; the evidence, which the attestation pallet judges.

use crate::{
    Config, Error, Event, Offers, Pallet, Providers,
    calls::SECOND,
    traits::Surety,
    types::{OfferOf, Reservation, ReservationOf},
};
use alloc::vec::Vec;
use blockcloud_primitives::{AccountId, End, Fact, FactKind, JobSpec, Moment, OfferId, Refusal, Resources};
use frame_support::{defensive, ensure, pallet_prelude::*};

impl<T: Config> Pallet<T> {
    /// Why this offer does not fit this job now, every reason once; empty if it fits. Reads, never writes.
    ///
    /// `now` is the chain's time in milliseconds. The run must lie in the offer's window if it starts now and takes its longest.
    pub fn judge(offer: &OfferOf<T>, spec: &JobSpec, now: Moment) -> Vec<Refusal> {
        let (terms, policy) = (&offer.terms, &spec.policy);
        let mut refusals = Vec::new();
        let mut demand = |met: bool, refusal: Refusal| {
            if !met && !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
        };

        demand(!policy.denied_providers.contains(&AccountId(offer.provider.clone().into())), Refusal::Denied);
        demand(terms.tees.iter().any(|tee| policy.tees.contains(tee)), Refusal::Tee);

        // Without a demand nothing need be known: `allows(None)` is true only then.
        let fact = |kind: &FactKind| Self::counting_fact(terms.site, kind, now);
        let region = || match fact(&FactKind::Region) {
            Some(Fact::Region(code)) => Some(code),
            _ => None,
        };
        let jurisdiction = || match fact(&FactKind::Jurisdiction) {
            Some(Fact::Jurisdiction(code)) => Some(code),
            _ => None,
        };
        demand(policy.regions.allows(None) || policy.regions.allows(region().as_ref()), Refusal::Fact(FactKind::Region));
        demand(
            policy.jurisdictions.allows(None) || policy.jurisdictions.allows(jurisdiction().as_ref()),
            Refusal::Fact(FactKind::Jurisdiction),
        );
        for name in &policy.certificates {
            let kind = FactKind::Certificate(name.clone());
            demand(fact(&kind).is_some(), Refusal::Fact(kind));
        }

        demand(spec.longest_run <= terms.longest_job, Refusal::LongestJob);
        let ends = u64::from(spec.longest_run).checked_mul(SECOND).and_then(|length| now.checked_add(length));
        demand(now >= terms.opens && ends.is_some_and(|ends| ends <= terms.closes), Refusal::Window);
        demand(terms.price.rate(&spec.resources).is_some_and(|rate| rate <= spec.price_limit), Refusal::Price);
        demand(spec.cover <= terms.cover_per_job && spec.cover <= T::Surety::free(&offer.provider), Refusal::Cover);
        demand(offer.free.fits(&spec.resources), Refusal::Capacity);
        refusals
    }

    /// Reserves the capacity that a job asks for, if the offer fits it.
    ///
    /// Errors: `NothingAsked`; `NoOffer`; `OfferWithdrawn`; the error of the first refusal. Event: `Reserved`. On an error nothing is written.
    pub fn reserve(offer: OfferId, spec: &JobSpec, now: Moment) -> Result<ReservationOf<T>, DispatchError> {
        ensure!(!spec.resources.is_zero(), Error::<T>::NothingAsked);
        let mut record = Offers::<T>::get(offer).ok_or(Error::<T>::NoOffer)?;
        ensure!(!record.withdrawn, Error::<T>::OfferWithdrawn);
        if let Some(refusal) = Self::judge(&record, spec, now).into_iter().next() {
            return Err(Error::<T>::from(refusal).into());
        }
        let rate = record.terms.price.rate(&spec.resources).ok_or(Error::<T>::PriceAboveLimit)?;
        record.free = record.free.checked_sub(&spec.resources).ok_or(Error::<T>::InsufficientCapacity)?;

        let reservation = Reservation { provider: record.provider.clone(), site: record.terms.site, rate };
        Offers::<T>::insert(offer, record);
        Self::deposit_event(Event::Reserved { offer, resources: spec.resources });
        Ok(reservation)
    }

    /// Frees what [`Pallet::reserve`] reserved for a job, once. The last release of a withdrawn offer removes it.
    ///
    /// It cannot fail, so that no end of a job is held up. Events: `Released`; `Removed` with a withdrawn offer's last release.
    pub fn release(offer: OfferId, resources: &Resources) {
        let Some(mut record) = Offers::<T>::get(offer) else {
            defensive!("capacity of an offer that is not there was released");
            return;
        };
        let Some(free) = record.free.checked_add(resources).filter(|free| record.terms.total.fits(free)) else {
            defensive!("more capacity was released than is reserved");
            return;
        };
        record.free = free;
        Self::deposit_event(Event::Released { offer, resources: *resources });
        Self::store_or_remove(offer, record);
    }

    /// Enters the end of a job into its provider's record, if it says something about the provider.
    ///
    /// Event: `Recorded`. A provider that has deregistered has no record any more.
    pub fn note_end(provider: &T::AccountId, end: End) {
        Providers::<T>::mutate_extant(provider, |owner| {
            let record = &mut owner.record;
            let counter = match end {
                End::Completed => &mut record.completed,
                End::NotAccepted => &mut record.not_accepted,
                End::Equivocated => &mut record.equivocated,
                End::NotAttested | End::Silent | End::AbandonedByProvider => &mut record.failed,
                // Not started may be the customer's doing: a key not released, inputs not uploaded. An attestation lapses by the council's motions as well.
                End::AttestationLapsed | End::NotStarted | End::TimeUp | End::EscrowExhausted | End::CancelledByCustomer => return,
            };
            // Saturates: a record of 2^32 ends says enough.
            *counter = counter.saturating_add(1);
            Self::deposit_event(Event::Recorded { provider: provider.clone(), end });
        });
    }
}

impl<T> From<Refusal> for Error<T> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Capacity => Self::InsufficientCapacity,
            Refusal::Price => Self::PriceAboveLimit,
            Refusal::Window => Self::OutsideWindow,
            Refusal::LongestJob => Self::RunTooLong,
            Refusal::Cover => Self::InsufficientCover,
            Refusal::Tee => Self::TeeNotAccepted,
            Refusal::Denied => Self::ProviderDenied,
            Refusal::Fact(FactKind::Region) => Self::RegionNotAccepted,
            Refusal::Fact(FactKind::Jurisdiction) => Self::JurisdictionNotAccepted,
            Refusal::Fact(FactKind::Certificate(_)) => Self::CertificateMissing,
            Refusal::Fact(FactKind::Operator) => Self::OperatorNotAccepted,
        }
    }
}
