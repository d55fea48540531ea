use super::bonded;
use crate::{Bond, Bonds as Records, Covers, Event, mock::*};
use blockcloud_primitives::JobId;
use frame_support::{assert_ok, assert_storage_noop};

#[test]
fn frees_the_cover() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        assert_ok!(Bonds::reserve(JobId(8), &principal, &account(3), 200));
        Bonds::release(JobId(7));
        assert_eq!(Records::<Test>::get(&principal), Some(Bond { total: 1_000, reserved: 200, ..Bond::default() }));
        assert_eq!(Covers::<Test>::get(JobId(7)), None);
        System::assert_last_event(Event::Released { job: JobId(7), principal, amount: 300 }.into());
    });
}

#[test]
fn a_second_release_changes_nothing() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 300));
        Bonds::release(JobId(7));
        assert_storage_noop!(Bonds::release(JobId(7)));
    });
}

#[test]
fn a_job_may_be_covered_again() {
    run(|| {
        let principal = bonded(1, 1_000);
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 1_000));
        Bonds::release(JobId(7));
        assert_ok!(Bonds::reserve(JobId(7), &principal, &account(2), 1_000));
    });
}
