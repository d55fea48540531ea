//! What the session pallet makes of the list.

use crate::{Planned, mock::*};
use frame_support::assert_ok;

#[test]
fn genesis_is_the_first_set() {
    run(|| {
        assert_eq!(Announced::get(), [1, 2, 3]);
        assert_eq!(Session::validators(), [1, 2, 3]);
    });
}

#[test]
fn a_change_takes_effect_after_two_sessions() {
    run(|| {
        set_keys(4);
        assert_ok!(Consortium::add_validator(RuntimeOrigin::root(), 4, name("Company 4")));
        assert_ok!(Consortium::remove_validator(RuntimeOrigin::root(), 1));
        pass_sessions(1);
        assert_eq!(Announced::get(), [1, 2, 3]);
        pass_sessions(1);
        assert_eq!(Announced::get(), [2, 3, 4]);
        assert_eq!(Session::validators(), [2, 3, 4]);
    });
}

#[test]
fn an_unchanged_set_is_not_handed_over_again() {
    run(|| {
        pass_sessions(4);
        let queued = System::events().into_iter().filter(|record| record.event == pallet_session::Event::NewQueued.into()).count();
        assert_eq!(queued, 0);
    });
}

#[test]
fn a_validator_that_purged_its_keys_drops_out_until_it_sets_new_ones() {
    run(|| {
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(2)));
        pass_sessions(2);
        assert_eq!(Announced::get(), [1, 3]);
        assert_eq!(Planned::<Test>::get().into_inner(), [1, 3]);
        set_keys(2);
        pass_sessions(2);
        assert_eq!(Announced::get(), [1, 2, 3]);
    });
}
