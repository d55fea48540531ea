//! `complete`: the guest's last word, and every reason not to believe it.

use super::{job, state};
use crate::{Error, Event, mock::*};
use blockcloud_primitives::{Completion, Digest, End, JobId, JobState, List, Op, Receipt, Signature};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

/// What a job that has run for three seconds is paid: the shortest paid time.
const LEAST: u128 = MIN_PAID_TIME as u128 * RATE;

/// A running job that has run for three seconds.
fn finished() -> (JobId, Guest) {
    let id = running();
    set_time(START + 3 * SECOND);
    checkpoint(id).unwrap();
    (id, Guest::new(id))
}

/// Refuses a last word that was changed before it was signed.
fn refused(change: impl FnOnce(&mut Completion, &mut Receipt, &mut List<Digest, 64>), error: Error<Test>) {
    run(|| {
        let (id, guest) = finished();
        let (mut completion, mut receipt, mut proof) = (guest.completion(), guest.receipts[2], guest.proof(2));
        change(&mut completion, &mut receipt, &mut proof);
        let signature = guest.sign(&completion);
        assert_noop!(Jobs::complete(signed(STRANGER), id, completion, signature, receipt, proof), DispatchError::from(error));
    });
}

#[test]
fn ends_pays_and_returns() {
    run(|| {
        let (id, guest) = finished();
        events();
        assert_ok!(guest.complete());
        let claims_until = START + 3 * SECOND + u64::from(CLAIM_WINDOW) * SECOND;
        let completion = guest.completion();
        assert_eq!(
            events(),
            [
                Event::Completed { job: id, output: completion.output, exit: completion.exit },
                Event::Paid { job: id, provider: PROVIDER, amount: LEAST },
                Event::Returned { job: id, customer: CUSTOMER, amount: ESCROW - LEAST },
                Event::Ended { job: id, end: End::Completed, claims_until },
            ]
        );
        let stored = job(id);
        assert_eq!((stored.state, stored.completion, stored.deadline), (JobState::Settled(End::Completed), Some(completion), claims_until));
        assert_eq!((stored.paid, stored.returned, stored.held()), (LEAST, ESCROW - LEAST, 0));
        assert_eq!(held(&CUSTOMER), (0, stored.deposit));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + LEAST);
        let world = world();
        assert_eq!(world.ends, [(PROVIDER, End::Completed)]);
        assert_eq!(world.offers[&OFFER].free, TOTAL_VCPUS);
        assert!(world.covers.contains_key(&id) && world.sessions.contains_key(&id) && world.logs.contains_key(&id));
    });
}

#[test]
fn fails_the_second_time() {
    run(|| {
        let (_, guest) = finished();
        assert_ok!(guest.complete());
        assert_noop!(guest.complete(), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Guest::new(JobId(3)).complete(), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_before_the_first_checkpoint() {
    run(|| {
        let id = attested();
        assert_noop!(Guest::new(id).complete(), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let (id, guest) = finished();
        set_time(job(id).deadline);
        assert_noop!(guest.complete(), Error::<Test>::Overdue);
    });
}

#[test]
fn fails_with_an_unknown_version() {
    refused(|completion, _, _| completion.version = 2, Error::UnknownVersion);
    refused(|_, receipt, _| receipt.version = 2, Error::UnknownVersion);
}

#[test]
fn fails_when_it_speaks_of_another_job() {
    refused(|completion, _, _| completion.job = JobId(8), Error::WrongJob);
    refused(|_, receipt, _| receipt.job = JobId(8), Error::WrongJob);
}

#[test]
fn fails_when_the_session_was_withdrawn() {
    run(|| {
        let (id, guest) = finished();
        change(|world| world.withdrawn.push(id));
        assert_noop!(guest.complete(), Error::<Test>::SessionNotLive);
    });
}

#[test]
fn fails_when_the_final_checkpoint_is_missing() {
    refused(|completion, _, _| completion.size += 1, Error::NotTheHead);
    refused(|completion, _, _| completion.root = Digest::ZERO, Error::NotTheHead);
    run(|| {
        let (id, guest) = finished();
        change(|world| world.logs.insert(id, None));
        assert_noop!(guest.complete(), Error::<Test>::NotTheHead);
    });
}

#[test]
fn fails_with_the_signature_of_another() {
    run(|| {
        let (id, guest) = finished();
        let completion = guest.completion();
        let call = |signature| Jobs::complete(signed(PROVIDER), id, completion, signature, guest.receipts[2], guest.proof(2));
        assert_noop!(call(Guest::new(JobId(50)).sign(&completion)), Error::<Test>::BadSignature);
        assert_noop!(call(Signature([0; 64])), Error::<Test>::BadSignature);
        assert_noop!(call(guest.sign(&Completion { erased: 1, ..completion })), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_on_another_chain() {
    run(|| {
        let (_, guest) = finished();
        frame_system::BlockHash::<Test>::insert(0, sp_core::H256([8; 32]));
        assert_noop!(guest.complete(), Error::<Test>::BadSignature);
    });
}

#[test]
fn fails_when_the_receipt_is_not_of_an_erasure() {
    refused(|_, receipt, _| receipt.op = Op::Process, Error::NotErased);
}

#[test]
fn fails_when_the_receipt_stands_elsewhere() {
    refused(|completion, _, _| completion.erased = 1, Error::NotErased);
}

#[test]
fn fails_when_the_receipt_was_changed() {
    refused(|_, receipt, _| receipt.bytes = 1, Error::NotInLog);
}

#[test]
fn fails_with_the_proof_of_another_position() {
    refused(|_, _, proof| *proof = Guest::new(JobId(0)).proof(0), Error::NotInLog);
}

#[test]
fn fails_without_proof() {
    refused(|_, _, proof| *proof = List::new(), Error::NotInLog);
}

#[test]
fn a_failed_program_is_a_completed_job() {
    run(|| {
        let (id, guest) = finished();
        let completion = Completion { exit: blockcloud_primitives::Exit::Trap, ..guest.completion() };
        assert_ok!(Jobs::complete(signed(STRANGER), id, completion, guest.sign(&completion), guest.receipts[2], guest.proof(2)));
        assert_eq!(state(id), JobState::Settled(End::Completed));
    });
}
