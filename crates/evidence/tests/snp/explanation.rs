//! Explanations: which checks they list, and what they say. That they agree with the verdict is asserted wherever evidence is judged, see `evidence`.

use crate::{
    evidence::{CLOUD, Evidence, GENOA, ISSUER, NOW_MS, TURIN, put},
    refusals::every_error,
};
use blockcloud_evidence::{
    explain::{Check, Duty, Explanation, Refusal},
    snp::{Claims, Error, Link, Product, Requirements, Tcb, explain, explain_floor, explain_issuers},
};
use std::collections::BTreeSet;

fn explained(evidence: &Evidence, report: &[u8], chip: &[u8]) -> Explanation<Claims, Error> {
    explain(report, chip, &evidence.issuer, &evidence.requirements, NOW_MS)
}

fn names(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().map(|check| (check.name.as_str(), check.subject)).collect()
}

fn find<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).expect("a check of this name")
}

#[test]
fn good_evidence_passes_the_checks_that_unreadable_evidence_does_not_reach() {
    for evidence in [&*GENOA, &*TURIN] {
        let (good, unreadable) = (explained(evidence, &evidence.report, &evidence.chip), explained(evidence, &[], &[]));
        assert_eq!(names(&good.checks), names(&unreadable.checks));
        assert!(good.checks.iter().all(|check| check.passed == Some(true)));
        let judged: Vec<_> = unreadable.checks.iter().map(|check| check.passed).collect();
        assert_eq!(judged[0], Some(false));
        assert!(judged[1..].iter().all(Option::is_none));
    }
    let (good, unreadable) = (explained(&CLOUD, &CLOUD.report, &CLOUD.chip), explained(&CLOUD, &CLOUD.report, &[]));
    assert_eq!(names(&good.checks), names(&unreadable.checks));
    let (good, unreadable) = (explain_issuers(&GENOA.root, &GENOA.issuer, NOW_MS), explain_issuers(&[], &[], NOW_MS));
    assert_eq!(names(&good.checks), names(&unreadable.checks));
}

#[test]
fn every_error_belongs_to_one_check_and_every_check_has_one() {
    let wanted: BTreeSet<String> = every_error().map(|error| Refusal::Snp(error).check_name()).collect();
    let variants: BTreeSet<Vec<u8>> = every_error().map(|error| codec::Encode::encode(&error)[..1].to_vec()).collect();
    assert_eq!(wanted.len(), variants.len(), "two errors have one name");
    let floor = explain_floor(&GENOA.judge().unwrap(), &Tcb::default());
    let cloud = explained(&CLOUD, &CLOUD.report, &CLOUD.chip).checks;
    let checks =
        [explained(&GENOA, &[], &[]).checks, cloud, explain_issuers(&GENOA.root, &GENOA.issuer, NOW_MS).checks, floor.checks].concat();
    assert_eq!(checks.into_iter().map(|check| check.name).collect::<BTreeSet<_>>(), wanted);
    assert_eq!(Refusal::Snp(Error::CertificateNotYetValid(Link::Chip)).check_name(), "certificate_not_yet_valid");
}

#[test]
fn what_does_not_rest_on_a_failure_is_judged_all_the_same() {
    let mut report = GENOA.report;
    // Debugging and memory behind CXL, and asked for at level 2.
    put(&mut report, 0x08, &0x2b_0000u64.to_le_bytes());
    put(&mut report, 0x30, &2u32.to_le_bytes());
    GENOA.processor.sign(&mut report);
    let expired = ISSUER.sign(&{
        let mut template = GENOA.template();
        template.validity.not_after = template.validity.not_before;
        template
    });
    let explanation = explained(&GENOA, &report, &expired);
    let failed: Vec<_> = explanation.checks.iter().filter_map(|check| check.error).collect();
    let wanted = [Error::CertificateExpired(Link::Chip), Error::Debuggable, Error::CxlAllowed, Error::PrivilegeLevel];
    assert_eq!(failed, wanted.map(Refusal::Snp));
    assert!(explanation.checks.iter().all(|check| check.passed.is_some()));
    assert_eq!(explanation.verdict, Err(wanted[0]));
    assert_eq!(explanation.refused.map(|claims| (claims.vmpl, claims.policy.0)), Some((2, 0x2b_0000)));
}

#[test]
fn nothing_is_said_of_what_rests_on_a_failure() {
    let mut report = GENOA.report;
    report[0x90] ^= 1;
    let explanation = explained(&GENOA, &report, &GENOA.chip);
    assert_eq!(explanation.refused, None);
    let place = explanation.checks.iter().position(|check| check.passed == Some(false)).unwrap();
    assert_eq!(explanation.checks[place].name, "report_signature");
    assert!(explanation.checks[..place].iter().all(|check| check.passed == Some(true)));
    assert!(explanation.checks[place + 1..].iter().all(|check| check.passed.is_none()));
}

#[test]
fn a_check_says_what_was_found_what_is_wanted_and_whose_duty_it_is() {
    let mut report = GENOA.report;
    put(&mut report, 0x180, &Tcb { bootloader: 9, ..GENOA.processor.tcb() }.to_bytes(Product::Genoa));
    GENOA.processor.sign(&mut report);
    let checks = explained(&GENOA, &report, &GENOA.chip).checks;
    assert_eq!(
        *find(&checks, "tcb_mismatch"),
        Check {
            name: "tcb_mismatch".into(),
            subject: "certificate of the signing key",
            passed: Some(false),
            found: "the certificate is for another firmware level: bootloader 10, tee 0, snp 23, microcode 84, fmc 0".into(),
            wanted: "the reported TCB of the report: bootloader 9, tee 0, snp 23, microcode 84, fmc 0".into(),
            duty: Duty::Provider,
            remedy: "the provider must bring the certificate that the vendor issues for this chip at its reported TCB",
            error: Some(Refusal::Snp(Error::TcbMismatch)),
        }
    );
    let version = find(&checks, "report_version");
    assert_eq!((version.passed, version.found.as_str(), version.wanted.as_str()), (Some(true), "3", "version 2, 3 or 5"));
    assert_eq!(version.duty, Duty::Council);
    let allowed = find(&checks, "smt_allowed");
    assert_eq!((allowed.passed, allowed.found.as_str()), (Some(true), "policy 0x30000, which the requirements allow"));
    let date = checks.iter().find(|check| check.error.is_none() && check.name == "certificate_expired").unwrap();
    assert_eq!(
        (date.subject, date.found.as_str()),
        ("product's intermediate certificate (ASK or ASVK)", "valid until 2049-01-01T00:00:00Z")
    );
}

#[test]
fn what_strict_requirements_refuse_is_all_listed() {
    let explanation = explain(&GENOA.report, &GENOA.chip, &GENOA.issuer, &Requirements::STRICT, NOW_MS);
    let failed: Vec<_> = explanation.checks.iter().filter_map(|check| check.error).collect();
    assert_eq!(failed, [Error::SmtAllowed, Error::SocketsAllowed].map(Refusal::Snp));
}
