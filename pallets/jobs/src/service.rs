//! The time-driven part: drains the queue of deadlines, metered, with a cap per block, and resumes where it stopped. A backlog is never dropped.

use crate::{Config, Cursor, Due, Error, Event, JobOf, Jobs, PER_SECOND, Pallet, WeightInfo as _, queue::next_second};
use blockcloud_primitives::{JobId, List, Moment};
use frame_support::{
    defensive,
    storage::with_storage_layer,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use sp_runtime::{DispatchError, DispatchResult};

/// Most seconds that one block steps over: how fast the queue catches up after the chain stood still.
const MAX_SECONDS: u32 = 600;

/// Seconds until a job that could not be processed is tried again.
const RETRY: u64 = 60;

impl<T: Config> Pallet<T> {
    /// Looks at the jobs whose second has come, as many as weight and cap allow.
    pub(crate) fn drain(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::drain()).is_err() {
            return;
        }
        let Some(start) = Cursor::<T>::get() else { return };
        let now = Self::now();
        let mut cursor = start;
        let mut left = T::MaxDuePerBlock::get();
        for _ in 0..MAX_SECONDS {
            if cursor >= next_second(now) || meter.try_consume(T::WeightInfo::drain_second()).is_err() {
                break;
            }
            if !Self::drain_second(cursor, now, &mut left, meter) {
                break;
            }
            cursor = cursor.saturating_add(1);
        }
        if cursor != start {
            Cursor::<T>::put(cursor);
        }
    }

    /// Looks at the jobs of one second. Answers whether all of them are done; the others stay for the next block. One that finds no room for its
    /// next entry is set aside, so that it does not hold up the others.
    pub(crate) fn drain_second(second: u64, now: Moment, left: &mut u32, meter: &mut WeightMeter) -> bool {
        let mut jobs = Due::<T>::take(second);
        let mut rest = List::<JobId, PER_SECOND>::new();
        while let Some(id) = jobs.pop() {
            let affordable = left.checked_sub(1).filter(|_| meter.try_consume(Self::drain_job_weight()).is_ok());
            let done = affordable.is_some_and(|budget| {
                *left = budget;
                Self::process(id, now)
            });
            // There is room: it was just taken out of as small a list.
            if !done && rest.try_push(id).is_err() {
                defensive!("no room for the entry that was just taken out");
            }
            if affordable.is_none() {
                break;
            }
        }
        // The order within a second means nothing.
        if rest.iter().try_for_each(|id| jobs.try_push(*id)).is_err() {
            defensive!("no room for the entries that were just taken out");
        }
        if jobs.is_empty() {
            return true;
        }
        Due::<T>::insert(second, jobs);
        false
    }

    /// What looking at one job weighs at most: it ends, or it closes, or both.
    pub(crate) fn drain_job_weight() -> Weight {
        T::WeightInfo::drain_job().max(T::WeightInfo::drain_early()).max(T::WeightInfo::drain_close())
    }

    /// Looks at one job, whose entry is out of the queue. Answers whether it is done: ended, closed, or queued again.
    pub(crate) fn process(id: JobId, now: Moment) -> bool {
        let Some(mut job) = Jobs::<T>::get(id) else {
            defensive!("queue entry without a job");
            return true;
        };
        job.queued = None;
        // All or nothing for each job: one that fails must not take the others with it.
        let Err(error) = with_storage_layer(|| Self::advance_or_requeue(id, job.clone(), now)) else { return true };
        if error == Error::<T>::QueueFull.into() {
            return false;
        }
        Self::postpone(id, job, error, now)
    }

    fn advance_or_requeue(id: JobId, mut job: JobOf<T>, now: Moment) -> DispatchResult {
        if Self::advance(id, job.clone(), now)? {
            return Ok(());
        }
        Self::schedule(id, &mut job, now)?;
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// Lets a job that could not be processed come again later. Answers whether there was room.
    fn postpone(id: JobId, mut job: JobOf<T>, error: DispatchError, now: Moment) -> bool {
        let earliest = next_second(now);
        let Some(second) = Self::enqueue(id, earliest.saturating_add(RETRY), earliest, u64::MAX) else { return false };
        job.queued = Some(second);
        Jobs::<T>::insert(id, job);
        Self::deposit_event(Event::Postponed { job: id, error });
        true
    }
}
