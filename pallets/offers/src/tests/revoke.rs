use super::{certified, region};
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

fn assert_revoked(site: SiteId) {
    assert_eq!(Facts::<Test>::get(site, FactKind::Region), None);
    assert_eq!(Sites::<Test>::get(site).unwrap().facts, 0);
    assert_eq!(spendable(CERTIFIER), ENDOWMENT);
    System::assert_last_event(Event::Revoked { site, kind: FactKind::Region }.into());
}

#[test]
fn its_certifier_may() {
    run(|| {
        let site = vouched();
        assert_ok!(Offers::revoke(signed(CERTIFIER), site, FactKind::Region));
        assert_revoked(site);
    });
}

#[test]
fn its_certifier_may_after_losing_the_accreditation() {
    run(|| {
        let site = vouched();
        assert_ok!(Offers::discredit(RuntimeOrigin::root(), account(CERTIFIER)));
        assert_ok!(Offers::revoke(signed(CERTIFIER), site, FactKind::Region));
        assert_revoked(site);
    });
}

#[test]
fn governance_may() {
    run(|| {
        let site = vouched();
        assert_ok!(Offers::revoke(RuntimeOrigin::root(), site, FactKind::Region));
        assert_revoked(site);
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        let site = vouched();
        assert_noop!(Offers::revoke(RuntimeOrigin::none(), site, FactKind::Region), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_without_a_fact() {
    run(|| {
        let site = vouched();
        assert_noop!(Offers::revoke(signed(CERTIFIER), site, FactKind::Jurisdiction), Error::<Test>::NoFact);
        assert_noop!(Offers::revoke(RuntimeOrigin::root(), SiteId(99), FactKind::Region), Error::<Test>::NoFact);
    });
}

#[test]
fn fails_for_another_certifier() {
    run(|| {
        let site = vouched();
        assert_noop!(Offers::revoke(signed(CERTIFIER_2), site, FactKind::Region), Error::<Test>::NotYourFact);
        assert_noop!(Offers::revoke(signed(PROVIDER), site, FactKind::Region), Error::<Test>::NotYourFact);
    });
}
