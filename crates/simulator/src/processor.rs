//! A processor that is none: it writes SEV-SNP attestation reports and signs them with a key that it simply has.

use crate::{Authority, Template, dev_root, random::Seeded};
use blockcloud_evidence::snp::{Product, Report, Tcb};
use der::{
    Encode,
    asn1::{Ia5String, ObjectIdentifier},
};
use p384::ecdsa::{Signature, SigningKey, signature::Signer};
use sha2::{Digest, Sha256};

/// AMD's arc for its extensions: 1.3.6.1.4.1.3704.1.
const AMD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1");

/// A simulated processor: one chip with its key and the certificate of that key.
pub struct Processor {
    product: Product,
    tcb: Tcb,
    chip_id: [u8; 64],
    key: SigningKey,
    certificate: Vec<u8>,
}

impl Processor {
    /// The Genoa processor that this seed determines, certified by the development root. The same seed gives the same chip, certificate and reports.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::of(Product::Genoa, seed)
    }

    /// The same for another product.
    pub fn of(product: Product, seed: [u8; 32]) -> Self {
        Self::certified_by(dev_root::issuer(), product, seed)
    }

    /// The same under another issuer than the development root's.
    pub fn certified_by(issuer: &Authority, product: Product, seed: [u8; 32]) -> Self {
        let tcb = match product {
            Product::Milan => Tcb { bootloader: 4, tee: 0, snp: 24, microcode: 219, fmc: 0 },
            Product::Genoa => Tcb { bootloader: 10, tee: 0, snp: 23, microcode: 84, fmc: 0 },
            Product::Turin => Tcb { bootloader: 1, tee: 1, snp: 4, microcode: 81, fmc: 1 },
        };
        let (chip_id, key) = identity(product, &seed);
        let certificate = issuer.sign(&chip_template(issuer, &key, product, &chip_id, &tcb));
        Self { product, tcb, chip_id, key, certificate }
    }

    /// The certificate of the chip's key (VCEK's place), DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What the chip's certificate from this issuer says, to make others of it.
    pub fn certificate_template(&self, issuer: &Authority) -> Template {
        chip_template(issuer, &self.key, self.product, &self.chip_id, &self.tcb)
    }

    /// The product that it pretends to be.
    pub fn product(&self) -> Product {
        self.product
    }

    /// Its identity.
    pub fn chip_id(&self) -> [u8; 64] {
        self.chip_id
    }

    /// Its firmware level: reported, committed, current and at launch.
    pub fn tcb(&self) -> Tcb {
        self.tcb
    }

    /// Launches a guest, that is, remembers what it measures and what the host binds.
    pub fn launch(&self, measurement: [u8; 48], host_data: [u8; 32]) -> Launch<'_> {
        Launch { processor: self, measurement, host_data }
    }

    /// Signs a report as it is, whatever it says, and puts the signature into it.
    pub fn sign(&self, report: &mut [u8; Report::LEN]) {
        let (signed, rest) = report.split_at_mut(Report::SIGNED_LEN);
        let signature: Signature = self.key.sign(signed);
        let (r, s) = signature.split_bytes();
        rest.fill(0);
        for (field, number) in rest.chunks_exact_mut(72).zip([r, s]) {
            for (target, byte) in field.iter_mut().zip(number.iter().rev()) {
                *target = *byte;
            }
        }
    }
}

/// A guest that was launched on a simulated processor.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    processor: &'a Processor,
    measurement: [u8; 48],
    host_data: [u8; 32],
}

impl Launch<'_> {
    /// The report that the processor gives to this guest, which binds `report_data` in it. The same data gives the same report.
    pub fn report(&self, report_data: [u8; 64]) -> [u8; Report::LEN] {
        /// Multithreading allowed, several sockets allowed, nothing else; bit 17 must be one.
        const POLICY: u64 = 0x3_0000;
        /// Multithreading on, error correction on, memory checked for aliases.
        const PLATFORM: u64 = 0x25;
        let processor = self.processor;
        let tcb = processor.tcb.to_bytes(processor.product);
        let cpuid: [u8; 3] = match processor.product {
            Product::Milan => [0x19, 0x01, 0x01],
            Product::Genoa => [0x19, 0x11, 0x01],
            Product::Turin => [0x1a, 0x02, 0x01],
        };
        let report_id = Sha256::new().chain_update(self.measurement).chain_update(self.host_data).finalize();
        // Build, minor and major number of the firmware.
        let firmware = [0x28, 0x37, 0x01];

        let mut report = [0; Report::LEN];
        let mut put = |offset: usize, bytes: &[u8]| report[offset..offset + bytes.len()].copy_from_slice(bytes);
        put(0x00, &3u32.to_le_bytes());
        put(0x08, &POLICY.to_le_bytes());
        put(0x34, &Report::ECDSA_P384_SHA384.to_le_bytes());
        put(0x38, &tcb);
        put(0x40, &PLATFORM.to_le_bytes());
        put(0x50, &report_data);
        put(0x90, &self.measurement);
        put(0xc0, &self.host_data);
        put(0x140, &report_id);
        put(0x160, &[0xff; 32]); // no migration agent
        put(0x180, &tcb);
        put(0x188, &cpuid);
        put(0x1a0, &processor.chip_id);
        put(0x1e0, &tcb);
        put(0x1e8, &firmware);
        put(0x1ec, &firmware);
        put(0x1f0, &tcb);
        processor.sign(&mut report);
        report
    }
}

/// Chip id and key that a seed determines.
fn identity(product: Product, seed: &[u8; 32]) -> ([u8; 64], SigningKey) {
    let mut random = Seeded::new("blockcloud-simulator/chip", seed);
    let mut chip_id: [u8; 64] = random.bytes();
    chip_id[product.chip_id_len()..].fill(0);
    let key = loop {
        // Almost every 48 bytes are a number below the order of P-384.
        if let Ok(key) = SigningKey::from_slice(&random.bytes::<48>()) {
            break key;
        }
    };
    (chip_id, key)
}

/// A chip's certificate with the extensions that AMD's has, in AMD's order and encoding.
fn chip_template(issuer: &Authority, key: &SigningKey, product: Product, chip_id: &[u8; 64], tcb: &Tcb) -> Template {
    let id = |arcs: &[u32]| arcs.iter().fold(AMD, |id, arc| id.push_arc(*arc).expect("a short identifier"));
    let number = |value: u8| value.to_der().expect("an integer has an encoding");
    let turin = product == Product::Turin;
    let name = match product {
        Product::Milan => "Milan-B0",
        Product::Genoa => "Genoa",
        Product::Turin => "Turin",
    };
    let name = Ia5String::new(name).and_then(|name| name.to_der()).expect("a name in ASCII");
    let mut versions: Vec<(u32, u8)> = vec![(1, tcb.bootloader), (2, tcb.tee)];
    if turin {
        versions.insert(0, (9, tcb.fmc));
        versions.extend([(3, tcb.snp), (5, 0), (6, 0), (7, 0), (8, tcb.microcode)]);
    } else {
        versions.extend([(4, 0), (5, 0), (6, 0), (7, 0), (3, tcb.snp), (8, tcb.microcode)]);
    }
    let mut template = Template::chip(issuer, key.verifying_key()).with_extension(id(&[1]), false, number(u8::from(turin))).with_extension(
        id(&[2]),
        false,
        name,
    );
    for (arc, version) in versions {
        template = template.with_extension(id(&[3, arc]), false, number(version));
    }
    template.with_extension(id(&[4]), false, &chip_id[..product.chip_id_len()])
}
