//! Raw evidence against policies: simulated under the development root, and genuine where the collection lies beside the project.

use super::*;
use crate::commands::evidence::files::{self, Input};
use blockcloud_simulator::{Processor, dev_root};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

pub const AT: Moment = 1_800_000_000_000;
pub const MEASUREMENT: [u8; 48] = [2; 48];

/// A report of a simulated guest; the processor signs what it is changed to.
pub fn simulated(change: impl FnOnce(&mut [u8; 1184])) -> Snp {
    let processor = Processor::new([1; 32]);
    let mut report = processor.launch(MEASUREMENT, [3; 32]).report([4; 64]);
    change(&mut report);
    processor.sign(&mut report);
    Snp {
        report: report.to_vec(),
        chip: processor.certificate().to_vec(),
        issuer: Some(dev_root::ISSUER.to_vec()),
        root: Some(dev_root::ROOT.to_vec()),
    }
}

/// A policy that believes the development root.
pub fn policy() -> Policy {
    Policy { roots: Some(vec![Bytes(Sha256::digest(dev_root::ROOT).to_vec())]), ..Policy::default() }
}

/// The guest's policy lets the host debug it.
pub fn debuggable(report: &mut [u8; 1184]) {
    report[0x08..0x10].copy_from_slice(&0xb_0000u64.to_le_bytes());
}

pub fn judge(evidence: &Snp, policy: &Policy) -> Appraisal {
    snp(evidence, dev_root::ISSUER, policy, Setting { root: None, at: AT })
}

fn failed(appraisal: &Appraisal) -> Vec<&str> {
    appraisal.checks.iter().filter(|check| check.passed != Some(true)).map(|check| check.name.as_str()).collect()
}

#[test]
fn good_evidence_passes_every_check() {
    let appraisal = judge(&simulated(|_| ()), &policy());
    assert_eq!(failed(&appraisal), [""; 0]);
    assert!(appraisal.holds && appraisal.claims && appraisal.refusal.is_none() && appraisal.tolerated.is_empty());
    let text = appraisal.to_string();
    assert!(text.contains("ok      report_version (report): 3; wanted: version 2, 3 or 5\n"), "{text}");
    assert!(text.contains("ok      signature_padding (report): zeros\n"), "{text}");
    assert!(text.contains("names no measurement") && text.contains("\ngood as of 2027-01-15T08:00:00Z: all "), "{text}");
}

#[test]
fn a_root_is_believed_only_if_the_policy_the_flag_or_this_program_names_it() {
    let evidence = simulated(|_| ());
    let with = |roots: Option<Vec<Bytes>>, root| {
        let policy = Policy { roots, ..Policy::default() };
        snp(&evidence, dev_root::ISSUER, &policy, Setting { root, at: AT })
    };
    let unknown = with(None, None);
    assert_eq!(failed(&unknown), ["root_trusted"]);
    assert_eq!((unknown.checks[0].duty, unknown.refusal), (Duty::Customer, None));
    assert!(with(None, Some(Digest::of(dev_root::ROOT))).holds);
    assert!(!with(None, Some(Digest::of(dev_root::ISSUER))).holds);
    assert!(!with(Some(vec![]), None).holds);
    // Without the root's certificate the intermediate is what is believed.
    let alone = Snp { root: None, ..simulated(|_| ()) };
    let policy = Policy { roots: Some(vec![Bytes(Sha256::digest(dev_root::ISSUER).to_vec())]), ..Policy::default() };
    assert!(judge(&alone, &policy).holds);
    assert!(!judge(&alone, &super::tests::policy()).holds);
}

#[test]
fn every_demand_of_a_policy_is_a_check_of_its_own() {
    let evidence = simulated(|_| ());
    let wanted = Policy {
        measurements: Some(vec![Bytes(vec![9; 48]), Bytes(MEASUREMENT.to_vec())]),
        host_data: Some(Bytes(vec![3; 32])),
        report_data: Some(Bytes(vec![4; 64])),
        ..policy()
    };
    assert!(judge(&evidence, &wanted).holds);
    let cases = [
        (Policy { measurements: Some(vec![Bytes(vec![9; 48])]), ..wanted.clone() }, "measurement", Duty::GuestAuthor),
        (Policy { measurements: Some(vec![]), ..wanted.clone() }, "measurement", Duty::GuestAuthor),
        (Policy { host_data: Some(Bytes(vec![9; 32])), ..wanted.clone() }, "host_data", Duty::Provider),
        (Policy { host_data: Some(Bytes(vec![3; 48])), ..wanted.clone() }, "host_data", Duty::Provider),
        (Policy { report_data: Some(Bytes(vec![9; 64])), ..wanted }, "report_data", Duty::Provider),
    ];
    for (policy, name, duty) in cases {
        let appraisal = judge(&evidence, &policy);
        assert_eq!(failed(&appraisal), [name]);
        assert_eq!(appraisal.checks.last().map(|check| (appraisal.holds, check.error)), Some((false, None)));
        assert_eq!(appraisal.checks.iter().find(|check| check.name == name).map(|check| check.duty), Some(duty));
    }
}

#[test]
fn a_firmware_floor_is_held_by_the_committed_level_and_at_launch() {
    let floor = |text: &str| Policy { snp: toml::from_str(text).unwrap(), ..policy() };
    let evidence = simulated(|_| ());
    assert!(judge(&evidence, &floor("firmware_floor = { snp = 23, microcode = 84 }")).holds);
    let appraisal = judge(&evidence, &floor("firmware_floor = { snp = 24 }"));
    assert_eq!(failed(&appraisal), ["committed_below_floor", "launched_below_floor"]);
    assert_eq!(appraisal.refusal, Some(Refusal::Snp(snp::Error::CommittedBelowFloor)));
}

#[test]
fn a_debuggable_guest_is_refused_and_what_to_do_is_said() {
    let appraisal = judge(&simulated(debuggable), &policy());
    assert_eq!((failed(&appraisal), appraisal.refusal), (vec!["debuggable"], Some(Refusal::Snp(snp::Error::Debuggable))));
    let text = appraisal.to_string();
    assert!(text.contains("FAILED  debuggable (guest policy): "), "{text}");
    assert!(text.contains("\n        duty of the provider: the provider must start the guest with the required policy\n"), "{text}");
}

#[test]
fn what_rests_on_a_failure_is_said_not_to_be_judged() {
    let mut evidence = simulated(|_| ());
    evidence.report[0x90] ^= 1;
    let policy = Policy { measurements: Some(vec![Bytes(MEASUREMENT.to_vec())]), ..policy() };
    let appraisal = judge(&evidence, &policy);
    assert!(!appraisal.holds && !appraisal.claims);
    assert_eq!(appraisal.refusal, Some(Refusal::Snp(snp::Error::ReportSignature)));
    assert_eq!(appraisal.checks.iter().find(|check| check.name == "measurement").map(|check| check.passed), Some(None));
    assert!(appraisal.to_string().contains("-       measurement (guest): not judged"));
}

/// Runs the body only where the collection is.
macro_rules! genuine {
    ($($name:ident($folder:ident) $body:block)*) => {
        $(#[test]
        fn $name() {
            let $folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs")).join("../../../shared/data/attestation");
            if $folder.is_dir() $body else {
                let _ = writeln!(std::io::stderr(), "SKIPPED {}: no genuine evidence at ../shared/data/attestation beside the project", stringify!($name));
            }
        })*
    };
}

/// Genuine evidence by the names of its files, judged at a second.
pub fn genuine(folder: &Path, names: &[&str], policy: &Policy, second: u64) -> Appraisal {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let setting = Setting { root: None, at: second * 1000 };
    match files::read(&paths).unwrap() {
        Input::Snp(evidence) => snp(&evidence, evidence.issuer.as_ref().unwrap(), policy, setting),
        Input::Tdx(evidence) => tdx(&evidence, policy, setting),
    }
}

/// September 2026.
const NOW: u64 = 1_790_000_000;
pub const OUT_OF_DATE: [&str; 2] = ["tdx/v4_outofdate_advisories.quote", "tdx/00806f05_2025.collateral.json"];
pub const OUT_OF_DATE_AT: u64 = 1_760_896_190;

genuine! {
    genuine_processors_are_believed_under_amds_own_root(folder) {
        for product in ["milan", "genoa", "turin"] {
            let [report, chip] = ["report.bin", "vcek.der"].map(|kind| format!("snp/{product}_ok.{kind}"));
            let [root, issuer, vlek] = ["ark", "ask", "asvk"].map(|kind| format!("snp/ca/{kind}_{product}.der"));
            for names in [vec![&report, &chip, &issuer], vec![&root, &issuer, &chip, &report]] {
                let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
                let appraisal = genuine(&folder, &names, &Policy::default(), NOW);
                assert!(appraisal.holds, "{appraisal}");
            }
            let appraisal = genuine(&folder, &[report.as_str(), chip.as_str(), vlek.as_str()], &Policy::default(), NOW);
            assert!(failed(&appraisal).contains(&"certificate_issuer"), "{appraisal}");
        }
    }

    old_firmware_needs_a_policy(folder) {
        let names = ["snp/milan_v2.report.hex", "snp/milan_v2.vcek.der", "snp/ca/ask_milan.der"];
        assert_eq!(failed(&genuine(&folder, &names, &Policy::default(), NOW)), ["old_report_version", "aliases_unchecked"]);
        let policy = Policy { snp: toml::from_str("allow_version_2 = true\nallow_unchecked_aliases = true").unwrap(), ..Policy::default() };
        let appraisal = genuine(&folder, &names, &policy, NOW);
        assert!(appraisal.holds, "{appraisal}");
        assert_eq!(appraisal.tolerated, [Weakness::Platform]);
    }

    genuine_platforms_are_believed_under_intels_own_root(folder) {
        for (quote, collateral, second) in [
            ("v4_uptodate", "v4_uptodate", 1_750_400_000),
            ("v5_uptodate", "90c06f_2026", 1_773_800_000),
            ("v5_td15ex_uptodate", "v5_td15ex_uptodate", 1_791_500_000),
        ] {
            let names = [format!("tdx/{quote}.quote"), format!("tdx/{collateral}.collateral.json")];
            let names = names.each_ref().map(String::as_str);
            let appraisal = genuine(&folder, &names, &Policy::default(), second);
            assert!(appraisal.holds, "{appraisal}");
            let later = genuine(&folder, &names, &Policy::default(), second + 40 * 86_400);
            assert!(failed(&later).contains(&"item_expired"), "{later}");
        }
    }

    a_platform_that_is_out_of_date_needs_a_policy(folder) {
        let strict = genuine(&folder, &OUT_OF_DATE, &Policy::default(), OUT_OF_DATE_AT);
        assert_eq!(failed(&strict), ["out_of_date", "status"]);
        assert_eq!(strict.refusal, Some(Refusal::Tdx(tdx::Error::OutOfDate)));
        let policy = |text: &str| Policy { tdx: toml::from_str(text).unwrap(), ..Policy::default() };
        let tolerant = genuine(&folder, &OUT_OF_DATE, &policy("statuses = [\"out_of_date\"]\nevaluation_floor = 17"), OUT_OF_DATE_AT);
        assert!(tolerant.holds, "{tolerant}");
        assert_eq!(tolerant.tolerated, [Weakness::Platform]);
        let newer = genuine(&folder, &OUT_OF_DATE, &policy("statuses = [\"out_of_date\"]\nevaluation_floor = 99"), OUT_OF_DATE_AT);
        assert_eq!(failed(&newer), ["evaluation_below_floor"]);
        // A list that names another status accepts what it names and nothing else.
        let other = genuine(&folder, &OUT_OF_DATE, &policy("statuses = [\"out_of_date_configuration_needed\"]"), OUT_OF_DATE_AT);
        assert_eq!(failed(&other), ["status"]);
        assert!(!genuine(&folder, &OUT_OF_DATE, &policy("statuses = []"), OUT_OF_DATE_AT).holds);
    }

    a_debuggable_platform_guest_is_refused(folder) {
        let names = ["tdx/v4_debug.quote", "tdx/50806f_2023.collateral.json"];
        let appraisal = genuine(&folder, &names, &Policy::default(), 1_687_077_838);
        assert_eq!(failed(&appraisal), ["debuggable"], "{appraisal}");
    }
}
