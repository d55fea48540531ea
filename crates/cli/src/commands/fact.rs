//! `blockcloud fact`: what certifiers vouch for.

use crate::{
    context::{Context, now},
    fault::usage,
};
use anyhow::Result;
use blockcloud_client::calls;
use blockcloud_primitives::{CertificateName, CountryCode, Fact, RegionCode, SiteId, Text};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Vouch for one fact about a site. You must be accredited, and you answer for it.
    Certify {
        /// The site.
        #[arg(long)]
        site: SiteId,
        #[command(flatten)]
        what: What,
        /// Days for which you vouch.
        #[arg(long, default_value_t = 365)]
        days: u64,
    },
    /// Withdraw a fact that you vouched for.
    Revoke {
        /// The site.
        #[arg(long)]
        site: SiteId,
        #[command(flatten)]
        what: What,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct What {
    /// Its region (ISO 3166-2, for instance DE-BE).
    #[arg(long)]
    region: Option<RegionCode>,
    /// The country to whose law it is subject (ISO 3166-1 alpha-2).
    #[arg(long)]
    jurisdiction: Option<CountryCode>,
    /// A certificate that it holds (for instance ISO27001).
    #[arg(long)]
    certificate: Option<CertificateName>,
    /// The legal entity that operates it.
    #[arg(long)]
    operator: Option<Text<64>>,
}

impl What {
    fn fact(self) -> Result<Fact> {
        Ok(match self {
            Self { region: Some(region), .. } => Fact::Region(region),
            Self { jurisdiction: Some(country), .. } => Fact::Jurisdiction(country),
            Self { certificate: Some(name), .. } => Fact::Certificate(name),
            Self { operator: Some(entity), .. } => Fact::Operator(entity),
            _ => return Err(usage("name one fact")),
        })
    }
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    // What is wrong with the command itself is told before a node is looked for.
    context.signer()?;
    let chain = context.chain().await?;
    match command {
        Command::Certify { site, what, days } => {
            let fact = what.fact()?;
            let until = now().saturating_add(days.saturating_mul(86_400_000));
            context.submit(&chain, &calls::offers::certify(site, &fact, until)).await?;
            context.output.result(&json!({"site": site, "fact": fact, "until": until}), |_| {
                format!("vouched for {} of site {site} for {days} days", show(&fact))
            })?;
        }
        Command::Revoke { site, what } => {
            let kind = what.fact()?.kind();
            context.submit(&chain, &calls::offers::revoke(site, &kind)).await?;
            context.output.result(&json!({"site": site, "revoked": kind}), |_| format!("withdrawn: {kind:?} of site {site}"))?;
        }
    }
    Ok(true)
}

/// A fact in words.
pub fn show(fact: &Fact) -> String {
    match fact {
        Fact::Region(region) => format!("region {region}"),
        Fact::Jurisdiction(country) => format!("jurisdiction {country}"),
        Fact::Certificate(name) => format!("certificate {name}"),
        Fact::Operator(entity) => format!("operator {entity}"),
    }
}
