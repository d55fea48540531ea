//! The provider's agent: accepts jobs, starts their guests, ferries ciphertext, brings evidence, checkpoints and completions to the chain.
//!
//! It never holds a plaintext or a key that opens one. It may be killed at any moment, as may guest and node: what it does next follows from
//! what the chain says, what is stored and whether the guest lives ([`decide`]).
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod agent;
pub mod aggregator;
pub mod blobs;
pub mod bounds;
pub mod collateral;
pub mod config;
pub mod configfs;
pub mod decide;
pub mod doctor;
pub mod driver;
pub mod follow;
pub mod hardware;
pub mod http;
pub mod init;
pub mod job;
pub mod log;
pub mod record;
pub mod store;
#[cfg(test)]
mod testing;

use crate::{agent::Agent, config::Config};
use anyhow::Context as _;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// How long requests that run may take once the agent is told to end. Both sides repeat what was cut off.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Runs an agent until `shutdown` is done, or until it cannot go on.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let agent = Agent::open(config).await?;
    serve(agent, shutdown).await
}

/// As [`run`], with an agent that is open already.
pub async fn serve(agent: Arc<Agent>, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let address = agent.config.listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))?;
    tracing::info!(target: "blockcloud::agent", provider = %agent.provider(), listen = %listener.local_addr()?, "the agent is here");
    follow::resume(&agent).await?;

    let stop = agent.stop.clone();
    tokio::spawn(async move {
        shutdown.await;
        stop.cancel();
    });
    let sweeper = tokio::spawn(follow::sweep(agent.clone()));
    let server = http::serve(agent.clone(), listener, http::Limits::default());
    let result = tokio::select! {
        // Only ever returns with an error: the wrong chain, or a broken store.
        followed = follow::follow(agent.clone()) => followed,
        () = server => Ok(()),
        () = overdue(&agent) => Ok(()),
    };
    agent.stop.cancel();
    sweeper.abort();
    // Guests stay: they are not this process's, and wait for the next one.
    tracing::info!(target: "blockcloud::agent", "the agent ends; its guests go on");
    result
}

/// Done when the agent was told to end and requests that run have had their time.
async fn overdue(agent: &Agent) {
    agent.stop.cancelled().await;
    tokio::time::sleep(LAST_REQUESTS).await;
}
