//! A real NATS server with JetStream, in a folder of its own, and guests that publish into a stream of it.
//!
//! Not here: judgements (`soak`, `nats`).

use crate::{
    soak::{Answers, Door, Front},
    support::*,
};
use async_nats::{HeaderMap, jetstream};
use blockcloud_aggregator::{Outcome, Part, Submission, nats::ANSWER};
use codec::{DecodeAll as _, Encode as _};
use futures::{
    StreamExt as _,
    future::{BoxFuture, LocalBoxFuture},
};
use std::{
    path::PathBuf,
    process::{Child as Process, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

pub const STREAM: &str = "BLOCKCLOUD";
/// How long a server may take to acknowledge what is published.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Server {
    folder: PathBuf,
    address: String,
    process: Option<Process>,
}

impl Server {
    /// Not started; nothing where none is installed.
    pub fn new(folder: PathBuf) -> Option<Self> {
        let known = Command::new("nats-server").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        known.ok().filter(|status| status.success())?;
        std::fs::create_dir_all(&folder).unwrap();
        Some(Self { folder, address: free_address(), process: None })
    }

    pub async fn client(&self) -> async_nats::Client {
        until("the NATS server", async || async_nats::connect(&self.address).await.ok()).await
    }

    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::context::ContextBuilder::new().timeout(PATIENCE).ack_timeout(PATIENCE).build(self.client().await)
    }
}

/// The subject of what is for a part's aggregator.
pub fn subject(part: Part) -> String {
    format!("blockcloud.checkpoints.{}.{}", part.base, part.height)
}

impl Front for Server {
    fn ingest(&self) -> String {
        format!("[ingest]\nkind = \"nats\"\nurls = [\"nats://{}\"]\n", self.address)
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn start(&mut self) -> LocalBoxFuture<'_, ()> {
        let (host, port) = self.address.split_once(':').unwrap();
        let mut command = Command::new("nats-server");
        command.args(["-a", host, "-p", port, "-js", "-sd"]).arg(self.folder.join("store")).arg("-l").arg(self.folder.join("log"));
        self.process = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        Box::pin(async { drop(self.client().await) })
    }

    fn door(&self, part: Part, name: String, answers: Arc<Mutex<Answers>>) -> LocalBoxFuture<'_, Box<dyn Door>> {
        Box::pin(async move {
            let jetstream = self.jetstream().await;
            let subject = subject(part);
            let mut answered = jetstream.client().subscribe(format!("{subject}.answers.{name}.*")).await.unwrap();
            tokio::spawn(async move {
                while let Some(answer) = answered.next().await {
                    let turn = answer.subject.rsplit('.').next().unwrap().parse().unwrap();
                    let outcomes = Vec::<Outcome>::decode_all(&mut &answer.payload[..]).unwrap();
                    answers.lock().unwrap().note(turn, &outcomes);
                }
            });
            let door: Box<dyn Door> = Box::new(Publisher { jetstream, subject, name });
            door
        })
    }

    fn left(&self) -> LocalBoxFuture<'_, u64> {
        Box::pin(async {
            let stream = until("the stream", async || self.jetstream().await.get_stream(STREAM).await.ok()).await;
            let left = |consumer: &jetstream::consumer::Info| consumer.num_pending + consumer.num_ack_pending as u64;
            stream.consumers().map(|consumer| left(&consumer.unwrap())).fold(0, async |sum, left| sum + left).await
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Guests that publish together.
struct Publisher {
    jetstream: jetstream::Context,
    subject: String,
    name: String,
}

impl Door for Publisher {
    fn hand_over<'a>(&'a self, turn: u64, batch: &'a [Submission]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let mut headers = HeaderMap::new();
            headers.insert(ANSWER, format!("{}.{turn}", self.name));
            let content = batch.to_vec().encode().into();
            match self.jetstream.publish_with_headers(self.subject.clone(), headers, content).await {
                Ok(stored) => stored.await.is_ok(),
                Err(_) => false,
            }
        })
    }
}
