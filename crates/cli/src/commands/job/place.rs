//! `blockcloud job place`.

use super::{release, show_quotes, watch};
use crate::{
    context::Context,
    home::{Agreed, JobFolder},
    spec::{Prepared, SpecArguments},
    units::bcu,
};
use anyhow::{Result, bail};
use blockcloud_client::{At, Chain, calls};
use blockcloud_primitives::{JobSpec, OfferId, Quote};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: SpecArguments,
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

pub async fn run(context: &Context, chain: &Chain, arguments: Arguments) -> Result<bool> {
    // Without a key there is nothing to be done: fail before anything is sealed.
    context.signer()?;
    let Prepared { key, manifest, blobs, spec } = arguments.spec.prepare()?;
    let quote = choose(chain, &spec, arguments.offer).await?;
    context.output.say(format!("offer {} fits: {} per second, {} for the longest run", quote.offer, bcu(quote.rate), bcu(quote.total)));

    let agreed = Agreed { spec: spec.clone(), offer: quote.offer, manifest };
    let mut folder = JobFolder::create(&context.home()?, chain.genesis(), &key, agreed, &blobs)?;
    let placed = context.submit(chain, &calls::jobs::place(quote.offer, &spec)).await;
    let outcome = match placed {
        Ok(outcome) => outcome,
        Err(error) => {
            // Only a refusal by the chain is final; after anything else the job may yet turn out to be placed, and then needs its key.
            if error.downcast_ref::<blockcloud_client::Error>().is_some_and(|error| matches!(error, blockcloud_client::Error::Dispatch(_)))
            {
                folder.discard()?;
            }
            return Err(error);
        }
    };
    let job = outcome.job()?;
    folder.placed(job)?;
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
    if !release::run(context, chain, &mut folder, job).await? {
        return Ok(false);
    }
    match arguments.fetch {
        Some(into) => Ok(watch::run(context, chain, job).await? && super::fetch::run(context, chain, job, &into).await?),
        None if arguments.watch => watch::run(context, chain, job).await,
        None => Ok(true),
    }
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
