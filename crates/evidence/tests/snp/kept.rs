//! A chip's key that was kept of its certificate. That judging a report under it gives the verdict of the whole is asserted wherever evidence is judged,
//! see `evidence`; here is what that does not show.

use crate::evidence::{AFTER_MS, BEFORE_MS, CLOUD, Evidence, GENOA, ISSUER, NOW_MS, TURIN};
use blockcloud_evidence::snp::{ChipKey, Error, Link, Requirements, verify_and_keep, verify_certificate, verify_report};
use codec::{Decode, Encode, MaxEncodedLen};

/// The key as somebody stores it and reads it again.
fn stored(key: &ChipKey) -> ChipKey {
    ChipKey::decode(&mut &key.encode()[..]).unwrap()
}

fn kept(evidence: &Evidence) -> ChipKey {
    verify_certificate(&evidence.chip, &evidence.issuer, NOW_MS).unwrap()
}

#[test]
fn it_is_what_a_full_verification_answers_with() {
    for evidence in [&*GENOA, &*TURIN] {
        let Evidence { report, chip, issuer, requirements, .. } = evidence;
        let (claims, key) = verify_and_keep(report, chip, issuer, requirements, NOW_MS).unwrap();
        assert_eq!(key, Some(kept(evidence)));
        assert_eq!(verify_report(report, &stored(&kept(evidence)), requirements, NOW_MS), Ok(claims));
    }
}

#[test]
fn its_encoding_always_has_the_same_length() {
    for evidence in [&*GENOA, &*TURIN] {
        assert_eq!(kept(evidence).encode().len(), ChipKey::max_encoded_len());
    }
}

#[test]
fn it_names_its_chip() {
    assert_eq!(*kept(&GENOA).chip_id(), GENOA.processor.chip_id());
    let mut turin = [0; 64];
    turin[..8].copy_from_slice(&TURIN.processor.chip_id()[..8]);
    assert_eq!(*kept(&TURIN).chip_id(), turin);
}

#[test]
fn its_certificates_have_their_time() {
    let key = kept(&GENOA);
    let judge = |now_ms| verify_report(&GENOA.report, &key, &Requirements::USUAL, now_ms).map(drop);
    assert_eq!(judge(NOW_MS), Ok(()));
    assert_eq!(judge(BEFORE_MS), Err(Error::CertificateNotYetValid(Link::Issuer)));
    assert_eq!(judge(AFTER_MS), Err(Error::CertificateExpired(Link::Issuer)));
    // One that ends before its issuer's.
    let mut template = GENOA.template();
    template.validity = crate::refusals::with_end(&template, 2030);
    let key = verify_certificate(&ISSUER.sign(&template), &GENOA.issuer, NOW_MS).unwrap();
    let end = 1_893_456_000_000;
    assert_eq!(verify_report(&GENOA.report, &key, &Requirements::USUAL, end).map(|claims| claims.not_after_ms), Ok(end));
    assert_eq!(verify_report(&GENOA.report, &key, &Requirements::USUAL, end + 1), Err(Error::CertificateExpired(Link::Chip)));
}

#[test]
fn it_vouches_for_no_other_chips_report() {
    assert_eq!(verify_report(&TURIN.report, &kept(&GENOA), &Requirements::USUAL, NOW_MS), Err(Error::ProductMismatch));
    let other = blockcloud_simulator::Processor::certified_by(&ISSUER, GENOA.processor.product(), [8; 32]);
    let report = other.launch([1; 48], [2; 32]).report([3; 64]);
    assert_eq!(verify_report(&report, &kept(&GENOA), &Requirements::USUAL, NOW_MS), Err(Error::ChipMismatch));
    // The same, pretending to be the chip.
    let mut report = GENOA.report;
    report[0x90] ^= 1;
    other.sign(&mut report);
    assert_eq!(verify_report(&report, &kept(&GENOA), &Requirements::USUAL, NOW_MS), Err(Error::ReportSignature));
}

#[test]
fn nothing_is_kept_of_a_cloud_providers_key() {
    let (claims, key) = verify_and_keep(&CLOUD.report, &CLOUD.chip, &CLOUD.issuer, &CLOUD.requirements, NOW_MS).unwrap();
    assert_eq!((claims.cloud_provider.is_some(), key), (true, None));
    assert_eq!(verify_certificate(&CLOUD.chip, &CLOUD.issuer, NOW_MS), Err(Error::ExtensionMissing));
    let by_cloud_provider = verify_report(&CLOUD.report, &kept(&GENOA), &CLOUD.requirements, NOW_MS);
    assert_eq!(by_cloud_provider, Err(Error::VlekOfAChip));
}

#[test]
fn a_stored_key_that_is_no_point_is_refused() {
    let mut bytes = kept(&GENOA).encode();
    // After product, chip and level.
    let point = 1 + 64 + 5;
    assert_eq!(bytes[point], 4, "an uncompressed point");
    bytes[point + 96] ^= 1;
    let key = ChipKey::decode(&mut &bytes[..]).unwrap();
    assert_eq!(verify_report(&GENOA.report, &key, &Requirements::USUAL, NOW_MS), Err(Error::CertificateKey(Link::Chip)));
}
