//! Questions about rounds: aggregators, their sources, their last rounds, as the runtime's `RoundsApi` answers them.

use crate::{At, Chain, Result};
use blockcloud_primitives::{AggregatorId, AggregatorView, JobId, Page, RoundView, SourceView};

impl Chain {
    /// One aggregator, absent once it is retired.
    pub async fn aggregator(&self, aggregator: AggregatorId, at: At) -> Result<Option<AggregatorView>> {
        self.ask("RoundsApi_aggregator", aggregator, at).await
    }

    /// The aggregators, oldest first, after the one named. A page may be short, or empty, and yet have a next one.
    pub async fn aggregators(&self, after: Option<AggregatorId>, limit: u32, at: At) -> Result<Page<AggregatorView, AggregatorId>> {
        self.ask("RoundsApi_aggregators", (after, limit), at).await
    }

    /// The jobs that are registered with an aggregator, by slot, after the one named. A page may be short, or empty, and yet have a next one.
    pub async fn sources(&self, aggregator: AggregatorId, after: Option<u32>, limit: u32, at: At) -> Result<Page<SourceView, u32>> {
        self.ask("RoundsApi_sources", (aggregator, after, limit), at).await
    }

    /// Where a job is registered.
    pub async fn places(&self, job: JobId, at: At) -> Result<Vec<SourceView>> {
        self.ask("RoundsApi_places", job, at).await
    }

    /// The rounds of an aggregator that the chain still keeps, newest first.
    pub async fn rounds(&self, aggregator: AggregatorId, limit: u32, at: At) -> Result<Vec<RoundView>> {
        self.ask("RoundsApi_rounds", (aggregator, limit), at).await
    }
}
