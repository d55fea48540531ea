//! What becomes of a guest or an aggregator that is proved to have signed two things that cannot both be true.
//!
//! Not here: what cannot both be true (`blockcloud-primitives`), what a job's end means for its money (`OnEquivocation`).

use crate::{Aggregators, Config, Error, Event, HoldReason, Log, Logs, OnEquivocation, Pallet, RoundLogs, Sessions, WeightInfo};
use blockcloud_primitives::{Checkpoint, Digest, Equivocation, JobId, PublicKey, Round, SignedCheckpoint, SignedRound};
use blockcloud_receipt_log::{Hash, verify_round};
use codec::Encode;
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision},
    },
};

impl<T: Config> Pallet<T> {
    /// What `report_equivocation` costs with this proof.
    pub fn report_weight(proof: &Equivocation) -> Weight {
        match proof {
            Equivocation::Checkpoints(_) => {
                T::WeightInfo::report_checkpoints().saturating_add(T::Sessions::weight()).saturating_add(T::OnEquivocation::weight())
            }
            Equivocation::Rounds(_) | Equivocation::Committed { .. } => T::WeightInfo::report_rounds(),
        }
    }

    /// See `report_equivocation`.
    pub(crate) fn do_report(proof: &Equivocation) -> DispatchResult {
        let digest = Digest(sp_io::hashing::sha2_256(&proof.encode()));
        match proof {
            Equivocation::Checkpoints(both) => Self::report_checkpoints(both, digest),
            Equivocation::Rounds([first, second]) => {
                ensure!(first.round.contradicts(&second.round), Error::<T>::NoContradiction);
                Self::report_rounds(&[*first, *second], digest)
            }
            Equivocation::Committed { signed, committed, path } => {
                ensure!(signed.round.contradicts(committed), Error::<T>::NoContradiction);
                let log = RoundLogs::<T>::get(committed.aggregator);
                let path: alloc::vec::Vec<Hash> = path.iter().map(|digest| digest.0).collect();
                verify_round(&log.rounds.root(), log.rounds.size(), committed, &path).map_err(|_| Error::<T>::NotCommitted)?;
                Self::report_rounds(&[*signed], digest)
            }
        }
    }

    /// Ends the log, and lets the neighbour end the job, if one guest signed both.
    fn report_checkpoints(both: &[SignedCheckpoint; 2], proof: Digest) -> DispatchResult {
        // Live or not: what was signed stays signed.
        let job = Self::convict_log(both, proof, T::Sessions::known_key)?;
        T::OnEquivocation::equivocated(job)
    }

    /// Ends the log if the job's key, which `known_key` answers, signed both.
    pub(crate) fn convict_log(
        both: &[SignedCheckpoint; 2],
        proof: Digest,
        known_key: impl FnOnce(JobId) -> Option<PublicKey>,
    ) -> Result<JobId, Error<T>> {
        let [first, second] = both;
        let job = first.checkpoint.job;
        let contradiction = first.checkpoint.contradicts(&second.checkpoint).ok_or(Error::<T>::NoContradiction)?;
        let log = Logs::<T>::get(job).ok_or(Error::<T>::NoLog)?;
        ensure!(!log.equivocated, Error::<T>::AlreadyReported);
        ensure!(both.iter().all(|signed| signed.checkpoint.version == Checkpoint::VERSION), Error::<T>::UnsupportedVersion);
        let key = known_key(job).ok_or(Error::<T>::NoSession)?;
        let genuine = both.iter().all(|signed| Self::signed_by(&key, &signed.checkpoint, &signed.signature));
        ensure!(genuine, Error::<T>::BadSignature);
        Logs::<T>::insert(job, Log { equivocated: true, ..log });
        Self::deposit_event(Event::LogEquivocated { job, key, contradiction, proof });
        Ok(job)
    }

    /// Stops the aggregator and burns its deposit, if it signed these.
    fn report_rounds(signed: &[SignedRound], proof: Digest) -> DispatchResult {
        let Some(Round { aggregator, number, .. }) = signed.first().map(|signed| signed.round) else {
            return Err(Error::<T>::NoContradiction.into());
        };
        let mut record = Self::aggregator(aggregator)?;
        ensure!(!record.stopped, Error::<T>::AlreadyReported);
        ensure!(signed.iter().all(|signed| signed.round.version == Round::VERSION), Error::<T>::UnsupportedVersion);
        let genuine = signed.iter().all(|signed| Self::round_signed_by(&record.key, &signed.round, &signed.signature));
        ensure!(genuine, Error::<T>::BadSignature);

        // Burnt and not given to whoever reports: an owner who reports itself must not get it back.
        let burnt =
            T::Currency::burn_held(&HoldReason::Aggregator.into(), &record.owner, record.deposit, Precision::BestEffort, Fortitude::Force)?;
        record.deposit = 0;
        record.stopped = true;
        Aggregators::<T>::insert(aggregator, record);
        Self::deposit_event(Event::AggregatorStopped { aggregator, number, burnt, proof });
        Ok(())
    }
}
