//! Following the chain: at every final block the provider's jobs are read as they are, and each is looked after.
//!
//! State is read, not events: whatever happened while the agent or the node was away shows in the state of the jobs, so no event can be missed.

use crate::{
    agent::{Agent, NodeStatus, now},
    record::JobRecord,
};
use anyhow::Context as _;
use blockcloud_client::{At, Chain};
use std::{sync::Arc, time::Duration};

/// Pause before a lost node is looked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long no final block may come before the node is asked anew.
const SILENCE: Duration = Duration::from_secs(20);
/// How often closed jobs are looked through for blobs and logs whose time is over.
const SWEEP: Duration = Duration::from_secs(30);

/// Follows the chain until the agent ends. Returns early only if the node follows another chain than the data belong to.
pub async fn follow(agent: Arc<Agent>) -> anyhow::Result<()> {
    let chain = connect(&agent).await?;
    loop {
        if let Err(error) = follow_heads(&agent, &chain).await {
            // Told once: whoever waits for the node is woken when it is back.
            let news = agent.node.send_if_modified(|status| std::mem::take(&mut status.reachable));
            let error = format!("{error:#}");
            if news {
                tracing::warn!(target: "blockcloud::agent", error, "the node is away; trying until it is back");
            } else {
                tracing::debug!(target: "blockcloud::agent", error, "the node is still away");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connect(agent: &Arc<Agent>) -> anyhow::Result<Chain> {
    loop {
        match Chain::connect(&agent.config.node).await {
            Ok(chain) => {
                agent.bind(chain.clone()).await?;
                tracing::info!(target: "blockcloud::agent", node = chain.url(), genesis = %chain.genesis(), "connected");
                return Ok(chain);
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(target: "blockcloud::agent", %error, advice = error.advice(), "no node; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                let advice = error.advice();
                return Err(error).context(advice);
            }
        }
    }
}

async fn follow_heads(agent: &Arc<Agent>, chain: &Chain) -> anyhow::Result<()> {
    let mut heads = chain.finalised_heads().await?;
    let mut finalised = chain.finalised().await?.number;
    loop {
        reconcile(agent, chain).await?;
        let before = agent.node.send_replace(NodeStatus { reachable: true, finalised });
        if !before.reachable {
            tracing::info!(target: "blockcloud::agent", finalised, "following the chain");
        }
        finalised = tokio::time::timeout(SILENCE, heads.next()).await.context("no final block for a while")??.number;
    }
}

/// Takes up every job of this provider that is on chain. Those that are in hand already read their own state at every final block.
async fn reconcile(agent: &Arc<Agent>, chain: &Chain) -> anyhow::Result<()> {
    for view in chain.all_jobs_of(agent.provider(), At::Finalised).await? {
        // The same account may be a customer elsewhere.
        if view.provider == agent.provider() && !agent.is_looked_after(view.id) {
            let record = agent.store.insert(JobRecord::new(&view)).await?;
            if record.closed_at.is_none() {
                tracing::info!(target: "blockcloud::agent", job = %view.id, customer = %view.customer, state = ?view.state, "taken up");
                agent.take_up(view.id);
            }
        }
    }
    Ok(())
}

/// Takes up every stored job that is not known to be closed: its guest may wait for the agent before the node answers.
pub async fn resume(agent: &Arc<Agent>) -> anyhow::Result<()> {
    for record in agent.store.jobs().await? {
        if record.closed_at.is_none() {
            agent.take_up(record.job);
        }
    }
    Ok(())
}

/// Deletes the blobs, receipts and checkpoints of closed jobs when their time is over.
pub async fn sweep(agent: Arc<Agent>) {
    loop {
        if let Err(error) = sweep_once(&agent).await {
            tracing::warn!(target: "blockcloud::agent", error = format!("{error:#}"), "old blobs and logs could not be deleted");
        }
        tokio::time::sleep(SWEEP).await;
    }
}

/// One pass of [`sweep`].
pub async fn sweep_once(agent: &Agent) -> anyhow::Result<()> {
    let keep = agent.config.run.keep_blobs_seconds.saturating_mul(1_000);
    for record in agent.store.jobs().await? {
        let over = record.closed_at.is_some_and(|closed| closed.saturating_add(keep) <= now());
        if over && !record.blobs_deleted {
            agent.blobs.delete_all(record.job).await?;
            agent.store.change(record.job, |record| record.blobs_deleted = true).await?;
            tracing::info!(target: "blockcloud::agent", job = %record.job, "the closed job's blobs were deleted");
        }
        if over && !record.logs_deleted {
            agent.delete_logs(record.job, record.launches()).await?;
            agent.store.change(record.job, |record| record.logs_deleted = true).await?;
            tracing::info!(target: "blockcloud::agent", job = %record.job, "the closed job's receipts were deleted");
        }
    }
    Ok(())
}
