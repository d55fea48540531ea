//! One job's evidence, kept as bytes, for benchmarks: inside Wasm there is no processor that could make any.
//!
//! Made by the simulated processor under the development root. A test makes it again and compares, so it cannot fall behind the formats.

use blockcloud_primitives::{AccountId, Digest, Evidence, JobId, Measurement, Moment, Tcb};
use codec::{Decode, Encode};

/// The development root that the evidence descends from, DER.
pub const ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/root.der");
/// The intermediate below it, DER.
pub const ISSUER: &[u8] = include_bytes!("../../../crates/simulator/dev-root/issuer.der");
/// The encoded [`Fixture`].
const BYTES: &[u8] = include_bytes!("fixture/evidence.scale");

/// Evidence, and everything that it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Fixture {
    /// When it is to be judged.
    pub now: Moment,
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// Hash of the block that it binds.
    pub anchor_hash: Digest,
    /// Who runs the guest.
    pub provider: AccountId,
    /// The job.
    pub job: JobId,
    /// Hash of the job's terms.
    pub terms: Digest,
    /// The guest's software.
    pub measurement: Measurement,
    /// The firmware of the processor.
    pub firmware: Tcb,
    /// The evidence.
    pub evidence: Evidence,
}

impl Fixture {
    /// The evidence that is kept.
    pub fn load() -> Self {
        match Self::decode(&mut &BYTES[..]) {
            Ok(fixture) => fixture,
            Err(error) => panic!("the kept evidence has another layout: {error}"),
        }
    }
}
