//! Explanations: which checks they list, and what they say. That they agree with the verdict is asserted wherever evidence is judged, see `maker`.

use crate::{
    genuine,
    maker::{ATTRIBUTES, Made, Maker},
    refusals::every_error,
    vectors::*,
};
use blockcloud_evidence::{
    explain::{Check, Refusal},
    tdx::{Error, Item, Link, Requirements, explain_evaluation},
};
use std::collections::BTreeSet;

fn names(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().map(|check| (check.name.as_str(), check.subject)).collect()
}

fn failed(checks: &[Check]) -> Vec<Refusal> {
    checks.iter().filter_map(|check| check.error).collect()
}

#[test]
fn good_evidence_passes_the_checks_that_unreadable_evidence_does_not_reach() {
    let unreadable = Made::with(|made| made.quote.clear()).explain();
    for maker in [Maker::new(), Maker::new().with_body(5, 4, 885), Maker::new().with_body(4, 2, 584)] {
        let good = maker.make().explain();
        let (good, unreadable): (BTreeSet<_>, BTreeSet<_>) =
            (names(&good.checks).into_iter().collect(), names(&unreadable.checks).into_iter().collect());
        assert_eq!(good, unreadable);
    }
    // In this order but for the quote's length, which is known to be good only after all of it was read.
    assert_eq!(names(&Maker::new().make().explain().checks), names(&unreadable.checks));
    assert_eq!(failed(&unreadable.checks), [Refusal::Tdx(Error::QuoteLength)]);
    assert!(unreadable.checks[1..].iter().all(|check| check.passed.is_none()));
}

#[test]
fn every_error_belongs_to_one_check_and_every_check_has_one() {
    let wanted: BTreeSet<String> = every_error().map(|error| Refusal::Tdx(error).check_name()).collect();
    let variants: BTreeSet<Vec<u8>> = every_error().map(|error| codec::Encode::encode(&error)[..1].to_vec()).collect();
    assert_eq!(wanted.len(), variants.len(), "two errors have one name");
    let made = Maker::new().make();
    let checks = [made.explain().checks, explain_evaluation(&made.judge().unwrap(), 17).checks].concat();
    let mut found: BTreeSet<String> = checks.into_iter().map(|check| check.name).collect();
    // Only of items that somebody has kept: an explanation is of what was just brought.
    found.insert("item_root".into());
    assert_eq!(found, wanted);
    assert_eq!(Refusal::Tdx(Error::ItemNotYetValid(Item::PckCrl)).check_name(), "item_not_yet_valid");
}

#[test]
fn what_does_not_rest_on_a_failure_is_judged_all_the_same() {
    let made = Maker::with(|maker| {
        maker.put(ATTRIBUTES, &0x8000_0000_2000_0001u64.to_le_bytes());
        maker.tcb_info["nextUpdate"] = "2027-01-15T07:59:59Z".into();
        maker.tcb_info["tcbLevels"][0]["tcbStatus"] = "OutOfDateConfigurationNeeded".into();
        maker.requirements = Requirements::STRICT;
    })
    .make();
    let explanation = made.explain();
    let wanted = [
        Error::ItemExpired(Item::TcbInfo),
        Error::Debuggable,
        Error::Migratable,
        Error::SeptVe,
        Error::PerformanceCounters,
        Error::OutOfDate,
        Error::ConfigurationNeeded,
    ];
    assert_eq!(failed(&explanation.checks), wanted.map(Refusal::Tdx));
    assert_eq!(made.judge(), Err(wanted[0]));
    assert_eq!(explanation.refused.map(|claims| claims.attributes.0), Some(0x8000_0000_2000_0001));
}

#[test]
fn nothing_is_said_of_what_rests_on_a_failure() {
    let explanation = Maker::with(|maker| maker.chip_by = crate::maker::IMPOSTOR.clone()).make().explain();
    let place = explanation.checks.iter().position(|check| check.passed == Some(false)).unwrap();
    assert_eq!(explanation.checks[place].error, Some(Refusal::Tdx(Error::CertificateSignature(Link::Chip))));
    assert!(explanation.checks[place + 1..].iter().all(|check| check.passed.is_none()));
    assert_eq!(explanation.refused, None);
}

genuine! {
    a_debuggable_guest_is_explained(vectors) {
        let explanation = vectors.evidence(V4_DEBUG).explain();
        assert_eq!(failed(&explanation.checks), [Refusal::Tdx(Error::Debuggable)]);
        let check = explanation.checks.iter().find(|check| check.name == "debuggable").unwrap();
        assert_eq!((check.subject, check.wanted.as_str()), ("guest", "attribute DEBUG (bit 0) clear"));
        assert!(check.found.starts_with("the guest can be debugged: the host can read its memory: attributes 0x"), "{}", check.found);
    }
}
