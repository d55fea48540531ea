#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)
)]

extern crate alloc;

pub mod accrual;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod checks;
mod deadlines;
mod escrow;
mod invariants;
#[cfg(test)]
mod mock;
mod queue;
mod service;
#[cfg(test)]
mod tests;
pub mod traits;
mod types;
mod views;
pub mod weights;

pub use pallet::*;
pub use types::{Flows, Graces, Job, Run};
pub use weights::WeightInfo;

/// A stored job of this runtime.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId>;

// The macro's own expansion converts, expects and calculates; what is written here by hand only declares. `complete` makes the enum of calls large; it
// is far below the 1024 bytes that `pallet-utility` bears.
/// Declarations only: what is stored, asked, answered, told. What a call does is in `calls.rs`.
#[frame_support::pallet]
#[allow(clippy::expect_used, clippy::as_conversions, clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::large_enum_variant)]
pub mod pallet {
    use super::*;
    use crate::traits::{Attester, Capacity, Cover, Logs};
    use alloc::boxed::Box;
    use blockcloud_primitives::{
        Balance, Blob, Completion, Digest, End, Evidence, Exit, JobId, JobSpec, Lapse, List, Moment, OfferId, Receipt, Signature,
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{Time, fungible},
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::AccountId32;

    /// Entries that one second of the queue holds; what does not fit goes to a following second.
    pub const PER_SECOND: u32 = 128;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the runtime decides. Durations are whole seconds.
    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32, RuntimeEvent: From<Event<Self>>> {
        /// The overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;
        /// The money that escrow and deposits are held in.
        type Currency: fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>;
        /// The chain's clock.
        type Time: Time<Moment = Moment>;
        /// Who sells capacity.
        type Capacity: Capacity<Self::AccountId>;
        /// Who stands behind a provider.
        type Cover: Cover<Self::AccountId>;
        /// Who verifies evidence.
        type Attester: Attester<Self::AccountId>;
        /// Who keeps the heads of receipt logs.
        type Logs: Logs;
        /// Time for the provider to accept a job.
        #[pallet::constant]
        type AcceptWithin: Get<u32>;
        /// Time from acceptance to valid evidence.
        #[pallet::constant]
        type AttestWithin: Get<u32>;
        /// Time from the first valid evidence to the first checkpoint.
        #[pallet::constant]
        type StartWithin: Get<u32>;
        /// How long after the policy's gap a running job may be silent before it ends. Not paid.
        #[pallet::constant]
        type SilenceGrace: Get<u32>;
        /// How long after the paid time is over the last checkpoint and the completion may still come. Keep it short: work in it is not paid.
        #[pallet::constant]
        type LastWordGrace: Get<u32>;
        /// How long the cover of a job that was attested stays reserved after its end.
        #[pallet::constant]
        type ClaimWindow: Get<u32>;
        /// Smallest checkpoint gap that a policy may ask for.
        #[pallet::constant]
        type MinCheckpointGap: Get<u32>;
        /// Largest checkpoint gap that a policy may ask for.
        #[pallet::constant]
        type MaxCheckpointGap: Get<u32>;
        /// Longest time that a policy may let a suspended job wait for new evidence.
        #[pallet::constant]
        type MaxSuspensionGrace: Get<u32>;
        /// Seconds of running, or the longest run where that is less, which the escrow must pay for.
        #[pallet::constant]
        type MinPaidTime: Get<u32>;
        /// Deposit for a stored job.
        #[pallet::constant]
        type DepositBase: Get<Balance>;
        /// Deposit for each stored byte of a job.
        #[pallet::constant]
        type DepositPerByte: Get<Balance>;
        /// Most queue entries that one block processes.
        #[pallet::constant]
        type MaxDuePerBlock: Get<u32>;
        /// Weights of the calls and of the service.
        type WeightInfo: WeightInfo;
        /// Brings the neighbours into the states that benchmarks start from.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Why money of a customer is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Pay for a job: goes to its provider as it is earned, the rest returns.
        #[codec(index = 0)]
        Escrow,
        /// For the bytes that a job's record and spec take; returns when the job is closed.
        #[codec(index = 1)]
        Deposit,
    }

    /// The next job's id.
    #[pallet::storage]
    pub type NextJob<T> = StorageValue<_, JobId, ValueQuery>;

    /// Every job that is not closed.
    #[pallet::storage]
    pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

    /// The specs of these jobs.
    #[pallet::storage]
    pub type Specs<T> = StorageMap<_, Twox64Concat, JobId, JobSpec>;

    /// The jobs of an account, as customer or provider. The second key is the id in big-endian order, so that iterating goes by age.
    #[pallet::storage]
    pub type JobsOf<T: Config> = StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 8], ()>;

    /// The queue of deadlines: one entry for every stored job, in the second (Unix time) in which it is looked at.
    #[pallet::storage]
    pub type Due<T> = StorageMap<_, Twox64Concat, u64, List<JobId, PER_SECOND>, ValueQuery>;

    /// The first second of the queue that is not drained; absent before the first job.
    #[pallet::storage]
    pub type Cursor<T> = StorageValue<_, u64>;

    /// Everything that ever went through the escrow.
    #[pallet::storage]
    pub type TotalFlows<T> = StorageValue<_, Flows, ValueQuery>;

    /// What happened to jobs and their money.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A job was placed: capacity, cover and escrow are locked.
        #[codec(index = 0)]
        Placed {
            /// The job.
            job: JobId,
            /// Who placed it.
            customer: T::AccountId,
            /// Who is to run it.
            provider: T::AccountId,
            /// Under which offer.
            offer: OfferId,
            /// Terms hash of its spec.
            terms: Digest,
            /// Price per second.
            rate: Balance,
            /// What was locked for its pay.
            escrow: Balance,
            /// What was locked for its stored bytes.
            deposit: Balance,
            /// Until when it must be accepted.
            deadline: Moment,
        },
        /// The provider accepted.
        #[codec(index = 1)]
        Accepted {
            /// The job.
            job: JobId,
            /// Until when it must be attested.
            deadline: Moment,
        },
        /// A guest was attested; the customer may release the key. Told again when a restarted guest replaces it.
        #[codec(index = 2)]
        Attested {
            /// The job.
            job: JobId,
            /// Until when its first checkpoint must come.
            deadline: Moment,
        },
        /// The first checkpoint came: the job runs.
        #[codec(index = 3)]
        Started {
            /// The job.
            job: JobId,
            /// When it ends by itself if no further checkpoint comes.
            deadline: Moment,
        },
        /// A further checkpoint came: pay accrued.
        #[codec(index = 4)]
        Accrued {
            /// The job.
            job: JobId,
            /// Milliseconds for which pay is due, altogether.
            covered_ms: u64,
            /// What is earned, altogether.
            earned: Balance,
            /// When it ends by itself if no further checkpoint comes.
            deadline: Moment,
        },
        /// The customer locked more.
        #[codec(index = 5)]
        ToppedUp {
            /// The job.
            job: JobId,
            /// How much more.
            amount: Balance,
            /// When it ends by itself now.
            deadline: Moment,
        },
        /// Earned pay went to the provider.
        #[codec(index = 6)]
        Paid {
            /// The job.
            job: JobId,
            /// Who was paid.
            provider: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// What was not earned went back to the customer.
        #[codec(index = 7)]
        Returned {
            /// The job.
            job: JobId,
            /// Who got it back.
            customer: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// The guest finished, sealed its output and erased the data. `Ended` follows.
        #[codec(index = 8)]
        Completed {
            /// The job.
            job: JobId,
            /// The sealed output.
            output: Blob,
            /// How the program ended.
            exit: Exit,
        },
        /// The job ended; its capacity is free again.
        #[codec(index = 9)]
        Ended {
            /// The job.
            job: JobId,
            /// Why.
            end: End,
            /// Until when its cover stays reserved.
            claims_until: Moment,
        },
        /// The job is closed: cover and deposit are free, nothing of it is stored.
        #[codec(index = 10)]
        Closed {
            /// The job.
            job: JobId,
        },
        /// A deadline could not be processed and is tried again. Should never be seen.
        #[codec(index = 11)]
        Postponed {
            /// The job.
            job: JobId,
            /// Why.
            error: DispatchError,
        },
        /// Earned pay could not be transferred at the job's end (the account is gone and the amount too small to create it). It stays held until
        /// `settle` succeeds; what is left when the job closes returns to the customer.
        #[codec(index = 12)]
        PayoutFailed {
            /// The job.
            job: JobId,
            /// Who could not be paid.
            provider: T::AccountId,
            /// Why.
            error: DispatchError,
        },
        /// What the job rests on counts no longer: nothing accrues, and it ends unless that changes or new evidence comes in time.
        #[codec(index = 13)]
        Suspended {
            /// The job.
            job: JobId,
            /// Why.
            reason: Lapse,
            /// When it ends otherwise.
            until: Moment,
        },
        /// What the job rests on counts again; pay accrues from here on.
        #[codec(index = 14)]
        Resumed {
            /// The job.
            job: JobId,
            /// Why it was suspended.
            reason: Lapse,
        },
        /// The guest was attested anew.
        #[codec(index = 15)]
        Renewed {
            /// The job.
            job: JobId,
            /// When its session ends now.
            valid_until: Moment,
            /// When the job ends by itself if no further checkpoint comes.
            deadline: Moment,
        },
    }

    /// What is wrong, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such job, or it is closed. Closed jobs are found in events and evidence bundles.
        #[codec(index = 0)]
        UnknownJob,
        /// Only the job's provider may do this. Sign with the account that published the offer.
        #[codec(index = 1)]
        NotProvider,
        /// Only the job's customer may do this. Sign with the account that placed the job.
        #[codec(index = 2)]
        NotCustomer,
        /// Only the job's customer or provider may do this.
        #[codec(index = 3)]
        NotParty,
        /// The job is in a state in which this cannot be done. Read the job's state.
        #[codec(index = 4)]
        WrongState,
        /// The job's deadline has passed: it has ended and is about to be settled. Call `poke` to settle it at once.
        #[codec(index = 5)]
        Overdue,
        /// The job's deadline has not passed and its session is live: there is nothing to do yet.
        #[codec(index = 6)]
        NotDue,
        /// A list of allowed regions, jurisdictions or measurements is empty, which nothing satisfies. Name one, or say `any` or `approved`.
        #[codec(index = 7)]
        EmptyAllowList,
        /// The policy accepts no kind of confidential hardware. Name at least one.
        #[codec(index = 8)]
        NoTee,
        /// A job needs at least one processor and one GiB of memory.
        #[codec(index = 9)]
        NoResources,
        /// The workload may use more memory than the spec reserves. Reserve more or lower its limit.
        #[codec(index = 10)]
        MemoryNotReserved,
        /// The longest run is zero seconds.
        #[codec(index = 11)]
        NoRun,
        /// The policy's checkpoint gap is outside the chain's bounds (constants `MinCheckpointGap` and `MaxCheckpointGap`).
        #[codec(index = 12)]
        CheckpointGapOutOfBounds,
        /// The escrow does not pay for the shortest paid time (constant `MinPaidTime`, or the longest run if less) at the offer's price. Lock more.
        #[codec(index = 13)]
        EscrowTooLow,
        /// The sum is beyond what the chain can count.
        #[codec(index = 14)]
        Overflow,
        /// Too many deadlines fall into these seconds. Try again in a minute.
        #[codec(index = 15)]
        QueueFull,
        /// Nothing is earned that is not paid.
        #[codec(index = 16)]
        NothingToSettle,
        /// The amount is zero.
        #[codec(index = 17)]
        ZeroAmount,
        /// The job's guest has no live attestation session: it is over or was withdrawn.
        #[codec(index = 18)]
        SessionNotLive,
        /// The completion or the receipt has a version that the chain does not know.
        #[codec(index = 19)]
        UnknownVersion,
        /// The completion, the receipt or the checkpoint speaks of another job.
        #[codec(index = 20)]
        WrongJob,
        /// The completion does not rest on the log's head. Submit the final checkpoint first.
        #[codec(index = 21)]
        NotTheHead,
        /// The signature is not one of the attested guest's receipt key over this completion on this chain.
        #[codec(index = 22)]
        BadSignature,
        /// The receipt is not the erase receipt that the completion names.
        #[codec(index = 23)]
        NotErased,
        /// The erase receipt is not proved to be in the log.
        #[codec(index = 24)]
        NotInLog,
        /// All job ids are used.
        #[codec(index = 25)]
        NoIdsLeft,
        /// The policy lets a suspended job wait longer than the chain does (constant `MaxSuspensionGrace`). Ask for less.
        #[codec(index = 26)]
        SuspensionGraceTooLong,
        /// The policy asks for more certifiers behind a chip than a chip can have (four). Ask for fewer.
        #[codec(index = 27)]
        TooManyEndorsements,
        /// The policy lets evidence count for less time than a renewal needs (20 seconds at least, or zero for the chain's own limit). Ask for more.
        #[codec(index = 28)]
        SessionTooShort,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        // Before the transactions of the block, so that full blocks cannot keep deadlines from being processed.
        fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
            Self::drain(meter);
        }

        #[cfg(feature = "std")]
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
        /// Places a job under an offer: reserves capacity and cover and locks the escrow and a deposit, or does nothing.
        ///
        /// Origin: signed, the customer. `offer`: what is taken. `spec`: what is asked for; its hash becomes the job's terms. Errors: those of the
        /// offer's judgement and of the bond, `EmptyAllowList`, `NoTee`, `NoResources`, `MemoryNotReserved`, `NoRun`,
        /// `CheckpointGapOutOfBounds`, `EscrowTooLow`, `Overflow`, `QueueFull`, `NoIdsLeft`, or not enough money. Event: `Placed`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::place())]
        pub fn place(origin: OriginFor<T>, offer: OfferId, spec: Box<JobSpec>) -> DispatchResult {
            let customer = ensure_signed(origin)?;
            Self::do_place(customer, offer, *spec).map(|_| ())
        }

        /// Accepts a placed job.
        ///
        /// Origin: signed, the job's provider. Errors: `UnknownJob`, `NotProvider`, `WrongState`, `Overdue`. Event: `Accepted`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::accept())]
        pub fn accept(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_accept(&caller, job)
        }

        /// Shows that a guest of this job runs in a confidential VM. Allowed again while no checkpoint exists: a restarted guest replaces the
        /// first, but the deadline for the first checkpoint stays. What the dearest evidence would have cost beyond this is paid back.
        ///
        /// Origin: signed, the job's provider. `evidence`: the report and what it binds. Errors: `UnknownJob`, `NotProvider`, `WrongState`,
        /// `Overdue`, and those of the verification. Event: `Attested`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::attest().saturating_add(T::Attester::open_weight()))]
        pub fn attest(origin: OriginFor<T>, job: JobId, evidence: Box<Evidence>) -> DispatchResultWithPostInfo {
            let caller = ensure_signed(origin)?;
            let verified = Self::do_attest(&caller, job, &evidence)?;
            Ok(Some(T::WeightInfo::attest().saturating_add(verified)).into())
        }

        /// Pays the provider what is earned and not paid.
        ///
        /// Origin: signed, anyone, in any state. Errors: `UnknownJob`, `NothingToSettle`, or the provider's account cannot receive it. Event: `Paid`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::settle())]
        pub fn settle(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_settle(job)
        }

        /// Brings the guest's last word: ends the job as completed, pays, returns the rest.
        ///
        /// Origin: signed, anyone. `completion`: what the guest says. `signature`: of its receipt key. `erase_receipt`: that it erased the data.
        /// `proof`: that this receipt is in the log (RFC 9162 inclusion proof). Errors: `UnknownJob`, `WrongState`, `Overdue`, `UnknownVersion`,
        /// `WrongJob`, `SessionNotLive`, `NotTheHead`, `BadSignature`, `NotErased`, `NotInLog`. Events: `Completed`, `Ended`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::complete(PER_PROOF.min(u32::try_from(proof.len()).unwrap_or(PER_PROOF))))]
        pub fn complete(
            origin: OriginFor<T>,
            job: JobId,
            completion: Completion,
            signature: Signature,
            erase_receipt: Receipt,
            proof: List<Digest, PER_PROOF>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_complete(job, completion, &signature, &erase_receipt, &proof)
        }

        /// Ends the job: the customer cancels it, or the provider gives it up. What checkpoints vouch for is paid, the rest returns.
        ///
        /// Origin: signed, the job's customer or provider. A provider that stops after the paid time is over does so without blame. Errors:
        /// `UnknownJob`, `NotParty`, `WrongState`, `Overdue`. Event: `Ended`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::cancel().max(T::WeightInfo::cancel_early()))]
        pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_cancel(&caller, job)
        }

        /// Locks more for a job that has not ended. Time that checkpoints already vouch for beyond the old escrow is paid out of it.
        ///
        /// Origin: signed, the job's customer. Errors: `UnknownJob`, `NotCustomer`, `ZeroAmount`, `WrongState`, `Overdue`, `Overflow`, or not
        /// enough money. Event: `ToppedUp`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::top_up())]
        pub fn top_up(origin: OriginFor<T>, job: JobId, amount: Balance) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_top_up(&caller, job, amount)
        }

        /// Processes a job's deadline now if it has passed, suspends a job whose session counts no longer, or lets a suspended one go on whose session counts
        /// again. Free of charge when there was something to do.
        ///
        /// Origin: signed, anyone. Errors: `UnknownJob`, `NotDue`. Events: `Ended`, `Closed`, `Suspended` or `Resumed`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::poke().max(Pallet::<T>::drain_job_weight()))]
        pub fn poke(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_poke(job)?;
            Ok(Pays::No.into())
        }

        /// Shows again that the job's guest runs in a confidential VM, so that its session lasts anew. Lets a suspended job go on. What the
        /// dearest evidence would have cost beyond this is paid back.
        ///
        /// Origin: signed, the job's provider. `evidence`: of the very guest of the session, binding the evidence that it renews. Errors: `UnknownJob`,
        /// `NotProvider`, `WrongState`, `Overdue`, and those of the verification. Events: `Renewed`, and `Resumed` if it was suspended.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::renew().saturating_add(T::Attester::renew_weight()))]
        pub fn renew(origin: OriginFor<T>, job: JobId, evidence: Box<Evidence>) -> DispatchResultWithPostInfo {
            let caller = ensure_signed(origin)?;
            let verified = Self::do_renew(&caller, job, &evidence)?;
            Ok(Some(T::WeightInfo::renew().saturating_add(verified)).into())
        }
    }

    /// Most digests of an inclusion proof: a tree of 2^64 leaves.
    pub const PER_PROOF: u32 = 64;
}
