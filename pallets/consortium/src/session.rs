//! What the session pallet is told when it plans a session.

use crate::{Config, Pallet, Planned, Validators};
use alloc::vec::Vec;
use frame_support::traits::{Get, ValidatorRegistration};
use sp_runtime::BoundedVec;

/// Number of a session, as the session pallet counts them.
type SessionIndex = u32;

impl<T: Config> Pallet<T> {
    /// Hands over `accounts` as the next set, or nothing if that is the set handed over last.
    ///
    /// An empty set is never handed over: it would stop the chain for good.
    fn plan(accounts: impl Iterator<Item = T::AccountId>) -> Option<Vec<T::AccountId>> {
        let limit = usize::try_from(T::MaxValidators::get()).unwrap_or(usize::MAX);
        let accounts: Vec<_> = accounts.take(limit).collect();
        if accounts.is_empty() || *Planned::<T>::get() == accounts {
            return None;
        }
        Planned::<T>::put(BoundedVec::truncate_from(accounts.clone()));
        Some(accounts)
    }
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
    fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
        let validators = Validators::<T>::get();
        let accounts = validators.into_iter().map(|validator| validator.account);
        Self::plan(accounts.filter(T::Registration::is_registered))
    }

    fn end_session(_: SessionIndex) {}

    fn start_session(_: SessionIndex) {}
}
