//! SEV-SNP evidence: of real processors, and of simulated ones with all that it takes to sign each part anew.

use crate::snp::certificate::{By, ISSUER, ROOT, sign};
use blockcloud_evidence::snp::{Error, Link, Product, Report, Requirements};
use blockcloud_simulator::{Authority, Processor, Template};
use der::{
    Encode,
    asn1::{Ia5String, ObjectIdentifier},
};
use openssl::{ec::EcKey, ecdsa::EcdsaSig, pkey::Private};
use sha2::{Digest, Sha384};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// September 2026: every certificate is valid.
pub const NOW_MS: u64 = 1_790_000_000_000;

/// Whatever can be allowed.
pub const LENIENT: Requirements = Requirements {
    allow_version_2: true,
    allow_smt: true,
    allow_sockets: true,
    allow_cxl: true,
    allow_unchecked_aliases: true,
    allow_vlek: true,
};

pub const PRODUCTS: [Product; 3] = [Product::Milan, Product::Genoa, Product::Turin];
pub const VERSIONS: [u32; 3] = [2, 3, 5];

pub const SIGNATURE: usize = Report::SIGNED_LEN;
pub const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
pub const CSP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");

/// A report with the certificates behind it, and what it is judged by.
#[derive(Clone)]
pub struct Evidence {
    pub report: Vec<u8>,
    pub chip: Vec<u8>,
    pub issuer: Vec<u8>,
    pub root: Vec<u8>,
    pub requirements: Requirements,
    pub now_ms: u64,
}

/// What a certificate says, and who signs it.
#[derive(Clone)]
pub struct Draft {
    pub template: Template,
    pub by: By,
}

impl Draft {
    pub fn sign(&self) -> Vec<u8> {
        sign(&self.template, &self.by)
    }
}

/// Who signs reports.
#[derive(Clone)]
pub enum Key {
    Processor(&'static Processor),
    /// A key of a kind that AMD does not use.
    Odd(EcKey<Private>),
}

/// Simulated evidence. Whoever changes a part signs it.
#[derive(Clone)]
pub struct Made {
    pub evidence: Evidence,
    pub chip: Draft,
    pub issuer: Draft,
    pub root: Draft,
    pub key: Key,
}

static PROCESSORS: LazyLock<[Processor; 3]> = LazyLock::new(|| PRODUCTS.map(|product| Processor::of(product, [7; 32])));

impl Made {
    /// Evidence with a report of a version, signed by the chip's own key or by a cloud provider's.
    pub fn new(product: Product, version: u32, vlek: bool) -> Self {
        let processor = PROCESSORS.iter().find(|processor| processor.product() == product).expect("a product");
        let authority = |key: &By, name: &str| {
            Authority::from_pkcs8(&key.key.private_key_to_pkcs8().expect("a key"), name).expect("an RSA key in PKCS#8")
        };
        let root_authority = authority(&ROOT, "SIMULATED ARK");
        let issuer_authority = authority(&ISSUER, if vlek { "SIMULATED ASVK" } else { "SIMULATED ASK" });
        let mut chip = processor.certificate_template(&issuer_authority);
        let mut report = processor.launch([1; 48], [2; 32]).report([3; 64]);
        report[..4].copy_from_slice(&version.to_le_bytes());
        if version == 2 {
            report[0x188..0x18b].fill(0);
        }
        if version == 5 {
            report[0x1f8..0x208].fill(9);
        }
        if vlek {
            report[0x48] = 1 << 2;
            let name = Ia5String::new("CN=cc-test-1.example.com").and_then(|name| name.to_der()).expect("a name in ASCII");
            chip.extensions.retain(|extension| extension.extn_id != HARDWARE_ID);
            chip = chip.with_extension(CSP_ID, false, name);
        }
        processor.sign(&mut report);
        let chip = Draft { template: chip, by: ISSUER.clone() };
        let issuer = Draft { template: root_authority.issuer_template(&issuer_authority), by: ROOT.clone() };
        let root = Draft { template: root_authority.root_template(), by: ROOT.clone() };
        let evidence = Evidence {
            report: report.to_vec(),
            chip: chip.sign(),
            issuer: issuer.sign(),
            root: root.sign(),
            requirements: LENIENT,
            now_ms: NOW_MS,
        };
        Self { evidence, chip, issuer, root, key: Key::Processor(processor) }
    }

    /// Every kind.
    pub fn all() -> Vec<Self> {
        let kinds = PRODUCTS.into_iter().flat_map(|product| VERSIONS.map(|version| (product, version)));
        kinds.flat_map(|(product, version)| [false, true].map(|vlek| Self::new(product, version, vlek))).collect()
    }

    /// Signs the report as it is.
    pub fn sign_report(&mut self) {
        let report: &mut [u8; Report::LEN] = self.evidence.report.as_mut_slice().try_into().expect("a report's length");
        match &self.key {
            Key::Processor(processor) => processor.sign(report),
            Key::Odd(key) => {
                let signature = EcdsaSig::sign(&Sha384::digest(&report[..SIGNATURE]), key).expect("a signature");
                report[SIGNATURE..].fill(0);
                for (at, number) in [(SIGNATURE, signature.r()), (SIGNATURE + 72, signature.s())] {
                    let little_endian: Vec<u8> = number.to_vec().into_iter().rev().collect();
                    report[at..at + little_endian.len()].copy_from_slice(&little_endian);
                }
            }
        }
    }
}

/// The genuine reports, each with a certificate that may stand behind it, the product, and our verdict. The collection's manifest says why.
pub const GENUINE: [(&str, &str, &str, Result<(), Error>); 10] = [
    ("milan_ok.report.bin", "milan_ok.vcek.der", "milan", Ok(())),
    ("genoa_ok.report.bin", "genoa_ok.vcek.der", "genoa", Ok(())),
    ("turin_ok.report.bin", "turin_ok.vcek.der", "turin", Ok(())),
    ("milan_debug.report.bin", "milan_debug.vcek.der", "milan", Err(Error::Debuggable)),
    ("milan_debug.report.bin", "milan_debug.vcek_reissued_2026.der", "milan", Err(Error::Debuggable)),
    ("milan_v2.report.hex", "milan_v2.vcek.der", "milan", Ok(())),
    ("turin_ok.report.bin", "turin_other_chip.vcek.der", "turin", Err(Error::ChipMismatch)),
    ("milan_reported_below_current.report.bin", "milan_reported_below_current.vcek.der", "milan", Ok(())),
    ("milan_reported_below_current.report.bin", "milan_bad_vcek_legacy.der", "milan", Err(Error::CertificateSignature(Link::Chip))),
    ("milan_wrong_chip.report.bin", "milan_wrong_chip.vcek.der", "milan", Err(Error::ChipMismatch)),
];

/// The collection's folder, or nothing, with a warning that no test harness swallows.
pub fn vectors(test: &str) -> Option<Vectors> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let folder = Path::new(&package).join("../../../shared/data/attestation");
    if folder.join("snp").is_dir() {
        return Some(Vectors(folder));
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no genuine evidence at ../shared/data/attestation beside the project");
    None
}

pub struct Vectors(PathBuf);

impl Vectors {
    pub fn read(&self, name: &str) -> Vec<u8> {
        let bytes = fs::read(self.0.join("snp").join(name)).expect("a file of the collection");
        if name.ends_with(".hex") { hex::decode(bytes.trim_ascii()).expect("hex") } else { bytes }
    }

    pub fn evidence(&self, report: &str, chip: &str, issuer: &str, product: &str) -> Evidence {
        Evidence {
            report: self.read(report),
            chip: self.read(chip),
            issuer: self.read(&format!("ca/{issuer}_{product}.der")),
            root: self.read(&format!("ca/ark_{product}.der")),
            requirements: LENIENT,
            now_ms: NOW_MS,
        }
    }

    pub fn genuine(&self) -> Vec<Evidence> {
        GENUINE.map(|(report, chip, product, _)| self.evidence(report, chip, "ask", product)).to_vec()
    }

    /// What the manifest lists of SEV-SNP, without the folder's name.
    pub fn listed(&self) -> Vec<String> {
        let manifest = fs::read_to_string(self.0.join("MANIFEST.tsv")).expect("the manifest");
        let names = manifest.lines().filter_map(|line| line.split('\t').next()?.strip_prefix("snp/"));
        names.map(str::to_owned).collect()
    }
}
