//! What is shown of aggregators, sources and rounds.

use crate::mock::*;
use blockcloud_primitives::{AccountId, AggregatorId, AggregatorView, Digest, JobId, Page, PublicKey, RoundView, SourceView};
use sp_core::Pair;

#[test]
fn an_aggregator_is_shown_with_its_rounds() {
    run(|| {
        let mut collector = Collector::registered();
        Guest::attested(JOB, 1);
        collector.register(CUSTOMER, JOB);
        let round = collector.commit();
        let view = AggregatorView {
            id: collector.id,
            owner: AccountId(OWNER.into()),
            key: PublicKey(collector.pair.public().0),
            height: HEIGHT,
            stopped: false,
            deposit: super::held(&OWNER).0,
            sources: 1,
            width: 1,
            rounds: 1,
            root: Digest(collector.log.root()),
            time: Some(round.time),
            receipts: 0,
        };
        assert_eq!(Receipts::aggregator_view(collector.id), Some(view.clone()));
        assert_eq!(Receipts::aggregators(None, 10), Page { items: vec![view], next: None });
        assert_eq!(Receipts::aggregator_view(AggregatorId(1)), None);
    });
}

#[test]
fn pages_of_aggregators_follow_each_other_past_gaps() {
    run(|| {
        let collectors: Vec<_> = (0..5).map(|_| Collector::registered()).collect();
        Receipts::retire_aggregator(RuntimeOrigin::signed(OWNER), collectors[1].id).unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = Receipts::aggregators(after, 2);
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|view| view.id.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [0, 2, 3, 4]);
        assert_eq!(Receipts::aggregators(Some(AggregatorId(u32::MAX)), 2), Page { items: vec![], next: None });
    });
}

#[test]
fn sources_are_shown_by_slot_and_by_job() {
    run(|| {
        let (first, second) = (Collector::registered(), Collector::registered());
        for job in 0..4 {
            Guest::attested(JobId(job), 1);
            first.register(PROVIDER, JobId(job));
        }
        second.register(CUSTOMER, JobId(3));
        Receipts::withdraw_source(RuntimeOrigin::signed(PROVIDER), first.id, 1).unwrap();
        let view = |aggregator, slot, job, holder: sp_runtime::AccountId32| SourceView {
            aggregator,
            slot,
            job: JobId(job),
            holder: AccountId(holder.into()),
            from: 0,
        };
        let of_slot = |slot| view(first.id, slot, u64::from(slot), PROVIDER);
        assert_eq!(Receipts::sources_of(first.id, None, 2), Page { items: vec![of_slot(0), of_slot(2)], next: Some(2) });
        assert_eq!(Receipts::sources_of(first.id, Some(2), 2), Page { items: vec![of_slot(3)], next: None });
        assert_eq!(Receipts::sources_of(AggregatorId(9), None, 2), Page { items: vec![], next: None });
        assert_eq!(Receipts::places_of(JobId(3)), [of_slot(3), view(second.id, 0, 3, CUSTOMER)]);
        assert_eq!(Receipts::places_of(JobId(1)), []);
    });
}

#[test]
fn rounds_are_shown_newest_first() {
    run(|| {
        let mut collector = Collector::registered();
        let rounds: Vec<_> = (0..3).map(|_| collector.commit()).collect();
        let view = |number: usize| RoundView { round: rounds[number], committed_at: NOW };
        assert_eq!(Receipts::recent_rounds(collector.id, 2), [view(2), view(1)]);
        assert_eq!(Receipts::recent_rounds(collector.id, 100), [view(2), view(1), view(0)]);
        assert_eq!(Receipts::recent_rounds(AggregatorId(9), 100), []);
    });
}
