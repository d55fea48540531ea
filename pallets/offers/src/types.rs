//! The records of the offers pallet.
//!
//! Not here: what the outside sees of them (`views`), terms and refusals (`blockcloud_primitives`).

use blockcloud_primitives::{Balance, Fact, Moment, OfferTerms, ProviderRecord, Resources, SiteId, Text};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Base URL of a provider's agent.
pub type Profile = Text<256>;

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Provider {
    /// Base URL of its agent.
    pub profile: Profile,
    /// How many sites it has.
    pub sites: u32,
    /// How many offers it has, withdrawn ones that still run jobs included.
    pub offers: u32,
    /// How its jobs ended.
    pub record: ProviderRecord,
    /// What it has on hold for this record.
    pub deposit: Balance,
}

/// A place where machines stand.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Site<AccountId> {
    /// Whose it is.
    pub provider: AccountId,
    /// How many offers stand there.
    pub offers: u32,
    /// How many facts about it are stored.
    pub facts: u32,
    /// What the provider has on hold for this record.
    pub deposit: Balance,
}

/// A fact about a site. It counts while it is not expired and its certifier is accredited.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct FactRecord<AccountId> {
    /// What is vouched for.
    pub fact: Fact,
    /// Who vouches.
    pub certifier: AccountId,
    /// When it expires.
    pub until: Moment,
    /// What the certifier has on hold for this record.
    pub deposit: Balance,
}

/// Capacity on offer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Offer<AccountId> {
    /// Who offers.
    pub provider: AccountId,
    /// On which terms new jobs are taken.
    pub terms: OfferTerms,
    /// What is not reserved.
    pub free: Resources,
    /// Whether it takes no further jobs.
    pub withdrawn: bool,
    /// What the provider has on hold for this record.
    pub deposit: Balance,
}

/// What a job gets when its capacity is reserved.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Reservation<AccountId> {
    /// Who will run the job.
    pub provider: AccountId,
    /// Where.
    pub site: SiteId,
    /// Price per second for all resources of the job. It stays, whatever becomes of the offer.
    pub rate: Balance,
}

/// [`Site`] with the runtime's types.
pub type SiteOf<T> = Site<<T as frame_system::Config>::AccountId>;
/// [`FactRecord`] with the runtime's types.
pub type FactRecordOf<T> = FactRecord<<T as frame_system::Config>::AccountId>;
/// [`Offer`] with the runtime's types.
pub type OfferOf<T> = Offer<<T as frame_system::Config>::AccountId>;
/// [`Reservation`] with the runtime's types.
pub type ReservationOf<T> = Reservation<<T as frame_system::Config>::AccountId>;

impl<AccountId> Offer<AccountId> {
    /// What jobs have reserved. Nothing at all (`None`) for a corrupt record with more free than there is.
    pub fn reserved(&self) -> Option<Resources> {
        self.terms.total.checked_sub(&self.free)
    }
}
