//! What a checkpoint does to a job. That its signature and its consistency are checked is the keeper of the logs' affair.

use super::{job, state};
use crate::{Error, Event, Run, mock::*};
use blockcloud_primitives::{Checkpoint, Digest, JobId, JobState, Usage};
use frame_support::{assert_noop, assert_ok};

fn any_checkpoint(job: JobId) -> Checkpoint {
    Checkpoint {
        version: Checkpoint::VERSION,
        job,
        size: 1,
        root: Digest::ZERO,
        time: now(),
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    }
}

#[test]
fn the_first_starts_the_job_and_pays_nothing() {
    run(|| {
        let id = attested();
        set_time(START + 2_500);
        events();
        assert_ok!(checkpoint_signed_at(id, START + 2_000));
        let now = START + 2_500;
        let run = Run { started_at: now, last_checkpoint: now, vouched_until: START + 2_000, covered_ms: 0 };
        let deadline = now + u64::from(GAP + SILENCE_GRACE) * SECOND;
        assert_eq!((state(id), job(id).run, job(id).deadline), (JobState::Running, Some(run), deadline));
        assert_eq!(events(), [Event::Started { job: id, deadline }]);
    });
}

#[test]
fn each_further_one_pays_from_signing_to_signing() {
    run(|| {
        let id = running();
        events();
        set_time(START + 4_700);
        assert_ok!(checkpoint_signed_at(id, START + 4_001));
        let run = Run { started_at: START, last_checkpoint: START + 4_700, vouched_until: START + 4_001, covered_ms: 4_001 };
        let deadline = START + 4_700 + u64::from(GAP + SILENCE_GRACE) * SECOND;
        assert_eq!((job(id).run, job(id).earned()), (Some(run), 800));
        assert_eq!(events(), [Event::Accrued { job: id, covered_ms: 4_001, earned: 800, deadline }]);
    });
}

#[test]
fn a_silence_longer_than_the_gap_is_not_paid() {
    run(|| {
        let id = running();
        set_time(START + u64::from(GAP + 15) * SECOND);
        assert_ok!(checkpoint(id));
        assert_eq!(job(id).earned(), RATE * u128::from(GAP));
    });
}

#[test]
fn a_checkpoint_that_is_held_back_is_worth_no_more_than_a_prompt_one() {
    run(|| {
        let id = running();
        // Signed after one second, then the guest is stopped and the checkpoint brought nine seconds later.
        set_time(START + 10 * SECOND);
        assert_ok!(checkpoint_signed_at(id, START + SECOND));
        assert_eq!(job(id).earned(), RATE);
    });
}

#[test]
fn a_guest_whose_clock_is_ahead_earns_no_more() {
    run(|| {
        let id = running();
        set_time(START + 2 * SECOND);
        assert_ok!(checkpoint_signed_at(id, START + 50 * SECOND));
        assert_eq!(job(id).earned(), 2 * RATE);
        set_time(START + 4 * SECOND);
        assert_ok!(checkpoint_signed_at(id, START + 52 * SECOND));
        assert_eq!(job(id).earned(), 4 * RATE);
    });
}

#[test]
fn a_guest_whose_clock_is_behind_earns_no_less() {
    run(|| {
        let id = attested();
        assert_ok!(checkpoint_signed_at(id, START - 100 * SECOND));
        set_time(START + 4 * SECOND);
        assert_ok!(checkpoint_signed_at(id, START - 96 * SECOND));
        assert_eq!(job(id).earned(), 4 * RATE);
        assert_eq!(state(id), JobState::Running);
    });
}

#[test]
fn pay_ends_with_the_escrow() {
    run(|| {
        let id = place(OFFER, blockcloud_primitives::JobSpec { escrow: 12 * RATE, ..spec() });
        start(attest(accept(id)));
        for second in [8, 16] {
            set_time(START + second * SECOND);
            assert_ok!(checkpoint(id));
        }
        assert_eq!(job(id).earned(), 12 * RATE);
        // Used up at second 12; more checkpoints do not move that.
        assert_eq!(job(id).deadline, START + (12 + u64::from(LAST_WORD_GRACE)) * SECOND);
    });
}

#[test]
fn pay_ends_with_the_longest_run() {
    run(|| {
        let id = place(OFFER, blockcloud_primitives::JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        for second in [8, 16] {
            set_time(START + second * SECOND);
            assert_ok!(checkpoint(id));
        }
        assert_eq!(job(id).earned(), 12 * RATE);
        assert_eq!(job(id).deadline, START + (12 + u64::from(LAST_WORD_GRACE)) * SECOND);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::on_checkpoint(JobId(0), &any_checkpoint(JobId(0)), now()), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_when_it_speaks_of_another_job() {
    run(|| {
        let (id, other) = (running(), running());
        assert_noop!(Jobs::on_checkpoint(id, &any_checkpoint(other), now()), Error::<Test>::WrongJob);
    });
}

#[test]
fn fails_before_attestation_and_after_the_end() {
    run(|| {
        let ended = running();
        assert_ok!(Jobs::cancel(signed(CUSTOMER), ended));
        for id in [placed(), accepted(), ended] {
            assert_noop!(Jobs::on_checkpoint(id, &any_checkpoint(id), now()), Error::<Test>::WrongState);
        }
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = running();
        set_time(job(id).deadline);
        assert_noop!(Jobs::on_checkpoint(id, &any_checkpoint(id), now()), Error::<Test>::Overdue);
    });
}

#[test]
fn fails_when_the_session_was_withdrawn() {
    run(|| {
        let id = running();
        change(|world| world.withdrawn.push(id));
        assert_noop!(Jobs::on_checkpoint(id, &any_checkpoint(id), now()), Error::<Test>::SessionNotLive);
    });
}
