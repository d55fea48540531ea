//! What is believed: every kind of quote, what requirements allow, and how the parts' levels become one.

use crate::maker::*;
use blockcloud_evidence::tdx::{BodyType, Claims, Error, Link, Requirements, TcbStatus, certificates};
use der::Encode;
use serde_json::json;
use x509_cert::serial_number::SerialNumber;

fn claims(change: impl FnOnce(&mut Maker)) -> Claims {
    Maker::with(|maker| {
        maker.requirements = Requirements::LENIENT;
        change(maker);
    })
    .judge()
    .unwrap()
}

/// Status and advisories of a guest that was launched on a module of one level and runs on one of another.
fn updated(launch: u8, now: u8, change: impl FnOnce(&mut Maker)) -> (TcbStatus, Vec<u32>) {
    let claims = claims(|maker| {
        maker.put(TEE_TCB_SVN, &[launch]);
        maker.put(TEE_TCB_SVN2, &[now]);
        change(maker);
    });
    (claims.status, claims.advisories.iter().map(|advisory| advisory.0).collect())
}

#[test]
fn unchanged_evidence_verifies() {
    let claims = Maker::new().judge().unwrap();
    assert_eq!((claims.version, claims.body_type, claims.status), (5, BodyType::Td15, TcbStatus::UpToDate));
    assert_eq!([claims.mr_td, claims.mr_config_id, claims.mr_owner, claims.mr_owner_config], [[1; 48], [2; 48], [3; 48], [4; 48]]);
    assert_eq!((claims.rtmr, claims.report_data), ([[5; 48], [6; 48], [7; 48], [8; 48]], [0x0d; 64]));
    assert_eq!((claims.platform.ppid, claims.platform.fmspc), (PLATFORM.ppid(), [0x50, 0x80, 0x6f, 0, 0, 0]));
    assert_eq!((claims.tcb_evaluation_number, claims.qe_evaluation_number, claims.evaluation_number()), (18, 17, 17));
    assert_eq!(claims.check_evaluation(17), Ok(()));
    // 2026-01-01.
    assert_eq!(claims.tcb_date_ms, 1_767_225_600_000);
    assert_eq!(Maker::new().make().kept().judge(), Ok(claims));
}

#[test]
fn every_kind_of_body_verifies() {
    let judge = |version, body_type, length| Maker::new().with_body(version, body_type, length).judge().map(|claims| claims.body_type);
    assert_eq!(judge(4, 0, 584), Ok(BodyType::Td10));
    assert_eq!(judge(5, 2, 584), Ok(BodyType::Td10));
    assert_eq!(judge(5, 3, 648), Ok(BodyType::Td15));
    assert_eq!(judge(5, 4, 885), Ok(BodyType::Td15Ex));
    assert_eq!(judge(5, 3, 885), Err(Error::BodyLength));
}

#[test]
fn claims_end_with_whatever_ends_first() {
    let end = |change: fn(&mut Maker)| claims(change).not_after_ms;
    let day = NOW_MS / 1000 + DAY;
    // 2027-02-04 08:00:00, when both revocation lists are superseded.
    assert_eq!(end(|_| ()), NOW_MS + 20 * DAY * 1000 - 1);
    assert_eq!(claims(|maker| maker.root_crl.next_update = Some(day)).not_after_ms, day * 1000 - 1);
    assert_eq!(claims(|maker| maker.pck_crl.next_update = Some(day)).not_after_ms, day * 1000 - 1);
    assert_eq!(end(|maker| maker.tcb_info["nextUpdate"] = "2027-01-16T08:00:00Z".into()), day * 1000);
    assert_eq!(end(|maker| maker.qe_identity["nextUpdate"] = "2027-01-16T08:00:00Z".into()), day * 1000);
    for link in [Link::Root, Link::Issuer, Link::Chip, Link::Signer] {
        assert_eq!(claims(|maker| maker.certificate(link).validity.not_after = at(day)).not_after_ms, day * 1000);
    }
}

#[test]
fn allowances_allow() {
    let strict = Requirements::STRICT;
    for (name, status, requirements) in [
        ("OutOfDate", TcbStatus::OutOfDate, Requirements { allow_out_of_date: true, ..strict }),
        ("ConfigurationNeeded", TcbStatus::ConfigurationNeeded, Requirements { allow_configuration_needed: true, ..strict }),
        ("SWHardeningNeeded", TcbStatus::HardeningNeeded, Requirements { allow_hardening_needed: true, ..strict }),
        (
            "ConfigurationAndSWHardeningNeeded",
            TcbStatus::ConfigurationAndHardeningNeeded,
            Requirements { allow_configuration_needed: true, allow_hardening_needed: true, ..strict },
        ),
        (
            "OutOfDateConfigurationNeeded",
            TcbStatus::OutOfDateConfigurationNeeded,
            Requirements { allow_configuration_needed: true, allow_out_of_date: true, ..strict },
        ),
    ] {
        let maker = Maker::with(|maker| {
            maker.tcb_info["tcbLevels"][0]["tcbStatus"] = name.into();
            maker.requirements = requirements;
        });
        assert_eq!(maker.judge().map(|claims| claims.status), Ok(status));
    }
    assert!(claims(|maker| maker.put(ATTRIBUTES + 7, &[0x80])).attributes.performance_counters());
}

#[test]
fn harmless_attributes_are_tolerated() {
    for bit in [16, 27, 30, 62] {
        let attributes = 0x1000_0000 | 1u64 << bit;
        let maker = Maker::with(|maker| maker.put(ATTRIBUTES, &attributes.to_le_bytes()));
        assert_eq!(maker.judge().map(|claims| claims.attributes.0), Ok(attributes));
    }
}

#[test]
fn a_lower_level_is_found_with_its_advisories() {
    let claims = claims(|maker| maker.tcb_info["tcbLevels"][0]["tcb"]["pcesvn"] = 12.into());
    assert_eq!((claims.status, claims.advisories.iter().map(ToString::to_string).collect()), {
        (TcbStatus::OutOfDate, vec!["INTEL-SA-00837".to_owned(), "INTEL-SA-00960".to_owned()])
    });
}

#[test]
fn levels_count_by_height_and_not_by_place() {
    let claims = claims(|maker| maker.tcb_info["tcbLevels"].as_array_mut().expect("an array").reverse());
    assert_eq!(claims.status, TcbStatus::UpToDate);
}

#[test]
fn module_with_a_version_is_judged_by_its_own_levels() {
    // The level of the platform asks for 9, and the module has 5: that is for the module's levels to judge.
    let claims = claims(|maker| {
        for place in 0..2 {
            maker.tcb_info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"][place]["svn"] = 9.into();
        }
    });
    assert_eq!(claims.status, TcbStatus::UpToDate);
}

#[test]
fn module_without_a_version_is_judged_with_the_platform() {
    let version_0 = |maker: &mut Maker| {
        maker.put(TEE_TCB_SVN, &[5, 0]);
        maker.put(TEE_TCB_SVN2, &[5, 0]);
        maker.tcb_info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"][1]["svn"] = 0.into();
        // What is said of module 1 does not count.
        maker.tcb_info["tdxModuleIdentities"] = json!([]);
    };
    assert_eq!(claims(version_0).status, TcbStatus::UpToDate);
    let another_author = Maker::with(|maker| {
        version_0(maker);
        maker.tcb_info["tdxModule"]["mrsigner"] = "01".repeat(48).into();
    });
    assert_eq!(another_author.judge(), Err(Error::ModuleSigner));
}

#[test]
fn parts_pull_the_platform_down() {
    for (platform, with_part) in [
        ("UpToDate", TcbStatus::OutOfDate),
        ("SWHardeningNeeded", TcbStatus::OutOfDate),
        ("ConfigurationNeeded", TcbStatus::OutOfDateConfigurationNeeded),
        ("ConfigurationAndSWHardeningNeeded", TcbStatus::OutOfDateConfigurationNeeded),
        ("OutOfDate", TcbStatus::OutOfDate),
        ("OutOfDateConfigurationNeeded", TcbStatus::OutOfDateConfigurationNeeded),
    ] {
        let old_enclave = claims(|maker| {
            maker.tcb_info["tcbLevels"][0]["tcbStatus"] = platform.into();
            maker.draft.qe[258] = 7;
        });
        assert_eq!(old_enclave.status, with_part);
        let set = |maker: &mut Maker| maker.tcb_info["tcbLevels"][0]["tcbStatus"] = platform.into();
        assert_eq!(updated(3, 3, set), (with_part, vec![1036]));
    }
    // Whether its configuration is right is not for a part to say.
    assert_eq!(claims(|maker| maker.qe_identity["tcbLevels"][0]["tcbStatus"] = "ConfigurationNeeded".into()).status, TcbStatus::UpToDate);
}

#[test]
fn advisories_of_all_parts_count_once() {
    let (_, advisories) = updated(3, 3, |maker| {
        maker.draft.qe[258] = 6;
        maker.tcb_info["tcbLevels"][0]["advisoryIDs"] = json!(["INTEL-SA-00615", "INTEL-SA-00001"]);
    });
    assert_eq!(advisories, [615, 1, 1036]);
}

#[test]
fn the_oldest_part_dates_the_platform() {
    let claims = claims(|maker| maker.qe_identity["tcbLevels"][0]["tcbDate"] = "2025-01-01T00:00:00Z".into());
    assert_eq!(claims.tcb_date_ms, 1_735_689_600_000);
}

#[test]
fn relaunch_is_advised_after_an_update() {
    // Launched out of date, up to date now.
    assert_eq!(updated(3, 5, |_| ()), (TcbStatus::RelaunchAdvised, vec![1036]));
    // Not updated, or worse than before.
    assert_eq!(updated(3, 3, |_| ()).0, TcbStatus::OutOfDate);
    assert_eq!(updated(5, 3, |_| ()).0, TcbStatus::UpToDate);
    assert_eq!(updated(5, 5, |_| ()).0, TcbStatus::UpToDate);
    let platform = |status: &'static str| move |maker: &mut Maker| maker.tcb_info["tcbLevels"][0]["tcbStatus"] = status.into();
    assert_eq!(updated(3, 5, platform("SWHardeningNeeded")).0, TcbStatus::RelaunchAdvised);
    assert_eq!(updated(3, 5, platform("ConfigurationNeeded")).0, TcbStatus::RelaunchAdvisedConfigurationNeeded);
    assert_eq!(updated(3, 5, platform("ConfigurationAndSWHardeningNeeded")).0, TcbStatus::RelaunchAdvisedConfigurationNeeded);
    assert_eq!(updated(3, 5, platform("OutOfDate")).0, TcbStatus::OutOfDate);
    assert_eq!(updated(3, 5, platform("OutOfDateConfigurationNeeded")).0, TcbStatus::OutOfDateConfigurationNeeded);
    // The quoting enclave is the same before and after.
    assert_eq!(updated(3, 5, |maker| maker.draft.qe[258] = 6).0, TcbStatus::OutOfDate);
}

#[test]
fn the_launch_needs_configuration_but_the_present_does_not() {
    // Only the level that the guest was launched on needs configuration; that it does not any more is for the next launch to show.
    let (status, _) = updated(5, 5, |maker| {
        maker.put(TEE_TCB_SVN + 2, &[2]);
        maker.tcb_info["tcbLevels"] = json!([level(3, 11, 3, "UpToDate", &[]), level(3, 11, 2, "OutOfDateConfigurationNeeded", &[]),]);
    });
    assert_eq!(status, TcbStatus::RelaunchAdvisedConfigurationNeeded);
    let strict = Maker::with(|maker| {
        maker.put(TEE_TCB_SVN, &[3]);
        maker.requirements = Requirements { allow_relaunch_advised: true, ..Requirements::STRICT };
    });
    assert_eq!(strict.judge().map(|claims| claims.status), Ok(TcbStatus::RelaunchAdvised));
}

#[test]
fn authority_may_have_been_certified_again() {
    let again = |change: fn(&mut Maker)| {
        Maker::with(|maker| {
            let mut issuer = maker.issuer.clone();
            issuer.serial = SerialNumber::new(&[0x55]).expect("short");
            maker.chain_issuer = Some(issuer);
            change(maker);
        })
        .judge()
        .map(|claims| claims.status)
    };
    assert_eq!(again(|_| ()), Ok(TcbStatus::UpToDate));
    // Then it is not the one that came with the revocation list, and is judged for itself.
    let refused = again(|maker| maker.root_crl.revoked.push((vec![0x55], vec![])));
    assert_eq!(refused, Err(Error::CertificateRevoked(Link::Issuer)));
    let refused = again(|maker| {
        let issuer = maker.chain_issuer.as_mut().expect("another certificate");
        issuer.extensions.clear();
    });
    assert_eq!(refused, Err(Error::NotAnAuthority(Link::Issuer)));
}

#[test]
fn authority_in_the_chain_must_be_signed_by_the_root() {
    let mut maker = Maker::new();
    let mut made = maker.make();
    let [chip, ..] = maker.chain();
    maker.issuer.serial = SerialNumber::new(&[0x55]).expect("short");
    maker.issuer_by = IMPOSTOR.clone();
    let [_, forged, root] = maker.chain();
    made.quote = maker.quote(pem(&[chip, forged, root]).as_bytes());
    assert_eq!(made.judge(), Err(Error::CertificateSignature(Link::Issuer)));
}

#[test]
fn items_may_have_signers_of_their_own() {
    let mut maker = Maker::new();
    let mut made = maker.make();
    maker.signer.serial = SerialNumber::new(&[0x66]).expect("short");
    made.qe_signer = maker.make().signer;
    assert!(made.judge().is_ok());
    maker.signer_by = IMPOSTOR.clone();
    made.qe_signer = maker.make().signer;
    assert_eq!(made.judge(), Err(Error::CertificateSignature(Link::Signer)));
}

#[test]
fn platform_of_one_package_says_less() {
    let claims = claims(|maker| maker.set_platform(tlv(0x30, &platform_parts()[..5].concat())));
    let platform = claims.platform;
    assert_eq!((platform.instance_id, platform.dynamic, platform.cached_keys, platform.smt), (None, None, None, None));
}

#[test]
fn revocation_lists_may_be_empty() {
    assert_eq!(claims(|maker| maker.pck_crl.revoked.clear()).status, TcbStatus::UpToDate);
}

#[test]
fn high_s_signatures_are_valid() {
    let mut made = Maker::new().make();
    let at = 54 + 648 + 4;
    let signature = p256::ecdsa::Signature::from_slice(&made.quote[at..][..64]).expect("a signature");
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).expect("a signature");
    made.quote[at..][..64].copy_from_slice(&other.to_bytes());
    assert!(made.judge().is_ok());
}

#[test]
fn chains_may_end_with_a_line_or_a_zero() {
    let maker = Maker::new();
    let text = pem(&maker.chain());
    for chain in [
        text.clone().into_bytes(),
        text.trim_end().as_bytes().to_vec(),
        [text.as_bytes(), &[0]].concat(),
        text.replace('\n', "\r\n").into_bytes(),
    ] {
        assert_eq!(certificates(&chain, 3), Some(maker.chain().to_vec()));
        assert_eq!(certificates(&chain, 2), None);
        let mut made = maker.make();
        made.quote = maker.quote(&chain);
        assert!(made.judge().is_ok());
    }
}

#[test]
fn serial_numbers_compare_as_numbers() {
    // A list may write a number with or without the zero that keeps it positive; the certificate has it.
    let serial = Maker::new().chip.serial.to_der().expect("DER");
    assert_eq!(serial[2..4], [0, 0xb0]);
    let revoked = Maker::with(|maker| maker.pck_crl.revoked.push((serial[2..].to_vec(), vec![])));
    assert_eq!(revoked.judge(), Err(Error::CertificateRevoked(Link::Chip)));
}
