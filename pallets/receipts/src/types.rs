//! What the pallet stores. Checkpoints, heads and rounds are `blockcloud-primitives`, trees are `blockcloud-receipt-log`.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use blockcloud_primitives::{AggregatorId, Balance, Head, JobId, Moment, PublicKey, Round};
use blockcloud_receipt_log::Peaks;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A job's log as the chain knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Log {
    /// When it was opened.
    pub opened_at: Moment,
    /// The last accepted checkpoint; none before the first.
    pub head: Option<Head>,
    /// Whether its guest was proved to have signed two histories. Nothing further is then accepted.
    pub equivocated: bool,
}

/// Who commits rounds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Aggregator<AccountId> {
    /// Who registered it and pays its deposit.
    pub owner: AccountId,
    /// Signs its rounds (ed25519).
    pub key: PublicKey,
    /// Its tree has 2^height slots.
    pub height: u8,
    /// Whether it was proved to have signed two rounds of one number. It commits none any more, and its deposit is burnt.
    pub stopped: bool,
    /// What is held of the owner.
    pub deposit: Balance,
    /// Sources that are registered.
    pub sources: u32,
    /// Slots that were ever given out: those from here on are unused.
    pub width: u32,
}

/// What an aggregator has committed, for all time in one root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct RoundLog {
    /// The log of rounds: an RFC 9162 tree whose leaves are the rounds' encodings. Its size is the next round's number.
    pub rounds: Peaks,
    /// The last round's own time; absent before the first.
    pub time: Option<Moment>,
    /// Receipts that all rounds together vouch for.
    pub receipts: u64,
}

/// A round that is still kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Committed {
    /// The round.
    pub round: Round,
    /// When the chain took it (chain's clock). Checkpoints that come through it count as of this moment.
    pub at: Moment,
}

/// A side of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Side {
    /// Who placed it.
    #[codec(index = 0)]
    Customer,
    /// Who runs it.
    #[codec(index = 1)]
    Provider,
}

/// A job's place with an aggregator.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Source<AccountId> {
    /// Whose log's checkpoints stand in the slot.
    pub job: JobId,
    /// Who registered it and pays its deposit.
    pub holder: AccountId,
    /// On which side of the job the holder stands.
    pub side: Side,
    /// Number of the first round in which the slot is this job's.
    pub from: u64,
    /// What is held of the holder.
    pub deposit: Balance,
}

/// Where a job is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Place {
    /// With which aggregator.
    pub aggregator: AggregatorId,
    /// Its slot there.
    pub slot: u32,
    /// Which side registered it.
    pub side: Side,
}
