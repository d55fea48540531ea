// Declarations of the offers pallet: configuration, storage, calls, events and errors.
//
// Not here: what the calls do (`calls`, `facts`), how capacity is judged, reserved and released (`capacity`), what the market shows
// (`views`), what must always hold (`invariants`).
#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod capacity;
mod deposit;
mod facts;
mod invariants;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod traits;
pub mod types;
mod views;
pub mod weights;

pub use pallet::*;
pub use traits::Surety;
pub use types::{FactRecord, FactRecordOf, Offer, OfferOf, Profile, Provider, Reservation, ReservationOf, Site, SiteOf};
pub use views::{MAX_PAGE, MAX_QUOTED, MAX_SCANNED};
pub use weights::WeightInfo;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod pallet {
    use super::{WeightInfo, traits::*, types::*};
    use alloc::vec::Vec;
    use blockcloud_primitives::{Balance, End, Fact, FactKind, Moment, OfferId, OfferTerms, Resources, SiteId};
    use frame_support::{
        pallet_prelude::*,
        traits::{Time, fungible::hold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::AccountId32;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Who sells what, where, under which certificates; capacity that cannot be oversold.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32, RuntimeEvent: From<Event<Self>>> {
        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// The money that deposits are made of.
        type Currency: hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>;

        /// The chain's clock, Unix milliseconds.
        type Time: Time<Moment = Moment>;

        /// What stands behind a provider's jobs.
        type Surety: Surety<Self::AccountId>;

        /// Who accredits and discredits certifiers and may revoke any fact.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Deposit for any record, whatever its size.
        #[pallet::constant]
        type DepositBase: Get<Balance>;

        /// Deposit per byte of a record's largest encoding.
        #[pallet::constant]
        type DepositPerByte: Get<Balance>;

        /// Sites of one provider.
        #[pallet::constant]
        type MaxSites: Get<u32>;

        /// Offers of one provider, withdrawn ones that still run jobs included.
        #[pallet::constant]
        type MaxOffers: Get<u32>;

        /// Facts about one site.
        #[pallet::constant]
        type MaxFacts: Get<u32>;

        /// Accredited certifiers.
        #[pallet::constant]
        type MaxCertifiers: Get<u32>;

        /// Seconds that a fact may be vouched for at once.
        #[pallet::constant]
        type MaxFactValidity: Get<u32>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why money is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is the deposit for records that the account has stored.
        #[codec(index = 0)]
        Deposit,
    }

    /// Registered providers.
    #[pallet::storage]
    pub type Providers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Provider>;

    /// The identifier of the next site. Zero is never handed out.
    #[pallet::storage]
    pub type NextSite<T: Config> = StorageValue<_, SiteId, ValueQuery, FirstSite>;

    /// Sites by identifier.
    #[pallet::storage]
    pub type Sites<T: Config> = StorageMap<_, Twox64Concat, SiteId, SiteOf<T>>;

    /// Facts about sites, at most one of each kind.
    #[pallet::storage]
    pub type Facts<T: Config> = StorageDoubleMap<_, Twox64Concat, SiteId, Blake2_128Concat, FactKind, FactRecordOf<T>>;

    /// Accredited certifiers.
    #[pallet::storage]
    pub type Certifiers<T: Config> = CountedStorageMap<_, Blake2_128Concat, T::AccountId, ()>;

    /// The identifier of the next offer.
    #[pallet::storage]
    pub type NextOffer<T: Config> = StorageValue<_, OfferId, ValueQuery>;

    /// Offers by identifier.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageMap<_, Twox64Concat, OfferId, OfferOf<T>>;

    /// Each provider's offers.
    #[pallet::storage]
    pub type OffersOf<T: Config> = StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, OfferId, ()>;

    /// The first site's identifier.
    #[pallet::type_value]
    pub fn FirstSite() -> SiteId {
        SiteId(1)
    }

    /// Who is accredited from the start.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Certifiers of the first block. Any other is accredited by governance.
        pub certifiers: Vec<T::AccountId>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for certifier in &self.certifiers {
                Certifiers::<T>::insert(certifier, ());
            }
        }
    }

    /// What happened. Together the events rebuild the state.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account became a provider.
        #[codec(index = 0)]
        Registered {
            /// Who.
            provider: T::AccountId,
            /// Base URL of its agent.
            profile: Profile,
        },
        /// A provider changed its profile. Facts about its sites are not touched by that.
        #[codec(index = 1)]
        ProfileUpdated {
            /// Who.
            provider: T::AccountId,
            /// Base URL of its agent.
            profile: Profile,
        },
        /// An account is a provider no longer.
        #[codec(index = 2)]
        Deregistered {
            /// Who.
            provider: T::AccountId,
        },
        /// A provider added a site.
        #[codec(index = 3)]
        SiteAdded {
            /// Who.
            provider: T::AccountId,
            /// The site.
            site: SiteId,
        },
        /// A provider removed a site. What was vouched for about it no longer counts.
        #[codec(index = 4)]
        SiteRemoved {
            /// Who.
            provider: T::AccountId,
            /// The site.
            site: SiteId,
        },
        /// A provider offers capacity.
        #[codec(index = 5)]
        Published {
            /// The offer.
            offer: OfferId,
            /// Who offers.
            provider: T::AccountId,
            /// On which terms.
            terms: OfferTerms,
        },
        /// The terms of an offer changed for jobs placed from now on.
        #[codec(index = 6)]
        Updated {
            /// The offer.
            offer: OfferId,
            /// Its terms.
            terms: OfferTerms,
        },
        /// An offer takes no further jobs. `Removed` follows when the last job has released its capacity.
        #[codec(index = 7)]
        Withdrawn {
            /// The offer.
            offer: OfferId,
        },
        /// A withdrawn offer without reservations was removed.
        #[codec(index = 8)]
        Removed {
            /// The offer.
            offer: OfferId,
        },
        /// Capacity was reserved for a job.
        #[codec(index = 9)]
        Reserved {
            /// Of which offer.
            offer: OfferId,
            /// How much.
            resources: Resources,
        },
        /// A job's capacity is free again.
        #[codec(index = 10)]
        Released {
            /// Of which offer.
            offer: OfferId,
            /// How much.
            resources: Resources,
        },
        /// The end of a job was entered into a provider's record.
        #[codec(index = 11)]
        Recorded {
            /// Whose record.
            provider: T::AccountId,
            /// How the job ended.
            end: End,
        },
        /// An account may vouch for facts.
        #[codec(index = 12)]
        Accredited {
            /// Who.
            certifier: T::AccountId,
        },
        /// An account may vouch no longer, and what it vouched for no longer counts.
        #[codec(index = 13)]
        Discredited {
            /// Who.
            certifier: T::AccountId,
        },
        /// A certifier vouches for a fact about a site.
        #[codec(index = 14)]
        Certified {
            /// The site.
            site: SiteId,
            /// What is vouched for.
            fact: Fact,
            /// Who vouches.
            certifier: T::AccountId,
            /// When it expires.
            until: Moment,
        },
        /// A fact was withdrawn before it expired.
        #[codec(index = 15)]
        Revoked {
            /// The site.
            site: SiteId,
            /// What was vouched for.
            kind: FactKind,
        },
        /// A fact that no longer counted was removed.
        #[codec(index = 16)]
        FactRemoved {
            /// The site.
            site: SiteId,
            /// What was vouched for.
            kind: FactKind,
        },
    }

    /// What is wrong, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// This account is a provider already.
        #[codec(index = 0)]
        AlreadyRegistered,
        /// This account is not a provider. Register first.
        #[codec(index = 1)]
        NotRegistered,
        /// The profile is not a URL. Give the base URL of the agent, beginning with `https://` or `http://`.
        #[codec(index = 2)]
        NotAUrl,
        /// The provider still has sites. Remove them first.
        #[codec(index = 3)]
        HasSites,
        /// The provider has as many sites as one may have.
        #[codec(index = 4)]
        TooManySites,
        /// There is no such site.
        #[codec(index = 5)]
        NoSite,
        /// The site belongs to another provider.
        #[codec(index = 6)]
        NotYourSite,
        /// Offers still stand at this site. Withdraw them first, and let the jobs on them end.
        #[codec(index = 7)]
        HasOffers,
        /// The provider has as many offers as one may have. Withdraw one first.
        #[codec(index = 8)]
        TooManyOffers,
        /// There is no such offer.
        #[codec(index = 9)]
        NoOffer,
        /// The offer belongs to another provider.
        #[codec(index = 10)]
        NotYourOffer,
        /// The offer was withdrawn. Choose or publish another.
        #[codec(index = 11)]
        OfferWithdrawn,
        /// The offer names no kind of hardware. Name at least one.
        #[codec(index = 12)]
        NoTee,
        /// The offer has no capacity. Name some.
        #[codec(index = 13)]
        NoCapacity,
        /// The window is over or ends before it begins. Let `opens` lie before `closes` and `closes` in the future.
        #[codec(index = 14)]
        BadWindow,
        /// The longest job is zero or does not fit the window.
        #[codec(index = 15)]
        BadLongestJob,
        /// The price of the whole capacity is beyond any amount. Lower the price.
        #[codec(index = 16)]
        PriceOverflow,
        /// An offer stays at its site. Withdraw it and publish another one there.
        #[codec(index = 17)]
        SiteFixed,
        /// The new total is less than what is reserved. Offer at least that, or wait until jobs end.
        #[codec(index = 18)]
        BelowReserved,
        /// This account is accredited already.
        #[codec(index = 19)]
        AlreadyAccredited,
        /// There are as many certifiers as there may be. Discredit one first.
        #[codec(index = 20)]
        TooManyCertifiers,
        /// This account is not an accredited certifier.
        #[codec(index = 21)]
        NotAccredited,
        /// The text of the fact is not of its standard's form: ISO 3166-2 for a region (`DE-BE`), ISO 3166-1 alpha-2 for a country (`DE`), not
        /// empty for anything else.
        #[codec(index = 22)]
        MalformedFact,
        /// The fact would be expired already. Give a later time.
        #[codec(index = 23)]
        AlreadyExpired,
        /// A fact cannot be vouched for that long. Give an earlier time and renew it.
        #[codec(index = 24)]
        ValidTooLong,
        /// Another certifier vouches for a fact of this kind. It counts until it expires or is revoked.
        #[codec(index = 25)]
        VouchedByAnother,
        /// There are as many facts about this site as there may be.
        #[codec(index = 26)]
        TooManyFacts,
        /// There is no such fact.
        #[codec(index = 27)]
        NoFact,
        /// Another account vouches for this fact. Only that one and governance can revoke it.
        #[codec(index = 28)]
        NotYourFact,
        /// This fact still counts. Remove it when it has expired.
        #[codec(index = 29)]
        NotExpired,
        /// The job asks for no capacity. Name some.
        #[codec(index = 30)]
        NothingAsked,
        /// The offer has not enough free capacity. Choose another or ask for less.
        #[codec(index = 31)]
        InsufficientCapacity,
        /// The offer's price is above the job's limit. Choose another or raise the limit.
        #[codec(index = 32)]
        PriceAboveLimit,
        /// The run does not fit the offer's window. Choose another or shorten the run.
        #[codec(index = 33)]
        OutsideWindow,
        /// The run is longer than the offer allows. Choose another or shorten the run.
        #[codec(index = 34)]
        RunTooLong,
        /// The offer or the provider's free bond does not give the cover. Choose another or ask for less cover.
        #[codec(index = 35)]
        InsufficientCover,
        /// None of the offer's kinds of hardware is accepted by the job's policy. Choose another.
        #[codec(index = 36)]
        TeeNotAccepted,
        /// The job's policy denies this provider. Choose another.
        #[codec(index = 37)]
        ProviderDenied,
        /// The site is not vouched to stand in a region that the job's policy accepts. Choose another.
        #[codec(index = 38)]
        RegionNotAccepted,
        /// The site is not vouched to be subject to a law that the job's policy accepts. Choose another.
        #[codec(index = 39)]
        JurisdictionNotAccepted,
        /// The site lacks a certificate that the job's policy asks for. Choose another.
        #[codec(index = 40)]
        CertificateMissing,
        /// The site's operator is not vouched for as the job's policy asks. Choose another.
        #[codec(index = 41)]
        OperatorNotAccepted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            Self::do_integrity_test();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Makes the caller a provider.
        ///
        /// Origin: signed.
        ///
        /// * `profile`: base URL of the provider's agent.
        ///
        /// Errors: `AlreadyRegistered`; `NotAUrl`; the currency's own if the deposit is not there. Event: `Registered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_register(provider, profile)
        }

        /// Changes the caller's profile. Facts, offers and jobs are not touched.
        ///
        /// Origin: signed by the provider.
        ///
        /// * `profile`: base URL of the provider's agent.
        ///
        /// Errors: `NotRegistered`; `NotAUrl`. Event: `ProfileUpdated`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::update_profile())]
        pub fn update_profile(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_update_profile(provider, profile)
        }

        /// Ends the caller's being a provider and returns its deposit. Its record ends with it.
        ///
        /// Origin: signed by the provider.
        ///
        /// Errors: `NotRegistered`; `HasSites`. Event: `Deregistered`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::deregister())]
        pub fn deregister(origin: OriginFor<T>) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_deregister(provider)
        }

        /// Adds a site of the caller's. Certifiers can then vouch for facts about it.
        ///
        /// Origin: signed by the provider.
        ///
        /// Errors: `NotRegistered`; `TooManySites`; the currency's own if the deposit is not there. Event: `SiteAdded`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::add_site())]
        pub fn add_site(origin: OriginFor<T>) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_add_site(provider)
        }

        /// Removes a site at which no offer stands and returns its deposit. Facts about it no longer count.
        ///
        /// Origin: signed by the provider.
        ///
        /// * `site`: which.
        ///
        /// Errors: `NoSite`; `NotYourSite`; `HasOffers`. Event: `SiteRemoved`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::remove_site())]
        pub fn remove_site(origin: OriginFor<T>, site: SiteId) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_remove_site(provider, site)
        }

        /// Offers capacity at one of the caller's sites.
        ///
        /// Origin: signed by the provider.
        ///
        /// * `terms`: place, hardware, capacity, price, window and cover.
        ///
        /// Errors: `NoSite`; `NotYourSite`; `NoTee`; `NoCapacity`; `BadWindow`; `BadLongestJob`; `PriceOverflow`; `TooManyOffers`; the
        /// currency's own if the deposit is not there. Event: `Published`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::publish())]
        pub fn publish(origin: OriginFor<T>, terms: OfferTerms) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_publish(provider, terms)
        }

        /// Changes the terms of an offer for jobs placed from now on. Placed jobs keep theirs.
        ///
        /// Origin: signed by the provider.
        ///
        /// * `offer`: which.
        /// * `terms`: all of its new terms, at the same site and with at least the capacity that is reserved.
        ///
        /// Errors: `NoOffer`; `NotYourOffer`; `OfferWithdrawn`; `SiteFixed`; `NoTee`; `NoCapacity`; `BadWindow`; `BadLongestJob`;
        /// `PriceOverflow`; `BelowReserved`. Event: `Updated`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::update())]
        pub fn update(origin: OriginFor<T>, offer: OfferId, terms: OfferTerms) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_update(provider, offer, terms)
        }

        /// Takes an offer off the market. Jobs on it run on; when the last one has ended, the offer is removed and its deposit returned.
        ///
        /// Origin: signed by the provider.
        ///
        /// * `offer`: which.
        ///
        /// Errors: `NoOffer`; `NotYourOffer`; `OfferWithdrawn`. Events: `Withdrawn`; `Removed` if nothing is reserved.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>, offer: OfferId) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_withdraw(provider, offer)
        }

        /// Lets an account vouch for facts about sites.
        ///
        /// Origin: governance.
        ///
        /// * `certifier`: who.
        ///
        /// Errors: `AlreadyAccredited`; `TooManyCertifiers`. Event: `Accredited`.
        #[pallet::call_index(8)]
        #[pallet::weight((T::WeightInfo::accredit(), DispatchClass::Operational))]
        pub fn accredit(origin: OriginFor<T>, certifier: T::AccountId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_accredit(certifier)
        }

        /// Takes a certifier's accreditation away. From now on nothing that it vouched for counts.
        ///
        /// Origin: governance.
        ///
        /// * `certifier`: who.
        ///
        /// Errors: `NotAccredited`. Event: `Discredited`.
        #[pallet::call_index(9)]
        #[pallet::weight((T::WeightInfo::discredit(), DispatchClass::Operational))]
        pub fn discredit(origin: OriginFor<T>, certifier: T::AccountId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_discredit(certifier)
        }

        /// Vouches for a fact about a site, or renews it. The caller pays the deposit and gets it back when the fact is removed.
        ///
        /// Origin: signed by an accredited certifier.
        ///
        /// * `site`: about which.
        /// * `fact`: what is vouched for.
        /// * `until`: when it expires, Unix milliseconds.
        ///
        /// Errors: `NotAccredited`; `NoSite`; `MalformedFact`; `AlreadyExpired`; `ValidTooLong`; `VouchedByAnother`; `TooManyFacts`; the
        /// currency's own if the deposit is not there. Event: `Certified`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::certify())]
        pub fn certify(origin: OriginFor<T>, site: SiteId, fact: Fact, until: Moment) -> DispatchResult {
            let certifier = ensure_signed(origin)?;
            Self::do_certify(certifier, site, fact, until)
        }

        /// Withdraws a fact at once.
        ///
        /// Origin: signed by the certifier that vouched for it, or governance.
        ///
        /// * `site`: about which site.
        /// * `kind`: of which kind.
        ///
        /// Errors: `NoFact`; `NotYourFact`. Event: `Revoked`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::revoke())]
        pub fn revoke(origin: OriginFor<T>, site: SiteId, kind: FactKind) -> DispatchResult {
            let certifier = match T::GovernanceOrigin::try_origin(origin) {
                Ok(_) => None,
                Err(origin) => Some(ensure_signed(origin)?),
            };
            Self::do_revoke(certifier, site, kind)
        }

        /// Removes a fact that no longer counts, because it expired, its site is gone or its certifier was discredited. The deposit goes back
        /// to the certifier.
        ///
        /// Origin: signed by anyone.
        ///
        /// * `site`: about which site.
        /// * `kind`: of which kind.
        ///
        /// Errors: `NoFact`; `NotExpired`. Event: `FactRemoved`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::remove_expired_fact())]
        pub fn remove_expired_fact(origin: OriginFor<T>, site: SiteId, kind: FactKind) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_remove_expired_fact(site, kind)
        }
    }
}
