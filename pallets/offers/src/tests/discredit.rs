use super::{certified, region};
use crate::{Certifiers, Error, Event, mock::*};
use blockcloud_primitives::{Allow, FactKind, Refusal, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn voids_all_that_was_vouched_for() {
    run(|| {
        let offer = market();
        certified(SiteId(1), region("DE-BE"));
        let mut spec = spec();
        spec.policy.regions = Allow::Only(vec!["DE-BE".parse().unwrap()].try_into().unwrap());
        let judge = || Offers::judge(&crate::Offers::<Test>::get(offer).unwrap(), &spec, START);
        assert_eq!(judge(), vec![]);
        assert_ok!(Offers::discredit(RuntimeOrigin::root(), account(CERTIFIER)));
        assert!(!Certifiers::<Test>::contains_key(account(CERTIFIER)));
        assert_eq!(judge(), vec![Refusal::Fact(FactKind::Region)]);
        System::assert_last_event(Event::Discredited { certifier: account(CERTIFIER) }.into());
    });
}

#[test]
fn fails_for_anyone_but_governance() {
    run(|| {
        assert_noop!(Offers::discredit(signed(CERTIFIER_2), account(CERTIFIER)), DispatchError::BadOrigin);
        assert_noop!(Offers::discredit(RuntimeOrigin::none(), account(CERTIFIER)), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_not_accredited() {
    run(|| {
        assert_noop!(Offers::discredit(RuntimeOrigin::root(), account(7)), Error::<Test>::NotAccredited);
    });
}
