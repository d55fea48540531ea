//! What must hold at all times. The configuration is checked when a runtime is tested, the state after every test and by try-runtime.

#[cfg(feature = "std")]
use crate::{Config, Pallet};

#[cfg(feature = "std")]
impl<T: Config> Pallet<T> {
    /// Checks the configuration: panics, when the runtime is tested, on one with which the pallet cannot work.
    pub(crate) fn check_config() {
        use crate::WeightInfo as _;
        use frame_support::traits::Get;
        for (name, value) in [
            ("AcceptWithin", T::AcceptWithin::get()),
            ("AttestWithin", T::AttestWithin::get()),
            ("StartWithin", T::StartWithin::get()),
            ("MinCheckpointGap", T::MinCheckpointGap::get()),
            ("MinPaidTime", T::MinPaidTime::get()),
            ("MaxDuePerBlock", T::MaxDuePerBlock::get()),
        ] {
            assert!(value > 0, "{name} must not be zero");
        }
        assert!(T::MinCheckpointGap::get() <= T::MaxCheckpointGap::get(), "no checkpoint gap is allowed");
        assert_eq!(frame_system::Pallet::<T>::parent_hash().as_ref().len(), 32, "the genesis hash must have 32 bytes");
        let drain = T::WeightInfo::drain()
            .saturating_add(T::WeightInfo::drain_second())
            .saturating_add(Self::drain_job_weight().saturating_mul(u64::from(T::MaxDuePerBlock::get())));
        let quarter = T::BlockWeights::get().max_block.saturating_div(4);
        assert!(drain.all_lte(quarter), "draining the queue may take {drain:?}, more than a quarter of a block ({quarter:?})");
    }
}

#[cfg(any(test, feature = "try-runtime"))]
mod state {
    use crate::{Config, Cursor, Due, HoldReason, Jobs, JobsOf, NextJob, Pallet, Specs, TotalFlows, types::Flows};
    use alloc::collections::BTreeMap;
    use blockcloud_primitives::{Balance, JobId, JobState};
    use frame_support::{ensure, traits::fungible::hold::Inspect as _};
    use sp_runtime::TryRuntimeError;

    type Check = Result<(), TryRuntimeError>;

    /// The sum, or what overflowed.
    fn sum(amounts: impl IntoIterator<Item = Balance>) -> Result<Balance, TryRuntimeError> {
        amounts.into_iter().try_fold(0, Balance::checked_add).ok_or(TryRuntimeError::Other("a sum overflows"))
    }

    impl<T: Config> Pallet<T> {
        /// Checks every invariant of the crate's documentation.
        pub(crate) fn do_try_state() -> Check {
            Self::check_conservation()?;
            Self::check_holds()?;
            Self::check_flows()?;
            Self::check_queue()?;
            Self::check_indexes()?;
            Self::check_specs()?;
            Self::check_states()
        }

        /// 1. `deposited = paid + returned + held`, and `paid <= earned <= deposited`, for every job.
        pub(crate) fn check_conservation() -> Check {
            for job in Jobs::<T>::iter_values() {
                ensure!(job.deposited == sum([job.paid, job.returned, job.held()])?, "1: a job's money does not add up");
                ensure!(job.paid <= job.earned() && job.earned() <= job.deposited, "1: a job has paid more than was earned");
            }
            Ok(())
        }

        /// 2. What is held of a customer is the sum over its jobs, for each reason; nothing is held for anything else.
        pub(crate) fn check_holds() -> Check {
            let mut expected = BTreeMap::<_, (Balance, Balance)>::new();
            for job in Jobs::<T>::iter_values() {
                let (escrow, deposit) = expected.entry(job.customer.clone()).or_default();
                *escrow = sum([*escrow, job.held()])?;
                *deposit = sum([*deposit, job.deposit])?;
            }
            // Accounts without a job hold nothing.
            for account in frame_system::Account::<T>::iter_keys() {
                let (escrow, deposit) = expected.remove(&account).unwrap_or_default();
                ensure!(
                    T::Currency::balance_on_hold(&HoldReason::Escrow.into(), &account) == escrow,
                    "2: escrow held is not that of the jobs"
                );
                ensure!(
                    T::Currency::balance_on_hold(&HoldReason::Deposit.into(), &account) == deposit,
                    "2: deposit held is not that of the jobs"
                );
            }
            ensure!(expected.is_empty(), "2: a customer of a job has no account");
            Ok(())
        }

        /// 3. Over everything that ever happened, what was deposited is what was paid, returned, or is held.
        pub(crate) fn check_flows() -> Check {
            let Flows { deposited, paid, returned } = TotalFlows::<T>::get();
            let held = sum(Jobs::<T>::iter_values().map(|job| job.held()))?;
            ensure!(deposited == sum([paid, returned, held])?, "3: the total flows do not add up");
            Ok(())
        }

        /// 4. Every job stands in the queue exactly once, in the second that it names, not before the cursor; nothing else stands there.
        pub(crate) fn check_queue() -> Check {
            let mut entries = 0u64;
            for (second, jobs) in Due::<T>::iter() {
                ensure!(!jobs.is_empty(), "4: an empty second is stored");
                ensure!(Cursor::<T>::get().is_some_and(|cursor| second >= cursor), "4: a second before the cursor has entries");
                for id in jobs {
                    ensure!(
                        Jobs::<T>::get(id).is_some_and(|job| job.queued == Some(second)),
                        "4: an entry is not the one that its job names"
                    );
                    entries = entries.saturating_add(1);
                }
            }
            let jobs = Jobs::<T>::iter_keys().fold(0u64, |count, _| count.saturating_add(1));
            ensure!(entries == jobs, "4: a job is not in the queue, or more than once");
            Ok(())
        }

        /// 5. Every job is listed for its customer and its provider; nothing else is listed.
        pub(crate) fn check_indexes() -> Check {
            for (account, id) in JobsOf::<T>::iter_keys() {
                let job = Jobs::<T>::get(JobId(u64::from_be_bytes(id)));
                ensure!(job.is_some_and(|job| job.customer == account || job.provider == account), "5: a job is listed for a stranger");
            }
            for (id, job) in Jobs::<T>::iter() {
                let listed = |account| JobsOf::<T>::contains_key(account, id.0.to_be_bytes());
                ensure!(listed(&job.customer) && listed(&job.provider), "5: a job is not listed for its party");
            }
            Ok(())
        }

        /// 6. Every job has its spec, whose hash is its terms; there are no other specs, and no ids beyond the next.
        pub(crate) fn check_specs() -> Check {
            for (id, job) in Jobs::<T>::iter() {
                ensure!(id < NextJob::<T>::get(), "6: a job has an id that was not handed out");
                ensure!(Specs::<T>::get(id).is_some_and(|spec| spec.terms() == job.terms), "6: a job's spec is not that of its terms");
            }
            ensure!(Specs::<T>::iter_keys().all(Jobs::<T>::contains_key), "6: a spec has no job");
            Ok(())
        }

        /// 7. A job has a run exactly if it had a checkpoint, a session if it was attested, a completion exactly if it was completed; no run is
        ///    longer than the longest run; only a job with a run was ever suspended, and its deadline is then the suspension's.
        pub(crate) fn check_states() -> Check {
            use blockcloud_primitives::End;
            for job in Jobs::<T>::iter_values() {
                let (session, run) = (job.session_until.is_some(), job.run.is_some());
                let fits = match job.state {
                    JobState::Reserved | JobState::Accepted => !session && !run,
                    JobState::Attested => session && !run,
                    JobState::Running => session && run,
                    JobState::Settled(_) => session,
                };
                ensure!(fits, "7: a job's state does not fit what it has");
                let completed = job.state == JobState::Settled(End::Completed);
                ensure!(job.completion.is_some() == completed, "7: a job has a completion without being completed, or the reverse");
                let longest = crate::accrual::millis(job.longest_run);
                ensure!(job.run.is_none_or(|run| run.covered_ms <= longest), "7: a run is longer than the longest run");
                let suspended = job.suspended.is_none_or(|suspension| run && (!job.is_live() || job.deadline == suspension.until));
                ensure!(suspended, "7: a job is suspended that does not run, or without an end");
            }
            Ok(())
        }
    }
}
