//! Evidence of real processors, judged as its manifest says. It lies beside the project; where it is absent the tests say so and pass.

use crate::evidence::{verify, verify_issuers};
use blockcloud_evidence::snp::{Claims, Error, Link, Product, Requirements, Tcb, product_of};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// September 2026: every certificate of the collection is valid.
const NOW_MS: u64 = 1_790_000_000_000;
const YEAR_MS: u64 = 365 * 86_400_000;

/// Old firmware: version 2 and no check for memory aliases.
const OLD: Requirements = Requirements { allow_version_2: true, allow_unchecked_aliases: true, ..Requirements::USUAL };

/// The collection's folder, or nothing, with a warning that no test harness swallows.
fn vectors(test: &str) -> Option<PathBuf> {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs"))
        .join("../../../shared/data/attestation/snp");
    if folder.is_dir() {
        return Some(folder);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no genuine evidence at ../shared/data/attestation/snp beside the project");
    None
}

struct Vectors(PathBuf);

impl Vectors {
    fn read(&self, name: &str) -> Vec<u8> {
        let bytes = fs::read(self.0.join(name)).expect("a file of the collection");
        if name.ends_with(".hex") { hex::decode(bytes.trim_ascii()).expect("hex") } else { bytes }
    }

    fn verify(&self, report: &str, chip: &str, issuer: &str, requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
        let issuer = self.read(&format!("ca/{issuer}.der"));
        verify(&self.read(report), &self.read(chip), &issuer, requirements, now_ms)
    }
}

/// Runs the body only where the collection is.
macro_rules! genuine {
    ($($name:ident($vectors:ident) $body:block)*) => {
        $(#[test]
        fn $name() {
            if let Some($vectors) = vectors(stringify!($name)).map(Vectors) $body
        })*
    };
}

genuine! {
    issuers_verify(vectors) {
        for product in ["milan", "genoa", "turin"] {
            let [root, issuer, vlek] = ["ark", "ask", "asvk"].map(|kind| vectors.read(&format!("ca/{kind}_{product}.der")));
            assert!(verify_issuers(&root, &issuer, NOW_MS).is_ok());
            assert!(verify_issuers(&root, &vlek, NOW_MS).is_ok());
        }
    }

    issuer_of_another_product_is_refused(vectors) {
        let (root, issuer) = (vectors.read("ca/ark_genoa.der"), vectors.read("ca/ask_milan.der"));
        assert_eq!(verify_issuers(&root, &issuer, NOW_MS), Err(Error::CertificateIssuer(Link::Issuer)));
    }

    issuers_expire(vectors) {
        let (root, issuer) = (vectors.read("ca/ark_milan.der"), vectors.read("ca/ask_milan.der"));
        // 2045-10-22 17:23:05, the root's end, is before the issuer's.
        let end = 2_392_305_785_000;
        assert_eq!(verify_issuers(&root, &issuer, NOW_MS), Ok(end));
        assert!(verify_issuers(&root, &issuer, end).is_ok());
        assert_eq!(verify_issuers(&root, &issuer, end + 1), Err(Error::CertificateExpired(Link::Root)));
    }

    milan_verifies(vectors) {
        let claims = vectors.verify("milan_ok.report.bin", "milan_ok.vcek.der", "ask_milan", &Requirements::USUAL, NOW_MS).unwrap();
        let tcb = Tcb { bootloader: 4, tee: 0, snp: 0x18, microcode: 0xdb, fmc: 0 };
        assert_eq!((claims.version, claims.product, claims.vmpl, claims.guest_svn, claims.policy.0), (3, Product::Milan, 0, 2, 0x3001f));
        assert_eq!([claims.reported, claims.committed, claims.current, claims.launch], [tcb; 4]);
        assert_eq!(claims.check_floor(&tcb), Ok(()));
        assert_eq!(claims.check_floor(&Tcb { microcode: 0xdc, ..tcb }), Err(Error::CommittedBelowFloor));
        assert_eq!(hex::encode(claims.host_data), "4f4448c67f3c8dfc8de8a5e37125d807dadcc41f06cf23f615dbd52eec777d10");
        assert_eq!(claims.report_data, [0; 64]);
        // 2033-02-05 01:04:33.
        assert_eq!(claims.not_after_ms, 1_991_178_273_000);
    }

    genoa_verifies(vectors) {
        let claims = vectors.verify("genoa_ok.report.bin", "genoa_ok.vcek.der", "ask_genoa", &Requirements::USUAL, NOW_MS).unwrap();
        let tcb = Tcb { bootloader: 10, tee: 0, snp: 0x17, microcode: 0x54, fmc: 0 };
        assert_eq!((claims.version, claims.product), (3, Product::Genoa));
        assert_eq!([claims.reported, claims.committed, claims.current, claims.launch], [tcb; 4]);
    }

    turin_verifies(vectors) {
        let claims = vectors.verify("turin_ok.report.bin", "turin_ok.vcek.der", "ask_turin", &Requirements::USUAL, NOW_MS).unwrap();
        let tcb = Tcb { bootloader: 1, tee: 1, snp: 4, microcode: 0x51, fmc: 1 };
        assert_eq!((claims.version, claims.product), (5, Product::Turin));
        assert_eq!([claims.reported, claims.committed, claims.current, claims.launch], [tcb; 4]);
    }

    strict_requirements_refuse_multithreading(vectors) {
        for (product, issuer) in [("milan", "ask_milan"), ("genoa", "ask_genoa"), ("turin", "ask_turin")] {
            let [report, chip] = ["report.bin", "vcek.der"].map(|kind| format!("{product}_ok.{kind}"));
            assert_eq!(vectors.verify(&report, &chip, issuer, &Requirements::STRICT, NOW_MS), Err(Error::SmtAllowed));
        }
    }

    version_2_needs_permission(vectors) {
        let judge = |requirements| vectors.verify("milan_v2.report.hex", "milan_v2.vcek.der", "ask_milan", &requirements, NOW_MS);
        assert_eq!(judge(Requirements::USUAL), Err(Error::OldReportVersion));
        assert_eq!(judge(Requirements { allow_version_2: true, ..Requirements::USUAL }), Err(Error::AliasesUnchecked));
        let claims = judge(OLD).unwrap();
        assert_eq!((claims.version, claims.product), (2, Product::Milan));
        assert_eq!(claims.check_floor(&Tcb { snp: 0x18, ..Tcb::default() }), Err(Error::CommittedBelowFloor));
    }

    version_2_takes_its_product_from_the_certificate(vectors) {
        let (report, chip) = (vectors.read("milan_v2.report.hex"), vectors.read("milan_v2.vcek.der"));
        assert_eq!(product_of(&report, &chip), Ok(Product::Milan));
    }

    debuggable_guest_is_refused(vectors) {
        for chip in ["milan_debug.vcek.der", "milan_debug.vcek_reissued_2026.der"] {
            assert_eq!(vectors.verify("milan_debug.report.bin", chip, "ask_milan", &OLD, NOW_MS), Err(Error::Debuggable));
        }
    }

    reported_level_may_be_below_the_current_one(vectors) {
        let (report, chip) = ("milan_reported_below_current.report.bin", "milan_reported_below_current.vcek.der");
        let claims = vectors.verify(report, chip, "ask_milan", &OLD, NOW_MS).unwrap();
        assert_eq!((claims.reported.microcode, claims.committed.microcode, claims.current.microcode), (0x73, 0x73, 0xce));
    }

    certificate_of_another_chip_is_refused(vectors) {
        let turin = vectors.verify("turin_ok.report.bin", "turin_other_chip.vcek.der", "ask_turin", &Requirements::USUAL, NOW_MS);
        assert_eq!(turin, Err(Error::ChipMismatch));
        let milan = vectors.verify("milan_wrong_chip.report.bin", "milan_wrong_chip.vcek.der", "ask_milan", &OLD, NOW_MS);
        assert_eq!(milan, Err(Error::ChipMismatch));
    }

    certificate_not_by_amd_is_refused(vectors) {
        let (report, chip) = ("milan_reported_below_current.report.bin", "milan_bad_vcek_legacy.der");
        assert_eq!(vectors.verify(report, chip, "ask_milan", &OLD, NOW_MS), Err(Error::CertificateSignature(Link::Chip)));
    }

    issuer_of_another_product_or_kind_is_refused(vectors) {
        for issuer in ["ask_genoa", "asvk_milan", "ark_milan"] {
            let verdict = vectors.verify("milan_ok.report.bin", "milan_ok.vcek.der", issuer, &Requirements::USUAL, NOW_MS);
            assert_eq!(verdict, Err(Error::CertificateIssuer(Link::Chip)));
        }
    }

    certificates_have_their_time(vectors) {
        let judge = |now_ms| vectors.verify("milan_ok.report.bin", "milan_ok.vcek.der", "ask_milan", &Requirements::USUAL, now_ms).map(drop);
        assert_eq!(judge(NOW_MS - YEAR_MS), Err(Error::CertificateNotYetValid(Link::Chip)));
        assert_eq!(judge(NOW_MS + 7 * YEAR_MS), Err(Error::CertificateExpired(Link::Chip)));
        assert_eq!(judge(NOW_MS + 20 * YEAR_MS), Err(Error::CertificateExpired(Link::Issuer)));
    }

    simulated_root_does_not_vouch_for_real_chips(vectors) {
        let (report, chip) = (vectors.read("genoa_ok.report.bin"), vectors.read("genoa_ok.vcek.der"));
        let verdict = verify(&report, &chip, blockcloud_simulator::dev_root::ISSUER, &Requirements::USUAL, NOW_MS);
        assert_eq!(verdict, Err(Error::CertificateIssuer(Link::Chip)));
    }

    changed_reports_are_refused(vectors) {
        let (chip, issuer) = (vectors.read("milan_ok.vcek.der"), vectors.read("ca/ask_milan.der"));
        let genuine = vectors.read("milan_ok.report.bin");
        for offset in (0..genuine.len()).step_by(7) {
            let mut report = genuine.clone();
            report[offset] ^= 0x40;
            assert!(verify(&report, &chip, &issuer, &Requirements::USUAL, NOW_MS).is_err(), "offset {offset:#x}");
        }
    }
}
