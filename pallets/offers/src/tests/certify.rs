use super::{UNTIL, certificate, certificate_kind, certified, deposit_of, region};
use crate::{Error, Event, FactRecord, FactRecordOf, Facts, Sites, mock::*};
use blockcloud_primitives::{Fact, FactKind, SiteId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

fn record(n: u8, fact: Fact, until: u64) -> FactRecordOf<Test> {
    FactRecord { fact, certifier: account(n), until, deposit: deposit_of::<FactRecordOf<Test>>() }
}

fn site() -> SiteId {
    registered(PROVIDER);
    site_of(PROVIDER)
}

#[test]
fn stores_the_fact_for_the_certifiers_deposit() {
    run(|| {
        let site = site();
        certified(site, region("DE-BE"));
        assert_eq!(Facts::<Test>::get(site, FactKind::Region), Some(record(CERTIFIER, region("DE-BE"), UNTIL)));
        assert_eq!(Sites::<Test>::get(site).unwrap().facts, 1);
        assert_eq!(spendable(CERTIFIER), ENDOWMENT - deposit_of::<FactRecordOf<Test>>());
        System::assert_last_event(Event::Certified { site, fact: region("DE-BE"), certifier: account(CERTIFIER), until: UNTIL }.into());
    });
}

#[test]
fn keeps_kinds_and_certificates_apart() {
    run(|| {
        let site = site();
        certified(site, region("DE-BE"));
        certified(site, certificate("C5"));
        certified(site, certificate("ISO27001"));
        assert_eq!(Facts::<Test>::get(site, FactKind::Region), Some(record(CERTIFIER, region("DE-BE"), UNTIL)));
        assert_eq!(Facts::<Test>::get(site, certificate_kind("C5")), Some(record(CERTIFIER, certificate("C5"), UNTIL)));
        assert_eq!(Facts::<Test>::get(site, certificate_kind("ISO27001")), Some(record(CERTIFIER, certificate("ISO27001"), UNTIL)));
        assert_eq!(Sites::<Test>::get(site).unwrap().facts, 3);
    });
}

#[test]
fn renews_ones_own_fact() {
    run(|| {
        let site = site();
        certified(site, region("DE-BE"));
        assert_ok!(Offers::certify(signed(CERTIFIER), site, region("DE-HH"), UNTIL + 1));
        assert_eq!(Facts::<Test>::get(site, FactKind::Region), Some(record(CERTIFIER, region("DE-HH"), UNTIL + 1)));
        assert_eq!(Sites::<Test>::get(site).unwrap().facts, 1);
        assert_eq!(spendable(CERTIFIER), ENDOWMENT - deposit_of::<FactRecordOf<Test>>());
    });
}

#[test]
fn replaces_anothers_fact_that_expired() {
    run(|| {
        let site = site();
        certified(site, region("DE-BE"));
        set_time(UNTIL);
        assert_ok!(Offers::certify(signed(CERTIFIER_2), site, region("DE-HH"), UNTIL + 1));
        assert_eq!(Facts::<Test>::get(site, FactKind::Region), Some(record(CERTIFIER_2, region("DE-HH"), UNTIL + 1)));
        assert_eq!(spendable(CERTIFIER), ENDOWMENT);
        assert_eq!(spendable(CERTIFIER_2), ENDOWMENT - deposit_of::<FactRecordOf<Test>>());
    });
}

#[test]
fn fails_unsigned() {
    run(|| {
        let site = site();
        assert_noop!(Offers::certify(RuntimeOrigin::none(), site, region("DE-BE"), UNTIL), DispatchError::BadOrigin);
    });
}

#[test]
fn fails_when_not_accredited() {
    run(|| {
        let site = site();
        assert_noop!(Offers::certify(signed(PROVIDER), site, region("DE-BE"), UNTIL), Error::<Test>::NotAccredited);
    });
}

#[test]
fn fails_without_a_site() {
    run(|| {
        assert_noop!(Offers::certify(signed(CERTIFIER), SiteId(1), region("DE-BE"), UNTIL), Error::<Test>::NoSite);
    });
}

#[test]
fn fails_with_malformed_text() {
    run(|| {
        let site = site();
        for fact in [
            region(""),
            region("DE"),
            region("DE-"),
            region("de-BE"),
            region("DE-be"),
            region("D-BE"),
            Fact::Jurisdiction("".parse().unwrap()),
            Fact::Jurisdiction("D".parse().unwrap()),
            Fact::Jurisdiction("de".parse().unwrap()),
            certificate(""),
            Fact::Operator("".parse().unwrap()),
        ] {
            assert_noop!(Offers::certify(signed(CERTIFIER), site, fact, UNTIL), Error::<Test>::MalformedFact);
        }
        for fact in
            [region("US-CA"), Fact::Jurisdiction("US".parse().unwrap()), certificate("SOC2"), Fact::Operator("Example AG".parse().unwrap())]
        {
            assert_ok!(Offers::certify(signed(CERTIFIER), site, fact, UNTIL));
        }
    });
}

#[test]
fn fails_when_it_would_be_expired() {
    run(|| {
        let site = site();
        assert_noop!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), START), Error::<Test>::AlreadyExpired);
        assert_ok!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), START + 1));
    });
}

#[test]
fn fails_when_valid_for_too_long() {
    run(|| {
        let site = site();
        let latest = START + u64::from(MAX_VALIDITY) * 1_000;
        assert_noop!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), latest + 1), Error::<Test>::ValidTooLong);
        assert_ok!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), latest));
    });
}

#[test]
fn fails_when_another_vouches() {
    run(|| {
        let site = site();
        certified(site, region("DE-BE"));
        assert_noop!(Offers::certify(signed(CERTIFIER_2), site, region("DE-BE"), UNTIL), Error::<Test>::VouchedByAnother);
        set_time(UNTIL - 1);
        assert_noop!(Offers::certify(signed(CERTIFIER_2), site, region("DE-BE"), UNTIL), Error::<Test>::VouchedByAnother);
    });
}

#[test]
fn fails_with_too_many() {
    run(|| {
        let site = site();
        for n in 0..MAX_FACTS {
            certified(site, certificate(&format!("SCHEME{n}")));
        }
        assert_noop!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), UNTIL), Error::<Test>::TooManyFacts);
        // Renewing needs no further place.
        certified(site, certificate("SCHEME0"));
    });
}

#[test]
fn fails_without_the_deposit() {
    run(|| {
        let site = site();
        assert_ok!(Balances::transfer_allow_death(signed(CERTIFIER), account(9), ENDOWMENT - 1));
        assert_noop!(Offers::certify(signed(CERTIFIER), site, region("DE-BE"), UNTIL), TokenError::FundsUnavailable);
    });
}
