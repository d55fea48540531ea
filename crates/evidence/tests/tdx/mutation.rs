//! Hostile bytes: nothing panics, and nothing that was changed is believed to say something else.

use crate::maker::*;
use blockcloud_evidence::tdx::{
    Claims, Endorsements, Error, MAX_QUOTE_LEN, Quote, SignedItem, certificates, verify, verify_pck_crl, verify_qe_identity, verify_quote,
    verify_root_crl, verify_tcb_info,
};
use codec::{Decode, Encode};
use proptest::{collection, prelude::*, sample::Index};
use std::sync::LazyLock;

static MADE: LazyLock<Made> = LazyLock::new(|| Maker::new().make());
static KEPT: LazyLock<Kept> = LazyLock::new(|| MADE.kept());
static CLAIMS: LazyLock<Claims> = LazyLock::new(|| MADE.judge().expect("good evidence"));

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

/// One piece of the evidence.
fn piece(made: &mut Made, which: usize) -> &mut Vec<u8> {
    match which {
        0 => &mut made.quote,
        1 => &mut made.root,
        2 => &mut made.issuer,
        3 => &mut made.signer,
        4 => &mut made.root_crl,
        5 => &mut made.pck_crl,
        6 => &mut made.tcb_info.0,
        _ => &mut made.qe_identity.0,
    }
}
const PIECES: usize = 8;

/// Whether a verdict is a refusal or says what the unchanged evidence says.
fn harmless(verdict: &Result<Claims, Error>) -> bool {
    verdict.as_ref().map_or(true, |claims| *claims == *CLAIMS)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn changed_evidence_is_refused(which in 0..PIECES, changes in changes()) {
        let mut made = MADE.clone();
        *piece(&mut made, which) = changed(piece(&mut MADE.clone(), which), &changes);
        prop_assert_eq!(made.judge().is_ok(), piece(&mut made, which) == piece(&mut MADE.clone(), which));
    }

    #[test]
    fn spliced_evidence_says_the_same_or_is_refused(which in 0..PIECES, from: Index, to: Index, bytes in collection::vec(any::<u8>(), 0..80)) {
        let mut made = MADE.clone();
        *piece(&mut made, which) = spliced(piece(&mut MADE.clone(), which), from, to, &bytes);
        prop_assert!(harmless(&made.judge()));
    }

    #[test]
    fn noise_is_refused(which in 0..PIECES, noise in collection::vec(any::<u8>(), 0..MAX_QUOTE_LEN + 9), now_ms: u64) {
        let mut made = Made { now_ms, ..MADE.clone() };
        *piece(&mut made, which) = noise;
        prop_assert!(made.judge().is_err());
        let signed = SignedItem { body: &made.tcb_info.0, signature: &made.tcb_info.1, signer: &made.signer };
        let _ = Quote::parse(&made.quote);
        let _ = verify_root_crl(&made.root_crl, &made.root, now_ms);
        let _ = verify_pck_crl(&made.pck_crl, &made.issuer, &made.root, &KEPT.root_crl, now_ms);
        let _ = verify_tcb_info(&signed, &made.root, &KEPT.root_crl, now_ms);
        let _ = verify_qe_identity(&signed, &made.root, &KEPT.root_crl, now_ms);
        let _ = verify(&made.quote, &made.collateral(), &made.root, &made.requirements, now_ms);
    }

    #[test]
    fn noise_in_pem_is_no_chain(noise in collection::vec(any::<u8>(), 0..200), at: Index, text in "[-A-Za-z0-9+/= \r\n]{0,300}") {
        let chain = pem(&Maker::new().chain()).into_bytes();
        let _ = certificates(&noise, 3);
        let _ = certificates(text.as_bytes(), 3);
        let _ = certificates(format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").as_bytes(), 3);
        let _ = certificates(&spliced(&chain, at, at, text.as_bytes()), 3);
    }

    #[test]
    fn signed_noise_does_not_panic(which in 0..10usize, changes in changes(), now_ms: u64) {
        // Every part is signed as it was changed, so that what lies behind the signature is reached.
        let mut maker = Maker::new();
        let (at, flip) = &changes[0];
        match which {
            0..=7 => maker.tamper = Some(Tamper { place: PLACES[which], at: at.index(1 << 16), flip: *flip }),
            8 => maker.draft.body = changed(&maker.draft.body, &changes),
            _ => maker.draft.qe = changed(&maker.draft.qe, &changes).try_into().expect("the same length"),
        }
        let made = maker.make();
        // Item by item or all at once.
        prop_assert_eq!(made.keep().and_then(|kept| kept.judge()).ok(), made.judge().ok());
        let _ = Made { now_ms, ..made }.judge();
    }

    #[test]
    fn kept_noise_does_not_panic(which in 0..3usize, changes in changes(), now_ms: u64) {
        // What a store gives back may be anything that decodes.
        let kept = Kept::with(|kept| match which {
            0 => {
                if let Ok(list) = Decode::decode(&mut &changed(&KEPT.pck_crl.encode(), &changes)[..]) {
                    kept.pck_crl = list;
                }
            }
            1 => {
                if let Ok(info) = Decode::decode(&mut &changed(&KEPT.tcb_info.encode(), &changes)[..]) {
                    kept.tcb_info = info;
                }
            }
            _ => {
                if let Ok(identity) = Decode::decode(&mut &changed(&KEPT.qe_identity.encode(), &changes)[..]) {
                    kept.qe_identity = identity;
                }
            }
        });
        let _ = kept.judge();
        let endorsements = Endorsements {
            root_crl: &kept.root_crl,
            pck_crl: &kept.pck_crl,
            tcb_info: &kept.tcb_info,
            qe_identity: &kept.qe_identity,
        };
        let _ = verify_quote(&MADE.quote, &endorsements, &MADE.root, &MADE.requirements, now_ms);
    }
}
