//! What must hold in every state, numbered as in the README, and what must hold of the configuration.
//!
//! Not here: repair. A violated invariant is a defect of the code.

use crate::{Config, Pallet};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_integrity_test() {
        assert!(T::MinimumBond::get() > 0, "without a minimum bond the storage can be filled for nothing");
        assert!(T::UnbondingDelay::get() > 0, "without a delay a bond can be gone before a claim comes");
    }
}

#[cfg(any(feature = "try-runtime", test))]
mod state {
    use crate::{Bonds, Config, Covers, HoldReason, Pallet, Totals};
    use alloc::collections::BTreeMap;
    use blockcloud_primitives::Balance;
    use frame_support::{ensure, traits::fungible::hold::Inspect as _};
    use sp_runtime::TryRuntimeError;

    const OVERFLOW: TryRuntimeError = TryRuntimeError::Other("bonds: a sum overflows");

    impl<T: Config> Pallet<T> {
        /// Checks all invariants of the README over the whole state.
        pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
            let mut covered = BTreeMap::<T::AccountId, Balance>::new();
            for cover in Covers::<T>::iter_values() {
                ensure!(cover.amount > 0, "bonds 3: a cover is zero");
                ensure!(Bonds::<T>::contains_key(&cover.principal), "bonds 3: a cover names a principal without a bond");
                let sum = covered.entry(cover.principal).or_default();
                *sum = sum.checked_add(cover.amount).ok_or(OVERFLOW)?;
            }

            let mut all: Balance = 0;
            for (principal, bond) in Bonds::<T>::iter() {
                ensure!(bond.total > 0, "bonds 1: a bond of nothing is stored");
                let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &principal);
                ensure!(held == bond.total, "bonds 1: a bond is not what is on hold for it");

                let mut used = bond.reserved;
                for portion in &bond.unbonding {
                    used = used.checked_add(portion.amount).ok_or(OVERFLOW)?;
                }
                ensure!(used <= bond.total, "bonds 2: reserved and unbonding parts exceed the bond");

                let explained = covered.get(&principal).copied().unwrap_or_default();
                ensure!(explained == bond.reserved, "bonds 3: the reserved part is not the sum of the covers");

                ensure!(bond.unbonding.iter().all(|portion| portion.amount > 0), "bonds 5: an unbonding portion is zero");
                ensure!(bond.unbonding.is_sorted_by_key(|portion| portion.at), "bonds 5: unbonding portions are out of order");

                all = all.checked_add(bond.total).ok_or(OVERFLOW)?;
            }

            let flows = Totals::<T>::get();
            ensure!(flows.bonded.checked_sub(flows.withdrawn) == Some(all), "bonds 4: bonded less withdrawn is not what is bonded");
            Ok(())
        }
    }
}
