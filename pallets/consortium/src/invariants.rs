//! What must hold after every block, and of every configuration.

use crate::{Config, Pallet};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// The configuration makes sense: there is room for a validator.
    pub(crate) fn check_config() {
        assert!(T::MaxValidators::get() > 0, "MaxValidators must leave room for a validator");
    }
}

#[cfg(any(feature = "try-runtime", test))]
impl<T: Config> Pallet<T> {
    /// 1. There is a validator, unless genesis named none.
    /// 2. Every account is on the list once.
    /// 3. Every name is on the list once, and none is empty.
    /// 4. Every account is in the planned set once.
    pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
        use crate::{Planned, Validators};
        use alloc::collections::BTreeSet;
        use frame_support::ensure;

        let validators = Validators::<T>::get();
        let planned = Planned::<T>::get();
        ensure!(planned.is_empty() || !validators.is_empty(), "consortium invariant 1: no validator is left");
        let accounts: BTreeSet<_> = validators.iter().map(|validator| &validator.account).collect();
        ensure!(accounts.len() == validators.len(), "consortium invariant 2: an account is listed twice");
        let names: BTreeSet<_> = validators.iter().map(|validator| &validator.name).filter(|name| !name.is_empty()).collect();
        ensure!(names.len() == validators.len(), "consortium invariant 3: a name is listed twice or empty");
        ensure!(planned.iter().collect::<BTreeSet<_>>().len() == planned.len(), "consortium invariant 4: an account is planned twice");
        Ok(())
    }
}
