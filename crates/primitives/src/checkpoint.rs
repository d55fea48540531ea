//! Checkpoints: a log's state, signed by the attested guest.

use crate::{Digest, JobId, Moment};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a job has used so far, measured inside the guest. Every counter only grows.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Usage {
    /// Processor time in milliseconds.
    pub cpu_ms: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Bytes handed out as output.
    pub bytes_out: u64,
    /// Bytes stored outside the guest.
    pub bytes_stored: u64,
    /// Bytes sent to recipients.
    pub bytes_sent: u64,
}

impl Usage {
    /// Whether no counter is below that of `earlier`.
    pub fn extends(&self, earlier: &Self) -> bool {
        self.cpu_ms >= earlier.cpu_ms
            && self.bytes_in >= earlier.bytes_in
            && self.bytes_out >= earlier.bytes_out
            && self.bytes_stored >= earlier.bytes_stored
            && self.bytes_sent >= earlier.bytes_sent
    }
}

/// A log's state, version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Version of this layout: 1.
    pub version: u8,
    /// The job whose log this is.
    pub job: JobId,
    /// Number of receipts in the log.
    pub size: u64,
    /// RFC 9162 root over them.
    pub root: Digest,
    /// The guest's clock when it signed.
    pub time: Moment,
    /// What the job has used so far.
    pub usage: Usage,
    /// Size of the log at the checkpoint before this; zero for the first.
    pub previous_size: u64,
    /// Root at the checkpoint before this; the root of the empty log (SHA-256 of nothing) for the first.
    pub previous_root: Digest,
}

impl Checkpoint {
    /// The version that this code writes.
    pub const VERSION: u8 = 1;

    /// What the receipt key signs: the tag `blockcloud/checkpoint/v1`, the chain's genesis hash, the SCALE encoding.
    pub fn signing_payload(&self, genesis: &Digest) -> Vec<u8> {
        let mut payload = Vec::from(&b"blockcloud/checkpoint/v1"[..]);
        payload.extend_from_slice(&genesis.0);
        self.encode_to(&mut payload);
        payload
    }
}
