//! `blockcloud provider`: registration and sites.

use crate::{context::Context, output::table, units::bcu};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, calls};
use blockcloud_primitives::{OfferFilter, Text};
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register, or change the address of your agent.
    Register {
        /// Base URL at which customers reach your agent.
        #[arg(long)]
        endpoint: Text<256>,
        /// You are registered already and only move the agent.
        #[arg(long)]
        update: bool,
    },
    /// Add a site; prints its number.
    AddSite,
    /// Remove a site that has no offers.
    RemoveSite {
        /// The site.
        site: blockcloud_primitives::SiteId,
    },
    /// Deregister; sites and offers must be gone.
    Deregister,
    /// What the market shows of a provider.
    Show {
        /// The provider; without it, you.
        account: Option<String>,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    if !matches!(command, Command::Show { .. }) {
        context.signer()?;
    }
    let chain = context.chain().await?;
    match command {
        Command::Register { endpoint, update } => {
            let call = if update { calls::offers::update_profile(&endpoint) } else { calls::offers::register(&endpoint) };
            context.submit(&chain, &call).await?;
            let account = context.signer()?.account();
            context
                .output
                .result(&json!({"provider": account, "endpoint": endpoint}), |_| format!("provider {account}, agent at {endpoint}"))?;
        }
        Command::AddSite => {
            let site = context.submit(&chain, &calls::offers::add_site()).await?.site()?;
            context.output.result(&json!({"site": site}), |_| format!("site {site}"))?;
        }
        Command::RemoveSite { site } => {
            context.submit(&chain, &calls::offers::remove_site(site)).await?;
            context.output.result(&json!({"removed": site}), |_| format!("site {site} is removed"))?;
        }
        Command::Deregister => {
            context.submit(&chain, &calls::offers::deregister()).await?;
            context.output.result(&json!({"deregistered": true}), |_| "you are no provider any more; deposits are returned")?;
        }
        Command::Show { account } => {
            let provider = context.account(account.as_deref())?;
            let filter = OfferFilter { provider: Some(provider), ..Default::default() };
            let offers = chain.offers(&filter, None, blockcloud_client::PAGE, At::Finalised).await?;
            let bond = chain.bond(provider, At::Finalised).await?;
            let jobs = chain.all_jobs_of(provider, At::Finalised).await.context("cannot list the provider's jobs")?;
            let live = jobs.iter().filter(|job| job.provider == provider).count();
            let value = json!({"provider": provider, "bond": bond, "offers": offers.items, "jobs": live});
            context.output.result(&value, |_| {
                let rows: Vec<_> = offers.items.iter().map(super::offer::row).collect();
                let bond = bond.as_ref().map_or_else(
                    || "no bond".into(),
                    |bond| format!("bond {} of which {} stand behind jobs", bcu(bond.total), bcu(bond.reserved)),
                );
                format!("provider {provider}\n{bond}\n{live} jobs\n{}", table(&super::offer::HEADER, &rows))
            })?;
        }
    }
    Ok(true)
}
