//! Benchmarks at the worst case: the list is full, the account concerned is the last on it.

use super::*;
use alloc::{boxed::Box, format, vec::Vec};
use frame_benchmarking::{account, v2::*};
use frame_support::{
    BoundedVec, assert_ok,
    traits::{EnsureOrigin, Get},
};

/// Prepares accounts for benchmarks.
pub trait BenchmarkHelper<AccountId> {
    /// Gives the account session keys of its own.
    fn set_keys(account: &AccountId);
}

impl<AccountId> BenchmarkHelper<AccountId> for () {
    fn set_keys(_: &AccountId) {}
}

fn fill<T: Config>(count: u32) -> Result<(), BenchmarkError> {
    let validators: Vec<_> = (0..count)
        .map(|index| {
            let name: Name = format!("{index:064}").parse().map_err(|_| BenchmarkError::Stop("a name is too long"))?;
            Ok(Validator { account: account("validator", index, 0), name })
        })
        .collect::<Result<_, BenchmarkError>>()?;
    Validators::<T>::put(BoundedVec::truncate_from(validators));
    Ok(())
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn add_validator() -> Result<(), BenchmarkError> {
        let last = T::MaxValidators::get().saturating_sub(1);
        fill::<T>(last)?;
        let joining: T::AccountId = account("joining", 0, 0);
        T::BenchmarkHelper::set_keys(&joining);
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let name: Name = format!("{:>64}", "joining").parse().map_err(|_| BenchmarkError::Stop("a name is too long"))?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, joining.clone(), name);

        assert!(Validators::<T>::get().iter().any(|validator| validator.account == joining));
        Ok(())
    }

    #[benchmark]
    fn remove_validator() -> Result<(), BenchmarkError> {
        let count = T::MaxValidators::get().max(2);
        fill::<T>(count)?;
        let leaving: T::AccountId = account("validator", count.saturating_sub(1), 0);
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, leaving.clone());

        assert!(Validators::<T>::get().iter().all(|validator| validator.account != leaving));
        Ok(())
    }

    #[benchmark]
    fn enact() -> Result<(), BenchmarkError> {
        let call: <T as Config>::RuntimeCall = frame_system::Call::remark { remark: Vec::new() }.into();
        let origin = T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[block]
        {
            assert_ok!(Pallet::<T>::enact(origin, Box::new(call)));
        }
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::genesis(), crate::mock::Test);
}
