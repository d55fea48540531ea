//! Opening, closing and reading a log: what the runtime's other pallets do.

use crate::{Error, Event, Log, Logs, mock::*};
use blockcloud_primitives::JobId;
use frame_support::{assert_noop, assert_ok};

#[test]
fn opens_without_a_head() {
    run(|| {
        assert_ok!(Receipts::open(JOB));
        assert_eq!(Logs::<Test>::get(JOB), Some(Log { opened_at: NOW, head: None, equivocated: false }));
        assert_eq!(Receipts::head(JOB), None);
        System::assert_last_event(Event::Opened { job: JOB }.into());
    });
}

#[test]
fn open_fails_when_open() {
    run(|| {
        assert_ok!(Receipts::open(JOB));
        assert_noop!(Receipts::open(JOB), Error::<Test>::LogExists);
    });
}

#[test]
fn close_forgets_the_log_and_says_its_last_head() {
    run(|| {
        let mut guest = Guest::attested(JOB, 3);
        let checkpoint = guest.checkpoint();
        assert_ok!(guest.submit(checkpoint));
        let head = Receipts::head(JOB);
        assert!(head.is_some());
        Receipts::close(JOB);
        assert_eq!(Logs::<Test>::get(JOB), None);
        System::assert_last_event(Event::Closed { job: JOB, head }.into());
    });
}

#[test]
fn close_does_nothing_when_not_open() {
    run(|| {
        let events = System::events().len();
        Receipts::close(JOB);
        assert_eq!(System::events().len(), events);
    });
}

#[test]
fn closing_one_log_leaves_the_others() {
    run(|| {
        assert_ok!(Receipts::open(JOB));
        assert_ok!(Receipts::open(JobId(8)));
        Receipts::close(JOB);
        assert_eq!(Logs::<Test>::iter().collect::<Vec<_>>(), [(JobId(8), Log { opened_at: NOW, head: None, equivocated: false })]);
    });
}
