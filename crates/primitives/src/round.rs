//! Rounds: many logs' checkpoints under one root.
//!
//! A registered aggregator has a tree of fixed slots, one for each log that registered with it. In every round it puts the newest checkpoint of each
//! log into the log's slot and commits the root. The tree is an RFC 9162 tree of 2^height leaves; a subtree of it may be collected by an aggregator
//! of its own, whose root is then a node of the whole.
//!
//! Not here: the trees and their proofs (`blockcloud-receipt-log`), what a checkpoint says (`checkpoint`).

use crate::{AggregatorId, Checkpoint, Digest, Moment, Signature};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What stands in a filled slot, version 1. Its SCALE encoding is the leaf's entry; the entry of an empty slot has no bytes.
///
/// The guest's signature is part of it, so that a root commits its aggregator to checkpoints that it can show to be genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct SlotEntry {
    /// Version of this layout: 1.
    pub version: u8,
    /// The log's newest checkpoint when the round was closed.
    pub checkpoint: Checkpoint,
    /// The guest's signature over it.
    pub signature: Signature,
}

impl SlotEntry {
    /// The version that this code writes.
    pub const VERSION: u8 = 1;

    /// The entry of a checkpoint with its signature.
    pub fn new(checkpoint: Checkpoint, signature: Signature) -> Self {
        Self { version: Self::VERSION, checkpoint, signature }
    }
}

/// One round of a registered aggregator, version 1. Its SCALE encoding is the leaf's entry in the aggregator's log of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Round {
    /// Version of this layout: 1.
    pub version: u8,
    /// Whose round this is.
    pub aggregator: AggregatorId,
    /// Its number, from zero, without gaps: the leaf index in the aggregator's log of rounds.
    pub number: u64,
    /// RFC 9162 root over the slots.
    pub root: Digest,
    /// Number of slots that are filled.
    pub filled: u32,
    /// Receipts that the filled slots add to what earlier rounds vouched for: for each log its size less its size when a round last had it.
    pub receipts: u64,
    /// The aggregator's clock when it closed the round.
    pub time: Moment,
}

impl Round {
    /// The version that this code writes.
    pub const VERSION: u8 = 1;
    /// Greatest height of a tree of slots: 2^30 of them, so that positions stay below 2^31 for other people's verifiers.
    pub const MAX_HEIGHT: u8 = 30;

    /// What the aggregator's key signs: the tag `blockcloud/round/v1`, the chain's genesis hash, the SCALE encoding.
    pub fn signing_payload(&self, genesis: &Digest) -> Vec<u8> {
        payload(b"blockcloud/round/v1", genesis, self)
    }
}

/// One aligned part of a round's tree, version 1: what an aggregator below another hands up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Branch {
    /// Version of this layout: 1.
    pub version: u8,
    /// The registered aggregator at the top, to whose tree this belongs.
    pub aggregator: AggregatorId,
    /// Counts the branches that one aggregator handed up, from zero.
    pub number: u64,
    /// First slot of the part: a multiple of 2^height.
    pub base: u32,
    /// The part has 2^height slots.
    pub height: u8,
    /// RFC 9162 root over the part's slots: the node at this height of the whole tree.
    pub root: Digest,
    /// Number of slots of the part that are filled.
    pub filled: u32,
    /// As in [`Round::receipts`], for the part, since its branch of the number before.
    pub receipts: u64,
    /// The clock of whoever collected it.
    pub time: Moment,
}

impl Branch {
    /// The version that this code writes.
    pub const VERSION: u8 = 1;

    /// What the key of whoever collected it signs: the tag `blockcloud/branch/v1`, the chain's genesis hash, the SCALE encoding.
    pub fn signing_payload(&self, genesis: &Digest) -> Vec<u8> {
        payload(b"blockcloud/branch/v1", genesis, self)
    }
}

fn payload(tag: &[u8], genesis: &Digest, what: &impl Encode) -> Vec<u8> {
    let mut payload = Vec::from(tag);
    payload.extend_from_slice(&genesis.0);
    what.encode_to(&mut payload);
    payload
}
