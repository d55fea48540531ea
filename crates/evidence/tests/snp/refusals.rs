//! Every check, reached by evidence that is wrong there and nowhere else; and proof that no check is without such a test.

use crate::evidence::{
    AFTER_MS, BEFORE_MS, CLOUD, CLOUD_PROVIDER, GENOA, IMPOSTOR, ISSUER, NOW_MS, ROOT, ROOT_IMPOSTOR, TURIN, check_floor, put, verify,
    verify_issuers,
};
use blockcloud_evidence::snp::{Error, GuestPolicy, Link, Product, Report, Requirements, Tcb, product_of};
use codec::{DecodeAll, Encode as _};
use der::{
    Decode, Encode,
    asn1::{ObjectIdentifier, OctetString},
    oid::AssociatedOid,
};
use rsa::{BoxedUint, RsaPublicKey, pkcs8::EncodePublicKey, traits::PublicKeyParts};
use x509_cert::{
    SubjectPublicKeyInfo, Version,
    ext::pkix::{BasicConstraints, KeyUsage, KeyUsages},
    spki::{AlgorithmIdentifierOwned, DecodePublicKey},
};

const POLICY: usize = 0x08;
const PLATFORM: usize = 0x40;
const KEY_INFO: usize = 0x48;
const SIGNATURE: usize = 0x2a0;

fn id(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn policy(bits: u64) -> [u8; 8] {
    (0x3_0000 | bits).to_le_bytes()
}

/// Gives an extension another value; the value of `None` removes it.
fn set(template: &mut blockcloud_simulator::Template, extension: &str, value: Option<&[u8]>) {
    let extension = id(extension);
    match value {
        Some(value) => {
            let entry = template.extensions.iter_mut().find(|entry| entry.extn_id == extension).expect("an extension to change");
            entry.extn_value = OctetString::new(value).expect("short");
        }
        None => template.extensions.retain(|entry| entry.extn_id != extension),
    }
}

fn repeat_first(template: &mut blockcloud_simulator::Template) {
    template.extensions.push(template.extensions[0].clone());
}

fn add_critical(template: &mut blockcloud_simulator::Template) {
    *template = template.clone().with_extension(id("1.3.6.1.4.1.3704.1.99"), true, [0x05, 0x00]);
}

/// SHA-256 with RSA, PKCS#1 v1.5.
fn other_algorithm(template: &mut blockcloud_simulator::Template) {
    template.algorithm = AlgorithmIdentifierOwned { oid: id("1.2.840.113549.1.1.11"), parameters: None };
}

/// The same modulus with exponent 3.
fn other_exponent(template: &mut blockcloud_simulator::Template) {
    let info = template.key.to_der().expect("a key");
    let key = RsaPublicKey::from_public_key_der(&info).expect("an RSA key");
    let key = RsaPublicKey::new(key.n().as_ref().clone(), BoxedUint::from(3u64)).expect("an RSA key");
    template.key = SubjectPublicKeyInfo::from_der(key.to_public_key_der().expect("a key").as_bytes()).expect("a key");
}

/// What the certificate encodes instead of an inner algorithm that agrees with the outer one.
fn outer_algorithm_changed(der: &[u8]) -> Vec<u8> {
    // The salt's length stands at the end of both algorithm identifiers; the second is outside of the signed part.
    let salt = [0xa2, 0x03, 0x02, 0x01, 0x30];
    let last = der.windows(salt.len()).rposition(|window| window == salt).expect("the parameters");
    let mut der = der.to_vec();
    der[last + 4] = 0x20;
    der
}

/// Evidence of a version 2 report and what it is judged by.
fn version_2(requirements: Requirements) -> Result<(), Error> {
    let mut report = GENOA.report;
    put(&mut report, 0x00, &2u32.to_le_bytes());
    put(&mut report, 0x188, &[0; 3]);
    GENOA.processor.sign(&mut report);
    verify(&report, &GENOA.chip, &GENOA.issuer, &requirements, NOW_MS).map(drop)
}

/// Declares one test per case, and the list of what the cases cover.
macro_rules! refusals {
    ($($name:ident: $error:expr => $verdict:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!($verdict.map(drop), Err($error));
        })*

        const COVERED: &[Error] = &[$($error),*];
    };
}

refusals! {
    report_too_short: Error::ReportLength => verify(&GENOA.report[1..], &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, NOW_MS);
    report_too_long: Error::ReportLength => verify(&[&GENOA.report[..], &[0]].concat(), &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, NOW_MS);
    report_of_unknown_version: Error::ReportVersion => GENOA.with_report(|report| put(report, 0x00, &4u32.to_le_bytes()));
    report_of_version_2: Error::OldReportVersion => version_2(Requirements::USUAL);
    unknown_signature_algorithm: Error::SignatureAlgorithm => GENOA.with_report(|report| put(report, 0x34, &2u32.to_le_bytes()));
    padding_of_r: Error::SignaturePadding => GENOA.with_signed_report(|report| report[SIGNATURE + 48] = 1);
    padding_of_s: Error::SignaturePadding => GENOA.with_signed_report(|report| report[SIGNATURE + 143] = 1);
    padding_after_signature: Error::SignaturePadding => GENOA.with_signed_report(|report| report[Report::LEN - 1] = 1);
    r_is_zero: Error::SignatureRange => GENOA.with_signed_report(|report| put(report, SIGNATURE, &[0; 48]));
    s_is_zero: Error::SignatureRange => GENOA.with_signed_report(|report| put(report, SIGNATURE + 72, &[0; 48]));
    s_is_too_large: Error::SignatureRange => GENOA.with_signed_report(|report| put(report, SIGNATURE + 72, &[0xff; 48]));
    signed_by_vlek: Error::SignedByVlek => GENOA.with_report(|report| put(report, KEY_INFO, &(1u32 << 2).to_le_bytes()));
    signed_by_nobody: Error::SigningKey => GENOA.with_report(|report| put(report, KEY_INFO, &(7u32 << 2).to_le_bytes()));
    signed_by_unknown_key: Error::SigningKey => GENOA.with_report(|report| put(report, KEY_INFO, &(2u32 << 2).to_le_bytes()));
    chip_key_masked: Error::ChipKeyMasked => GENOA.with_report(|report| put(report, KEY_INFO, &(1u32 << 1).to_le_bytes()));
    unknown_processor: Error::ProductUnknown => GENOA.with_report(|report| put(report, 0x188, &[0x17, 0x31]));
    unknown_product_name: Error::ProductUnknown => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", Some(b"\x16\x04Rome")));
    products_differ: Error::ProductMismatch => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", Some(b"\x16\x08Milan-B0")));

    chip_certificate_unreadable: Error::CertificateEncoding(Link::Chip) => GENOA.with_chip_der(b"certificate");
    chip_certificate_followed_by_something: Error::CertificateEncoding(Link::Chip) => GENOA.with_chip_der(&[&GENOA.chip[..], &[0]].concat());
    chip_certificate_of_version_1: Error::CertificateEncoding(Link::Chip) => GENOA.with_chip(|chip| chip.version = Version::V1);
    issuer_certificate_unreadable: Error::CertificateEncoding(Link::Issuer) =>
        verify(&GENOA.report, &GENOA.chip, &[], &Requirements::USUAL, NOW_MS);
    root_certificate_unreadable: Error::CertificateEncoding(Link::Root) => verify_issuers(&GENOA.root[1..], &GENOA.issuer, NOW_MS);

    chip_certificate_by_another_algorithm: Error::CertificateAlgorithm(Link::Chip) => GENOA.with_chip(other_algorithm);
    chip_certificate_names_two_algorithms: Error::CertificateAlgorithm(Link::Chip) => GENOA.with_chip_der(&outer_algorithm_changed(&GENOA.chip));
    issuer_certificate_by_another_algorithm: Error::CertificateAlgorithm(Link::Issuer) => GENOA.with_intermediate(other_algorithm);
    root_certificate_by_another_algorithm: Error::CertificateAlgorithm(Link::Root) => GENOA.with_root(other_algorithm);

    chip_certificate_by_another_issuer: Error::CertificateIssuer(Link::Chip) => GENOA.with_chip(|chip| chip.issuer = chip.subject.clone());
    issuer_certificate_by_another_root: Error::CertificateIssuer(Link::Issuer) =>
        GENOA.with_intermediate(|issuer| issuer.issuer = issuer.subject.clone());
    root_certificate_by_another: Error::CertificateIssuer(Link::Root) =>
        GENOA.with_root(|root| root.issuer = ROOT.issuer_template(&ISSUER).subject);

    chip_certificate_too_new: Error::CertificateNotYetValid(Link::Chip) =>
        GENOA.with_chip(|chip| chip.validity.not_before = chip.validity.not_after);
    issuer_certificate_too_new: Error::CertificateNotYetValid(Link::Issuer) =>
        verify(&GENOA.report, &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, BEFORE_MS);
    root_certificate_too_new: Error::CertificateNotYetValid(Link::Root) => verify_issuers(&GENOA.root, &GENOA.issuer, BEFORE_MS);
    chip_certificate_expired: Error::CertificateExpired(Link::Chip) =>
        GENOA.with_chip(|chip| chip.validity.not_after = chip.validity.not_before);
    issuer_certificate_expired: Error::CertificateExpired(Link::Issuer) =>
        verify(&GENOA.report, &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, AFTER_MS);
    root_certificate_expired: Error::CertificateExpired(Link::Root) => verify_issuers(&GENOA.root, &GENOA.issuer, AFTER_MS);

    chip_key_is_rsa: Error::CertificateKey(Link::Chip) => GENOA.with_chip(|chip| chip.key = ROOT.root_template().key);
    chip_key_is_on_another_curve: Error::CertificateKey(Link::Chip) => GENOA.with_chip(|chip| {
        chip.key.algorithm.parameters = Some(der::asn1::Any::encode_from(&id("1.2.840.10045.3.1.7")).expect("P-256"));
    });
    chip_key_is_no_point: Error::CertificateKey(Link::Chip) => GENOA.with_chip(|chip| {
        let mut point = chip.key.subject_public_key.raw_bytes().to_vec();
        point[96] ^= 1;
        chip.key.subject_public_key = der::asn1::BitString::from_bytes(&point).expect("short");
    });
    issuer_key_is_not_rsa: Error::CertificateKey(Link::Issuer) =>
        GENOA.with_issuer(|issuer| issuer.key = GENOA.processor.certificate_template(&ISSUER).key);
    issuer_key_has_another_exponent: Error::CertificateKey(Link::Issuer) => GENOA.with_intermediate(other_exponent);
    root_key_has_another_exponent: Error::CertificateKey(Link::Root) => GENOA.with_root(other_exponent);

    chip_certificate_by_an_impostor: Error::CertificateSignature(Link::Chip) =>
        GENOA.with_chip_der(&IMPOSTOR.sign(&GENOA.processor.certificate_template(&ISSUER)));
    issuer_certificate_by_an_impostor: Error::CertificateSignature(Link::Issuer) =>
        verify_issuers(&GENOA.root, &ROOT_IMPOSTOR.sign(&ROOT.issuer_template(&ISSUER)), NOW_MS);
    root_certificate_by_an_impostor: Error::CertificateSignature(Link::Root) =>
        verify_issuers(&ROOT_IMPOSTOR.sign(&ROOT.root_template()), &GENOA.issuer, NOW_MS);

    issuer_is_no_authority: Error::NotAnAuthority(Link::Issuer) =>
        GENOA.with_intermediate(|issuer| set(issuer, "2.5.29.19", Some(&[0x30, 0x00])));
    issuer_says_nothing_of_authority: Error::NotAnAuthority(Link::Issuer) =>
        GENOA.with_intermediate(|issuer| set(issuer, "2.5.29.19", None));
    issuer_may_not_sign_certificates: Error::NotAnAuthority(Link::Issuer) => GENOA.with_intermediate(|issuer| {
        set(issuer, "2.5.29.15", Some(&KeyUsage(KeyUsages::CRLSign.into()).to_der().expect("DER")));
    });
    root_is_no_authority: Error::NotAnAuthority(Link::Root) => GENOA.with_root(|root| set(root, "2.5.29.15", None));
    root_may_have_no_intermediate: Error::NotAnAuthority(Link::Root) => GENOA.with_root(|root| {
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(0) };
        set(root, "2.5.29.19", Some(&constraints.to_der().expect("DER")));
    });

    chip_certificate_has_unknown_critical_extension: Error::CriticalExtension(Link::Chip) => GENOA.with_chip(add_critical);
    issuer_certificate_has_unknown_critical_extension: Error::CriticalExtension(Link::Issuer) => GENOA.with_intermediate(add_critical);
    root_certificate_has_unknown_critical_extension: Error::CriticalExtension(Link::Root) => GENOA.with_root(add_critical);
    chip_certificate_repeats_an_extension: Error::ExtensionRepeated(Link::Chip) => GENOA.with_chip(repeat_first);
    issuer_certificate_repeats_an_extension: Error::ExtensionRepeated(Link::Issuer) => GENOA.with_intermediate(repeat_first);
    root_certificate_repeats_an_extension: Error::ExtensionRepeated(Link::Root) => GENOA.with_root(repeat_first);

    certificate_without_product: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", None));
    certificate_without_hardware_id: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.4", None));
    certificate_without_bootloader: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", None));
    certificate_without_tee: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.2", None));
    certificate_without_snp: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.3", None));
    certificate_without_microcode: Error::ExtensionMissing => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.8", None));
    turin_certificate_without_fmc: Error::ExtensionMissing => TURIN.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.9", None));
    product_is_not_text: Error::ExtensionEncoding => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", Some(b"Genoa")));
    level_is_not_canonical: Error::ExtensionEncoding =>
        GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", Some(&[0x02, 0x02, 0x00, 0x0a])));
    level_is_too_large: Error::ExtensionEncoding =>
        GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", Some(&[0x02, 0x02, 0x01, 0x0a])));
    level_is_followed_by_something: Error::ExtensionEncoding =>
        GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", Some(&[0x02, 0x01, 0x0a, 0x00])));

    hardware_id_too_short: Error::ChipIdLength =>
        GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.4", Some(&GENOA.processor.chip_id()[..8])));
    hardware_id_too_long: Error::ChipIdLength =>
        TURIN.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.4", Some(&TURIN.processor.chip_id())));
    another_chip: Error::ChipMismatch => GENOA.with_report(|report| report[0x1a0 + 63] ^= 1);
    turin_chip_id_with_tail: Error::ChipMismatch => TURIN.with_report(|report| report[0x1a0 + 8] = 1);
    another_bootloader: Error::TcbMismatch => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", Some(&[0x02, 0x01, 0x0b])));
    another_tee: Error::TcbMismatch => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.2", Some(&[0x02, 0x01, 0x01])));
    another_snp: Error::TcbMismatch => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.3", Some(&[0x02, 0x01, 0x18])));
    another_microcode: Error::TcbMismatch => GENOA.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.8", Some(&[0x02, 0x02, 0x00, 0xff])));
    another_fmc: Error::TcbMismatch => TURIN.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.9", Some(&[0x02, 0x01, 0x02])));
    report_changed_after_signing: Error::ReportSignature => GENOA.with_signed_report(|report| report[0x90] ^= 1);
    signature_changed: Error::ReportSignature => GENOA.with_signed_report(|report| report[SIGNATURE] ^= 1);

    policy_without_bit_17: Error::PolicyReservedBit => GENOA.with_report(|report| put(report, POLICY, &0x1_0000u64.to_le_bytes()));
    policy_with_bit_26: Error::PolicyUnknownBit => GENOA.with_report(|report| put(report, POLICY, &policy(1 << 26)));
    policy_with_bit_63: Error::PolicyUnknownBit => GENOA.with_report(|report| put(report, POLICY, &policy(1 << 63)));
    debuggable: Error::Debuggable => GENOA.with_report(|report| put(report, POLICY, &policy(1 << 19)));
    migratable: Error::Migratable => GENOA.with_report(|report| put(report, POLICY, &policy(1 << 18)));
    multithreading: Error::SmtAllowed => GENOA.with_requirements(Requirements { allow_smt: false, ..Requirements::USUAL });
    several_sockets: Error::SocketsAllowed => GENOA.with_requirements(Requirements { allow_sockets: false, ..Requirements::USUAL });
    memory_behind_cxl: Error::CxlAllowed => GENOA.with_report(|report| put(report, POLICY, &policy(1 << 21)));
    aliases_unchecked: Error::AliasesUnchecked => GENOA.with_report(|report| put(report, PLATFORM, &0x05u64.to_le_bytes()));
    higher_privilege_level: Error::PrivilegeLevel => GENOA.with_report(|report| put(report, 0x30, &1u32.to_le_bytes()));
    privilege_level_of_the_host: Error::PrivilegeLevel => GENOA.with_report(|report| put(report, 0x30, &u32::MAX.to_le_bytes()));
    reported_above_committed: Error::ReportedAboveCommitted => GENOA.with_report(|report| report[0x1e0] -= 1);
    committed_above_current: Error::CommittedAboveCurrent => GENOA.with_report(|report| report[0x38 + 7] -= 1);
    committed_below_floor: Error::CommittedBelowFloor => {
        // What the host reports does not help, and what was launched is recent.
        let floor = Tcb { snp: 24, ..Tcb::default() };
        let claims = GENOA.with_report(|report| (report[0x38 + 6], report[0x1f0 + 6]) = (24, 24)).expect("valid evidence");
        check_floor(&claims, &floor)
    };
    launched_below_floor: Error::LaunchedBelowFloor => {
        let claims = GENOA.with_report(|report| report[0x1f0 + 6] = 22).expect("valid evidence");
        check_floor(&claims, &Tcb { snp: 23, ..Tcb::default() })
    };

    vlek_not_allowed: Error::SignedByVlek => CLOUD.with_requirements(Requirements::USUAL);
    chip_key_masked_beside_vlek: Error::ChipKeyMasked => CLOUD.with_report(|report| put(report, KEY_INFO, &(3u32 << 1).to_le_bytes()));
    vlek_certificate_unreadable: Error::CertificateEncoding(Link::Vlek) => CLOUD.with_chip_der(b"certificate");
    vlek_certificate_by_another_algorithm: Error::CertificateAlgorithm(Link::Vlek) => CLOUD.with_chip(other_algorithm);
    vlek_certificate_by_the_issuer_of_chips: Error::CertificateIssuer(Link::Vlek) =>
        verify(&CLOUD.report, &CLOUD.chip, &GENOA.issuer, &CLOUD.requirements, NOW_MS);
    vlek_certificate_too_new: Error::CertificateNotYetValid(Link::Vlek) =>
        CLOUD.with_chip(|chip| chip.validity.not_before = chip.validity.not_after);
    vlek_certificate_expired: Error::CertificateExpired(Link::Vlek) =>
        CLOUD.with_chip(|chip| chip.validity.not_after = chip.validity.not_before);
    vlek_is_rsa: Error::CertificateKey(Link::Vlek) => CLOUD.with_chip(|chip| chip.key = ROOT.root_template().key);
    vlek_certificate_by_an_impostor: Error::CertificateSignature(Link::Vlek) => CLOUD.with_chip_der(&IMPOSTOR.sign(&CLOUD.template()));
    vlek_certificate_has_unknown_critical_extension: Error::CriticalExtension(Link::Vlek) => CLOUD.with_chip(add_critical);
    vlek_certificate_repeats_an_extension: Error::ExtensionRepeated(Link::Vlek) => CLOUD.with_chip(repeat_first);
    vlek_certificate_without_product: Error::ExtensionMissing => CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", None));
    vlek_certificate_for_another_product: Error::ProductMismatch =>
        CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.2", Some(b"\x16\x05Milan")));
    vlek_certificate_for_another_level: Error::TcbMismatch =>
        CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.3.1", Some(&[0x02, 0x01, 0x0b])));
    vlek_certificate_of_a_chip: Error::VlekOfAChip => CLOUD.with_chip(|chip| {
        *chip = chip.clone().with_extension(id("1.3.6.1.4.1.3704.1.4"), false, GENOA.processor.chip_id());
    });
    vlek_certificate_without_cloud_provider: Error::CspIdMissing => CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.5", None));
    cloud_provider_is_not_text: Error::CspIdEncoding => CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.5", Some(b"cloud")));
    cloud_provider_is_another_kind_of_text: Error::CspIdEncoding =>
        CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.5", Some(b"\x0c\x05cloud")));
    cloud_provider_is_empty: Error::CspIdEncoding => CLOUD.with_chip(|chip| set(chip, "1.3.6.1.4.1.3704.1.5", Some(b"\x16\x00")));
    chip_certificate_in_the_place_of_a_vlek: Error::CertificateIssuer(Link::Vlek) => CLOUD.with_chip_der(&GENOA.chip);
    vlek_certificate_in_the_place_of_a_chips: Error::CertificateIssuer(Link::Chip) => GENOA.with_chip_der(&CLOUD.chip);
    vlek_certificate_for_a_report_by_the_chip: Error::ExtensionMissing =>
        verify(&GENOA.report, &CLOUD.chip, &CLOUD.issuer, &CLOUD.requirements, NOW_MS);
    report_by_vlek_changed_after_signing: Error::ReportSignature => CLOUD.with_signed_report(|report| report[0x90] ^= 1);
}

#[test]
fn unchanged_evidence_verifies() {
    for (evidence, product) in [(&GENOA, Product::Genoa), (&TURIN, Product::Turin)] {
        let claims = evidence.judge().unwrap();
        assert_eq!((claims.product, claims.measurement, claims.host_data, claims.report_data), (product, [1; 48], [2; 32], [3; 64]));
        assert_eq!(claims.check_floor(&evidence.processor.tcb()), Ok(()));
        assert_eq!(evidence.with_report(|_| ()), Ok(claims.clone()));
        assert_eq!(evidence.with_chip(|_| ()), Ok(claims.clone()));
        assert_eq!(evidence.with_issuer(|_| ()), Ok(claims));
        assert!(evidence.with_root(|_| ()).is_ok() && evidence.with_intermediate(|_| ()).is_ok());
    }
}

#[test]
fn a_cloud_providers_key_is_believed_where_it_is_allowed() {
    let (claims, own) = (CLOUD.judge().unwrap(), GENOA.judge().unwrap());
    assert_eq!(claims.cloud_provider.as_deref(), Some(CLOUD_PROVIDER));
    assert_eq!(blockcloud_evidence::snp::Claims { cloud_provider: None, ..claims }, own);
    // No certificate says which chip it is.
    let moved = CLOUD.with_report(|report| report[0x1a0] ^= 1).unwrap();
    assert_ne!(moved.chip_id, own.chip_id);
    // The permission does not loosen what is asked of chips' own keys.
    assert_eq!(GENOA.with_requirements(CLOUD.requirements), Ok(own));
}

#[test]
fn nobody_allows_a_cloud_providers_key_by_default() {
    for requirements in [Requirements::STRICT, Requirements::USUAL] {
        assert_eq!(CLOUD.with_requirements(requirements), Err(Error::SignedByVlek));
    }
}

#[test]
fn claims_end_with_the_first_certificate() {
    let claims = GENOA.with_chip(|chip| chip.validity = with_end(chip, 2030)).unwrap();
    assert_eq!(claims.not_after_ms, 1_893_456_000_000);
    let claims = GENOA.with_issuer(|issuer| issuer.validity = with_end(issuer, 2031)).unwrap();
    assert_eq!(claims.not_after_ms, 1_924_992_000_000);
}

/// The same validity, but ending with the first day of a year.
pub fn with_end(template: &blockcloud_simulator::Template, year: u16) -> x509_cert::time::Validity {
    let end = der::DateTime::new(year, 1, 1, 0, 0, 0).and_then(der::asn1::UtcTime::from_date_time).expect("a date");
    x509_cert::time::Validity::new(template.validity.not_before, x509_cert::time::Time::UtcTime(end))
}

#[test]
fn version_2_is_accepted_where_it_is_allowed() {
    assert_eq!(version_2(Requirements { allow_version_2: true, ..Requirements::USUAL }), Ok(()));
}

#[test]
fn version_2_names_its_product_by_the_certificate_only() {
    let mut report = GENOA.report;
    put(&mut report, 0x00, &2u32.to_le_bytes());
    assert_eq!(product_of(&report, &GENOA.chip), Ok(Product::Genoa));
    assert_eq!(product_of(&report, &TURIN.chip), Ok(Product::Turin));
    assert_eq!(product_of(&report, b"certificate"), Err(Error::CertificateEncoding(Link::Chip)));
    assert_eq!(product_of(&GENOA.report, b"certificate"), Ok(Product::Genoa));
}

#[test]
fn strictest_requirements_can_be_met() {
    // No multithreading, one socket; and the four bits that only demand more of the platform.
    for bits in [0x12_0000u64, 0x3d2_0000] {
        let mut report = GENOA.report;
        put(&mut report, POLICY, &bits.to_le_bytes());
        GENOA.processor.sign(&mut report);
        let claims = verify(&report, &GENOA.chip, &GENOA.issuer, &Requirements::STRICT, NOW_MS).unwrap();
        assert_eq!(claims.policy, GuestPolicy(bits));
    }
}

#[test]
fn allowances_allow() {
    let mut report = GENOA.report;
    put(&mut report, POLICY, &policy(1 << 21));
    put(&mut report, PLATFORM, &0u64.to_le_bytes());
    GENOA.processor.sign(&mut report);
    let requirements = Requirements { allow_cxl: true, allow_unchecked_aliases: true, ..Requirements::USUAL };
    assert!(verify(&report, &GENOA.chip, &GENOA.issuer, &requirements, NOW_MS).is_ok());
}

#[test]
fn unknown_platform_bits_are_tolerated() {
    assert!(GENOA.with_report(|report| put(report, PLATFORM, &u64::MAX.to_le_bytes())).is_ok());
}

#[test]
fn high_s_signatures_are_valid() {
    /// Order of P-384, big-endian.
    const ORDER: [u8; 48] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a,
        0xcc, 0xc5, 0x29, 0x73,
    ];
    let verdict = GENOA.with_signed_report(|report| {
        let mut borrow = 0;
        for (byte, order) in report[SIGNATURE + 72..SIGNATURE + 120].iter_mut().zip(ORDER.iter().rev()) {
            let difference = i16::from(*order) - i16::from(*byte) - borrow;
            borrow = i16::from(difference < 0);
            *byte = difference.rem_euclid(256) as u8;
        }
    });
    assert!(verdict.is_ok());
}

#[test]
fn trailer_field_may_be_written_out() {
    let parameters = &GENOA.processor.certificate_template(&ISSUER).algorithm.parameters.expect("parameters");
    let written_out = [parameters.value(), &[0xa3, 0x03, 0x02, 0x01, 0x01]].concat();
    let verdict = GENOA.with_chip(|chip| {
        chip.algorithm.parameters = Some(der::asn1::Any::new(der::Tag::Sequence, written_out).expect("short"));
    });
    assert!(verdict.is_ok());
}

#[test]
fn levels_compare_part_by_part() {
    let level = Tcb { bootloader: 1, tee: 1, snp: 1, microcode: 1, fmc: 1 };
    assert!(level.meets(&level));
    for above in [
        Tcb { bootloader: 2, ..level },
        Tcb { tee: 2, ..level },
        Tcb { snp: 2, ..level },
        Tcb { microcode: 2, ..level },
        Tcb { fmc: 2, ..level },
    ] {
        assert!(above.meets(&level) && !level.meets(&above));
        // More of everything else does not make up for one part that is short.
        assert!(!Tcb { bootloader: 1, tee: 1, snp: 1, microcode: 1, fmc: 1 }.meets(&above));
    }
}

/// Every error there is, found by decoding every encoding.
pub fn every_error() -> impl Iterator<Item = Error> {
    (0..=u8::MAX).flat_map(|variant| {
        let plain = Error::decode_all(&mut &[variant][..]).ok();
        plain.into_iter().chain((0..=u8::MAX).filter_map(move |link| Error::decode_all(&mut &[variant, link][..]).ok()))
    })
}

#[test]
fn every_error_has_a_case() {
    // The certificate of a key that signs reports is never asked whether it may sign others.
    let unreachable = [Error::NotAnAuthority(Link::Chip), Error::NotAnAuthority(Link::Vlek)];
    let missing: Vec<Error> = every_error().filter(|error| !COVERED.contains(error) && !unreachable.contains(error)).collect();
    assert_eq!(missing, []);
}

#[test]
fn every_error_explains_itself() {
    let texts: Vec<String> = every_error().map(|error| error.to_string()).collect();
    for (index, text) in texts.iter().enumerate() {
        assert!(text.contains("wanted: "), "{text}");
        assert!(
            ["the provider must", "the chain's council must", "the chain's verifier must"].iter().any(|duty| text.contains(duty)),
            "{text}"
        );
        assert!(!texts[..index].contains(text), "two errors say: {text}");
    }
}

#[test]
fn error_codes_do_not_change() {
    assert_eq!(Error::ReportLength.encode(), [0]);
    assert_eq!(Error::CertificateExpired(Link::Chip).encode(), [15, 2]);
    assert_eq!(Error::CertificateExpired(Link::Vlek).encode(), [15, 3]);
    assert_eq!(Error::LaunchedBelowFloor.encode(), [39]);
    assert_eq!([Error::VlekOfAChip.encode(), Error::CspIdMissing.encode(), Error::CspIdEncoding.encode()], [[40], [41], [42]]);
    assert_eq!([Product::Milan.encode(), Product::Genoa.encode(), Product::Turin.encode()], [[0], [1], [2]]);
    assert_eq!(BasicConstraints::OID, id("2.5.29.19"));
    assert_eq!(KeyUsage::OID, id("2.5.29.15"));
}
