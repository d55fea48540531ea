//! The logic of the council's and the publishers' calls: what is trusted. Evidence and sessions are in `sessions`, collateral in `collateral`, chips in
//! `chips`.

use crate::{
    Approval, Config, DeniedChips, Error, Event, Fault, Floors, HoldReason, Measurements, Pallet, Publication, Published, Roots, RootsOf,
    Scheduled, SimulationAllowed, Stopped, TdxFault, TdxFloors, TdxReference, TdxRoots, sessions::SECOND, verify::digest,
};
use blockcloud_evidence::{
    snp::{Product, verify_issuers},
    tdx,
};
use blockcloud_primitives::{CertificateDer, Digest, Measurement, Moment, Tcb, Tee};
use codec::MaxEncodedLen;
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{Time, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::AccountId32;

impl<T: Config> Pallet<T> {
    /// Whether a verifier exists for this kind of hardware and this chain accepts it.
    pub(crate) fn ensure_vendor(tee: Tee) -> Result<(), Error<T>> {
        match tee {
            Tee::SevSnp | Tee::Tdx => Ok(()),
            Tee::Simulated | Tee::SimulatedTdx if SimulationAllowed::<T>::get() => Ok(()),
            Tee::Simulated | Tee::SimulatedTdx => Err(Error::SimulationRefused),
            Tee::Cca => Err(Error::UnsupportedTee),
        }
    }

    /// The same, and that its evidence has the format of SEV-SNP.
    pub(crate) fn ensure_snp(tee: Tee) -> Result<(), Error<T>> {
        ensure!(!tee.is_tdx(), Error::UnsupportedTee);
        Self::ensure_vendor(tee)
    }

    /// The same, and that its evidence has the format of TDX.
    pub(crate) fn ensure_tdx(tee: Tee) -> Result<(), Error<T>> {
        ensure!(tee.is_tdx(), Error::UnsupportedTee);
        Self::ensure_vendor(tee)
    }

    /// See `set_roots`.
    pub(crate) fn do_set_roots(tee: Tee, product: Product, roots: Roots, now: Moment) -> DispatchResult {
        Self::ensure_snp(tee)?;
        verify_issuers(&roots.root, &roots.issuer, now).map_err(|error| Error::<T>::Refused(Fault(error)))?;
        let (root, issuer) = (digest(&roots.root), digest(&roots.issuer));
        RootsOf::<T>::insert((tee, product), roots);
        Self::deposit_event(Event::RootsSet { tee, product, root, issuer });
        Ok(())
    }

    /// See `remove_roots`.
    pub(crate) fn do_remove_roots(tee: Tee, product: Product) -> DispatchResult {
        ensure!(RootsOf::<T>::contains_key((tee, product)), Error::<T>::NoRoots);
        RootsOf::<T>::remove((tee, product));
        Self::deposit_event(Event::RootsRemoved { tee, product });
        Ok(())
    }

    /// See `approve_measurement`.
    pub(crate) fn do_approve_measurement(measurement: Measurement, until: Moment) -> DispatchResult {
        ensure!(until > T::Time::now(), Error::<T>::AlreadyOver);
        let room = Measurements::<T>::count() < T::MaxMeasurements::get();
        ensure!(room || Measurements::<T>::contains_key(measurement), Error::<T>::TooManyMeasurements);
        Measurements::<T>::insert(measurement, Approval { until, drains: None });
        Self::deposit_event(Event::MeasurementApproved { measurement, until });
        Ok(())
    }

    /// See `withdraw_measurement`.
    pub(crate) fn do_withdraw_measurement(measurement: Measurement, drain: u32) -> DispatchResult {
        let approval = Measurements::<T>::get(measurement).ok_or(Error::<T>::MeasurementNotApproved)?;
        let drains = Self::seconds_from_now(drain);
        if drain == 0 {
            Measurements::<T>::remove(measurement);
        } else {
            Measurements::<T>::insert(measurement, Approval { drains: Some(drains), ..approval });
        }
        Self::deposit_event(Event::MeasurementWithdrawn { measurement, drains });
        Ok(())
    }

    /// See `deny_chip`.
    pub(crate) fn do_deny_chip(chip: Digest) -> DispatchResult {
        ensure!(!DeniedChips::<T>::contains_key(chip), Error::<T>::ChipDenied);
        ensure!(DeniedChips::<T>::count() < T::MaxDeniedChips::get(), Error::<T>::TooManyDeniedChips);
        DeniedChips::<T>::insert(chip, ());
        Self::forget_key(chip);
        Self::deposit_event(Event::ChipDenied { chip });
        Ok(())
    }

    /// See `allow_chip`.
    pub(crate) fn do_allow_chip(chip: Digest) -> DispatchResult {
        ensure!(DeniedChips::<T>::contains_key(chip), Error::<T>::ChipNotDenied);
        DeniedChips::<T>::remove(chip);
        Self::deposit_event(Event::ChipAllowed { chip });
        Ok(())
    }

    /// See `set_floor`.
    pub(crate) fn do_set_floor(tee: Tee, product: Product, floor: Option<Tcb>, after: u32, grace: u32) -> DispatchResult {
        Self::ensure_snp(tee)?;
        let set = floor.map(|level| Self::schedule(level, Floors::<T>::get((tee, product)), after, grace));
        Floors::<T>::set((tee, product), set);
        let (from, drains) = set.map_or((T::Time::now(), T::Time::now()), |set| (set.from, set.drains));
        Self::deposit_event(Event::FloorSet { tee, product, floor, from, drains });
        Ok(())
    }

    /// See `set_tdx_root`.
    pub(crate) fn do_set_tdx_root(tee: Tee, root: CertificateDer, now: Moment) -> DispatchResult {
        Self::ensure_tdx(tee)?;
        tdx::verify_root(&root, now).map_err(|error| Error::<T>::RefusedTdx(TdxFault(error)))?;
        let fingerprint = digest(&root);
        TdxRoots::<T>::insert(tee, root);
        Self::deposit_event(Event::TdxRootSet { tee, root: fingerprint });
        Ok(())
    }

    /// See `remove_tdx_root`.
    pub(crate) fn do_remove_tdx_root(tee: Tee) -> DispatchResult {
        ensure!(TdxRoots::<T>::contains_key(tee), Error::<T>::NoRoots);
        TdxRoots::<T>::remove(tee);
        Self::deposit_event(Event::TdxRootRemoved { tee });
        Ok(())
    }

    /// See `set_tdx_floor`.
    pub(crate) fn do_set_tdx_floor(tee: Tee, floor: Option<TdxReference>, after: u32, grace: u32) -> DispatchResult {
        Self::ensure_tdx(tee)?;
        let set = floor.map(|level| Self::schedule(level, TdxFloors::<T>::get(tee), after, grace));
        TdxFloors::<T>::set(tee, set);
        let (from, drains) = set.map_or((T::Time::now(), T::Time::now()), |set| (set.from, set.drains));
        Self::deposit_event(Event::TdxFloorSet { tee, floor, from, drains });
        Ok(())
    }

    /// See `publish_measurement`.
    pub(crate) fn do_publish_measurement(publisher: AccountId32, measurement: Measurement, until: Moment) -> DispatchResult {
        ensure!(until > T::Time::now(), Error::<T>::AlreadyOver);
        let deposit = match Published::<T>::get(&publisher, measurement) {
            Some(publication) => publication.deposit,
            None => {
                let deposit = Self::deposit_for(Publication::max_encoded_len())?;
                T::Currency::hold(&HoldReason::Measurement.into(), &publisher, deposit)?;
                deposit
            }
        };
        let approval = Approval { until, drains: None };
        Published::<T>::insert(&publisher, measurement, Publication { approval, deposit });
        Self::deposit_event(Event::MeasurementPublished { publisher, measurement, until });
        Ok(())
    }

    /// See `retract_measurement`.
    pub(crate) fn do_retract_measurement(publisher: AccountId32, measurement: Measurement, drain: u32) -> DispatchResult {
        let publication = Published::<T>::get(&publisher, measurement).ok_or(Error::<T>::MeasurementNotPublished)?;
        let drains = Self::seconds_from_now(drain);
        if drain == 0 {
            T::Currency::release(&HoldReason::Measurement.into(), &publisher, publication.deposit, Precision::Exact)?;
            Published::<T>::remove(&publisher, measurement);
        } else {
            let approval = Approval { drains: Some(drains), ..publication.approval };
            Published::<T>::insert(&publisher, measurement, Publication { approval, ..publication });
        }
        Self::deposit_event(Event::MeasurementRetracted { publisher, measurement, drains });
        Ok(())
    }

    /// See `stop` and `resume`.
    pub(crate) fn do_set_stopped(stopped: bool) -> DispatchResult {
        ensure!(Stopped::<T>::get() != stopped, if stopped { Error::<T>::Stopped } else { Error::<T>::NotStopped });
        Stopped::<T>::put(stopped);
        Self::deposit_event(if stopped { Event::Stopped } else { Event::Resumed });
        Ok(())
    }

    /// A floor that takes the place of another. What is opening now stays the floor until the new one begins.
    fn schedule<L: Copy>(level: L, old: Option<Scheduled<L>>, after: u32, grace: u32) -> Scheduled<L> {
        let from = Self::seconds_from_now(after);
        let drains = from.saturating_add(Moment::from(grace).saturating_mul(SECOND));
        Scheduled { level, from, drains, before: old.and_then(|old| old.opening(T::Time::now())) }
    }

    /// Saturating: a moment beyond 2^64 ms is never.
    fn seconds_from_now(seconds: u32) -> Moment {
        T::Time::now().saturating_add(Moment::from(seconds).saturating_mul(SECOND))
    }
}
