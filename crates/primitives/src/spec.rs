//! The job spec: what a customer asks for and under which terms.

use crate::{Balance, Digest, List, Policy, Resources, Text, amount, tagged_sha256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The engine that runs a module: SHA-256 of its name, version and configuration, as `blockcloud-guest engine-id` prints it.
pub type EngineId = Digest;

/// A sealed blob that the customer hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// BLAKE3-256 of the ciphertext.
    pub digest: Digest,
    /// Length of the ciphertext in bytes.
    pub bytes: u64,
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// A `wasm32-wasip1` command module, run deterministically so that anyone with the data can replay it.
    #[codec(index = 0)]
    Wasm {
        /// BLAKE3-256 of the module in plain.
        module: Digest,
        /// The engine it is to be run by.
        engine: EngineId,
        /// Fuel after which it is stopped (wasmtime's unit).
        fuel: u64,
        /// Largest linear memory in MiB.
        memory_mib: u32,
        /// Seed of its randomness.
        seed: Digest,
        /// Its arguments, without the program's name.
        args: List<Text<256>, 32>,
    },
}

/// What a customer asks for. Its hash is the job's terms everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// What is to be run.
    pub workload: Workload,
    /// The sealed manifest: names, digests and sizes of the job's files. Only the guest can read it.
    pub manifest: Blob,
    /// The sealed module and input files, in the manifest's order.
    pub inputs: List<Blob, 32>,
    /// Capacity that is reserved for the job.
    pub resources: Resources,
    /// Longest run in seconds, counted from the first checkpoint.
    pub longest_run: u32,
    /// Demands on place, hardware and handling.
    pub policy: Policy,
    /// Highest accepted price per second for all resources together.
    #[serde(with = "amount")]
    pub price_limit: Balance,
    /// What the customer locks at placement. The job ends when it is used up.
    #[serde(with = "amount")]
    pub escrow: Balance,
    /// The part of the provider's bond that must stand behind this job.
    #[serde(with = "amount")]
    pub cover: Balance,
}

impl JobSpec {
    /// The terms hash: SHA-256 over the tag `blockcloud/job-spec/v1` and the SCALE encoding.
    pub fn terms(&self) -> Digest {
        Digest(tagged_sha256("blockcloud/job-spec/v1", &[&self.encode()]))
    }
}
