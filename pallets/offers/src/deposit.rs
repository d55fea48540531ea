//! Deposits: whoever stores a record has money on hold until it is removed.
//!
//! The amount stands in the record itself, so that a later change of the price per byte returns exactly what was taken.

use crate::{Config, HoldReason, Pallet};
use blockcloud_primitives::Balance;
use codec::MaxEncodedLen;
use frame_support::{
    defensive,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::{ArithmeticError, DispatchError};

impl<T: Config> Pallet<T> {
    /// The deposit for a record of this kind: by its largest encoding, so that editing it never changes the deposit.
    pub fn deposit_for<Record: MaxEncodedLen>() -> Result<Balance, DispatchError> {
        let bytes = Balance::try_from(Record::max_encoded_len()).map_err(|_| ArithmeticError::Overflow)?;
        let variable = T::DepositPerByte::get().checked_mul(bytes).ok_or(ArithmeticError::Overflow)?;
        Ok(T::DepositBase::get().checked_add(variable).ok_or(ArithmeticError::Overflow)?)
    }

    /// Takes the deposit for a record of this kind and says how much it was.
    pub(crate) fn take_deposit<Record: MaxEncodedLen>(payer: &T::AccountId) -> Result<Balance, DispatchError> {
        let deposit = Self::deposit_for::<Record>()?;
        T::Currency::hold(&HoldReason::Deposit.into(), payer, deposit)?;
        Ok(deposit)
    }

    /// Returns a deposit. It cannot fail: an end must not be held up by it.
    pub(crate) fn return_deposit(payer: &T::AccountId, deposit: Balance) {
        let returned = T::Currency::release(&HoldReason::Deposit.into(), payer, deposit, Precision::BestEffort);
        if returned != Ok(deposit) {
            defensive!("a deposit was not on hold in full");
        }
    }
}
