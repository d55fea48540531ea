//! The logic of the council's calls, in their order. Evidence and sessions are in `sessions`.

use crate::{Config, DeniedChips, Error, Event, Fault, Floors, Measurements, Pallet, Roots, RootsOf, SimulationAllowed};
use blockcloud_evidence::snp::{Product, verify_issuers};
use blockcloud_primitives::{Digest, Measurement, Moment, Tcb, Tee};
use frame_support::{ensure, pallet_prelude::*, traits::Time};
use sp_io::hashing::sha2_256;

impl<T: Config> Pallet<T> {
    /// Whether a verifier exists for this kind of hardware and this chain accepts it.
    pub(crate) fn ensure_vendor(tee: Tee) -> Result<(), Error<T>> {
        match tee {
            Tee::SevSnp => Ok(()),
            Tee::Simulated if SimulationAllowed::<T>::get() => Ok(()),
            Tee::Simulated => Err(Error::SimulationRefused),
            Tee::Tdx | Tee::Cca => Err(Error::UnsupportedTee),
        }
    }

    /// See `set_roots`.
    pub(crate) fn do_set_roots(tee: Tee, product: Product, roots: Roots, now: Moment) -> DispatchResult {
        Self::ensure_vendor(tee)?;
        verify_issuers(&roots.root, &roots.issuer, now).map_err(|error| Error::<T>::Refused(Fault(error)))?;
        let (root, issuer) = (Digest(sha2_256(&roots.root)), Digest(sha2_256(&roots.issuer)));
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
        Measurements::<T>::insert(measurement, until);
        Self::deposit_event(Event::MeasurementApproved { measurement, until });
        Ok(())
    }

    /// See `withdraw_measurement`.
    pub(crate) fn do_withdraw_measurement(measurement: Measurement) -> DispatchResult {
        ensure!(Measurements::<T>::contains_key(measurement), Error::<T>::MeasurementNotApproved);
        Measurements::<T>::remove(measurement);
        Self::deposit_event(Event::MeasurementWithdrawn { measurement });
        Ok(())
    }

    /// See `deny_chip`.
    pub(crate) fn do_deny_chip(chip: Digest) -> DispatchResult {
        ensure!(!DeniedChips::<T>::contains_key(chip), Error::<T>::ChipDenied);
        ensure!(DeniedChips::<T>::count() < T::MaxDeniedChips::get(), Error::<T>::TooManyDeniedChips);
        DeniedChips::<T>::insert(chip, ());
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
    pub(crate) fn do_set_floor(tee: Tee, product: Product, floor: Option<Tcb>) -> DispatchResult {
        Self::ensure_vendor(tee)?;
        Floors::<T>::set((tee, product), floor);
        Self::deposit_event(Event::FloorSet { tee, product, floor });
        Ok(())
    }
}
