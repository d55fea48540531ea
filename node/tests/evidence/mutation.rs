//! Evidence that was changed at random places, of real hardware where the collection is there and of simulated hardware anyway: whatever the verdict is, it
//! is the same in both worlds.

use crate::{
    genuine::vectors,
    judge::{Snp, Tdx, bounded, has_wasm},
};
use blockcloud_evidence::{snp, tdx};
use blockcloud_primitives::{CollateralSet, Signature, SignedObject};
use blockcloud_simulator::{
    Processor, dev_root,
    tdx::{self as simulated, SignedJson},
};
use std::collections::BTreeSet;

/// 2027: within everything that the simulators issue.
const NOW_MS: u64 = 1_800_000_000_000;
/// How many changed pieces are judged for each that is right.
const CHANGES: u64 = 60;

/// Numbers that are the same in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("small")).expect("small")
    }

    /// Flips bits of one to three bytes.
    fn change(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len());
            bytes[place] ^= 1 << self.below(8);
        }
    }

    /// Another time, up to 20 years away.
    fn change_time(&mut self, now_ms: &mut u64) {
        *now_ms = now_ms.wrapping_add(self.next() % 1_300_000_000_000).wrapping_sub(650_000_000_000);
    }
}

fn simulated_snp() -> (Processor, Snp) {
    let processor = Processor::new([1; 32]);
    let report = processor.launch([1; 48], [2; 32]).report([3; 64]).to_vec();
    let (chip, issuer) = (processor.certificate().to_vec(), dev_root::ISSUER.to_vec());
    (processor, Snp { report, chip, issuer, requirements: snp::Requirements::USUAL, now_ms: NOW_MS })
}

fn simulated_tdx() -> Tdx {
    let platform = simulated::Platform::new([1; 32]);
    let collateral = simulated::Collateral::new(platform.fmspc()).sign();
    let object =
        |item: &SignedJson| SignedObject { body: bounded(&item.body), signature: Signature(item.signature), signer: bounded(&item.signer) };
    Tdx {
        quote: platform.launch([1; 48], [2; 48]).quote([3; 64]),
        collateral: CollateralSet {
            root_crl: bounded(&collateral.root_crl),
            pck_crl: bounded(&collateral.pck_crl),
            pck_issuer: bounded(&collateral.pck_issuer),
            tcb_info: object(&collateral.tcb_info),
            qe_identity: object(&collateral.qe_identity),
        },
        root: simulated::dev_root::ROOT.to_vec(),
        requirements: tdx::Requirements::LENIENT,
        now_ms: NOW_MS,
    }
}

#[test]
fn changed_snp_evidence_has_one_verdict() {
    let test = "changed_snp_evidence_has_one_verdict";
    if !has_wasm(test) {
        return;
    }
    let (processor, simulated) = simulated_snp();
    assert!(simulated.verdict().is_ok());
    let mut random = Random(1);
    let mut seen = BTreeSet::new();
    let genuine = vectors(test).map(|vectors| vectors.accepted().0).unwrap_or_default();
    for original in genuine.iter().chain([&simulated]) {
        for _ in 0..CHANGES {
            let mut evidence = original.clone();
            match random.below(5) {
                0 => random.change(&mut evidence.report),
                1 | 2 => random.change(&mut evidence.chip),
                3 => random.change(&mut evidence.issuer),
                _ => random.change_time(&mut evidence.now_ms),
            }
            seen.insert(format!("{:?}", evidence.verdict().map(drop)));
        }
    }
    // Changed before it is signed, so that more is reached than the signature.
    for _ in 0..2 * CHANGES {
        let mut evidence = simulated.clone();
        let mut report: [u8; 1184] = evidence.report.try_into().expect("a report");
        random.change(&mut report[..snp::Report::SIGNED_LEN]);
        processor.sign(&mut report);
        evidence.report = report.to_vec();
        seen.insert(format!("{:?}", evidence.verdict().map(drop)));
    }
    assert!(seen.len() > 15, "few verdicts were reached: {seen:?}");
}

#[test]
fn changed_tdx_evidence_has_one_verdict() {
    let test = "changed_tdx_evidence_has_one_verdict";
    if !has_wasm(test) {
        return;
    }
    let simulated = simulated_tdx();
    assert_eq!(simulated.verdict().map(drop), Ok(()));
    let mut random = Random(2);
    let mut seen = BTreeSet::new();
    let genuine = vectors(test).map(|vectors| vectors.accepted().1).unwrap_or_default();
    for original in genuine.iter().chain([&simulated]) {
        for _ in 0..CHANGES {
            let mut evidence = original.clone();
            let CollateralSet { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity } = &mut evidence.collateral;
            match random.below(12) {
                0..=3 => random.change(&mut evidence.quote),
                4 => random.change(&mut root_crl[..]),
                5 => random.change(&mut pck_crl[..]),
                6 => random.change(&mut pck_issuer[..]),
                7 => random.change(&mut tcb_info.body[..]),
                8 => random.change(&mut tcb_info.signer[..]),
                9 => random.change(&mut qe_identity.signature.0),
                10 => random.change(&mut evidence.root),
                _ => random.change_time(&mut evidence.now_ms),
            }
            seen.insert(format!("{:?}", evidence.verdict().map(drop)));
        }
    }
    assert!(seen.len() > 15, "few verdicts were reached: {seen:?}");
}
