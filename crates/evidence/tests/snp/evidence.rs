//! A private root, made here and trusted by nobody else, and evidence under it that is right until a test makes one thing wrong.

use blockcloud_evidence::{
    explain::Refusal,
    snp::{self, Claims, Error, Product, Report, Requirements},
};
use blockcloud_simulator::{Authority, Processor, Template};
use der::{
    Encode,
    asn1::{Ia5String, ObjectIdentifier},
};
use std::sync::LazyLock;

#[path = "../common/agreement.rs"]
mod agreement;

/// 2027: within every certificate made here.
pub const NOW_MS: u64 = 1_800_000_000_000;
/// 2019 and 2050: outside of them.
pub const BEFORE_MS: u64 = 1_550_000_000_000;
pub const AFTER_MS: u64 = 2_530_000_000_000;

pub static ROOT: LazyLock<Authority> = LazyLock::new(|| authority(1, "Test ARK"));
pub static ISSUER: LazyLock<Authority> = LazyLock::new(|| authority(2, "Test ASK"));
/// Somebody else with the issuer's name.
pub static IMPOSTOR: LazyLock<Authority> = LazyLock::new(|| authority(3, "Test ASK"));
/// Somebody else with the root's name.
pub static ROOT_IMPOSTOR: LazyLock<Authority> = LazyLock::new(|| authority(4, "Test ARK"));
/// The authority above cloud providers' keys.
pub static VLEK_ISSUER: LazyLock<Authority> = LazyLock::new(|| authority(5, "Test ASVK"));
pub static GENOA: LazyLock<Evidence> = LazyLock::new(|| Evidence::of(Product::Genoa));
pub static TURIN: LazyLock<Evidence> = LazyLock::new(|| Evidence::of(Product::Turin));
/// The same as Genoa's, but signed by a cloud provider's key.
pub static CLOUD: LazyLock<Evidence> = LazyLock::new(|| Evidence::of(Product::Genoa).signed_by_vlek());

pub const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
pub const CSP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");
pub const CLOUD_PROVIDER: &str = "CN=cc-test-1.example.com";

fn authority(seed: u8, name: &str) -> Authority {
    Authority::generate(&[seed; 32], name).expect("a key").0
}

/// A processor, a report of it, and the certificates.
pub struct Evidence {
    pub processor: Processor,
    pub report: [u8; Report::LEN],
    pub chip: Vec<u8>,
    pub root: Vec<u8>,
    pub issuer: Vec<u8>,
    pub requirements: Requirements,
    pub now_ms: u64,
    /// Whether the processor's key stands for a cloud provider's.
    vlek: bool,
}

/// The verdict, which its explanation shares; and so does the judgement under the chip's key, if that was ever kept.
pub fn verify(report: &[u8], chip: &[u8], issuer: &[u8], requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
    let verdict = snp::verify(report, chip, issuer, requirements, now_ms);
    for kept_ms in [now_ms, NOW_MS] {
        if let Ok(key) = snp::verify_certificate(chip, issuer, kept_ms) {
            assert_eq!(snp::verify_report(report, &key, requirements, now_ms), verdict, "kept at {kept_ms}");
        }
    }
    agreement::agreed(verdict, &snp::explain(report, chip, issuer, requirements, now_ms), Refusal::Snp)
}

/// The same for issuers.
pub fn verify_issuers(root: &[u8], issuer: &[u8], now_ms: u64) -> Result<u64, Error> {
    agreement::agreed(snp::verify_issuers(root, issuer, now_ms), &snp::explain_issuers(root, issuer, now_ms), Refusal::Snp)
}

/// The same for the firmware floor.
pub fn check_floor(claims: &Claims, floor: &snp::Tcb) -> Result<(), Error> {
    agreement::agreed(claims.check_floor(floor), &snp::explain_floor(claims, floor), Refusal::Snp)
}

impl Evidence {
    fn of(product: Product) -> Self {
        let processor = Processor::certified_by(&ISSUER, product, [7; 32]);
        Self {
            report: processor.launch([1; 48], [2; 32]).report([3; 64]),
            chip: processor.certificate().to_vec(),
            root: ROOT.sign(&ROOT.root_template()),
            issuer: ROOT.sign(&ROOT.issuer_template(&ISSUER)),
            requirements: Requirements::USUAL,
            now_ms: NOW_MS,
            vlek: false,
            processor,
        }
    }

    fn signed_by_vlek(mut self) -> Self {
        self.vlek = true;
        self.requirements.allow_vlek = true;
        put(&mut self.report, 0x48, &(1u32 << 2).to_le_bytes());
        self.processor.sign(&mut self.report);
        self.chip = VLEK_ISSUER.sign(&self.template());
        self.issuer = ROOT.sign(&ROOT.issuer_template(&VLEK_ISSUER));
        self
    }

    fn authority(&self) -> &'static Authority {
        if self.vlek { &VLEK_ISSUER } else { &ISSUER }
    }

    /// What the certificate of the signing key says.
    pub fn template(&self) -> Template {
        let mut template = self.processor.certificate_template(self.authority());
        if self.vlek {
            let name = Ia5String::new(CLOUD_PROVIDER).and_then(|name| name.to_der()).expect("a name in ASCII");
            template.extensions.retain(|extension| extension.extn_id != HARDWARE_ID);
            template = template.with_extension(CSP_ID, false, name);
        }
        template
    }

    pub fn judge(&self) -> Result<Claims, Error> {
        verify(&self.report, &self.chip, &self.issuer, &self.requirements, self.now_ms)
    }

    /// The verdict over evidence that differs in the report only. The processor signs what it is changed to.
    pub fn with_report(&self, change: impl FnOnce(&mut [u8; Report::LEN])) -> Result<Claims, Error> {
        let mut report = self.report;
        change(&mut report);
        self.processor.sign(&mut report);
        verify(&report, &self.chip, &self.issuer, &self.requirements, self.now_ms)
    }

    /// The verdict over a report that was changed after the processor signed it.
    pub fn with_signed_report(&self, change: impl FnOnce(&mut [u8; Report::LEN])) -> Result<Claims, Error> {
        let mut report = self.report;
        change(&mut report);
        verify(&report, &self.chip, &self.issuer, &self.requirements, self.now_ms)
    }

    /// The verdict over evidence that differs in what the chip's certificate says. The issuer signs what it is changed to.
    pub fn with_chip(&self, change: impl FnOnce(&mut Template)) -> Result<Claims, Error> {
        let mut template = self.template();
        change(&mut template);
        self.with_chip_der(&self.authority().sign(&template))
    }

    /// The verdict over evidence that differs in the chip's certificate.
    pub fn with_chip_der(&self, chip: &[u8]) -> Result<Claims, Error> {
        verify(&self.report, chip, &self.issuer, &self.requirements, self.now_ms)
    }

    /// The verdict over evidence that differs in the requirements.
    pub fn with_requirements(&self, requirements: Requirements) -> Result<Claims, Error> {
        verify(&self.report, &self.chip, &self.issuer, &requirements, self.now_ms)
    }

    /// The verdict over evidence that differs in the verifier's issuer certificate.
    pub fn with_issuer(&self, change: impl FnOnce(&mut Template)) -> Result<Claims, Error> {
        let mut template = ROOT.issuer_template(self.authority());
        change(&mut template);
        verify(&self.report, &self.chip, &ROOT.sign(&template), &self.requirements, self.now_ms)
    }

    /// The verdict over issuers that differ in what the root says of itself.
    pub fn with_root(&self, change: impl FnOnce(&mut Template)) -> Result<u64, Error> {
        let mut template = ROOT.root_template();
        change(&mut template);
        verify_issuers(&ROOT.sign(&template), &self.issuer, self.now_ms)
    }

    /// The verdict over issuers that differ in what the root says of the issuer.
    pub fn with_intermediate(&self, change: impl FnOnce(&mut Template)) -> Result<u64, Error> {
        let mut template = ROOT.issuer_template(&ISSUER);
        change(&mut template);
        verify_issuers(&self.root, &ROOT.sign(&template), self.now_ms)
    }
}

/// Writes bytes at an offset of a report.
pub fn put(report: &mut [u8; Report::LEN], offset: usize, bytes: &[u8]) {
    report[offset..offset + bytes.len()].copy_from_slice(bytes);
}
