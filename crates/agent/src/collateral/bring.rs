//! `blockcloud-agent collateral`: fetch, bring to the chain piece by piece, keep for customers.

use super::{Source, fetch, keep};
use crate::config::{Config, DriverConfig};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{Chain, Error, Signer, calls};
use blockcloud_evidence::tdx::Wanted;
use blockcloud_primitives::{CollateralItem, Tee};
use serde::Deserialize;
use std::{fs, path::Path, time::Duration};

/// How long the simulator may take to say what it plays.
const DEADLINE: Duration = Duration::from_secs(10);

/// Fetches collateral, brings to the chain what that does not have yet, and keeps it for customers. Answers a line for each piece.
///
/// * `families`: FMSPCs; none: that of this host, or of the simulator that the configuration names.
///
/// # Errors
/// The host has no TDX, nothing could be fetched, or the chain refuses a piece for another reason than having it already.
pub async fn bring(config: &Config, source: &Source, mut families: Vec<[u8; 6]>) -> Result<Vec<String>> {
    let tee = config.driver.tee()?;
    if !tee.is_tdx() {
        bail!("collateral is for hosts with TDX, and this one has {tee:?}: set driver.tee in the configuration");
    }
    if families.is_empty() && matches!(source, Source::Service(_)) {
        families.push(family(config, tee).await?);
    }
    let items = fetch(source, &families).await?;
    // Customers want it even if the chain has it from somebody else.
    keep(&config.data, &items)?;
    let signer = Signer::read(&config.key).context("the provider's account key")?;
    let chain = Chain::connect(&config.node).await?;
    let mut lines = Vec::new();
    for item in &items {
        let call = calls::attestation::submit_collateral(tee, item);
        let outcome = match chain.submit_and_finalise(&call, &signer).await {
            Ok(_) => "taken",
            Err(error) if error.is_dispatch("Attestation", "NotNewer") => "the chain has it in this or a newer issue",
            Err(error @ Error::Dispatch(_)) => return Err(error).with_context(|| call.to_string()),
            Err(error) => return Err(error.into()),
        };
        lines.push(format!("{}: {outcome}", name(item)));
    }
    Ok(lines)
}

fn name(item: &CollateralItem) -> &'static str {
    match item {
        CollateralItem::RootCrl { .. } => "the root's revocation list",
        CollateralItem::PckCrl { .. } => "the revocation list of platform keys",
        CollateralItem::TcbInfo(_) => "TCB info",
        CollateralItem::QeIdentity(_) => "the quoting enclave's identity",
    }
}

/// The family of this host's platform: as its own quote says, or the simulator.
async fn family(config: &Config, tee: Tee) -> Result<[u8; 6]> {
    let DriverConfig::Process { simulator, .. } = &config.driver;
    match simulator {
        Some(url) => simulated(url).await,
        None => {
            from_quote(Path::new(crate::configfs::ROOT)).with_context(|| format!("the family of this {tee:?} host; name it with --fmspc"))
        }
    }
}

async fn simulated(url: &str) -> Result<[u8; 6]> {
    #[derive(Deserialize)]
    struct Description {
        fmspc: String,
    }
    let client = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build()?;
    let description: Description =
        client.get(url).send().await?.error_for_status()?.json().await.context("the simulator plays no TDX platform")?;
    let mut family = [0; 6];
    hex::decode_to_slice(&description.fmspc, &mut family).context("the simulator's family")?;
    Ok(family)
}

/// Has the kernel make a quote about nothing, and reads the family out of it.
fn from_quote(root: &Path) -> Result<[u8; 6]> {
    let entry = root.join(format!("blockcloud-agent-{:016x}", rand::random::<u64>()));
    fs::create_dir(&entry)?;
    let quote = fs::write(entry.join("inblob"), [0; 64]).and_then(|()| fs::read(entry.join("outblob")));
    // The kernel keeps the entry until it is removed; a failure to do so harms nothing but its memory.
    if let Err(error) = fs::remove_dir(&entry) {
        tracing::debug!(target: "blockcloud::agent", %error, "the report entry stays behind");
    }
    Ok(Wanted::by(&quote?)?.fmspc)
}
