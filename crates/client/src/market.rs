//! The market's questions: offers, quotes, jobs, bonds, as the runtime's `MarketApi` answers them.

use crate::{At, Chain, Result};
use blockcloud_primitives::{AccountId, BondView, JobId, JobSpec, JobState, JobView, OfferFilter, OfferId, OfferView, Page, Quote};

/// The longest page that is asked for.
pub const PAGE: u32 = 100;

impl Chain {
    /// A page of offers.
    pub async fn offers(&self, filter: &OfferFilter, after: Option<OfferId>, limit: u32, at: At) -> Result<Page<OfferView, OfferId>> {
        self.ask("MarketApi_offers", (filter, after, limit), at).await
    }

    /// One offer.
    pub async fn offer(&self, offer: OfferId, at: At) -> Result<Option<OfferView>> {
        self.ask("MarketApi_offer", offer, at).await
    }

    /// The offers judged against a spec: those that fit, best first, then those that do not, with the reasons.
    pub async fn quote(&self, spec: &JobSpec, limit: u32, at: At) -> Result<Vec<Quote>> {
        self.ask("MarketApi_quote", (spec, limit), at).await
    }

    /// One job; nothing once it is closed.
    pub async fn job(&self, job: JobId, at: At) -> Result<Option<JobView>> {
        self.ask("MarketApi_job", job, at).await
    }

    /// A page of the jobs that an account placed or runs.
    pub async fn jobs_of(&self, account: AccountId, after: Option<JobId>, limit: u32, at: At) -> Result<Page<JobView, JobId>> {
        self.ask("MarketApi_jobs_of", (account, after, limit), at).await
    }

    /// All jobs that an account placed or runs, as of one block.
    pub async fn all_jobs_of(&self, account: AccountId, at: At) -> Result<Vec<JobView>> {
        let at = At::Block(self.resolve(at).await?);
        let mut jobs = Vec::new();
        let mut after = None;
        loop {
            let page = self.jobs_of(account, after, PAGE, at).await?;
            jobs.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(jobs),
            }
        }
    }

    /// Waits until a job's state satisfies a condition, or the job is closed (`None`). No deadline: set one around it. A node that is away for a
    /// while ([`crate::LOST`]) is waited for.
    pub async fn wait_for_job(&self, job: JobId, at: At, mut done: impl FnMut(&JobState, &JobView) -> bool) -> Result<Option<JobView>> {
        let mut heads = match at {
            At::Best => self.patiently(|| self.best_heads()).await?,
            _ => self.patiently(|| self.finalised_heads()).await?,
        };
        loop {
            match self.patiently(|| self.job(job, at)).await? {
                Some(view) if !done(&view.state, &view) => {}
                other => return Ok(other),
            }
            heads.next_patiently().await?;
        }
    }

    /// A provider's bond, absent if it has none.
    pub async fn bond(&self, provider: AccountId, at: At) -> Result<Option<BondView>> {
        self.ask("MarketApi_bond", provider, at).await
    }
}
