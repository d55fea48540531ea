//! Moving a job's money, and recording it: every function here keeps `deposited = paid + returned + held`, for the job and in total.

use crate::{Config, Error, Event, Flows, HoldReason, JobOf, Pallet, TotalFlows, types::Job};
use blockcloud_primitives::{Balance, JobId};
use codec::{Encode, MaxEncodedLen};
use frame_support::{
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use sp_runtime::{ArithmeticError, DispatchResult};

impl<T: Config> Pallet<T> {
    /// Deposit for a job with this spec: its record at full size, and the spec.
    pub(crate) fn deposit_for(spec: &impl Encode) -> Result<Balance, Error<T>> {
        let bytes = Job::<T::AccountId>::max_encoded_len().saturating_add(spec.encoded_size());
        let bytes = Balance::try_from(bytes).map_err(|_| Error::<T>::Overflow)?;
        let priced = T::DepositPerByte::get().checked_mul(bytes).ok_or(Error::<T>::Overflow)?;
        T::DepositBase::get().checked_add(priced).ok_or(Error::<T>::Overflow)
    }

    /// Locks `amount` of the customer's money for the job.
    pub(crate) fn lock(job: &mut JobOf<T>, amount: Balance) -> DispatchResult {
        let deposited = job.deposited.checked_add(amount).ok_or(Error::<T>::Overflow)?;
        if amount == 0 {
            return Ok(());
        }
        T::Currency::hold(&HoldReason::Escrow.into(), &job.customer, amount)?;
        job.deposited = deposited;
        Self::record(|flows| &mut flows.deposited, amount)
    }

    /// Pays the provider what is earned and not paid. Answers how much that was.
    pub(crate) fn pay(id: JobId, job: &mut JobOf<T>) -> Result<Balance, sp_runtime::DispatchError> {
        // Saturating without effect: paid never exceeds earned (invariant 1), and zero is nothing to do.
        let amount = job.earned().saturating_sub(job.paid).min(job.held());
        if amount == 0 {
            return Ok(0);
        }
        // By force: escrow is owed, and a freeze that the customer has on its account must not keep it from the provider.
        let reason = HoldReason::Escrow.into();
        T::Currency::transfer_on_hold(
            &reason,
            &job.customer,
            &job.provider,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        job.paid = job.paid.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        Self::record(|flows| &mut flows.paid, amount)?;
        Self::deposit_event(Event::Paid { job: id, provider: job.provider.clone(), amount });
        Ok(amount)
    }

    /// Pays what is earned if that is possible. An account that cannot be paid must not keep a job from ending: the amount stays held.
    pub(crate) fn pay_if_possible(id: JobId, job: &mut JobOf<T>) {
        let mut paid = job.clone();
        match with_storage_layer(|| Self::pay(id, &mut paid)) {
            Ok(_) => *job = paid,
            Err(error) => Self::deposit_event(Event::PayoutFailed { job: id, provider: job.provider.clone(), error }),
        }
    }

    /// Returns `amount` of what is held to the customer.
    pub(crate) fn give_back(id: JobId, job: &mut JobOf<T>, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        T::Currency::release(&HoldReason::Escrow.into(), &job.customer, amount, Precision::Exact)?;
        job.returned = job.returned.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        Self::record(|flows| &mut flows.returned, amount)?;
        Self::deposit_event(Event::Returned { job: id, customer: job.customer.clone(), amount });
        Ok(())
    }

    /// Takes an amount into the total flows.
    fn record(flow: impl FnOnce(&mut Flows) -> &mut Balance, amount: Balance) -> DispatchResult {
        TotalFlows::<T>::try_mutate(|flows| {
            let total = flow(flows);
            *total = total.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
            Ok(())
        })
    }
}
