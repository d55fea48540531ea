//! Evidence of real platforms, judged as its manifest says.

use crate::{
    genuine,
    maker::{Kept, Made, Maker},
    vectors::*,
};
use blockcloud_evidence::tdx::{Advisory, BodyType, Claims, Error, Item, Link, Quote, Requirements, SgxType, TcbStatus};
use codec::{Decode, Encode, MaxEncodedLen};
use sha2::{Digest, Sha256};

const DAY_MS: u64 = 86_400_000;
const YEAR_MS: u64 = 365 * DAY_MS;

/// Whatever the platform's level: these tests are about everything else.
const LENIENT: &Requirements = &Requirements::LENIENT;

fn summary(claims: Claims) -> (u16, BodyType, TcbStatus, Vec<u32>, u32) {
    let advisories = claims.advisories.iter().map(|advisory| advisory.0).collect();
    (claims.version, claims.body_type, claims.status, advisories, claims.evaluation_number())
}

genuine! {
    root_is_intels(vectors) {
        assert_eq!(hex::encode(Sha256::digest(vectors.root())), ROOT_HASH);
    }

    up_to_date_quotes_verify(vectors) {
        let judge = |vector| vectors.verify(vector, &Requirements::STRICT).map(summary);
        assert_eq!(judge(V4), Ok((4, BodyType::Td10, TcbStatus::UpToDate, vec![], 17)));
        assert_eq!(judge(V5), Ok((5, BodyType::Td15, TcbStatus::UpToDate, vec![], 18)));
        assert_eq!(judge(V5_EXTENDED), Ok((5, BodyType::Td15Ex, TcbStatus::UpToDate, vec![], 20)));
        assert_eq!(judge(V4_EVENT_LOG), Ok((4, BodyType::Td10, TcbStatus::UpToDate, vec![], 17)));
    }

    out_of_date_platform_needs_permission(vectors) {
        assert_eq!(vectors.verify(V4_OUT_OF_DATE, &Requirements::STRICT), Err(Error::OutOfDate));
        let claims = vectors.verify(V4_OUT_OF_DATE, &Requirements { allow_out_of_date: true, ..Requirements::STRICT }).unwrap();
        assert_eq!(claims.advisories.iter().map(Advisory::to_string).collect::<Vec<_>>(), ["INTEL-SA-00960", "INTEL-SA-00982", "INTEL-SA-00986"]);
        // 2023-08-09: what was published later may be open on it.
        assert_eq!((claims.status, claims.tcb_date_ms), (TcbStatus::OutOfDate, 1_691_539_200_000));
    }

    platform_below_every_level_is_refused(vectors) {
        assert_eq!(vectors.verify(V5_UNKNOWN, LENIENT), Err(Error::LevelUnknown));
    }

    debuggable_guest_is_refused(vectors) {
        assert_eq!(vectors.verify(V4_DEBUG, LENIENT), Err(Error::Debuggable));
        assert_eq!(vectors.verify(V4_DEBUG_LATER, LENIENT), Err(Error::Debuggable));
    }

    guest_without_sept_ve_disable_is_refused(vectors) {
        assert_eq!(vectors.verify(V4_SEPT_VE, LENIENT), Err(Error::SeptVe));
    }

    enclaves_are_no_guests(vectors) {
        for enclave in ["v3_cfg_swhardening", "v3_debug_outofdate"] {
            let quote = vectors.read(&format!("sgx/{enclave}.quote"));
            assert_eq!(Made { quote, ..vectors.evidence(V4) }.judge(), Err(Error::QuoteVersion));
        }
    }

    claims_say_what_the_quote_says(vectors) {
        let claims = vectors.verify(V5_EXTENDED, &Requirements::STRICT).unwrap();
        let quote = vectors.quote(V5_EXTENDED);
        let body = &quote[54..];
        assert_eq!(claims.tee_tcb_svn, body[..16]);
        assert_eq!(claims.mr_seam, body[16..64]);
        assert_eq!((claims.attributes.0, claims.xfam), (0x1000_0000, 0x602e7));
        assert_eq!(claims.mr_td, body[136..184]);
        assert_eq!(claims.mr_config_id, body[184..232]);
        assert_eq!(claims.mr_owner, body[232..280]);
        assert_eq!(claims.mr_owner_config, body[280..328]);
        assert_eq!(claims.rtmr.concat(), body[328..520]);
        assert_eq!(claims.report_data, body[520..584]);
        assert_eq!(claims.current_tee_tcb_svn.as_ref().map(|svn| &svn[..]), Some(&body[584..600]));
        assert_eq!(claims.instance.as_ref().map(|instance| &instance[..]), Some(&body[649..681]));
        assert_eq!(claims.signed_hash, <[u8; 32]>::from(Sha256::digest(&quote[..54 + 885])));
        assert!(claims.mr_config_id != [0; 48] && claims.rtmr.iter().all(|register| *register != [0; 48]));
    }

    claims_say_which_platform_it_is(vectors) {
        let platform = vectors.verify(V4, &Requirements::STRICT).unwrap().platform;
        assert_eq!(hex::encode(platform.ppid), "811dca2a26b952e85bb6448b097ba4fd");
        assert_eq!((hex::encode(platform.fmspc), platform.pce_id, platform.pce_svn), ("b0c06f000000".into(), [0, 0], 11));
        assert_eq!(platform.cpu_svn, [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((platform.sgx_type, platform.dynamic, platform.cached_keys, platform.smt), (SgxType::Scalable, Some(true), Some(true), Some(true)));
    }

    claims_end_with_the_collateral(vectors) {
        for vector in [V4, V5, V5_EXTENDED, V4_OUT_OF_DATE, V4_EVENT_LOG] {
            let end = vectors.verify(vector, LENIENT).unwrap().not_after_ms;
            assert!(end > vector.2 * 1000 && end < vector.2 * 1000 + 31 * DAY_MS, "{vector:?} {end}");
            assert!(vectors.verify_at(vector, LENIENT, end).is_ok());
            let expired = vectors.verify_at(vector, LENIENT, end + 1).unwrap_err();
            assert!(matches!(expired, Error::ItemExpired(_)), "{vector:?} {expired:?}");
        }
        // The platform's revocation list is the first to be superseded: 2025-07-19 10:00:35.
        assert_eq!(vectors.verify(V4, LENIENT).unwrap().not_after_ms, 1_752_919_234_999);
    }

    collateral_expires(vectors) {
        // The time that the manifest names for it.
        assert_eq!(vectors.verify_at(V4, LENIENT, 1_790_000_000_000), Err(Error::ItemExpired(Item::RootCrl)));
        for vector in ALL {
            let later = vectors.verify_at(vector, LENIENT, vector.2 * 1000 + 40 * DAY_MS).unwrap_err();
            assert!(matches!(later, Error::ItemExpired(_)), "{vector:?} {later:?}");
            // Before it was issued.
            let earlier = vectors.verify_at(vector, LENIENT, vector.2 * 1000 - 40 * DAY_MS).unwrap_err();
            assert!(matches!(earlier, Error::ItemNotYetValid(_)), "{vector:?} {earlier:?}");
        }
    }

    certificates_expire(vectors) {
        assert_eq!(vectors.verify_at(V4, LENIENT, V4.2 * 1000 + 30 * YEAR_MS), Err(Error::CertificateExpired(Link::Root)));
        assert_eq!(vectors.verify_at(V4, LENIENT, V4.2 * 1000 - 10 * YEAR_MS), Err(Error::CertificateNotYetValid(Link::Root)));
    }

    collateral_of_another_family_is_refused(vectors) {
        let quote = vectors.quote(V4);
        assert_eq!(Made { quote, ..vectors.evidence(V5) }.judge(), Err(Error::FmspcMismatch));
    }

    simulated_root_does_not_vouch_for_real_platforms(vectors) {
        let root = Maker::new().root_der();
        assert_eq!(Made { root, ..vectors.evidence(V4) }.judge(), Err(Error::CrlIssuer(Item::RootCrl)));
    }

    items_verified_and_kept_give_the_same_claims(vectors) {
        fn kept<T: Encode + Decode + MaxEncodedLen>(item: T) -> T {
            let stored = item.encode();
            assert!(stored.len() <= T::max_encoded_len());
            T::decode(&mut &stored[..]).unwrap()
        }
        for vector in ALL {
            let made = vectors.evidence(vector);
            let Kept { root_crl, pck_crl, tcb_info, qe_identity, .. } = made.kept();
            let stored = Kept {
                root_crl: kept(root_crl),
                pck_crl: kept(pck_crl),
                tcb_info: kept(tcb_info),
                qe_identity: kept(qe_identity),
                made: made.clone(),
            };
            assert_eq!(stored.judge(), made.judge());
        }
    }

    items_show_what_must_not_go_back(vectors) {
        let Kept { root_crl, pck_crl, tcb_info, .. } = vectors.evidence(V5_UNKNOWN).kept();
        assert_eq!((root_crl.number, root_crl.revoked.len(), pck_crl.number, pck_crl.revoked.len()), (1, 0, 1, 57));
        // 2026-02-18 10:58:51 and 2026-03-20 10:58:51.
        assert_eq!((tcb_info.evaluation_number, tcb_info.origin.issued_ms, tcb_info.origin.not_after_ms), (18, 1_771_412_331_000, 1_774_004_331_000));
        assert_eq!((tcb_info.levels.len(), tcb_info.modules.len()), (3, 2));
    }

    changed_quotes_are_refused(vectors) {
        for vector in [V4, V5, V5_EXTENDED] {
            let genuine = vectors.evidence(vector);
            for offset in (0..genuine.quote.len()).step_by(7) {
                let mut evidence = genuine.clone();
                evidence.quote[offset] ^= 0x40;
                assert!(evidence.judge().is_err(), "{vector:?} offset {offset:#x}");
            }
        }
    }

    padding_does_not_change_the_replay_key(vectors) {
        let evidence = vectors.evidence(V4_OUT_OF_DATE);
        let quote = evidence.quote[..evidence.quote.len() - 3065].to_vec();
        assert_eq!(Quote::parse(&quote).unwrap().signed_hash(), Quote::parse(&evidence.quote).unwrap().signed_hash());
        assert_eq!(Made { quote, ..evidence.clone() }.judge(), evidence.judge());
    }
}
