//! How a checkpoint is judged, and what the runtime's other pallets may ask: open, close, head.
//!
//! Not here: rounds (`rounds`), tree arithmetic (`blockcloud-receipt-log`), what a checkpoint pays (`OnCheckpoint`).

use crate::{Config, Error, Event, Log, Logs, OnCheckpoint, Pallet, Sessions, WeightInfo};
use blockcloud_primitives::{Checkpoint, Digest, Head, JobId, Moment, PublicKey, Signature};
use blockcloud_receipt_log::{EMPTY_ROOT, Hash, verify_consistency};
use frame_support::{ensure, pallet_prelude::*, traits::Time};
use sp_core::ed25519;
use sp_runtime::traits::Zero;

/// Milliseconds in a second.
const SECOND: Moment = 1_000;

impl<T: Config> Pallet<T> {
    /// Opens a job's log, without a head.
    pub fn open(job: JobId) -> DispatchResult {
        ensure!(!Logs::<T>::contains_key(job), Error::<T>::LogExists);
        Logs::<T>::insert(job, Log { opened_at: T::Time::now(), head: None, equivocated: false });
        Self::deposit_event(Event::Opened { job });
        Ok(())
    }

    /// Closes a job's log and forgets it. Does nothing where none is open.
    pub fn close(job: JobId) {
        if let Some(log) = Logs::<T>::take(job) {
            Self::deposit_event(Event::Closed { job, head: log.head });
        }
    }

    /// The last accepted checkpoint of a job's log.
    pub fn head(job: JobId) -> Option<Head> {
        Logs::<T>::get(job)?.head
    }

    /// What `checkpoint` costs with a proof of this many digests: its own work and that of both neighbours.
    pub fn checkpoint_weight(digests: u32) -> Weight {
        T::WeightInfo::checkpoint(digests).saturating_add(T::Sessions::weight()).saturating_add(T::OnCheckpoint::weight())
    }

    /// What `checkpoint_in_round` costs with paths of these lengths: its own work and that of both neighbours.
    pub fn checkpoint_in_round_weight(path: u32, proof: u32) -> Weight {
        T::WeightInfo::checkpoint_in_round(path, proof).saturating_add(T::Sessions::weight()).saturating_add(T::OnCheckpoint::weight())
    }

    /// See `checkpoint`.
    pub(crate) fn do_checkpoint(checkpoint: Checkpoint, signature: Signature, proof: &[Digest]) -> DispatchResult {
        let job = checkpoint.job;
        let now = T::Time::now();
        let log = Logs::<T>::get(job).ok_or(Error::<T>::NoLog)?;
        let key = T::Sessions::receipt_key(job, now).ok_or(Error::<T>::NoSession)?;
        Self::advance(log, &key, &checkpoint, &signature, proof, now)?;
        T::OnCheckpoint::accepted(job, &checkpoint, now)
    }

    /// Judges a checkpoint under a key as of a moment, which is now or when its round was committed, and makes it the log's head.
    pub(crate) fn advance(
        log: Log,
        key: &PublicKey,
        checkpoint: &Checkpoint,
        signature: &Signature,
        proof: &[Digest],
        at: Moment,
    ) -> DispatchResult {
        ensure!(!log.equivocated, Error::<T>::Equivocated);
        ensure!(checkpoint.version == Checkpoint::VERSION, Error::<T>::UnsupportedVersion);
        // Before any judgement of the content: what follows then says something about the attested guest, not about whoever submitted.
        ensure!(Self::signed_by(key, checkpoint, signature), Error::<T>::BadSignature);
        Self::timely(checkpoint.time, at)?;
        Self::follows(log.head.as_ref(), checkpoint, proof)?;

        let Checkpoint { job, size, root, time, usage, .. } = *checkpoint;
        let head = Head { size, root, time, usage, accepted_at: at };
        Logs::<T>::insert(job, Log { head: Some(head), ..log });
        Self::deposit_event(Event::Advanced { job, head });
        Ok(())
    }

    /// Whether this key signed this checkpoint for this chain.
    pub(crate) fn signed_by(key: &PublicKey, checkpoint: &Checkpoint, signature: &Signature) -> bool {
        Self::verify(key, &checkpoint.signing_payload(&Self::genesis()), signature)
    }

    /// Whether this is the key's signature over these bytes.
    pub(crate) fn verify(key: &PublicKey, payload: &[u8], signature: &Signature) -> bool {
        sp_io::crypto::ed25519_verify(&ed25519::Signature::from_raw(signature.0), payload, &ed25519::Public::from_raw(key.0))
    }

    /// Hash of the chain's first block.
    pub(crate) fn genesis() -> Digest {
        Digest(frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::zero()).0)
    }

    /// Whether the guest's clock is close enough to the chain's. Saturating: at the ends of time everything is far away.
    fn timely(time: Moment, now: Moment) -> DispatchResult {
        ensure!(time <= now.saturating_add(Self::max_ahead()), Error::<T>::FromTheFuture);
        ensure!(time.saturating_add(Self::max_age()) >= now, Error::<T>::TooOld);
        Ok(())
    }

    /// Whether the checkpoint continues the log from its head.
    fn follows(head: Option<&Head>, checkpoint: &Checkpoint, proof: &[Digest]) -> DispatchResult {
        let Checkpoint { size, root, previous_size, previous_root, .. } = *checkpoint;
        ensure!(size > 0, Error::<T>::Empty);
        // The checkpoint's own word about its predecessor must not contradict itself, whether or not the chain saw that one.
        ensure!(size >= previous_size, Error::<T>::Shrunk);
        ensure!(size != previous_size || root == previous_root, Error::<T>::Forked);
        ensure!(previous_size > 0 || previous_root.0 == EMPTY_ROOT, Error::<T>::Forked);

        let Some(head) = head else {
            // Everything extends the empty log; a proof that nobody needs is a mistake of the submitter's.
            ensure!(proof.is_empty(), Error::<T>::Inconsistent);
            return Ok(());
        };
        // A smaller log signed before the head was merely overtaken on its way; signed after it, the log lost its end.
        ensure!(size >= head.size || checkpoint.time <= head.time, Error::<T>::Shrunk);
        ensure!(size != head.size || root == head.root, Error::<T>::Forked);
        ensure!(previous_size != head.size || previous_root == head.root, Error::<T>::Forked);
        ensure!(size > head.size && checkpoint.time > head.time, Error::<T>::Stale);
        ensure!(checkpoint.usage.extends(&head.usage), Error::<T>::UsageShrunk);
        let proof: alloc::vec::Vec<Hash> = proof.iter().map(|digest| digest.0).collect();
        verify_consistency(head.size, &head.root.0, size, &root.0, &proof).map_err(|_| Error::<T>::Inconsistent)?;
        Ok(())
    }

    /// `MaxAge` in milliseconds.
    pub(crate) fn max_age() -> Moment {
        // A 32-bit number of seconds cannot overflow 64 bits of milliseconds.
        Moment::from(T::MaxAge::get()).saturating_mul(SECOND)
    }

    /// `MaxAhead` in milliseconds.
    pub(crate) fn max_ahead() -> Moment {
        Moment::from(T::MaxAhead::get()).saturating_mul(SECOND)
    }
}
