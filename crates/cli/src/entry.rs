//! An entry of a job's log as agents and bundles hand it over: a receipt, or the place of one that was erased.
//!
//! Not here: how a log erases (`blockcloud_receipt_log`).

use anyhow::{Context as _, Result};
use blockcloud_primitives::{Digest, JobId, Receipt};
use blockcloud_receipt_log::{ErasedEntry, Hash, receipt_bytes, receipt_hash};
use codec::DecodeAll as _;
use serde::{Deserialize, Serialize};

/// One entry of a log. In JSON a receipt, or `{"job", "seq", "erased"}` with the leaf hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is a receipt, so that a box would only cost")]
pub enum Entry {
    /// Only its leaf hash is left.
    Erased(Erased),
    /// It is there.
    Receipt(Receipt),
}

/// What is left of an erased receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// The job.
    pub job: JobId,
    /// Its position.
    pub seq: u64,
    /// Its leaf hash.
    pub erased: Digest,
}

impl Entry {
    /// Reads what stands in a log.
    pub fn read(mut bytes: &[u8]) -> Result<Self> {
        if let Some(ErasedEntry { job, seq, leaf }) = ErasedEntry::parse(bytes) {
            return Ok(Self::Erased(Erased { job, seq, erased: Digest(leaf) }));
        }
        Receipt::decode_all(&mut bytes).map(Self::Receipt).context("the agent sent something that is no receipt")
    }

    /// The receipt, if it is there.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Receipt(receipt) => Some(receipt),
            Self::Erased(_) => None,
        }
    }

    /// The job that it says it is of.
    pub fn job(&self) -> JobId {
        match self {
            Self::Receipt(receipt) => receipt.job,
            Self::Erased(erased) => erased.job,
        }
    }

    /// The position that it says it has.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Receipt(receipt) => receipt.seq,
            Self::Erased(erased) => erased.seq,
        }
    }

    /// What stands in the log: a receipt's canonical encoding, or what is in its place.
    pub fn bytes(&self) -> [u8; Receipt::ENCODED_LEN] {
        match self {
            Self::Receipt(receipt) => receipt_bytes(receipt),
            Self::Erased(Erased { job, seq, erased }) => ErasedEntry { job: *job, seq: *seq, leaf: erased.0 }.to_bytes(),
        }
    }

    /// Its leaf hash.
    pub fn leaf(&self) -> Hash {
        match self {
            Self::Receipt(receipt) => receipt_hash(receipt),
            Self::Erased(erased) => erased.erased.0,
        }
    }
}

/// Positions of those that were erased.
pub fn erased(entries: &[Entry]) -> Vec<u64> {
    entries.iter().filter(|entry| entry.receipt().is_none()).map(Entry::seq).collect()
}
