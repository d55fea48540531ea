use super::{UNTIL, certified, region};
use crate::{Error, Event, Facts, Sites, mock::*};
use blockcloud_primitives::{FactKind, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn vouched() -> SiteId {
    registered(PROVIDER);
    let site = site_of(PROVIDER);
    certified(site, region("DE-BE"));
    site
}

#[test]
fn anyone_may_and_the_certifier_gets_its_deposit() {
    run(|| {
        let site = vouched();
        set_time(UNTIL);
        assert_ok!(Offers::remove_expired_fact(signed(7), site, FactKind::Region));
        assert_eq!(Facts::<Test>::get(site, FactKind::Region), None);
        assert_eq!(Sites::<Test>::get(site).unwrap().facts, 0);
        assert_eq!(spendable(CERTIFIER), ENDOWMENT);
        System::assert_last_event(Event::FactRemoved { site, kind: FactKind::Region }.into());
    });
}

#[test]
fn removes_what_a_discredited_certifier_vouched_for() {
    run(|| {
        let site = vouched();
        assert_ok!(Offers::discredit(RuntimeOrigin::root(), account(CERTIFIER)));
        assert_ok!(Offers::remove_expired_fact(signed(7), site, FactKind::Region));
        assert_eq!(spendable(CERTIFIER), ENDOWMENT);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        let site = vouched();
        set_time(UNTIL);
        assert_noop!(Offers::remove_expired_fact(RuntimeOrigin::none(), site, FactKind::Region), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_a_fact() {
    run(|| {
        assert_noop!(Offers::remove_expired_fact(signed(7), SiteId(1), FactKind::Region), Error::<Test>::NoFact);
    });
}

#[test]
fn fails_while_it_counts() {
    run(|| {
        let site = vouched();
        set_time(UNTIL - 1);
        assert_noop!(Offers::remove_expired_fact(signed(7), site, FactKind::Region), Error::<Test>::NotExpired);
    });
}
