//! What the market answers: states and ends of a job, and the views of offers, quotes and jobs that the runtime API returns.

use crate::{
    AccountId, AggregatorId, Balance, Completion, Digest, Fact, FactKind, JobId, JobSpec, Lapse, List, Moment, OfferId, Price, PublicKey,
    Resources, Round, Session, SiteId, Suspension, Tee, Text, Usage, amount,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Where a job stands. A job that is closed is no longer stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Placed: capacity, cover and escrow are locked; the provider has yet to accept.
    #[codec(index = 0)]
    Reserved,
    /// Accepted: the guest has yet to be attested.
    #[codec(index = 1)]
    Accepted,
    /// Attested: the customer may release the key; the first checkpoint starts the job.
    #[codec(index = 2)]
    Attested,
    /// Running: pay accrues with every checkpoint.
    #[codec(index = 3)]
    Running,
    /// Ended and paid. Cover stays until the claim window is over; then the job is closed.
    #[codec(index = 4)]
    Settled(End),
}

/// Why a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The guest finished, sealed the output and erased the data.
    #[codec(index = 0)]
    Completed,
    /// The provider did not accept in time.
    #[codec(index = 1)]
    NotAccepted,
    /// The provider did not bring valid evidence in time.
    #[codec(index = 2)]
    NotAttested,
    /// The guest was attested but sent no first checkpoint in time: no key released, inputs missing, or the guest gone.
    #[codec(index = 3)]
    NotStarted,
    /// No checkpoint came for longer than the grace after the largest gap.
    #[codec(index = 4)]
    Silent,
    /// The longest run was over before the guest had finished.
    #[codec(index = 5)]
    TimeUp,
    /// The escrow was used up.
    #[codec(index = 6)]
    EscrowExhausted,
    /// The evidence that the job rested on expired or was withdrawn.
    #[codec(index = 7)]
    AttestationLapsed,
    /// The customer cancelled.
    #[codec(index = 8)]
    CancelledByCustomer,
    /// The provider gave the job up.
    #[codec(index = 9)]
    AbandonedByProvider,
    /// The attested guest signed two histories of its log.
    #[codec(index = 10)]
    Equivocated,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed: the guest finished, sealed the output and erased the data",
            Self::NotAccepted => "the provider did not accept in time; everything was returned",
            Self::NotAttested => "the provider brought no valid evidence in time; everything was returned",
            Self::NotStarted => "the guest sent no first checkpoint in time: was the key released and were all inputs uploaded?",
            Self::Silent => "no checkpoint came for longer than the policy's gap and the grace after it",
            Self::TimeUp => "the longest run was over before the guest had finished",
            Self::EscrowExhausted => "the escrow was used up; top up earlier or lock more",
            Self::AttestationLapsed => "the evidence that the job rested on expired or was withdrawn",
            Self::CancelledByCustomer => "cancelled by the customer",
            Self::AbandonedByProvider => "given up by the provider",
            Self::Equivocated => "the guest signed two checkpoints that cannot both be true; nothing that its log says can be relied on",
        })
    }
}

/// Which offers to list. Absent conditions do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfferFilter {
    /// Only this provider's.
    pub provider: Option<AccountId>,
    /// Only with this kind of hardware.
    pub tee: Option<Tee>,
    /// Only with at least this much free.
    pub free: Option<Resources>,
}

/// A page of a longer list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct Page<T, Key> {
    /// The items.
    pub items: Vec<T>,
    /// Pass this as `after` for the next page; absent on the last.
    pub next: Option<Key>,
}

/// An unexpired fact about a site.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct FactView {
    /// What is vouched for.
    pub fact: Fact,
    /// Who vouches.
    pub certifier: AccountId,
    /// When it expires.
    pub until: Moment,
}

/// A provider's public record.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct ProviderRecord {
    /// Jobs that ran to completion.
    pub completed: u32,
    /// Jobs that it did not accept in time.
    pub not_accepted: u32,
    /// Jobs that failed for a reason on its side: not attested, silent, lapsed, abandoned.
    pub failed: u32,
    /// Jobs whose guest was proved to have signed two histories of its log, while they ran or within their claim window.
    pub equivocated: u32,
}

/// An offer as the market shows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct OfferView {
    /// The offer.
    pub id: OfferId,
    /// Who offers.
    pub provider: AccountId,
    /// Base URL of the provider's agent.
    pub endpoint: Text<256>,
    /// Where the capacity stands.
    pub site: SiteId,
    /// Unexpired facts about the site.
    pub facts: Vec<FactView>,
    /// Kinds of hardware.
    pub tees: List<Tee, 4>,
    /// All of the capacity.
    pub total: Resources,
    /// What is not reserved.
    pub free: Resources,
    /// Price per second and unit.
    pub price: Price,
    /// From when on jobs may run.
    pub opens: Moment,
    /// Until when jobs must have ended.
    pub closes: Moment,
    /// Longest run of one job in seconds.
    pub longest_job: u32,
    /// Highest cover for one job.
    #[serde(with = "amount")]
    pub cover_per_job: Balance,
    /// What the provider's bond can still cover.
    #[serde(with = "amount")]
    pub free_bond: Balance,
    /// The provider's record.
    pub record: ProviderRecord,
}

/// The terms of an offer, as a provider publishes and updates them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferTerms {
    /// Where the capacity stands.
    pub site: SiteId,
    /// Kinds of hardware.
    pub tees: List<Tee, 4>,
    /// All of the capacity.
    pub total: Resources,
    /// Price per second and unit.
    pub price: Price,
    /// From when on jobs may run.
    pub opens: Moment,
    /// Until when jobs must have ended.
    pub closes: Moment,
    /// Longest run of one job in seconds.
    pub longest_job: u32,
    /// Highest cover for one job.
    #[serde(with = "amount")]
    pub cover_per_job: Balance,
}

/// Why an offer does not fit a job spec.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not enough free capacity.
    #[codec(index = 0)]
    Capacity,
    /// The price is above the limit.
    #[codec(index = 1)]
    Price,
    /// The run does not fit the offer's window.
    #[codec(index = 2)]
    Window,
    /// The run is longer than the offer allows.
    #[codec(index = 3)]
    LongestJob,
    /// The offer or the provider's bond does not give the cover.
    #[codec(index = 4)]
    Cover,
    /// None of the offer's kinds of hardware is accepted.
    #[codec(index = 5)]
    Tee,
    /// The policy denies the provider.
    #[codec(index = 6)]
    Denied,
    /// A fact that the policy asks for is missing, expired or different.
    #[codec(index = 7)]
    Fact(FactKind),
}

/// An offer judged against a job spec.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct Quote {
    /// The offer.
    pub offer: OfferId,
    /// Who offers.
    pub provider: AccountId,
    /// Price per second for all resources of the spec.
    #[serde(with = "amount")]
    pub rate: Balance,
    /// Price of the longest run.
    #[serde(with = "amount")]
    pub total: Balance,
    /// Why it does not fit; empty for an offer that does.
    pub refusals: Vec<Refusal>,
}

/// A log's last accepted checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Head {
    /// Number of receipts.
    pub size: u64,
    /// RFC 9162 root.
    pub root: Digest,
    /// The guest's clock when it signed.
    pub time: Moment,
    /// What the job has used so far.
    pub usage: Usage,
    /// When the chain accepted it.
    pub accepted_at: Moment,
}

/// A job as the market shows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Who placed it.
    pub customer: AccountId,
    /// Who runs it.
    pub provider: AccountId,
    /// Base URL of the provider's agent.
    pub endpoint: Text<256>,
    /// Under which offer.
    pub offer: OfferId,
    /// Where.
    pub site: SiteId,
    /// Where it stands.
    pub state: JobState,
    /// When the state ends by itself.
    pub deadline: Moment,
    /// When it was placed.
    pub placed_at: Moment,
    /// When its first checkpoint was accepted.
    pub started_at: Option<Moment>,
    /// Terms hash of the spec.
    pub terms: Digest,
    /// What was asked for.
    pub spec: JobSpec,
    /// Price per second.
    #[serde(with = "amount")]
    pub rate: Balance,
    /// What the customer has locked altogether.
    #[serde(with = "amount")]
    pub deposited: Balance,
    /// What the provider has earned so far.
    #[serde(with = "amount")]
    pub earned: Balance,
    /// What of it has been paid out.
    #[serde(with = "amount")]
    pub paid: Balance,
    /// What the customer got back.
    #[serde(with = "amount")]
    pub returned: Balance,
    /// The verified guest.
    pub session: Option<Session>,
    /// Why its evidence does not count at present, though it was accepted; absent while it counts.
    pub lapse: Option<Lapse>,
    /// Since when the job is suspended for it, and until when.
    pub suspended: Option<Suspension>,
    /// The log's last accepted checkpoint.
    pub head: Option<Head>,
    /// What the guest said when it finished.
    pub completion: Option<Completion>,
}

/// A provider's bond as the market shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct BondView {
    /// All of it.
    #[serde(with = "amount")]
    pub total: Balance,
    /// What covers jobs.
    #[serde(with = "amount")]
    pub reserved: Balance,
    /// What is leaving: it covers nothing any more and may be withdrawn when its time has come.
    #[serde(with = "amount")]
    pub unbonding: Balance,
    /// What can still cover jobs.
    #[serde(with = "amount")]
    pub free: Balance,
}

/// An aggregator as the outside sees it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct AggregatorView {
    /// Which.
    pub id: AggregatorId,
    /// Who registered it.
    pub owner: AccountId,
    /// Signs its rounds (ed25519).
    pub key: PublicKey,
    /// Its tree has 2^height slots.
    pub height: u8,
    /// Whether it was proved to have signed two rounds of one number.
    pub stopped: bool,
    /// What is held of the owner.
    #[serde(with = "amount")]
    pub deposit: Balance,
    /// Sources that are registered.
    pub sources: u32,
    /// Slots that were ever given out.
    pub width: u32,
    /// Rounds that it has committed: the next round's number.
    pub rounds: u64,
    /// RFC 9162 root over them.
    pub root: Digest,
    /// The last one's own time; absent before the first.
    pub time: Option<Moment>,
    /// Receipts that all of them together vouch for.
    pub receipts: u64,
}

/// A job's place with an aggregator.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct SourceView {
    /// The aggregator.
    pub aggregator: AggregatorId,
    /// The job's slot there.
    pub slot: u32,
    /// The job.
    pub job: JobId,
    /// Who registered it.
    pub holder: AccountId,
    /// Number of the first round in which the slot is the job's.
    pub from: u64,
}

/// A round that the chain took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize)]
pub struct RoundView {
    /// The round.
    pub round: Round,
    /// When the chain took it.
    pub committed_at: Moment,
}
