//! `blockcloud chip`: which processors run for whom, where, and who vouches for that.

use crate::{
    context::{Context, now},
    units::relative,
};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain, calls};
use blockcloud_primitives::{AccountId, Balance, Digest, JobId, Moment, SiteId};
use clap::Subcommand;
use codec::{Decode, Encode as _};
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a chip as the chain knows it.
    Show {
        /// SHA-256 of the chip's identity, as sessions name it.
        #[arg(required_unless_present = "job")]
        chip: Option<Digest>,
        /// The chip that this job's guest runs on.
        #[arg(long, conflicts_with = "chip")]
        job: Option<JobId>,
    },
    /// Vouch that a chip stands at its site. You must be accredited, and you answer for it.
    Endorse {
        /// The chip.
        chip: Digest,
        /// Where you saw it stand.
        #[arg(long)]
        site: SiteId,
        /// Days for which you vouch.
        #[arg(long, default_value_t = 365)]
        days: u64,
    },
    /// Take your word for a chip back.
    Withdraw {
        /// The chip.
        chip: Digest,
    },
    /// Let one of your chips go, because it is moved, sold or scrapped. What certifiers said of it is forgotten.
    Release {
        /// The chip.
        chip: Digest,
    },
}

/// A chip as the chain stores it: pallet-attestation's `Chip`.
#[derive(Clone, Debug, Decode, Serialize)]
struct Chip {
    provider: AccountId,
    site: SiteId,
    #[serde(with = "blockcloud_primitives::amount")]
    deposit: Balance,
    sessions: u32,
    endorsements: Vec<Endorsement>,
}

/// A certifier's word.
#[derive(Clone, Debug, Decode, Serialize)]
struct Endorsement {
    certifier: AccountId,
    until: Moment,
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    if !matches!(command, Command::Show { .. }) {
        context.signer()?;
    }
    let chain = context.chain().await?;
    let call = match command {
        Command::Show { chip, job } => {
            let chip = match (chip, job) {
                (Some(chip), _) => chip,
                (None, Some(job)) => of_job(&chain, job).await?,
                (None, None) => anyhow::bail!("name a chip or a job"),
            };
            return show(context, &chain, chip).await;
        }
        Command::Endorse { chip, site, days } => {
            calls::attestation::endorse_chip(chip, site, now().saturating_add(days.saturating_mul(86_400_000)))
        }
        Command::Withdraw { chip } => calls::attestation::withdraw_endorsement(chip),
        Command::Release { chip } => calls::attestation::release_chip(chip),
    };
    context.submit(&chain, &call).await?;
    context.output.result(&json!({"done": call.summary()}), |_| format!("done: {call}"))?;
    Ok(true)
}

async fn of_job(chain: &Chain, job: JobId) -> Result<Digest> {
    let view = chain.job(job, At::Finalised).await?.with_context(|| format!("there is no job {job}, or it is closed"))?;
    Ok(view.session.with_context(|| format!("job {job} has no attested guest"))?.chip)
}

async fn show(context: &Context, chain: &Chain, chip: Digest) -> Result<bool> {
    let known: Option<Chip> = chain.item("Attestation", "Chips", &[chip.encode()], At::Finalised).await?;
    let found = known.is_some();
    context.output.result(&json!({"chip": chip, "record": known}), |_| match &known {
        None => format!("chip {chip} has given no evidence yet, or was released"),
        Some(record) => describe(chip, record),
    })?;
    Ok(found)
}

fn describe(chip: Digest, record: &Chip) -> String {
    let mut lines = vec![
        format!("chip {chip}"),
        format!("runs for {} at site {}; {} sessions rest on it", record.provider, record.site, record.sessions),
    ];
    for endorsement in &record.endorsements {
        lines.push(format!("{} vouches for it; ends {}", endorsement.certifier, relative(endorsement.until, now())));
    }
    if record.endorsements.is_empty() {
        lines.push("no certifier vouches for it".into());
    }
    lines.join("\n")
}
