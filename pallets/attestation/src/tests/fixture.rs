//! The kept evidence of the benchmarks is what the simulated processors make today.

use crate::{
    fixture::Fixture,
    mock::{tdx, *},
};
use blockcloud_primitives::{AccountId, Digest, Evidence, Tcb};
use blockcloud_simulator::tdx::{Collateral, level};
use codec::{Decode, Encode};
use frame_support::assert_ok;
use std::{env, fs, path::Path};

/// Set this to write the evidence anew, after a change of a format that it is made of.
const WRITE: &str = "BLOCKCLOUD_WRITE_FIXTURES";

fn fixture(guest: &Guest, evidence: Evidence) -> Fixture {
    Fixture {
        now: NOW,
        genesis: guest.binding.genesis,
        anchor_hash: guest.binding.anchor_hash,
        provider: AccountId(PROVIDER.into()),
        job: JOB,
        terms: TERMS,
        measurement: MEASUREMENT,
        firmware: firmware(),
        evidence,
        collateral: Vec::new(),
    }
}

fn snp() -> Fixture {
    let guest = Guest::new(1);
    fixture(&guest, guest.evidence())
}

fn tdx() -> Fixture {
    let guest = tdx::guest(1);
    let collateral = tdx::items(&large().sign()).to_vec();
    Fixture { measurement: tdx::software(), firmware: Tcb::default(), collateral, ..fixture(&guest, tdx::evidence(&guest)) }
}

/// Collateral that is hardly smaller than the largest that is taken: 16 KiB of each list and of the TCB info, whose last level is the platform's.
fn large() -> Collateral {
    let mut all = tdx::collateral();
    let entry = |number: u16| {
        let mut serial = vec![1; 20];
        serial[18..].copy_from_slice(&number.to_be_bytes());
        (serial, Vec::new())
    };
    for list in [&mut all.root_crl, &mut all.pck_crl] {
        list.revoked = (0..320).map(entry).collect();
    }
    let advisories: Vec<_> = (0..32).map(|number| format!("INTEL-SA-{number:05}")).collect();
    let advisories: Vec<_> = advisories.iter().map(String::as_str).collect();
    let levels = (0..15u8).rev().map(|number| level(4 + number, 11, 4, "OutOfDate", if number < 9 { &advisories } else { &[] }));
    let levels = levels.chain([level(3, 11, 3, "UpToDate", &[])]).collect();
    all.tcb_info = all.tcb_info.with_levels(levels);
    all
}

fn check(name: &str, made: &Fixture) {
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs")).join("src/fixture").join(name);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, made.encode()).unwrap();
    }
    let kept = Fixture::decode(&mut &fs::read(path).unwrap()[..]);
    assert!(kept.ok().as_ref() == Some(made), "run this test with {WRITE}=1 and commit the file");
}

#[test]
fn is_what_the_processor_makes() {
    check("snp.scale", &snp());
}

#[test]
fn is_what_the_tdx_platform_makes() {
    check("tdx.scale", &tdx());
}

#[test]
fn is_nearly_as_large_as_can_be() {
    use blockcloud_primitives::CollateralItem;
    let [root_crl, pck_crl, tcb_info, _] = tdx::items(&large().sign());
    let (CollateralItem::RootCrl { list: root }, CollateralItem::PckCrl { list: pck, .. }, CollateralItem::TcbInfo(info)) =
        (root_crl, pck_crl, tcb_info)
    else {
        panic!("another order")
    };
    for length in [root.len(), pck.len(), info.body.len()] {
        assert!((12_000..=16_384).contains(&length), "{length} bytes");
    }
}

#[test]
fn opens_a_session() {
    run(|| {
        let Fixture { terms, evidence, .. } = snp();
        assert_eq!(open(&evidence).map(|session| session.evidence), Ok(evidence.replay_key()));
        assert_ne!(terms, Digest::ZERO);
    });
}

#[test]
fn opens_a_session_with_the_largest_collateral() {
    run(|| {
        let Fixture { evidence, collateral, measurement, .. } = tdx();
        for item in collateral {
            assert_ok!(tdx::bring(item));
        }
        assert_ok!(Attestation::approve_measurement(council(), measurement, NOW + WEEK));
        assert_eq!(open(&evidence).map(|session| session.evidence), Ok(evidence.replay_key()));
    });
}
