//! `blockcloud audit complete`: the five questions about completeness, each by itself.

use crate::{
    agent::Agent,
    aggregator::Aggregator,
    bundle::Bundle,
    commands::receipt::log,
    completeness::{
        access::{Access, AccessProof},
        counts, coverage,
        observers::{self, Observed},
        sequence,
    },
    context::Context,
    entry::Entry,
    fault::{as_usage, usage},
    home::JobFolder,
    spec::{names, taken_in},
    units::parse_moment,
    verdict::Verdict,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, agent_api::SignedCheckpoint};
use blockcloud_primitives::{AggregatorId, Digest, JobId, JobView, Moment, PublicKey, Receipt};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Rounds that the chain keeps of an aggregator.
const KEPT: u32 = 256;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Is every position of a job's log there, up to the head?
    Sequence(Whose),
    /// Does every round that the chain keeps have the job's checkpoint, and a fresh one?
    Rounds {
        /// The job.
        #[arg(long)]
        job: JobId,
        /// Base URL of the aggregator that has the job's slot.
        #[arg(long)]
        url: String,
        /// Which aggregator, where the job has a slot with several.
        #[arg(long)]
        aggregator: Option<AggregatorId>,
        /// The first round that is asked about: an aggregator hears of a new slot a few seconds after it was given. Without it, the slot's first.
        #[arg(long)]
        from: Option<u64>,
        /// Seconds after which a checkpoint is not fresh any more. Without it, the checkpoint gap of the job's policy.
        #[arg(long)]
        silence: Option<u32>,
    },
    /// Do the counts of a round add up?
    Counts {
        /// The aggregator.
        #[arg(long)]
        aggregator: AggregatorId,
        /// Its base URL.
        #[arg(long)]
        url: String,
        /// The round; without it, the newest that the chain has.
        #[arg(long)]
        round: Option<u64>,
    },
    /// Was nothing done with an object in a period? Without a period, in all of the log.
    Access {
        #[command(flatten)]
        whose: Whose,
        /// The object: keyed digest of its name, as receipts show it; or the name, where the job was placed from here.
        #[arg(long)]
        object: String,
        /// Begin of the period: RFC 3339, or Unix milliseconds.
        #[arg(long, value_parser = parse_moment)]
        from: Option<Moment>,
        /// End of the period.
        #[arg(long, value_parser = parse_moment)]
        until: Option<Moment>,
        /// Write the proof into this file, for somebody who is to see nothing else of the log.
        #[arg(long)]
        to: Option<PathBuf>,
    },
    /// Verify what `access --to` wrote. Needs no network.
    AccessProof {
        /// The file.
        file: PathBuf,
        /// The receipt key of the job's session, as the chain, or a verified bundle, shows it.
        #[arg(long)]
        receipt_key: PublicKey,
    },
    /// Do the customer and the guest say the same of what was handed over? For whoever placed the job from here. With --job also of the output, which is fetched.
    Observers(Whose),
}

/// Whose log.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    /// A job: its log from its provider's agent, up to the chain's head.
    #[arg(long)]
    job: Option<JobId>,
    /// A bundle, as it is. Whether that is genuine is for `audit verify`.
    #[arg(long)]
    bundle: Option<PathBuf>,
}

/// A log up to a signed checkpoint.
struct Record {
    genesis: Digest,
    /// Where it came from, if not from a file.
    agent: Option<Agent>,
    view: JobView,
    entries: Vec<Entry>,
    /// At the head.
    checkpoint: SignedCheckpoint,
    key: PublicKey,
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    match command {
        Command::Sequence(whose) => {
            let record = record(context, &whose).await?;
            let checkpoint = &record.checkpoint.checkpoint;
            say(context, &sequence::verdict(record.view.id, &record.entries, checkpoint.size, checkpoint.root))
        }
        Command::Rounds { job, url, aggregator, from, silence } => rounds(context, job, &url, aggregator, from, silence).await,
        Command::Counts { aggregator, url, round } => counted(context, aggregator, &url, round).await,
        Command::Access { whose, object, from, until, to } => {
            let record = record(context, &whose).await?;
            let object = named(context, &record, &object).await?;
            access(context, &record, object, (from, until), to.as_deref())
        }
        Command::AccessProof { file, receipt_key } => {
            let proof: AccessProof = serde_json::from_slice(&read(&file)?)
                .with_context(|| format!("{} is no proof as `audit complete access --to` writes it", file.display()))
                .map_err(as_usage)?;
            if let Some(expected) = context.genesis().filter(|expected| *expected != proof.genesis) {
                bail!("the proof is of the chain {}, not of {expected}", proof.genesis);
            }
            match proof.verify(&receipt_key) {
                Ok(access) => tell(context, &proof, &access, None),
                Err(fault) => {
                    context
                        .output
                        .result(&json!({"holds": false, "reason": fault.to_string()}), |_| format!("the proof shows nothing: {fault}"))?;
                    Ok(false)
                }
            }
        }
        Command::Observers(whose) => observed(context, &whose).await,
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display())).map_err(as_usage)
}

fn bundle(file: &Path) -> Result<Bundle> {
    Bundle::read(&read(file)?).with_context(|| file.display().to_string())
}

/// Fetches or reads a log.
async fn record(context: &Context, whose: &Whose) -> Result<Record> {
    if let Some(file) = &whose.bundle {
        let bundle = bundle(file)?;
        let head = bundle.head().with_context(|| format!("job {} has no checkpoint on chain", bundle.job.id))?;
        let checkpoint = at(&bundle.checkpoints, head.size)?;
        let Bundle { genesis, job, receipts: entries, evidence, .. } = bundle;
        return Ok(Record { genesis, agent: None, view: job, entries, checkpoint, key: evidence.receipt_key });
    }
    let job = whose.job.ok_or_else(|| usage("name a --job or a --bundle"))?;
    let chain = context.chain().await?;
    let log = log(context, &chain, job, At::Finalised).await?;
    let checkpoint = at(&log.agent.checkpoints().await?, log.head.size)?;
    let key = log.view.session.as_ref().map(|session| session.receipt_key).with_context(|| format!("job {job} has no session on chain"))?;
    Ok(Record { genesis: chain.genesis(), agent: Some(log.agent), view: log.view, entries: log.entries, checkpoint, key })
}

fn at(checkpoints: &[SignedCheckpoint], size: u64) -> Result<SignedCheckpoint> {
    let found = checkpoints.iter().find(|signed| signed.checkpoint.size == size);
    found.copied().with_context(|| format!("the signed checkpoint of the head, {size} receipts, is not there"))
}

/// The object that is meant.
async fn named(context: &Context, record: &Record, text: &str) -> Result<Digest> {
    if let Ok(digest) = text.parse() {
        return Ok(digest);
    }
    let unknown = || {
        usage(format!(
            "`{text}` is neither a keyed digest (0x and 64 hexadecimal digits) nor the name of an object of a job that was placed from here"
        ))
    };
    let folder = JobFolder::placed_here(&context.home()?, record.genesis, record.view.id)?.ok_or_else(unknown)?;
    let known = names(&folder.agreed.manifest);
    known.iter().find(|(_, name)| name.as_str() == text).map(|(digest, _)| *digest).ok_or_else(unknown)
}

async fn rounds(
    context: &Context,
    job: JobId,
    url: &str,
    aggregator: Option<AggregatorId>,
    from: Option<u64>,
    silence: Option<u32>,
) -> Result<bool> {
    let chain = context.chain().await?;
    let view = chain.job(job, At::Finalised).await?.with_context(|| format!("there is no job {job}, or it is closed"))?;
    let mut places = chain.places(job, At::Finalised).await?;
    places.retain(|place| aggregator.is_none_or(|aggregator| place.aggregator == aggregator));
    let place = match places.as_slice() {
        [] => bail!("job {job} has no slot there: its customer or provider registers it with `blockcloud aggregator join`"),
        [place] => place,
        several => bail!("job {job} has a slot with {} aggregators: name one with --aggregator", several.len()),
    };
    let silence = u64::from(silence.unwrap_or(view.spec.policy.checkpoint_gap)).saturating_mul(1_000);
    let mut kept = chain.rounds(place.aggregator, KEPT, At::Finalised).await?;
    kept.retain(|round| round.round.number >= from.unwrap_or(place.from).max(place.from));
    kept.sort_by_key(|round| round.round.number);
    let server = Aggregator::at(url, context.timeout())?;
    let mut found = Vec::with_capacity(kept.len());
    for round in &kept {
        found.push(coverage::judge(place, round, server.slot(place.slot, round.round.number).await?, silence));
    }
    let holds = !found.is_empty() && found.iter().all(coverage::Covered::holds);
    let shown = json!({"job": job, "aggregator": place.aggregator, "slot": place.slot, "holds": holds, "rounds": found});
    context.output.result(&shown, |_| {
        let lines: Vec<_> = found
            .iter()
            .filter(|covered| !covered.holds())
            .map(|covered| format!("FAILED  round {}: {}", covered.round, covered.found))
            .collect();
        let sum = match (found.first(), found.last()) {
            (Some(first), Some(last)) => format!(
                "{} of {} rounds, from {} to {}, have a fresh checkpoint of job {job} in slot {}; the chain keeps no older ones",
                found.len() - lines.len(),
                found.len(),
                first.round,
                last.round,
                place.slot
            ),
            _ => "the chain has no round in which the slot is the job's yet".into(),
        };
        lines.into_iter().chain([sum]).collect::<Vec<_>>().join("\n")
    })?;
    Ok(holds)
}

async fn counted(context: &Context, aggregator: AggregatorId, url: &str, round: Option<u64>) -> Result<bool> {
    let chain = context.chain().await?;
    let kept = chain.rounds(aggregator, KEPT, At::Finalised).await?;
    let number = match round {
        Some(number) => number,
        None => kept.first().with_context(|| format!("the chain has no round of aggregator {aggregator}"))?.round.number,
    };
    let view = kept
        .iter()
        .find(|view| view.round.number == number)
        .with_context(|| format!("the chain does not keep round {number} of aggregator {aggregator}"))?;
    let server = Aggregator::at(url, context.timeout())?;
    let contents = server.contents(number).await?;
    let before = match number.checked_sub(1) {
        Some(before) => Some(server.contents(before).await?),
        None => None,
    };
    let mut verdict = counts::verdict(before.as_ref(), &contents);
    let statement = &contents.statement;
    let same = (statement.root(), statement.filled(), statement.receipts()) == (view.round.root, view.round.filled, view.round.receipts);
    verdict.check(
        "it is the round that the chain took",
        same,
        format!("round {number} of aggregator {aggregator}, root {}", view.round.root),
    );
    say(context, &verdict)
}

async fn observed(context: &Context, whose: &Whose) -> Result<bool> {
    let record = record(context, whose).await?;
    let folder = JobFolder::placed_here(&context.home()?, record.genesis, record.view.id)?;
    let folder = folder.with_context(|| format!("job {} was not placed from here: only who placed it can compare", record.view.id))?;
    let manifest = &folder.agreed.manifest;
    let (key, data_key) = (&manifest.object_key, folder.data_key(&context.protection()?)?);
    let mut sent = vec![Observed::new(key, "manifest", &folder.blob(record.view.spec.manifest.digest)?)];
    for (entry, name) in manifest.entries().zip(taken_in(manifest)) {
        let plain = entry.open(&data_key, &folder.blob(entry.blob)?).with_context(|| format!("the copy of {}", entry.path))?;
        sent.push(Observed::new(key, &name, &Zeroizing::new(plain)));
    }
    let receipts: Vec<Receipt> = record.entries.iter().filter_map(Entry::receipt).copied().collect();
    let output = match (&record.agent, &record.view.completion) {
        (Some(agent), Some(completion)) => {
            let sealed = agent.fetch(&context.signer()?, Some(&completion.output), context.output).await?;
            Some(Observed::new(key, "output", &sealed))
        }
        _ => None,
    };
    say(context, &observers::verdict(record.view.site, &receipts, &sent, output.as_ref()))
}

fn access(
    context: &Context,
    record: &Record,
    object: Digest,
    (from, until): (Option<Moment>, Option<Moment>),
    to: Option<&Path>,
) -> Result<bool> {
    let period = (from.unwrap_or(0), until.unwrap_or(Moment::MAX));
    let proof = AccessProof::make(record.genesis, &record.entries, record.checkpoint, object, period)?;
    let access = proof.verify(&record.key)?;
    if let Some(until) = until.filter(|until| *until >= access.until) {
        bail!("the log says nothing yet of the time from {} to {until}: ask for a period that is over", access.until);
    }
    if let Some(to) = to {
        fs::write(to, serde_json::to_vec_pretty(&proof)?).with_context(|| format!("cannot write {}", to.display()))?;
    }
    tell(context, &proof, &access, to)
}

/// Says what a proof shows. The answer is yes if nothing was done.
fn tell(context: &Context, proof: &AccessProof, access: &Access, to: Option<&Path>) -> Result<bool> {
    let holds = access.entries.is_empty();
    let shown = json!({"job": proof.job, "object": proof.object, "holds": holds, "access": access, "file": to});
    context.output.result(&shown, |_| {
        let begin = access.after.map_or_else(|| "the log's beginning".to_owned(), |after| after.to_string());
        let done = match access.entries.as_slice() {
            [] => "nothing was done".to_owned(),
            entries => entries
                .iter()
                .map(|entry| {
                    format!("{} receipts, from position {} to {}, say that something was done", entry.receipts, entry.first, entry.last)
                })
                .collect::<Vec<_>>()
                .join("; "),
        };
        let file = to.map_or_else(String::new, |to| format!("\n{}: verify with `blockcloud audit complete access-proof`", to.display()));
        format!("job {}, from {begin} to {} (Unix milliseconds): {done} with {}{file}", proof.job, access.until, proof.object)
    })?;
    Ok(holds)
}

fn say(context: &Context, verdict: &Verdict) -> Result<bool> {
    context.output.result(&json!({"holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
    Ok(verdict.holds())
}
