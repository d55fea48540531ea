//! The registry of chips, and what policies may ask of it.

use crate::{Candidate, Chip, Chips, Endorsement, Error, Event, HoldReason, mock::*};
use blockcloud_primitives::{Digest, JobId, Lapse, Policy, SiteId, Tcb};
use blockcloud_simulator::Processor;
use codec::MaxEncodedLen;
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold as _};
use sp_runtime::{AccountId32, TokenError};

/// What the record of a chip costs.
fn deposit() -> u128 {
    DEPOSIT_BASE + DEPOSIT_PER_BYTE * Chip::max_encoded_len() as u128
}

/// What is held of the provider for chips.
fn held() -> u128 {
    Balances::balance_on_hold(&HoldReason::Chip.into(), &PROVIDER)
}

/// A policy that wants so many certifiers behind a chip.
fn endorsed(chip_endorsements: u8) -> Policy {
    Policy { chip_endorsements, ..policy() }
}

fn endorse(certifier: AccountId32, until: u64) {
    assert_ok!(Attestation::endorse_chip(RuntimeOrigin::signed(certifier), chip(), SITE, until));
}

mod registration {
    use super::*;

    #[test]
    fn is_by_the_first_evidence_and_costs_a_deposit() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let record = Chips::<Test>::get(chip()).unwrap();
            let wanted = Chip {
                provider: PROVIDER,
                site: SITE,
                deposit: deposit(),
                sessions: 1,
                endorsements: Default::default(),
                key: record.key.clone(),
            };
            assert_eq!(record, wanted);
            assert_eq!(held(), deposit());
            System::assert_has_event(Event::ChipRegistered { chip: chip(), provider: PROVIDER, site: SITE }.into());
        });
    }

    #[test]
    fn stays_when_its_last_session_is_closed() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_ok!(open(&Guest::new(2).evidence()));
            assert_eq!(Chips::<Test>::get(chip()).map(|chip| chip.sessions), Some(1));
            Attestation::close(JOB);
            assert_eq!(Chips::<Test>::get(chip()).map(|chip| chip.sessions), Some(0));
            assert_eq!(held(), deposit());
        });
    }

    #[test]
    fn fails_when_the_deposit_is_not_there() {
        run(|| {
            let evidence = Guest::new(1).evidence();
            assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(PROVIDER), OTHER, ENDOWMENT - deposit()));
            assert_noop!(open(&evidence), TokenError::FundsUnavailable);
        });
    }

    #[test]
    fn fails_for_another_provider() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let mut guest = Guest::new(2);
            guest.binding.provider = blockcloud_primitives::AccountId(OTHER.into());
            guest.binding.job = JobId(8);
            let (policy, evidence) = (policy(), guest.evidence());
            let stranger = Candidate { job: JobId(8), provider: &OTHER, ..candidate(&policy, &evidence) };
            assert_noop!(Attestation::open(&stranger), Error::<Test>::ChipOfAnother);
        });
    }

    #[test]
    fn fails_at_another_site() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let (policy, evidence) = (policy(), Guest::new(2).evidence());
            let elsewhere = Candidate { site: SiteId(7), ..candidate(&policy, &evidence) };
            assert_noop!(Attestation::open(&elsewhere), Error::<Test>::ChipAtAnotherSite);
        });
    }
}

mod release_chip {
    use super::*;

    fn release(by: AccountId32) -> sp_runtime::DispatchResult {
        Attestation::release_chip(RuntimeOrigin::signed(by), chip())
    }

    #[test]
    fn returns_the_deposit_and_forgets_what_was_vouched_for() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 1);
            Attestation::close(JOB);
            assert_ok!(release(PROVIDER));
            assert_eq!((Chips::<Test>::get(chip()), held()), (None, 0));
            System::assert_last_event(Event::ChipReleased { chip: chip(), provider: PROVIDER }.into());
        });
    }

    #[test]
    fn fails_for_an_unknown_chip() {
        run(|| {
            assert_noop!(release(PROVIDER), Error::<Test>::UnknownChip);
        });
    }

    #[test]
    fn fails_for_anyone_else() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            Attestation::close(JOB);
            assert_noop!(release(OTHER), Error::<Test>::ChipOfAnother);
        });
    }

    #[test]
    fn fails_while_a_session_rests_on_it() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_noop!(release(PROVIDER), Error::<Test>::ChipInUse);
        });
    }
}

mod endorse_chip {
    use super::*;

    #[test]
    fn is_what_a_policy_may_ask_for() {
        run(|| {
            assert_noop!(open_under(&endorsed(1), &Guest::new(1).evidence()), Error::<Test>::ChipNotEndorsed);
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 60_000);
            System::assert_last_event(Event::ChipEndorsed { chip: chip(), site: SITE, certifier: CERTIFIER, until: NOW + 60_000 }.into());
            assert_noop!(open_under(&endorsed(2), &Guest::new(2).evidence()), Error::<Test>::ChipNotEndorsed);
            assert_ok!(open_under(&endorsed(1), &Guest::new(2).evidence()));
        });
    }

    #[test]
    fn counts_each_certifier_once_and_takes_the_newer_word() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 1);
            endorse(CERTIFIER, NOW + 2);
            let word = Endorsement { certifier: CERTIFIER, until: NOW + 2 };
            assert_eq!(Chips::<Test>::get(chip()).map(|chip| chip.endorsements.to_vec()), Some(vec![word]));
        });
    }

    #[test]
    fn counts_for_a_session_only_while_it_lasts() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 60_000);
            assert_ok!(open_under(&endorsed(1), &Guest::new(2).evidence()));
            assert!(Attestation::judge(JOB, NOW + 59_999).is_ok());
            assert_eq!(Attestation::judge(JOB, NOW + 60_000), Err(Lapse::EndorsementsLost));
        });
    }

    #[test]
    fn counts_only_while_the_certifier_is_accredited() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 60_000);
            assert_ok!(open_under(&endorsed(1), &Guest::new(2).evidence()));
            Accredited::mutate(|accredited| accredited.retain(|certifier| *certifier != CERTIFIER));
            assert_eq!(Attestation::judge(JOB, NOW), Err(Lapse::EndorsementsLost));
        });
    }

    #[test]
    fn has_room_for_four_that_count() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let certifiers: Vec<_> = (50..55).map(|number| AccountId32::new([number; 32])).collect();
            Accredited::mutate(|accredited| accredited.extend(certifiers.clone()));
            certifiers.iter().take(4).for_each(|certifier| endorse(certifier.clone(), NOW + 60_000));
            let fifth = || Attestation::endorse_chip(RuntimeOrigin::signed(certifiers[4].clone()), chip(), SITE, NOW + WEEK);
            assert_noop!(fifth(), Error::<Test>::TooManyEndorsements);
            set_time(NOW + 60_000);
            assert_ok!(fifth());
            assert_eq!(Chips::<Test>::get(chip()).map(|chip| chip.endorsements.len()), Some(1));
        });
    }

    #[test]
    fn fails_for_anyone_who_is_not_accredited() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            let by_the_provider = Attestation::endorse_chip(RuntimeOrigin::signed(PROVIDER), chip(), SITE, NOW + 1);
            assert_eq!(by_the_provider, Err(Error::<Test>::NotAccredited.into()));
        });
    }

    #[test]
    fn fails_when_already_over() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_noop!(Attestation::endorse_chip(RuntimeOrigin::signed(CERTIFIER), chip(), SITE, NOW), Error::<Test>::AlreadyOver);
        });
    }

    #[test]
    fn fails_for_an_unknown_chip() {
        run(|| {
            let unknown = Attestation::endorse_chip(RuntimeOrigin::signed(CERTIFIER), Digest([1; 32]), SITE, NOW + 1);
            assert_eq!(unknown, Err(Error::<Test>::UnknownChip.into()));
        });
    }

    #[test]
    fn fails_for_another_site_than_the_chips() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_noop!(
                Attestation::endorse_chip(RuntimeOrigin::signed(CERTIFIER), chip(), SiteId(7), NOW + 1),
                Error::<Test>::ChipAtAnotherSite
            );
        });
    }
}

mod withdraw_endorsement {
    use super::*;

    #[test]
    fn ends_what_rests_on_it() {
        run(|| {
            assert_ok!(open(&Guest::new(1).evidence()));
            endorse(CERTIFIER, NOW + 60_000);
            assert_ok!(open_under(&endorsed(1), &Guest::new(2).evidence()));
            assert_ok!(Attestation::withdraw_endorsement(RuntimeOrigin::signed(CERTIFIER), chip()));
            System::assert_last_event(Event::EndorsementWithdrawn { chip: chip(), certifier: CERTIFIER }.into());
            assert_eq!(Attestation::judge(JOB, NOW), Err(Lapse::EndorsementsLost));
        });
    }

    #[test]
    fn fails_when_there_is_none() {
        run(|| {
            let withdraw = || Attestation::withdraw_endorsement(RuntimeOrigin::signed(CERTIFIER), chip());
            assert_noop!(withdraw(), Error::<Test>::UnknownChip);
            assert_ok!(open(&Guest::new(1).evidence()));
            assert_noop!(withdraw(), Error::<Test>::NotEndorsed);
        });
    }
}

mod legacy {
    use super::*;
    use crate::{Floors, Roots, RootsOf, Scheduled};
    use blockcloud_evidence::snp::Product;
    use blockcloud_primitives::Tee;

    #[test]
    fn hardware_is_accepted_only_by_name() {
        run(|| {
            let milan = Processor::of(Product::Milan, [1; 32]);
            let roots: Roots = RootsOf::<Test>::get(HARDWARE).unwrap();
            RootsOf::<Test>::insert((Tee::Simulated, Product::Milan), roots);
            Floors::<Test>::insert((Tee::Simulated, Product::Milan), Scheduled::at_once(Tcb::default()));
            let evidence = Guest::new(1).evidence_of(&milan, |_| ());
            assert_noop!(open(&evidence), Error::<Test>::LegacyHardware);
            assert_ok!(open_under(&Policy { legacy_hardware: true, ..policy() }, &evidence));
        });
    }
}
