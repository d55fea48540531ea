//! Evidence and sessions: what the runtime's other pallets may ask. Open, close, look up, judge again.
//!
//! Not here: taking reports and certificates apart (`blockcloud-evidence`), which jobs exist and when they may be attested (the pallet of jobs).

use crate::{
    Accepted, Config, DeniedChips, Error, Event, Fault, Floors, Guest, Lapse, Measurements, Pallet, RootsOf, Seen, SeenList, Sessions,
    WeightInfo,
};
use blockcloud_evidence::snp::{self, Claims, Requirements};
use blockcloud_primitives::{
    AccountId, Digest, Evidence, JobId, Measurement, Measurements as Wanted, Moment, Policy, PublicKey, ReportBinding, Session, Tcb,
};
use frame_support::{ensure, pallet_prelude::*};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::ed25519;
use sp_io::hashing::sha2_256;
use sp_runtime::{AccountId32, traits::Zero};

/// Milliseconds in a second.
const SECOND: Moment = 1_000;

impl<T: Config> Pallet<T> {
    /// Verifies evidence of a job's guest and opens its session, which replaces the job's earlier one.
    ///
    /// * `provider`: who runs the guest; `terms`: hash of the job's spec; `policy`: the customer's demands; `now`: the chain's clock.
    ///
    /// The chain's own context (vendor, policy, anchor, replay, trust store) comes first because it is cheap; then the evidence is verified; then what
    /// it binds is compared, so that `NotBound` and `WrongTerms` are said of genuine reports only; then the claims are judged.
    ///
    /// # Errors
    /// One for each check, see the README.
    pub fn open(
        job: JobId,
        provider: &AccountId32,
        terms: Digest,
        policy: &Policy,
        evidence: &Evidence,
        now: Moment,
    ) -> Result<Session, DispatchError> {
        Self::ensure_vendor(evidence.tee)?;
        ensure!(policy.tees.contains(&evidence.tee), Error::<T>::TeeNotInPolicy);
        let anchor_hash = Self::anchor_hash(evidence.anchor)?;
        let replay_key = evidence.replay_key();
        let accepted = Self::remember(job, Seen { evidence: replay_key, anchor: evidence.anchor })?;

        let product = snp::product_of(&evidence.report, &evidence.certificate).map_err(Self::refused)?;
        let roots = RootsOf::<T>::get((evidence.tee, product)).ok_or(Error::<T>::NoRoots)?;
        let floor = Floors::<T>::get((evidence.tee, product)).ok_or(Error::<T>::NoFloor)?;
        let claims =
            snp::verify(&evidence.report, &evidence.certificate, &roots.issuer, &Requirements::USUAL, now).map_err(Self::refused)?;

        let provider = AccountId(*provider.as_ref());
        let report_data = ReportBinding {
            genesis: Self::genesis(),
            tee: evidence.tee,
            provider,
            job,
            terms,
            anchor: evidence.anchor,
            anchor_hash,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            tls_key: None,
            gpu_evidence: None,
            previous: None,
        }
        .report_data();
        ensure!(claims.host_data == terms.0, Error::<T>::WrongTerms);
        ensure!(claims.report_data == report_data, Error::<T>::NotBound);
        ensure!(Self::possesses(evidence, &report_data), Error::<T>::NotPossessed);

        let firmware = firmware(&claims);
        ensure!(firmware.meets(&floor), Error::<T>::BelowFloor);
        ensure!(firmware.meets(&policy.firmware_floor), Error::<T>::BelowPolicyFloor);
        let chip = digest(&claims.chip_id);
        ensure!(!DeniedChips::<T>::contains_key(chip), Error::<T>::ChipDenied);
        let measurement = Measurement(claims.measurement);
        let approved_until = Self::judge_measurement(&measurement, &policy.measurements, now)?;

        // Saturating: at the end of time a session just lasts less.
        let longest = now.saturating_add(Moment::from(T::MaxSession::get()).saturating_mul(SECOND));
        let valid_until = longest.min(claims.not_after_ms).min(approved_until.unwrap_or(Moment::MAX));
        let session = Session {
            provider,
            tee: evidence.tee,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            measurement,
            chip,
            tcb: tcb(&claims.reported),
            evidence: replay_key,
            since: now,
            valid_until,
        };
        Accepted::<T>::insert(job, accepted);
        Sessions::<T>::insert(
            job,
            Guest { session: session.clone(), product, firmware, issuer: digest(&roots.issuer), by_approval: approved_until.is_some() },
        );
        Self::deposit_event(Event::Attested { job, session: session.clone() });
        Ok(session)
    }

    /// Closes a job's session and forgets it. Does nothing where there is none.
    pub fn close(job: JobId) {
        if Sessions::<T>::take(job).is_some() {
            Accepted::<T>::remove(job);
            Self::deposit_event(Event::Closed { job });
        }
    }

    /// A job's session, whether or not it still counts.
    pub fn session(job: JobId) -> Option<Session> {
        Sessions::<T>::get(job).map(|guest| guest.session)
    }

    /// Whether a job's session counts at `now`.
    pub fn live(job: JobId, now: Moment) -> bool {
        Self::judge(job, now).is_ok()
    }

    /// The receipt key of a job's session, if that counts at `now`.
    pub fn receipt_key(job: JobId, now: Moment) -> Option<PublicKey> {
        Self::judge(job, now).ok().map(|session| session.receipt_key)
    }

    /// A job's session, if it counts at `now`, else why it does not. Judges the stored claims against what the council says today.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`Lapse`].
    pub fn judge(job: JobId, now: Moment) -> Result<Session, Lapse> {
        let Guest { session, product, firmware, issuer, by_approval } = Sessions::<T>::get(job).ok_or(Lapse::NoSession)?;
        let hardware = (session.tee, product);
        ensure!(now < session.valid_until, Lapse::Expired);
        let roots = RootsOf::<T>::get(hardware).ok_or(Lapse::RootsRemoved)?;
        ensure!(digest(&roots.issuer) == issuer, Lapse::RootsChanged);
        ensure!(Floors::<T>::get(hardware).is_some_and(|floor| firmware.meets(&floor)), Lapse::BelowFloor);
        ensure!(!DeniedChips::<T>::contains_key(session.chip), Lapse::ChipDenied);
        let approved = || Measurements::<T>::get(session.measurement).is_some_and(|until| now < until);
        ensure!(!by_approval || approved(), Lapse::MeasurementWithdrawn);
        Ok(session)
    }

    /// What `open` costs at most, for whoever calls it.
    pub fn open_weight() -> Weight {
        T::WeightInfo::open()
    }

    /// What `close` costs at most, for whoever calls it.
    pub fn close_weight() -> Weight {
        T::WeightInfo::close()
    }

    /// What `judge`, `live` and `receipt_key` cost at most, for whoever calls them.
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

    /// Judges the guest's software. Answers until when the council approves it, or nothing where the customer's own judgement counts.
    fn judge_measurement(measurement: &Measurement, wanted: &Wanted, now: Moment) -> Result<Option<Moment>, Error<T>> {
        match wanted {
            Wanted::Approved => {
                let until = Measurements::<T>::get(measurement).ok_or(Error::<T>::MeasurementNotApproved)?;
                ensure!(now < until, Error::<T>::MeasurementExpired);
                Ok(Some(until))
            }
            Wanted::Only(list) => {
                ensure!(list.contains(measurement), Error::<T>::MeasurementNotInPolicy);
                Ok(None)
            }
        }
    }

    fn refused(error: snp::Error) -> Error<T> {
        Error::Refused(Fault(error))
    }
}

/// SHA-256.
fn digest(bytes: &[u8]) -> Digest {
    Digest(sha2_256(bytes))
}

/// The firmware level that can be relied on: part by part the lower of the committed one, to which the host can go back, and that of the launch.
fn firmware(claims: &Claims) -> Tcb {
    let (committed, launch) = (&claims.committed, &claims.launch);
    Tcb {
        bootloader: committed.bootloader.min(launch.bootloader),
        tee: committed.tee.min(launch.tee),
        snp: committed.snp.min(launch.snp),
        microcode: committed.microcode.min(launch.microcode),
        fmc: committed.fmc.min(launch.fmc),
    }
}

/// The verifier's firmware level in the chain's type.
fn tcb(level: &snp::Tcb) -> Tcb {
    let snp::Tcb { bootloader, tee, snp, microcode, fmc } = *level;
    Tcb { bootloader, tee, snp, microcode, fmc }
}
