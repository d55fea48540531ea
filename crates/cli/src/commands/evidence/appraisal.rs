//! Raw evidence judged by the verifiers and by a policy, with every check shown.
//!
//! Not here: evidence of a job, whose demands are the job's own.

use super::{
    files::{Snp, Tdx},
    policy::{Bytes, Policy},
};
use crate::trust;
use blockcloud_evidence::{
    explain::{Check, Duty, Refusal},
    snp,
    tdx::{self, TcbStatus},
};
use blockcloud_primitives::{Digest, Moment};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{fmt, time::Duration};

/// Which kind of evidence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// AMD SEV-SNP.
    Snp,
    /// Intel TDX.
    Tdx,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Appraisal {
    /// Which kind of evidence it is.
    pub kind: Kind,
    /// Unix milliseconds as of which it was judged.
    pub at: Moment,
    /// Whether every check passed.
    pub holds: bool,
    /// The first error of the verifier.
    pub refusal: Option<Refusal>,
    /// Every check.
    pub checks: Vec<Check>,
    /// Whether evidence and signatures were good enough to say what they claim.
    pub claims: bool,
    /// Unix milliseconds until which all that it rests on counts.
    pub not_after: Option<Moment>,
    /// What was tolerated although it is not the best: weaknesses that the policy accepts.
    pub tolerated: Vec<Weakness>,
    /// Whether the policy says which guest is wanted.
    pub guest_wanted: bool,
}

/// A weakness that a policy may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// The platform's parts have a status that is not the best.
    Platform,
    /// The platform's configuration has one.
    Configuration,
    /// No certificate says which chip it is.
    Instance,
}

/// What is judged by, besides the policy.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The only root to believe (BLAKE3 of its DER), if one is named.
    pub root: Option<Digest>,
    /// Unix milliseconds.
    pub at: Moment,
}

/// Judges a report with its certificates.
pub fn snp(evidence: &Snp, issuer: &[u8], policy: &Policy, setting: Setting) -> Appraisal {
    let Snp { report, chip, root, .. } = evidence;
    let mut checks = Checks::default();
    let (subject, anchor) = match root {
        Some(root) => ("vendor's root certificate (ARK)", root.as_slice()),
        None => ("product's intermediate certificate (ASK or ASVK)", issuer),
    };
    let pinned = snp::product_of(report, chip).map(trust::amd).unwrap_or_default();
    checks.push(trusted(subject, anchor, &pinned, policy, setting));
    if let Some(root) = root {
        let issuers = snp::explain_issuers(root, issuer, setting.at);
        checks.extend(issuers.checks, issuers.verdict.err().map(Refusal::Snp));
    }
    let explanation = snp::explain(report, chip, issuer, &policy.snp_requirements(), setting.at);
    checks.extend(explanation.checks, explanation.verdict.as_ref().err().copied().map(Refusal::Snp));
    let not_after = explanation.verdict.as_ref().ok().map(|claims| claims.not_after_ms);
    let claims = explanation.verdict.ok().or(explanation.refused);

    if let Some(floor) = policy.snp.firmware_floor {
        match &claims {
            Some(claims) => {
                let floor = snp::explain_floor(claims, &floor.tcb());
                checks.extend(floor.checks, floor.verdict.err().map(Refusal::Snp));
            }
            None => {
                for name in ["committed_below_floor", "launched_below_floor"] {
                    checks.push(unjudged(name, "firmware", &floor.tcb(), Duty::Provider, UPDATE));
                }
            }
        }
    }
    checks.measured(policy, claims.as_ref().map(|claims| &claims.measurement[..]));
    checks.bound("host_data", &policy.host_data, claims.as_ref().map(|claims| &claims.host_data[..]));
    checks.bound("report_data", &policy.report_data, claims.as_ref().map(|claims| &claims.report_data[..]));
    let mut tolerated = Vec::new();
    if let Some(claims) = &claims {
        if !claims.platform.aliases_checked() {
            tolerated.push(Weakness::Platform);
        }
        if claims.cloud_provider.is_some() {
            tolerated.push(Weakness::Instance);
        }
    }
    checks.finish(Kind::Snp, setting, policy, claims.is_some(), not_after, tolerated)
}

/// Judges a quote with its collateral.
pub fn tdx(evidence: &Tdx, policy: &Policy, setting: Setting) -> Appraisal {
    let Tdx { quote, collateral, root } = evidence;
    let mut checks = Checks::default();
    checks.push(trusted("vendor's root certificate (SGX Root CA)", root, &[trust::INTEL], policy, setting));
    let explanation = tdx::explain(quote, &collateral.borrowed(), root, &policy.tdx_requirements(), setting.at);
    checks.extend(explanation.checks, explanation.verdict.as_ref().err().copied().map(Refusal::Tdx));
    let not_after = explanation.verdict.as_ref().ok().map(|claims| claims.not_after_ms);
    let claims = explanation.verdict.ok().or(explanation.refused);

    let statuses = &policy.tdx.statuses;
    let wanted = if statuses.is_empty() { "none".to_owned() } else { list(statuses.iter().map(|status| format!("{status:?}"))) };
    let status = claims.as_ref().map(|claims| claims.status);
    checks.demand(
        "status",
        "platform",
        status.map(|status| (statuses.contains(&status), format!("{status:?}"))),
        wanted,
        Duty::Provider,
        UPDATE,
    );
    if let Some(floor) = policy.tdx.evaluation_floor {
        match &claims {
            Some(claims) => {
                let evaluation = tdx::explain_evaluation(claims, floor);
                checks.extend(evaluation.checks, evaluation.verdict.err().map(Refusal::Tdx));
            }
            None => checks.push(unjudged("evaluation_below_floor", "collateral", &floor, Duty::Provider, COLLATERAL)),
        }
    }
    checks.measured(policy, claims.as_ref().map(|claims| &claims.mr_td[..]));
    checks.bound("host_data", &policy.host_data, claims.as_ref().map(|claims| &claims.mr_config_id[..]));
    checks.bound("report_data", &policy.report_data, claims.as_ref().map(|claims| &claims.report_data[..]));
    let mut tolerated = Vec::new();
    if let Some(status) = status {
        if status != TcbStatus::UpToDate {
            tolerated.push(Weakness::Platform);
        }
        if status.needs_configuration() {
            tolerated.push(Weakness::Configuration);
        }
    }
    checks.finish(Kind::Tdx, setting, policy, claims.is_some(), not_after, tolerated)
}

const UPDATE: &str = "the provider must update its machine, or the policy must accept less";
const COLLATERAL: &str = "whoever brings collateral must bring the vendor's current one, or the policy must accept less";
const ROOT: &str = "the customer must name the root that it trusts, in the policy or with --root, or refuse the evidence";
const GUEST: &str = "the guest's author must publish the measurement, or the policy must name it";
const BOUND: &str = "the provider must start the guest for what the customer expects, and bring evidence made for it";

#[derive(Default)]
struct Checks {
    checks: Vec<Check>,
    refusal: Option<Refusal>,
}

impl Checks {
    /// Adds a check. Of two by the same name about the same thing the one that failed counts, and else the one that was judged.
    fn push(&mut self, check: Check) {
        let rank = |check: &Check| check.passed.map_or(0, |passed| if passed { 1 } else { 2 });
        match self.checks.iter_mut().find(|other| (other.name.as_str(), other.subject) == (check.name.as_str(), check.subject)) {
            Some(other) if rank(&check) > rank(other) => *other = check,
            Some(_) => {}
            None => self.checks.push(check),
        }
    }

    fn extend(&mut self, checks: Vec<Check>, refusal: Option<Refusal>) {
        checks.into_iter().for_each(|check| self.push(check));
        self.refusal = self.refusal.or(refusal);
    }

    /// A demand of the policy: whether it is met and by what, if that is known.
    fn demand(
        &mut self,
        name: &str,
        subject: &'static str,
        found: Option<(bool, String)>,
        wanted: String,
        duty: Duty,
        remedy: &'static str,
    ) {
        let (passed, found) = found.map_or((None, String::new()), |(passed, found)| (Some(passed), found));
        self.push(Check { name: name.to_owned(), subject, passed, found, wanted, duty, remedy, error: None });
    }

    fn measured(&mut self, policy: &Policy, found: Option<&[u8]>) {
        let Some(measurements) = &policy.measurements else { return };
        let found = found.map(|found| (measurements.iter().any(|wanted| wanted.0 == found), hex::encode(found)));
        let wanted = list(measurements.iter().map(|wanted| hex::encode(&wanted.0)));
        let wanted = if measurements.is_empty() { "none: the policy allows nobody".to_owned() } else { wanted };
        self.demand("measurement", "guest", found, wanted, Duty::GuestAuthor, GUEST);
    }

    fn bound(&mut self, name: &str, wanted: &Option<Bytes>, found: Option<&[u8]>) {
        let Some(Bytes(wanted)) = wanted else { return };
        self.demand(
            name,
            "guest",
            found.map(|found| (found == wanted.as_slice(), hex::encode(found))),
            hex::encode(wanted),
            Duty::Provider,
            BOUND,
        );
    }

    fn finish(
        self,
        kind: Kind,
        setting: Setting,
        policy: &Policy,
        claims: bool,
        not_after: Option<Moment>,
        tolerated: Vec<Weakness>,
    ) -> Appraisal {
        Appraisal {
            kind,
            at: setting.at,
            holds: self.checks.iter().all(|check| check.passed == Some(true)),
            refusal: self.refusal,
            checks: self.checks,
            claims,
            not_after,
            tolerated,
            guest_wanted: policy.measurements.is_some(),
        }
    }
}

fn unjudged(name: &str, subject: &'static str, wanted: &dyn fmt::Display, duty: Duty, remedy: &'static str) -> Check {
    let (found, wanted) = (String::new(), format!("at least the floor: {wanted}"));
    Check { name: name.to_owned(), subject, passed: None, found, wanted, duty, remedy, error: None }
}

/// Whether the certificate that everything rests on is one to believe.
fn trusted(subject: &'static str, der: &[u8], pinned: &[&str], policy: &Policy, setting: Setting) -> Check {
    let fingerprint = Sha256::digest(der);
    let (passed, wanted) = match (&policy.roots, setting.root) {
        (Some(roots), _) if roots.is_empty() => (false, "none: the policy allows nobody".to_owned()),
        (Some(roots), _) => {
            (roots.iter().any(|root| root.0 == fingerprint[..]), format!("SHA-256 {}", list(roots.iter().map(|root| hex::encode(&root.0)))))
        }
        (None, Some(root)) => (Digest::of(der) == root, format!("the named root, BLAKE3 {root}")),
        (None, None) => {
            let known = pinned.iter().any(|pin| *pin == hex::encode(fingerprint));
            (known, format!("the vendor's, SHA-256 {}", list(pinned.iter().map(|pin| (*pin).to_owned()))))
        }
    };
    let found = format!("SHA-256 {}", hex::encode(fingerprint));
    Check { name: "root_trusted".into(), subject, passed: Some(passed), found, wanted, duty: Duty::Customer, remedy: ROOT, error: None }
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(" or ")
}

impl fmt::Display for Appraisal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, subject, passed, found, wanted, duty, remedy, .. } in &self.checks {
            match passed {
                // What has no value of its own was found as it was wanted.
                Some(true) if found == wanted => writeln!(f, "ok      {name} ({subject}): {found}")?,
                Some(true) => writeln!(f, "ok      {name} ({subject}): {found}; wanted: {wanted}")?,
                Some(false) => {
                    writeln!(f, "FAILED  {name} ({subject}): {found}; wanted: {wanted}")?;
                    writeln!(f, "        duty of the {duty}: {remedy}")?;
                }
                None => writeln!(f, "-       {name} ({subject}): not judged, because an earlier check failed; wanted: {wanted}")?,
            }
        }
        if !self.guest_wanted {
            writeln!(f, "note    the policy names no measurement: which program runs in the guest was not judged")?;
        }
        let failed = self.checks.iter().filter(|check| check.passed == Some(false)).count();
        let at = x509_cert::der::DateTime::from_unix_duration(Duration::from_millis(self.at));
        let at = at.map_or_else(|_| format!("{} ms", self.at), |at| at.to_string());
        match self.holds {
            true => write!(f, "good as of {at}: all {} checks passed", self.checks.len()),
            false => write!(f, "refused as of {at}: {failed} of {} checks failed", self.checks.len()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
