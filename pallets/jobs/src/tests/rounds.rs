//! What a checkpoint is worth that came through a round and counts as of the moment at which that was committed: exactly what it would have been worth then.

use super::{job, state};
use crate::{Error, Run, mock::*};
use blockcloud_primitives::{Checkpoint, Digest, JobId, JobState, Moment, Usage};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

/// A checkpoint that was signed at `time` and came through a round that was committed at `at`.
fn in_round(job: JobId, time: Moment, at: Moment) -> DispatchResult {
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job,
        size: 1,
        root: Digest::ZERO,
        time,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    };
    Jobs::on_checkpoint(job, &checkpoint, at)
}

#[test]
fn the_first_starts_the_job_when_its_round_was_committed() {
    run(|| {
        let id = attested();
        set_time(START + 9 * SECOND);
        assert_ok!(in_round(id, START + SECOND, START + 2 * SECOND));
        let committed = START + 2 * SECOND;
        let run = Run { started_at: committed, last_checkpoint: committed, vouched_until: START + SECOND, covered_ms: 0 };
        let deadline = committed + u64::from(GAP + SILENCE_GRACE) * SECOND;
        assert_eq!((state(id), job(id).run, job(id).deadline), (JobState::Running, Some(run), deadline));
    });
}

#[test]
fn pays_and_moves_the_deadline_as_if_it_had_come_then() {
    run(|| {
        let (direct, through) = (running(), running());
        set_time(START + 6 * SECOND);
        assert_ok!(checkpoint_signed_at(direct, START + 5 * SECOND));
        set_time(START + 15 * SECOND);
        assert_ok!(in_round(through, START + 5 * SECOND, START + 6 * SECOND));
        assert_eq!((job(direct).run, job(direct).deadline), (job(through).run, job(through).deadline));
        assert_eq!(job(through).earned(), 5 * RATE);
    });
}

#[test]
fn a_clock_ahead_of_the_chains_at_the_time_of_the_round_buys_nothing() {
    run(|| {
        let id = running();
        set_time(START + 9 * SECOND);
        assert_ok!(in_round(id, START + 8 * SECOND, START + 4 * SECOND));
        assert_eq!(job(id).earned(), 4 * RATE);
    });
}

#[test]
fn never_pays_for_one_stretch_of_time_twice_in_whatever_order() {
    run(|| {
        let (one, other) = (running(), running());
        set_time(START + 9 * SECOND);
        // Directly, and then through a round that was committed before.
        assert_ok!(checkpoint_signed_at(one, START + 5 * SECOND));
        assert_ok!(in_round(one, START + 6 * SECOND, START + 7 * SECOND));
        // The other way round.
        assert_ok!(in_round(other, START + 5 * SECOND, START + 7 * SECOND));
        assert_ok!(checkpoint_signed_at(other, START + 6 * SECOND));
        for id in [one, other] {
            let run = job(id).run.unwrap();
            assert_eq!((job(id).earned(), run.last_checkpoint), (6 * RATE, START + 9 * SECOND));
        }
    });
}

#[test]
fn one_that_leaves_the_job_overdue_does_not_revive_it() {
    run(|| {
        let id = attested();
        let late = START + u64::from(GAP + SILENCE_GRACE + 5) * SECOND;
        set_time(late);
        // The silence after it is over by now: the next look ends the job.
        assert_ok!(in_round(id, START, START));
        assert!(job(id).is_overdue(now()));
        assert_noop!(in_round(id, START + 1, START + 1), Error::<Test>::Overdue);
    });
}

#[test]
fn comes_too_late_for_a_job_that_is_overdue() {
    run(|| {
        let id = running();
        let deadline = job(id).deadline;
        set_time(deadline);
        assert_noop!(in_round(id, deadline - 2, deadline - 1), Error::<Test>::Overdue);
    });
}

#[test]
fn does_not_pay_for_a_suspension_nor_for_what_was_before_it() {
    run(|| {
        let id = super::suspension::patient(60);
        set_time(START + 5 * SECOND);
        change(|world| world.withdrawn.push(id));
        Jobs::poke(signed(STRANGER), id).unwrap();
        assert_noop!(in_round(id, START + 4 * SECOND, START + 4 * SECOND), Error::<Test>::SessionNotLive);
        change(|world| world.withdrawn.clear());
        set_time(START + 9 * SECOND);
        assert_ok!(in_round(id, START + 4 * SECOND, START + 4 * SECOND));
        let run = job(id).run.unwrap();
        assert_eq!((job(id).suspended, job(id).earned()), (None, 0));
        assert_eq!((run.vouched_until, run.last_checkpoint), (START + 9 * SECOND, START + 9 * SECOND));
    });
}

#[test]
fn a_moment_that_has_not_come_counts_as_now() {
    run(|| {
        let id = running();
        set_time(START + 4 * SECOND);
        assert_ok!(in_round(id, START + 9 * SECOND, START + 9 * SECOND));
        assert_eq!(job(id).earned(), 4 * RATE);
    });
}
