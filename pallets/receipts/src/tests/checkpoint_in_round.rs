//! `checkpoint_in_round`: the same checks and the same worth as `checkpoint`, as of the round's moment; one refusal per test.

use crate::{Error, Event, Logs, WeightInfo, mock::*};
use blockcloud_primitives::{AggregatorId, Checkpoint, Digest, Head, JobId, List, Signature, SlotEntry};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, weights::Weight};
use sp_core::{Pair, ed25519};
use sp_runtime::{DispatchError, DispatchResult};

/// Milliseconds.
const SECOND: u64 = 1_000;

/// What a checkpoint becomes that counts as of `at`.
fn head(checkpoint: &Checkpoint, at: u64) -> Head {
    let Checkpoint { size, root, time, usage, .. } = *checkpoint;
    Head { size, root, time, usage, accepted_at: at }
}

/// A guest in an aggregator's slot.
struct Setup {
    collector: Collector,
    guest: Guest,
    slot: u32,
}

impl Setup {
    fn new() -> Self {
        let collector = Collector::registered();
        // Another job first, so that the slot is not zero.
        Guest::attested(JobId(1), 1);
        collector.register(PROVIDER, JobId(1));
        let guest = Guest::attested(JOB, 5);
        let slot = collector.register(CUSTOMER, JOB);
        Self { collector, guest, slot }
    }

    /// The guest signs, the aggregator commits. Answers the checkpoint.
    fn round(&mut self) -> Checkpoint {
        let checkpoint = self.guest.checkpoint();
        self.commit(checkpoint);
        checkpoint
    }

    /// The aggregator commits this checkpoint.
    fn commit(&mut self, checkpoint: Checkpoint) {
        self.collector.take(self.slot, &self.guest, checkpoint);
        self.collector.commit();
    }

    /// Brings what the last round holds.
    fn bring(&self) -> DispatchResult {
        self.collector.bring(self.collector.number - 1, self.slot, &self.guest)
    }
}

#[test]
fn counts_as_if_it_had_been_brought_when_the_round_was_committed() {
    run(|| {
        let mut setup = Setup::new();
        let checkpoint = setup.round();
        set_time(NOW + 40 * SECOND);
        assert_ok!(setup.bring());
        assert_eq!(Receipts::head(JOB), Some(head(&checkpoint, NOW)));
        assert_eq!(Told::get(), [(JOB, checkpoint, NOW)]);
        System::assert_has_event(Event::Advanced { job: JOB, head: head(&checkpoint, NOW) }.into());
        let (aggregator, slot) = (setup.collector.id, setup.slot);
        System::assert_last_event(Event::CameInRound { job: JOB, aggregator, number: 0, slot }.into());
    });
}

#[test]
fn is_timely_if_it_was_so_when_the_round_was_committed() {
    run(|| {
        let mut setup = Setup::new();
        let checkpoint = setup.round();
        // Too old by now to be brought directly.
        set_time(NOW + u64::from(MAX_AGE) * SECOND + 2 * SECOND);
        assert_noop!(setup.guest.submit(checkpoint), Error::<Test>::TooOld);
        assert_ok!(setup.bring());
    });
}

#[test]
fn next_ones_follow_the_head_with_a_proof() {
    run(|| {
        let mut setup = Setup::new();
        for receipts in [1, 3, 8, 16] {
            setup.guest.write(receipts);
            let checkpoint = setup.round();
            assert_ok!(setup.bring());
            assert_eq!(Receipts::head(JOB), Some(head(&checkpoint, NOW)));
        }
        assert_eq!(Told::get().len(), 4);
    });
}

#[test]
fn a_direct_one_may_follow() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        assert_ok!(setup.bring());
        setup.guest.write(3);
        let direct = setup.guest.checkpoint();
        set_time(NOW + 10 * SECOND);
        assert_ok!(setup.guest.submit(direct));
        assert_eq!(Told::get().last(), Some(&(JOB, direct, NOW + 10 * SECOND)));
    });
}

#[test]
fn may_follow_a_direct_one() {
    run(|| {
        let mut setup = Setup::new();
        let direct = setup.guest.checkpoint();
        assert_ok!(setup.guest.submit(direct));
        setup.guest.write(3);
        let later = setup.round();
        set_time(NOW + 10 * SECOND);
        assert_ok!(setup.bring());
        assert_eq!(Told::get(), [(JOB, direct, NOW), (JOB, later, NOW)]);
    });
}

#[test]
fn never_counts_twice_whichever_way_it_came_first() {
    run(|| {
        let mut setup = Setup::new();
        let checkpoint = setup.round();
        assert_ok!(setup.bring());
        assert_noop!(setup.bring(), Error::<Test>::Stale);
        assert_noop!(setup.guest.submit(checkpoint), Error::<Test>::Stale);
        setup.guest.write(2);
        let next = setup.round();
        assert_ok!(setup.guest.submit(next));
        assert_noop!(setup.bring(), Error::<Test>::Stale);
        assert_eq!(Told::get().len(), 2);
    });
}

#[test]
fn one_that_stands_in_the_rounds_of_two_aggregators_counts_once() {
    run(|| {
        let mut setup = Setup::new();
        let mut other = Collector::registered();
        let slot = other.register(PROVIDER, JOB);
        let checkpoint = setup.round();
        other.take(slot, &setup.guest, checkpoint);
        other.commit();
        assert_ok!(other.bring(0, slot, &setup.guest));
        assert_noop!(setup.bring(), Error::<Test>::Stale);
    });
}

#[test]
fn one_that_was_overtaken_by_a_direct_one_is_stale() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        setup.guest.write(3);
        let direct = setup.guest.checkpoint();
        assert_ok!(setup.guest.submit(direct));
        assert_noop!(setup.bring(), Error::<Test>::Stale);
    });
}

#[test]
fn counts_through_the_round_of_a_stopped_aggregator() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        super::report_equivocation::stop(&setup.collector);
        assert_ok!(setup.bring());
    });
}

#[test]
fn costs_its_own_work_and_that_of_both_neighbours() {
    let entry = SlotEntry::new(Guest::new(JOB).checkpoint(), Signature([0; 64]));
    let path = vec![Digest::ZERO; 20].try_into().unwrap();
    let proof = vec![Digest::ZERO; 5].try_into().unwrap();
    let call = crate::Call::<Test>::checkpoint_in_round { aggregator: AggregatorId(0), number: 0, slot: 0, entry, path, proof };
    assert_eq!(call.get_dispatch_info().call_weight, <() as WeightInfo>::checkpoint_in_round(20, 5) + Weight::from_parts(21_000, 210));
}

#[test]
fn fails_when_not_signed_by_an_account() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        let Setup { collector, slot, .. } = setup;
        let (entry, path) = (collector.slots[&slot], collector.path(slot));
        assert_noop!(
            Receipts::checkpoint_in_round(RuntimeOrigin::none(), collector.id, 0, slot, entry, path, List::new()),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn fails_when_no_log_is_open() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        Receipts::close(JOB);
        assert_noop!(setup.bring(), Error::<Test>::NoLog);
        // Opened again after the round: that one was of another log.
        set_time(NOW + SECOND);
        assert_ok!(Receipts::open(JOB));
        assert_noop!(setup.bring(), Error::<Test>::NoLog);
    });
}

#[test]
fn fails_when_the_aggregator_is_unknown() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        setup.collector.id = AggregatorId(9);
        assert_noop!(setup.bring(), Error::<Test>::UnknownAggregator);
    });
}

#[test]
fn fails_when_the_round_is_not_committed_or_no_longer_kept() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        let (number, slot) = (setup.collector.number, setup.slot);
        assert_noop!(setup.collector.bring(number, slot, &setup.guest), Error::<Test>::RoundNotKept);
        for _ in 0..256 {
            setup.collector.commit();
            set_time(setup.collector.time);
        }
        assert_noop!(setup.collector.bring(0, slot, &setup.guest), Error::<Test>::RoundNotKept);
        // The oldest that is kept holds the same checkpoint.
        assert_ok!(setup.collector.bring(1, slot, &setup.guest));
    });
}

#[test]
fn fails_when_nothing_is_registered_in_the_slot() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), setup.collector.id, setup.slot));
        assert_noop!(setup.bring(), Error::<Test>::UnknownSource);
    });
}

#[test]
fn fails_when_the_slot_is_another_jobs() {
    run(|| {
        let mut setup = Setup::new();
        // The aggregator puts the checkpoint into the slot of job 1.
        setup.slot = 0;
        setup.round();
        assert_noop!(setup.bring(), Error::<Test>::SlotOfAnother);
    });
}

#[test]
fn fails_when_the_slot_was_not_yet_given() {
    run(|| {
        let mut setup = Setup::new();
        let early = setup.round();
        let (id, slot) = (setup.collector.id, setup.slot);
        assert_ok!(Receipts::withdraw_source(RuntimeOrigin::signed(CUSTOMER), id, slot));
        assert_ok!(Receipts::register_source(RuntimeOrigin::signed(CUSTOMER), id, JOB, Some(slot)));
        assert_noop!(setup.bring(), Error::<Test>::SlotNotYetGiven);
        setup.commit(early);
        assert_noop!(setup.bring(), Error::<Test>::SlotNotYetGiven);
        setup.commit(early);
        assert_ok!(setup.bring());
    });
}

#[test]
fn fails_when_the_version_of_the_slot_or_of_the_checkpoint_is_unknown() {
    run(|| {
        let mut setup = Setup::new();
        let checkpoint = setup.guest.checkpoint();
        setup.collector.take(setup.slot, &setup.guest, checkpoint);
        setup.collector.slots.get_mut(&setup.slot).unwrap().version = 2;
        setup.collector.commit();
        assert_noop!(setup.bring(), Error::<Test>::UnsupportedVersion);
        setup.commit(Checkpoint { version: 2, ..checkpoint });
        assert_noop!(setup.bring(), Error::<Test>::UnsupportedVersion);
    });
}

#[test]
fn fails_when_the_path_does_not_lead_from_the_slot_to_the_root() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        let Setup { collector, guest, slot } = &setup;
        let (entry, path) = (collector.slots[slot], collector.path(*slot));
        let bring = |number, slot, entry, path| {
            Receipts::checkpoint_in_round(RuntimeOrigin::signed(ANYONE), collector.id, number, slot, entry, path, List::new())
        };
        let cut: List<_, 30> = path[..path.len() - 1].to_vec().try_into().unwrap();
        let mut padded = path.clone();
        padded.try_push(Digest::ZERO).unwrap();
        for path in [List::new(), cut, padded, collector.path(*slot ^ 1)] {
            assert_noop!(bring(0, *slot, entry, path), Error::<Test>::NotInRound);
        }
        // A newer checkpoint, genuine but not in the round.
        let mut later = guest.clone();
        later.write(1);
        let checkpoint = later.checkpoint();
        assert_noop!(bring(0, *slot, SlotEntry::new(checkpoint, later.sign(&checkpoint)), path.clone()), Error::<Test>::NotInRound);
        assert_ok!(bring(0, *slot, entry, path));
    });
}

#[test]
fn fails_when_unattested() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        Lapsed::set(vec![JOB]);
        assert_noop!(setup.bring(), Error::<Test>::NoSession);
    });
}

#[test]
fn fails_when_the_aggregator_made_the_checkpoint_up() {
    run(|| {
        let mut setup = Setup::new();
        setup.guest.pair = ed25519::Pair::from_seed(&[200; 32]);
        setup.round();
        assert_noop!(setup.bring(), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_as_a_direct_one_does_when_untimely_empty_shrunk_forked_or_inconsistent() {
    run(|| {
        let mut setup = Setup::new();
        let good = setup.guest.checkpoint();
        let (ahead, age) = (u64::from(MAX_AHEAD) * SECOND, u64::from(MAX_AGE) * SECOND);
        let cases = [
            (Checkpoint { time: NOW + ahead + 1, ..good }, Error::<Test>::FromTheFuture),
            (Checkpoint { time: NOW - age - 1, ..good }, Error::<Test>::TooOld),
            (Checkpoint { size: 0, ..good }, Error::<Test>::Empty),
            (Checkpoint { previous_size: 6, ..good }, Error::<Test>::Shrunk),
            (Checkpoint { previous_root: Digest::ZERO, ..good }, Error::<Test>::Forked),
        ];
        for (checkpoint, error) in cases {
            setup.commit(checkpoint);
            assert_noop!(setup.bring(), error);
        }
        setup.commit(good);
        assert_ok!(setup.bring());

        let previous = setup.guest.previous;
        let mut usage = setup.guest.clone();
        usage.write(1);
        usage.usage.cpu_ms = 0;
        let checkpoint = usage.checkpoint();
        setup.collector.take(setup.slot, &usage, checkpoint);
        let number = setup.collector.commit().number;
        assert_noop!(setup.collector.bring(number, setup.slot, &usage), Error::<Test>::UsageShrunk);

        setup.guest.fork();
        setup.guest.write(3);
        setup.guest.previous = previous;
        setup.round();
        assert_noop!(setup.bring(), Error::<Test>::Inconsistent);
    });
}

#[test]
fn fails_when_the_guest_signed_two_histories() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        Logs::<Test>::mutate(JOB, |log| log.as_mut().unwrap().equivocated = true);
        assert_noop!(setup.bring(), Error::<Test>::Equivocated);
    });
}

#[test]
fn fails_with_the_neighbours_reason_and_stores_nothing() {
    run(|| {
        let mut setup = Setup::new();
        setup.round();
        Refuses::set(true);
        let Setup { collector, slot, .. } = setup;
        let (entry, path, proof) = (collector.slots[&slot], collector.path(slot), List::new());
        let call =
            RuntimeCall::Receipts(crate::Call::checkpoint_in_round { aggregator: collector.id, number: 0, slot, entry, path, proof });
        use frame_support::traits::UnfilteredDispatchable;
        assert_noop!(call.dispatch_bypass_filter(RuntimeOrigin::signed(ANYONE)), REFUSAL);
        assert_eq!(Receipts::head(JOB), None);
    });
}
