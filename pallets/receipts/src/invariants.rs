//! What must always hold: of the configuration (integrity test) and of the storage (try-state). Numbered as in the README.

use crate::{Config, Pallet};
#[cfg(any(feature = "try-runtime", test))]
use {
    crate::{Aggregators, HoldReason, KEPT_ROUNDS, Logs, NextAggregator, PER_SIDE, Place, Places, RoundLogs, Rounds, Side, Sources},
    alloc::collections::BTreeMap,
    blockcloud_primitives::{AggregatorId, Balance},
    blockcloud_receipt_log::EMPTY_ROOT,
    frame_support::{
        ensure,
        traits::{Time, fungible::hold::Inspect},
    },
    sp_runtime::TryRuntimeError,
};

use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Refuses a runtime whose constants make no sense.
    pub(crate) fn check_configuration() {
        assert!(T::MaxAge::get() > 0, "MaxAge of zero refuses every checkpoint that needed a block to arrive");
        assert!(T::MaxAhead::get() <= T::MaxAge::get(), "a guest must not be trusted further into the future than into the past");
        assert!(T::Stake::get() > 0, "an aggregator without a stake loses nothing by equivocation");
    }

    /// Checks every invariant.
    #[cfg(any(feature = "try-runtime", test))]
    pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_logs()?;
        Self::check_sources()?;
        for (id, _) in Aggregators::<T>::iter() {
            Self::check_rounds(id)?;
        }
        for id in RoundLogs::<T>::iter_keys().chain(Rounds::<T>::iter_keys().map(|(id, _)| id)) {
            ensure!(Aggregators::<T>::contains_key(id), "6: rounds are kept of nobody");
        }
        Self::check_money()
    }

    /// 1 to 3.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_logs() -> Result<(), TryRuntimeError> {
        let now = T::Time::now();
        for log in Logs::<T>::iter_values() {
            ensure!(log.opened_at <= now, "3: a log was opened in the future");
            let Some(head) = log.head else { continue };
            ensure!(head.size > 0 && head.root.0 != EMPTY_ROOT, "1: a head vouches for nothing");
            ensure!(head.time <= head.accepted_at.saturating_add(Self::max_ahead()), "2: a head's clock was ahead when it was accepted");
            ensure!(head.time.saturating_add(Self::max_age()) >= head.accepted_at, "2: a head's clock was behind when it was accepted");
            ensure!((log.opened_at..=now).contains(&head.accepted_at), "3: a head was accepted outside its log's life");
        }
        Ok(())
    }

    /// 4 and 5.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_sources() -> Result<(), TryRuntimeError> {
        let mut counted = BTreeMap::<AggregatorId, u32>::new();
        for (aggregator, slot, source) in Sources::<T>::iter() {
            let place = Place { aggregator, slot, side: source.side };
            ensure!(Places::<T>::get(source.job).contains(&place), "4: a source is missing from its job's places");
            let record = Aggregators::<T>::get(aggregator).ok_or("5: a source belongs to nobody")?;
            ensure!(slot < record.width, "5: a slot is taken that was never given out");
            ensure!(source.from <= RoundLogs::<T>::get(aggregator).rounds.size().saturating_add(1), "5: a slot is given in the far future");
            let count = counted.entry(aggregator).or_default();
            *count = count.saturating_add(1);
        }
        for (job, places) in Places::<T>::iter() {
            ensure!(!places.is_empty(), "4: an empty list of places is stored");
            for place in &places {
                let source = Sources::<T>::get(place.aggregator, place.slot);
                ensure!(source.is_some_and(|source| source.job == job && source.side == place.side), "4: a place is not its job's source");
                let twice = places.iter().filter(|other| other.aggregator == place.aggregator).count();
                ensure!(twice == 1, "4: a job is registered twice with one aggregator");
            }
            for side in [Side::Customer, Side::Provider] {
                let taken = places.iter().filter(|place| place.side == side).count();
                ensure!(u32::try_from(taken).is_ok_and(|taken| taken <= PER_SIDE), "4: one side takes the other's places");
            }
        }
        let next = NextAggregator::<T>::get();
        for (id, record) in Aggregators::<T>::iter() {
            ensure!(id < next, "5: an aggregator has an id that was not given out");
            ensure!(record.sources == counted.get(&id).copied().unwrap_or(0), "5: an aggregator's sources are miscounted");
            ensure!(u64::from(record.width) <= 1u64.checked_shl(record.height.into()).unwrap_or(0), "5: more slots than the tree has");
        }
        Ok(())
    }

    /// 6 and 7, of one aggregator.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_rounds(id: AggregatorId) -> Result<(), TryRuntimeError> {
        let now = T::Time::now();
        let log = RoundLogs::<T>::get(id);
        let size = log.rounds.size();
        ensure!(log.rounds.is_sound(), "7: a log of rounds has other peaks than its size");
        ensure!(log.time.is_some() == (size > 0), "7: a log of rounds without a round has a time, or the other way round");
        let (mut receipts, mut count) = (0u64, 0u64);
        for (place, kept) in Rounds::<T>::iter_prefix(id) {
            let number = kept.round.number;
            ensure!(kept.round.aggregator == id && Self::place_in_ring(number) == place, "6: a round is kept where another belongs");
            ensure!(number < size && number.saturating_add(KEPT_ROUNDS.into()) >= size, "6: a round is kept that is not one of the last");
            ensure!(kept.at <= now, "6: a round was committed in the future");
            ensure!(number.saturating_add(1) != size || log.time == Some(kept.round.time), "7: the last round's time is another's");
            receipts = receipts.saturating_add(kept.round.receipts);
            count = count.saturating_add(1);
        }
        ensure!(count == size.min(KEPT_ROUNDS.into()), "6: one of the last rounds is not kept");
        ensure!(receipts <= log.receipts, "7: the kept rounds have more receipts than all rounds");
        Ok(())
    }

    /// 8.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_money() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, (Balance, Balance)>::new();
        for record in Aggregators::<T>::iter_values() {
            ensure!(record.stopped == (record.deposit == 0), "8: a stopped aggregator has a deposit, or one that goes on has none");
            let (aggregators, _) = owed.entry(record.owner).or_default();
            *aggregators = aggregators.saturating_add(record.deposit);
        }
        for source in Sources::<T>::iter_values() {
            let (_, sources) = owed.entry(source.holder).or_default();
            *sources = sources.saturating_add(source.deposit);
        }
        for (account, (aggregators, sources)) in owed {
            let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &account);
            ensure!(held(HoldReason::Aggregator) == aggregators, "8: what is held for aggregators is not their deposits");
            ensure!(held(HoldReason::Source) == sources, "8: what is held for sources is not their deposits");
        }
        Ok(())
    }
}
