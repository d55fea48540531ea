//! Rounds: who may commit them, whose logs are in them, and what a checkpoint that came through one is worth.
//!
//! Not here: how a checkpoint is judged (`calls`), trees (`blockcloud-receipt-log`), two rounds of one number (`equivocation`).

use crate::{
    Aggregator, AggregatorOf, Aggregators, Committed, Config, Error, Event, HoldReason, KEPT_ROUNDS, Log, Logs, NextAggregator,
    OnCheckpoint, PER_SIDE, Pallet, Place, Places, RoundLog, RoundLogs, Rounds, Sessions, Side, Source, SourceOf, Sources,
};
use blockcloud_primitives::{AggregatorId, Balance, Digest, JobId, Moment, PublicKey, Round, Signature, SlotEntry};
use blockcloud_receipt_log::{Hash, leaf_hash, verify_slot};
use codec::{Encode, MaxEncodedLen};
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{Time, fungible::hold::Mutate as _, tokens::Precision},
};

/// Rounds of one aggregator: one less than 2^31, so that their log stays below that size for other people's verifiers.
pub(crate) const MAX_ROUNDS: u64 = 0x7fff_ffff;

/// A checkpoint's way through a round.
pub(crate) struct Come {
    /// The job's log.
    pub(crate) log: Log,
    /// When the round was committed.
    pub(crate) at: Moment,
}

impl<T: Config> Pallet<T> {
    /// See `register_aggregator`.
    pub(crate) fn do_register_aggregator(owner: T::AccountId, key: PublicKey, height: u8) -> DispatchResult {
        ensure!(height <= Round::MAX_HEIGHT, Error::<T>::TooHigh);
        let aggregator = NextAggregator::<T>::get();
        let next = aggregator.next().ok_or(Error::<T>::NoIdsLeft)?;
        let deposit = Self::aggregator_deposit();
        T::Currency::hold(&HoldReason::Aggregator.into(), &owner, deposit)?;
        NextAggregator::<T>::put(next);
        let record = Aggregator { owner: owner.clone(), key, height, stopped: false, deposit, sources: 0, width: 0 };
        Aggregators::<T>::insert(aggregator, record);
        RoundLogs::<T>::insert(aggregator, RoundLog::default());
        Self::deposit_event(Event::AggregatorRegistered { aggregator, owner, key, height, deposit });
        Ok(())
    }

    /// See `retire_aggregator`.
    pub(crate) fn do_retire_aggregator(caller: &T::AccountId, aggregator: AggregatorId) -> DispatchResult {
        let record = Self::aggregator(aggregator)?;
        // Nothing is held for a stopped one: anybody may clear it away.
        ensure!(*caller == record.owner || record.stopped, Error::<T>::NotOwner);
        ensure!(record.sources == 0, Error::<T>::SourcesLeft);
        if record.deposit > 0 {
            T::Currency::release(&HoldReason::Aggregator.into(), &record.owner, record.deposit, Precision::Exact)?;
        }
        Aggregators::<T>::remove(aggregator);
        RoundLogs::<T>::remove(aggregator);
        // There are never more (invariant 6).
        let _ = Rounds::<T>::clear_prefix(aggregator, KEPT_ROUNDS, None);
        Self::deposit_event(Event::AggregatorRetired { aggregator });
        Ok(())
    }

    /// See `register_source`. That the holder stands on this side of the job is the caller's to check.
    pub(crate) fn do_register_source(
        holder: T::AccountId,
        side: Side,
        aggregator: AggregatorId,
        job: JobId,
        vacant: Option<u32>,
    ) -> DispatchResult {
        ensure!(Logs::<T>::get(job).ok_or(Error::<T>::NoLog).map(|log| !log.equivocated)?, Error::<T>::Equivocated);
        let mut record = Self::aggregator(aggregator)?;
        ensure!(!record.stopped, Error::<T>::Stopped);
        let mut places = Places::<T>::get(job);
        ensure!(places.iter().all(|place| place.aggregator != aggregator), Error::<T>::AlreadyRegistered);
        let taken = places.iter().filter(|place| place.side == side).count();
        ensure!(u32::try_from(taken).is_ok_and(|taken| taken < PER_SIDE), Error::<T>::TooManyPlaces);

        let next_round = RoundLogs::<T>::get(aggregator).rounds.size();
        let (slot, from) = match vacant {
            // A round that is being collected may hold what the slot's former owner handed in: it is nobody's.
            Some(slot) => {
                ensure!(slot < record.width && !Sources::<T>::contains_key(aggregator, slot), Error::<T>::NotVacant);
                (slot, next_round.saturating_add(1))
            }
            None => {
                let slots = 1u32.checked_shl(record.height.into()).ok_or(Error::<T>::TooHigh)?;
                ensure!(record.width < slots, Error::<T>::NoUnusedSlot);
                let slot = record.width;
                record.width = record.width.checked_add(1).ok_or(Error::<T>::NoUnusedSlot)?;
                (slot, next_round)
            }
        };
        record.sources = record.sources.checked_add(1).ok_or(Error::<T>::NoUnusedSlot)?;
        // Room for both sides.
        places.try_push(Place { aggregator, slot, side }).map_err(|_| Error::<T>::TooManyPlaces)?;
        let deposit = Self::source_deposit();
        T::Currency::hold(&HoldReason::Source.into(), &holder, deposit)?;

        Aggregators::<T>::insert(aggregator, record);
        Places::<T>::insert(job, places);
        Sources::<T>::insert(aggregator, slot, Source { job, holder: holder.clone(), side, from, deposit });
        Self::deposit_event(Event::SourceRegistered { aggregator, slot, job, holder, from, deposit });
        Ok(())
    }

    /// See `withdraw_source`.
    pub(crate) fn do_withdraw_source(caller: &T::AccountId, aggregator: AggregatorId, slot: u32) -> DispatchResult {
        let Source { job, holder, deposit, .. } = Self::source(aggregator, slot)?;
        let mut record = Self::aggregator(aggregator)?;
        let free_for_all = record.stopped || !Logs::<T>::contains_key(job);
        ensure!(*caller == holder || free_for_all, Error::<T>::NotHolder);
        T::Currency::release(&HoldReason::Source.into(), &holder, deposit, Precision::Exact)?;
        // Saturating without effect: a source is counted (invariant 5).
        record.sources = record.sources.saturating_sub(1);
        Aggregators::<T>::insert(aggregator, record);
        Sources::<T>::remove(aggregator, slot);
        Places::<T>::mutate_exists(job, |entry| {
            if let Some(places) = entry {
                places.retain(|place| place.aggregator != aggregator);
                if places.is_empty() {
                    *entry = None;
                }
            }
        });
        Self::deposit_event(Event::SourceWithdrawn { aggregator, slot, job });
        Ok(())
    }

    /// See `commit_round`.
    pub(crate) fn do_commit_round(round: Round, signature: &Signature) -> DispatchResult {
        let aggregator = Self::aggregator(round.aggregator)?;
        ensure!(!aggregator.stopped, Error::<T>::Stopped);
        ensure!(round.version == Round::VERSION, Error::<T>::UnsupportedVersion);
        ensure!(Self::round_signed_by(&aggregator.key, &round, signature), Error::<T>::BadSignature);
        let now = T::Time::now();
        let mut log = RoundLogs::<T>::get(round.aggregator);
        ensure!(round.number == log.rounds.size(), Error::<T>::WrongNumber);
        ensure!(round.number < MAX_ROUNDS, Error::<T>::NoNumbersLeft);
        ensure!(log.time.is_none_or(|last| round.time > last), Error::<T>::RoundTimeStoodStill);
        ensure!(round.time <= now.saturating_add(Self::max_ahead()), Error::<T>::RoundFromTheFuture);
        ensure!(round.time.saturating_add(Self::max_age()) >= now, Error::<T>::RoundTooOld);
        // Against slots ever given out, not against the sources of this moment: a source that leaves while the round is under way must not make it
        // impossible to commit, which would force an honest aggregator to sign its number twice.
        ensure!(round.filled <= aggregator.width, Error::<T>::TooManyFilled);
        ensure!(round.filled > 0 || round.receipts == 0, Error::<T>::ReceiptsOfNobody);
        log.receipts = log.receipts.checked_add(round.receipts).ok_or(Error::<T>::TooManyReceipts)?;
        log.rounds.append(leaf_hash(&round.encode())).map_err(|_| Error::<T>::NoNumbersLeft)?;
        log.time = Some(round.time);

        let receipts = log.receipts;
        RoundLogs::<T>::insert(round.aggregator, log);
        // In the place of the round that was committed so many rounds ago.
        Rounds::<T>::insert(round.aggregator, Self::place_in_ring(round.number), Committed { round, at: now });
        Self::deposit_event(Event::RoundCommitted { round, receipts });
        Ok(())
    }

    /// See `checkpoint_in_round`.
    pub(crate) fn do_checkpoint_in_round(
        aggregator: AggregatorId,
        number: u64,
        slot: u32,
        entry: &SlotEntry,
        path: &[Digest],
        proof: &[Digest],
    ) -> DispatchResult {
        let Come { log, at } = Self::come_in_round(aggregator, number, slot, entry, path)?;
        let SlotEntry { checkpoint, signature, .. } = *entry;
        let job = checkpoint.job;
        // From here on everything is as if the checkpoint had been brought when the round was committed.
        let key = T::Sessions::receipt_key(job, at).ok_or(Error::<T>::NoSession)?;
        Self::advance(log, &key, &checkpoint, &signature, proof, at)?;
        Self::deposit_event(Event::CameInRound { job, aggregator, number, slot });
        T::OnCheckpoint::accepted(job, &checkpoint, at)
    }

    /// Whether this entry stood in its job's slot of a kept round: if so, the job's log, and when the round was committed.
    pub(crate) fn come_in_round(
        aggregator: AggregatorId,
        number: u64,
        slot: u32,
        entry: &SlotEntry,
        path: &[Digest],
    ) -> Result<Come, Error<T>> {
        let job = entry.checkpoint.job;
        let log = Logs::<T>::get(job).ok_or(Error::<T>::NoLog)?;
        let height = Self::aggregator(aggregator)?.height;
        let Committed { round, at } = Self::kept_round(aggregator, number).ok_or(Error::<T>::RoundNotKept)?;
        let source = Self::source(aggregator, slot)?;
        ensure!(source.job == job, Error::<T>::SlotOfAnother);
        ensure!(source.from <= number, Error::<T>::SlotNotYetGiven);
        ensure!(log.opened_at <= at, Error::<T>::NoLog);
        ensure!(entry.version == SlotEntry::VERSION, Error::<T>::UnsupportedVersion);
        let path: alloc::vec::Vec<Hash> = path.iter().map(|digest| digest.0).collect();
        verify_slot(&round.root.0, height, slot, Some(entry), &path).map_err(|_| Error::<T>::NotInRound)?;
        Ok(Come { log, at })
    }

    /// The stored aggregator.
    pub(crate) fn aggregator(aggregator: AggregatorId) -> Result<AggregatorOf<T>, Error<T>> {
        Aggregators::<T>::get(aggregator).ok_or(Error::<T>::UnknownAggregator)
    }

    /// The stored source.
    fn source(aggregator: AggregatorId, slot: u32) -> Result<SourceOf<T>, Error<T>> {
        Sources::<T>::get(aggregator, slot).ok_or(Error::<T>::UnknownSource)
    }

    /// The round with this number, if it is one of the last [`KEPT_ROUNDS`].
    pub fn kept_round(aggregator: AggregatorId, number: u64) -> Option<Committed> {
        Rounds::<T>::get(aggregator, Self::place_in_ring(number)).filter(|committed| committed.round.number == number)
    }

    /// Where a round is kept.
    pub(crate) fn place_in_ring(number: u64) -> u32 {
        // A remainder by 256 always fits, and 256 is not zero.
        number.checked_rem(KEPT_ROUNDS.into()).and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
    }

    /// Whether this key signed this round for this chain.
    pub(crate) fn round_signed_by(key: &PublicKey, round: &Round, signature: &Signature) -> bool {
        Self::verify(key, &round.signing_payload(&Self::genesis()), signature)
    }

    /// What is held for an aggregator: its stake, and the price of all that it can ever make the chain store.
    pub(crate) fn aggregator_deposit() -> Balance {
        let ring = usize::try_from(KEPT_ROUNDS).unwrap_or(usize::MAX).saturating_mul(Committed::max_encoded_len());
        let bytes = AggregatorOf::<T>::max_encoded_len().saturating_add(RoundLog::max_encoded_len()).saturating_add(ring);
        T::Stake::get().saturating_add(Self::price(KEPT_ROUNDS.saturating_add(2), bytes))
    }

    /// What is held for a source: the price of its record and of its place in the job's list.
    pub(crate) fn source_deposit() -> Balance {
        Self::price(2, SourceOf::<T>::max_encoded_len().saturating_add(Place::max_encoded_len()))
    }

    /// Saturating: a sum beyond 2^128 is more than anybody has, and then nothing is held and nothing stored.
    fn price(records: u32, bytes: usize) -> Balance {
        let bytes = Balance::try_from(bytes).unwrap_or(Balance::MAX);
        T::DepositBase::get().saturating_mul(records.into()).saturating_add(T::DepositPerByte::get().saturating_mul(bytes))
    }
}
