//! Why a checkpoint or a branch is not taken: one name for each reason, with what to do about it.
//!
//! Names are those of the chain's errors where the chain refuses the same thing. Not here: refusals of a request as a whole, the judgement itself
//! (`blockcloud-aggregator`).

use blockcloud_primitives::{AggregatorId, JobId, Moment};
use codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a checkpoint or a branch is not taken. Sizes are numbers of receipts, times Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Encode, Decode, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// No source of this job is registered here.
    #[error("job {job} is no source of this aggregator")]
    #[codec(index = 0)]
    UnknownSource {
        /// The job.
        job: JobId,
    },
    /// A layout that this code does not know.
    #[error("version {version} is not known here")]
    #[codec(index = 1)]
    UnsupportedVersion {
        /// The version found.
        version: u8,
    },
    /// Not signed by the registered key, for this chain.
    #[error("the signature is not that of the registered key for this chain")]
    #[codec(index = 2)]
    BadSignature,
    /// A checkpoint of an empty log.
    #[error("the log is empty")]
    #[codec(index = 3)]
    Empty,
    /// The signer's clock is ahead.
    #[error("it was signed at {time}, which here is the future")]
    #[codec(index = 4)]
    FromTheFuture {
        /// The signer's time.
        time: Moment,
    },
    /// Overtaken by a larger checkpoint, or, if signed later than that, the log lost its end.
    #[error("the log has {size} receipts, and had {head} before")]
    #[codec(index = 5)]
    Shrunk {
        /// The checkpoint's size.
        size: u64,
        /// The size of the last one.
        head: u64,
    },
    /// Another history than the one that was signed before.
    #[error("another root was signed for the first {size} receipts")]
    #[codec(index = 6)]
    Forked {
        /// The size that has two roots.
        size: u64,
    },
    /// Nothing new: the size and root of the last one, or an older time.
    #[error("it says nothing newer than the last one, of {head} receipts")]
    #[codec(index = 7)]
    Stale {
        /// The size of the last one.
        head: u64,
    },
    /// A usage counter is below what it was.
    #[error("a usage counter fell")]
    #[codec(index = 8)]
    UsageShrunk,
    /// The proof does not lead from the last checkpoint to this one.
    #[error("the consistency proof does not lead from the last checkpoint, of {head} receipts, to this one")]
    #[codec(index = 9)]
    Inconsistent {
        /// The size of the last one.
        head: u64,
    },
    /// A proof is needed and was not given.
    #[error("a consistency proof from the last checkpoint, of {head} receipts, is needed")]
    #[codec(index = 10)]
    Unproven {
        /// The size of the last one.
        head: u64,
    },
    /// The source was registered anew in between.
    #[error("the source was registered with another key just now")]
    #[codec(index = 11)]
    SourceChanged,
    /// No aggregator below this one has this part.
    #[error("no aggregator below this one collects the part of 2^{height} slots from slot {base}")]
    #[codec(index = 12)]
    UnknownPart {
        /// First slot.
        base: u32,
        /// Height.
        height: u8,
    },
    /// A part of another tree.
    #[error("the branch belongs to aggregator {found}, this tree to {expected}")]
    #[codec(index = 13)]
    OtherAggregator {
        /// This tree's.
        expected: AggregatorId,
        /// The branch's.
        found: AggregatorId,
    },
    /// A branch is missing in between.
    #[error("branch {expected} comes next, not {found}")]
    #[codec(index = 14)]
    Gap {
        /// The next number.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A branch from before the last one.
    #[error("branch {found} was followed by others, up to {last}")]
    #[codec(index = 15)]
    Behind {
        /// The last number.
        last: u64,
        /// The number found.
        found: u64,
    },
    /// Another branch was signed under the same number.
    #[error("another branch was signed under number {number}")]
    #[codec(index = 16)]
    Conflict {
        /// The number.
        number: u64,
    },
    /// Counters that cannot be true.
    #[error("the counters cannot be true: more filled slots than slots, receipts in no slot, or a sum that is too large")]
    #[codec(index = 17)]
    Implausible,
}

impl Refusal {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownSource { .. } => "register the job with this aggregator; new sources count from the next round on",
            Self::UnsupportedVersion { .. } => "the aggregator and the sender must be of releases that know each other",
            Self::BadSignature => "compare the genesis hash and the registered key with the signer's",
            Self::Empty => "send a checkpoint once there is a receipt",
            Self::FromTheFuture { .. } => "set the clocks of the guest's host and of this machine",
            Self::Shrunk { .. } => "nothing, if it was overtaken on its way; else the guest is at fault, and the job's parties should know",
            Self::Forked { .. } | Self::UsageShrunk => "the guest is at fault: the two signed statements are kept here as evidence",
            Self::Stale { .. } => "nothing: what stands here is as new",
            Self::Inconsistent { .. } => "make the proof from the size that is named here",
            Self::Unproven { .. } => "send a proof from the size that is named here, or the checkpoint that follows it directly",
            Self::SourceChanged => "send it again",
            Self::UnknownPart { .. } => "have the part registered as a child of this aggregator",
            Self::OtherAggregator { .. } => "send it to the tree that it belongs to",
            Self::Gap { .. } => "send the branches in order, from the one that is named here",
            Self::Behind { .. } => "the data folder of the sender is older than what it sent, or two run with one key: stop it",
            Self::Conflict { .. } => "the sender is at fault: both signed branches are kept here as evidence",
            Self::Implausible => "the sender is at fault: it counts wrongly",
        }
    }

    /// The name, as metrics count it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownSource { .. } => "unknown_source",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::BadSignature => "bad_signature",
            Self::Empty => "empty",
            Self::FromTheFuture { .. } => "from_the_future",
            Self::Shrunk { .. } => "shrunk",
            Self::Forked { .. } => "forked",
            Self::Stale { .. } => "stale",
            Self::UsageShrunk => "usage_shrunk",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Unproven { .. } => "unproven",
            Self::SourceChanged => "source_changed",
            Self::UnknownPart { .. } => "unknown_part",
            Self::OtherAggregator { .. } => "other_aggregator",
            Self::Gap { .. } => "gap",
            Self::Behind { .. } => "behind",
            Self::Conflict { .. } => "conflict",
            Self::Implausible => "implausible",
        }
    }
}
