//! Jobs' evidence, kept as bytes, for benchmarks: inside Wasm there is no processor that could make any.
//!
//! Made by the simulated processor and the simulated TDX platform under their development roots. A test makes it again and compares, so it cannot fall
//! behind the formats.

use blockcloud_primitives::{AccountId, CollateralItem, Digest, Evidence, JobId, Measurement, Moment, Tcb};
use codec::{Decode, Encode};

/// The development root that SEV-SNP evidence descends from, DER.
pub const ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/root.der");
/// The intermediate below it, DER.
pub const ISSUER: &[u8] = include_bytes!("../../../crates/simulator/dev-root/issuer.der");
/// The development root that TDX evidence and collateral descend from, DER.
pub const TDX_ROOT: &[u8] = include_bytes!("../../../crates/simulator/dev-root/tdx/root.der");
/// The encoded [`Fixture`] of SEV-SNP.
const SNP: &[u8] = include_bytes!("fixture/snp.scale");
/// The encoded [`Fixture`] of TDX.
const TDX: &[u8] = include_bytes!("fixture/tdx.scale");

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
    /// The firmware of the processor; of a TDX platform nothing.
    pub firmware: Tcb,
    /// The evidence.
    pub evidence: Evidence,
    /// The collateral that it rests on, as large as any is taken; of SEV-SNP none.
    pub collateral: alloc::vec::Vec<CollateralItem>,
}

impl Fixture {
    /// The evidence of SEV-SNP that is kept.
    pub fn snp() -> Self {
        Self::load(SNP)
    }

    /// The evidence of TDX that is kept.
    pub fn tdx() -> Self {
        Self::load(TDX)
    }

    fn load(mut bytes: &[u8]) -> Self {
        match Self::decode(&mut bytes) {
            Ok(fixture) => fixture,
            Err(error) => panic!("the kept evidence has another layout: {error}"),
        }
    }
}
