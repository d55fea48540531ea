//! SEV-SNP: reports, certificates, and the judgement over both.

use crate::vectors::vectors;
use blockcloud_evidence::snp::{self, Product, Report, Requirements, product_of, verify_issuers};
use blockcloud_simulator::{Processor, dev_root};
use std::sync::LazyLock;

/// 2027: within every certificate made here.
const NOW_MS: u64 = 1_800_000_000_000;

static PROCESSORS: LazyLock<[Processor; 3]> =
    LazyLock::new(|| [Product::Genoa, Product::Turin, Product::Milan].map(|product| Processor::of(product, [7; 32])));

fn report_of(processor: &Processor) -> [u8; Report::LEN] {
    processor.launch([1; 48], [2; 32]).report([3; 64])
}

/// A report of version 2, which leaves it to the certificate to name the product.
static VERSION_2: LazyLock<[u8; Report::LEN]> = LazyLock::new(|| {
    let mut report = report_of(&PROCESSORS[0]);
    report[0] = 2;
    PROCESSORS[0].sign(&mut report);
    report
});

pub fn report(data: &[u8]) -> bool {
    let Ok(report) = Report::parse(data) else { return false };
    let _ = product_of(data, PROCESSORS[0].certificate());
    assert_eq!(Report::signed_part(data).map(<[u8]>::len), Ok(Report::SIGNED_LEN));
    report.product().is_ok()
}

pub fn report_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = PROCESSORS.iter().map(|processor| report_of(processor).to_vec()).collect();
    seeds.push(VERSION_2.to_vec());
    if let Some(vectors) = vectors("report_seeds") {
        seeds.extend(["milan_ok", "genoa_ok", "turin_ok", "milan_debug"].map(|name| vectors.read(&format!("snp/{name}.report.bin"))));
    }
    seeds
}

/// In each place that a certificate can have.
pub fn certificate(data: &[u8]) -> bool {
    let requirements = Requirements { allow_version_2: true, ..Requirements::USUAL };
    let named = product_of(&*VERSION_2, data).is_ok();
    let root = verify_issuers(data, dev_root::ISSUER, NOW_MS).is_ok();
    let issuer = verify_issuers(dev_root::ROOT, data, NOW_MS).is_ok();
    let _ = snp::verify(&report_of(&PROCESSORS[0]), PROCESSORS[0].certificate(), data, &requirements, NOW_MS);
    let chip = [&*VERSION_2, &report_of(&PROCESSORS[1])]
        .iter()
        .any(|report| snp::verify(*report, data, dev_root::ISSUER, &requirements, NOW_MS).is_ok());
    assert!(!chip || named, "a certificate that is believed names its product");
    root || issuer || chip
}

pub fn certificate_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = PROCESSORS.iter().map(|processor| processor.certificate().to_vec()).collect();
    seeds.extend([dev_root::ROOT.to_vec(), dev_root::ISSUER.to_vec()]);
    if let Some(vectors) = vectors("certificate_seeds") {
        let names =
            ["ca/ark_milan", "ca/ask_turin", "ca/asvk_genoa", "milan_ok.vcek", "genoa_ok.vcek", "turin_ok.vcek", "milan_bad_vcek_legacy"];
        seeds.extend(names.map(|name| vectors.read(&format!("snp/{name}.der"))));
    }
    seeds
}

/// A byte of switches, a report, and changes to the chip's certificate: which extension, which byte of it, what is flipped there.
pub fn verify(data: &[u8]) -> bool {
    const SIGN: u8 = 1;
    const TURIN: u8 = 2;
    const STRICT: u8 = 4;
    let Some((switches, rest)) = data.split_first() else { return false };
    let processor = &PROCESSORS[usize::from(switches & TURIN != 0)];
    let mut report = [0; Report::LEN];
    let (changed, changes) = rest.split_at_checked(Report::LEN).unwrap_or((rest, &[]));
    report[..changed.len()].copy_from_slice(changed);
    if switches & SIGN != 0 {
        processor.sign(&mut report);
    }
    let chip = if changes.len() < 3 { processor.certificate().to_vec() } else { changed_certificate(processor, changes) };
    let requirements = if switches & STRICT != 0 { Requirements::STRICT } else { Requirements::USUAL };
    let verdict = snp::verify(&report, &chip, dev_root::ISSUER, &requirements, NOW_MS);
    if let Ok(key) = snp::verify_certificate(&chip, dev_root::ISSUER, NOW_MS) {
        assert_eq!(snp::verify_report(&report, &key, &requirements, NOW_MS), verdict, "under a key that was kept");
    }
    let Ok(claims) = verdict else { return false };
    assert!(!claims.policy.debuggable() && !claims.policy.migratable() && claims.vmpl == 0);
    assert_eq!(
        (claims.measurement[..].to_vec(), claims.report_data[..].to_vec()),
        (report[0x90..0xc0].to_vec(), report[0x50..0x90].to_vec())
    );
    assert!(claims.current.meets(&claims.committed) && claims.committed.meets(&claims.reported));
    true
}

/// The issuer signs what it is changed to. Three changes at most, because that takes long.
fn changed_certificate(processor: &Processor, changes: &[u8]) -> Vec<u8> {
    let mut template = processor.certificate_template(dev_root::issuer());
    for change in changes.chunks_exact(3).take(3) {
        let (which, at, flip) = (usize::from(change[0]), usize::from(change[1]), change[2]);
        let which = which % template.extensions.len();
        let extension = &mut template.extensions[which];
        let mut value = extension.extn_value.as_bytes().to_vec();
        let at = at % (value.len() + 1);
        if at == value.len() {
            value.push(flip)
        } else {
            value[at] ^= flip
        }
        extension.extn_value = der::asn1::OctetString::new(value).expect("short");
    }
    dev_root::issuer().sign(&template)
}

pub fn verify_seeds() -> Vec<Vec<u8>> {
    let seed = |switches: u8, processor: &Processor, changes: &[u8]| [&[switches], &report_of(processor)[..], changes].concat();
    vec![
        seed(1, &PROCESSORS[0], &[]),
        seed(0, &PROCESSORS[0], &[]),
        seed(3, &PROCESSORS[1], &[]),
        seed(5, &PROCESSORS[0], &[]),
        seed(1, &PROCESSORS[0], &[0, 2, 1, 5, 2, 1]),
    ]
}
