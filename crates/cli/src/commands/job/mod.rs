//! `blockcloud job`: from the quote to the output.

mod fetch;
mod place;
mod release;
mod watch;

use crate::{
    context::{Context, now},
    fault::{Fault, as_usage},
    home::JobFolder,
    output::table,
    spec::SpecArguments,
    trust::RootArgument,
    units::{bcu, parse_bcu, relative, span},
};
use anyhow::Result;
use blockcloud_client::{At, Chain, calls};
use blockcloud_primitives::{Balance, Exit, JobId, JobState, JobView, Quote};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Which offers fit, at what price, and why others do not. Commits to nothing.
    Quote(Box<SpecArguments>),
    /// Seal the files, place the job, upload, and release the key once the guest is verified.
    Place(Box<place::Arguments>),
    /// Where a job stands.
    Status {
        /// The job.
        job: JobId,
    },
    /// Your jobs.
    List {
        /// The account; without it, you.
        account: Option<String>,
    },
    /// Follow a job until it ends.
    Watch {
        /// The job.
        job: JobId,
    },
    /// Go on with a job that was placed from here: upload what is missing, verify the guest, release the key.
    Release {
        /// The job.
        job: JobId,
        #[command(flatten)]
        root: RootArgument,
    },
    /// Fetch and open the output of a completed job.
    Fetch {
        /// The job.
        job: JobId,
        /// Where to put it.
        #[arg(long)]
        into: PathBuf,
    },
    /// Cancel a job: what it has earned is paid, the rest returns.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// Have the chain look at a job now: end it if it is overdue, suspend it if its evidence counts no longer, let it go on if that counts again. Anyone may,
    /// and it is free when there was something to do.
    Poke {
        /// The job.
        job: JobId,
    },
    /// Add to a job's escrow.
    TopUp {
        /// The job.
        job: JobId,
        /// How much, in BCU.
        #[arg(value_parser = parse_bcu)]
        amount: Balance,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    // What is wrong with the command itself is told before a node is looked for.
    match command {
        Command::Quote(spec) => {
            let spec = spec.prepare().map_err(as_usage)?.spec;
            let quotes = context.chain().await?.quote(&spec, blockcloud_client::PAGE, At::Best).await?;
            let any = quotes.iter().any(|quote| quote.refusals.is_empty());
            context.output.result(&quotes, |quotes| show_quotes(quotes))?;
            Ok(any)
        }
        Command::Place(arguments) => place::run(context, *arguments).await,
        Command::Status { job } => {
            let chain = context.chain().await?;
            let view = view(&chain, job).await?;
            if let Ok(folder) = JobFolder::find(&context.home()?, &chain, job).await {
                folder.saw(&view)?;
            }
            context.output.result(&view, details)?;
            Ok(true)
        }
        Command::List { account } => {
            let account = context.account(account.as_deref())?;
            let jobs = context.chain().await?.all_jobs_of(account, At::Finalised).await?;
            context.output.result(&jobs, |jobs| {
                let rows: Vec<_> = jobs
                    .iter()
                    .map(|job| {
                        vec![job.id.to_string(), state(&job.state), job.offer.to_string(), bcu(job.earned), relative(job.placed_at, now())]
                    })
                    .collect();
                if rows.is_empty() { "no jobs".into() } else { table(&["job", "state", "offer", "earned", "placed"], &rows) }
            })?;
            Ok(true)
        }
        Command::Watch { job } => Ok(watch::run(context, &context.chain().await?, job).await?.well),
        Command::Release { job, root } => {
            let (_, root) = (context.signer()?, root.named()?);
            let chain = context.chain().await?;
            let mut folder = JobFolder::find(&context.home()?, &chain, job).await?;
            release::run(context, &chain, &mut folder, job, root).await
        }
        Command::Fetch { job, into } => {
            context.signer()?;
            fetch::run(context, &context.chain().await?, job, &into).await
        }
        Command::Cancel { job } => {
            context.signer()?;
            let chain = context.chain().await?;
            context.submit(&chain, &calls::jobs::cancel(job)).await?;
            // A job whose guest was never attested needs no claim window: it is closed at once.
            let left = chain.job(job, At::Finalised).await?;
            context.output.result(&json!({"cancelled": job, "job": left}), |_| match &left {
                Some(view) => details(view),
                None => format!("job {job} is cancelled and closed; everything is returned"),
            })?;
            Ok(true)
        }
        Command::Poke { job } => {
            context.signer()?;
            let chain = context.chain().await?;
            context.submit(&chain, &calls::jobs::poke(job)).await?;
            let left = chain.job(job, At::Finalised).await?;
            context.output.result(&json!({"poked": job, "job": left}), |_| match &left {
                Some(view) => details(view),
                None => format!("job {job} is closed"),
            })?;
            Ok(true)
        }
        Command::TopUp { job, amount } => {
            context.signer()?;
            let chain = context.chain().await?;
            context.submit(&chain, &calls::jobs::top_up(job, amount)).await?;
            let view = view(&chain, job).await?;
            context.output.result(&json!({"job": job, "deposited": view.deposited.to_string()}), |_| {
                format!("job {job} now has {} in escrow", bcu(view.deposited - view.paid - view.returned))
            })?;
            Ok(true)
        }
    }
}

async fn view(chain: &Chain, job: JobId) -> Result<JobView> {
    let view = chain.job(job, At::Finalised).await?;
    view.ok_or_else(|| Fault::Over(format!("there is no job {job}: it was never placed, or it is closed")).into())
}

/// Quotes as a table, with the reasons of those that do not fit.
fn show_quotes(quotes: &[Quote]) -> String {
    let rows: Vec<_> = quotes
        .iter()
        .map(|quote| {
            let reasons: Vec<_> = quote.refusals.iter().map(|refusal| format!("{refusal:?}")).collect();
            let verdict = if reasons.is_empty() { "fits".into() } else { format!("no: {}", reasons.join(", ")) };
            vec![quote.offer.to_string(), format!("{} per second", bcu(quote.rate)), bcu(quote.total), verdict]
        })
        .collect();
    if rows.is_empty() { "there are no offers at all".into() } else { table(&["offer", "price", "longest run costs", "verdict"], &rows) }
}

/// A job's state in words.
fn state(state: &JobState) -> String {
    match state {
        JobState::Settled(end) => format!("settled: {end}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Everything about a job.
fn details(job: &JobView) -> String {
    let mut lines = vec![
        format!("job {}: {}", job.id, state(&job.state)),
        format!("placed {} under offer {} at site {} of {}", relative(job.placed_at, now()), job.offer, job.site, job.provider),
        format!("price {} per second, state ends by itself {}", bcu(job.rate), relative(job.deadline, now())),
        money(job),
    ];
    if let Some(session) = &job.session {
        lines.push(format!("guest {:?}, measurement {}, receipt key {}", session.tee, session.measurement, session.receipt_key));
        lines.push(format!("chip {}; its evidence runs out {}", session.chip, relative(session.valid_until, now())));
    }
    lines.extend(notice(job));
    if let Some(head) = &job.head {
        lines.push(format!("log: {} receipts, root {}, accepted {}", head.size, head.root, relative(head.accepted_at, now())));
        let used = head.usage;
        lines.push(format!("used: {} of processor time, {} bytes in, {} bytes out", span(used.cpu_ms), used.bytes_in, used.bytes_out));
    }
    if let Some(completion) = &job.completion {
        lines.push(format!(
            "program: {}; output {} bytes sealed; data erased at receipt {}",
            exit(&completion.exit),
            completion.output.bytes,
            completion.erased
        ));
    }
    lines.join("\n")
}

/// What is the matter with the evidence that a job rests on, if anything.
fn notice(job: &JobView) -> Option<String> {
    match (&job.suspended, job.lapse) {
        (Some(suspension), _) if matches!(job.state, JobState::Settled(_)) => Some(format!("it was suspended: {}", suspension.reason)),
        (Some(suspension), _) => Some(format!(
            "SUSPENDED, unpaid: {}; ends {} unless that changes or the provider brings new evidence",
            suspension.reason,
            relative(suspension.until, now())
        )),
        (None, Some(lapse)) => {
            Some(format!("its evidence counts no longer: {lapse}; `blockcloud job poke {}` has the chain take notice", job.id))
        }
        (None, None) => None,
    }
}

/// Where a job's money is.
fn money(job: &JobView) -> String {
    let held = job.deposited.saturating_sub(job.paid).saturating_sub(job.returned);
    format!(
        "money: {} locked by the customer = {} paid to the provider + {} returned + {} held",
        bcu(job.deposited),
        bcu(job.paid),
        bcu(job.returned),
        bcu(held)
    )
}

/// How the program ended, in words.
fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Code(0) => "ended well".into(),
        Exit::Code(code) => format!("ended with exit code {code}"),
        Exit::Trap => "trapped: it crashed, or met one of its limits; summary.json in the output says which".into(),
        Exit::OutOfFuel => "used up its fuel: place it again with more --fuel".into(),
        Exit::BadInput => "was never started: module or inputs are not what the spec says, or do not fit; see summary.json".into(),
    }
}
