//! Completion: the guest's last word about a job, signed by its attested key.

use crate::{Blob, Digest, JobId};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It returned this code; zero is success.
    #[codec(index = 0)]
    Code(u32),
    /// It trapped.
    #[codec(index = 1)]
    Trap,
    /// It used up its fuel.
    #[codec(index = 2)]
    OutOfFuel,
    /// It was never started: the module or an input was not what the spec says, or the module could not be loaded.
    #[codec(index = 3)]
    BadInput,
}

/// The guest's last word, version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Completion {
    /// Version of this layout: 1.
    pub version: u8,
    /// The job.
    pub job: JobId,
    /// Size of the log at the final checkpoint.
    pub size: u64,
    /// Root of the log at the final checkpoint.
    pub root: Digest,
    /// The sealed output.
    pub output: Blob,
    /// How the program ended.
    pub exit: Exit,
    /// Position of the erase receipt in the log.
    pub erased: u64,
}

impl Completion {
    /// The version that this code writes.
    pub const VERSION: u8 = 1;

    /// What the receipt key signs: the tag `blockcloud/completion/v1`, the chain's genesis hash, the SCALE encoding.
    pub fn signing_payload(&self, genesis: &Digest) -> Vec<u8> {
        let mut payload = Vec::from(&b"blockcloud/completion/v1"[..]);
        payload.extend_from_slice(&genesis.0);
        self.encode_to(&mut payload);
        payload
    }
}
