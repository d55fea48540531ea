//! `blockcloud job place`.

use super::{release, show_quotes, watch};
use crate::{
    context::Context,
    fault::{as_usage, is_over, usage},
    home::{Agreed, JobFolder},
    spec::{Prepared, SpecArguments},
    trust::RootArgument,
    units::bcu,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain, calls};
use blockcloud_primitives::{JobId, JobSpec, OfferId, Quote};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: SpecArguments,
    #[command(flatten)]
    root: RootArgument,
    /// The offer to take; without it, the cheapest that fits.
    #[arg(long)]
    offer: Option<OfferId>,
    /// Only place the job: upload and release later with `blockcloud job release`.
    #[arg(long, conflicts_with_all = ["watch", "fetch"])]
    place_only: bool,
    /// Follow the job until it ends.
    #[arg(long)]
    watch: bool,
    /// Follow the job until it ends, then put its output here.
    #[arg(long, value_name = "FOLDER")]
    fetch: Option<PathBuf>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<bool> {
    // Without a key there is nothing to be done: fail before anything is sealed, and before a node is looked for.
    let (_, root, protection) = (context.signer()?, arguments.root.named()?, context.protection()?);
    if !arguments.place_only && !protection.opens() {
        return Err(usage("data keys can only be sealed here, not opened: add --place-only, and let blockcloud-keyd release the key"));
    }
    let Prepared { key, manifest, blobs, spec } = arguments.spec.prepare().map_err(as_usage)?;
    let chain = &context.chain().await?;
    let quote = choose(chain, &spec, arguments.offer).await?;
    context.output.say(format!("offer {} fits: {} per second, {} for the longest run", quote.offer, bcu(quote.rate), bcu(quote.total)));

    let agreed = Agreed { spec: spec.clone(), offer: quote.offer, manifest };
    let mut folder = JobFolder::create(&context.home()?, chain.genesis(), &key, &protection, agreed, &blobs)?;
    let placed = context.submit(chain, &calls::jobs::place(quote.offer, &spec)).await;
    let outcome = match placed {
        Ok(outcome) => outcome,
        Err(error) if is_refused(&error) => {
            folder.discard()?;
            return Err(error);
        }
        // It may yet turn out to be placed, and then needs its key.
        Err(error) => {
            return Err(error.context(
                "whether the job was placed is not known: if `blockcloud job list` shows it, go on with `blockcloud job release N`",
            ));
        }
    };
    let job = outcome.job()?;
    folder.placed(job).with_context(|| resume(job))?;
    context.output.say(format!(
        "job {job} is placed in final block {} with terms {}; its key is in {}",
        outcome.number,
        spec.terms(),
        folder.path().display()
    ));
    if arguments.place_only {
        context
            .output
            .result(&json!({"job": job, "offer": quote.offer, "terms": spec.terms(), "block": outcome.number}), |_| format!("job {job}"))?;
        return Ok(true);
    }
    if !directed(release::run(context, chain, &mut folder, job, root).await, || resume(job))? {
        return Ok(false);
    }
    if !arguments.watch && arguments.fetch.is_none() {
        return Ok(true);
    }
    let ended = directed(watch::run(context, chain, job).await, || {
        format!("job {job} is placed and its key released; go on with `blockcloud job watch {job}`")
    })?;
    // What a program that failed has printed says why.
    let fetched = match arguments.fetch.filter(|_| ended.completed) {
        Some(into) => super::fetch::run(context, chain, job, &into)
            .await
            .with_context(|| format!("job {job} has ended; go on with `blockcloud job fetch {job} --into FOLDER`"))?,
        None => true,
    };
    Ok(ended.well && fetched)
}

/// Whether a placement was refused for good: by the chain's logic, or before it was ever included.
fn is_refused(error: &anyhow::Error) -> bool {
    use blockcloud_client::Error::{Dispatch, Invalid};
    error.downcast_ref().is_some_and(|error| matches!(error, Dispatch(_) | Invalid { .. }))
}

/// What to do when a run is cut off after the placement.
fn resume(job: JobId) -> String {
    format!("job {job} is placed and its escrow locked; go on with `blockcloud job release {job}`")
}

/// Gives an error the direction in which to go on, unless the job is over.
fn directed<T>(result: Result<T>, direction: impl FnOnce() -> String) -> Result<T> {
    result.map_err(|error| if is_over(&error) { error } else { error.context(direction()) })
}

/// The named offer if it fits, else the cheapest that does.
async fn choose(chain: &Chain, spec: &JobSpec, named: Option<OfferId>) -> Result<Quote> {
    let quotes = chain.quote(spec, blockcloud_client::PAGE, At::Best).await?;
    let fits = quotes.iter().find(|quote| quote.refusals.is_empty() && named.is_none_or(|named| named == quote.offer));
    match (fits, named) {
        (Some(quote), _) => Ok(quote.clone()),
        (None, Some(named)) => bail!("offer {named} does not fit:\n{}", show_quotes(&quotes)),
        (None, None) => bail!("no offer fits; loosen the policy, raise the price limit, or wait:\n{}", show_quotes(&quotes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, exit_code};
    use blockcloud_client::Error;

    #[test]
    fn a_run_that_is_cut_off_says_how_to_go_on_unless_the_job_is_over() {
        let away = || Error::Unreachable { url: "ws://h".into(), reason: "refused".into() };
        let cut = directed::<()>(Err(away().into()), || resume(JobId(7))).unwrap_err();
        assert!(
            format!("{cut:#}").starts_with("job 7 is placed and its escrow locked; go on with `blockcloud job release 7`: "),
            "{cut:#}"
        );
        assert_eq!(exit_code(&cut), 3);
        let over = directed::<()>(Err(Fault::Over("job 7 is over".into()).into()), || resume(JobId(7))).unwrap_err();
        assert_eq!(format!("{over:#}"), "job 7 is over");
    }

    #[test]
    fn only_a_refusal_ends_a_draft() {
        assert!(is_refused(&Error::Invalid { reason: "cannot pay".into() }.into()));
        for error in [
            Error::Expired { nonce: 1, last: 2 },
            Error::Pending { nonce: 1, last: 2, waited: std::time::Duration::ZERO },
            Error::Unreachable { url: "ws://h".into(), reason: "refused".into() },
        ] {
            assert!(!is_refused(&error.into()));
        }
    }
}
