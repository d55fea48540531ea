//! `blockcloud audit`: judge a job's whole record from one file.

use crate::{bundle::Bundle, context::Context, fault::as_usage, verdict::Verdict};
use anyhow::{Context as _, Result};
use blockcloud_client::At;
use blockcloud_primitives::Digest;
use clap::Subcommand;
use serde_json::json;
use std::{fs, path::PathBuf};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify a bundle that `blockcloud receipt export` wrote. Needs no network.
    Verify {
        /// The bundle.
        file: PathBuf,
        /// The vendor's root that you believe, and no other: BLAKE3 of its DER. Without it, AMD's own for SEV-SNP.
        #[arg(long)]
        root: Option<Digest>,
        /// Also compare the head with the node's (--node).
        #[arg(long)]
        online: bool,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    let Command::Verify { file, root, online } = command;
    let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display())).map_err(as_usage)?;
    let bundle = Bundle::read(&text)?;
    let genesis = context.genesis();
    let mut verdict = bundle.verify(root);
    if let Some(expected) = genesis {
        verdict.check("it is of the expected chain", bundle.genesis == expected, bundle.genesis.to_string());
    }
    if online {
        compare(context, &bundle, &mut verdict).await?;
    } else {
        context.output.say("note: that the head is the chain's is not proved by the file alone; --online compares it with a node");
    }
    if genesis.is_none() {
        context.output.say(format!("note: the file says it is of the chain {}; --genesis makes sure", bundle.genesis));
    }
    context.output.result(&json!({"job": bundle.job.id, "holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
    Ok(verdict.holds())
}

/// Compares a bundle's head with what the node has finalised.
pub async fn compare(context: &Context, bundle: &Bundle, verdict: &mut Verdict) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.job(bundle.job.id, At::Finalised).await?;
    let same =
        chain.genesis() == bundle.genesis && view.as_ref().is_some_and(|view| view.head == bundle.head() && view.terms == bundle.job.terms);
    let found =
        if view.is_some() { "compared with the node's finalised state" } else { "the node knows no such job: closed, or never was" };
    verdict.check("the chain itself holds this head", same, found);
    Ok(())
}
