//! What the calls do, in their order, and what they share: ending and closing a job. Not here: the checks of a spec (`checks`), the moving of money
//! (`escrow`), deadlines that nobody called for (`service`).

use crate::{
    Config, Error, Event, HoldReason, JobOf, Jobs, JobsOf, NextJob, Pallet, Run, Specs,
    accrual::millis,
    deadlines::Turn,
    traits::{Attester as _, Candidate, Capacity as _, Cover as _, Logs as _},
    types::Job,
};
use alloc::vec::Vec;
use blockcloud_primitives::{
    Balance, Checkpoint, Completion, Digest, End, Evidence, JobId, JobSpec, JobState, Moment, OfferId, Op, Receipt, Signature, Suspension,
};
use codec::Encode;
use frame_support::{
    ensure,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
    weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, DispatchResult, traits::Zero};

impl<T: Config> Pallet<T> {
    /// See [`Pallet::place`]. Answers the job's id.
    pub(crate) fn do_place(customer: T::AccountId, offer: OfferId, spec: JobSpec) -> Result<JobId, DispatchError> {
        Self::check_spec(&spec)?;
        let now = Self::now();
        let id = NextJob::<T>::get();
        let next = id.next().ok_or(Error::<T>::NoIdsLeft)?;
        let deposit = Self::deposit_for(&spec)?;
        let reservation = T::Capacity::reserve(offer, &spec, now)?;
        Self::check_escrow(&spec, reservation.rate)?;
        T::Cover::reserve(id, &reservation.provider, &customer, spec.cover)?;
        T::Currency::hold(&HoldReason::Deposit.into(), &customer, deposit)?;
        let mut job = Job {
            customer,
            provider: reservation.provider,
            offer,
            site: reservation.site,
            terms: spec.terms(),
            resources: spec.resources,
            rate: reservation.rate,
            longest_run: spec.longest_run,
            checkpoint_gap: spec.policy.checkpoint_gap,
            state: JobState::Reserved,
            placed_at: now,
            deadline: Self::after(now, T::AcceptWithin::get()),
            queued: None,
            session_until: None,
            suspended: None,
            run: None,
            completion: None,
            deposit,
            deposited: 0,
            paid: 0,
            returned: 0,
        };
        Self::lock(&mut job, spec.escrow)?;
        Self::start_queue(now);
        Self::schedule(id, &mut job, now)?;
        NextJob::<T>::put(next);
        JobsOf::<T>::insert(&job.customer, id.0.to_be_bytes(), ());
        JobsOf::<T>::insert(&job.provider, id.0.to_be_bytes(), ());
        Self::deposit_event(Event::Placed {
            job: id,
            customer: job.customer.clone(),
            provider: job.provider.clone(),
            offer,
            terms: job.terms,
            rate: job.rate,
            escrow: spec.escrow,
            deposit,
            deadline: job.deadline,
        });
        Jobs::<T>::insert(id, job);
        Specs::<T>::insert(id, spec);
        Ok(id)
    }

    /// See [`Pallet::accept`].
    pub(crate) fn do_accept(caller: &T::AccountId, id: JobId) -> DispatchResult {
        let mut job = Self::of_provider(id, caller)?;
        let now = Self::now();
        Self::ensure_state(&job, &[JobState::Reserved], now)?;
        job.state = JobState::Accepted;
        job.deadline = Self::after(now, T::AttestWithin::get());
        Self::schedule(id, &mut job, now)?;
        Self::deposit_event(Event::Accepted { job: id, deadline: job.deadline });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// See [`Pallet::attest`]. Answers what the verification weighed.
    pub(crate) fn do_attest(caller: &T::AccountId, id: JobId, evidence: &Evidence) -> Result<Weight, DispatchError> {
        let job = Self::of_provider(id, caller)?;
        let now = Self::now();
        Self::ensure_state(&job, &[JobState::Accepted, JobState::Attested], now)?;
        let policy = Self::policy(id).ok_or(Error::<T>::UnknownJob)?;
        let (provider, site, terms) = (&job.provider, job.site, job.terms);
        let weight = T::Attester::open(&Candidate { job: id, provider, site, terms, policy: &policy, evidence, now })?;
        Self::attested(id, job, now)?;
        Ok(weight)
    }

    /// Takes a session that was just opened into the job.
    pub(crate) fn attested(id: JobId, mut job: JobOf<T>, now: Moment) -> DispatchResult {
        let session = T::Attester::session(id).ok_or(Error::<T>::SessionNotLive)?;
        if job.state == JobState::Accepted {
            T::Logs::open(id);
            job.state = JobState::Attested;
            job.deadline = Self::after(now, T::StartWithin::get());
        }
        // A restarted guest does not move the deadline: nobody can keep an escrow locked by attesting again and again.
        job.deadline = job.deadline.min(session.valid_until);
        job.session_until = Some(session.valid_until);
        Self::schedule(id, &mut job, now)?;
        Self::deposit_event(Event::Attested { job: id, deadline: job.deadline });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// See [`Pallet::renew`]. Answers what the verification weighed.
    pub(crate) fn do_renew(caller: &T::AccountId, id: JobId, evidence: &Evidence) -> Result<Weight, DispatchError> {
        let job = Self::of_provider(id, caller)?;
        let now = Self::now();
        Self::ensure_state(&job, &[JobState::Running], now)?;
        let policy = Self::policy(id).ok_or(Error::<T>::UnknownJob)?;
        let (provider, site, terms) = (&job.provider, job.site, job.terms);
        let weight = T::Attester::renew(&Candidate { job: id, provider, site, terms, policy: &policy, evidence, now })?;
        Self::renewed(id, job, now)?;
        Ok(weight)
    }

    /// Takes a session that was just renewed into the job.
    pub(crate) fn renewed(id: JobId, mut job: JobOf<T>, now: Moment) -> DispatchResult {
        let session = T::Attester::session(id).ok_or(Error::<T>::SessionNotLive)?;
        job.session_until = Some(session.valid_until);
        Self::go_on(id, &mut job, now);
        Self::refresh_deadline(&mut job);
        Self::schedule(id, &mut job, now)?;
        Self::deposit_event(Event::Renewed { job: id, valid_until: session.valid_until, deadline: job.deadline });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// Ends the suspension of a job whose evidence counts again, if it is suspended. The deadline is the caller's to refresh.
    fn go_on(id: JobId, job: &mut JobOf<T>, now: Moment) {
        if let (Some(suspension), Some(run)) = (job.suspended.take(), job.run.as_mut()) {
            run.resume(now);
            Self::deposit_event(Event::Resumed { job: id, reason: suspension.reason });
        }
    }

    /// Suspends a job, or lets it go on.
    fn set_suspended(id: JobId, mut job: JobOf<T>, suspension: Option<Suspension>, now: Moment) -> DispatchResult {
        match suspension {
            Some(suspension) => {
                job.suspended = Some(suspension);
                Self::deposit_event(Event::Suspended { job: id, reason: suspension.reason, until: suspension.until });
            }
            None => Self::go_on(id, &mut job, now),
        }
        Self::refresh_deadline(&mut job);
        Self::schedule(id, &mut job, now)?;
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// A checkpoint of the job's log was verified and accepted: the first starts the job, each further one accrues pay. For the keeper of the logs,
    /// in the same transaction as the checkpoint itself.
    ///
    /// `at` is when the checkpoint counts: now, or when the round that it came through was committed. It accrues as if it had come at that moment; whether
    /// the job still takes one, and goes on after a suspension, is judged now.
    pub fn on_checkpoint(id: JobId, checkpoint: &Checkpoint, at: Moment) -> DispatchResult {
        ensure!(checkpoint.job == id, Error::<T>::WrongJob);
        let mut job = Self::load(id)?;
        let now = Self::now();
        let at = at.min(now);
        Self::ensure_state(&job, &[JobState::Attested, JobState::Running], now)?;
        ensure!(T::Attester::judge(id, now).is_ok(), Error::<T>::SessionNotLive);
        Self::go_on(id, &mut job, now);
        let (gap, longest_run) = (job.checkpoint_gap, job.longest_run);
        let started = match &mut job.run {
            Some(run) => {
                run.vouch(checkpoint.time, at, gap, longest_run);
                false
            }
            none => {
                *none = Some(Run::start(checkpoint.time, at));
                true
            }
        };
        job.state = JobState::Running;
        Self::refresh_deadline(&mut job);
        Self::schedule(id, &mut job, now)?;
        Self::deposit_event(match job.run {
            Some(run) if !started => Event::Accrued { job: id, covered_ms: run.covered_ms, earned: job.earned(), deadline: job.deadline },
            _ => Event::Started { job: id, deadline: job.deadline },
        });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// The job's guest was proved to have signed two histories of its log. A job that has not ended yet ends for it, overdue or not: what is earned by then
    /// is paid as ever, and the cover stays for the claim. One that has ended keeps its end. The provider's record shows it in both cases. For the keeper of
    /// the logs, at most once for a job.
    pub fn on_equivocation(id: JobId) -> DispatchResult {
        let job = Self::load(id)?;
        if job.is_live() {
            return Self::end(id, job, End::Equivocated, Self::now());
        }
        T::Capacity::note_end(&job.provider, End::Equivocated);
        Ok(())
    }

    /// See [`Pallet::settle`].
    pub(crate) fn do_settle(id: JobId) -> DispatchResult {
        let mut job = Self::load(id)?;
        ensure!(Self::pay(id, &mut job)? > 0, Error::<T>::NothingToSettle);
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// See [`Pallet::complete`].
    pub(crate) fn do_complete(
        id: JobId,
        completion: Completion,
        signature: &Signature,
        erase_receipt: &Receipt,
        proof: &[Digest],
    ) -> DispatchResult {
        let mut job = Self::load(id)?;
        let now = Self::now();
        Self::ensure_state(&job, &[JobState::Running], now)?;
        Self::check_completion(id, &completion, signature, now)?;
        Self::check_erased(id, &completion, erase_receipt, proof)?;
        Self::deposit_event(Event::Completed { job: id, output: completion.output, exit: completion.exit });
        job.completion = Some(completion);
        Self::end(id, job, End::Completed, now)
    }

    /// Whether the attested guest says this about the log's head.
    fn check_completion(id: JobId, completion: &Completion, signature: &Signature, now: Moment) -> DispatchResult {
        ensure!(completion.version == Completion::VERSION, Error::<T>::UnknownVersion);
        ensure!(completion.job == id, Error::<T>::WrongJob);
        ensure!(T::Attester::judge(id, now).is_ok(), Error::<T>::SessionNotLive);
        let session = T::Attester::session(id).ok_or(Error::<T>::SessionNotLive)?;
        let head = T::Logs::head(id).ok_or(Error::<T>::NotTheHead)?;
        ensure!((head.size, head.root) == (completion.size, completion.root), Error::<T>::NotTheHead);
        let valid = sp_io::crypto::ed25519_verify(
            &sp_core::ed25519::Signature::from_raw(signature.0),
            &completion.signing_payload(&Self::genesis()),
            &sp_core::ed25519::Public::from_raw(session.receipt_key.0),
        );
        ensure!(valid, Error::<T>::BadSignature);
        Ok(())
    }

    /// Whether the log holds the erase receipt where the completion says.
    fn check_erased(id: JobId, completion: &Completion, receipt: &Receipt, proof: &[Digest]) -> DispatchResult {
        ensure!(receipt.version == Receipt::VERSION, Error::<T>::UnknownVersion);
        ensure!(receipt.job == id, Error::<T>::WrongJob);
        ensure!(receipt.op == Op::Erase && receipt.seq == completion.erased, Error::<T>::NotErased);
        let leaf = blockcloud_receipt_log::leaf_hash(&receipt.encode());
        let proof: Vec<_> = proof.iter().map(|digest| digest.0).collect();
        blockcloud_receipt_log::verify_inclusion(&completion.root.0, completion.size, completion.erased, &leaf, &proof)
            .map_err(|_| Error::<T>::NotInLog)?;
        Ok(())
    }

    /// See [`Pallet::cancel`].
    pub(crate) fn do_cancel(caller: &T::AccountId, id: JobId) -> DispatchResult {
        let job = Self::load(id)?;
        let now = Self::now();
        let is_customer = *caller == job.customer;
        ensure!(is_customer || *caller == job.provider, Error::<T>::NotParty);
        Self::ensure_live(&job, now)?;
        let end = if is_customer {
            End::CancelledByCustomer
        } else {
            job.clock().and_then(|clock| clock.paid_time_over(now)).unwrap_or(End::AbandonedByProvider)
        };
        Self::end(id, job, end, now)
    }

    /// See [`Pallet::top_up`].
    pub(crate) fn do_top_up(caller: &T::AccountId, id: JobId, amount: Balance) -> DispatchResult {
        let mut job = Self::load(id)?;
        ensure!(*caller == job.customer, Error::<T>::NotCustomer);
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let now = Self::now();
        Self::ensure_live(&job, now)?;
        Self::lock(&mut job, amount)?;
        Self::refresh_deadline(&mut job);
        Self::schedule(id, &mut job, now)?;
        Self::deposit_event(Event::ToppedUp { job: id, amount, deadline: job.deadline });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// See [`Pallet::poke`].
    pub(crate) fn do_poke(id: JobId) -> DispatchResult {
        let job = Self::load(id)?;
        ensure!(Self::advance(id, job, Self::now())?, Error::<T>::NotDue);
        Ok(())
    }

    /// Ends the job if it has ended by itself, suspends it if what it rests on counts no longer, closes it if its claim window is over. Answers whether
    /// there was anything to do.
    pub(crate) fn advance(id: JobId, job: JobOf<T>, now: Moment) -> Result<bool, DispatchError> {
        if !job.is_live() {
            return if job.is_overdue(now) { Self::close(id, job).map(|()| true) } else { Ok(false) };
        }
        let Some(turn) = Self::turn(id, &job, now) else { return Ok(false) };
        match turn {
            Turn::End(end) => Self::end(id, job, end, now),
            Turn::Suspend(suspension) => Self::set_suspended(id, job, Some(suspension), now),
            Turn::Resume => Self::set_suspended(id, job, None, now),
        }
        .map(|()| true)
    }

    /// Ends the job: pays what is earned, returns the rest, frees the capacity. A job that was never attested held no data: it is closed at once.
    pub(crate) fn end(id: JobId, mut job: JobOf<T>, end: End, now: Moment) -> DispatchResult {
        let attested = job.session_until.is_some();
        Self::charge_minimum(&mut job, end);
        Self::pay_if_possible(id, &mut job);
        // Saturating without effect: earned is at least paid, and held is the rest of deposited (invariant 1).
        let owed = job.earned().saturating_sub(job.paid);
        let rest = job.held().saturating_sub(owed);
        Self::give_back(id, &mut job, rest)?;
        T::Capacity::release(job.offer, &job.resources);
        T::Capacity::note_end(&job.provider, end);
        job.state = JobState::Settled(end);
        job.deadline = if attested { Self::after(now, T::ClaimWindow::get()) } else { now };
        Self::deposit_event(Event::Ended { job: id, end, claims_until: job.deadline });
        if !attested {
            return Self::close(id, job);
        }
        Self::schedule(id, &mut job, now)?;
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// A job that has run is paid for the shortest paid time at least, unless it ended for a reason on the provider's side: starting a guest and
    /// attesting it is work, too. The escrow is large enough, which was checked when the job was placed.
    fn charge_minimum(job: &mut JobOf<T>, end: End) {
        let least = millis(T::MinPaidTime::get().min(job.longest_run));
        if let (Some(run), End::Completed | End::CancelledByCustomer) = (job.run.as_mut(), end) {
            run.covered_ms = run.covered_ms.max(least);
        }
    }

    /// Closes a job that has ended: frees cover and deposit and forgets it.
    pub(crate) fn close(id: JobId, mut job: JobOf<T>) -> DispatchResult {
        Self::pay_if_possible(id, &mut job);
        let held = job.held();
        Self::give_back(id, &mut job, held)?;
        T::Currency::release(&HoldReason::Deposit.into(), &job.customer, job.deposit, Precision::Exact)?;
        T::Cover::release(id);
        T::Attester::close(id);
        T::Logs::close(id);
        Self::unqueue(id, &mut job);
        JobsOf::<T>::remove(&job.customer, id.0.to_be_bytes());
        JobsOf::<T>::remove(&job.provider, id.0.to_be_bytes());
        Specs::<T>::remove(id);
        Jobs::<T>::remove(id);
        Self::deposit_event(Event::Closed { job: id });
        Ok(())
    }

    /// The stored job.
    pub(crate) fn load(id: JobId) -> Result<JobOf<T>, Error<T>> {
        Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)
    }

    /// The stored job, if `caller` is its provider.
    fn of_provider(id: JobId, caller: &T::AccountId) -> Result<JobOf<T>, Error<T>> {
        let job = Self::load(id)?;
        ensure!(*caller == job.provider, Error::<T>::NotProvider);
        Ok(job)
    }

    /// Refuses a job that is in none of these states, or whose state has ended by itself.
    fn ensure_state(job: &JobOf<T>, states: &[JobState], now: Moment) -> Result<(), Error<T>> {
        ensure!(states.contains(&job.state), Error::<T>::WrongState);
        Self::ensure_live(job, now)
    }

    /// Refuses a job that has ended, whether or not that was noticed.
    fn ensure_live(job: &JobOf<T>, now: Moment) -> Result<(), Error<T>> {
        ensure!(job.is_live(), Error::<T>::WrongState);
        ensure!(!job.is_overdue(now), Error::<T>::Overdue);
        Ok(())
    }

    /// Hash of the chain's first block.
    fn genesis() -> Digest {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        // The integrity test makes sure that hashes have 32 bytes.
        Digest(hash.as_ref().try_into().unwrap_or_default())
    }
}
