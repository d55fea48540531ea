//! `settle`.

use super::job;
use crate::{Error, Event, mock::*};
use blockcloud_primitives::JobId;
use frame_support::{assert_noop, assert_ok};

#[test]
fn pays_what_is_earned_once() {
    run(|| {
        let id = running();
        set_time(START + 3 * SECOND);
        checkpoint(id).unwrap();
        events();
        assert_ok!(Jobs::settle(signed(STRANGER), id));
        assert_eq!(events(), [Event::Paid { job: id, provider: PROVIDER, amount: 3 * RATE }]);
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + 3 * RATE);
        assert_eq!(held(&CUSTOMER).0, ESCROW - 3 * RATE);
        assert_eq!((job(id).paid, job(id).returned, job(id).held()), (3 * RATE, 0, ESCROW - 3 * RATE));
        assert_noop!(Jobs::settle(signed(STRANGER), id), Error::<Test>::NothingToSettle);

        set_time(START + 4 * SECOND);
        checkpoint(id).unwrap();
        assert_ok!(Jobs::settle(signed(PROVIDER), id));
        assert_eq!(job(id).paid, 4 * RATE);
    });
}

#[test]
fn pays_an_overdue_job() {
    run(|| {
        let id = running();
        set_time(START + 3 * SECOND);
        checkpoint(id).unwrap();
        set_time(job(id).deadline);
        assert_ok!(Jobs::settle(signed(STRANGER), id));
        assert_eq!(job(id).paid, 3 * RATE);
    });
}

#[test]
fn fails_when_nothing_is_earned() {
    run(|| {
        for id in [placed(), accepted(), attested(), running()] {
            assert_noop!(Jobs::settle(signed(PROVIDER), id), Error::<Test>::NothingToSettle);
        }
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::settle(signed(PROVIDER), JobId(0)), Error::<Test>::UnknownJob);
    });
}
