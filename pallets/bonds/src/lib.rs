// Declarations of the bonds pallet: configuration, storage, calls, events and errors.
//
// Not here: what the calls do (`calls`), how covers are reserved (`cover`), what must always hold (`invariants`).
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
mod cover;
mod invariants;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::{Bond, Cover, CoverOf, Flows, Unbonding};
pub use weights::WeightInfo;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod pallet {
    use super::{CoverOf, WeightInfo, types::*};
    use blockcloud_primitives::{Balance, JobId, Moment};
    use frame_support::{
        pallet_prelude::*,
        traits::{Time, fungible::hold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::AccountId32;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Liability: a provider's bond, cover reserved per job, unbonding with a delay.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32, RuntimeEvent: From<Event<Self>>> {
        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// The money that bonds are made of.
        type Currency: hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>;

        /// The chain's clock, Unix milliseconds.
        type Time: Time<Moment = Moment>;

        /// Seconds from `unbond` until the money may be withdrawn.
        #[pallet::constant]
        type UnbondingDelay: Get<u32>;

        /// The least that a bond may stand at. It keeps the storage from being filled with bonds of dust.
        #[pallet::constant]
        type MinimumBond: Get<Balance>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why money is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is a provider's bond.
        #[codec(index = 0)]
        Bond,
    }

    /// Bonds by principal.
    #[pallet::storage]
    pub type Bonds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Bond>;

    /// The cover of each job that has one.
    #[pallet::storage]
    pub type Covers<T: Config> = StorageMap<_, Twox64Concat, JobId, CoverOf<T>>;

    /// What has been bonded and withdrawn since genesis.
    #[pallet::storage]
    pub type Totals<T: Config> = StorageValue<_, Flows, ValueQuery>;

    /// What happened. Together the events rebuild the state.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A principal locked more money as its bond.
        #[codec(index = 0)]
        Bonded {
            /// Who.
            principal: T::AccountId,
            /// How much was added.
            amount: Balance,
            /// The whole bond afterwards.
            total: Balance,
        },
        /// A part of a bond is on its way out and covers nothing any more.
        #[codec(index = 1)]
        Unbonded {
            /// Who.
            principal: T::AccountId,
            /// How much.
            amount: Balance,
            /// From when on it may be withdrawn.
            at: Moment,
        },
        /// Unbonded money was released.
        #[codec(index = 2)]
        Withdrawn {
            /// Who.
            principal: T::AccountId,
            /// How much.
            amount: Balance,
            /// The whole bond afterwards.
            total: Balance,
        },
        /// A part of a bond now covers a job.
        #[codec(index = 3)]
        Reserved {
            /// The job.
            job: JobId,
            /// Whose bond.
            principal: T::AccountId,
            /// In whose favour.
            obligee: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// A job's cover is free again.
        #[codec(index = 4)]
        Released {
            /// The job.
            job: JobId,
            /// Whose bond.
            principal: T::AccountId,
            /// How much.
            amount: Balance,
        },
    }

    /// What is wrong, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// The amount is zero. Name the amount that is meant.
        #[codec(index = 0)]
        ZeroAmount,
        /// What stands would be more than nothing and less than the minimum bond. Bond more, or unbond all that stands.
        #[codec(index = 1)]
        BelowMinimum,
        /// This account has no bond. Bond first.
        #[codec(index = 2)]
        NoBond,
        /// So much of the bond is not free. Wait until jobs close, or take less.
        #[codec(index = 3)]
        NotFree,
        /// Too many portions are unbonding at once. Withdraw those that are due, or wait.
        #[codec(index = 4)]
        TooManyUnbondings,
        /// Nothing is due yet. Wait until the time that `Unbonded` named.
        #[codec(index = 5)]
        NothingDue,
        /// This job already has a cover.
        #[codec(index = 6)]
        AlreadyCovered,
        /// The provider's bond has not so much free. Choose another offer or a lower cover.
        #[codec(index = 7)]
        InsufficientBond,
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
        /// Locks `amount` of the caller's money as its bond, or adds it to the bond that stands.
        ///
        /// Origin: signed by the principal.
        ///
        /// * `amount`: what is added, in smallest units.
        ///
        /// Errors: `ZeroAmount`; `BelowMinimum`; the currency's own if the money is not there. Event: `Bonded`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            let principal = ensure_signed(origin)?;
            Self::do_bond(principal, amount)
        }

        /// Takes `amount` out of the free part of the caller's bond; it may be withdrawn after the unbonding delay.
        ///
        /// Origin: signed by the principal.
        ///
        /// * `amount`: what is to leave, in smallest units.
        ///
        /// Errors: `ZeroAmount`; `NoBond`; `NotFree`; `BelowMinimum`; `TooManyUnbondings`. Event: `Unbonded`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            let principal = ensure_signed(origin)?;
            Self::do_unbond(principal, amount)
        }

        /// Releases all of the caller's unbonded money whose delay is over.
        ///
        /// Origin: signed by the principal.
        ///
        /// Errors: `NoBond`; `NothingDue`. Event: `Withdrawn`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
            let principal = ensure_signed(origin)?;
            Self::do_withdraw(principal)
        }
    }
}
