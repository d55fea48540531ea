//! The simulated processor as a library: the verifier believes it under the development root, and its bytes do not change.

use blockcloud_evidence::snp::{self, Error, Link, Product, Requirements};
use blockcloud_simulator::{Authority, Processor, dev_root};
use sha2::{Digest, Sha256};

const NOW_MS: u64 = 1_800_000_000_000;

#[test]
fn development_root_verifies() {
    assert!(snp::verify_issuers(dev_root::ROOT, dev_root::ISSUER, NOW_MS).is_ok());
}

#[test]
fn embedded_keys_belong_to_the_certificates() {
    assert_eq!(dev_root::root().sign(&dev_root::root().root_template()), dev_root::ROOT);
    assert_eq!(dev_root::root().sign(&dev_root::root().issuer_template(dev_root::issuer())), dev_root::ISSUER);
}

#[test]
fn every_product_verifies() {
    for product in [Product::Milan, Product::Genoa, Product::Turin] {
        let processor = Processor::of(product, [7; 32]);
        let report = processor.launch([1; 48], [2; 32]).report([3; 64]);
        let claims = snp::verify(&report, processor.certificate(), dev_root::ISSUER, &Requirements::USUAL, NOW_MS).unwrap();
        assert_eq!(snp::product_of(&report, processor.certificate()), Ok(product));
        assert_eq!((claims.product, claims.chip_id, claims.vmpl), (product, processor.chip_id(), 0));
        assert_eq!((claims.measurement, claims.host_data, claims.report_data), ([1; 48], [2; 32], [3; 64]));
        assert_eq!([claims.reported, claims.committed, claims.current, claims.launch], [processor.tcb(); 4]);
    }
}

#[test]
fn another_root_does_not_verify() {
    let (stranger, _) = Authority::generate(&[9; 32], "SIMULATED ASK").unwrap();
    let processor = Processor::certified_by(&stranger, Product::Genoa, [7; 32]);
    let report = processor.launch([1; 48], [2; 32]).report([3; 64]);
    let verdict = snp::verify(&report, processor.certificate(), dev_root::ISSUER, &Requirements::USUAL, NOW_MS);
    assert_eq!(verdict, Err(Error::CertificateSignature(Link::Chip)));
}

#[test]
fn seeds_make_different_chips() {
    let (one, other) = (Processor::new([1; 32]), Processor::new([2; 32]));
    assert_ne!(one.chip_id(), other.chip_id());
    assert_ne!(one.certificate(), other.certificate());
}

/// Fixtures elsewhere were made by this code: the same seed must give the same bytes for ever.
#[test]
fn bytes_do_not_change() {
    let processor = Processor::new([7; 32]);
    let report = processor.launch([1; 48], [2; 32]).report([3; 64]);
    assert_eq!(
        [hex::encode(Sha256::digest(report)), hex::encode(Sha256::digest(processor.certificate()))],
        [
            "b7bba64ea62f5fece299cd707fe6af8f55a009c2609d33507ada5f9d7f052e93",
            "78240039029df856a84e0e93124a76d48200e85d1a09aa4828dd1f8551197c92"
        ]
    );
}
