//! Hostile bytes: nothing panics, and nothing that was changed is believed.

use crate::evidence::{CLOUD, GENOA, NOW_MS, TURIN, verify, verify_issuers};
use blockcloud_evidence::snp::{Report, Requirements, product_of};
use proptest::{collection, prelude::*, sample::Index};

/// Changes at several places: position and what is flipped there.
fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    collection::vec((any::<Index>(), 1..=u8::MAX), 1..4)
}

/// A changed copy. Two changes may meet and undo each other; then it is the original.
fn changed(original: &[u8], changes: &[(Index, u8)]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (index, flip) in changes {
        bytes[index.index(original.len())] ^= flip;
    }
    bytes
}

/// A copy in which a piece was replaced by other bytes, of another length perhaps.
fn spliced(original: &[u8], from: Index, to: Index, piece: &[u8]) -> Vec<u8> {
    let (from, to) = (from.index(original.len() + 1), to.index(original.len() + 1));
    let (from, to) = (from.min(to), from.max(to));
    [&original[..from], piece, &original[to..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_reports_are_refused(changes in changes()) {
        let report = changed(&GENOA.report, &changes);
        let verdict = verify(&report, &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, NOW_MS);
        prop_assert_eq!(verdict.is_ok(), report == GENOA.report);
    }

    #[test]
    fn changed_certificates_are_refused(changes in changes()) {
        let chip = changed(&TURIN.chip, &changes);
        let verdict = verify(&TURIN.report, &chip, &TURIN.issuer, &Requirements::USUAL, NOW_MS);
        prop_assert_eq!(verdict.is_ok(), chip == TURIN.chip);
    }

    #[test]
    fn changed_evidence_of_a_cloud_provider_is_refused(changes in changes()) {
        let (report, chip) = (changed(&CLOUD.report, &changes), changed(&CLOUD.chip, &changes));
        let judge = |report: &[u8], chip: &[u8]| verify(report, chip, &CLOUD.issuer, &CLOUD.requirements, NOW_MS).is_ok();
        prop_assert_eq!(judge(&report, &CLOUD.chip), report == CLOUD.report);
        prop_assert_eq!(judge(&CLOUD.report, &chip), chip == CLOUD.chip);
    }

    #[test]
    fn changed_issuers_are_refused(changes in changes()) {
        let (root, issuer) = (changed(&GENOA.root, &changes), changed(&GENOA.issuer, &changes));
        prop_assert_eq!(verify_issuers(&GENOA.root, &issuer, NOW_MS).is_ok(), issuer == GENOA.issuer);
        prop_assert_eq!(verify_issuers(&root, &GENOA.issuer, NOW_MS).is_ok(), root == GENOA.root);
        // A trusted issuer is not verified here; what it says may be wrong, and must not panic.
        let _ = verify(&GENOA.report, &GENOA.chip, &issuer, &Requirements::USUAL, NOW_MS);
    }

    #[test]
    fn spliced_evidence_is_refused(from: Index, to: Index, piece in collection::vec(any::<u8>(), 0..80)) {
        let report = spliced(&GENOA.report, from, to, &piece);
        let chip = spliced(&GENOA.chip, from, to, &piece);
        let root = spliced(&GENOA.root, from, to, &piece);
        prop_assert_eq!(verify(&report, &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, NOW_MS).is_ok(), report == GENOA.report);
        prop_assert_eq!(verify(&GENOA.report, &chip, &GENOA.issuer, &Requirements::USUAL, NOW_MS).is_ok(), chip == GENOA.chip);
        prop_assert_eq!(verify_issuers(&root, &GENOA.issuer, NOW_MS).is_ok(), root == GENOA.root);
        let _ = product_of(&report, &chip);
    }

    #[test]
    fn noise_is_refused(report in collection::vec(any::<u8>(), 0..2400), chip in collection::vec(any::<u8>(), 0..2400), now_ms: u64) {
        prop_assert!(verify(&report, &chip, &GENOA.issuer, &Requirements::USUAL, now_ms).is_err());
        prop_assert!(verify(&GENOA.report, &chip, &report, &Requirements::USUAL, now_ms).is_err());
        prop_assert!(verify_issuers(&report, &chip, now_ms).is_err());
        prop_assert!(product_of(&report, &chip).is_err());
    }

    #[test]
    fn signed_noise_does_not_panic(fields in collection::vec((0..Report::SIGNED_LEN, any::<u8>()), 0..40), now_ms: u64) {
        let _ = GENOA.with_report(|report| {
            for (offset, byte) in &fields {
                report[*offset] = *byte;
            }
        });
        let _ = verify(&GENOA.report, &GENOA.chip, &GENOA.issuer, &Requirements::USUAL, now_ms);
    }
}
