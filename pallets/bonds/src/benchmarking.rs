//! Benchmarks of the calls at their worst: every unbonding portion in use.
//!
//! Covers are benchmarked with the calls of the jobs pallet that move them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

use crate::{
    types::{MAX_UNBONDINGS, Unbonding},
    *,
};
use blockcloud_primitives::Balance;
use frame_benchmarking::v2::*;
use frame_support::traits::{
    Get,
    fungible::{Inspect as _, Unbalanced as _},
    tokens::Precision,
};
use frame_system::RawOrigin;

/// An account with a bond of many times the minimum, and money left.
fn principal<T: Config>() -> T::AccountId {
    let who: T::AccountId = whitelisted_caller();
    let unit = unit::<T>();
    T::Currency::increase_balance(&who, unit * 100, Precision::BestEffort).expect("the account can be funded");
    Pallet::<T>::bond(RawOrigin::Signed(who.clone()).into(), unit * 20).expect("the account can bond");
    who
}

/// An amount that every rule accepts.
fn unit<T: Config>() -> Balance {
    T::MinimumBond::get().max(T::Currency::minimum_balance())
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn bond() {
        let who = principal::<T>();
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), unit::<T>());
        assert_eq!(Pallet::<T>::free(&who), unit::<T>() * 21);
    }

    #[benchmark]
    fn unbond() {
        let who = principal::<T>();
        for _ in 1..MAX_UNBONDINGS {
            Pallet::<T>::unbond(RawOrigin::Signed(who.clone()).into(), unit::<T>()).expect("the bond is free");
        }
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), unit::<T>());
        assert_eq!(Pallet::<T>::free(&who), unit::<T>() * 12);
    }

    #[benchmark]
    fn withdraw() {
        let who = principal::<T>();
        for _ in 0..MAX_UNBONDINGS {
            Pallet::<T>::unbond(RawOrigin::Signed(who.clone()).into(), unit::<T>()).expect("the bond is free");
        }
        // The benchmark cannot move the clock, so it moves the portions.
        Bonds::<T>::mutate(&who, |slot| {
            let record = slot.as_mut().expect("the account has bonded");
            record.unbonding.iter_mut().for_each(|portion: &mut Unbonding| portion.at = 0);
        });
        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()));
        assert_eq!(Bonds::<T>::get(&who).map(|record| record.total), Some(unit::<T>() * 12));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
