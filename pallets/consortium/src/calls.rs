//! What the calls do, in the order of their declaration. Origins are checked in `lib.rs`.

use crate::{Config, Error, Event, Name, Pallet, Validator, Validators, WeightInfo};
use frame_support::{
    dispatch::{GetDispatchInfo, PostDispatchInfo},
    pallet_prelude::*,
    traits::{UnfilteredDispatchable, ValidatorRegistration},
};
use frame_system::RawOrigin;
use sp_runtime::{DispatchErrorWithPostInfo, traits::Hash};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_add_validator(account: T::AccountId, name: Name) -> DispatchResult {
        ensure!(T::Registration::is_registered(&account), Error::<T>::KeysNotSet);
        Self::insert(account.clone(), name.clone())?;
        Self::deposit_event(Event::ValidatorAdded { account, name });
        Ok(())
    }

    /// Puts a validator on the list without asking for its session keys: at genesis they come later.
    pub(crate) fn insert(account: T::AccountId, name: Name) -> Result<(), Error<T>> {
        ensure!(!name.is_empty(), Error::<T>::NoName);
        Validators::<T>::try_mutate(|validators| {
            ensure!(validators.iter().all(|validator| validator.account != account), Error::<T>::AlreadyValidator);
            ensure!(validators.iter().all(|validator| validator.name != name), Error::<T>::NameTaken);
            validators.try_push(Validator { account, name }).map_err(|_| Error::<T>::TooManyValidators)
        })
    }

    pub(crate) fn do_remove_validator(account: T::AccountId) -> DispatchResult {
        let name = Validators::<T>::try_mutate(|validators| {
            let name = validators
                .iter()
                .find(|validator| validator.account == account)
                .map(|validator| validator.name.clone())
                .ok_or(Error::<T>::NotValidator)?;
            ensure!(validators.len() > 1, Error::<T>::LastValidator);
            validators.retain(|validator| validator.account != account);
            Ok::<_, Error<T>>(name)
        })?;
        Self::deposit_event(Event::ValidatorRemoved { account, name });
        Ok(())
    }

    pub(crate) fn do_enact(call: <T as Config>::RuntimeCall) -> DispatchResultWithPostInfo {
        let hash = T::Hashing::hash_of(&call);
        let declared = call.get_dispatch_info().call_weight;
        // The overhead of this call comes on top of what the inner call says it used, also when it failed.
        let with_overhead = |inner: PostDispatchInfo| PostDispatchInfo {
            actual_weight: Some(T::WeightInfo::enact().saturating_add(inner.actual_weight.unwrap_or(declared))),
            pays_fee: inner.pays_fee,
        };
        match call.dispatch_bypass_filter(RawOrigin::Root.into()) {
            Ok(inner) => {
                Self::deposit_event(Event::Enacted { call: hash });
                Ok(with_overhead(inner))
            }
            Err(failed) => Err(DispatchErrorWithPostInfo { post_info: with_overhead(failed.post_info), error: failed.error }),
        }
    }
}
