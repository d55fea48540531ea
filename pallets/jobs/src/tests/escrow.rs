//! Money under hostile circumstances: accounts that are frozen, gone, or both parties at once.

use super::{job, state};
use crate::{Event, Jobs as Stored, mock::*};
use blockcloud_primitives::{End, JobSpec, JobState};
use frame_support::{
    assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn a_freeze_of_the_customers_does_not_keep_pay_from_the_provider() {
    run(|| {
        let id = running();
        wait(3 * SECOND);
        checkpoint(id).unwrap();
        Balances::set_lock(*b"allofit!", &CUSTOMER, ENDOWMENT, WithdrawReasons::all());
        assert_ok!(Jobs::settle(signed(PROVIDER), id));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + 3 * RATE);
    });
}

#[test]
fn an_account_that_cannot_be_paid_does_not_keep_a_job_from_ending() {
    run(|| {
        let id = place(GHOST_OFFER, spec());
        start(attest(accept(id)));
        wait(3 * SECOND);
        checkpoint(id).unwrap();
        events();
        Guest::new(id).complete().unwrap();
        let error = DispatchError::Token(TokenError::CannotCreate);
        assert!(events().contains(&Event::PayoutFailed { job: id, provider: GHOST, error }));
        assert_eq!((state(id), job(id).held()), (JobState::Settled(End::Completed), 20));

        // The account comes back within the claim window.
        assert_ok!(Balances::transfer_allow_death(signed(STRANGER), GHOST, MINIMUM_BALANCE));
        assert_ok!(Jobs::settle(signed(STRANGER), id));
        assert_eq!((spendable(&GHOST), job(id).held()), (MINIMUM_BALANCE + 20, 0));
    });
}

#[test]
fn what_could_not_be_paid_returns_when_the_job_closes() {
    run(|| {
        let id = place(GHOST_OFFER, spec());
        start(attest(accept(id)));
        wait(3 * SECOND);
        checkpoint(id).unwrap();
        Guest::new(id).complete().unwrap();
        wait(u64::from(CLAIM_WINDOW) * SECOND);
        assert_eq!(Stored::<Test>::get(id), None);
        assert_eq!((held(&CUSTOMER), spendable(&CUSTOMER)), ((0, 0), ENDOWMENT));
    });
}

#[test]
fn a_provider_may_be_its_own_customer() {
    run(|| {
        let id = Jobs::do_place(PROVIDER, OFFER, spec()).unwrap();
        start(attest(accept(id)));
        for _ in 0..2 {
            wait(6 * SECOND);
            checkpoint(id).unwrap();
        }
        Guest::new(id).complete().unwrap();
        assert_eq!((job(id).paid, held(&PROVIDER).0), (12 * RATE, 0));
        wait(u64::from(CLAIM_WINDOW) * SECOND);
        assert_eq!((held(&PROVIDER), spendable(&PROVIDER)), ((0, 0), ENDOWMENT));
    });
}

#[test]
fn two_jobs_of_one_customer_do_not_mix() {
    run(|| {
        let (first, second) = (running(), place(OTHER_OFFER, JobSpec { escrow: 10_000, ..spec() }));
        start(attest(accept(second)));
        wait(5_001);
        for id in [first, second] {
            checkpoint(id).unwrap();
        }
        assert_ok!(Jobs::cancel(signed(CUSTOMER), first));
        assert_eq!(spendable(&PROVIDER), ENDOWMENT + u128::from(MIN_PAID_TIME) * RATE);
        assert_eq!(held(&CUSTOMER).0, 10_000);
        assert_ok!(Jobs::settle(signed(OTHER_PROVIDER), second));
        assert_eq!(spendable(&OTHER_PROVIDER), ENDOWMENT + 370);
        assert_eq!(held(&CUSTOMER).0, 10_000 - 370);
    });
}
