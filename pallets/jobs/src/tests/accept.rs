//! `accept`.

use super::{job, state};
use crate::{Error, Event, mock::*};
use blockcloud_primitives::{JobId, JobState};
use frame_support::{assert_noop, assert_ok};

#[test]
fn gives_time_to_attest() {
    run(|| {
        let id = placed();
        events();
        set_time(START + 7);
        assert_ok!(Jobs::accept(signed(PROVIDER), id));
        let deadline = START + 7 + u64::from(ATTEST_WITHIN) * SECOND;
        assert_eq!((state(id), job(id).deadline), (JobState::Accepted, deadline));
        assert_eq!(events(), [Event::Accepted { job: id, deadline }]);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::accept(signed(PROVIDER), JobId(0)), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_for_anyone_but_the_provider() {
    run(|| {
        let id = placed();
        for caller in [CUSTOMER, OTHER_PROVIDER] {
            assert_noop!(Jobs::accept(signed(caller), id), Error::<Test>::NotProvider);
        }
    });
}

#[test]
fn fails_in_any_other_state() {
    run(|| {
        for id in [accepted(), attested(), running()] {
            assert_noop!(Jobs::accept(signed(PROVIDER), id), Error::<Test>::WrongState);
        }
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = placed();
        set_time(START + u64::from(ACCEPT_WITHIN) * SECOND - 1);
        assert_ok!(Jobs::accept(signed(PROVIDER), id));
        let late = placed();
        set_time(job(late).deadline);
        assert_noop!(Jobs::accept(signed(PROVIDER), late), Error::<Test>::Overdue);
    });
}
