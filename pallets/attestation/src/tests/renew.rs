//! `renew`: the same guest shows itself again.

use crate::{Accepted, Candidate, Chips, Error, Event, Seen, mock::*};
use blockcloud_primitives::{Digest, JobId, Lapse, Measurement, Policy, Session};
use blockcloud_simulator::Processor;
use frame_support::{assert_noop, assert_ok};
use sp_core::{Pair, ed25519};

const LATER: u64 = NOW + 12 * 3_600_000;

/// The guest's first evidence, accepted; then half a day passes.
fn attested() -> blockcloud_primitives::Evidence {
    let first = Guest::new(1).evidence();
    assert_ok!(open(&first));
    set_time(LATER);
    first
}

#[test]
fn lets_the_session_last_anew() {
    run(|| {
        let first = attested();
        let guest = Guest::new(1).renewing(&first);
        let evidence = guest.evidence();
        let valid_until = LATER + u64::from(MAX_SESSION) * 1_000;
        let session = Session { since: LATER, valid_until, ..guest.session(&evidence) };
        assert_eq!(session.previous, Some(first.replay_key()));
        assert_eq!(renew(&evidence), Ok(session.clone()));
        assert_eq!(Attestation::judge(JOB, valid_until - 1), Ok(session.clone()));
        let seen = [&first, &evidence].map(|evidence| Seen { evidence: evidence.replay_key(), anchor: HEIGHT - 1 });
        assert_eq!(Accepted::<Test>::get(JOB).to_vec(), seen);
        assert_eq!(Chips::<Test>::get(chip()).map(|chip| chip.sessions), Some(1));
        System::assert_last_event(Event::Attested { job: JOB, session }.into());
    });
}

#[test]
fn renews_a_renewed_session_by_its_last_evidence() {
    run(|| {
        let first = attested();
        let second = Guest::new(1).renewing(&first).evidence();
        assert_ok!(renew(&second));
        assert_noop!(renew(&Guest::new(1).anchored(HEIGHT - 2).renewing(&first).evidence()), Error::<Test>::NotBound);
        assert_ok!(renew(&Guest::new(1).renewing(&second).evidence()));
    });
}

#[test]
fn renews_a_session_whose_time_is_over() {
    run(|| {
        let first = attested();
        set_time(NOW + u64::from(MAX_SESSION) * 1_000);
        assert_eq!(Attestation::judge(JOB, Timestamp::get()), Err(Lapse::Expired));
        assert_ok!(renew(&Guest::new(1).renewing(&first).evidence()));
        assert!(Attestation::judge(JOB, Timestamp::get()).is_ok());
    });
}

#[test]
fn fails_without_a_session() {
    run(|| {
        let first = Guest::new(1).evidence();
        assert_noop!(renew(&Guest::new(1).renewing(&first).evidence()), Error::<Test>::NothingToRenew);
    });
}

#[test]
fn fails_when_it_was_made_for_a_start() {
    run(|| {
        attested();
        // Another block, so that it is not the same evidence.
        assert_noop!(renew(&Guest::new(1).anchored(HEIGHT - 2).evidence()), Error::<Test>::NotBound);
    });
}

#[test]
fn fails_when_a_renewal_is_brought_as_a_start() {
    run(|| {
        let first = attested();
        assert_noop!(open(&Guest::new(1).renewing(&first).evidence()), Error::<Test>::NotBound);
    });
}

#[test]
fn fails_when_it_renews_other_evidence() {
    run(|| {
        attested();
        let mut guest = Guest::new(1);
        guest.binding.previous = Some(Digest([1; 32]));
        assert_noop!(renew(&guest.evidence()), Error::<Test>::NotBound);
    });
}

#[test]
fn fails_when_replayed() {
    run(|| {
        let first = attested();
        let renewal = Guest::new(1).renewing(&first).evidence();
        assert_ok!(renew(&renewal));
        assert_noop!(renew(&renewal), Error::<Test>::Replayed);
        assert_noop!(renew(&first), Error::<Test>::Replayed);
    });
}

#[test]
fn fails_for_another_guest() {
    run(|| {
        let first = attested();
        let error = || Error::<Test>::AnotherGuest;
        assert_noop!(renew(&Guest::new(2).renewing(&first).evidence()), error());
        let mut keys = Guest::new(1).renewing(&first);
        keys.binding.wrapping_key.0[0] ^= 1;
        assert_noop!(renew(&keys.evidence()), error());
        let on_another_chip = Guest::new(1).renewing(&first).evidence_of(&Processor::new([2; 32]), |_| ());
        assert_noop!(renew(&on_another_chip), error());
        let mut software = Guest::new(1).renewing(&first);
        software.measurement = Measurement([9; 48]);
        assert_ok!(Attestation::approve_measurement(council(), software.measurement, NOW + WEEK));
        assert_noop!(renew(&software.evidence()), error());
    });
}

#[test]
fn fails_when_the_receipt_key_is_not_possessed() {
    run(|| {
        let first = attested();
        let mut guest = Guest::new(1).renewing(&first);
        guest.pair = ed25519::Pair::from_seed(&[99; 32]);
        assert_noop!(renew(&guest.evidence()), Error::<Test>::NotPossessed);
    });
}

#[test]
fn fails_for_another_job() {
    run(|| {
        let first = attested();
        let evidence = Guest::new(1).renewing(&first).evidence();
        let policy: Policy = policy();
        let elsewhere = Candidate { job: JobId(8), ..candidate(&policy, &evidence) };
        assert_noop!(Attestation::renew(&elsewhere), Error::<Test>::NothingToRenew);
    });
}

#[test]
fn fails_under_todays_rules() {
    run(|| {
        let first = attested();
        let renewal = Guest::new(1).renewing(&first).evidence();
        assert_ok!(Attestation::deny_chip(council(), chip()));
        assert_noop!(renew(&renewal), Error::<Test>::ChipDenied);
    });
}
