//! Evidence of real processors and platforms, each vector with the verdict that the collection's manifest says. The collection lies beside the project; where
//! it is absent the tests say so and pass.

use crate::judge::{Snp, Tdx, bounded, has_wasm, issuers, skipped};
use blockcloud_evidence::{
    snp::{self, Link},
    tdx::{self, Item, certificates},
};
use blockcloud_primitives::{CollateralSet, Signature, SignedObject};
use serde_json::Value;
use std::{cell::RefCell, collections::BTreeSet, fs, path::PathBuf};

/// September 2026: every AMD certificate of the collection is valid, and Intel's collateral of 2025 is not.
const NOW_MS: u64 = 1_790_000_000_000;

const USUAL: snp::Requirements = snp::Requirements::USUAL;
/// Old firmware: version 2 and no check for memory aliases.
const OLD: snp::Requirements = snp::Requirements { allow_version_2: true, allow_unchecked_aliases: true, ..USUAL };

/// Report, certificate, issuer, requirements, verdict.
type SnpVector = (&'static str, &'static str, &'static str, snp::Requirements, Result<(), snp::Error>);

const SNP: &[SnpVector] = &[
    ("milan_ok.report.bin", "milan_ok.vcek.der", "ask_milan", USUAL, Ok(())),
    ("genoa_ok.report.bin", "genoa_ok.vcek.der", "ask_genoa", USUAL, Ok(())),
    ("turin_ok.report.bin", "turin_ok.vcek.der", "ask_turin", USUAL, Ok(())),
    ("turin_ok.report.bin", "turin_ok.vcek.der", "ask_turin", snp::Requirements::STRICT, Err(snp::Error::SmtAllowed)),
    ("milan_ok.report.bin", "milan_ok.vcek.der", "asvk_milan", USUAL, Err(snp::Error::CertificateIssuer(Link::Chip))),
    ("milan_v2.report.hex", "milan_v2.vcek.der", "ask_milan", USUAL, Err(snp::Error::OldReportVersion)),
    ("milan_v2.report.hex", "milan_v2.vcek.der", "ask_milan", OLD, Ok(())),
    ("milan_debug.report.bin", "milan_debug.vcek.der", "ask_milan", OLD, Err(snp::Error::Debuggable)),
    ("milan_debug.report.bin", "milan_debug.vcek_reissued_2026.der", "ask_milan", OLD, Err(snp::Error::Debuggable)),
    ("milan_reported_below_current.report.bin", "milan_reported_below_current.vcek.der", "ask_milan", OLD, Ok(())),
    (
        "milan_reported_below_current.report.bin",
        "milan_bad_vcek_legacy.der",
        "ask_milan",
        OLD,
        Err(snp::Error::CertificateSignature(Link::Chip)),
    ),
    ("milan_wrong_chip.report.bin", "milan_wrong_chip.vcek.der", "ask_milan", OLD, Err(snp::Error::ChipMismatch)),
    ("turin_ok.report.bin", "turin_other_chip.vcek.der", "ask_turin", USUAL, Err(snp::Error::ChipMismatch)),
];

const STRICT: tdx::Requirements = tdx::Requirements::STRICT;
const LENIENT: tdx::Requirements = tdx::Requirements::LENIENT;

/// Quote, collateral, Unix seconds, requirements, verdict.
type TdxVector = (&'static str, &'static str, u64, tdx::Requirements, Result<(), tdx::Error>);

const TDX: &[TdxVector] = &[
    ("tdx/v4_uptodate", "tdx/v4_uptodate", 1_750_400_000, STRICT, Ok(())),
    ("tdx/v4_uptodate", "tdx/v4_uptodate", NOW_MS / 1000, STRICT, Err(tdx::Error::ItemExpired(Item::RootCrl))),
    ("tdx/v5_no_matching_tcb", "tdx/v5_no_matching_tcb", 1_771_500_000, LENIENT, Err(tdx::Error::LevelUnknown)),
    ("tdx/v5_td15ex_uptodate", "tdx/v5_td15ex_uptodate", 1_791_500_000, STRICT, Ok(())),
    ("tdx/v4_debug", "tdx/50806f_2023", 1_687_077_838, LENIENT, Err(tdx::Error::Debuggable)),
    ("tdx/v4_debug", "tdx/50806f_2026", 1_773_800_000, LENIENT, Err(tdx::Error::Debuggable)),
    ("tdx/v5_uptodate", "tdx/90c06f_2026", 1_773_800_000, STRICT, Ok(())),
    ("tdx/v4_outofdate_advisories", "tdx/00806f05_2025", 1_760_896_190, STRICT, Err(tdx::Error::OutOfDate)),
    ("tdx/v4_outofdate_advisories", "tdx/00806f05_2025", 1_760_896_190, LENIENT, Ok(())),
    ("tdx/v4_ccel_uptodate", "tdx/00806f05_2025", 1_760_896_190, STRICT, Ok(())),
    ("tdx/v4_no_sept_ve_disable", "tdx/00806f05_2025", 1_760_896_190, LENIENT, Err(tdx::Error::SeptVe)),
    // Collateral of another family.
    ("tdx/v4_uptodate", "tdx/90c06f_2026", 1_773_800_000, LENIENT, Err(tdx::Error::FmspcMismatch)),
    // Enclaves are no guests.
    ("sgx/v3_cfg_swhardening", "sgx/v3_cfg_swhardening", 1_750_400_000, LENIENT, Err(tdx::Error::QuoteVersion)),
    ("sgx/v3_debug_outofdate", "sgx/00606a_2025", 1_755_236_546, LENIENT, Err(tdx::Error::QuoteVersion)),
];

/// The collection, and which of its files were read.
pub struct Vectors {
    folder: PathBuf,
    read: RefCell<BTreeSet<String>>,
}

/// The collection, or nothing, with a warning that no test harness swallows.
pub fn vectors(test: &str) -> Option<Vectors> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let folder = PathBuf::from(package).join("../../shared/data/attestation");
    if !folder.is_dir() {
        skipped(test, "no genuine evidence at ../shared/data/attestation beside the project");
        return None;
    }
    Some(Vectors { folder, read: RefCell::default() })
}

impl Vectors {
    fn read(&self, name: &str) -> Vec<u8> {
        self.read.borrow_mut().insert(name.into());
        let bytes = fs::read(self.folder.join(name)).expect("a file of the collection");
        if name.ends_with(".hex") { hex::decode(bytes.trim_ascii()).expect("hex") } else { bytes }
    }

    fn snp(&self, (report, chip, issuer, requirements, _): &SnpVector) -> Snp {
        let [report, chip] = [report, chip].map(|name| self.read(&format!("snp/{name}")));
        let issuer = self.read(&format!("snp/ca/{issuer}.der"));
        Snp { report, chip, issuer, requirements: *requirements, now_ms: NOW_MS }
    }

    fn tdx(&self, (quote, collateral, now, requirements, _): &TdxVector) -> Tdx {
        Tdx {
            quote: self.read(&format!("{quote}.quote")),
            collateral: self.collateral(collateral),
            root: chain(&self.json("tdx/v4_uptodate"), "tcb_info_issuer_chain").pop().expect("a chain that ends with the root"),
            requirements: *requirements,
            now_ms: now * 1000,
        }
    }

    /// Intel's answers in one JSON object: texts, and binary values in hex.
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("{name}.collateral.json"))).expect("collateral")
    }

    fn collateral(&self, name: &str) -> CollateralSet {
        let json = self.json(name);
        let bytes = |name: &str| hex::decode(text(&json, name)).expect("hex");
        let first = |name: &str| chain(&json, name).swap_remove(0);
        let object = |name: &str, body: &str| SignedObject {
            body: bounded(body.as_bytes()),
            signature: Signature(bytes(&format!("{name}_signature")).try_into().expect("a signature")),
            signer: bounded(&first(&format!("{name}_issuer_chain"))),
        };
        CollateralSet {
            root_crl: bounded(&bytes("root_ca_crl")),
            pck_crl: bounded(&bytes("pck_crl")),
            pck_issuer: bounded(&first("pck_crl_issuer_chain")),
            tcb_info: object("tcb_info", text(&json, "tcb_info")),
            qe_identity: object("qe_identity", text(&json, "qe_identity")),
        }
    }

    /// All evidence that is accepted.
    pub fn accepted(&self) -> (Vec<Snp>, Vec<Tdx>) {
        let snp = SNP.iter().filter(|vector| vector.4.is_ok()).map(|vector| self.snp(vector)).collect();
        let tdx = TDX.iter().filter(|vector| vector.4.is_ok()).map(|vector| self.tdx(vector)).collect();
        (snp, tdx)
    }
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().expect("a text of the collateral")
}

fn chain(json: &Value, name: &str) -> Vec<Vec<u8>> {
    certificates(text(json, name).as_bytes(), 3).expect("a chain of certificates")
}

#[test]
fn every_vector_has_its_verdict_in_both_worlds() {
    let test = "every_vector_has_its_verdict_in_both_worlds";
    let (true, Some(vectors)) = (has_wasm(test), vectors(test)) else { return };
    for vector in SNP {
        assert_eq!(vectors.snp(vector).verdict().map(drop), vector.4, "{vector:?}");
    }
    for vector in TDX {
        assert_eq!(vectors.tdx(vector).verdict().map(drop), vector.4, "{vector:?}");
    }
    for product in ["milan", "genoa", "turin"] {
        let [root, chips, clouds] = ["ark", "ask", "asvk"].map(|kind| vectors.read(&format!("snp/ca/{kind}_{product}.der")));
        for issuer in [&chips, &clouds] {
            assert!(issuers(&root, issuer, NOW_MS).is_ok(), "{product}");
        }
        assert_eq!(issuers(&chips, &root, NOW_MS), Err(snp::Error::CertificateIssuer(Link::Root)));
    }
    // None was left out. What an event log says is for programs off the chain.
    let manifest = String::from_utf8(vectors.read("MANIFEST.tsv")).expect("text");
    let names = manifest.lines().skip(1).filter_map(|line| line.split('\t').next());
    let judged_here =
        |name: &&str| ["snp/", "tdx/", "sgx/"].iter().any(|folder| name.starts_with(folder)) && !name.ends_with("_eventlog.dat");
    let read = vectors.read.borrow();
    let forgotten: Vec<&str> = names.filter(judged_here).filter(|name| !read.contains(*name)).collect();
    assert_eq!(forgotten, [""; 0]);
}
