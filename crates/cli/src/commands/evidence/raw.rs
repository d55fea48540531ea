//! `blockcloud evidence verify FILE...` without a job: raw evidence of any machine.

use super::{
    appraisal::{self, Setting},
    ear,
    files::{self, Input, Snp},
    policy::Policy,
    snp_roots,
};
use crate::{
    context::{Context, now},
    fault::{as_usage, usage},
};
use anyhow::{Context as _, Result};
use blockcloud_evidence::snp;
use blockcloud_primitives::{Digest, Moment, Tee};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Flags for raw evidence only.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What you demand beyond what is always demanded, as TOML or JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    policy: Option<PathBuf>,
    /// Write the result for other relying parties to this file: an EAT attestation result (EAR) as a JWT.
    #[arg(long, value_name = "FILE", conflicts_with = "job", requires = "ear_key")]
    ear: Option<PathBuf>,
    /// The key that signs it: P-256 or Ed25519 in PKCS#8 (PEM), or an ed25519 key file.
    #[arg(long, value_name = "FILE", requires = "ear")]
    ear_key: Option<PathBuf>,
}

/// Judges raw evidence.
pub async fn run(context: &Context, paths: &[PathBuf], at: Option<Moment>, root: Option<Digest>, arguments: &Arguments) -> Result<bool> {
    let (policy, policy_id) = match &arguments.policy {
        Some(path) => Policy::read(path).map(|(policy, id)| (policy, Some(id))).map_err(as_usage)?,
        None => (Policy::default(), None),
    };
    if root.is_some() && policy.roots.is_some() {
        return Err(usage("the policy names the roots: leave out --root"));
    }
    let key = arguments.ear_key.as_deref().map(crate::signing::Key::read).transpose().map_err(as_usage)?;
    let setting = Setting { root, at: at.unwrap_or_else(now) };
    let appraisal = match files::read(paths)? {
        Input::Tdx(evidence) => appraisal::tdx(&evidence, &policy, setting),
        Input::Snp(evidence) => {
            let (evidence, issuer) = with_issuer(context, evidence).await?;
            appraisal::snp(&evidence, &issuer, &policy, setting)
        }
    };
    if let (Some(path), Some(key)) = (&arguments.ear, &key) {
        write(path, &ear::token(&appraisal, policy_id.as_deref(), key)?)?;
    }
    context.output.result(&appraisal, |appraisal| appraisal.to_string())?;
    Ok(appraisal.holds)
}

/// The evidence with its intermediate certificate. One that is not brought is asked of the chain, with the root above it.
async fn with_issuer(context: &Context, mut evidence: Snp) -> Result<(Snp, Vec<u8>)> {
    if let Some(issuer) = evidence.issuer.take() {
        return Ok((evidence, issuer));
    }
    let product = snp::product_of(&evidence.report, &evidence.chip).map_err(|error| usage(format!("its issuer is unknown: {error}")))?;
    let chain = context.chain().await?;
    let roots = chain.patiently(|| snp_roots(&chain, Tee::SevSnp, product)).await?;
    let roots = roots.ok_or_else(|| usage("name the intermediate certificate (ASK or ASVK): the chain has none for this processor"))?;
    evidence.root = Some(roots.root);
    Ok((evidence, roots.issuer))
}

fn write(path: &Path, token: &str) -> Result<()> {
    fs::write(path, token).with_context(|| format!("cannot write {}", path.display()))
}
