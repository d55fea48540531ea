//! The usual setting of a story: a development chain, one provider, one customer, a folder for all of them.

use crate::{customer::Customer, node::Node, process::free_port, provider::Provider};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{JobId, JobView, Tee};
use std::{path::Path, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longest time that a job may take to reach a state.
const PATIENCE: Duration = Duration::from_secs(180);

/// See the module.
pub struct Scene {
    /// The chain's only validator.
    pub node: Node,
    /// The chain through that node.
    pub chain: Chain,
    /// Bob, with one offer and an agent.
    pub provider: Provider,
    /// Charlie.
    pub customer: Customer,
    directory: TempDir,
}

impl Scene {
    /// Everything is there and running.
    pub async fn new() -> Result<Self> {
        Self::on(Tee::Simulated).await
    }

    /// As [`Scene::new`], on this simulated hardware.
    pub async fn on(tee: Tee) -> Result<Self> {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        Self::with(tee, port, &url, &url).await
    }

    /// As [`Scene::new`], with an agent at `port` that customers and guests reach through other addresses.
    pub async fn behind(port: u16, customers: &str, guests: &str) -> Result<Self> {
        Self::with(Tee::Simulated, port, customers, guests).await
    }

    async fn with(tee: Tee, port: u16, customers: &str, guests: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let node = Node::dev(directory.path())?;
        let chain = Chain::connect(&node.url()).await?;
        let provider = Provider::start(&node, &chain, directory.path(), tee, port, customers, guests).await?;
        let customer = Customer::new(&node, directory.path());
        Ok(Self { node, chain, provider, customer, directory })
    }

    /// A folder that goes with the scene.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Waits until the best chain shows a job as wanted.
    pub async fn reach(&self, job: JobId, wanted: impl Fn(&JobView) -> bool) -> Result<JobView> {
        let waiting = self.chain.wait_for_job(job, At::Best, |_, view| wanted(view));
        timeout(PATIENCE, waiting).await.context("the job did not get there in time")??.context("the job is stored")
    }
}
