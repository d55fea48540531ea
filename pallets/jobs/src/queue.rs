//! The queue of deadlines: which second a job's one entry stands in.
//!
//! The job's deadline is authoritative; the entry only says when somebody looks. Moving a deadline to a later moment leaves the entry where it is
//! (it fires early and queues itself again), so that the many checkpoints of a running job do not touch the queue. Moving it to an earlier moment
//! moves the entry. Not here: the draining, which is in `service`.

use crate::{Config, Cursor, Due, Error, JobOf, Pallet};
use blockcloud_primitives::{JobId, Moment};

/// How many seconds are tried from the wanted one on, and again from the earliest one on.
const SPILL: u64 = 4;
/// How often the distance is doubled in the search for room after that, from the earliest second on: 16 s, 32 s, ... up to 18 hours. Nobody can fill
/// all of them for every second to come; a job that is looked at so late can be poked.
const DOUBLINGS: u32 = 13;

/// The first whole second that is not before `moment`.
pub(crate) fn second_of(moment: Moment) -> u64 {
    moment.div_ceil(1000)
}

/// The first second that is still to be drained at `now`.
pub(crate) fn next_second(now: Moment) -> u64 {
    // Saturating without effect: the quotient is far below 2^64.
    (now / 1000).saturating_add(1)
}

impl<T: Config> Pallet<T> {
    /// Sees to it that the job is looked at soon after its deadline.
    ///
    /// A job without an entry gets one, or this fails. A job with an entry keeps it if it is early enough, or if there is no room for an earlier
    /// one: then it is looked at late, and anyone may poke it.
    pub(crate) fn schedule(id: JobId, job: &mut JobOf<T>, now: Moment) -> Result<(), Error<T>> {
        let wanted = second_of(job.deadline);
        match job.queued {
            None => {
                let second = Self::enqueue(id, wanted, next_second(now), u64::MAX).ok_or(Error::<T>::QueueFull)?;
                job.queued = Some(second);
            }
            Some(second) if second <= wanted => {}
            Some(late) => {
                if let Some(second) = Self::enqueue(id, wanted, next_second(now), late) {
                    Self::unqueue(id, job);
                    job.queued = Some(second);
                }
            }
        }
        Ok(())
    }

    /// Puts an entry into the first second with room: from `wanted`, else (too early, but then it comes again) from `earliest`, else further and
    /// further away; always before `before`. Answers the second.
    pub(crate) fn enqueue(id: JobId, wanted: u64, earliest: u64, before: u64) -> Option<u64> {
        Self::candidates(wanted, earliest, before).find(|second| Due::<T>::try_append(second, id).is_ok())
    }

    /// The seconds that are tried for an entry, in this order.
    pub(crate) fn candidates(wanted: u64, earliest: u64, before: u64) -> impl Iterator<Item = u64> {
        let from = |start: u64| start..start.saturating_add(SPILL);
        let far = (0..DOUBLINGS).map(move |doubling| earliest.saturating_add(16_u64.saturating_mul(1 << doubling)));
        from(wanted.max(earliest)).chain(from(earliest)).chain(far).filter(move |second| *second < before)
    }

    /// Takes the job's entry out of the queue.
    pub(crate) fn unqueue(id: JobId, job: &mut JobOf<T>) {
        if let Some(second) = job.queued.take() {
            Due::<T>::mutate_exists(second, |entries| {
                if let Some(jobs) = entries {
                    jobs.retain(|job| *job != id);
                    if jobs.is_empty() {
                        *entries = None;
                    }
                }
            });
        }
    }

    /// Lets the draining begin at the first job's time instead of 1970.
    pub(crate) fn start_queue(now: Moment) {
        if Cursor::<T>::get().is_none() {
            Cursor::<T>::put(next_second(now));
        }
    }
}
