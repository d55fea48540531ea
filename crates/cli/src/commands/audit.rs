//! `blockcloud audit`: a job's whole record in one file, and its judgement.

use crate::{
    agent::Agent,
    bundle::{Bundle, FORMAT},
    commands::{
        complete,
        evidence::{Setting, roots},
        receipt::log,
    },
    context::Context,
    fault::as_usage,
    verdict::Verdict,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{
    At, Chain, Error,
    proof::{AuthoritySet, ChainProof, keys},
};
use blockcloud_primitives::{Digest, JobId};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

mod lineage;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write everything about a job into one file, with the chain's own proof of it.
    Export {
        /// The job.
        #[arg(long)]
        job: JobId,
        /// The file.
        #[arg(long)]
        to: PathBuf,
    },
    /// Verify a bundle. Needs no network.
    Verify {
        /// The bundle.
        file: PathBuf,
        #[command(flatten)]
        belief: Belief,
        /// Also compare the head with the node's (--node).
        #[arg(long)]
        online: bool,
    },
    /// Is the record complete? Five questions, each with an answer of its own.
    #[command(subcommand)]
    Complete(complete::Command),
    /// Follow a piece of data through the jobs whose records you have: where it came from and what became of it. Needs no network.
    Lineage(lineage::Arguments),
    /// Write down the authorities that finalise now, as a node that you trust says, to verify later bundles from there.
    Authorities {
        /// The file.
        #[arg(long)]
        to: PathBuf,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    match command {
        Command::Export { job, to } => export(context, job, &to).await,
        Command::Verify { file, belief, online } => verify(context, &file, &belief, online).await,
        Command::Complete(command) => complete::run(context, command).await,
        Command::Lineage(arguments) => lineage::run(context, arguments).await,
        Command::Authorities { to } => authorities(context, &to).await,
    }
}

async fn export(context: &Context, job: JobId, to: &Path) -> Result<bool> {
    let (bundle, block) = gather(context, job).await?;
    let text = serde_json::to_vec_pretty(&bundle)?;
    write(to, &text)?;
    if bundle.proof.first.is_none() {
        context
            .output
            .say("note: the node has no state of the first block any more; whoever verifies the file must name authorities to begin with");
    }
    context.output.result(&json!({"file": to, "block": block, "receipts": bundle.receipts.len(), "bytes": text.len()}), |_| {
        let (file, receipts, bytes) = (to.display(), bundle.receipts.len(), text.len());
        format!("{file}: {receipts} receipts as of block {block}, {bytes} bytes; verify with `blockcloud audit verify {file}`")
    })?;
    Ok(true)
}

/// Puts a job's bundle together, and says as of which block.
async fn gather(context: &Context, job: JobId) -> Result<(Bundle, u32)> {
    let chain = context.chain().await?;
    // One block for the view and for its proof.
    let block = chain.finalised().await?;
    let log = log(context, &chain, job, At::Block(block.hash)).await?;
    let proof = prove(&chain, block.hash, job).await?;
    let evidence = log.agent.evidence().await?;
    let roots = roots(&chain, &evidence).await?.context("the chain holds no vendor certificates for this hardware")?;
    let collateral = if evidence.tee.is_tdx() { log.agent.collateral().await? } else { Vec::new() };
    let setting = Setting::of(&chain, &log.view, &evidence, collateral, None, None).await?;
    let completion_signature = match &log.view.completion {
        Some(completion) => {
            let found = chain.completion_signature(completion, &log.head, &evidence.receipt_key, block.number).await;
            let found = found.context("the guest's signature over its completion is not to be had: ask a node that keeps all blocks")?;
            Some(found.context("the chain's blocks do not hold the guest's signature over its completion")?)
        }
        None => None,
    };
    let bundle = Bundle {
        format: FORMAT.into(),
        genesis: chain.genesis(),
        at: setting.at,
        anchor_hash: setting.anchor_hash.context("the node does not know the evidence's anchor block")?,
        roots: (hex::encode(&roots.root), hex::encode(&roots.issuer)),
        collateral: setting.collateral,
        checkpoints: checkpoints(&log.agent, log.head.size).await?,
        job: log.view,
        evidence,
        receipts: log.entries,
        completion_signature,
        proof,
    };
    Ok((bundle, block.number))
}

async fn checkpoints(agent: &Agent, size: u64) -> Result<Vec<blockcloud_client::agent_api::SignedCheckpoint>> {
    let mut checkpoints = agent.checkpoints().await?;
    checkpoints.retain(|signed| signed.checkpoint.size <= size);
    Ok(checkpoints)
}

/// Proves what an audit needs of the chain; waits where the block's justification is still on its way.
async fn prove(chain: &Chain, block: Digest, job: JobId) -> Result<ChainProof> {
    let keys = [keys::job(job), keys::spec(job), keys::log(job)];
    let mut heads = chain.finalised_heads().await?;
    for _ in 0..10 {
        match chain.prove(block, &keys).await {
            Err(Error::NotProvable(_)) => heads.next_patiently().await?,
            proof => return Ok(proof?),
        };
    }
    Ok(chain.prove(block, &keys).await?)
}

/// What a bundle is judged by.
#[derive(Debug, Default, Args)]
pub struct Belief {
    /// The vendor's root that you believe, and no other, when a bundle is verified: BLAKE3 of its DER. Without it, AMD's own for SEV-SNP.
    #[arg(long)]
    pub root: Option<Digest>,
    /// The authorities that you trust to begin with, when a bundle is verified (`blockcloud audit authorities`). Without it, those of the first block.
    #[arg(long, value_name = "FILE")]
    pub authorities: Option<PathBuf>,
}

impl Belief {
    /// The verdict on a bundle.
    fn judge(&self, context: &Context, bundle: &Bundle) -> Result<Verdict> {
        let pinned = self.authorities.as_deref().map(read_authorities).transpose()?;
        let mut verdict = bundle.verify(self.root, pinned.as_ref());
        if let Some(expected) = context.genesis() {
            verdict.check("it is of the expected chain", bundle.genesis == expected, bundle.genesis.to_string());
        }
        Ok(verdict)
    }

    /// Reads a bundle from which something is to be shown: nothing is of one that does not hold.
    pub async fn read(&self, context: &Context, file: &Path, online: bool) -> Result<Bundle> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display())).map_err(as_usage)?;
        let bundle = Bundle::read(&text).with_context(|| file.display().to_string())?;
        let mut verdict = self.judge(context, &bundle)?;
        if online {
            compare(context, &bundle, &mut verdict).await?;
        }
        hold(&verdict, &file.display().to_string())?;
        Ok(bundle)
    }
}

fn hold(verdict: &Verdict, name: &str) -> Result<()> {
    if verdict.holds() {
        return Ok(());
    }
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.holds).map(|check| check.claim).collect();
    bail!("nothing is shown of a bundle that does not hold: {name}: not so: {}. See `blockcloud audit verify`", failed.join("; "))
}

async fn verify(context: &Context, file: &Path, belief: &Belief, online: bool) -> Result<bool> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display())).map_err(as_usage)?;
    let bundle = Bundle::read(&text)?;
    let mut verdict = belief.judge(context, &bundle)?;
    if online {
        compare(context, &bundle, &mut verdict).await?;
    }
    if context.genesis().is_none() {
        context.output.say(format!("note: the file says it is of the chain {}; --genesis makes sure", bundle.genesis));
    }
    context.output.result(&json!({"job": bundle.job.id, "holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
    Ok(verdict.holds())
}

/// Compares a bundle's head with what the node has finalised.
async fn compare(context: &Context, bundle: &Bundle, verdict: &mut Verdict) -> Result<()> {
    let chain = context.chain().await?;
    let view = chain.job(bundle.job.id, At::Finalised).await?;
    let same =
        chain.genesis() == bundle.genesis && view.as_ref().is_some_and(|view| view.head == bundle.head() && view.terms == bundle.job.terms);
    let found =
        if view.is_some() { "compared with the node's finalised state" } else { "the node knows no such job: closed, or never was" };
    verdict.check("the chain itself holds this head", same, found);
    Ok(())
}

async fn authorities(context: &Context, to: &Path) -> Result<bool> {
    let set = context.chain().await?.authority_set(At::Finalised).await?;
    write(to, &serde_json::to_vec_pretty(&set)?)?;
    context.output.result(&json!({"file": to, "set": set.id, "authorities": set.authorities.len()}), |_| {
        format!("{}: {} authorities, set {}", to.display(), set.authorities.len(), set.id)
    })?;
    Ok(true)
}

/// Reads what `blockcloud audit authorities` wrote.
fn read_authorities(file: &Path) -> Result<AuthoritySet> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display())).map_err(as_usage)?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no authority set as `blockcloud audit authorities` writes it", file.display()))
        .map_err(as_usage)
}

fn write(to: &Path, text: &[u8]) -> Result<()> {
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))
}
