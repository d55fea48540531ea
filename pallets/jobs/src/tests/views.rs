//! What the outside reads.

use super::job;
use crate::mock::*;
use blockcloud_primitives::{AccountId, JobId, JobSpec, JobView, Page, SiteId, Text};

#[test]
fn a_job_is_shown_whole() {
    run(|| {
        let id = running();
        set_time(START + 3 * SECOND);
        checkpoint(id).unwrap();
        Jobs::settle(signed(PROVIDER), id).unwrap();
        Guest::new(id).complete().unwrap();
        let endpoint: Text<256> = "https://agent.example".parse().unwrap();
        let stored = job(id);
        let expected = JobView {
            id,
            customer: AccountId([1; 32]),
            provider: AccountId([10; 32]),
            endpoint: endpoint.clone(),
            offer: OFFER,
            site: SiteId(1),
            state: stored.state,
            deadline: stored.deadline,
            placed_at: START,
            started_at: Some(START),
            terms: spec().terms(),
            spec: spec(),
            rate: RATE,
            deposited: ESCROW,
            earned: 10 * RATE,
            paid: 10 * RATE,
            returned: ESCROW - 10 * RATE,
            session: world().sessions.get(&id).cloned(),
            lapse: None,
            suspended: None,
            head: world().logs[&id],
            completion: Some(Guest::new(id).completion()),
        };
        assert_eq!(Jobs::job_view(id, |provider| if *provider == PROVIDER { endpoint } else { Text::default() }), Some(expected));
        assert_eq!(Jobs::policy(id), Some(spec().policy));
    });
}

#[test]
fn an_unknown_job_is_not_shown() {
    run(|| {
        assert_eq!(Jobs::job_view(JobId(0), |_| Text::default()), None);
        assert_eq!(Jobs::policy(JobId(0)), None);
        assert_eq!(Jobs::job(JobId(0)), None);
    });
}

#[test]
fn the_jobs_of_an_account_come_in_pages_by_age() {
    run(|| {
        let jobs: Vec<_> = (0..300).map(|_| place(FREE_OFFER, JobSpec { escrow: 0, cover: 0, ..spec() })).collect();
        let page = |after, limit| Jobs::jobs_of(&PROVIDER, after, limit);
        assert_eq!(page(None, 3), Page { items: jobs[..3].to_vec(), next: Some(jobs[2]) });
        assert_eq!(page(Some(jobs[2]), 2), Page { items: jobs[3..5].to_vec(), next: Some(jobs[4]) });
        assert_eq!(page(Some(jobs[297]), 2), Page { items: jobs[298..].to_vec(), next: None });
        assert_eq!(page(Some(jobs[299]), 2), Page { items: vec![], next: None });
        // Limits are clamped.
        assert_eq!(page(None, 0).items, jobs[..1]);
        assert_eq!(page(None, u32::MAX).items, jobs[..256]);
        // The last one of a page may be closed by now.
        Jobs::cancel(signed(CUSTOMER), jobs[2]).unwrap();
        assert_eq!(page(Some(jobs[2]), 1).items, [jobs[3]]);
        assert_eq!(Jobs::jobs_of(&CUSTOMER, Some(jobs[297]), 9).items, jobs[298..]);
        assert_eq!(Jobs::jobs_of(&STRANGER, None, 9), Page { items: vec![], next: None });
    });
}

#[test]
fn a_job_with_oneself_is_listed_once() {
    run(|| {
        let id = Jobs::do_place(PROVIDER, OFFER, spec()).unwrap();
        assert_eq!(Jobs::jobs_of(&PROVIDER, None, 9), Page { items: vec![id], next: None });
    });
}
