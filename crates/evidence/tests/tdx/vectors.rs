//! Quotes of real platforms with Intel's collateral. They lie beside the project; where they are absent the tests say so and pass.

use crate::maker::Made;
use blockcloud_evidence::tdx::{Claims, Error, Requirements, certificates};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// SHA-256 of Intel's SGX Root CA certificate, as Intel publishes it.
pub const ROOT_HASH: &str = "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3";

/// A quote, the collateral that goes with it, and the second at which the collection's manifest judges both.
pub type Vector = (&'static str, &'static str, u64);
pub const V4: Vector = ("v4_uptodate", "v4_uptodate", 1_750_400_000);
pub const V5_UNKNOWN: Vector = ("v5_no_matching_tcb", "v5_no_matching_tcb", 1_771_500_000);
pub const V5_EXTENDED: Vector = ("v5_td15ex_uptodate", "v5_td15ex_uptodate", 1_791_500_000);
pub const V4_DEBUG: Vector = ("v4_debug", "50806f_2023", 1_687_077_838);
pub const V4_DEBUG_LATER: Vector = ("v4_debug", "50806f_2026", 1_773_800_000);
pub const V5: Vector = ("v5_uptodate", "90c06f_2026", 1_773_800_000);
pub const V4_OUT_OF_DATE: Vector = ("v4_outofdate_advisories", "00806f05_2025", 1_760_896_190);
pub const V4_EVENT_LOG: Vector = ("v4_ccel_uptodate", "00806f05_2025", 1_760_896_190);
pub const V4_SEPT_VE: Vector = ("v4_no_sept_ve_disable", "00806f05_2025", 1_760_896_190);
pub const ALL: [Vector; 9] = [V4, V5_UNKNOWN, V5_EXTENDED, V4_DEBUG, V4_DEBUG_LATER, V5, V4_OUT_OF_DATE, V4_EVENT_LOG, V4_SEPT_VE];

/// The collection's folder, or nothing, with a warning that no test harness swallows.
pub fn vectors(test: &str) -> Option<Vectors> {
    // Two levels below the project's root, like every package that uses this file. A fuzzer runs without cargo, a test may come from another checkout's build.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let folder = Path::new(&package).join("../../../shared/data/attestation");
    if folder.is_dir() {
        return Some(Vectors(folder));
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no genuine evidence at ../shared/data/attestation beside the project");
    None
}

pub struct Vectors(PathBuf);

impl Vectors {
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect("a file of the collection")
    }

    pub fn quote(&self, vector: Vector) -> Vec<u8> {
        self.read(&format!("tdx/{}.quote", vector.0))
    }

    /// The collateral in the form of the collection. The certificates of the platform's key are taken from the quote only.
    pub fn collateral(&self, vector: Vector) -> Collateral {
        Collateral(serde_json::from_slice(&self.read(&format!("tdx/{}.collateral.json", vector.1))).expect("collateral"))
    }

    pub fn root(&self) -> Vec<u8> {
        self.collateral(V4).chain("tcb_info_issuer_chain").pop().expect("a chain that ends with the root")
    }

    pub fn verify(&self, vector: Vector, requirements: &Requirements) -> Result<Claims, Error> {
        self.verify_at(vector, requirements, vector.2 * 1000)
    }

    pub fn verify_at(&self, vector: Vector, requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
        Made { requirements: *requirements, now_ms, ..self.evidence(vector) }.judge()
    }

    /// The quote with its collateral, judged by whatever there is a switch for, at the manifest's time.
    pub fn evidence(&self, vector: Vector) -> Made {
        let collateral = self.collateral(vector);
        let first = |name: &str| collateral.chain(name).into_iter().next().expect("a certificate");
        let signature = |name: &str| <[u8; 64]>::try_from(collateral.bytes(name)).expect("a signature");
        Made {
            quote: self.quote(vector),
            root: self.root(),
            issuer: first("pck_crl_issuer_chain"),
            signer: first("tcb_info_issuer_chain"),
            qe_signer: first("qe_identity_issuer_chain"),
            root_crl: collateral.bytes("root_ca_crl"),
            pck_crl: collateral.bytes("pck_crl"),
            tcb_info: (collateral.text("tcb_info").into(), signature("tcb_info_signature")),
            qe_identity: (collateral.text("qe_identity").into(), signature("qe_identity_signature")),
            requirements: Requirements::LENIENT,
            now_ms: vector.2 * 1000,
        }
    }
}

/// Intel's answers in one JSON object: texts, and binary values in hex.
pub struct Collateral(Value);

impl Collateral {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text of the collateral")
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.text(name)).expect("hex")
    }

    fn chain(&self, name: &str) -> Vec<Vec<u8>> {
        certificates(self.text(name).as_bytes(), 3).expect("a chain of certificates")
    }
}

/// Runs the body only where the collection is.
#[macro_export]
macro_rules! genuine {
    ($($name:ident($vectors:ident) $body:block)*) => {
        $(#[test]
        fn $name() {
            if let Some($vectors) = $crate::vectors::vectors(stringify!($name)) $body
        })*
    };
}
