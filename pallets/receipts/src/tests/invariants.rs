//! Each invariant is broken once, and try-state says which.

use crate::{Log, Logs, mock::*};
use blockcloud_primitives::{Digest, Head, Usage};
use blockcloud_receipt_log::EMPTY_ROOT;
use frame_support::traits::Hooks;
use sp_runtime::TryRuntimeError;

/// A sound head.
fn head() -> Head {
    Head { size: 1, root: Digest([1; 32]), time: NOW, usage: Usage::default(), accepted_at: NOW }
}

/// What try-state says of a log.
fn verdict(log: Log) -> Result<(), TryRuntimeError> {
    storage().execute_with(|| {
        Logs::<Test>::insert(JOB, log);
        Receipts::do_try_state()
    })
}

#[test]
fn a_sound_log_passes() {
    assert_eq!(verdict(Log { opened_at: NOW, head: None, equivocated: false }), Ok(()));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(head()), equivocated: false }), Ok(()));
}

#[test]
fn first_a_head_vouches_for_something() {
    let broken = Err(TryRuntimeError::Other("1: a head vouches for nothing"));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { size: 0, ..head() }), equivocated: false }), broken);
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { root: Digest(EMPTY_ROOT), ..head() }), equivocated: false }), broken);
}

#[test]
fn second_a_head_was_timely() {
    let (ahead, behind) = (u64::from(MAX_AHEAD) * 1_000, u64::from(MAX_AGE) * 1_000);
    assert_eq!(
        verdict(Log { opened_at: NOW, head: Some(Head { time: NOW + ahead + 1, ..head() }), equivocated: false }),
        Err(TryRuntimeError::Other("2: a head's clock was ahead when it was accepted"))
    );
    assert_eq!(
        verdict(Log { opened_at: NOW, head: Some(Head { time: NOW - behind - 1, ..head() }), equivocated: false }),
        Err(TryRuntimeError::Other("2: a head's clock was behind when it was accepted"))
    );
}

#[test]
fn third_a_head_lies_within_its_logs_life() {
    assert_eq!(
        verdict(Log { opened_at: NOW + 1, head: None, equivocated: false }),
        Err(TryRuntimeError::Other("3: a log was opened in the future"))
    );
    let broken = Err(TryRuntimeError::Other("3: a head was accepted outside its log's life"));
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { accepted_at: NOW - 1, ..head() }), equivocated: false }), broken);
    assert_eq!(verdict(Log { opened_at: NOW, head: Some(Head { accepted_at: NOW + 1, ..head() }), equivocated: false }), broken);
}

#[test]
fn the_configuration_is_sound() {
    Receipts::integrity_test();
}

mod of_rounds {
    use super::*;
    use crate::{Aggregators, NextAggregator, Place, Places, RoundLog, RoundLogs, Rounds, Side, Sources};
    use blockcloud_primitives::{AggregatorId, JobId, List};
    use blockcloud_receipt_log::Peaks;
    use frame_support::assert_ok;

    /// What try-state says once a sound state of one aggregator, two sources and two rounds was changed.
    fn after(change: impl FnOnce(&Collector)) -> Result<(), TryRuntimeError> {
        storage().execute_with(|| {
            let mut collector = Collector::registered();
            for job in [JOB, JobId(8)] {
                Guest::attested(job, 1);
                collector.register(CUSTOMER, job);
            }
            collector.commit();
            collector.commit();
            assert_ok!(Receipts::do_try_state());
            change(&collector);
            Receipts::do_try_state()
        })
    }

    fn says(text: &'static str) -> Result<(), TryRuntimeError> {
        Err(TryRuntimeError::Other(text))
    }

    fn place(collector: &Collector, slot: u32) -> Place {
        Place { aggregator: collector.id, slot, side: Side::Customer }
    }

    #[test]
    fn fourth_sources_and_places_are_the_same() {
        assert_eq!(after(|_| Places::<Test>::remove(JOB)), says("4: a source is missing from its job's places"));
        assert_eq!(after(|_| Places::<Test>::insert(JobId(9), List::new())), says("4: an empty list of places is stored"));
        let elsewhere = after(|collector| Places::<Test>::insert(JobId(9), List::try_from(vec![place(collector, 0)]).unwrap()));
        assert_eq!(elsewhere, says("4: a place is not its job's source"));
        let twice = after(|collector| {
            Places::<Test>::insert(JOB, List::try_from(vec![place(collector, 0), place(collector, 1)]).unwrap());
            Sources::<Test>::mutate(collector.id, 1, |source| source.as_mut().unwrap().job = JOB);
            Places::<Test>::remove(JobId(8));
        });
        assert_eq!(twice, says("4: a job is registered twice with one aggregator"));
        let greedy = after(|_| {
            let others: Vec<_> = (0..2).map(|_| Collector::registered()).collect();
            for other in &others {
                other.register(PROVIDER, JOB);
            }
            for other in &others {
                Sources::<Test>::mutate(other.id, 0, |source| source.as_mut().unwrap().side = Side::Customer);
            }
            Places::<Test>::mutate(JOB, |places| places.iter_mut().for_each(|place| place.side = Side::Customer));
        });
        assert_eq!(greedy, says("4: one side takes the other's places"));
    }

    #[test]
    fn fifth_slots_are_counted() {
        let change = |change: fn(&mut crate::AggregatorOf<Test>)| {
            after(|collector| Aggregators::<Test>::mutate(collector.id, |record| change(record.as_mut().unwrap())))
        };
        assert_eq!(change(|record| record.width = 1), says("5: a slot is taken that was never given out"));
        assert_eq!(change(|record| record.sources = 1), says("5: an aggregator's sources are miscounted"));
        assert_eq!(change(|record| record.height = 0), says("5: more slots than the tree has"));
        assert_eq!(after(|collector| Aggregators::<Test>::remove(collector.id)), says("5: a source belongs to nobody"));
        assert_eq!(after(|_| NextAggregator::<Test>::kill()), says("5: an aggregator has an id that was not given out"));
        let far = after(|collector| Sources::<Test>::mutate(collector.id, 0, |source| source.as_mut().unwrap().from = 4));
        assert_eq!(far, says("5: a slot is given in the far future"));
    }

    #[test]
    fn sixth_the_last_rounds_are_kept_and_no_others() {
        let kept = |collector: &Collector, number| Receipts::kept_round(collector.id, number).unwrap();
        assert_eq!(after(|collector| Rounds::<Test>::remove(collector.id, 0)), says("6: one of the last rounds is not kept"));
        let wrong = after(|collector| Rounds::<Test>::insert(collector.id, 5, kept(collector, 0)));
        assert_eq!(wrong, says("6: a round is kept where another belongs"));
        let future = after(|collector| {
            let mut next = kept(collector, 1);
            next.round.number = 2;
            Rounds::<Test>::insert(collector.id, 2, next);
        });
        assert_eq!(future, says("6: a round is kept that is not one of the last"));
        let early = after(|collector| {
            let mut early = kept(collector, 1);
            early.at = NOW + 1;
            Rounds::<Test>::insert(collector.id, 1, early);
        });
        assert_eq!(early, says("6: a round was committed in the future"));
        let nobody = "6: rounds are kept of nobody";
        assert_eq!(after(|collector| Rounds::<Test>::insert(AggregatorId(9), 0, kept(collector, 0))), says(nobody));
        assert_eq!(after(|_| RoundLogs::<Test>::insert(AggregatorId(9), RoundLog::default())), says(nobody));
    }

    #[test]
    fn seventh_a_log_of_rounds_is_sound() {
        use codec::{Decode, Encode};
        let change = |change: fn(&mut RoundLog)| after(|collector| RoundLogs::<Test>::mutate(collector.id, change));
        let unsound = change(|log| {
            let mut bytes = log.rounds.encode();
            bytes[0] = 3;
            log.rounds = Peaks::decode(&mut &bytes[..]).unwrap();
        });
        assert_eq!(unsound, says("7: a log of rounds has other peaks than its size"));
        let timeless = "7: a log of rounds without a round has a time, or the other way round";
        assert_eq!(change(|log| log.time = None), says(timeless));
        assert_eq!(change(|log| log.time = Some(NOW)), says("7: the last round's time is another's"));
        let fewer = after(|collector| {
            Rounds::<Test>::mutate(collector.id, 1, |kept| kept.as_mut().unwrap().round.receipts = 1);
        });
        assert_eq!(fewer, says("7: the kept rounds have more receipts than all rounds"));
    }

    #[test]
    fn eighth_what_is_held_is_what_is_owed() {
        let record = |change: fn(&mut crate::AggregatorOf<Test>)| {
            after(|collector| Aggregators::<Test>::mutate(collector.id, |record| change(record.as_mut().unwrap())))
        };
        let stopped = "8: a stopped aggregator has a deposit, or one that goes on has none";
        assert_eq!(record(|record| record.stopped = true), says(stopped));
        assert_eq!(record(|record| record.deposit = 0), says(stopped));
        assert_eq!(record(|record| record.deposit += 1), says("8: what is held for aggregators is not their deposits"));
        let source = after(|collector| Sources::<Test>::mutate(collector.id, 0, |source| source.as_mut().unwrap().deposit -= 1));
        assert_eq!(source, says("8: what is held for sources is not their deposits"));
    }
}
