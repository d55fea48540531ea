//! `market_subscribeJob`: a job's state after every finalised block that changed it.

use blockcloud_primitives::{JobId, JobView};
use blockcloud_runtime::{Hash, apis::MarketApi, opaque::Block};
use futures::{StreamExt as _, future, stream};
use jsonrpsee::PendingSubscriptionSink;
use sc_client_api::BlockchainEvents;
use sc_rpc::utils::{BoundedVecDeque, PendingSubscription, spawn_subscription_task};
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// A job at a finalised block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobUpdate {
    /// The block's hash.
    pub block: Hash,
    /// The job; null once it is closed, which is the last update.
    pub job: Option<JobView>,
}

/// Serves one subscription.
pub fn job<C>(client: Arc<C>, executor: &sc_rpc::SubscriptionTaskExecutor, pending: PendingSubscriptionSink, job: JobId)
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + BlockchainEvents<Block> + Send + Sync + 'static,
    C::Api: MarketApi<Block>,
{
    let now = client.info().finalized_hash;
    let blocks = stream::once(future::ready(now)).chain(client.finality_notification_stream().map(|notification| notification.hash));
    let updates = blocks
        .filter_map(move |block| {
            let view = client.runtime_api().job(block, job);
            future::ready(view.ok().map(|job| JobUpdate { block, job }))
        })
        // The state is `(last job sent, whether the closing update is out)`; ending the stream ends the subscription.
        .scan((None::<Option<JobView>>, false), |(last, closed), update| {
            if *closed {
                return future::ready(None);
            }
            let seen_before = matches!(last, Some(Some(_)));
            *closed = update.job.is_none() && seen_before;
            let changed = last.as_ref() != Some(&update.job);
            if changed {
                *last = Some(update.job.clone());
            }
            future::ready(Some(changed.then_some(update)))
        })
        .filter_map(future::ready)
        .boxed();
    spawn_subscription_task(executor, PendingSubscription::from(pending).pipe_from_stream(updates, BoundedVecDeque::default()));
}
