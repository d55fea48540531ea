#![doc = include_str!("../README.md")]
//! This file declares the pallet: storage, genesis, calls, events, errors. What is trusted is in `calls`, `collateral` and `chips`; evidence and
//! sessions are in `verify` and `sessions`.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod chips;
mod collateral;
mod errors;
#[cfg(any(feature = "runtime-benchmarks", test))]
pub mod fixture;
mod genesis;
mod invariants;
#[cfg(test)]
mod mock;
mod sessions;
#[cfg(test)]
mod tests;
pub mod traits;
mod types;
mod verify;
pub mod weights;

use frame_support::pallet_macros::import_section;
pub use genesis::{GenesisRoots, GenesisTdx};
pub use pallet::*;
pub use types::{
    Approval, ApprovedBy, Basis, Candidate, Chip, CollateralKey, Endorsement, Fault, Guest, Kept, KnownKey, MAX_ENDORSEMENTS, Missing,
    Opened, Publication, Roots, Scheduled, Seen, SeenList, TdxFault, TdxReference,
};
pub use weights::WeightInfo;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
/// The pallet.
#[import_section(errors::errors)]
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod pallet {
    use super::*;
    use crate::traits::Certifiers;
    use alloc::{boxed::Box, vec::Vec};
    use blockcloud_evidence::{
        snp::Product,
        tdx::{KeyId, QeIdentity, RevocationList, TcbInfo},
    };
    use blockcloud_primitives::{Balance, CertificateDer, CollateralItem, Digest, JobId, Measurement, Moment, Session, SiteId, Tcb, Tee};
    use frame_support::{
        pallet_prelude::*,
        traits::{Time, fungible},
    };
    use frame_system::pallet_prelude::*;
    use sp_core::H256;
    use sp_runtime::AccountId32;

    /// The layout of the storage.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet's storage and calls.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs from its runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32, Hash = H256, RuntimeEvent: From<Event<Self>>> {
        /// The overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;
        /// The money that deposits are held in.
        type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>;
        /// The chain's clock.
        type Time: Time<Moment = Moment>;
        /// Who decides which hardware, firmware and software is trusted.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who may stop the opening of sessions in an emergency.
        type StopOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who may vouch that chips stand where they are said to.
        type Certifiers: Certifiers;
        /// Deposit for any record, whatever its size.
        #[pallet::constant]
        type DepositBase: Get<Balance>;
        /// Deposit for each byte of a record.
        #[pallet::constant]
        type DepositPerByte: Get<Balance>;
        /// Seconds for which collateral that has run out stays, so that nothing older comes in its place.
        #[pallet::constant]
        type CollateralGrace: Get<u32>;
        /// By how many blocks the block that evidence binds may lie back. No more than the chain keeps hashes of.
        #[pallet::constant]
        type MaxAnchorAge: Get<u32>;
        /// Seconds after which a session ends, whatever it rests on.
        #[pallet::constant]
        type MaxSession: Get<u32>;
        /// How many measurements can be approved at a time.
        #[pallet::constant]
        type MaxMeasurements: Get<u32>;
        /// How many chips can be denied at a time.
        #[pallet::constant]
        type MaxDeniedChips: Get<u32>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// What benchmarks need of the neighbours.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::traits::BenchmarkHelper;
    }

    /// Why money is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is the deposit for the record of a chip.
        #[codec(index = 0)]
        Chip,
        /// It is the deposit for a piece of collateral.
        #[codec(index = 1)]
        Collateral,
        /// It is the deposit for a published measurement.
        #[codec(index = 2)]
        Measurement,
    }

    /// Whether the simulated vendors exist on this chain. Decided at genesis; no call changes it.
    #[pallet::storage]
    pub type SimulationAllowed<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// The vendors' certificates, by kind of hardware and product. Evidence for a product that is not here is refused.
    #[pallet::storage]
    pub type RootsOf<T: Config> = StorageMap<_, Twox64Concat, (Tee, Product), Roots>;

    /// The lowest acceptable firmware, by kind of hardware and product. Evidence for a product that is not here is refused.
    #[pallet::storage]
    pub type Floors<T: Config> = StorageMap<_, Twox64Concat, (Tee, Product), Scheduled<Tcb>>;

    /// The root of each TDX vendor. Evidence of a kind that is not here is refused.
    #[pallet::storage]
    pub type TdxRoots<T: Config> = StorageMap<_, Twox64Concat, Tee, CertificateDer>;

    /// What is wanted of TDX platforms. Evidence of a kind that is not here is refused.
    #[pallet::storage]
    pub type TdxFloors<T: Config> = StorageMap<_, Twox64Concat, Tee, Scheduled<TdxReference>>;

    /// What each TDX vendor's root has revoked.
    #[pallet::storage]
    pub type RootCrls<T: Config> = StorageMap<_, Twox64Concat, Tee, Kept<RevocationList>>;

    /// What each authority for platform keys has revoked, by the authority's key.
    #[pallet::storage]
    pub type PckCrls<T: Config> = StorageDoubleMap<_, Twox64Concat, Tee, Blake2_128Concat, KeyId, Kept<RevocationList>>;

    /// Which levels of a family of platforms are good.
    #[pallet::storage]
    pub type TcbInfos<T: Config> = StorageDoubleMap<_, Twox64Concat, Tee, Blake2_128Concat, [u8; 6], Kept<TcbInfo>>;

    /// Which quoting enclaves are good.
    #[pallet::storage]
    pub type QeIdentities<T: Config> = StorageMap<_, Twox64Concat, Tee, Kept<QeIdentity>>;

    /// The guest software that the council approves. Empty means none.
    #[pallet::storage]
    pub type Measurements<T: Config> = CountedStorageMap<_, Blake2_128Concat, Measurement, Approval>;

    /// The guest software that publishers vouch for, for customers who name them.
    #[pallet::storage]
    pub type Published<T: Config> = StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, Measurement, Publication>;

    /// The chips that have given evidence, by the SHA-256 of their identity.
    #[pallet::storage]
    pub type Chips<T: Config> = StorageMap<_, Blake2_128Concat, Digest, Chip>;

    /// Whether the opening of sessions is stopped. Running jobs go on.
    #[pallet::storage]
    pub type Stopped<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// Chips that are refused, by the SHA-256 of their identity.
    #[pallet::storage]
    pub type DeniedChips<T: Config> = CountedStorageMap<_, Blake2_128Concat, Digest, ()>;

    /// The attested guests, one for each job at most.
    #[pallet::storage]
    pub type Sessions<T: Config> = StorageMap<_, Twox64Concat, JobId, Guest>;

    /// Evidence that was accepted for a job whose guest is attested.
    #[pallet::storage]
    pub type Accepted<T: Config> = StorageMap<_, Twox64Concat, JobId, SeenList, ValueQuery>;

    /// What a chain trusts from its first block on.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Whether the `simulated` vendor exists on this chain. Production chains leave it out.
        pub simulation_allowed: bool,
        /// The vendors' certificates. Their validity is not judged here, because genesis has no clock.
        pub roots: Vec<GenesisRoots>,
        /// The lowest acceptable firmware of each product.
        pub floors: Vec<(Tee, Product, Tcb)>,
        /// What is trusted of TDX.
        pub tdx: Vec<GenesisTdx>,
        /// Approved guest software, until when.
        pub measurements: Vec<(Measurement, Moment)>,
        /// Nothing.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            self.write();
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A product's certificates were set.
        #[codec(index = 0)]
        RootsSet {
            /// The kind of hardware.
            tee: Tee,
            /// The product.
            product: Product,
            /// SHA-256 fingerprint of the root.
            root: Digest,
            /// SHA-256 fingerprint of the intermediate.
            issuer: Digest,
        },
        /// A product's certificates were removed; its sessions have lapsed.
        #[codec(index = 1)]
        RootsRemoved {
            /// The kind of hardware.
            tee: Tee,
            /// The product.
            product: Product,
        },
        /// Guest software was approved, or its approval was given another end.
        #[codec(index = 2)]
        MeasurementApproved {
            /// The software's launch measurement.
            measurement: Measurement,
            /// When the approval ends.
            until: Moment,
        },
        /// Guest software was withdrawn: no session opens under it any more.
        #[codec(index = 3)]
        MeasurementWithdrawn {
            /// The software's launch measurement.
            measurement: Measurement,
            /// When the sessions that rest on it lapse.
            drains: Moment,
        },
        /// A chip was denied; its sessions have lapsed.
        #[codec(index = 4)]
        ChipDenied {
            /// SHA-256 of the chip's identity.
            chip: Digest,
        },
        /// A chip was allowed again.
        #[codec(index = 5)]
        ChipAllowed {
            /// SHA-256 of the chip's identity.
            chip: Digest,
        },
        /// A product's firmware floor was set or removed.
        #[codec(index = 6)]
        FloorSet {
            /// The kind of hardware.
            tee: Tee,
            /// The product.
            product: Product,
            /// The floor; none means that nothing is accepted.
            floor: Option<Tcb>,
            /// From when on new sessions must meet it.
            from: Moment,
            /// From when on running sessions must.
            drains: Moment,
        },
        /// A guest was attested, or attested anew. Replaces the job's earlier session, if it had one.
        #[codec(index = 7)]
        Attested {
            /// The job.
            job: JobId,
            /// The verified guest.
            session: Session,
        },
        /// A job's session was closed.
        #[codec(index = 8)]
        Closed {
            /// The job.
            job: JobId,
        },
        /// A TDX vendor's root was set.
        #[codec(index = 9)]
        TdxRootSet {
            /// The kind of hardware.
            tee: Tee,
            /// SHA-256 fingerprint of the root.
            root: Digest,
        },
        /// A TDX vendor's root was removed; its sessions have lapsed.
        #[codec(index = 10)]
        TdxRootRemoved {
            /// The kind of hardware.
            tee: Tee,
        },
        /// What is wanted of TDX platforms was set or removed.
        #[codec(index = 11)]
        TdxFloorSet {
            /// The kind of hardware.
            tee: Tee,
            /// What is wanted; none means that nothing is accepted.
            floor: Option<TdxReference>,
            /// From when on new sessions must meet it.
            from: Moment,
            /// From when on running sessions must.
            drains: Moment,
        },
        /// A piece of collateral was verified and took its place.
        #[codec(index = 12)]
        CollateralKept {
            /// The kind of hardware.
            tee: Tee,
            /// Which piece.
            key: CollateralKey,
            /// Who brought it.
            by: T::AccountId,
            /// The last moment at which it counts.
            not_after: Moment,
        },
        /// A piece of collateral that was good for nothing any more was removed.
        #[codec(index = 13)]
        CollateralRemoved {
            /// The kind of hardware.
            tee: Tee,
            /// Which piece.
            key: CollateralKey,
        },
        /// A chip gave evidence for the first time and is bound to this provider and site.
        #[codec(index = 14)]
        ChipRegistered {
            /// SHA-256 of the chip's identity.
            chip: Digest,
            /// Who runs it.
            provider: T::AccountId,
            /// Where.
            site: SiteId,
        },
        /// A chip's provider let it go.
        #[codec(index = 15)]
        ChipReleased {
            /// SHA-256 of the chip's identity.
            chip: Digest,
            /// Who ran it.
            provider: T::AccountId,
        },
        /// A certifier vouches that a chip stands at its site.
        #[codec(index = 16)]
        ChipEndorsed {
            /// SHA-256 of the chip's identity.
            chip: Digest,
            /// Where it stands.
            site: SiteId,
            /// Who vouches.
            certifier: T::AccountId,
            /// Until when.
            until: Moment,
        },
        /// A certifier no longer vouches for a chip.
        #[codec(index = 17)]
        EndorsementWithdrawn {
            /// SHA-256 of the chip's identity.
            chip: Digest,
            /// Who.
            certifier: T::AccountId,
        },
        /// A publisher vouches for guest software, or gave its word another end.
        #[codec(index = 18)]
        MeasurementPublished {
            /// Who.
            publisher: T::AccountId,
            /// The software's launch measurement.
            measurement: Measurement,
            /// Until when.
            until: Moment,
        },
        /// A publisher no longer vouches for guest software.
        #[codec(index = 19)]
        MeasurementRetracted {
            /// Who.
            publisher: T::AccountId,
            /// The software's launch measurement.
            measurement: Measurement,
            /// When the sessions that rest on its word lapse.
            drains: Moment,
        },
        /// No session opens until this is taken back. Running jobs go on.
        #[codec(index = 20)]
        Stopped,
        /// Sessions open again.
        #[codec(index = 21)]
        Resumed,
    }

    /// Time-independent checks.
    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            Self::check_configuration();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    /// The calls: the council's, and those of anyone who brings collateral, of certifiers, publishers and providers. Evidence comes in through the pallet of
    /// jobs.
    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Set the certificates below which a product's evidence is accepted.
        ///
        /// Origin: the council.
        ///
        /// * `tee`, `product`: for which hardware.
        /// * `root`: the vendor's root, DER. It is believed because the council says so.
        /// * `issuer`: the intermediate that signs chip keys, DER. It must be signed by the root.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`, `Refused`. Emits `RootsSet`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_roots())]
        pub fn set_roots(origin: OriginFor<T>, tee: Tee, product: Product, root: CertificateDer, issuer: CertificateDer) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_roots(tee, product, Roots { root, issuer }, T::Time::now())
        }

        /// Remove a product's certificates. Its evidence is refused from then on and its sessions lapse.
        ///
        /// Origin: the council.
        ///
        /// * `tee`, `product`: for which hardware.
        ///
        /// Fails with `NoRoots`. Emits `RootsRemoved`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::remove_roots())]
        pub fn remove_roots(origin: OriginFor<T>, tee: Tee, product: Product) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_roots(tee, product)
        }

        /// Approve guest software until a time, or give an approval another end: an earlier one lets running jobs drain.
        ///
        /// Origin: the council.
        ///
        /// * `measurement`: the software's launch measurement.
        /// * `until`: when the approval ends, Unix milliseconds.
        ///
        /// Fails with `AlreadyOver`, `TooManyMeasurements`. Emits `MeasurementApproved`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::approve_measurement())]
        pub fn approve_measurement(origin: OriginFor<T>, measurement: Measurement, until: Moment) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_approve_measurement(measurement, until)
        }

        /// Withdraw guest software: no session opens under its approval any more, and those that are open lapse after the drain.
        ///
        /// Origin: the council.
        ///
        /// * `measurement`: the software's launch measurement.
        /// * `drain`: seconds for which open sessions still count; zero: they lapse at once.
        ///
        /// Fails with `MeasurementNotApproved`. Emits `MeasurementWithdrawn`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw_measurement())]
        pub fn withdraw_measurement(origin: OriginFor<T>, measurement: Measurement, drain: u32) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_withdraw_measurement(measurement, drain)
        }

        /// Deny a chip, for instance because its keys were extracted. Its sessions lapse.
        ///
        /// Origin: the council.
        ///
        /// * `chip`: SHA-256 of the chip's identity (SEV-SNP: 64 bytes; TDX: the 16 bytes of the PPID).
        ///
        /// Fails with `ChipDenied`, `TooManyDeniedChips`. Emits `ChipDenied`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::deny_chip())]
        pub fn deny_chip(origin: OriginFor<T>, chip: Digest) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_deny_chip(chip)
        }

        /// Allow a denied chip again.
        ///
        /// Origin: the council.
        ///
        /// * `chip`: SHA-256 of the chip's identity (SEV-SNP: 64 bytes; TDX: the 16 bytes of the PPID).
        ///
        /// Fails with `ChipNotDenied`. Emits `ChipAllowed`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::allow_chip())]
        pub fn allow_chip(origin: OriginFor<T>, chip: Digest) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_allow_chip(chip)
        }

        /// Set the lowest acceptable firmware of a product, or remove it, after which nothing is accepted.
        ///
        /// Origin: the council.
        ///
        /// * `tee`, `product`: for which hardware.
        /// * `floor`: the lowest acceptable level, part by part; none to remove it at once.
        /// * `after`: seconds until new sessions must meet it; until then the present floor counts.
        /// * `grace`: seconds after that until running sessions must; then those below lapse.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`. Emits `FloorSet`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_floor())]
        pub fn set_floor(origin: OriginFor<T>, tee: Tee, product: Product, floor: Option<Tcb>, after: u32, grace: u32) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_floor(tee, product, floor, after, grace)
        }

        /// Set the root below which a TDX vendor's evidence and collateral are accepted.
        ///
        /// Origin: the council.
        ///
        /// * `tee`: for which hardware.
        /// * `root`: the vendor's root, DER (Intel: SGX Root CA). It is believed because the council says so. Sessions and collateral under another root
        ///   no longer count.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`, `RefusedTdx`. Emits `TdxRootSet`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::set_tdx_root())]
        pub fn set_tdx_root(origin: OriginFor<T>, tee: Tee, root: CertificateDer) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_tdx_root(tee, root, T::Time::now())
        }

        /// Remove a TDX vendor's root. Its evidence is refused from then on and its sessions lapse.
        ///
        /// Origin: the council.
        ///
        /// * `tee`: for which hardware.
        ///
        /// Fails with `NoRoots`. Emits `TdxRootRemoved`.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::remove_tdx_root())]
        pub fn remove_tdx_root(origin: OriginFor<T>, tee: Tee) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_tdx_root(tee)
        }

        /// Set what is wanted of TDX platforms, or remove it, after which nothing is accepted.
        ///
        /// Origin: the council.
        ///
        /// * `tee`: for which hardware.
        /// * `floor`: lowest evaluation number, what is tolerated, allowed processor state; none to remove it at once.
        /// * `after`, `grace`: as of `set_floor`.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`. Emits `TdxFloorSet`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::set_tdx_floor())]
        pub fn set_tdx_floor(origin: OriginFor<T>, tee: Tee, floor: Option<TdxReference>, after: u32, grace: u32) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_tdx_floor(tee, floor, after, grace)
        }

        /// Bring a piece of a TDX vendor's collateral. It is verified and takes the place of an older one.
        ///
        /// Origin: signed, anyone. A deposit for its bytes is held until somebody brings a newer one or removes it.
        ///
        /// * `tee`: of which hardware.
        /// * `item`: the piece. The root's revocation list comes first, because the others are judged by it.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`, `NoRoots`, `NoCollateral`, `RefusedTdx`, `NotNewer`, or the deposit is not there. Emits
        /// `CollateralKept`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::submit_crl().max(T::WeightInfo::submit_json()))]
        pub fn submit_collateral(origin: OriginFor<T>, tee: Tee, item: Box<CollateralItem>) -> DispatchResult {
            let by = ensure_signed(origin)?;
            Self::do_submit_collateral(by, tee, &item, T::Time::now())
        }

        /// Remove a piece of collateral that is good for nothing any more: it ran out long ago (constant `CollateralGrace`), or its root is not trusted.
        ///
        /// Origin: signed, anyone. The deposit goes back to whoever brought it.
        ///
        /// * `tee`, `key`: which piece.
        ///
        /// Fails with `UnknownCollateral`, `CollateralCounts`. Emits `CollateralRemoved`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::remove_collateral())]
        pub fn remove_collateral(origin: OriginFor<T>, tee: Tee, key: CollateralKey) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_remove_collateral(tee, key, T::Time::now())
        }

        /// Let a chip go, because it is moved, sold or scrapped. What certifiers said of it is forgotten; its next evidence registers it anew.
        ///
        /// Origin: signed, the chip's provider. The deposit returns.
        ///
        /// * `chip`: SHA-256 of the chip's identity.
        ///
        /// Fails with `UnknownChip`, `ChipOfAnother`, `ChipInUse`. Emits `ChipReleased`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::release_chip())]
        pub fn release_chip(origin: OriginFor<T>, chip: Digest) -> DispatchResult {
            let provider = ensure_signed(origin)?;
            Self::do_release_chip(&provider, chip)
        }

        /// Vouch that a chip stands at its site, until a time; or give one's word another end.
        ///
        /// Origin: signed, an accredited certifier.
        ///
        /// * `chip`: SHA-256 of the chip's identity.
        /// * `site`: where it was seen to stand.
        /// * `until`: Unix milliseconds.
        ///
        /// Fails with `NotAccredited`, `AlreadyOver`, `UnknownChip`, `ChipAtAnotherSite`, `TooManyEndorsements`. Emits `ChipEndorsed`.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::endorse_chip())]
        pub fn endorse_chip(origin: OriginFor<T>, chip: Digest, site: SiteId, until: Moment) -> DispatchResult {
            let certifier = ensure_signed(origin)?;
            Self::do_endorse_chip(certifier, chip, site, until)
        }

        /// Take one's word for a chip back.
        ///
        /// Origin: signed, the certifier, accredited or not.
        ///
        /// * `chip`: SHA-256 of the chip's identity.
        ///
        /// Fails with `UnknownChip`, `NotEndorsed`. Emits `EndorsementWithdrawn`.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::withdraw_endorsement())]
        pub fn withdraw_endorsement(origin: OriginFor<T>, chip: Digest) -> DispatchResult {
            let certifier = ensure_signed(origin)?;
            Self::do_withdraw_endorsement(certifier, chip)
        }

        /// Vouch for guest software, for customers whose policy names the caller as a publisher; or give one's word another end.
        ///
        /// Origin: signed, anyone. A deposit is held until it is retracted.
        ///
        /// * `measurement`: the software's launch measurement.
        /// * `until`: Unix milliseconds.
        ///
        /// Fails with `AlreadyOver`, or the deposit is not there. Emits `MeasurementPublished`.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::publish_measurement())]
        pub fn publish_measurement(origin: OriginFor<T>, measurement: Measurement, until: Moment) -> DispatchResult {
            let publisher = ensure_signed(origin)?;
            Self::do_publish_measurement(publisher, measurement, until)
        }

        /// Take one's word for guest software back: no session opens under it any more, and those that are open lapse after the drain.
        ///
        /// Origin: signed, the publisher. With a drain of zero the record goes and the deposit returns; after another drain, retract again with zero.
        ///
        /// * `measurement`: the software's launch measurement.
        /// * `drain`: seconds for which open sessions still count.
        ///
        /// Fails with `MeasurementNotPublished`. Emits `MeasurementRetracted`.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::retract_measurement())]
        pub fn retract_measurement(origin: OriginFor<T>, measurement: Measurement, drain: u32) -> DispatchResult {
            let publisher = ensure_signed(origin)?;
            Self::do_retract_measurement(publisher, measurement, drain)
        }

        /// Stop the opening of sessions, because something is found to be wrong that nobody has a name for yet. Running jobs go on, and are renewed.
        ///
        /// Origin: the technical committee, or the council.
        ///
        /// Fails with `Stopped`. Emits `Stopped`.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::stop())]
        pub fn stop(origin: OriginFor<T>) -> DispatchResult {
            T::StopOrigin::ensure_origin(origin)?;
            Self::do_set_stopped(true)
        }

        /// Let sessions open again.
        ///
        /// Origin: the council.
        ///
        /// Fails with `NotStopped`. Emits `Resumed`.
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_stopped(false)
        }
    }
}
