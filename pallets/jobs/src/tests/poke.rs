//! `poke`.

use super::{job, state};
use crate::{Error, Jobs as Stored, mock::*};
use blockcloud_primitives::{End, JobId, JobState};
use frame_support::{
    assert_noop,
    dispatch::{Pays, PostDispatchInfo},
};

const FREE: PostDispatchInfo = PostDispatchInfo { actual_weight: None, pays_fee: Pays::No };

#[test]
fn ends_an_overdue_job_for_free() {
    run(|| {
        let id = running();
        set_time(job(id).deadline);
        assert_eq!(Jobs::poke(signed(STRANGER), id), Ok(FREE));
        assert_eq!(state(id), JobState::Settled(End::Silent));
    });
}

#[test]
fn closes_when_the_claim_window_is_over() {
    run(|| {
        let id = running();
        Guest::new(id).complete().unwrap();
        set_time(job(id).deadline);
        assert_eq!(Jobs::poke(signed(STRANGER), id), Ok(FREE));
        assert_eq!(Stored::<Test>::get(id), None);
        assert_eq!((held(&CUSTOMER), world().covers.len()), ((0, 0), 0));
    });
}

#[test]
fn ends_a_job_whose_session_was_withdrawn() {
    run(|| {
        for id in [attested(), running()] {
            change(|world| world.withdrawn.push(id));
            assert_eq!(Jobs::poke(signed(STRANGER), id), Ok(FREE));
            assert_eq!(state(id), JobState::Settled(End::AttestationLapsed));
        }
    });
}

#[test]
fn fails_when_there_is_nothing_to_do() {
    run(|| {
        let ended = running();
        Guest::new(ended).complete().unwrap();
        for id in [placed(), accepted(), attested(), running(), ended] {
            set_time(now().max(job(id).deadline - 1));
            assert_noop!(Jobs::poke(signed(STRANGER), id), Error::<Test>::NotDue);
            set_time(START);
        }
    });
}

#[test]
fn fails_for_an_unknown_job() {
    run(|| {
        assert_noop!(Jobs::poke(signed(STRANGER), JobId(0)), Error::<Test>::UnknownJob);
    });
}
