use crate::{Event, Providers, mock::*};
use blockcloud_primitives::{End, ProviderRecord};

/// The record after one job that ended so, and whether an event told of it.
fn record_after(end: End) -> (ProviderRecord, bool) {
    let mut outcome = None;
    run(|| {
        registered(PROVIDER);
        System::reset_events();
        Offers::note_end(&account(PROVIDER), end);
        let event = RuntimeEvent::from(Event::Recorded { provider: account(PROVIDER), end });
        let told = System::events().iter().any(|record| record.event == event);
        outcome = Some((Providers::<Test>::get(account(PROVIDER)).unwrap().record, told));
    });
    outcome.unwrap()
}

#[test]
fn counts_completed_jobs() {
    assert_eq!(record_after(End::Completed), (ProviderRecord { completed: 1, ..Default::default() }, true));
}

#[test]
fn counts_missed_acceptances() {
    assert_eq!(record_after(End::NotAccepted), (ProviderRecord { not_accepted: 1, ..Default::default() }, true));
}

#[test]
fn counts_failures_of_the_provider() {
    for end in [End::NotAttested, End::Silent, End::AbandonedByProvider] {
        assert_eq!(record_after(end), (ProviderRecord { failed: 1, ..Default::default() }, true), "{end:?}");
    }
}

#[test]
fn counts_jobs_whose_guest_signed_two_histories() {
    assert_eq!(record_after(End::Equivocated), (ProviderRecord { equivocated: 1, ..Default::default() }, true));
}

#[test]
fn does_not_count_what_is_not_the_providers_doing() {
    for end in [End::NotStarted, End::TimeUp, End::EscrowExhausted, End::CancelledByCustomer] {
        assert_eq!(record_after(end), (ProviderRecord::default(), false), "{end:?}");
    }
}

#[test]
fn a_provider_that_is_gone_has_no_record() {
    run(|| {
        Offers::note_end(&account(PROVIDER), End::Completed);
        assert_eq!(Providers::<Test>::get(account(PROVIDER)), None);
        assert_eq!(System::events(), vec![]);
    });
}
