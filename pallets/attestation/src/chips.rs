//! The registry of chips: which chip runs for which provider at which site, and which certifiers vouch for that.
//!
//! A chip is registered by its first evidence, which binds the provider: nobody can claim a chip whose guests they do not run. Physical access is the attack
//! that today's hardware does not survive; that a chip stands in an audited place is for certifiers to say, and for policies to ask for.
//! Not here: denied chips, which are the council's (`calls`).

use crate::{Chip, Chips, Config, Endorsement, Error, Event, HoldReason, KnownKey, Pallet, traits::Certifiers as _, verify::digest};
use blockcloud_evidence::snp::{ChipKey, Report};
use blockcloud_primitives::{Balance, Digest, List, Moment, SiteId};
use codec::MaxEncodedLen;
use frame_support::{
    defensive, ensure,
    pallet_prelude::*,
    traits::{Get, Time, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::{AccountId32, ArithmeticError};

impl<T: Config> Pallet<T> {
    /// Whether a chip may give evidence for this provider at this site, with as many certifiers behind it as are asked for.
    pub(crate) fn check_chip(chip: Digest, provider: &AccountId32, site: SiteId, endorsements: u8, now: Moment) -> DispatchResult {
        if let Some(known) = Chips::<T>::get(chip) {
            ensure!(known.provider == *provider, Error::<T>::ChipOfAnother);
            ensure!(known.site == site, Error::<T>::ChipAtAnotherSite);
        }
        ensure!(endorsements == 0 || Self::endorsements_of(chip, now) >= endorsements, Error::<T>::ChipNotEndorsed);
        Ok(())
    }

    /// The key that is known of the chip that an SEV-SNP report names, if it is of this certificate under this issuer. The report is not believed: it
    /// only says where to look.
    pub(crate) fn known_key(report: &[u8], certificate: Digest, issuer: Digest) -> Option<ChipKey> {
        let report = Report::parse(report).ok()?;
        let known = Chips::<T>::get(digest(&report.chip_id))?.key?;
        ((known.certificate, known.issuer) == (certificate, issuer)).then_some(known.key)
    }

    /// Notes one session more on a chip, and registers it if it is new. A key that was learned takes the place of the one that was known.
    pub(crate) fn use_chip(chip: Digest, provider: &AccountId32, site: SiteId, learned: Option<KnownKey>) -> DispatchResult {
        let mut record = match Chips::<T>::get(chip) {
            Some(record) => record,
            None => {
                let deposit = Self::deposit_for(Chip::max_encoded_len())?;
                T::Currency::hold(&HoldReason::Chip.into(), provider, deposit)?;
                Self::deposit_event(Event::ChipRegistered { chip, provider: provider.clone(), site });
                Chip { provider: provider.clone(), site, deposit, sessions: 0, endorsements: List::new(), key: None }
            }
        };
        record.sessions = record.sessions.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        record.key = learned.or(record.key);
        Chips::<T>::insert(chip, record);
        Ok(())
    }

    /// Forgets the key that is known of a chip, if it is registered.
    pub(crate) fn forget_key(chip: Digest) {
        Chips::<T>::mutate_extant(chip, |record| record.key = None);
    }

    /// Notes one session less on a chip.
    pub(crate) fn leave_chip(chip: Digest) {
        Chips::<T>::mutate_exists(chip, |record| {
            match record.as_mut().and_then(|record| Some((record.sessions.checked_sub(1)?, record))) {
                Some((left, record)) => record.sessions = left,
                None => {
                    defensive!("a session rested on a chip that does not know of it");
                }
            }
        });
    }

    /// How many accredited certifiers vouch for a chip now.
    pub(crate) fn endorsements_of(chip: Digest, now: Moment) -> u8 {
        let Some(record) = Chips::<T>::get(chip) else { return 0 };
        let counting = record.endorsements.iter().filter(|endorsement| Self::counts(endorsement, now));
        // Saturating without effect: there are at most four.
        counting.fold(0, |count: u8, _| count.saturating_add(1))
    }

    fn counts(endorsement: &Endorsement, now: Moment) -> bool {
        now < endorsement.until && T::Certifiers::is_accredited(&endorsement.certifier)
    }

    /// See `release_chip`.
    pub(crate) fn do_release_chip(provider: &AccountId32, chip: Digest) -> DispatchResult {
        let record = Chips::<T>::get(chip).ok_or(Error::<T>::UnknownChip)?;
        ensure!(record.provider == *provider, Error::<T>::ChipOfAnother);
        ensure!(record.sessions == 0, Error::<T>::ChipInUse);
        T::Currency::release(&HoldReason::Chip.into(), provider, record.deposit, Precision::Exact)?;
        Chips::<T>::remove(chip);
        Self::deposit_event(Event::ChipReleased { chip, provider: record.provider });
        Ok(())
    }

    /// See `endorse_chip`.
    pub(crate) fn do_endorse_chip(certifier: AccountId32, chip: Digest, site: SiteId, until: Moment) -> DispatchResult {
        ensure!(T::Certifiers::is_accredited(&certifier), Error::<T>::NotAccredited);
        let now = T::Time::now();
        ensure!(until > now, Error::<T>::AlreadyOver);
        let mut record = Chips::<T>::get(chip).ok_or(Error::<T>::UnknownChip)?;
        ensure!(record.site == site, Error::<T>::ChipAtAnotherSite);
        // What does not count any more makes room.
        record.endorsements.retain(|endorsement| endorsement.certifier != certifier && Self::counts(endorsement, now));
        let endorsement = Endorsement { certifier: certifier.clone(), until };
        record.endorsements.try_push(endorsement).map_err(|_| Error::<T>::TooManyEndorsements)?;
        Chips::<T>::insert(chip, record);
        Self::deposit_event(Event::ChipEndorsed { chip, site, certifier, until });
        Ok(())
    }

    /// See `withdraw_endorsement`.
    pub(crate) fn do_withdraw_endorsement(certifier: AccountId32, chip: Digest) -> DispatchResult {
        let mut record = Chips::<T>::get(chip).ok_or(Error::<T>::UnknownChip)?;
        let before = record.endorsements.len();
        record.endorsements.retain(|endorsement| endorsement.certifier != certifier);
        ensure!(record.endorsements.len() < before, Error::<T>::NotEndorsed);
        Chips::<T>::insert(chip, record);
        Self::deposit_event(Event::EndorsementWithdrawn { chip, certifier });
        Ok(())
    }

    /// The deposit for a record of this many bytes.
    pub(crate) fn deposit_for(bytes: usize) -> Result<Balance, DispatchError> {
        let bytes = Balance::try_from(bytes).map_err(|_| ArithmeticError::Overflow)?;
        let variable = T::DepositPerByte::get().checked_mul(bytes).ok_or(ArithmeticError::Overflow)?;
        Ok(T::DepositBase::get().checked_add(variable).ok_or(ArithmeticError::Overflow)?)
    }
}
