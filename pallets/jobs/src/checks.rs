//! What a spec must say before anything is reserved for it. Not here: whether an offer fits it, which the offers decide.

use crate::{Config, Error, Pallet};
use blockcloud_primitives::{Balance, JobSpec, Policy, Workload};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

/// MiB in a GiB.
const MIB_PER_GIB: u64 = 1024;

impl<T: Config> Pallet<T> {
    /// Refuses a spec that nothing can meet, or that would have something done for nothing.
    pub(crate) fn check_spec(spec: &JobSpec) -> DispatchResult {
        let policy = &spec.policy;
        let nothing_allowed = policy.regions.is_empty() || policy.jurisdictions.is_empty() || policy.measurements.is_empty();
        ensure!(!nothing_allowed, Error::<T>::EmptyAllowList);
        ensure!(!policy.tees.is_empty(), Error::<T>::NoTee);
        ensure!(spec.resources.vcpus > 0 && spec.resources.memory_gib > 0, Error::<T>::NoResources);
        let Workload::Wasm { memory_mib, .. } = &spec.workload;
        // Saturating without effect: 2^32 * 1024 < 2^64.
        let reserved_mib = u64::from(spec.resources.memory_gib).saturating_mul(MIB_PER_GIB);
        ensure!(u64::from(*memory_mib) <= reserved_mib, Error::<T>::MemoryNotReserved);
        ensure!(spec.longest_run > 0, Error::<T>::NoRun);
        let bounds = T::MinCheckpointGap::get()..=T::MaxCheckpointGap::get();
        ensure!(bounds.contains(&policy.checkpoint_gap), Error::<T>::CheckpointGapOutOfBounds);
        ensure!(policy.suspension_grace <= T::MaxSuspensionGrace::get(), Error::<T>::SuspensionGraceTooLong);
        ensure!(policy.chip_endorsements <= Policy::MAX_CHIP_ENDORSEMENTS, Error::<T>::TooManyEndorsements);
        ensure!(policy.longest_session == 0 || policy.longest_session >= Policy::MIN_SESSION, Error::<T>::SessionTooShort);
        Ok(())
    }

    /// Refuses an escrow that does not pay for the shortest paid time.
    pub(crate) fn check_escrow(spec: &JobSpec, rate: Balance) -> DispatchResult {
        let seconds = T::MinPaidTime::get().min(spec.longest_run);
        let least = rate.checked_mul(Balance::from(seconds)).ok_or(Error::<T>::Overflow)?;
        ensure!(spec.escrow >= least, Error::<T>::EscrowTooLow);
        Ok(())
    }
}
