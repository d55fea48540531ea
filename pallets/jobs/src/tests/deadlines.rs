//! How each state ends by itself: when, why, and who gets what.

use super::{job, state};
use crate::{Jobs as Stored, mock::*};
use blockcloud_primitives::{End, JobId, JobSpec, JobState};

/// Lets the service run one second before the job's deadline, in which nothing must happen, and in the second after it.
fn let_it_end(id: JobId) -> u64 {
    let deadline = job(id).deadline;
    let before = job(id).state;
    wait(deadline - SECOND - now());
    assert_eq!(state(id), before);
    wait(SECOND);
    deadline
}

#[test]
fn not_accepted() {
    run(|| {
        let id = placed();
        assert_eq!(let_it_end(id), START + u64::from(ACCEPT_WITHIN) * SECOND);
        assert_eq!(Stored::<Test>::get(id), None);
        assert_eq!(world().ends, [(PROVIDER, End::NotAccepted)]);
        assert_eq!((spendable(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT, (0, 0)));
    });
}

#[test]
fn not_attested() {
    run(|| {
        let id = accepted();
        assert_eq!(let_it_end(id), START + u64::from(ATTEST_WITHIN) * SECOND);
        assert_eq!(Stored::<Test>::get(id), None);
        assert_eq!(world().ends, [(PROVIDER, End::NotAttested)]);
        assert_eq!((spendable(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT, (0, 0)));
    });
}

#[test]
fn not_started() {
    run(|| {
        let id = attested();
        assert_eq!(let_it_end(id), START + u64::from(START_WITHIN) * SECOND);
        assert_eq!(state(id), JobState::Settled(End::NotStarted));
        assert_eq!((held(&CUSTOMER).0, spendable(&PROVIDER)), (0, ENDOWMENT));
    });
}

#[test]
fn lapsed_before_the_start() {
    run(|| {
        change(|world| world.session = 10);
        let id = attested();
        assert_eq!(let_it_end(id), START + 10 * SECOND);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
    });
}

#[test]
fn lapsed_while_running() {
    run(|| {
        change(|world| world.session = 10);
        let id = running();
        wait(5 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(let_it_end(id), START + 10 * SECOND);
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + 5 * RATE);
    });
}

#[test]
fn withdrawn_while_running_is_not_called_silence() {
    run(|| {
        let id = running();
        change(|world| world.withdrawn.push(id));
        wait(job(id).deadline - now());
        assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
    });
}

#[test]
fn silent() {
    run(|| {
        let id = running();
        wait(5 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(let_it_end(id), START + u64::from(5 + GAP + SILENCE_GRACE) * SECOND);
        assert_eq!(state(id), JobState::Settled(End::Silent));
        // Not paid for the silence.
        assert_eq!((spendable(&PROVIDER), held(&CUSTOMER).0), (ENDOWMENT + 5 * RATE, 0));
    });
}

#[test]
fn time_up() {
    run(|| {
        let id = place(OFFER, JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        wait(10 * SECOND);
        checkpoint(id).unwrap();
        wait(2 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(let_it_end(id), START + u64::from(12 + LAST_WORD_GRACE) * SECOND);
        assert_eq!(state(id), JobState::Settled(End::TimeUp));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + 12 * RATE);
    });
}

#[test]
fn escrow_exhausted() {
    run(|| {
        let id = place(OFFER, JobSpec { escrow: 12 * RATE, ..spec() });
        start(attest(accept(id)));
        wait(10 * SECOND);
        checkpoint(id).unwrap();
        wait(3 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(let_it_end(id), START + u64::from(12 + LAST_WORD_GRACE) * SECOND);
        assert_eq!(state(id), JobState::Settled(End::EscrowExhausted));
        assert_eq!((spendable(&PROVIDER), held(&CUSTOMER).0), (ENDOWMENT + 12 * RATE, 0));
    });
}

#[test]
fn silence_at_the_end_of_the_paid_time_is_silence() {
    run(|| {
        let id = place(OFFER, JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        assert_eq!(let_it_end(id), START + u64::from(12 + LAST_WORD_GRACE) * SECOND);
        assert_eq!(state(id), JobState::Settled(End::Silent));
    });
}

#[test]
fn the_last_word_may_come_when_the_paid_time_is_over() {
    run(|| {
        let id = place(OFFER, JobSpec { longest_run: 12, ..spec() });
        start(attest(accept(id)));
        wait(9 * SECOND);
        checkpoint(id).unwrap();
        wait(4 * SECOND);
        checkpoint(id).unwrap();
        Guest::new(id).complete().unwrap();
        assert_eq!(state(id), JobState::Settled(End::Completed));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + 12 * RATE);
    });
}

#[test]
fn checkpoints_keep_a_job_alive() {
    run(|| {
        let id = running();
        for _ in 0..12 {
            wait(8 * SECOND);
            checkpoint(id).unwrap();
        }
        assert_eq!((state(id), job(id).earned()), (JobState::Running, 96 * RATE));
    });
}

#[test]
fn closed_after_the_claim_window() {
    run(|| {
        let id = running();
        Guest::new(id).complete().unwrap();
        assert_eq!(let_it_end(id), START + u64::from(CLAIM_WINDOW) * SECOND);
        assert_eq!(Stored::<Test>::get(id), None);
        let paid = u128::from(MIN_PAID_TIME) * RATE;
        assert_eq!((held(&CUSTOMER), spendable(&CUSTOMER)), ((0, 0), ENDOWMENT - paid));
        let world = world();
        assert!(world.covers.is_empty() && world.sessions.is_empty() && world.logs.is_empty());
    });
}
