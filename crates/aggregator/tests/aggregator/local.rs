//! An aggregator inside the test's own process, for what needs another configuration than the usual one.
//!
//! Not here: crashes (`crash`, `kill`).

use crate::support::*;
use blockcloud_aggregator::{
    Child, FileSources, Outcome, Statement, Submission,
    config::{Config, IngestConfig, LimitsConfig, RoundsConfig, TreeConfig, UpstreamConfig},
    run_with,
    sources::SourcesFile,
};
use blockcloud_primitives::{AggregatorId, PublicKey};
use codec::{Decode as _, Encode as _};
use std::{path::Path, sync::Arc};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// One that runs.
pub struct Local {
    pub url: String,
    pub key: PublicKey,
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// A top of 64 slots whose rounds go into a folder.
pub fn config(folder: &Path) -> Config {
    Config {
        genesis: GENESIS,
        aggregator: AggregatorId(5),
        key: folder.join("aggregator.key"),
        listen: ([127, 0, 0, 1], 0).into(),
        data: folder.join("data"),
        sources: folder.join("sources.toml"),
        chain: None,
        tree: TreeConfig { height: 6, part: None, top_key: None },
        rounds: RoundsConfig { interval_ms: 30, ..RoundsConfig::default() },
        upstream: UpstreamConfig::Directory { path: folder.join("out") },
        ingest: IngestConfig::Embedded,
        limits: LimitsConfig { keep_free_bytes: 0, ..LimitsConfig::default() },
    }
}

pub fn register(folder: &Path, guests: &[Guest], children: Vec<Child>) {
    let file = SourcesFile { sources: guests.iter().map(Guest::source).collect(), children };
    std::fs::write(folder.join("sources.new"), toml::to_string(&file).unwrap()).unwrap();
    std::fs::rename(folder.join("sources.new"), folder.join("sources.toml")).unwrap();
}

impl Local {
    pub async fn start(guests: &[Guest], children: Vec<Child>, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path());
        register(folder.path(), guests, children);
        Self::start_in(folder, change).await
    }

    pub async fn start_in(folder: tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(folder.path());
        change(&mut config);
        let key = PublicKey(blockcloud_client::Signer::read(&config.key).unwrap().account().0);
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sources = FileSources::new(&config.sources, config.part());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run_with(config, Box::new(sources), listener, Arc::new(|_| ()), async {
            let _ = stopped.await;
        }));
        Self { url, key, folder, stop: Some(stop), task }
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> tempfile::TempDir {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.folder
    }

    /// Waits until it cannot go on, and gives the reason.
    pub async fn failed(self) -> String {
        format!("{:#}", tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap_err())
    }

    pub async fn send(&self, submissions: &[Submission]) -> Vec<Outcome> {
        let (_, body) = self.post("/v1/checkpoints", "application/octet-stream", submissions.to_vec().encode()).await;
        Vec::<Outcome>::decode(&mut &body[..]).unwrap()
    }

    pub async fn post(&self, path: &str, content: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let response = client().post(format!("{}{path}", self.url)).header("content-type", content).body(body).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }

    pub async fn get(&self, path: &str) -> (u16, serde_json::Value) {
        let response = client().get(format!("{}{path}", self.url)).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Number of rounds that were closed.
    pub async fn rounds(&self) -> u64 {
        self.get("/v1/health").await.1["rounds"].as_u64().unwrap()
    }

    /// Rounds in the folder that is upstream.
    pub fn delivered(&self) -> Vec<Statement> {
        delivered(&self.folder.path().join("out"))
    }
}
