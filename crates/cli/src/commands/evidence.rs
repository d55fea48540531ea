//! `blockcloud evidence`: judge evidence as the chain does, with every check spelt out.

use crate::{
    context::Context,
    fault::{as_usage, usage},
    home::JobFolder,
    spec::measure,
    trust::{self, RootArgument},
    units::parse_moment,
    verdict::Verdict,
};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain};
use blockcloud_evidence::snp::{self, Product, Requirements};
use blockcloud_primitives::{
    CollateralItem, Digest, Evidence, JobId, JobSpec, JobView, Measurement, Measurements, Moment, ReportBinding, Tcb, Tee,
};
use clap::Subcommand;
use codec::{Decode, Encode as _};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

mod appraisal;
mod ear;
mod files;
mod policy;
mod raw;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify a job's evidence (what its agent serves, or a file with it), or raw evidence of any machine, with every check shown.
    Verify {
        /// For a job: evidence as JSON, as the agent serves it; without it, the agent is asked. Else a SEV-SNP report with its certificates, or a
        /// TDX quote with its collateral, recognised by what is in the files.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The job that it is to be judged for.
        #[arg(long)]
        job: Option<JobId>,
        /// Judge as of this time (Unix seconds, or RFC 3339) instead of now.
        #[arg(long, value_parser = parse_moment)]
        at: Option<Moment>,
        /// Write the evidence to this file as well. Only of a job.
        #[arg(long, requires = "job")]
        save: Option<PathBuf>,
        #[command(flatten)]
        root: RootArgument,
        #[command(flatten)]
        raw: raw::Arguments,
    },
    /// The launch measurement that the simulated processor gives a guest program.
    Measure {
        /// The guest program.
        file: PathBuf,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    match command {
        Command::Measure { file } => {
            let measurement = measure(&file).map_err(as_usage)?;
            context.output.result(&json!({"measurement": measurement}), |_| measurement.to_string())?;
            Ok(true)
        }
        Command::Verify { files, job: None, at, root, raw, .. } => raw::run(context, &files, at, root.named()?, &raw).await,
        Command::Verify { files, job: Some(job), at, save, root, .. } => {
            let file = match files.as_slice() {
                [] => None,
                [file] => Some(file.clone()),
                _ => return Err(usage("a job has one file of evidence")),
            };
            let (file, root) = (file.map(|path| read(&path)).transpose().map_err(as_usage)?, root.named()?);
            let chain = context.chain().await?;
            let view = chain.job(job, At::Best).await?.with_context(|| format!("there is no job {job}, or it is closed"))?;
            let agent = || crate::agent::Agent::of(&view, chain.genesis(), context.timeout());
            let evidence = match file {
                Some(evidence) => evidence,
                None => agent()?.evidence().await?,
            };
            let collateral = if evidence.tee.is_tdx() { agent()?.collateral().await? } else { Vec::new() };
            if let Some(path) = save {
                fs::write(&path, serde_json::to_vec_pretty(&evidence)?).with_context(|| format!("cannot write {}", path.display()))?;
            }
            let setting = Setting::of(&chain, &view, &evidence, collateral, at, root).await?;
            // Whoever placed the job knows better than any node what was agreed.
            let folder = match context.home() {
                Ok(home) => JobFolder::find(&home, &chain, job).await.ok(),
                Err(_) => None,
            };
            let verdict = match folder {
                Some(folder) => judge_agreed(job, &folder.agreed.spec, &view, &evidence, &setting),
                None => judge(&view, &evidence, &setting),
            };
            context.output.result(&json!({"job": job, "holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
            Ok(verdict.holds())
        }
    }
}

fn read(path: &Path) -> Result<Evidence> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} does not hold evidence as JSON", path.display()))
}

/// The vendor's certificates that a chain holds: pallet-attestation's `Roots`.
#[derive(Clone, Debug, Decode)]
pub struct Roots {
    /// DER of the root.
    pub root: Vec<u8>,
    /// DER of the issuer of chip certificates.
    pub issuer: Vec<u8>,
}

/// What evidence is judged against besides the job itself.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// Hash of the block that the evidence names as its anchor, if there is one.
    pub anchor_hash: Option<Digest>,
    /// The vendor's certificates, if the chain has any for this hardware. Of TDX the issuer is empty: quotes carry it.
    pub roots: Option<Roots>,
    /// The vendor's collateral, where evidence rests on any (TDX). It is verified here, so that it does not matter who brought it.
    pub collateral: Vec<CollateralItem>,
    /// The only root to believe, BLAKE3 of its DER, if one is named.
    pub root: Option<Digest>,
    /// Unix milliseconds.
    pub at: Moment,
}

impl Setting {
    /// Asks the chain for what the evidence is to be judged against.
    pub async fn of(
        chain: &Chain,
        job: &JobView,
        evidence: &Evidence,
        collateral: Vec<CollateralItem>,
        at: Option<Moment>,
        root: Option<Digest>,
    ) -> Result<Self> {
        let roots = chain.patiently(|| roots(chain, evidence)).await?;
        // A job that is over is judged as of the time when its session began; collateral is as it was fetched.
        let at = match (at, &job.session) {
            (Some(at), _) => at,
            (None, Some(session)) if !evidence.tee.is_tdx() => session.since,
            (None, _) => crate::context::now(),
        };
        let anchor_hash = chain.patiently(|| chain.block_hash(evidence.anchor)).await?;
        Ok(Self { genesis: chain.genesis(), anchor_hash, roots, collateral, root, at })
    }
}

/// The vendor's certificates that the chain holds for the hardware of this evidence.
pub async fn roots(chain: &Chain, evidence: &Evidence) -> blockcloud_client::Result<Option<Roots>> {
    let tee = evidence.tee;
    if tee.is_tdx() {
        let root: Option<Vec<u8>> = chain.item("Attestation", "TdxRoots", &[tee.encode()], At::Finalised).await?;
        return Ok(root.map(|root| Roots { root, issuer: Vec::new() }));
    }
    match snp::product_of(&evidence.report, &evidence.certificate) {
        Ok(product) => snp_roots(chain, tee, product).await,
        Err(_) => Ok(None),
    }
}

/// The vendor's certificates that the chain holds for a product of SEV-SNP.
async fn snp_roots(chain: &Chain, tee: Tee, product: Product) -> blockcloud_client::Result<Option<Roots>> {
    chain.item("Attestation", "RootsOf", &[(tee, product).encode()], At::Finalised).await
}

fn tcb(level: &snp::Tcb) -> Tcb {
    Tcb { bootloader: level.bootloader, tee: level.tee, snp: level.snp, microcode: level.microcode, fmc: level.fmc }
}

/// Judges evidence for a job: the processor's signature and settings, what it binds, and the customer's policy.
pub fn judge(job: &JobView, evidence: &Evidence, setting: &Setting) -> Verdict {
    let mut verdict = Verdict::default();
    let tees = &job.spec.policy.tees;
    verdict.check(
        "the policy accepts this kind of hardware",
        tees.contains(&evidence.tee),
        match evidence.tee {
            Tee::Simulated => "simulated: no hardware protects this job".into(),
            tee => format!("{tee:?}"),
        },
    );
    let known = verdict.check(
        "the chain holds the vendor's certificates for it",
        setting.roots.is_some(),
        setting
            .roots
            .as_ref()
            .map_or_else(|| "none: the council must set them".into(), |roots| format!("root {}", Digest::of(&roots.root))),
    );
    if let (true, Some(roots)) = (known, &setting.roots) {
        let said = if evidence.tee.is_tdx() {
            tdx::judge(job, evidence, setting, &roots.root, &mut verdict)
        } else {
            judge_snp(job, evidence, setting, roots, &mut verdict)
        };
        if let Some(said) = said {
            judge_claims(job, evidence, setting, &said, &mut verdict);
        }
    }
    if let Some(session) = &job.session {
        let same = session.evidence == evidence.replay_key() && session.receipt_key == evidence.receipt_key;
        verdict.check("the chain's session rests on this evidence", same, if same { "yes" } else { "the chain verified another guest" });
        verdict.check(
            "the chain's session names the evidence's wrapping key",
            session.wrapping_key == evidence.wrapping_key,
            if session.wrapping_key == evidence.wrapping_key {
                session.wrapping_key.to_string()
            } else {
                format!("{} instead of {}: the node lies", session.wrapping_key, evidence.wrapping_key)
            },
        );
        verdict.check(
            "the chain's session counts",
            job.lapse.is_none(),
            job.lapse.map_or_else(|| format!("until {}", session.valid_until), |lapse| lapse.to_string()),
        );
    }
    verdict
}

/// What evidence of any vendor says, once it is verified.
struct Said {
    measurement: Measurement,
    /// What the launch was bound to; nothing where that is not a terms hash.
    launched_for: Option<Digest>,
    report_data: [u8; 64],
}

/// Judges an SEV-SNP report under the chain's certificates.
fn judge_snp(job: &JobView, evidence: &Evidence, setting: &Setting, roots: &Roots, verdict: &mut Verdict) -> Option<Said> {
    let product = snp::product_of(&evidence.report, &evidence.certificate).ok();
    let (trusted, found) = trust::judge(setting.root, evidence.tee, product, &roots.root);
    verdict.check("the vendor's root is one to believe", trusted, found);
    let issuers = snp::verify_issuers(&roots.root, &roots.issuer, setting.at);
    verdict.result("the vendor's certificates are valid", issuers, |_| "root and issuer".into());
    let claims = snp::verify(&evidence.report, &evidence.certificate, &roots.issuer, &Requirements::USUAL, setting.at);
    let claims = verdict.result("the report is signed by a genuine chip in a safe state", claims, |claims| {
        format!("{:?}, firmware {:?}", claims.product, tcb(&claims.committed))
    })?;
    let policy = &job.spec.policy;
    let (floor, committed, launch) = (policy.firmware_floor, tcb(&claims.committed), tcb(&claims.launch));
    let meets = committed.meets(&floor) && launch.meets(&floor);
    let advice = if meets { "" } else { "; the provider must update its firmware and launch the guest again" };
    verdict.check(
        "its firmware meets the policy's floor",
        meets,
        format!("committed {committed:?}, at launch {launch:?}, wanted {floor:?}{advice}"),
    );
    let legacy = claims.product == Product::Milan;
    verdict.check(
        "the policy accepts this generation of processors",
        !legacy || policy.legacy_hardware,
        if legacy {
            "Milan, whose root keys are claimed to have been extracted by software".into()
        } else {
            format!("{:?}", claims.product)
        },
    );
    Some(Said {
        measurement: Measurement(claims.measurement),
        launched_for: Some(Digest(claims.host_data)),
        report_data: claims.report_data,
    })
}

/// Judges evidence for a job as its customer agreed to it, whatever the node shows: spec and terms are the customer's own.
pub fn judge_agreed(job: JobId, agreed: &JobSpec, view: &JobView, evidence: &Evidence, setting: &Setting) -> Verdict {
    let terms = agreed.terms();
    let mut verdict = Verdict::default();
    let same = view.id == job && view.terms == terms && view.spec == *agreed;
    verdict.check(
        "the node shows the job that you agreed to",
        same,
        if same { format!("terms {terms}") } else { format!("it shows job {} with other terms or another spec: the node lies", view.id) },
    );
    let own = JobView { id: job, spec: agreed.clone(), terms, ..view.clone() };
    verdict.checks.extend(judge(&own, evidence, setting).checks);
    verdict
}

fn judge_claims(job: &JobView, evidence: &Evidence, setting: &Setting, said: &Said, verdict: &mut Verdict) {
    let policy = &job.spec.policy;
    let measurement = said.measurement;
    match &policy.measurements {
        Measurements::Only(list) => verdict.check("the policy accepts this guest", list.contains(&measurement), measurement.to_string()),
        Measurements::Approved => verdict.check(
            "the policy leaves the guest to the council",
            true,
            format!("{measurement}; that it is on the council's list is what the node says, nothing here shows it"),
        ),
        Measurements::Publishers(list) => verdict.check(
            "the policy leaves the guest to publishers",
            !list.is_empty(),
            format!("{measurement}; that one of them published it is what the node says, nothing here shows it"),
        ),
    };
    verdict.check(
        "it was launched for this job's terms",
        said.launched_for == Some(job.terms),
        said.launched_for
            .map_or_else(|| format!("for something else, wanted {}", job.terms), |found| format!("{found}, wanted {}", job.terms)),
    );
    let Some(anchor_hash) = setting.anchor_hash else {
        verdict.check("it names a block of this chain", false, format!("block {} is not known", evidence.anchor));
        return;
    };
    // What was renewed is what the node says; the processor signed it, so that a lie does not help.
    let previous = job.session.as_ref().filter(|session| session.evidence == evidence.replay_key()).and_then(|session| session.previous);
    let binding = ReportBinding {
        genesis: setting.genesis,
        tee: evidence.tee,
        provider: job.provider,
        job: job.id,
        terms: job.terms,
        anchor: evidence.anchor,
        anchor_hash,
        receipt_key: evidence.receipt_key,
        wrapping_key: evidence.wrapping_key,
        tls_key: None,
        gpu_evidence: None,
        previous,
    };
    verdict.check(
        "it binds this chain, provider, job, block and these keys",
        said.report_data == binding.report_data(),
        format!("receipt key {}", evidence.receipt_key),
    );
}

mod tdx;
#[cfg(test)]
pub(crate) mod tests;
