#![doc = include_str!("../README.md")]
//! This file declares the pallet: storage, calls, events, errors. The checks are in `calls`, what is asked of neighbours in [`traits`].
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
#[cfg(test)]
mod tests;
pub mod traits;
mod types;
pub mod weights;

pub use pallet::*;
pub use traits::{OnCheckpoint, Sessions};
pub use types::Log;
pub use weights::WeightInfo;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
/// The pallet.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::large_enum_variant)]
pub mod pallet {
    use super::*;
    use blockcloud_primitives::{Checkpoint, Digest, Head, JobId, List, Moment, Signature};
    use frame_support::{pallet_prelude::*, traits::Time};
    use frame_system::pallet_prelude::*;
    use sp_core::H256;
    use sp_runtime::{AccountId32, SaturatedConversion};

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
        /// Which key speaks for a job's guest.
        type Sessions: Sessions;
        /// Who is told of an accepted checkpoint, and may refuse it.
        type OnCheckpoint: OnCheckpoint;
        /// By how many seconds a checkpoint's clock may lag behind the chain's.
        #[pallet::constant]
        type MaxAge: Get<u32>;
        /// By how many seconds a checkpoint's clock may be ahead of the chain's.
        #[pallet::constant]
        type MaxAhead: Get<u32>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// The open logs: one for each attested job.
    #[pallet::storage]
    pub type Logs<T: Config> = StorageMap<_, Twox64Concat, JobId, Log>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A job's log was opened; it has no head yet.
        #[codec(index = 0)]
        Opened {
            /// The job.
            job: JobId,
        },
        /// A checkpoint was accepted.
        #[codec(index = 1)]
        Advanced {
            /// The job.
            job: JobId,
            /// Its log's new head.
            head: Head,
        },
        /// A job's log was closed and forgotten; its last head stays provable from this event.
        #[codec(index = 2)]
        Closed {
            /// The job.
            job: JobId,
            /// The last head, if there ever was one.
            head: Option<Head>,
        },
    }

    /// Why a call was refused.
    #[pallet::error]
    pub enum Error<T> {
        /// No log is open for this job: it is not attested yet, already closed, or never existed. Check the job's number and state.
        #[codec(index = 0)]
        NoLog,
        /// A log is already open for this job.
        #[codec(index = 1)]
        LogExists,
        /// The job has no live attestation session: its evidence is missing, expired or was withdrawn. Attest the guest first.
        #[codec(index = 2)]
        NoSession,
        /// The checkpoint has a layout that this chain does not know. Use the guest that belongs to this chain.
        #[codec(index = 3)]
        UnsupportedVersion,
        /// The signature is not by the receipt key of the job's session, or was made for another job, another chain or other content.
        #[codec(index = 4)]
        BadSignature,
        /// The checkpoint vouches for no receipt at all. Send the first one once the log has a receipt.
        #[codec(index = 5)]
        Empty,
        /// The checkpoint's clock is too far ahead of the chain's. Correct the guest's clock.
        #[codec(index = 6)]
        FromTheFuture,
        /// The checkpoint's clock is too far behind the chain's. Submit checkpoints when they are made; let the guest sign a new one.
        #[codec(index = 7)]
        TooOld,
        /// The log is smaller than it was: receipts were taken away. The guest signed a log that lost its end.
        #[codec(index = 8)]
        Shrunk,
        /// The log has another history than the chain knows: same size, different root. The guest signed two logs for one job.
        #[codec(index = 9)]
        Forked,
        /// The checkpoint is not newer than the head: it was accepted before, or was overtaken. Submit the latest one.
        #[codec(index = 10)]
        Stale,
        /// A usage counter is lower than at the head. Counters only grow.
        #[codec(index = 11)]
        UsageShrunk,
        /// The proof does not lead from the head to the new root. Make it for exactly these two sizes; if it fails then, the history was changed.
        #[codec(index = 12)]
        Inconsistent,
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

    /// The calls.
    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Bring a job's next checkpoint.
        ///
        /// Origin: any signed account; the guest's signature is what counts.
        ///
        /// * `checkpoint`: the log's new state, as the guest signed it.
        /// * `signature`: by the receipt key of the job's session.
        /// * `proof`: RFC 9162 consistency proof from the head's size to the checkpoint's; empty for the first checkpoint.
        ///
        /// Fails with any of this pallet's errors except `LogExists`, or with the reason why the job does not take a checkpoint now.
        /// Emits `Advanced`.
        #[pallet::call_index(0)]
        #[pallet::weight(Pallet::<T>::checkpoint_weight(proof.len().saturated_into()))]
        pub fn checkpoint(origin: OriginFor<T>, checkpoint: Checkpoint, signature: Signature, proof: List<Digest, 64>) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_checkpoint(checkpoint, signature, &proof)
        }
    }
}
