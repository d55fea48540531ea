#![doc = include_str!("../README.md")]
//! This file declares the pallet: storage, genesis, calls, events, errors. The council's calls are in `calls`, evidence and sessions in
//! `sessions`.
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
#[cfg(any(feature = "runtime-benchmarks", test))]
pub mod fixture;
mod genesis;
mod invariants;
#[cfg(test)]
mod mock;
mod sessions;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use genesis::GenesisRoots;
pub use pallet::*;
pub use types::{Certificate, Fault, Guest, Lapse, Roots, Seen, SeenList};
pub use weights::WeightInfo;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
/// The pallet.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use blockcloud_evidence::snp::Product;
    use blockcloud_primitives::{Digest, JobId, Measurement, Moment, Session, Tcb, Tee};
    use frame_support::{pallet_prelude::*, traits::Time};
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
        /// The chain's clock.
        type Time: Time<Moment = Moment>;
        /// Who decides which hardware, firmware and software is trusted.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
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
    }

    /// Whether the `simulated` vendor exists on this chain. Decided at genesis; no call changes it.
    #[pallet::storage]
    pub type SimulationAllowed<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// The vendors' certificates, by kind of hardware and product. Evidence for a product that is not here is refused.
    #[pallet::storage]
    pub type RootsOf<T: Config> = StorageMap<_, Twox64Concat, (Tee, Product), Roots>;

    /// The lowest acceptable firmware, by kind of hardware and product. Evidence for a product that is not here is refused.
    #[pallet::storage]
    pub type Floors<T: Config> = StorageMap<_, Twox64Concat, (Tee, Product), Tcb>;

    /// The guest software that the council approves, until when. Empty means none.
    #[pallet::storage]
    pub type Measurements<T: Config> = CountedStorageMap<_, Blake2_128Concat, Measurement, Moment>;

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
        /// Guest software was withdrawn; the sessions that rest on its approval have lapsed.
        #[codec(index = 3)]
        MeasurementWithdrawn {
            /// The software's launch measurement.
            measurement: Measurement,
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
        /// A product's firmware floor was set or removed; sessions below it have lapsed.
        #[codec(index = 6)]
        FloorSet {
            /// The kind of hardware.
            tee: Tee,
            /// The product.
            product: Product,
            /// The floor; none means that nothing is accepted.
            floor: Option<Tcb>,
        },
        /// A guest was attested. Replaces the job's earlier session, if it had one.
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
    }

    /// Why a call or evidence was refused.
    #[pallet::error]
    pub enum Error<T> {
        /// No verifier exists for this kind of hardware. The provider must use one that this chain can verify: AMD SEV-SNP.
        #[codec(index = 0)]
        UnsupportedTee,
        /// This chain accepts no simulated hardware. The provider must use a real confidential VM.
        #[codec(index = 1)]
        SimulationRefused,
        /// The customer's policy does not accept this kind of hardware. The provider must use one that the policy names.
        #[codec(index = 2)]
        TeeNotInPolicy,
        /// The chain holds no certificates for this product. The council must set the vendor's first.
        #[codec(index = 3)]
        NoRoots,
        /// The chain has no firmware floor for this product. The council must set one first.
        #[codec(index = 4)]
        NoFloor,
        /// The firmware that the guest was launched under, or that the host can go back to, is below the council's floor. The provider must update and
        /// commit its firmware, and launch the guest again.
        #[codec(index = 5)]
        BelowFloor,
        /// The firmware that the guest was launched under, or that the host can go back to, is below the floor of the customer's policy. The provider
        /// must update and commit its firmware, and launch the guest again.
        #[codec(index = 6)]
        BelowPolicyFloor,
        /// The evidence binds a block that this chain does not have yet. The guest must bind a block that the chain has finished.
        #[codec(index = 7)]
        AnchorUnknown,
        /// The evidence binds a block that lies too far back. The guest must make fresh evidence.
        #[codec(index = 8)]
        AnchorTooOld,
        /// This very evidence was accepted for this job before. The guest must make fresh evidence.
        #[codec(index = 9)]
        Replayed,
        /// The job's guest was attested too often within a short time. The provider must find out why its guest restarts, and wait.
        #[codec(index = 10)]
        TooManyAttempts,
        /// The report is genuine but was made for something else: another chain, provider, job, block, or other keys than those submitted. The guest
        /// must make evidence for exactly this job and submit it with the keys that it bound.
        #[codec(index = 11)]
        NotBound,
        /// The guest was launched for other terms than this job's (its host data is not the terms hash). The provider must launch a guest for this job.
        #[codec(index = 12)]
        WrongTerms,
        /// The signature over the report data is not by the receipt key. The guest must sign with the key that it bound.
        #[codec(index = 13)]
        NotPossessed,
        /// The report or a certificate did not pass its verifier; the reason is inside.
        #[codec(index = 14)]
        Refused(Fault),
        /// The council has not approved this guest software, or has withdrawn it. The provider must run an approved one, or the policy must name this
        /// one.
        #[codec(index = 15)]
        MeasurementNotApproved,
        /// The council's approval of this guest software has run out. The provider must run a newer one.
        #[codec(index = 16)]
        MeasurementExpired,
        /// The customer's policy names other guest software. The provider must run one that the policy names.
        #[codec(index = 17)]
        MeasurementNotInPolicy,
        /// This chip is denied. The provider must use another machine, and ask the council why.
        #[codec(index = 18)]
        ChipDenied,
        /// This chip is not denied.
        #[codec(index = 19)]
        ChipNotDenied,
        /// The time given is over already. To end an approval now, withdraw it.
        #[codec(index = 20)]
        AlreadyOver,
        /// As many measurements are approved as there may be. Withdraw one that nobody needs.
        #[codec(index = 21)]
        TooManyMeasurements,
        /// As many chips are denied as there may be. Allow one that no longer matters, or raise the floor instead.
        #[codec(index = 22)]
        TooManyDeniedChips,
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

    /// The calls, all of them the council's. Evidence comes in through the pallet of jobs.
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
        pub fn set_roots(origin: OriginFor<T>, tee: Tee, product: Product, root: Certificate, issuer: Certificate) -> DispatchResult {
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

        /// Withdraw guest software at once. The sessions that rest on its approval lapse.
        ///
        /// Origin: the council.
        ///
        /// * `measurement`: the software's launch measurement.
        ///
        /// Fails with `MeasurementNotApproved`. Emits `MeasurementWithdrawn`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw_measurement())]
        pub fn withdraw_measurement(origin: OriginFor<T>, measurement: Measurement) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_withdraw_measurement(measurement)
        }

        /// Deny a chip, for instance because its keys were extracted. Its sessions lapse.
        ///
        /// Origin: the council.
        ///
        /// * `chip`: SHA-256 of the chip's 64-byte identity.
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
        /// * `chip`: SHA-256 of the chip's 64-byte identity.
        ///
        /// Fails with `ChipNotDenied`. Emits `ChipAllowed`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::allow_chip())]
        pub fn allow_chip(origin: OriginFor<T>, chip: Digest) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_allow_chip(chip)
        }

        /// Set the lowest acceptable firmware of a product, or remove it, after which nothing is accepted. Sessions below it lapse.
        ///
        /// Origin: the council.
        ///
        /// * `tee`, `product`: for which hardware.
        /// * `floor`: the lowest acceptable level, part by part; none to remove it.
        ///
        /// Fails with `UnsupportedTee`, `SimulationRefused`. Emits `FloorSet`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_floor())]
        pub fn set_floor(origin: OriginFor<T>, tee: Tee, product: Product, floor: Option<Tcb>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_floor(tee, product, floor)
        }
    }
}
