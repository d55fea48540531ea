//! `blockcloud receipt`: a job's log, verified against the chain before anything of it is shown.

use crate::{agent::Agent, context::Context, entry::Entry, home::JobFolder, output::table, spec::names};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Digest, Head, JobId, JobView};
use blockcloud_receipt_log::{Tree, document::InclusionDocument};
use clap::Subcommand;
use serde_json::json;
use std::collections::BTreeMap;

mod export;
mod mirror;
mod source;
mod verify;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List receipts.
    List {
        /// The job.
        job: JobId,
        /// First position to show.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Most receipts to show.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Prove that a receipt is in the log: prints a proof that `blockcloud proof inclusion` reads.
    Prove {
        /// The job.
        job: JobId,
        /// The receipt's position.
        #[arg(long)]
        index: u64,
    },
    /// Show a log in other people's formats, of a job or of an audit bundle.
    Export(export::Arguments),
    /// Write a log, of a job or of an audit bundle, as static files for a web server or an S3-compatible store (C2SP tlog-tiles), or bring them up to date.
    Mirror(mirror::Arguments),
    /// Verify a COSE statement or receipt (RFC 9942), a C2SP checkpoint (signed note) or a C2SP proof, whoever made it. Needs no network.
    Verify(verify::Arguments),
}

/// A job's log up to the chain's head, proved to be that.
pub struct Log {
    pub view: JobView,
    pub agent: Agent,
    pub head: Head,
    pub entries: Vec<Entry>,
    pub tree: Tree,
}

/// Fetches a job's log and holds it against the chain's head.
pub async fn log(context: &Context, chain: &Chain, job: JobId, at: At) -> Result<Log> {
    let view = chain.job(job, at).await?.with_context(|| format!("there is no job {job}, or it is closed"))?;
    let head = view.head.with_context(|| format!("job {job} has no checkpoint on chain yet"))?;
    let agent = Agent::of(&view, chain.genesis(), context.timeout())?;
    let entries = agent.receipts(head.size, context.output).await?;
    let tree: Tree = entries.iter().map(Entry::leaf).collect();
    if Digest(tree.root()) != head.root {
        bail!(
            "the agent's receipts are not those of the chain's head: root {} instead of {}. Somebody changed the log; keep what you have and open a dispute",
            Digest(tree.root()),
            head.root
        );
    }
    Ok(Log { view, agent, head, entries, tree })
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    match command {
        Command::List { job, from, limit } => {
            let chain = context.chain().await?;
            let log = log(context, &chain, job, At::Finalised).await?;
            // Names are known to whoever placed the job; everybody else sees the keyed digests.
            let names = match JobFolder::find(&context.home()?, &chain, job).await {
                Ok(folder) => names(&folder.agreed.manifest),
                Err(_) => BTreeMap::new(),
            };
            let shown: Vec<_> = log.entries.iter().filter(|entry| entry.seq() >= from).take(limit).collect();
            context.output.result(&json!({"job": job, "size": log.head.size, "root": log.head.root, "receipts": shown}), |_| {
                let rows: Vec<_> = shown.iter().map(|entry| row(entry, &names)).collect();
                format!(
                    "{}\n{} of {} receipts; all of them together are the chain's head {}",
                    table(&["seq", "time", "op", "bytes", "object"], &rows),
                    rows.len(),
                    log.head.size,
                    log.head.root
                )
            })?;
        }
        Command::Prove { job, index } => {
            let chain = context.chain().await?;
            let log = log(context, &chain, job, At::Finalised).await?;
            if index >= log.head.size {
                bail!("the chain's head of job {job} holds {} receipts: positions 0 to {}", log.head.size, log.head.size.saturating_sub(1));
            }
            let document = InclusionDocument::of(&log.tree, index, log.head.size)?;
            document.verdict()?;
            // One document in either format: its reader is a program.
            println!("{}", serde_json::to_string(&document)?);
        }
        Command::Export(arguments) => return export::run(context, arguments).await,
        Command::Mirror(arguments) => return mirror::run(context, arguments).await,
        Command::Verify(arguments) => return verify::run(context, &arguments),
    }
    Ok(true)
}

fn row(entry: &Entry, names: &BTreeMap<Digest, String>) -> Vec<String> {
    let Some(receipt) = entry.receipt() else { return vec![entry.seq().to_string(), String::new(), "erased".into()] };
    let object = match names.get(&receipt.object) {
        Some(name) => name.clone(),
        None if receipt.object == Digest::ZERO => String::new(),
        None => format!("{:.18}…", receipt.object.to_string()),
    };
    vec![receipt.seq.to_string(), receipt.time.to_string(), format!("{:?}", receipt.op), receipt.bytes.to_string(), object]
}
