//! The result for other relying parties: an EAT attestation result (EAR, draft-ietf-rats-ear-04) as a signed JWT (RFC 7519).
//!
//! It says how good the evidence is in the words of AR4SI (draft-ietf-rats-ar4si), whose numbers below 32 affirm, those from 32 warn and those from 96
//! contraindicate. What is derived from what:
//!
//! | claim | affirmed by | warned of by | contraindicated by |
//! | --- | --- | --- | --- |
//! | `instance-identity` | every certificate, signature and item, up to a trusted root; no claim under a cloud provider's key | | any of them (97), a bad signature (99), foreign report data (97) |
//! | `hardware` | firmware, TDX module, quoting enclave and status | weaknesses that the policy accepts (32) | any of them (96), an unknown processor (97) |
//! | `configuration` | guest policy or attributes, host data | a configuration that the policy accepts (32) | any of them (96) |
//! | `runtime-opaque` | memory that nobody outside can read | | debugging, profiling, migration, service guests, privilege levels (96) |
//! | `executables` | a measurement that the policy names (3); no claim if it names none | | any other (96) |
//!
//! Nothing is claimed of files, storage and data sources. Where evidence could not be read to its end, only `instance-identity` is claimed. The status is
//! the worst of the claims. `iat` is the time as of which was judged.

use super::appraisal::{Appraisal, Kind, Weakness};
use crate::signing::Key;
use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use blockcloud_evidence::explain::Check;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";

/// What is claimed of evidence (AR4SI, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Claim {
    InstanceIdentity,
    Configuration,
    Executables,
    Hardware,
    RuntimeOpaque,
}

/// AR4SI's numbers.
const AFFIRMED: i8 = 2;
const APPROVED_BOOT: i8 = 3;
const WARNING: i8 = 32;
const CONTRAINDICATED: i8 = 96;
const UNRECOGNISED: i8 = 97;
const BAD_SIGNATURE: i8 = 99;

/// The signed result.
pub fn token(appraisal: &Appraisal, policy: Option<&str>, key: &Key) -> Result<String> {
    let header = json!({"alg": key.jws_name(), "typ": "JWT"});
    let part = |value: &serde_json::Value| serde_json::to_vec(value).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let message = format!("{}.{}", part(&header)?, part(&claims(appraisal, policy))?);
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()))))
}

fn claims(appraisal: &Appraisal, policy: Option<&str>) -> serde_json::Value {
    let vector = vector(appraisal);
    let mut result = json!({"ear_status": status(&vector), "ear_trustworthiness_vector": vector});
    if let Some(policy) = policy {
        result["ear_appraisal_policy_ids"] = json!([policy]);
    }
    let name = match appraisal.kind {
        Kind::Snp => "sev-snp",
        Kind::Tdx => "tdx",
    };
    let mut claims = json!({
        "eat_profile": PROFILE,
        "iat": appraisal.at / 1000,
        "ear_verifier_id": {"developer": env!("CARGO_PKG_REPOSITORY"), "build": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))},
        "submods": {name: result},
    });
    if let Some(end) = appraisal.not_after {
        claims["exp"] = json!(end / 1000);
    }
    claims
}

/// The tier of the worst claim.
fn status(vector: &BTreeMap<Claim, i8>) -> &'static str {
    match vector.values().max() {
        None => "none",
        Some(worst) if *worst < WARNING => "affirming",
        Some(worst) if *worst < CONTRAINDICATED => "warning",
        Some(_) => "contraindicated",
    }
}

/// What is claimed, by what was checked.
fn vector(appraisal: &Appraisal) -> BTreeMap<Claim, i8> {
    let mut vector = BTreeMap::new();
    let failed = || appraisal.checks.iter().filter(|check| check.passed == Some(false)).map(blamed);
    if !appraisal.claims {
        vector.insert(Claim::InstanceIdentity, failed().map(|(_, number)| number).fold(UNRECOGNISED, i8::max));
        return vector;
    }
    vector.extend([Claim::Configuration, Claim::Hardware, Claim::RuntimeOpaque].map(|claim| (claim, AFFIRMED)));
    if !appraisal.tolerated.contains(&Weakness::Instance) {
        vector.insert(Claim::InstanceIdentity, AFFIRMED);
    }
    if appraisal.guest_wanted {
        vector.insert(Claim::Executables, APPROVED_BOOT);
    }
    let weak = appraisal.tolerated.iter().filter_map(|weakness| match weakness {
        Weakness::Platform => Some((Claim::Hardware, WARNING)),
        Weakness::Configuration => Some((Claim::Configuration, WARNING)),
        Weakness::Instance => None,
    });
    for (claim, number) in weak.chain(failed()) {
        let worst = vector.entry(claim).or_insert(number);
        *worst = number.max(*worst);
    }
    vector
}

/// What a failed check says against evidence.
fn blamed(check: &Check) -> (Claim, i8) {
    match check.name.as_str() {
        "certificate_signature" | "item_signature" | "qe_report_signature" | "qe_report_data" | "quote_signature" | "report_signature" => {
            (Claim::InstanceIdentity, BAD_SIGNATURE)
        }
        "debuggable" | "profiled" | "migratable" | "service_td" | "sept_ve" | "partitioned" | "privilege_level" => {
            (Claim::RuntimeOpaque, CONTRAINDICATED)
        }
        "policy_reserved_bit"
        | "policy_unknown_bit"
        | "smt_allowed"
        | "sockets_allowed"
        | "cxl_allowed"
        | "reserved_attribute"
        | "performance_counters"
        | "configuration_needed"
        | "host_data" => (Claim::Configuration, CONTRAINDICATED),
        "measurement" => (Claim::Executables, CONTRAINDICATED),
        "product_unknown" => (Claim::Hardware, UNRECOGNISED),
        _ if ["firmware", "platform", "TDX module", "quoting enclave"].contains(&check.subject) => (Claim::Hardware, CONTRAINDICATED),
        "evaluation_below_floor" | "tcb_mismatch" => (Claim::Hardware, CONTRAINDICATED),
        _ => (Claim::InstanceIdentity, UNRECOGNISED),
    }
}

#[cfg(test)]
mod tests;
