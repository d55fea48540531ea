//! `blockcloud doctor`: what is wrong, and what to do about it.

use crate::{
    agent::Agent,
    context::{Context, now},
    fault::{Fault, is_unreachable},
    units::{bcu, span},
    verdict::Verdict,
};
use anyhow::Result;
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{AccountId, JobState, OfferFilter};
use serde_json::json;

/// Age of the last final block from which on something is wrong, in milliseconds.
const STALE: u64 = 30_000;

pub async fn run(context: &Context) -> Result<bool> {
    let mut verdict = Verdict::default();
    let connected = context.chain().await;
    let away = connected.as_ref().err().is_some_and(is_unreachable);
    // A key that cannot be read is wrong usage, whether or not a node is there.
    let account = if context.has_key() { Some(context.signer()?.account()) } else { None };
    let connected = verdict.result("the node answers", connected.map_err(|error| format!("{error:#}")), |chain: &Chain| {
        format!("{}, chain {}", chain.url(), chain.genesis())
    });
    if let Some(chain) = connected {
        judge_chain(&chain, &mut verdict).await;
        match account {
            Some(account) => judge_account(context, &chain, account, &mut verdict).await?,
            None => context.output.say("note: without --key only the node is looked at"),
        }
    }
    context.output.result(&json!({"holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
    if away {
        return Err(Fault::Unreachable("no node answers: start one, or name another with --node".into()).into());
    }
    Ok(verdict.holds())
}

async fn judge_chain(chain: &Chain, verdict: &mut Verdict) {
    let runtime = chain.runtime(At::Finalised).await;
    verdict.result("this program knows the chain's runtime", runtime, |runtime| format!("{runtime:?}").chars().take(80).collect());
    if let Some(time) = verdict.result("the chain's clock can be read", chain.now(At::Finalised).await, |_| String::new()) {
        let age = now().saturating_sub(time);
        let found = format!("the last final block is {} old; if this grows, the node has no peers or too few validators are up", span(age));
        verdict.check("blocks become final", age < STALE, found);
    }
    verdict.result("the node has peers or needs none", chain.health().await, |(peers, syncing)| {
        format!("{peers} peers{}", if *syncing { ", still syncing" } else { "" })
    });
}

async fn judge_account(context: &Context, chain: &Chain, account: AccountId, verdict: &mut Verdict) -> Result<()> {
    if let Some(funds) = verdict.result("the account can be read", chain.funds(account, At::Finalised).await, |_| account.to_string()) {
        verdict.check("the account has money for fees", funds.free > 0, format!("{} free, {} held", bcu(funds.free), bcu(funds.held)));
    }
    let filter = OfferFilter { provider: Some(account), ..Default::default() };
    let offers = chain.offers(&filter, None, blockcloud_client::PAGE, At::Finalised).await?;
    if let Some(offer) = offers.items.first() {
        let found = match Agent::health(offer.endpoint.as_str(), context.timeout()).await {
            Ok(health) if health.provider == account => Ok(format!("{}, {} jobs", offer.endpoint, health.jobs)),
            Ok(health) => Err(format!(
                "the agent at {} works for {}: correct the address with `provider register --update`",
                offer.endpoint, health.provider
            )),
            Err(error) => Err(format!("{error:#}: start blockcloud-agent, or correct its address with `provider register --update`")),
        };
        verdict.result("your agent answers at its published address", found, Clone::clone);
        let bond = chain.bond(account, At::Finalised).await?;
        let found = bond
            .map_or_else(|| "none: customers who ask for cover cannot place jobs; `blockcloud bond add`".into(), |bond| bcu(bond.total));
        verdict.check("a bond stands behind your offers", offers.items.iter().any(|offer| offer.free_bond > 0), found);
    }
    for job in chain.all_jobs_of(account, At::Finalised).await? {
        let dry = matches!(job.state, JobState::Running) && job.earned >= job.deposited;
        verdict.check(
            "a job's escrow is not used up",
            !dry,
            format!("job {}: {} of {} earned", job.id, bcu(job.earned), bcu(job.deposited)),
        );
    }
    Ok(())
}
