//! `attest`.

use super::{job, state};
use crate::{Call, Error, Event, WeightInfo, mock::*};
use blockcloud_primitives::{Evidence, JobId, JobState, List, PublicKey};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};

fn attest_again(id: JobId, evidence: Evidence) -> sp_runtime::DispatchResult {
    Jobs::attest(signed(PROVIDER), id, Box::new(evidence)).map(drop).map_err(|failure| failure.error)
}

#[test]
fn pays_back_what_the_verification_did_not_cost() {
    run(|| {
        let id = accepted();
        let evidence = Box::new(Guest::new(id).evidence());
        let announced = Call::<Test>::attest { job: id, evidence: evidence.clone() }.get_dispatch_info().call_weight;
        let charged = Jobs::attest(signed(PROVIDER), id, evidence).unwrap().actual_weight.unwrap();
        assert_eq!(charged, <() as WeightInfo>::attest() + OPENED);
        assert!(charged.all_lte(announced) && charged.ref_time() < announced.ref_time(), "{charged:?} {announced:?}");
    });
}

#[test]
fn opens_session_and_log() {
    run(|| {
        let id = accepted();
        events();
        set_time(START + 3);
        assert_ok!(attest_again(id, Guest::new(id).evidence()));
        let deadline = START + 3 + u64::from(START_WITHIN) * SECOND;
        let stored = job(id);
        assert_eq!((stored.state, stored.deadline), (JobState::Attested, deadline));
        assert_eq!(stored.session_until, Some(START + 3 + u64::from(SESSION) * SECOND));
        assert_eq!(events(), [Event::Attested { job: id, deadline }]);
        let world = world();
        assert_eq!(world.judged, [(id, PROVIDER, spec().terms(), spec().policy, START + 3)]);
        assert_eq!(world.logs[&id], None);
    });
}

#[test]
fn a_short_session_shortens_the_deadline() {
    run(|| {
        change(|world| world.session = 10);
        let id = attested();
        assert_eq!(job(id).deadline, START + 10 * SECOND);
    });
}

#[test]
fn a_restarted_guest_replaces_the_first_but_gets_no_more_time() {
    run(|| {
        let id = attested();
        let deadline = job(id).deadline;
        set_time(START + 50 * SECOND);
        let evidence = Evidence { receipt_key: PublicKey([3; 32]), ..Guest::new(id).evidence() };
        assert_ok!(attest_again(id, evidence));
        assert_eq!((state(id), job(id).deadline), (JobState::Attested, deadline));
        assert_eq!(world().sessions[&id].receipt_key, PublicKey([3; 32]));
        assert_eq!(job(id).session_until, Some(START + 50 * SECOND + u64::from(SESSION) * SECOND));
    });
}

#[test]
fn fails_once_a_checkpoint_exists() {
    run(|| {
        let id = running();
        assert_noop!(attest_again(id, Guest::new(id).evidence()), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_before_acceptance() {
    run(|| {
        let id = placed();
        assert_noop!(attest_again(id, Guest::new(id).evidence()), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(attest_again(JobId(4), Guest::new(JobId(4)).evidence()), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_for_anyone_but_the_provider() {
    run(|| {
        let id = accepted();
        let evidence = Box::new(Guest::new(id).evidence());
        assert_noop!(Jobs::attest(signed(CUSTOMER), id, evidence), Error::<Test>::NotProvider);
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = accepted();
        set_time(job(id).deadline);
        assert_noop!(attest_again(id, Guest::new(id).evidence()), Error::<Test>::Overdue);
    });
}

#[test]
fn fails_when_the_verifier_refuses() {
    run(|| {
        let id = accepted();
        assert_noop!(attest_again(id, Evidence { report: List::new(), ..Guest::new(id).evidence() }), BAD_EVIDENCE);
    });
}
