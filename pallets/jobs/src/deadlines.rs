//! When a job's state ends by itself, and which end that is. Not here: looking at the queue (`service`), the arithmetic (`accrual`).

use crate::{Config, JobOf, Pallet, accrual::millis, traits::Attester as _, types::Graces};
use blockcloud_primitives::{End, JobId, JobState, Moment};
use frame_support::traits::{Get, Time as _};

impl<T: Config> Pallet<T> {
    /// The chain's clock.
    pub(crate) fn now() -> Moment {
        T::Time::now()
    }

    /// The moment `seconds` after `now`. Saturating: a moment beyond 2^64 ms is never.
    pub(crate) fn after(now: Moment, seconds: u32) -> Moment {
        now.saturating_add(millis(seconds))
    }

    /// The graces of a running job.
    pub(crate) fn graces() -> Graces {
        Graces { silence: T::SilenceGrace::get(), last_word: T::LastWordGrace::get() }
    }

    /// Computes a running job's deadline from its clock. Other states fix theirs when they begin.
    pub(crate) fn refresh_deadline(job: &mut JobOf<T>) {
        if let Some(clock) = job.clock() {
            job.deadline = clock.due(&Self::graces()).0;
        }
    }

    /// Why a live job has ended by `now`, or nothing if it has not: because its deadline has passed, or because its session was withdrawn.
    pub(crate) fn ended_by(id: JobId, job: &JobOf<T>, now: Moment) -> Option<End> {
        // Judged at the deadline where that has passed, so that the verdict does not depend on when it is spoken.
        let lapsed = || !T::Attester::live(id, now.min(job.deadline));
        let overdue = job.is_overdue(now);
        match job.state {
            JobState::Reserved => overdue.then_some(End::NotAccepted),
            JobState::Accepted => overdue.then_some(End::NotAttested),
            JobState::Attested if lapsed() => Some(End::AttestationLapsed),
            JobState::Running if lapsed() => Some(End::AttestationLapsed),
            JobState::Attested => overdue.then_some(End::NotStarted),
            JobState::Running => job.clock().filter(|_| overdue).map(|clock| clock.due(&Self::graces()).1),
            JobState::Settled(_) => None,
        }
    }
}
