//! Sessions: what the runtime's other pallets may ask. Open, renew, close, look up, judge again.
//!
//! Not here: taking evidence apart and verifying it (`verify`), which jobs exist and when they may be attested (the pallet of jobs).

use crate::{
    Accepted, Approval, ApprovedBy, Basis, Candidate, Config, DeniedChips, Error, Event, Floors, Guest, KnownKey, Measurements, Opened,
    Pallet, PckCrls, Published, RootCrls, RootsOf, Seen, SeenList, Sessions, Stopped, TdxFloors, TdxRoots, WeightInfo,
    verify::{Verified, Work, digest},
};
use blockcloud_primitives::{
    AccountId, Digest, Evidence, Firmware, JobId, Lapse, Measurement, Measurements as Wanted, Moment, PublicKey, ReportBinding, Session,
    Tee,
};
use frame_support::{ensure, pallet_prelude::*};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::ed25519;
use sp_runtime::{AccountId32, traits::Zero};

/// Milliseconds in a second.
pub(crate) const SECOND: Moment = 1_000;

/// Evidence that passed every check, and what is to be stored.
struct Admitted {
    guest: Guest,
    accepted: SeenList,
    learned: Option<KnownKey>,
    work: Work,
}

impl<T: Config> Pallet<T> {
    /// Verifies evidence of a job's guest and opens its session, which replaces the job's earlier one.
    ///
    /// The chain's own context (vendor, policy, anchor, replay, trust store) comes first because it is cheap; then the evidence is verified; then what
    /// it binds is compared, so that `NotBound` and `WrongTerms` are said of genuine evidence only; then the claims are judged.
    ///
    /// # Errors
    /// One for each check, see the README.
    pub fn open(candidate: &Candidate<'_>) -> Result<Opened, DispatchError> {
        ensure!(!Stopped::<T>::get(), Error::<T>::Stopped);
        let admitted = Self::admit(candidate, None)?;
        let weight = Self::weight_of(admitted.work);
        let session = Self::take(candidate, admitted)?;
        Ok(Opened { session, weight })
    }

    /// Verifies newer evidence of the guest whose session the job has, whether or not that still counts, and makes it last anew.
    ///
    /// It must be the same guest: the same keys, software and chip. Its evidence binds the replay key of the evidence that it renews, so that evidence
    /// for a start cannot be kept back for a renewal, nor the reverse. An emergency stop does not keep running jobs from being renewed.
    ///
    /// # Errors
    /// As [`Pallet::open`]; `NothingToRenew`, `AnotherGuest`.
    pub fn renew(candidate: &Candidate<'_>) -> Result<Opened, DispatchError> {
        let Guest { session: old, .. } = Sessions::<T>::get(candidate.job).ok_or(Error::<T>::NothingToRenew)?;
        let admitted = Self::admit(candidate, Some(old.evidence))?;
        let new = &admitted.guest.session;
        let same = (old.tee, old.receipt_key, old.wrapping_key, old.measurement, old.chip)
            == (new.tee, new.receipt_key, new.wrapping_key, new.measurement, new.chip);
        ensure!(same, Error::<T>::AnotherGuest);
        let weight = Self::renewal_weight(Self::weight_of(admitted.work));
        let session = Self::take(candidate, admitted)?;
        Ok(Opened { session, weight })
    }

    /// Runs every check, in the order of the README.
    fn admit(candidate: &Candidate<'_>, previous: Option<Digest>) -> Result<Admitted, DispatchError> {
        let Candidate { job, provider, site, terms, policy, evidence, now } = *candidate;
        Self::ensure_vendor(evidence.tee)?;
        ensure!(policy.tees.contains(&evidence.tee), Error::<T>::TeeNotInPolicy);
        let anchor_hash = Self::anchor_hash(evidence.anchor)?;
        let replay_key = evidence.replay_key();
        let accepted = Self::remember(job, Seen { evidence: replay_key, anchor: evidence.anchor })?;

        let Verified { measurement, chip, firmware, host_data, report_data: found, basis, not_after, legacy, learned, work } =
            Self::verify(evidence, now)?;

        let provider_id = AccountId(*provider.as_ref());
        let report_data = ReportBinding {
            genesis: Self::genesis(),
            tee: evidence.tee,
            provider: provider_id,
            job,
            terms,
            anchor: evidence.anchor,
            anchor_hash,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            tls_key: None,
            gpu_evidence: None,
            previous,
        }
        .report_data();
        ensure!(host_data == Some(terms.0), Error::<T>::WrongTerms);
        ensure!(found == report_data, Error::<T>::NotBound);
        ensure!(Self::possesses(evidence, &report_data), Error::<T>::NotPossessed);

        ensure!(Self::meets_policy(&firmware, policy), Error::<T>::BelowPolicyFloor);
        ensure!(!legacy || policy.legacy_hardware, Error::<T>::LegacyHardware);
        ensure!(!DeniedChips::<T>::contains_key(chip), Error::<T>::ChipDenied);
        Self::check_chip(chip, provider, site, policy.chip_endorsements, now)?;
        let (approved_by, approved_until) = Self::judge_measurement(&measurement, &policy.measurements, now)?;

        let most = T::MaxSession::get();
        let seconds = if policy.longest_session == 0 { most } else { most.min(policy.longest_session) };
        // Saturating: at the end of time a session just lasts less.
        let longest = now.saturating_add(Moment::from(seconds).saturating_mul(SECOND));
        let session = Session {
            provider: provider_id,
            tee: evidence.tee,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            measurement,
            chip,
            firmware,
            evidence: replay_key,
            previous,
            since: now,
            valid_until: longest.min(not_after).min(approved_until.unwrap_or(Moment::MAX)),
        };
        let guest = Guest { session, basis, approved_by, endorsements: policy.chip_endorsements };
        Ok(Admitted { guest, accepted, learned, work })
    }

    /// Stores a session that passed every check, in the place of the job's earlier one.
    fn take(candidate: &Candidate<'_>, admitted: Admitted) -> Result<Session, DispatchError> {
        let Candidate { job, provider, site, .. } = *candidate;
        let Admitted { guest, accepted, learned, .. } = admitted;
        let session = guest.session.clone();
        Self::use_chip(session.chip, provider, site, learned)?;
        if let Some(old) = Sessions::<T>::get(job) {
            Self::leave_chip(old.session.chip);
        }
        Accepted::<T>::insert(job, accepted);
        Sessions::<T>::insert(job, guest);
        Self::deposit_event(Event::Attested { job, session: session.clone() });
        Ok(session)
    }

    /// Closes a job's session and forgets it. Does nothing where there is none.
    pub fn close(job: JobId) {
        if let Some(guest) = Sessions::<T>::take(job) {
            Self::leave_chip(guest.session.chip);
            Accepted::<T>::remove(job);
            Self::deposit_event(Event::Closed { job });
        }
    }

    /// A job's session, whether or not it still counts.
    pub fn session(job: JobId) -> Option<Session> {
        Sessions::<T>::get(job).map(|guest| guest.session)
    }

    /// The receipt key of a job's session, if that counts at `now`.
    pub fn receipt_key(job: JobId, now: Moment) -> Option<PublicKey> {
        Self::judge(job, now).ok().map(|session| session.receipt_key)
    }

    /// A job's session, if it counts at `now`, else why it does not. Judges the stored claims against what council, vendors, publishers and certifiers
    /// say today.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`Lapse`].
    pub fn judge(job: JobId, now: Moment) -> Result<Session, Lapse> {
        let Guest { session, basis, approved_by, endorsements } = Sessions::<T>::get(job).ok_or(Lapse::NoSession)?;
        ensure!(now < session.valid_until, Lapse::Expired);
        match basis {
            Basis::SevSnp { product, issuer } => {
                let roots = RootsOf::<T>::get((session.tee, product)).ok_or(Lapse::RootsRemoved)?;
                ensure!(digest(&roots.issuer) == issuer, Lapse::RootsChanged);
            }
            Basis::Tdx { root, .. } => {
                let trusted = TdxRoots::<T>::get(session.tee).ok_or(Lapse::RootsRemoved)?;
                ensure!(digest(&trusted) == root, Lapse::RootsChanged);
            }
        }
        ensure!(Self::meets_floor(session.tee, &basis, &session.firmware, now), Lapse::BelowFloor);
        ensure!(!DeniedChips::<T>::contains_key(session.chip), Lapse::ChipDenied);
        let approved = match approved_by {
            ApprovedBy::Customer => true,
            ApprovedBy::Council => Measurements::<T>::get(session.measurement).is_some_and(|approval| approval.holds(now)),
            ApprovedBy::Publisher(publisher) => Published::<T>::get(AccountId32::new(publisher.0), session.measurement)
                .is_some_and(|publication| publication.approval.holds(now)),
        };
        ensure!(approved, Lapse::MeasurementWithdrawn);
        ensure!(!Self::is_revoked(session.tee, &basis), Lapse::ChipRevoked);
        ensure!(endorsements == 0 || Self::endorsements_of(session.chip, now) >= endorsements, Lapse::EndorsementsLost);
        Ok(session)
    }

    /// Whether the firmware under an open session meets the council's floor.
    fn meets_floor(tee: Tee, basis: &Basis, firmware: &Firmware, now: Moment) -> bool {
        match (basis, firmware) {
            (Basis::SevSnp { product, .. }, Firmware::SevSnp(level)) => {
                Floors::<T>::get((tee, product)).is_some_and(|floor| floor.is_met(now, |floor| level.meets(floor)))
            }
            (Basis::Tdx { .. }, Firmware::Tdx(level)) => {
                TdxFloors::<T>::get(tee).is_some_and(|reference| reference.is_met(now, |reference| level.meets(&reference.floor)))
            }
            // Never stored; if it were, it would meet nothing.
            _ => false,
        }
    }

    /// Whether the vendor's revocation lists, as they are now, name the chip's certificate or its authority's. A list that is gone revokes nothing: the
    /// session ends with the validity of what it was verified with.
    fn is_revoked(tee: Tee, basis: &Basis) -> bool {
        let Basis::Tdx { authority, serial, .. } = basis else { return false };
        let Some(list) = PckCrls::<T>::get(tee, authority) else { return false };
        list.item.revoked.contains(serial)
            || RootCrls::<T>::get(tee).is_some_and(|root| root.item.revoked.contains(&list.item.origin.signer))
    }

    /// What `open` costs at most, for whoever calls it.
    pub fn open_weight() -> Weight {
        [Work::Snp, Work::SnpCached, Work::Tdx].map(Self::weight_of).into_iter().fold(Weight::zero(), |most, weight| most.max(weight))
    }

    /// What `renew` costs at most, for whoever calls it.
    pub fn renew_weight() -> Weight {
        Self::renewal_weight(Self::open_weight())
    }

    /// What `open` costs with this work.
    fn weight_of(work: Work) -> Weight {
        match work {
            Work::Snp => T::WeightInfo::open_snp(),
            Work::SnpCached => T::WeightInfo::open_snp_cached(),
            Work::Tdx => T::WeightInfo::open_tdx(),
        }
    }

    /// What `renew` costs where `open` costs this. It reads one record more.
    fn renewal_weight(open: Weight) -> Weight {
        open.saturating_add(T::DbWeight::get().reads(1))
    }

    /// What `close` costs at most, for whoever calls it.
    pub fn close_weight() -> Weight {
        T::WeightInfo::close()
    }

    /// What `judge` and `receipt_key` cost at most, for whoever calls them.
    pub fn judge_weight() -> Weight {
        T::WeightInfo::judge()
    }

    /// Hash of the chain's first block.
    pub(crate) fn genesis() -> Digest {
        Digest(frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).0)
    }

    /// Hash of the block that evidence binds, if that is recent.
    fn anchor_hash(anchor: u32) -> Result<Digest, Error<T>> {
        let anchor = BlockNumberFor::<T>::from(anchor);
        let current = frame_system::Pallet::<T>::block_number();
        ensure!(anchor < current, Error::<T>::AnchorUnknown);
        ensure!(Self::is_recent(anchor, current), Error::<T>::AnchorTooOld);
        let hash = Digest(frame_system::Pallet::<T>::block_hash(anchor).0);
        // The integrity test makes sure that recent hashes are kept. Nothing may ever be bound to the hash of no block.
        ensure!(hash != Digest::ZERO, Error::<T>::AnchorUnknown);
        Ok(hash)
    }

    /// Whether a block lies no further back than the anchor of evidence may. Saturating: a block that is yet to come is recent.
    fn is_recent(anchor: BlockNumberFor<T>, current: BlockNumberFor<T>) -> bool {
        use sp_runtime::traits::Saturating;
        current.saturating_sub(anchor) <= BlockNumberFor::<T>::from(T::MaxAnchorAge::get())
    }

    /// The job's accepted evidence with this added, if it is new. What binds a block that is too old by now is forgotten: it cannot come again.
    fn remember(job: JobId, new: Seen) -> Result<SeenList, Error<T>> {
        let mut accepted = Accepted::<T>::get(job);
        ensure!(accepted.iter().all(|seen| seen.evidence != new.evidence), Error::<T>::Replayed);
        let current = frame_system::Pallet::<T>::block_number();
        accepted.retain(|seen| Self::is_recent(BlockNumberFor::<T>::from(seen.anchor), current));
        accepted.try_push(new).map_err(|_| Error::<T>::TooManyAttempts)?;
        Ok(accepted)
    }

    /// Whether whoever made the evidence holds the receipt key.
    fn possesses(evidence: &Evidence, report_data: &[u8; 64]) -> bool {
        sp_io::crypto::ed25519_verify(
            &ed25519::Signature::from_raw(evidence.possession.0),
            report_data,
            &ed25519::Public::from_raw(evidence.receipt_key.0),
        )
    }

    /// Judges the guest's software. Answers by whose word it is accepted, and until when, where that word has an end.
    fn judge_measurement(measurement: &Measurement, wanted: &Wanted, now: Moment) -> Result<(ApprovedBy, Option<Moment>), Error<T>> {
        let open = |approval: &Approval| approval.drains.is_none() && now < approval.until;
        match wanted {
            Wanted::Approved => {
                let approval = Measurements::<T>::get(measurement).ok_or(Error::<T>::MeasurementNotApproved)?;
                ensure!(approval.drains.is_none(), Error::<T>::MeasurementNotApproved);
                ensure!(open(&approval), Error::<T>::MeasurementExpired);
                Ok((ApprovedBy::Council, Some(approval.until)))
            }
            Wanted::Only(list) => {
                ensure!(list.contains(measurement), Error::<T>::MeasurementNotInPolicy);
                Ok((ApprovedBy::Customer, None))
            }
            Wanted::Publishers(list) => {
                let published = |publisher: &AccountId| {
                    let publication = Published::<T>::get(AccountId32::new(publisher.0), measurement)?;
                    open(&publication.approval).then_some((ApprovedBy::Publisher(*publisher), Some(publication.approval.until)))
                };
                list.iter().find_map(published).ok_or(Error::<T>::MeasurementNotPublished)
            }
        }
    }
}
