//! `renew`.

use super::{job, state};
use crate::{Call, Error, Event, WeightInfo, mock::*};
use blockcloud_primitives::{Evidence, JobId, JobState, Lapse, List};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};

/// Newer evidence of the same guest.
fn newer(id: JobId) -> Evidence {
    let mut evidence = Guest::new(id).evidence();
    evidence.report[0] = 2;
    evidence
}

fn renew(id: JobId) -> sp_runtime::DispatchResult {
    Jobs::renew(signed(PROVIDER), id, Box::new(newer(id))).map(drop).map_err(|failure| failure.error)
}

#[test]
fn pays_back_what_the_verification_did_not_cost() {
    run(|| {
        let id = running();
        let evidence = Box::new(newer(id));
        let announced = Call::<Test>::renew { job: id, evidence: evidence.clone() }.get_dispatch_info().call_weight;
        let charged = Jobs::renew(signed(PROVIDER), id, evidence).unwrap().actual_weight.unwrap();
        assert_eq!(charged, <() as WeightInfo>::renew() + RENEWED);
        assert!(charged.all_lte(announced) && charged.ref_time() < announced.ref_time(), "{charged:?} {announced:?}");
    });
}

#[test]
fn lets_the_session_last_anew_and_pays_on() {
    run(|| {
        change(|world| world.session = 30);
        let id = running();
        for second in [9, 18] {
            set_time(START + second * SECOND);
            checkpoint(id).unwrap();
        }
        events();
        assert_ok!(renew(id));
        let until = START + 48 * SECOND;
        assert_eq!(job(id).session_until, Some(until));
        assert_eq!(events(), [Event::Renewed { job: id, valid_until: until, deadline: job(id).deadline }]);
        assert_eq!(world().sessions[&id].previous, Some(Guest::new(id).evidence().replay_key()));
        for second in [27, 36, 45] {
            set_time(START + second * SECOND);
            checkpoint(id).unwrap();
        }
        assert_eq!((state(id), job(id).earned()), (JobState::Running, 45 * RATE));
    });
}

#[test]
fn lets_a_suspended_job_go_on_unpaid_for_the_time_between() {
    run(|| {
        change(|world| world.session = 30);
        let id = super::suspension::patient(60);
        for second in [9, 18, 27] {
            set_time(START + second * SECOND);
            checkpoint(id).unwrap();
        }
        wait(13 * SECOND);
        assert_eq!(job(id).suspended.map(|suspension| suspension.reason), Some(Lapse::Expired));
        events();
        assert_ok!(renew(id));
        let resumed = Event::Resumed { job: id, reason: Lapse::Expired };
        assert_eq!(events().first(), Some(&resumed));
        assert_eq!((job(id).suspended, job(id).session_until), (None, Some(START + 70 * SECOND)));
        set_time(START + 45 * SECOND);
        checkpoint(id).unwrap();
        assert_eq!(job(id).earned(), (27 + 5) * RATE);
    });
}

#[test]
fn fails_before_the_job_runs_and_after_its_end() {
    run(|| {
        let ended = running();
        Guest::new(ended).complete().unwrap();
        for id in [placed(), accepted(), attested(), ended] {
            assert_noop!(renew(id), Error::<Test>::WrongState);
        }
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(renew(JobId(9)), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_for_anyone_but_the_provider() {
    run(|| {
        let id = running();
        let evidence = Box::new(newer(id));
        assert_noop!(Jobs::renew(signed(CUSTOMER), id, evidence), Error::<Test>::NotProvider);
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = running();
        set_time(job(id).deadline);
        assert_noop!(renew(id), Error::<Test>::Overdue);
    });
}

#[test]
fn fails_when_the_verifier_refuses() {
    run(|| {
        let id = running();
        let bad = Box::new(Evidence { report: List::new(), ..newer(id) });
        assert_noop!(Jobs::renew(signed(PROVIDER), id, bad), BAD_EVIDENCE);
    });
}
