//! Every invariant is broken once, by one change behind the pallet's back, to see that the check notices; and every demand on the configuration.

use super::tamper;
use crate::{Cursor, Due, HoldReason, JobsOf, NextJob, Run, Specs, TotalFlows, mock::*};
use blockcloud_primitives::{End, JobId, JobSpec, JobState, List};
use frame_support::traits::{fungible::hold::Mutate, tokens::Precision};

/// Runs the change on a chain with one job in each state, all invariants holding, and expects this one to be broken.
fn broken(invariant: &str, change: impl FnOnce([JobId; 5])) {
    new_test_ext().execute_with(|| {
        let ended = running();
        set_time(START + 3 * SECOND);
        checkpoint(ended).unwrap();
        Guest::new(ended).complete().unwrap();
        let jobs = [placed(), accepted(), attested(), running(), ended];
        set_time(START + 6 * SECOND);
        checkpoint(jobs[3]).unwrap();
        Jobs::settle(signed(PROVIDER), jobs[3]).unwrap();
        assert_eq!(Jobs::do_try_state(), Ok(()));
        change(jobs);
        let error = Jobs::do_try_state().unwrap_err();
        let sp_runtime::DispatchError::Other(text) = error else { panic!("an unexpected kind of error: {error:?}") };
        assert_eq!(text, invariant);
    });
}

const MONEY: &str = "1: a job's money does not add up";
const OVERPAID: &str = "1: a job has paid more than was earned";
const ESCROW_HELD: &str = "2: escrow held is not that of the jobs";
const DEPOSIT_HELD: &str = "2: deposit held is not that of the jobs";
const FLOWS: &str = "3: the total flows do not add up";
const TWICE: &str = "4: a job is not in the queue, or more than once";
const NOT_NAMED: &str = "4: an entry is not the one that its job names";
const FIT: &str = "7: a job's state does not fit what it has";

#[test]
fn a_job_that_returned_more_than_was_locked() {
    broken(MONEY, |jobs| tamper(jobs[0], |job| job.returned = ESCROW + 1));
}

#[test]
fn a_job_that_paid_without_earning() {
    broken(OVERPAID, |jobs| tamper(jobs[2], |job| job.paid = 1));
}

#[test]
fn escrow_that_is_not_held() {
    broken(ESCROW_HELD, |_| {
        Balances::release(&HoldReason::Escrow.into(), &CUSTOMER, 1, Precision::Exact).unwrap();
    });
}

#[test]
fn escrow_of_nobody() {
    broken(ESCROW_HELD, |_| Balances::hold(&HoldReason::Escrow.into(), &STRANGER, 1).unwrap());
}

#[test]
fn a_deposit_that_is_not_held() {
    broken(DEPOSIT_HELD, |jobs| tamper(jobs[4], |job| job.deposit += 1));
}

#[test]
fn a_customer_without_account() {
    broken("2: a customer of a job has no account", |jobs| {
        tamper(jobs[0], |job| (job.customer, job.deposit, job.returned) = (GHOST, 0, ESCROW));
        Balances::release(&HoldReason::Escrow.into(), &CUSTOMER, ESCROW, Precision::Exact).unwrap();
        let deposit = held(&CUSTOMER).1 / 5;
        Balances::release(&HoldReason::Deposit.into(), &CUSTOMER, deposit, Precision::Exact).unwrap();
    });
}

#[test]
fn flows_that_do_not_add_up() {
    broken(FLOWS, |_| TotalFlows::<Test>::mutate(|flows| flows.deposited += 1));
    broken(FLOWS, |_| TotalFlows::<Test>::mutate(|flows| flows.paid -= 1));
    broken(FLOWS, |_| TotalFlows::<Test>::mutate(|flows| flows.returned += 1));
}

#[test]
fn an_empty_second() {
    broken("4: an empty second is stored", |_| Due::<Test>::insert(START, List::new()));
}

#[test]
fn a_second_before_the_cursor() {
    broken("4: a second before the cursor has entries", |_| Cursor::<Test>::put(u64::MAX));
    broken("4: a second before the cursor has entries", |_| Cursor::<Test>::kill());
}

#[test]
fn an_entry_that_its_job_does_not_name() {
    broken(NOT_NAMED, |jobs| tamper(jobs[1], |job| job.queued = None));
    broken(NOT_NAMED, |_| Due::<Test>::try_append(START, JobId(99)).unwrap());
}

#[test]
fn a_job_in_the_queue_twice() {
    broken(TWICE, |jobs| Due::<Test>::try_append(super::job(jobs[0]).queued.unwrap(), jobs[0]).unwrap());
}

#[test]
fn a_job_in_no_queue() {
    broken(TWICE, |jobs| {
        let mut job = super::job(jobs[0]);
        Jobs::unqueue(jobs[0], &mut job);
    });
}

#[test]
fn a_job_listed_for_a_stranger() {
    broken("5: a job is listed for a stranger", |jobs| JobsOf::<Test>::insert(STRANGER, jobs[0].0.to_be_bytes(), ()));
    broken("5: a job is listed for a stranger", |_| JobsOf::<Test>::insert(CUSTOMER, [9; 8], ()));
}

#[test]
fn a_job_not_listed() {
    broken("5: a job is not listed for its party", |jobs| JobsOf::<Test>::remove(PROVIDER, jobs[0].0.to_be_bytes()));
}

#[test]
fn an_id_that_was_not_handed_out() {
    broken("6: a job has an id that was not handed out", |_| NextJob::<Test>::put(JobId(1)));
}

#[test]
fn another_spec() {
    let another = JobSpec { longest_run: 1, ..spec() };
    broken("6: a job's spec is not that of its terms", |jobs| Specs::<Test>::insert(jobs[0], another));
    broken("6: a job's spec is not that of its terms", |jobs| Specs::<Test>::remove(jobs[0]));
}

#[test]
fn a_spec_without_job() {
    broken("6: a spec has no job", |_| Specs::<Test>::insert(JobId(99), spec()));
}

#[test]
fn a_state_that_does_not_fit() {
    broken(FIT, |jobs| tamper(jobs[0], |job| job.session_until = Some(1)));
    broken(FIT, |jobs| tamper(jobs[1], |job| job.state = JobState::Attested));
    broken(FIT, |jobs| tamper(jobs[2], |job| job.state = JobState::Running));
    broken(FIT, |jobs| tamper(jobs[3], |job| job.state = JobState::Attested));
    broken(FIT, |jobs| tamper(jobs[4], |job| job.session_until = None));
}

#[test]
fn a_completion_that_does_not_fit() {
    const COMPLETION: &str = "7: a job has a completion without being completed, or the reverse";
    broken(COMPLETION, |jobs| tamper(jobs[4], |job| job.state = JobState::Settled(End::Silent)));
    broken(COMPLETION, |jobs| tamper(jobs[4], |job| job.completion = None));
}

#[test]
fn a_run_beyond_the_longest() {
    broken("7: a run is longer than the longest run", |jobs| {
        let covered_ms = u64::from(LONGEST_RUN) * SECOND + 1;
        tamper(jobs[3], |job| job.run = job.run.map(|run| Run { covered_ms, ..run }));
    });
}

#[test]
fn the_configuration_of_the_mock_is_sound() {
    run(Jobs::check_config);
}

#[test]
fn a_cap_that_blocks_cannot_bear_is_refused() {
    run(|| {
        MaxDuePerBlock::set(100_000);
        let outcome = std::panic::catch_unwind(Jobs::check_config);
        MaxDuePerBlock::set(0);
        let none = std::panic::catch_unwind(Jobs::check_config);
        assert!(outcome.is_err() && none.is_err());
    });
}

#[test]
fn a_suspension_of_a_job_that_does_not_run_or_without_an_end() {
    use blockcloud_primitives::{Lapse, Suspension};
    let message = "7: a job is suspended that does not run, or without an end";
    let suspension = Suspension { since: START, reason: Lapse::Expired, until: START + 1 };
    broken(message, |jobs| tamper(jobs[2], |job| job.suspended = Some(suspension)));
    broken(message, |jobs| tamper(jobs[3], |job| job.suspended = Some(suspension)));
}
