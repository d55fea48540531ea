//! The kept evidence of the benchmarks is what the simulated processor makes today.

use crate::{fixture::Fixture, mock::*};
use blockcloud_primitives::{AccountId, Digest};
use codec::{Decode, Encode};
use std::{env, fs, path::Path};

/// Set this to write the evidence anew, after a change of a format that it is made of.
const WRITE: &str = "BLOCKCLOUD_WRITE_FIXTURES";

fn make() -> Fixture {
    let guest = Guest::new(1);
    Fixture {
        now: NOW,
        genesis: guest.binding.genesis,
        anchor_hash: guest.binding.anchor_hash,
        provider: AccountId(PROVIDER.into()),
        job: JOB,
        terms: TERMS,
        measurement: MEASUREMENT,
        firmware: firmware(),
        evidence: guest.evidence(),
    }
}

#[test]
fn is_what_the_processor_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fixture/evidence.scale");
    if env::var_os(WRITE).is_some() {
        fs::write(&path, make().encode()).unwrap();
    }
    let kept = Fixture::decode(&mut &fs::read(path).unwrap()[..]);
    assert_eq!(kept.ok(), Some(make()), "run this test with {WRITE}=1 and commit the file");
}

#[test]
fn opens_a_session() {
    run(|| {
        let Fixture { terms, evidence, .. } = make();
        assert_eq!(open(&evidence).map(|session| session.evidence), Ok(evidence.replay_key()));
        assert_ne!(terms, Digest::ZERO);
    });
}
