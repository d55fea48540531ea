//! `top_up`.

use super::job;
use crate::{Error, Event, Flows, TotalFlows, mock::*};
use blockcloud_primitives::{JobId, JobSpec};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

#[test]
fn locks_more_in_any_live_state() {
    run(|| {
        for id in [placed(), accepted(), attested(), running()] {
            let before = (held(&CUSTOMER).0, TotalFlows::<Test>::get(), job(id).deadline);
            events();
            assert_ok!(Jobs::top_up(signed(CUSTOMER), id, 77));
            assert_eq!(events(), [Event::ToppedUp { job: id, amount: 77, deadline: before.2 }]);
            assert_eq!(held(&CUSTOMER).0, before.0 + 77);
            assert_eq!(job(id).deposited, ESCROW + 77);
            assert_eq!(TotalFlows::<Test>::get(), Flows { deposited: before.1.deposited + 77, ..before.1 });
        }
    });
}

#[test]
fn moves_the_end_of_the_escrow() {
    run(|| {
        let id = place(OFFER, JobSpec { escrow: 12 * RATE, ..spec() });
        start(attest(accept(id)));
        assert_eq!(job(id).deadline, START + (12 + u64::from(LAST_WORD_GRACE)) * SECOND);
        assert_ok!(Jobs::top_up(signed(CUSTOMER), id, 3 * RATE));
        assert_eq!(job(id).deadline, START + (15 + u64::from(LAST_WORD_GRACE)) * SECOND);
    });
}

#[test]
fn pays_for_time_that_the_old_escrow_did_not_cover() {
    run(|| {
        let id = place(OFFER, JobSpec { escrow: 12 * RATE, ..spec() });
        start(attest(accept(id)));
        for second in [7, 14] {
            set_time(START + second * SECOND);
            checkpoint(id).unwrap();
        }
        assert_eq!(job(id).earned(), 12 * RATE);
        assert_ok!(Jobs::top_up(signed(CUSTOMER), id, 10 * RATE));
        assert_eq!(job(id).earned(), 14 * RATE);
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::top_up(signed(CUSTOMER), JobId(0), 1), Error::<Test>::UnknownJob);
    });
}

#[test]
fn fails_for_anyone_but_the_customer() {
    run(|| {
        let id = running();
        assert_noop!(Jobs::top_up(signed(PROVIDER), id, 1), Error::<Test>::NotCustomer);
    });
}

#[test]
fn fails_with_nothing() {
    run(|| {
        let id = running();
        assert_noop!(Jobs::top_up(signed(CUSTOMER), id, 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn fails_after_the_end() {
    run(|| {
        let id = running();
        assert_ok!(Jobs::cancel(signed(CUSTOMER), id));
        assert_noop!(Jobs::top_up(signed(CUSTOMER), id, 1), Error::<Test>::WrongState);
    });
}

#[test]
fn fails_when_overdue() {
    run(|| {
        let id = running();
        set_time(job(id).deadline);
        assert_noop!(Jobs::top_up(signed(CUSTOMER), id, 1), Error::<Test>::Overdue);
    });
}

#[test]
fn fails_when_the_sum_cannot_be_counted() {
    run(|| {
        let id = running();
        assert_noop!(Jobs::top_up(signed(CUSTOMER), id, u128::MAX), Error::<Test>::Overflow);
    });
}

#[test]
fn fails_when_the_money_is_not_there() {
    run(|| {
        let id = running();
        assert_noop!(Jobs::top_up(signed(CUSTOMER), id, ENDOWMENT), TokenError::FundsUnavailable);
    });
}
