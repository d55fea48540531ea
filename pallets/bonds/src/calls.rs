//! What the calls do, in the order in which `lib` declares them.
//!
//! Not here: covers, which only the jobs pallet moves (`cover`).

use crate::{
    Bonds, Config, Error, Event, HoldReason, Pallet, Totals,
    types::{Flows, Unbonding},
};
use blockcloud_primitives::Balance;
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{Time, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::ArithmeticError;

/// Milliseconds of a second.
const SECOND: u64 = 1_000;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_bond(principal: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut bond = Bonds::<T>::get(&principal).unwrap_or_default();
        bond.total = bond.total.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        ensure!(bond.standing() >= T::MinimumBond::get(), Error::<T>::BelowMinimum);
        let flows = Totals::<T>::get();
        let bonded = flows.bonded.checked_add(amount).ok_or(ArithmeticError::Overflow)?;

        T::Currency::hold(&HoldReason::Bond.into(), &principal, amount)?;
        Totals::<T>::put(Flows { bonded, ..flows });
        Bonds::<T>::insert(&principal, &bond);
        Self::deposit_event(Event::Bonded { principal, amount, total: bond.total });
        Ok(())
    }

    pub(crate) fn do_unbond(principal: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut bond = Bonds::<T>::get(&principal).ok_or(Error::<T>::NoBond)?;
        ensure!(amount <= bond.free(), Error::<T>::NotFree);
        let delay = u64::from(T::UnbondingDelay::get()).checked_mul(SECOND).ok_or(ArithmeticError::Overflow)?;
        let at = T::Time::now().checked_add(delay).ok_or(ArithmeticError::Overflow)?;
        bond.unbonding.try_push(Unbonding { amount, at }).map_err(|_| Error::<T>::TooManyUnbondings)?;
        let standing = bond.standing();
        ensure!(standing == 0 || standing >= T::MinimumBond::get(), Error::<T>::BelowMinimum);

        Bonds::<T>::insert(&principal, bond);
        Self::deposit_event(Event::Unbonded { principal, amount, at });
        Ok(())
    }

    pub(crate) fn do_withdraw(principal: T::AccountId) -> DispatchResult {
        let mut bond = Bonds::<T>::get(&principal).ok_or(Error::<T>::NoBond)?;
        let now = T::Time::now();
        let before = bond.leaving();
        bond.unbonding.retain(|portion| portion.at > now);
        let amount = before.checked_sub(bond.leaving()).ok_or(ArithmeticError::Underflow)?;
        ensure!(amount > 0, Error::<T>::NothingDue);
        bond.total = bond.total.checked_sub(amount).ok_or(ArithmeticError::Underflow)?;
        let flows = Totals::<T>::get();
        let withdrawn = flows.withdrawn.checked_add(amount).ok_or(ArithmeticError::Overflow)?;

        T::Currency::release(&HoldReason::Bond.into(), &principal, amount, Precision::Exact)?;
        Totals::<T>::put(Flows { withdrawn, ..flows });
        let total = bond.total;
        Bonds::<T>::set(&principal, (total > 0).then_some(bond));
        Self::deposit_event(Event::Withdrawn { principal, amount, total });
        Ok(())
    }
}
