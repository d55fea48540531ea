#![doc = include_str!("../README.md")]
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
mod invariants;
#[cfg(test)]
mod mock;
mod session;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Name, Validator, ValidatorOf};
pub use weights::WeightInfo;

/// The declarations; the logic is in the modules beside this one, where the lints hold that the code generated here does not meet.
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::{boxed::Box, vec::Vec};
    use frame_support::{
        dispatch::GetDispatchInfo,
        pallet_prelude::*,
        traits::{UnfilteredDispatchable, ValidatorRegistration},
    };
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// What the pallet asks of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Any call of the runtime, for [`Call::enact`].
        type RuntimeCall: Parameter
            + UnfilteredDispatchable<RuntimeOrigin = Self::RuntimeOrigin>
            + GetDispatchInfo
            + From<frame_system::Call<Self>>;
        /// Who decides about validators and root: the council's motion.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Knows whether an account has set session keys.
        type Registration: ValidatorRegistration<Self::AccountId>;
        /// Most validators that the list holds.
        #[pallet::constant]
        type MaxValidators: Get<u32>;
        /// Prepares accounts for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
        /// Measured weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// The validators, in the order in which they joined.
    #[pallet::storage]
    pub type Validators<T: Config> = StorageValue<_, BoundedVec<ValidatorOf<T>, T::MaxValidators>, ValueQuery>;

    /// The set that was last handed to the session pallet.
    #[pallet::storage]
    pub type Planned<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

    /// The validators of the first block.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Accounts and names. Must fit the bound, without doubles; each account needs keys in the session pallet's genesis.
        pub validators: Vec<(T::AccountId, Name)>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for (account, name) in &self.validators {
                if let Err(error) = Pallet::<T>::insert(account.clone(), name.clone()) {
                    // A chain must not start with another validator set than its specification names.
                    panic!("validator {account:?} ({name}): {error:?}");
                }
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A company became a validator, from the session after next.
        #[codec(index = 0)]
        ValidatorAdded {
            /// Its account.
            account: T::AccountId,
            /// Its name.
            name: Name,
        },
        /// A company stops being a validator, from the session after next.
        #[codec(index = 1)]
        ValidatorRemoved {
            /// Its account.
            account: T::AccountId,
            /// Its name.
            name: Name,
        },
        /// A call was carried out as root.
        #[codec(index = 2)]
        Enacted {
            /// Hash of the encoded call.
            call: T::Hash,
        },
    }

    /// Why a call was refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The account is a validator already. To change its name, remove it and add it again.
        #[codec(index = 0)]
        AlreadyValidator,
        /// The account is not a validator. `consortium.validators` lists them.
        #[codec(index = 1)]
        NotValidator,
        /// Another validator bears this name. Choose a name that tells the two apart.
        #[codec(index = 2)]
        NameTaken,
        /// The name is empty. Give the company's name.
        #[codec(index = 3)]
        NoName,
        /// The account has no session keys, so it could not author blocks. It must send `session.setKeys` first.
        #[codec(index = 4)]
        KeysNotSet,
        /// The list is full. Remove a validator first.
        #[codec(index = 5)]
        TooManyValidators,
        /// The chain would be left without a validator. Add its successor first.
        #[codec(index = 6)]
        LastValidator,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            Self::check_config();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Make a company a validator, from the session after next.
        ///
        /// Origin: the council's motion. Parameters: `account`, which must have set session keys; `name`, the company's name, borne by no
        /// other validator. Errors: [`Error::KeysNotSet`], [`Error::AlreadyValidator`], [`Error::NameTaken`], [`Error::NoName`],
        /// [`Error::TooManyValidators`]. Event: [`Event::ValidatorAdded`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::add_validator())]
        pub fn add_validator(origin: OriginFor<T>, account: T::AccountId, name: Name) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_add_validator(account, name)
        }

        /// Take a company off the list of validators, from the session after next.
        ///
        /// Origin: the council's motion. Parameters: `account`, a validator's. Errors: [`Error::NotValidator`], [`Error::LastValidator`].
        /// Event: [`Event::ValidatorRemoved`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::remove_validator())]
        pub fn remove_validator(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_validator(account)
        }

        /// Carry out a call as root: upgrade the runtime, change the council, set a parameter.
        ///
        /// Origin: the council's motion. Parameters: `call`, any call. Errors: those of the call. Event: [`Event::Enacted`].
        #[pallet::call_index(2)]
        #[pallet::weight({
            let inner = call.get_dispatch_info();
            (T::WeightInfo::enact().saturating_add(inner.call_weight), inner.class)
        })]
        pub fn enact(origin: OriginFor<T>, call: Box<<T as Config>::RuntimeCall>) -> DispatchResultWithPostInfo {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_enact(*call)
        }
    }
}
