//! The judgement over a TDX quote: under the vendor's root, with collateral that is verified here, whoever brought it.

use super::{Said, Setting};
use crate::{trust, verdict::Verdict};
use blockcloud_evidence::tdx::{self, Collateral, Requirements, SignedItem};
use blockcloud_primitives::{CollateralItem, Digest, Evidence, JobView, Measurement, Shortcomings, SignedObject, TdxLevel};

/// Judges a quote.
pub(super) fn judge(job: &JobView, evidence: &Evidence, setting: &Setting, root: &[u8], verdict: &mut Verdict) -> Option<Said> {
    let (trusted, found) = trust::judge(setting.root, evidence.tee, None, root);
    verdict.check("the vendor's root is one to believe", trusted, found);
    let Some(collateral) = collateral(&setting.collateral, &evidence.report) else {
        verdict.check(
            "the vendor's collateral for the platform is here",
            false,
            "a revocation list, TCB info or identity is missing; the provider must fetch it: `blockcloud-agent collateral`",
        );
        return None;
    };
    let claims = tdx::verify(&evidence.report, &collateral, root, &Requirements::BY_FLOOR, setting.at);
    let claims = verdict.result("the quote is signed by a genuine platform in a safe state", claims, |claims| {
        format!("{:?}, evaluation {}, advisories {:?}", claims.status, claims.evaluation_number(), claims.advisories)
    })?;
    let (level, floor) = (level(&claims), job.spec.policy.tdx_floor);
    let meets = level.meets(&floor);
    let advice = if meets { "" } else { "; the provider must update its platform, or the policy tolerate it" };
    verdict.check("its firmware meets the policy's floor", meets, format!("{level:?}, wanted {floor:?}{advice}"));
    let (launched_for, rest) = claims.mr_config_id.split_first_chunk::<32>()?;
    Some(Said {
        measurement: Measurement(claims.measurement()),
        launched_for: rest.iter().all(|byte| *byte == 0).then_some(Digest(*launched_for)),
        report_data: claims.report_data,
    })
}

/// The pieces that this quote needs, if all of them are there.
fn collateral<'a>(items: &'a [CollateralItem], quote: &[u8]) -> Option<Collateral<'a>> {
    let fmspc = tdx::Wanted::by(quote).ok()?.fmspc;
    let root_crl = items.iter().find_map(|item| match item {
        CollateralItem::RootCrl { list } => Some(&list[..]),
        _ => None,
    })?;
    // Which list and which info are the right ones shows when they are verified; a provider has few of each.
    let (pck_crl, pck_issuer) = items.iter().find_map(|item| match item {
        CollateralItem::PckCrl { list, issuer } => Some((&list[..], &issuer[..])),
        _ => None,
    })?;
    let tcb_info = items.iter().find_map(|item| match item {
        CollateralItem::TcbInfo(object) if is_of(object, &fmspc) => Some(signed(object)),
        _ => None,
    })?;
    let qe_identity = items.iter().find_map(|item| match item {
        CollateralItem::QeIdentity(object) => Some(signed(object)),
        _ => None,
    })?;
    Some(Collateral { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity })
}

/// Whether a TCB info says that it is of this family. Only to choose one: the verifier reads it again.
fn is_of(object: &SignedObject, fmspc: &[u8; 6]) -> bool {
    let info: Option<serde_json::Value> = serde_json::from_slice(&object.body).ok();
    let named = info.as_ref().and_then(|info| info.get("fmspc")).and_then(serde_json::Value::as_str);
    named.is_some_and(|named| named.eq_ignore_ascii_case(&hex::encode(fmspc)))
}

fn signed(object: &SignedObject) -> SignedItem<'_> {
    SignedItem { body: &object.body, signature: &object.signature.0, signer: &object.signer }
}

fn level(claims: &tdx::Claims) -> TdxLevel {
    let status = claims.status;
    let shortcomings = Shortcomings {
        out_of_date: status.is_out_of_date(),
        configuration_needed: status.needs_configuration(),
        hardening_needed: status.needs_hardening(),
        relaunch_advised: status.is_relaunch_advised(),
    };
    TdxLevel { evaluation: claims.evaluation_number(), shortcomings, date: claims.tcb_date_ms }
}
