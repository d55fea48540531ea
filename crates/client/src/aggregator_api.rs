//! What sources, aggregators and readers say to each other. Machines send SCALE, people read JSON; the types are the same.
//!
//! Not here: HTTP, and the judgement of what is said (`blockcloud-aggregator`).

mod refusal;

pub use blockcloud_primitives::SignedRound;
pub use refusal::Refusal;

use blockcloud_primitives::{Branch, Checkpoint, Digest, PublicKey, Round, Signature, SlotEntry};
use blockcloud_receipt_log::{Hash, ProofError, verify_inclusion, verify_slot};
use codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sp_core::{Pair as _, ed25519};
use thiserror::Error;

/// Most hashes of a consistency proof: twice the levels of the largest tree that there can be.
pub const MAX_PROOF: usize = 128;

/// A checkpoint on its way to its slot.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Submission {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// By the source's registered key, over [`Checkpoint::signing_payload`].
    pub signature: Signature,
    /// Consistency proof (RFC 9162, 2.1.4) from the last checkpoint that this aggregator took from the source; empty where there is none.
    #[serde(default)]
    pub proof: Vec<Digest>,
}

/// A branch and the signature of whoever collected it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct SignedBranch {
    /// The branch.
    pub branch: Branch,
    /// Over [`Branch::signing_payload`].
    pub signature: Signature,
}

/// What an aggregator says about one of its rounds: at the top of a tree a round, below it a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Statement {
    /// Of the whole tree.
    #[codec(index = 0)]
    Round(SignedRound),
    /// Of a part.
    #[codec(index = 1)]
    Branch(SignedBranch),
}

impl Statement {
    /// Its number: rounds and branches are counted from zero, without gaps.
    pub fn number(&self) -> u64 {
        match self {
            Self::Round(signed) => signed.round.number,
            Self::Branch(signed) => signed.branch.number,
        }
    }

    /// RFC 9162 root over the slots.
    pub fn root(&self) -> Digest {
        match self {
            Self::Round(signed) => signed.round.root,
            Self::Branch(signed) => signed.branch.root,
        }
    }

    /// Unix milliseconds at which it was closed.
    pub fn time(&self) -> u64 {
        match self {
            Self::Round(signed) => signed.round.time,
            Self::Branch(signed) => signed.branch.time,
        }
    }

    /// Receipts that it adds.
    pub fn receipts(&self) -> u64 {
        match self {
            Self::Round(signed) => signed.round.receipts,
            Self::Branch(signed) => signed.branch.receipts,
        }
    }

    /// Filled slots.
    pub fn filled(&self) -> u32 {
        match self {
            Self::Round(signed) => signed.round.filled,
            Self::Branch(signed) => signed.branch.filled,
        }
    }
}

/// What became of one checkpoint or branch. An answer means that it is on disk, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Taken: it, or a newer one of the same log, stands in every round from this one on.
    #[codec(index = 0)]
    Accepted {
        /// Its slot; of a branch, its first.
        slot: u32,
        /// The first round that has it.
        round: u64,
    },
    /// It was taken before: the very same.
    #[codec(index = 1)]
    Known {
        /// Its slot; of a branch, its first.
        slot: u32,
    },
    /// Not taken.
    #[codec(index = 2)]
    Refused {
        /// Why.
        #[serde(flatten)]
        refusal: Refusal,
    },
}

impl Outcome {
    /// Why it was refused, if it was.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal } => Some(*refusal),
            _ => None,
        }
    }
}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SlotProofError {
    /// The path.
    #[error("the path: {0}")]
    Path(#[from] ProofError),
    /// The statement is not signed by the expected key for this chain.
    #[error("the statement is not signed by the expected key for this chain")]
    BadSignature,
    /// The statement is about a part that does not have this slot.
    #[error("slot {slot} is not in the part that the statement is about")]
    OtherPart {
        /// The slot.
        slot: u32,
    },
}

/// What stands in a slot, and the path from there to a signed root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct SlotProof {
    /// The slot, counted in the whole tree.
    pub slot: u32,
    /// Height of the tree, or part, under the root.
    pub height: u8,
    /// What stands there; nothing in an empty slot, which is proved all the same.
    pub entry: Option<SlotEntry>,
    /// Siblings, lowest first: one for each level.
    pub path: Vec<Digest>,
    /// The signed root.
    pub statement: Statement,
}

impl SlotProof {
    /// Checks the path and the signature.
    ///
    /// # Errors
    /// Any [`SlotProofError`].
    pub fn verify(&self, genesis: &Digest, key: &PublicKey) -> Result<(), SlotProofError> {
        let (signature, payload, slot) = match &self.statement {
            Statement::Round(signed) => (signed.signature, signed.round.signing_payload(genesis), Some(self.slot)),
            Statement::Branch(signed) => {
                let inside = self.slot.checked_sub(signed.branch.base).filter(|_| signed.branch.height == self.height);
                (signed.signature, signed.branch.signing_payload(genesis), inside)
            }
        };
        if !is_signed(key, &signature, &payload) {
            return Err(SlotProofError::BadSignature);
        }
        let slot = slot.ok_or(SlotProofError::OtherPart { slot: self.slot })?;
        verify_slot(&self.statement.root().0, self.height, slot, self.entry.as_ref(), &hashes(&self.path))?;
        Ok(())
    }
}

/// Where a branch stands in a round at the top: the way from its root to the round's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Anchor {
    /// Number of the branch, as the one who collected it counts.
    pub branch: u64,
    /// Siblings from the branch's root up to the round's, lowest first.
    pub path: Vec<Digest>,
    /// The round.
    pub round: SignedRound,
}

impl Anchor {
    /// Checks that this root of the part of 2^height slots from `base` stands in the round, in a tree of height `top`, and that the round is signed by
    /// this key.
    ///
    /// # Errors
    /// [`SlotProofError::BadSignature`], [`SlotProofError::Path`].
    pub fn verify(&self, part: &Part, root: &Digest, top: u8, genesis: &Digest, key: &PublicKey) -> Result<(), SlotProofError> {
        if !is_signed(key, &self.round.signature, &self.round.round.signing_payload(genesis)) {
            return Err(SlotProofError::BadSignature);
        }
        let levels = top.checked_sub(part.height).ok_or(ProofError::IndexOutOfRange)?;
        let nodes = 1u64.checked_shl(levels.into()).ok_or(ProofError::IndexOutOfRange)?;
        let position = part.base.checked_shr(part.height.into()).unwrap_or(0);
        verify_inclusion(&self.round.round.root.0, nodes, position.into(), &root.0, &hashes(&self.path))?;
        Ok(())
    }
}

/// An aligned part of a tree: 2^height slots from `base`, which is a multiple of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
pub struct Part {
    /// First slot.
    pub base: u32,
    /// Height.
    pub height: u8,
}

impl Part {
    /// Number of slots.
    pub fn slots(&self) -> u32 {
        1u32.checked_shl(self.height.into()).unwrap_or(0)
    }

    /// Whether it is aligned and no higher than a tree may be.
    pub fn is_aligned(&self) -> bool {
        self.height <= Round::MAX_HEIGHT && self.base.is_multiple_of(self.slots())
    }

    /// Whether it has this slot.
    pub fn has(&self, slot: u32) -> bool {
        slot.checked_sub(self.base).is_some_and(|offset| offset < self.slots())
    }
}

/// Whether this is the key's signature over the message, by the chain's rule (ZIP 215).
fn is_signed(key: &PublicKey, signature: &Signature, message: &[u8]) -> bool {
    ed25519::Pair::verify(&ed25519::Signature::from_raw(signature.0), message, &ed25519::Public::from_raw(key.0))
}

/// Something that a round holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundItem {
    /// A filled slot.
    #[codec(index = 0)]
    Slot {
        /// Which, counted in the whole tree.
        slot: u32,
        /// What stands there.
        entry: SlotEntry,
    },
    /// A part that an aggregator below collects.
    #[codec(index = 1)]
    Part(SignedBranch),
}

impl RoundItem {
    /// The first slot that it is about.
    pub fn slot(&self) -> u32 {
        match self {
            Self::Slot { slot, .. } => *slot,
            Self::Part(signed) => signed.branch.base,
        }
    }
}

/// What a round holds, all of it or a page.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct RoundContents {
    /// What was signed.
    pub statement: Statement,
    /// The slots that it is about.
    pub part: Part,
    /// Filled slots and parts, in rising order.
    pub items: Vec<RoundItem>,
    /// Where there is more: ask for what comes after this slot.
    pub next: Option<u32>,
}

/// Hashes as the verifier takes them.
pub fn hashes(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().map(|digest| digest.0).collect()
}

/// Hashes as they are said to others.
pub fn digests(hashes: &[Hash]) -> Vec<Digest> {
    hashes.iter().copied().map(Digest).collect()
}
