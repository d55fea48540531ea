//! What the outside reads of rounds: parts of the runtime API's answers. Not here: anything that writes.

use crate::{AggregatorOf, Aggregators, Committed, Config, NextAggregator, Pallet, Places, RoundLogs, Sources};
use alloc::vec::Vec;
use blockcloud_primitives::{AccountId, AggregatorId, AggregatorView, Digest, JobId, Page, RoundView, SourceView};

/// Most items of one page.
pub const PER_PAGE: u32 = 256;
/// Most ids or slots that are looked at for one page.
const SCANNED: u32 = 1024;

impl<T: Config> Pallet<T> {
    /// An aggregator as the outside sees it; nothing if it is retired or never was.
    pub fn aggregator_view(id: AggregatorId) -> Option<AggregatorView> {
        let AggregatorOf::<T> { owner, key, height, stopped, deposit, sources, width } = Aggregators::<T>::get(id)?;
        let log = RoundLogs::<T>::get(id);
        Some(AggregatorView {
            id,
            owner: AccountId(owner.into()),
            key,
            height,
            stopped,
            deposit,
            sources,
            width,
            rounds: log.rounds.size(),
            root: Digest(log.rounds.root()),
            time: log.time,
            receipts: log.receipts,
        })
    }

    /// The aggregators, oldest first, after the one named.
    pub fn aggregators(after: Option<AggregatorId>, limit: u32) -> Page<AggregatorView, AggregatorId> {
        let start = after.map_or(Some(0), |after| after.0.checked_add(1));
        let end = NextAggregator::<T>::get().0;
        let (items, next) = scan(start, end, limit, |id| Self::aggregator_view(AggregatorId(id)));
        Page { items, next: next.map(AggregatorId) }
    }

    /// The sources of an aggregator by slot, after the one named.
    pub fn sources_of(aggregator: AggregatorId, after: Option<u32>, limit: u32) -> Page<SourceView, u32> {
        let start = after.map_or(Some(0), |after| after.checked_add(1));
        let end = Aggregators::<T>::get(aggregator).map_or(0, |record| record.width);
        let (items, next) = scan(start, end, limit, |slot| Self::source_view(aggregator, slot));
        Page { items, next }
    }

    /// Where a job is registered: at most [`crate::PER_JOB`] places.
    pub fn places_of(job: JobId) -> Vec<SourceView> {
        Places::<T>::get(job).iter().filter_map(|place| Self::source_view(place.aggregator, place.slot)).collect()
    }

    /// The rounds of an aggregator that are kept, newest first.
    pub fn recent_rounds(aggregator: AggregatorId, limit: u32) -> Vec<RoundView> {
        let limit = u64::from(limit.clamp(1, PER_PAGE));
        let end = RoundLogs::<T>::get(aggregator).rounds.size();
        let kept = (end.saturating_sub(limit)..end).rev().filter_map(|number| Self::kept_round(aggregator, number));
        kept.map(|Committed { round, at }| RoundView { round, committed_at: at }).collect()
    }

    fn source_view(aggregator: AggregatorId, slot: u32) -> Option<SourceView> {
        let source = Sources::<T>::get(aggregator, slot)?;
        Some(SourceView { aggregator, slot, job: source.job, holder: AccountId(source.holder.into()), from: source.from })
    }
}

/// What there is from `start` to before `end`, up to `limit` items, and where to go on: at the last place that was looked at.
fn scan<V>(start: Option<u32>, end: u32, limit: u32, view: impl Fn(u32) -> Option<V>) -> (Vec<V>, Option<u32>) {
    let limit = usize::try_from(limit.clamp(1, PER_PAGE)).unwrap_or(1);
    let Some(start) = start else { return (Vec::new(), None) };
    let stop = start.saturating_add(SCANNED).min(end);
    let mut items = Vec::new();
    for at in start..stop {
        items.extend(view(at));
        if items.len() >= limit {
            let rest = at.checked_add(1).is_some_and(|next| next < end);
            return (items, rest.then_some(at));
        }
    }
    let next = (stop < end).then(|| stop.checked_sub(1)).flatten();
    (items, next)
}
