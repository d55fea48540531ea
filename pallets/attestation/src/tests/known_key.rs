//! The key of a chip that is known from its last certificate: when it is used, that it changes no verdict, and when it is forgotten or replaced.

use crate::{
    Candidate, Chip, Chips, Endorsement, Error, Fault, Guest as Stored, KnownKey, MAX_ENDORSEMENTS, Pallet, Roots, RootsOf, Sessions,
    WeightInfo,
    mock::{tdx::*, *},
    verify::digest,
};
use blockcloud_evidence::snp::{Error as Refusal, Link, Report, verify_certificate};
use blockcloud_primitives::{Digest, Evidence, SiteId};
use blockcloud_simulator::{Processor, dev_root};
use codec::{Encode, MaxEncodedLen};
use frame_support::{
    assert_noop, assert_ok,
    traits::Get,
    weights::{RuntimeDbWeight, Weight},
};
use sp_runtime::AccountId32;

/// The first of January 2049, when the simulated certificates expire.
const EXPIRY: u64 = 2_493_072_000_000;

fn full() -> Weight {
    <() as WeightInfo>::open_snp()
}

fn cached() -> Weight {
    <() as WeightInfo>::open_snp_cached()
}

/// What opening a session with this evidence weighed.
fn weight(evidence: &Evidence) -> Weight {
    open_weighed(evidence).unwrap().weight
}

/// What is known of the mock's chip.
fn known() -> Option<KnownKey> {
    Chips::<Test>::get(chip()).unwrap().key
}

fn refused(refusal: Refusal) -> Error<Test> {
    Error::Refused(Fault(refusal))
}

/// Replaces the issuer that is trusted.
fn trust(issuer: Vec<u8>) {
    RootsOf::<Test>::mutate(HARDWARE, |roots| roots.as_mut().unwrap().issuer = issuer.try_into().unwrap());
}

/// Another certificate of the chip, which says the same.
fn another_certificate() -> Vec<u8> {
    let mut template = CHIP.certificate_template(dev_root::issuer());
    template.serial = 77u8.into();
    dev_root::issuer().sign(&template)
}

/// The guest's evidence with this certificate.
fn with_certificate(guest: u8, certificate: &[u8]) -> Evidence {
    Evidence { certificate: certificate.to_vec().try_into().unwrap(), ..Guest::new(guest).evidence() }
}

/// The first evidence is accepted, then both are judged: with the key known, and with it forgotten. Answers with what came out.
fn both_ways(evidence: &Evidence, prepare: impl Fn()) -> [(Result<Stored, sp_runtime::DispatchError>, Option<Chip>); 2] {
    [false, true].map(|forgotten| {
        let mut after = None;
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            if forgotten {
                Pallet::<Test>::forget_key(chip());
            }
            prepare();
            let verdict = open(evidence).map(|_| Sessions::<Test>::get(JOB).unwrap());
            after = Some((verdict, Chips::<Test>::get(chip())));
        });
        after.unwrap()
    })
}

mod hit {
    use super::*;

    #[test]
    fn comes_with_the_second_evidence_and_costs_less() {
        run(|| {
            assert_eq!(weight(&Guest::new(1).evidence()), full());
            let first = known().unwrap();
            let issuer = RootsOf::<Test>::get(HARDWARE).unwrap().issuer;
            assert_eq!((first.certificate, first.issuer), (digest(CHIP.certificate()), digest(&issuer)));
            assert_eq!(Ok(first.key.clone()), verify_certificate(CHIP.certificate(), &issuer, NOW));
            assert_eq!(weight(&Guest::new(2).evidence()), cached());
            assert_eq!(known(), Some(first));
        });
    }

    #[test]
    fn comes_with_a_renewal() {
        run(|| {
            let first = Guest::new(1).evidence();
            assert_ok!(open(&first));
            let (policy, renewal) = (policy(), Guest::new(1).renewing(&first).evidence());
            let charged = Attestation::renew(&candidate(&policy, &renewal)).unwrap().weight;
            let database: RuntimeDbWeight = <Test as frame_system::Config>::DbWeight::get();
            assert_eq!(charged, cached() + database.reads(1));
            assert!(charged.all_lte(Attestation::renew_weight()));
        });
    }

    #[test]
    fn stores_what_a_full_verification_stores() {
        let [hit, miss] = both_ways(&Guest::new(2).evidence(), || ());
        assert!(hit.0.is_ok());
        assert_eq!(hit, miss);
    }

    #[test]
    fn is_refused_once_the_certificates_have_expired() {
        let expired = || {
            set_time(EXPIRY + 1);
            assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, EXPIRY + WEEK));
        };
        let [hit, miss] = both_ways(&Guest::new(2).evidence(), expired);
        assert_eq!(hit.0, Err(refused(Refusal::CertificateExpired(Link::Issuer)).into()));
        assert_eq!(hit.0, miss.0);
    }

    #[test]
    fn lasts_until_the_certificates_expire() {
        let [hit, miss] = both_ways(&Guest::new(2).evidence(), || {
            set_time(EXPIRY - 5_000);
            assert_ok!(Attestation::approve_measurement(council(), MEASUREMENT, EXPIRY + WEEK));
        });
        assert_eq!(hit.0.as_ref().map(|guest| guest.session.valid_until), Ok(EXPIRY));
        assert_eq!(hit, miss);
    }

    #[test]
    fn is_refused_for_a_report_that_was_changed() {
        for offset in (0..Report::LEN).step_by(13) {
            let mut evidence = Guest::new(2).evidence();
            evidence.report[offset] ^= 0x40;
            let [hit, miss] = both_ways(&evidence, || ());
            assert!(hit.0.is_err(), "offset {offset:#x}");
            assert_eq!(hit.0, miss.0, "offset {offset:#x}");
        }
    }

    #[test]
    fn is_refused_for_a_report_of_another_firmware_level() {
        let evidence = Guest::new(2).evidence_of(&CHIP, |report| report[0x180] -= 1);
        let [hit, miss] = both_ways(&evidence, || ());
        assert_eq!(hit.0, Err(refused(Refusal::TcbMismatch).into()));
        assert_eq!(hit.0, miss.0);
    }

    #[test]
    fn is_refused_for_a_report_that_another_chip_signed() {
        let mut evidence = Guest::new(2).evidence();
        let mut report: [u8; 1184] = evidence.report.to_vec().try_into().unwrap();
        Processor::new([2; 32]).sign(&mut report);
        evidence.report = report.to_vec().try_into().unwrap();
        let [hit, miss] = both_ways(&evidence, || ());
        assert_eq!(hit.0, Err(refused(Refusal::ReportSignature).into()));
        assert_eq!(hit.0, miss.0);
    }

    #[test]
    fn is_refused_for_another_providers_guest_like_any() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let (policy, evidence) = (policy(), Guest::new(2).evidence());
            let elsewhere = Candidate { site: SiteId(7), ..candidate(&policy, &evidence) };
            assert_noop!(Attestation::open(&elsewhere), Error::<Test>::ChipAtAnotherSite);
        });
    }
}

mod miss {
    use super::*;

    #[test]
    fn is_another_certificate_which_takes_the_place_of_the_known_one() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let first = known().unwrap();
            let certificate = another_certificate();
            assert_eq!(weight(&with_certificate(2, &certificate)), full());
            assert_eq!(known(), Some(KnownKey { certificate: digest(&certificate), ..first }));
            assert_eq!(weight(&with_certificate(3, &certificate)), cached());
            assert_eq!(weight(&Guest::new(4).evidence()), full());
        });
    }

    #[test]
    fn is_a_certificate_with_a_changed_byte() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let mut evidence = Guest::new(2).evidence();
            let last = evidence.certificate.len() - 1;
            evidence.certificate[last] ^= 1;
            assert_noop!(open(&evidence), refused(Refusal::CertificateSignature(Link::Chip)));
        });
    }

    #[test]
    fn is_another_issuer_even_one_of_the_same_key() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let mut template = dev_root::root().issuer_template(dev_root::issuer());
            template.serial = 77u8.into();
            trust(dev_root::root().sign(&template));
            assert_eq!(weight(&Guest::new(2).evidence()), full());
            assert_eq!(weight(&Guest::new(3).evidence()), cached());
        });
    }

    #[test]
    fn is_another_issuer_that_did_not_sign_it() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            trust(dev_root::ROOT.to_vec());
            assert_noop!(open(&Guest::new(2).evidence()), refused(Refusal::CertificateIssuer(Link::Chip)));
        });
    }

    #[test]
    fn are_roots_that_were_removed() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let (tee, product) = HARDWARE;
            let roots: Roots = RootsOf::<Test>::get(HARDWARE).unwrap();
            assert_ok!(Attestation::remove_roots(council(), tee, product));
            assert_noop!(open(&Guest::new(2).evidence()), Error::<Test>::NoRoots);
            RootsOf::<Test>::insert(HARDWARE, roots);
        });
    }

    #[test]
    fn is_another_chip() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let other = Guest::new(2).evidence_of(&Processor::new([2; 32]), |_| ());
            assert_eq!(weight(&other), full());
            assert_eq!(weight(&Guest::new(3).evidence()), cached());
        });
    }

    #[test]
    fn is_another_chips_certificate_for_a_report_of_this_one() {
        run(|| {
            let other = Processor::new([2; 32]);
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_ok!(open(&Guest::new(2).evidence_of(&other, |_| ())));
            assert_noop!(open(&with_certificate(3, other.certificate())), refused(Refusal::ChipMismatch));
        });
    }

    #[test]
    fn is_tdx_which_has_no_certificate_to_remember() {
        run_tdx(|| {
            let charged = open_weighed(&evidence(&guest(1))).unwrap().weight;
            assert_eq!(charged, <() as WeightInfo>::open_tdx());
            assert!(charged.all_lte(Attestation::open_weight()));
            assert_eq!(Chips::<Test>::get(platform()).unwrap().key, None);
        });
    }
}

mod end {
    use super::*;

    #[test]
    fn is_with_the_chips_denial() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_ok!(Attestation::deny_chip(council(), chip()));
            assert_eq!(known(), None);
            assert_noop!(open(&Guest::new(2).evidence()), Error::<Test>::ChipDenied);
            assert_ok!(Attestation::allow_chip(council(), chip()));
            assert_eq!(weight(&Guest::new(3).evidence()), full());
        });
    }

    #[test]
    fn is_with_the_chips_release() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            Attestation::close(JOB);
            assert_ok!(Attestation::release_chip(RuntimeOrigin::signed(PROVIDER), chip()));
            assert_eq!(weight(&Guest::new(2).evidence()), full());
        });
    }

    #[test]
    fn is_not_with_the_session() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            Attestation::close(JOB);
            assert_eq!(weight(&Guest::new(2).evidence()), cached());
        });
    }
}

#[test]
fn a_denial_of_an_unknown_chip_registers_nothing() {
    run(|| {
        assert_ok!(Attestation::deny_chip(council(), Digest([1; 32])));
        assert_eq!(Chips::<Test>::iter().count(), 0);
    });
}

#[test]
fn no_work_weighs_more_than_is_announced() {
    for weight in [full(), cached(), <() as WeightInfo>::open_tdx()] {
        assert!(weight.all_lte(Pallet::<Test>::open_weight()), "{weight:?}");
    }
    assert!(cached().ref_time() < full().ref_time());
}

#[test]
fn the_deposit_covers_the_largest_record() {
    run(|| {
        assert_ok!(open(&Guest::new(1).evidence()));
        let word = Endorsement { certifier: AccountId32::new([1; 32]), until: NOW };
        let mut record = Chips::<Test>::get(chip()).unwrap();
        record.endorsements = vec![word; MAX_ENDORSEMENTS as usize].try_into().unwrap();
        assert_eq!(record.encode().len(), Chip::max_encoded_len());
        assert_eq!(record.deposit, DEPOSIT_BASE + DEPOSIT_PER_BYTE * Chip::max_encoded_len() as u128);
    });
}
