//! What the outside reads: parts of the runtime API's answers. Not here: anything that writes.

use crate::{
    Config, JobOf, Jobs, JobsOf, Pallet, Specs,
    traits::{Attester as _, Logs as _},
};
use blockcloud_primitives::{AccountId, JobId, JobView, Page, Policy, Text};
use frame_support::weights::Weight;

/// Most jobs of one page.
pub const PER_PAGE: u32 = 256;

impl<T: Config> Pallet<T> {
    /// The job's record, absent once it is closed.
    pub fn job(id: JobId) -> Option<JobOf<T>> {
        Jobs::<T>::get(id)
    }

    /// What the customer demands of whoever handles its data.
    pub fn policy(id: JobId) -> Option<Policy> {
        Specs::<T>::get(id).map(|spec| spec.policy)
    }

    /// The job as the market shows it. `endpoint` answers the base URL of a provider's agent.
    pub fn job_view(id: JobId, endpoint: impl FnOnce(&T::AccountId) -> Text<256>) -> Option<JobView> {
        let job = Jobs::<T>::get(id)?;
        let spec = Specs::<T>::get(id)?;
        Some(JobView {
            id,
            customer: AccountId(job.customer.clone().into()),
            provider: AccountId(job.provider.clone().into()),
            endpoint: endpoint(&job.provider),
            offer: job.offer,
            site: job.site,
            state: job.state,
            deadline: job.deadline,
            placed_at: job.placed_at,
            started_at: job.run.map(|run| run.started_at),
            terms: job.terms,
            spec,
            rate: job.rate,
            deposited: job.deposited,
            earned: job.earned(),
            paid: job.paid,
            returned: job.returned,
            session: T::Attester::session(id),
            lapse: job.session_until.filter(|_| job.is_live()).and_then(|_| T::Attester::judge(id, Self::now()).err()),
            suspended: job.suspended,
            head: T::Logs::head(id),
            completion: job.completion,
        })
    }

    /// The jobs of an account, as customer or provider, oldest first. `after`: the last one of the page before, whether or not it is still stored.
    pub fn jobs_of(account: &T::AccountId, after: Option<JobId>, limit: u32) -> Page<JobId, JobId> {
        let limit = usize::try_from(limit.clamp(1, PER_PAGE)).unwrap_or(1);
        let ids = match after {
            Some(after) => JobsOf::<T>::iter_key_prefix_from(account, JobsOf::<T>::hashed_key_for(account, after.0.to_be_bytes())),
            None => JobsOf::<T>::iter_key_prefix(account),
        };
        let mut ids = ids.map(|id| JobId(u64::from_be_bytes(id)));
        let items: alloc::vec::Vec<_> = ids.by_ref().take(limit).collect();
        let next = ids.next().and_then(|_| items.last().copied());
        Page { items, next }
    }

    /// Customer and provider of a job that is not closed.
    pub fn parties(id: JobId) -> Option<(T::AccountId, T::AccountId)> {
        Jobs::<T>::get(id).map(|job| (job.customer, job.provider))
    }

    /// What [`Pallet::on_equivocation`] weighs, for the call that leads to it.
    pub fn on_equivocation_weight() -> Weight {
        use crate::WeightInfo as _;
        T::WeightInfo::on_equivocation()
    }

    /// What [`Pallet::on_checkpoint`] weighs, for the call that leads to it.
    pub fn on_checkpoint_weight() -> Weight {
        use crate::WeightInfo as _;
        T::WeightInfo::on_checkpoint()
    }
}
