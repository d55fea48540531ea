//! The `market_*` JSON-RPC: the market for clients that know nothing of SCALE.
//!
//! Reads are the runtime's `MarketApi`, answered in plain JSON. Writing is two steps: `market_prepare` turns a call in JSON into bytes to sign
//! with a summary a person can read, `market_submit` takes the signature and puts the transaction into the pool. Described for machines in
//! `docs/rpc/openrpc.json`.
//!
//! Not here: any rule of the market (the runtime's), keys (the client's).

mod call;
mod error;
mod prepare;
mod subscribe;

use self::{
    call::MarketCall,
    error::Error,
    prepare::{Prepared, Submission},
};
use blockcloud_primitives::{
    AggregatorId, AggregatorView, JobId, JobSpec, JobView, OfferFilter, OfferId, OfferView, Page, Quote, RoundView, SourceView,
};
use blockcloud_runtime::{
    Hash,
    apis::{MarketApi, RoundsApi},
    opaque::Block,
};
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::TransactionPool;
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// Most items on one page.
const PAGE_LIMIT: u32 = 100;
/// Most offers that one quote names.
const QUOTE_LIMIT: u32 = 200;

/// The offers that fit a job spec, best first, and why the others do not.
#[derive(Clone, Debug, Serialize)]
pub struct QuoteAnswer {
    /// Offers that fit, cheapest first.
    pub fits: Vec<Quote>,
    /// Offers that do not, each with its reasons.
    pub refused: Vec<Quote>,
}

/// The market's JSON-RPC methods. Those that run the runtime do so on threads for blocking work, so that they do not hold up the node's own.
#[rpc(server, namespace = "market")]
pub trait Market {
    /// A page of offers. `after` is the `next` of the page before; `limit` at most 100 (default 20).
    #[method(name = "offers", blocking)]
    fn offers(&self, filter: Option<OfferFilter>, after: Option<OfferId>, limit: Option<u32>) -> RpcResult<Page<OfferView, OfferId>>;

    /// The offers that fit this job spec with their total price, and why others do not.
    #[method(name = "quote", blocking)]
    fn quote(&self, spec: JobSpec) -> RpcResult<QuoteAnswer>;

    /// One job; null once it is closed or if it never was.
    #[method(name = "job", blocking)]
    fn job(&self, job: JobId) -> RpcResult<Option<JobView>>;

    /// A page of the jobs that an account (SS58 or hex) has placed or runs.
    #[method(name = "jobs", blocking)]
    fn jobs(&self, account: String, after: Option<JobId>, limit: Option<u32>) -> RpcResult<Page<JobView, JobId>>;

    /// One aggregator; null once it is retired or if it never was.
    #[method(name = "aggregator", blocking)]
    fn aggregator(&self, aggregator: AggregatorId) -> RpcResult<Option<AggregatorView>>;

    /// A page of aggregators, oldest first.
    #[method(name = "aggregators", blocking)]
    fn aggregators(&self, after: Option<AggregatorId>, limit: Option<u32>) -> RpcResult<Page<AggregatorView, AggregatorId>>;

    /// A page of the jobs that are registered with an aggregator, by slot.
    #[method(name = "sources", blocking)]
    fn sources(&self, aggregator: AggregatorId, after: Option<u32>, limit: Option<u32>) -> RpcResult<Page<SourceView, u32>>;

    /// Where a job is registered.
    #[method(name = "places", blocking)]
    fn places(&self, job: JobId) -> RpcResult<Vec<SourceView>>;

    /// The last rounds of an aggregator, newest first; at most 100 (default 20).
    #[method(name = "rounds", blocking)]
    fn rounds(&self, aggregator: AggregatorId, limit: Option<u32>) -> RpcResult<Vec<RoundView>>;

    /// Bytes to sign for a call, with a summary. `account` is SS58 or hex.
    #[method(name = "prepare", blocking)]
    fn prepare(&self, call: MarketCall, account: String) -> RpcResult<Prepared>;

    /// Submits a prepared call with its signature; answers the transaction's hash.
    #[method(name = "submit")]
    async fn submit(&self, submission: Submission) -> RpcResult<Hash>;

    /// The job now, and again after every finalised block that changed it; ends with a null when the job is closed, or if there is none.
    #[subscription(name = "subscribeJob" => "jobUpdate", unsubscribe = "unsubscribeJob", item = subscribe::JobUpdate)]
    fn subscribe_job(&self, job: JobId);
}

/// The server behind the `market_*` methods.
pub struct MarketRpc<C, P> {
    client: Arc<C>,
    pool: Arc<P>,
    executor: sc_rpc::SubscriptionTaskExecutor,
}

impl<C, P> MarketRpc<C, P> {
    /// A server over this node's client and transaction pool.
    pub fn new(client: Arc<C>, pool: Arc<P>, executor: sc_rpc::SubscriptionTaskExecutor) -> Self {
        Self { client, pool, executor }
    }
}

#[async_trait]
impl<C, P> MarketServer for MarketRpc<C, P>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + BlockchainEvents<Block> + Send + Sync + 'static,
    C::Api: MarketApi<Block> + RoundsApi<Block> + prepare::Apis,
    P: TransactionPool<Block = Block, Hash = Hash> + 'static,
{
    fn offers(&self, filter: Option<OfferFilter>, after: Option<OfferId>, limit: Option<u32>) -> RpcResult<Page<OfferView, OfferId>> {
        let limit = limit.unwrap_or(20).clamp(1, PAGE_LIMIT);
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().offers(best, filter.unwrap_or_default(), after, limit).map_err(Error::runtime)?)
    }

    fn quote(&self, spec: JobSpec) -> RpcResult<QuoteAnswer> {
        let best = self.client.info().best_hash;
        let quotes = self.client.runtime_api().quote(best, spec, QUOTE_LIMIT).map_err(Error::runtime)?;
        let (fits, refused) = quotes.into_iter().partition(|quote| quote.refusals.is_empty());
        Ok(QuoteAnswer { fits, refused })
    }

    fn job(&self, job: JobId) -> RpcResult<Option<JobView>> {
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().job(best, job).map_err(Error::runtime)?)
    }

    fn jobs(&self, account: String, after: Option<JobId>, limit: Option<u32>) -> RpcResult<Page<JobView, JobId>> {
        let account = <[u8; 32]>::from(prepare::account(&account)?).into();
        let limit = limit.unwrap_or(20).clamp(1, PAGE_LIMIT);
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().jobs_of(best, account, after, limit).map_err(Error::runtime)?)
    }

    fn aggregator(&self, aggregator: AggregatorId) -> RpcResult<Option<AggregatorView>> {
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().aggregator(best, aggregator).map_err(Error::runtime)?)
    }

    fn aggregators(&self, after: Option<AggregatorId>, limit: Option<u32>) -> RpcResult<Page<AggregatorView, AggregatorId>> {
        let limit = limit.unwrap_or(20).clamp(1, PAGE_LIMIT);
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().aggregators(best, after, limit).map_err(Error::runtime)?)
    }

    fn sources(&self, aggregator: AggregatorId, after: Option<u32>, limit: Option<u32>) -> RpcResult<Page<SourceView, u32>> {
        let limit = limit.unwrap_or(20).clamp(1, PAGE_LIMIT);
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().sources(best, aggregator, after, limit).map_err(Error::runtime)?)
    }

    fn places(&self, job: JobId) -> RpcResult<Vec<SourceView>> {
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().places(best, job).map_err(Error::runtime)?)
    }

    fn rounds(&self, aggregator: AggregatorId, limit: Option<u32>) -> RpcResult<Vec<RoundView>> {
        let limit = limit.unwrap_or(20).clamp(1, PAGE_LIMIT);
        let best = self.client.info().best_hash;
        Ok(self.client.runtime_api().rounds(best, aggregator, limit).map_err(Error::runtime)?)
    }

    fn prepare(&self, call: MarketCall, account: String) -> RpcResult<Prepared> {
        Ok(prepare::prepare(&*self.client, &*self.pool, call, prepare::account(&account)?)?)
    }

    async fn submit(&self, submission: Submission) -> RpcResult<Hash> {
        Ok(prepare::submit(&*self.client, &*self.pool, submission).await?)
    }

    fn subscribe_job(&self, pending: PendingSubscriptionSink, job: JobId) {
        subscribe::job(self.client.clone(), &self.executor, pending, job);
    }
}
