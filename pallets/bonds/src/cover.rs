//! Covers: what the jobs pallet reserves of a bond, through the runtime's adapter.
//!
//! Not here: when a job needs cover and for how long.

use crate::{Bonds, Config, Covers, Error, Event, Pallet, types::Cover};
use blockcloud_primitives::{Balance, JobId};
use frame_support::{defensive, ensure, pallet_prelude::*};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
    /// What of this provider's bond neither covers a job nor is unbonding; nothing for an account without a bond.
    pub fn free(provider: &T::AccountId) -> Balance {
        Bonds::<T>::get(provider).map_or(0, |bond| bond.free())
    }

    /// Reserves `amount` of the principal's bond as the cover of `job` in favour of `obligee`. Zero is no cover: nothing is stored.
    ///
    /// Errors: `AlreadyCovered`; `InsufficientBond`. Event: `Reserved`. On an error nothing is written.
    pub fn reserve(job: JobId, principal: &T::AccountId, obligee: &T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(!Covers::<T>::contains_key(job), Error::<T>::AlreadyCovered);
        if amount == 0 {
            return Ok(());
        }
        let mut bond = Bonds::<T>::get(principal).ok_or(Error::<T>::InsufficientBond)?;
        ensure!(amount <= bond.free(), Error::<T>::InsufficientBond);
        bond.reserved = bond.reserved.checked_add(amount).ok_or(ArithmeticError::Overflow)?;

        Bonds::<T>::insert(principal, bond);
        Covers::<T>::insert(job, Cover { principal: principal.clone(), obligee: obligee.clone(), amount });
        Self::deposit_event(Event::Reserved { job, principal: principal.clone(), obligee: obligee.clone(), amount });
        Ok(())
    }

    /// Frees the cover of `job`. A job without one (its cover was zero, or is released already) changes nothing.
    ///
    /// Event: `Released`.
    pub fn release(job: JobId) {
        let Some(cover) = Covers::<T>::take(job) else { return };
        Bonds::<T>::mutate_exists(&cover.principal, |slot| {
            let Some(bond) = slot else {
                defensive!("a cover names a principal without a bond");
                return;
            };
            match bond.reserved.checked_sub(cover.amount) {
                Some(rest) => bond.reserved = rest,
                None => {
                    defensive!("a cover is larger than what is reserved");
                    bond.reserved = 0;
                }
            }
        });
        Self::deposit_event(Event::Released { job, principal: cover.principal, amount: cover.amount });
    }
}
