//! A log that is handed on to others, and where it comes from: a job, whose receipts are held against the chain's head, or an audit bundle, of which everything is verified that the file
//! can show. Not here: what becomes of it (`export`, `mirror`).

use super::log;
use crate::{commands::audit, context::Context, entry::Entry, fault::usage};
use anyhow::{Context as _, Result};
use blockcloud_client::At;
use blockcloud_primitives::{Digest, End, Head, JobId, JobState, JobView, Receipt};
use blockcloud_receipt_log::{
    Tree,
    formats::{Standing, cose::HeadSeen, note::TreeHead},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where the log comes from.
#[derive(Debug, Args)]
pub struct From {
    /// The job. Its log is fetched from the provider's agent and compared with the chain's head.
    #[arg(required_unless_present = "bundle")]
    job: Option<JobId>,
    /// An audit bundle to take the log from, in place of a job. It is verified first; without --online no node is asked.
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    bundle: Option<PathBuf>,
    /// Compare the bundle's head with the node's (--node).
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    belief: audit::Belief,
}

impl From {
    /// Flags that mean something for a bundle only, and whether they were given without one.
    pub fn misplaced(&self) -> [(&'static str, bool); 3] {
        [("--online", self.online), ("--root", self.belief.root.is_some()), ("--authorities", self.belief.authorities.is_some())]
            .map(|(flag, given)| (flag, given && self.bundle.is_none()))
    }

    /// Fetches or reads it. Nothing comes of a log that does not hold.
    pub async fn read(&self, context: &Context) -> Result<Source> {
        match (&self.bundle, self.job) {
            (Some(file), _) => self.bundle(context, file).await,
            (None, Some(job)) => chain(context, job).await,
            (None, None) => Err(usage("name a job, or a bundle with --bundle")),
        }
    }

    async fn bundle(&self, context: &Context, file: &Path) -> Result<Source> {
        let bundle = self.belief.read(context, file, self.online).await?;
        if !self.online {
            context
                .output
                .say("note: the head is what the chain had finalised when the bundle was written; --online asks whether it still is");
        }
        let head = bundle.head().context("the bundle's job has no head")?;
        let mut entries = bundle.receipts;
        entries.truncate(usize::try_from(head.size)?);
        let tree: Tree = entries.iter().map(Entry::leaf).collect();
        let seen = if self.online { HeadSeen::Chain } else { HeadSeen::Bundle };
        Ok(Source { genesis: bundle.genesis, job: bundle.job, head, entries, tree, seen })
    }
}

async fn chain(context: &Context, job: JobId) -> Result<Source> {
    let chain = context.chain().await?;
    let log = log(context, &chain, job, At::Finalised).await?;
    Ok(Source { genesis: chain.genesis(), job: log.view, head: log.head, entries: log.entries, tree: log.tree, seen: HeadSeen::Chain })
}

/// A log that was verified.
pub struct Source {
    pub genesis: Digest,
    pub job: JobView,
    pub head: Head,
    /// Exactly those of the head.
    pub entries: Vec<Entry>,
    pub tree: Tree,
    pub seen: HeadSeen,
}

impl Source {
    /// A receipt that was not erased.
    pub fn receipt(&self, index: u64) -> Result<&Receipt> {
        let found = usize::try_from(index).ok().and_then(|index| self.entries.get(index));
        let found = found
            .with_context(|| format!("the log holds {} receipts: positions 0 to {}", self.head.size, self.head.size.saturating_sub(1)))?;
        found.receipt().with_context(|| format!("receipt {index} was erased: only its leaf hash is left"))
    }

    /// How the job stands.
    pub fn standing(&self) -> Standing {
        match self.job.state {
            JobState::Reserved | JobState::Accepted | JobState::Attested | JobState::Running => Standing::Running,
            JobState::Settled(End::Completed) => Standing::Completed,
            JobState::Settled(End::CancelledByCustomer) => Standing::Aborted,
            JobState::Settled(_) => Standing::Failed,
        }
    }

    /// The log's state under a name of the exporter's, the chain's and the job's: the origin of notes about it.
    pub fn tree_head(&self, issuer: &str) -> TreeHead {
        let origin = format!("{issuer}/{}/job/{}", hex::encode(self.genesis.0), self.job.id);
        TreeHead { origin, size: self.head.size, root: self.head.root.0 }
    }
}
