//! When a job's state ends by itself and which end that is, and when it is suspended. Not here: looking at the queue (`service`), the arithmetic (`accrual`).

use crate::{Config, JobOf, Pallet, accrual::millis, traits::Attester as _, types::Graces};
use blockcloud_primitives::{End, JobId, JobState, Lapse, Moment, Suspension};
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

    /// Computes a running job's deadline from its clock, or, while it is suspended, from that. Other states fix theirs when they begin.
    pub(crate) fn refresh_deadline(job: &mut JobOf<T>) {
        if let Some(clock) = job.clock() {
            job.deadline = job.suspended.map_or_else(|| clock.due(&Self::graces()).0, |suspension| suspension.until);
        }
    }

    /// What has become of a live job by `now` that nobody called for, or nothing.
    pub(crate) fn turn(id: JobId, job: &JobOf<T>, now: Moment) -> Option<Turn> {
        let overdue = job.is_overdue(now);
        // Judged at the deadline where that has passed, so that the verdict does not depend on when it is spoken.
        let lapse = || T::Attester::judge(id, now.min(job.deadline)).err();
        match job.state {
            JobState::Reserved => overdue.then_some(Turn::End(End::NotAccepted)),
            JobState::Accepted => overdue.then_some(Turn::End(End::NotAttested)),
            JobState::Attested if lapse().is_some() => Some(Turn::End(End::AttestationLapsed)),
            JobState::Attested => overdue.then_some(Turn::End(End::NotStarted)),
            JobState::Running if job.suspended.is_some() && overdue => Some(Turn::End(End::AttestationLapsed)),
            JobState::Running if job.suspended.is_some() => lapse().is_none().then_some(Turn::Resume),
            JobState::Running => match lapse() {
                Some(reason) => Some(Self::suspend_or_end(id, job, reason, now)),
                None => job.clock().filter(|_| overdue).map(|clock| Turn::End(clock.due(&Self::graces()).1)),
            },
            JobState::Settled(_) => None,
        }
    }

    /// What a lapse brings: a suspension, or the end where the policy gives no grace, or where that is over already.
    fn suspend_or_end(id: JobId, job: &JobOf<T>, reason: Lapse, now: Moment) -> Turn {
        let grace = Self::policy(id).map_or(0, |policy| policy.suspension_grace);
        // A session that runs out does so at a known moment; anything else is noticed when it is.
        let since = job.session_until.filter(|_| reason == Lapse::Expired).unwrap_or(now).min(now);
        let until = Self::after(since, grace);
        if until <= now { Turn::End(End::AttestationLapsed) } else { Turn::Suspend(Suspension { since, reason, until }) }
    }
}

/// What becomes of a job by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It ends.
    End(End),
    /// What it rests on counts no longer: it waits for new evidence, unpaid.
    Suspend(Suspension),
    /// What it rests on counts again.
    Resume,
}
