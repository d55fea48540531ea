//! Equivocation: two signed statements of one author that cannot both be true, as a proof that anybody can check.
//!
//! Only what an honest author can never sign counts. A guest signs one checkpoint after the other: size and time rise with each, no counter falls, and each
//! names the one before it. An aggregator has one set of slots for each number.
//!
//! Not here: whose keys these are, and what becomes of their owners (the pallet of receipts).

use crate::{Checkpoint, Digest, List, Round, Signature};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A checkpoint with the guest's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct SignedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// By the receipt key of the job's session.
    pub signature: Signature,
}

/// A round with its aggregator's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct SignedRound {
    /// What was signed.
    pub round: Round,
    /// By the aggregator's key.
    pub signature: Signature,
}

/// A proof of equivocation. Less than 1,024 bytes in every form.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Equivocation {
    /// Two checkpoints of one job's log, in any order.
    #[codec(index = 0)]
    Checkpoints([SignedCheckpoint; 2]),
    /// Two rounds of one aggregator with the same number, in any order.
    #[codec(index = 1)]
    Rounds([SignedRound; 2]),
    /// A signed round, and the one that the chain took under the same number.
    #[codec(index = 2)]
    Committed {
        /// What else the aggregator signed.
        signed: SignedRound,
        /// What the chain took.
        committed: Round,
        /// Inclusion proof of `committed` in the aggregator's log of rounds as it now is. For a log of more than 2^25 rounds use the two signatures: the
        /// one that the chain took stands in its block.
        path: List<Digest, 25>,
    },
}

/// Why two checkpoints of one log cannot both be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// They, or what they name as their predecessors, give one size two roots.
    #[codec(index = 0)]
    Root,
    /// One lies between the other and the one that this names as its predecessor.
    #[codec(index = 1)]
    Predecessor,
    /// The later one is of a smaller log.
    #[codec(index = 2)]
    Size,
    /// A usage counter of the later one is lower.
    #[codec(index = 3)]
    Usage,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "one size of the log has two roots",
            Self::Predecessor => "one checkpoint lies between another and its predecessor",
            Self::Size => "the later checkpoint is of a smaller log",
            Self::Usage => "a usage counter of the later checkpoint is lower",
        })
    }
}

impl Checkpoint {
    /// Why this and another checkpoint of the same log cannot both have been signed by a genuine guest; nothing if they can, or are not of one log.
    ///
    /// Symmetric. Complete for logs that fork: of two histories that part at some size, the first checkpoint after the fork of the one and that of the
    /// other name the same predecessor, or one with another root.
    pub fn contradicts(&self, other: &Self) -> Option<Contradiction> {
        if self.job != other.job {
            return None;
        }
        let states = |of: &Self| [(of.size, of.root), (of.previous_size, of.previous_root)];
        let differ = states(self).iter().any(|(size, root)| states(other).iter().any(|(sized, rooted)| size == sized && root != rooted));
        if differ {
            return Some(Contradiction::Root);
        }
        let between = |one: &Self, two: &Self| one.previous_size < two.size && two.size < one.size;
        if between(self, other) || between(other, self) {
            return Some(Contradiction::Predecessor);
        }
        let (earlier, later) = if (self.time, self.size) <= (other.time, other.size) { (self, other) } else { (other, self) };
        if later.size < earlier.size {
            return Some(Contradiction::Size);
        }
        // Of the same moment and size neither is the later one.
        let extends = later.usage.extends(&earlier.usage)
            || ((earlier.time, earlier.size) == (later.time, later.size) && earlier.usage.extends(&later.usage));
        (!extends).then_some(Contradiction::Usage)
    }
}

impl Round {
    /// Whether an honest aggregator cannot have signed this and another round: one number with two contents.
    ///
    /// The time is no part of the content. An aggregator whose round came too late to be taken signs it again with another time.
    pub fn contradicts(&self, other: &Self) -> bool {
        let content = |of: &Self| Self { time: 0, ..*of };
        (self.aggregator, self.number) == (other.aggregator, other.number) && content(self) != content(other)
    }
}
