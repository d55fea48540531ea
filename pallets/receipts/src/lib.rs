#![doc = include_str!("../README.md")]
//! This file declares the pallet: storage, calls, events, errors. How a checkpoint is judged is in `calls`, rounds are in `rounds`, proofs of equivocation in
//! `equivocation`, what others may read in `views`, what is asked of neighbours in [`traits`].
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
mod equivocation;
mod invariants;
#[cfg(test)]
mod mock;
mod rounds;
#[cfg(test)]
mod tests;
pub mod traits;
mod types;
mod views;
pub mod weights;

pub use pallet::*;
pub use traits::{OnCheckpoint, OnEquivocation, Parties, Sessions};
pub use types::{Aggregator, Committed, Log, Place, RoundLog, Side, Source};
pub use weights::WeightInfo;

/// How many rounds of each aggregator are kept, so that checkpoints can be brought through them.
pub const KEPT_ROUNDS: u32 = 256;
/// How many aggregators each side of a job may register it with.
pub const PER_SIDE: u32 = 2;
/// How many aggregators a job may be registered with: both sides' together.
pub const PER_JOB: u32 = 4;

/// A stored aggregator of this runtime.
pub type AggregatorOf<T> = Aggregator<<T as frame_system::Config>::AccountId>;
/// A stored source of this runtime.
pub type SourceOf<T> = Source<<T as frame_system::Config>::AccountId>;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares.
/// The pallet.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::large_enum_variant)]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use blockcloud_primitives::{
        AggregatorId, Balance, Checkpoint, Contradiction, Digest, Equivocation, Head, JobId, List, Moment, PublicKey, Round, Signature,
        SlotEntry,
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{Time, fungible},
    };
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
        /// The overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;
        /// The money that deposits are held in.
        type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>;
        /// The chain's clock.
        type Time: Time<Moment = Moment>;
        /// Which key speaks for a job's guest.
        type Sessions: Sessions;
        /// Who is told of an accepted checkpoint, and may refuse it.
        type OnCheckpoint: OnCheckpoint;
        /// Whose a job is: only its parties register it with aggregators.
        type Parties: Parties<Self::AccountId>;
        /// Who is told that a job's guest signed two histories.
        type OnEquivocation: OnEquivocation;
        /// Deposit for each stored record.
        #[pallet::constant]
        type DepositBase: Get<Balance>;
        /// Deposit for each stored byte.
        #[pallet::constant]
        type DepositPerByte: Get<Balance>;
        /// What an aggregator stakes besides: burnt with its deposit if it signs two rounds of one number.
        #[pallet::constant]
        type Stake: Get<Balance>;
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

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// An aggregator's stake, and the price of what it makes the chain store; returns when it retires.
        #[codec(index = 0)]
        Aggregator,
        /// For a job's registration with an aggregator; returns when that is withdrawn.
        #[codec(index = 1)]
        Source,
    }

    /// The next aggregator's id.
    #[pallet::storage]
    pub type NextAggregator<T> = StorageValue<_, AggregatorId, ValueQuery>;

    /// The aggregators that are not retired.
    #[pallet::storage]
    pub type Aggregators<T: Config> = StorageMap<_, Twox64Concat, AggregatorId, AggregatorOf<T>>;

    /// What each of them has committed altogether.
    #[pallet::storage]
    pub type RoundLogs<T> = StorageMap<_, Twox64Concat, AggregatorId, RoundLog, ValueQuery>;

    /// The last [`KEPT_ROUNDS`] rounds of each aggregator, by the remainder of the number.
    #[pallet::storage]
    pub type Rounds<T> = StorageDoubleMap<_, Twox64Concat, AggregatorId, Twox64Concat, u32, Committed>;

    /// The registered sources, by aggregator and slot.
    #[pallet::storage]
    pub type Sources<T: Config> = StorageDoubleMap<_, Twox64Concat, AggregatorId, Twox64Concat, u32, SourceOf<T>>;

    /// Where each job is registered.
    #[pallet::storage]
    pub type Places<T> = StorageMap<_, Twox64Concat, JobId, List<Place, PER_JOB>, ValueQuery>;

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
        /// An aggregator was registered.
        #[codec(index = 3)]
        AggregatorRegistered {
            /// Its id.
            aggregator: AggregatorId,
            /// Who registered it.
            owner: T::AccountId,
            /// The key that signs its rounds.
            key: PublicKey,
            /// Its tree has 2^height slots.
            height: u8,
            /// What is held of the owner.
            deposit: Balance,
        },
        /// An aggregator was retired: its deposit returned unless it was burnt, and nothing of it is stored any more.
        #[codec(index = 4)]
        AggregatorRetired {
            /// Which.
            aggregator: AggregatorId,
        },
        /// A job got a slot with an aggregator.
        #[codec(index = 5)]
        SourceRegistered {
            /// The aggregator.
            aggregator: AggregatorId,
            /// The slot.
            slot: u32,
            /// The job.
            job: JobId,
            /// Who registered it.
            holder: T::AccountId,
            /// Number of the first round in which the slot is the job's.
            from: u64,
            /// What is held of the holder.
            deposit: Balance,
        },
        /// A job gave its slot up, or was cleared away; the holder got its deposit back.
        #[codec(index = 6)]
        SourceWithdrawn {
            /// The aggregator.
            aggregator: AggregatorId,
            /// The slot.
            slot: u32,
            /// The job.
            job: JobId,
        },
        /// An aggregator's round was committed.
        #[codec(index = 7)]
        RoundCommitted {
            /// The round.
            round: Round,
            /// Receipts that all of the aggregator's rounds together vouch for.
            receipts: u64,
        },
        /// The checkpoint of the `Advanced` before this came through a round.
        #[codec(index = 8)]
        CameInRound {
            /// The job.
            job: JobId,
            /// Whose round it was.
            aggregator: AggregatorId,
            /// The round's number.
            number: u64,
            /// The slot in which it stood.
            slot: u32,
        },
        /// A job's guest was proved to have signed two histories of its log. Nothing more is accepted of it.
        #[codec(index = 9)]
        LogEquivocated {
            /// The job.
            job: JobId,
            /// The receipt key that signed both.
            key: PublicKey,
            /// Why they cannot both be true.
            contradiction: Contradiction,
            /// SHA-256 of the proof's SCALE encoding, which stands in the block.
            proof: Digest,
        },
        /// An aggregator was proved to have signed two rounds of one number. It commits none any more; its sources may leave.
        #[codec(index = 10)]
        AggregatorStopped {
            /// Which.
            aggregator: AggregatorId,
            /// The number that it signed twice.
            number: u64,
            /// How much of its deposit was burnt.
            burnt: Balance,
            /// SHA-256 of the proof's SCALE encoding, which stands in the block.
            proof: Digest,
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
        /// The checkpoint, slot or round has a layout that this chain does not know. Use the programs that belong to this chain.
        #[codec(index = 3)]
        UnsupportedVersion,
        /// The signature is not by the receipt key of the job's session or by the aggregator's key, or was made for another chain or other content.
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
        /// The guest was proved to have signed two histories of this log. Nothing more is accepted of it.
        #[codec(index = 13)]
        Equivocated,
        /// There is no such aggregator, or it was retired.
        #[codec(index = 14)]
        UnknownAggregator,
        /// Only the account that registered the aggregator may do this.
        #[codec(index = 15)]
        NotOwner,
        /// A tree of slots is at most 30 levels high.
        #[codec(index = 16)]
        TooHigh,
        /// All ids of aggregators are used.
        #[codec(index = 17)]
        NoIdsLeft,
        /// The aggregator still has sources. They are withdrawn by their holders, or by anyone once their job's log is closed.
        #[codec(index = 18)]
        SourcesLeft,
        /// The aggregator was proved to have signed two rounds of one number and commits none any more. Register the job with another.
        #[codec(index = 19)]
        Stopped,
        /// Only the job's customer or provider may register it with an aggregator.
        #[codec(index = 20)]
        NotParty,
        /// The job is registered with this aggregator already.
        #[codec(index = 21)]
        AlreadyRegistered,
        /// This side of the job has registered it with as many aggregators as it may. Withdraw it from one first.
        #[codec(index = 22)]
        TooManyPlaces,
        /// Every slot of the aggregator was given out once. Name one that is vacant again.
        #[codec(index = 23)]
        NoUnusedSlot,
        /// The named slot was never given out, or is taken. Name none to get an unused one.
        #[codec(index = 24)]
        NotVacant,
        /// No job is registered in this slot.
        #[codec(index = 25)]
        UnknownSource,
        /// Only who registered the job with the aggregator may withdraw it, as long as the job's log is open and the aggregator not stopped.
        #[codec(index = 26)]
        NotHolder,
        /// The round's number is not the next: it was committed already, or one before it is missing.
        #[codec(index = 27)]
        WrongNumber,
        /// The aggregator has committed as many rounds as its log may hold. Register another.
        #[codec(index = 28)]
        NoNumbersLeft,
        /// The round's time is not after that of the round before it.
        #[codec(index = 29)]
        RoundTimeStoodStill,
        /// The round's time is too far ahead of the chain's clock. Correct the aggregator's clock; commit the same round when its time has come.
        #[codec(index = 30)]
        RoundFromTheFuture,
        /// The round's time is too far behind the chain's clock. Sign the same slots once more with the present time.
        #[codec(index = 31)]
        RoundTooOld,
        /// The round claims more filled slots than were ever given out.
        #[codec(index = 32)]
        TooManyFilled,
        /// The round claims receipts without a filled slot.
        #[codec(index = 33)]
        ReceiptsOfNobody,
        /// The sum of the aggregator's receipts is beyond what can be counted.
        #[codec(index = 34)]
        TooManyReceipts,
        /// The round was never committed, or is no longer one of the last 256 of its aggregator. Bring the checkpoint through a newer one, or directly.
        #[codec(index = 35)]
        RoundNotKept,
        /// The slot is another job's.
        #[codec(index = 36)]
        SlotOfAnother,
        /// The slot was not the job's yet in this round. Use a later round.
        #[codec(index = 37)]
        SlotNotYetGiven,
        /// The path does not lead from this checkpoint in this slot to the round's root.
        #[codec(index = 38)]
        NotInRound,
        /// The two can both be true: they are of different jobs, aggregators or numbers, or say nothing against each other.
        #[codec(index = 39)]
        NoContradiction,
        /// It was reported before: the job's log is ended, or the aggregator stopped.
        #[codec(index = 40)]
        AlreadyReported,
        /// The path does not prove that the chain took the other round. Make it for the aggregator's log of rounds as it now is.
        #[codec(index = 41)]
        NotCommitted,
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

        /// Become an aggregator: commit rounds of many logs' checkpoints under a key.
        ///
        /// Origin: any signed account, which becomes the owner. A deposit is held: the stake, and the price of what the chain will store.
        ///
        /// * `key`: the ed25519 key that will sign the rounds.
        /// * `height`: the tree has 2^height slots; at most 30.
        ///
        /// Fails with `TooHigh`, `NoIdsLeft`, or if the owner cannot pay. Emits `AggregatorRegistered`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::register_aggregator())]
        pub fn register_aggregator(origin: OriginFor<T>, key: PublicKey, height: u8) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register_aggregator(owner, key, height)
        }

        /// Stop being an aggregator, and get the deposit back.
        ///
        /// Origin: the owner; any signed account if the aggregator was stopped.
        ///
        /// * `aggregator`: which.
        ///
        /// Fails with `UnknownAggregator`, `NotOwner`, `SourcesLeft`. Emits `AggregatorRetired`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::retire_aggregator())]
        pub fn retire_aggregator(origin: OriginFor<T>, aggregator: AggregatorId) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_retire_aggregator(&caller, aggregator)
        }

        /// Give a job a slot with an aggregator.
        ///
        /// Origin: the job's customer or provider. A deposit is held.
        ///
        /// * `aggregator`: with which.
        /// * `job`: its log must be open.
        /// * `vacant`: a slot that was given out before and is vacant again, which is the job's from the round after the next on; none for an unused slot,
        ///   which is the job's from the next round on.
        ///
        /// Fails with `NotParty`, `NoLog`, `Equivocated`, `UnknownAggregator`, `Stopped`, `AlreadyRegistered`, `TooManyPlaces`, `NotVacant`, `NoUnusedSlot`,
        /// or if the caller cannot pay. Emits `SourceRegistered`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::register_source().saturating_add(T::Parties::weight()))]
        pub fn register_source(origin: OriginFor<T>, aggregator: AggregatorId, job: JobId, vacant: Option<u32>) -> DispatchResult {
            let holder = ensure_signed(origin)?;
            let side = T::Parties::side(job, &holder).ok_or(Error::<T>::NotParty)?;
            Self::do_register_source(holder, side, aggregator, job, vacant)
        }

        /// Give a slot up; whoever registered the job gets the deposit back.
        ///
        /// Origin: who registered the job there; any signed account once the job's log is closed or the aggregator stopped.
        ///
        /// * `aggregator`, `slot`: which.
        ///
        /// Fails with `UnknownSource`, `NotHolder`. Emits `SourceWithdrawn`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::withdraw_source())]
        pub fn withdraw_source(origin: OriginFor<T>, aggregator: AggregatorId, slot: u32) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_withdraw_source(&caller, aggregator, slot)
        }

        /// Bring an aggregator's next round.
        ///
        /// Origin: any signed account; the aggregator's signature is what counts.
        ///
        /// * `round`: number, root and counts, as the aggregator signed them.
        /// * `signature`: by the aggregator's key.
        ///
        /// Fails with `UnknownAggregator`, `Stopped`, `UnsupportedVersion`, `BadSignature`, `WrongNumber`, `NoNumbersLeft`, `RoundTimeStoodStill`,
        /// `RoundFromTheFuture`, `RoundTooOld`, `TooManyFilled`, `ReceiptsOfNobody`, `TooManyReceipts`. Emits `RoundCommitted`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::commit_round())]
        pub fn commit_round(origin: OriginFor<T>, round: Round, signature: Signature) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_commit_round(round, &signature)
        }

        /// Bring a job's next checkpoint out of a round that was committed. It counts as if it had been brought directly at that moment.
        ///
        /// Origin: any signed account; the signatures are what counts.
        ///
        /// * `aggregator`, `number`: the round, one of the last 256.
        /// * `slot`: the job's.
        /// * `entry`: what stands in it: the checkpoint with the guest's signature.
        /// * `path`: from the slot to the round's root, lowest first.
        /// * `proof`: RFC 9162 consistency proof from the head's size to the checkpoint's; empty for the first checkpoint.
        ///
        /// Fails as `checkpoint` does, and with `UnknownAggregator`, `RoundNotKept`, `UnknownSource`, `SlotOfAnother`, `SlotNotYetGiven`, `NotInRound`.
        /// Emits `Advanced` and `CameInRound`.
        #[pallet::call_index(6)]
        #[pallet::weight(Pallet::<T>::checkpoint_in_round_weight(path.len().saturated_into(), proof.len().saturated_into()))]
        pub fn checkpoint_in_round(
            origin: OriginFor<T>,
            aggregator: AggregatorId,
            number: u64,
            slot: u32,
            entry: SlotEntry,
            path: List<Digest, 30>,
            proof: List<Digest, 64>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_checkpoint_in_round(aggregator, number, slot, &entry, &path, &proof)
        }

        /// Prove that a guest or an aggregator signed two things that cannot both be true. Costs nothing if it is so.
        ///
        /// Origin: any signed account.
        ///
        /// * `proof`: both, with their signatures. Two checkpoints end the job; two rounds stop the aggregator and burn its deposit.
        ///
        /// Fails with `NoContradiction`, `AlreadyReported`, `UnsupportedVersion`, `BadSignature`, `NoLog`, `NoSession`, `UnknownAggregator`, `NotCommitted`.
        /// Emits `LogEquivocated` or `AggregatorStopped`.
        #[pallet::call_index(7)]
        #[pallet::weight(Pallet::<T>::report_weight(proof))]
        pub fn report_equivocation(origin: OriginFor<T>, proof: Box<Equivocation>) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_report(&proof)?;
            Ok(Pays::No.into())
        }
    }
}
