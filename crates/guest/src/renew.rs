//! Renewal: the guest shows itself again while it works, because evidence counts for a limited time.
//!
//! The agent says when, and which evidence is to be renewed. It is not believed: whatever it names, the processor signs what this guest is. Not here: the
//! first evidence (`evidence`).

use crate::{
    evidence::{self, ReportSource},
    keys::ReceiptKey,
    transport::{Agent, Launch, Renewal},
};
use blockcloud_primitives::{Evidence, PublicKey, ReportBinding};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time};

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// What a guest shows itself again with. The data key has come, so that only the public half of the wrapping key is left.
pub struct Renewer<'a, S> {
    agent: Agent,
    source: &'a S,
    launch: &'a Launch,
    receipt: Arc<ReceiptKey>,
    wrapping: PublicKey,
}

impl<'a, S: ReportSource> Renewer<'a, S> {
    /// For the guest that gave this evidence.
    pub fn new(agent: &Agent, source: &'a S, launch: &'a Launch, receipt: Arc<ReceiptKey>, first: &Evidence) -> Self {
        Self { agent: agent.clone(), source, launch, receipt, wrapping: first.wrapping_key }
    }

    /// Renews whenever it is asked to: once for each request, however often that is repeated, until it succeeds. Ends when nobody can ask any more.
    pub async fn run(&self, mut asked: watch::Receiver<Option<Renewal>>) {
        let mut done = None;
        while asked.changed().await.is_ok() {
            let Some(renewal) = *asked.borrow_and_update() else {
                done = None;
                continue;
            };
            if done == Some(renewal.previous) {
                continue;
            }
            match self.renew(&renewal).await {
                Ok(()) => done = Some(renewal.previous),
                Err(error) => {
                    // The job goes on for as long as the old evidence counts.
                    tracing::warn!(%error, "the evidence was not renewed; trying again");
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn renew(&self, renewal: &Renewal) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let binding = ReportBinding {
            genesis: self.launch.genesis,
            tee: self.source.tee(),
            provider: self.launch.provider,
            job: self.launch.job,
            terms: self.launch.spec.terms(),
            anchor: renewal.anchor.number,
            anchor_hash: renewal.anchor.hash,
            receipt_key: self.receipt.public(),
            wrapping_key: self.wrapping,
            tls_key: None,
            gpu_evidence: None,
            previous: Some(renewal.previous),
        };
        let evidence = evidence::collect(self.source, &binding, &self.receipt).await?;
        self.agent.renewal(&evidence).await?;
        tracing::info!(job = %self.launch.job, "renewed evidence handed over");
        Ok(())
    }
}
