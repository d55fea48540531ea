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
    // Several blocks may become final at once: each of them counts. The notification keeps them from being pruned.
    let later = client.finality_notification_stream().flat_map(|notification| {
        let blocks: Vec<Hash> = notification.tree_route.iter().copied().chain([notification.hash]).collect();
        stream::iter(blocks.into_iter().map(move |block| (block, Some(notification.clone()))))
    });
    let updates = stream::once(future::ready((now, None)))
        .chain(later)
        .map(move |(block, _pinned)| {
            let view = client.runtime_api().job(block, job)?;
            // A job that the best block knows is yet to be final; one that nobody knows is closed, or never was.
            let awaited = view.is_none() && client.runtime_api().job(client.info().best_hash, job)?.is_some();
            Ok((JobUpdate { block, job: view }, awaited))
        })
        // The state is `(last job sent, whether the last update is out)`; ending the stream ends the subscription.
        .scan((None::<Option<JobView>>, false), move |(last, over), update: Result<_, sp_api::ApiError>| {
            if *over {
                return future::ready(None);
            }
            let (update, awaited) = match update {
                Ok(update) => update,
                Err(error) => {
                    tracing::warn!(target: "market", %job, %error, "A subscription ends: the runtime does not answer");
                    return future::ready(None);
                }
            };
            if awaited && last.is_none() {
                return future::ready(Some(None));
            }
            *over = update.job.is_none();
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
