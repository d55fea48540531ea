//! `blockcloud aggregator`: who commits rounds, and which jobs have a slot with whom.

use crate::{context::Context, output::table, units::bcu};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain, PAGE, calls};
use blockcloud_primitives::{AggregatorId, AggregatorView, JobId, PublicKey, RoundView, SourceView};
use clap::Subcommand;
use serde_json::json;

/// Rounds that are shown.
const ROUNDS: u32 = 10;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Become an aggregator: a stake and the price of what the chain stores are held until it is retired.
    Register {
        /// The key that signs rounds, as `blockcloud-aggregator init` prints it.
        #[arg(long)]
        public_key: PublicKey,
        /// The tree has 2^height slots, at most 2^30; it cannot change later.
        #[arg(long)]
        height: u8,
    },
    /// Stop being one, once it has no sources. What is held returns.
    Retire {
        /// The aggregator.
        aggregator: AggregatorId,
    },
    /// List aggregators.
    List,
    /// Show an aggregator, its last rounds, and its sources.
    Show {
        /// The aggregator.
        aggregator: AggregatorId,
    },
    /// Give a job a slot: the job's customer or provider, for a deposit.
    Join {
        /// The aggregator.
        aggregator: AggregatorId,
        /// The job.
        #[arg(long)]
        job: JobId,
        /// A vacant slot; without it, the next one that was never used.
        #[arg(long)]
        slot: Option<u32>,
    },
    /// Give a slot up: whoever took it; anybody once the job is closed. The deposit returns to whoever took it.
    Leave {
        /// The aggregator.
        aggregator: AggregatorId,
        /// The slot.
        #[arg(long)]
        slot: u32,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    if !matches!(command, Command::List | Command::Show { .. }) {
        context.signer()?;
    }
    let chain = context.chain().await?;
    match command {
        Command::Register { public_key, height } => {
            let outcome = context.submit(&chain, &calls::receipts::register_aggregator(public_key, height)).await?;
            let aggregator: AggregatorId = outcome.event("Receipts", "AggregatorRegistered")?.field("aggregator")?;
            context.output.result(&json!({"aggregator": aggregator}), |_| {
                format!("aggregator {aggregator}: put this number into its configuration")
            })?;
        }
        Command::Retire { aggregator } => {
            context.submit(&chain, &calls::receipts::retire_aggregator(aggregator)).await?;
            context.output.result(&json!({"aggregator": aggregator}), |_| format!("aggregator {aggregator} is retired"))?;
        }
        Command::Join { aggregator, job, slot } => {
            let outcome = context.submit(&chain, &calls::receipts::register_source(aggregator, job, slot)).await?;
            let event = outcome.event("Receipts", "SourceRegistered")?;
            let (slot, from): (u32, u64) = (event.field("slot")?, event.field("from")?);
            context.output.result(&json!({"aggregator": aggregator, "job": job, "slot": slot, "from": from}), |_| {
                format!("job {job} has slot {slot} of aggregator {aggregator} from round {from} on")
            })?;
        }
        Command::Leave { aggregator, slot } => {
            context.submit(&chain, &calls::receipts::withdraw_source(aggregator, slot)).await?;
            context.output.result(&json!({"aggregator": aggregator, "slot": slot}), |_| {
                format!("slot {slot} of aggregator {aggregator} is vacant")
            })?;
        }
        Command::List => list(context, &chain).await?,
        Command::Show { aggregator } => show(context, &chain, aggregator).await?,
    }
    Ok(true)
}

async fn list(context: &Context, chain: &Chain) -> Result<()> {
    let at = At::Block(chain.finalised().await?.hash);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = chain.aggregators(after, PAGE, at).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    context.output.result(&all, |all: &Vec<AggregatorView>| {
        let rows: Vec<_> = all.iter().map(row).collect();
        table(&["aggregator", "slots", "sources", "rounds", "receipts", "held", ""], &rows)
    })
}

fn row(view: &AggregatorView) -> Vec<String> {
    vec![
        view.id.to_string(),
        format!("2^{}", view.height),
        view.sources.to_string(),
        view.rounds.to_string(),
        view.receipts.to_string(),
        bcu(view.deposit),
        if view.stopped { "stopped: it signed two rounds of one number".into() } else { String::new() },
    ]
}

async fn show(context: &Context, chain: &Chain, aggregator: AggregatorId) -> Result<()> {
    let at = At::Block(chain.finalised().await?.hash);
    let view = chain.aggregator(aggregator, at).await?.with_context(|| format!("there is no aggregator {aggregator}, or it is retired"))?;
    let rounds = chain.rounds(aggregator, ROUNDS, at).await?;
    let (mut sources, mut after) = (Vec::new(), None);
    loop {
        let page = chain.sources(aggregator, after, PAGE, at).await?;
        sources.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    context.output.result(&json!({"aggregator": view, "rounds": rounds, "sources": sources}), |_| {
        let rounds: Vec<_> = rounds.iter().map(round).collect();
        let sources: Vec<_> = sources.iter().map(source).collect();
        format!(
            "{}\n\nkey {}, owner {}\n\n{}\n\n{}",
            table(&["aggregator", "slots", "sources", "rounds", "receipts", "held", ""], &[row(&view)]),
            view.key,
            view.owner,
            table(&["round", "filled", "receipts", "committed at", "root"], &rounds),
            table(&["slot", "job", "from round", "taken by"], &sources)
        )
    })
}

fn round(view: &RoundView) -> Vec<String> {
    let RoundView { round, committed_at } = view;
    vec![round.number.to_string(), round.filled.to_string(), round.receipts.to_string(), committed_at.to_string(), round.root.to_string()]
}

fn source(view: &SourceView) -> Vec<String> {
    vec![view.slot.to_string(), view.job.to_string(), view.from.to_string(), view.holder.to_string()]
}
