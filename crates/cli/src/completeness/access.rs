//! The fourth question: was nothing else done with this object in this time?
//!
//! Every heartbeat of a log names the index of the objects that the receipts since the last one are about, some that of an hour or a day
//! (`blockcloud_receipt_log::objects`). A chain of such heartbeats without a gap, with two neighbouring entries of each index, proves it to somebody who sees no
//! other receipt.

use crate::entry::Entry;
use blockcloud_client::{Scheme, agent_api::SignedCheckpoint};
use blockcloud_primitives::{AccountId, Digest, JobId, Moment, PublicKey, Receipt};
use blockcloud_receipt_log::{
    Hash, ProofError, Tree,
    objects::{IndexReceipt, ObjectEntry, ObjectIndex, ObjectProof, ObjectProofError, Span},
    receipt_hash, verify_inclusion,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The layout that this program writes and reads.
pub const FORMAT: &str = "blockcloud-access/v1";

/// Why there is no proof, or why one shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccessFault {
    /// Another layout.
    #[error("the proof is of format `{0}`; this program reads {FORMAT}")]
    Format(String),
    /// The receipts are not those of the checkpoint.
    #[error("the receipts are not those that the checkpoint is over")]
    OtherReceipts,
    /// No heartbeat carries an index that begins at this position.
    #[error("no index covers the receipts from position {0} on: the guest's release wrote none, or the log ends there")]
    NoIndex(u64),
    /// An index is not that of the receipts that it says it covers: the guest's word against its own.
    #[error("the index in receipt {0} is not that of the receipts that it covers")]
    WrongIndex(u64),
    /// A receipt that the proof would have to be made of was erased. Proofs that were made before still hold.
    #[error("receipt {0} was erased, so that the index over it cannot be made again: ask for a time without it")]
    Erased(u64),
    /// The period has no moment.
    #[error("the period ends before it begins")]
    NoPeriod,
    /// The signature.
    #[error("the checkpoint is not signed by the expected key for this chain and job")]
    BadSignature,
    /// A receipt is not in the log.
    #[error("receipt {seq} is not in the log: {source}")]
    NotInLog {
        /// Its position.
        seq: u64,
        /// The path's fault.
        source: ProofError,
    },
    /// A receipt that should carry an index carries none, or is another job's.
    #[error("receipt {0} carries no index of this job's log")]
    NotAnIndex(u64),
    /// Receipts lie between two indexes.
    #[error("receipts from position {0} on are in no index that is shown")]
    Gap(u64),
    /// What an index says of the object.
    #[error("the index in receipt {seq}: {source}")]
    Object {
        /// The receipt's position.
        seq: u64,
        /// The fault.
        source: ObjectProofError,
    },
}

/// A receipt with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// RFC 9162 inclusion proof under the checkpoint.
    pub path: Vec<Digest>,
}

impl PlacedReceipt {
    fn of(tree: &Tree, receipt: &Receipt) -> Option<Self> {
        let path = tree.inclusion_proof(receipt.seq, tree.size()).ok()?;
        Some(Self { receipt: *receipt, path: path.into_iter().map(Digest).collect() })
    }

    fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<(), AccessFault> {
        let path: Vec<Hash> = self.path.iter().map(|digest| digest.0).collect();
        let (seq, head) = (self.receipt.seq, &checkpoint.checkpoint);
        verify_inclusion(&head.root.0, head.size, seq, &receipt_hash(&self.receipt), &path)
            .map_err(|source| AccessFault::NotInLog { seq, source })
    }
}

/// A heartbeat with an index, and what that says of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownIndex {
    /// The heartbeat.
    pub heartbeat: PlacedReceipt,
    /// What its index says.
    pub object: ObjectProof,
}

/// What a log says of an object in a period, and the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessProof {
    /// [`FORMAT`].
    pub format: String,
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The job whose log it is.
    pub job: JobId,
    /// The object: keyed digest of its name.
    pub object: Digest,
    /// The log's state that all paths lead to.
    pub checkpoint: SignedCheckpoint,
    /// The last receipt before the period; none where the period begins with the log.
    pub before: Option<PlacedReceipt>,
    /// Indexes that cover the period, in order.
    pub indexes: Vec<ShownIndex>,
}

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Everything later than this is covered, Unix milliseconds; none: everything since the log began.
    pub after: Option<Moment>,
    /// Everything earlier than this is covered, Unix milliseconds.
    pub until: Moment,
    /// What the indexes say of the object; nothing if nothing was done with it. Two of them may speak of the same receipts.
    pub entries: Vec<ObjectEntry>,
}

impl AccessProof {
    /// The proof about an object from `from` up to and including `until`, Unix milliseconds, out of all receipts of a log up to a checkpoint. It covers a little more
    /// than was asked for, to the next heartbeats, or less where the log ends earlier.
    ///
    /// # Errors
    /// [`AccessFault::OtherReceipts`], [`AccessFault::NoIndex`], [`AccessFault::WrongIndex`], [`AccessFault::Erased`],
    /// [`AccessFault::NoPeriod`].
    pub fn make(
        genesis: Digest,
        entries: &[Entry],
        checkpoint: SignedCheckpoint,
        object: Digest,
        (from, until): (Moment, Moment),
    ) -> Result<Self, AccessFault> {
        if until < from {
            return Err(AccessFault::NoPeriod);
        }
        let head = &checkpoint.checkpoint;
        let entries = usize::try_from(head.size).ok().and_then(|size| entries.get(..size)).ok_or(AccessFault::OtherReceipts)?;
        let tree: Tree = entries.iter().map(Entry::leaf).collect();
        if Digest(tree.root()) != head.root || entries.iter().zip(0u64..).any(|(entry, seq)| entry.seq() != seq) {
            return Err(AccessFault::OtherReceipts);
        }
        let receipt = |seq: u64| entries.get(usize::try_from(seq).ok()?)?.receipt();
        let all: Vec<IndexReceipt> = entries.iter().filter_map(Entry::receipt).filter_map(IndexReceipt::of).collect();
        // Erased receipts have no time any more; those around them do, and times never fall.
        let later = |entry: &Entry| entry.receipt().is_some_and(|receipt| receipt.time >= from);
        let before = entries.iter().position(later).map_or(entries, |first| entries.get(..first).unwrap_or_default());
        let first = before.iter().rposition(|entry| entry.receipt().is_some()).map_or(0, |last| last as u64 + 1);
        let begin = all.iter().map(|index| index.from).filter(|begin| *begin <= first).max().ok_or(AccessFault::NoIndex(0))?;
        let time = |index: &IndexReceipt| receipt(index.to).map_or(0, |receipt| receipt.time);
        // Up to the first beat after the period: beats leave no gap. What follows it directly says the same of a longer time.
        let mut beats = all.iter().filter(|index| index.span == Span::Beat);
        let last = beats.clone().find(|index| time(index) > until).or(beats.next_back()).map_or(0, |index| index.to);
        let run = all.iter().skip_while(|index| index.to < last).zip(last..).take_while(|(index, position)| index.to == *position);
        let end = run.last().map_or(last, |(index, _)| index.to);

        let (mut indexes, mut reach) = (Vec::new(), begin);
        while reach < last {
            let next =
                all.iter().filter(|index| index.from >= begin && index.from <= reach && index.to <= end).max_by_key(|index| index.to);
            let next = next.filter(|next| next.to > reach).ok_or(AccessFault::NoIndex(reach))?;
            indexes.push(shown(&tree, entries, next, &object)?);
            reach = next.to;
        }
        if indexes.is_empty() {
            return Err(AccessFault::NoIndex(reach));
        }
        let before = match begin.checked_sub(1) {
            Some(seq) => Some(receipt(seq).and_then(|receipt| PlacedReceipt::of(&tree, receipt)).ok_or(AccessFault::Erased(seq))?),
            None => None,
        };
        Ok(Self { format: FORMAT.into(), genesis, job: head.job, object, checkpoint, before, indexes })
    }

    /// Checks everything, with the log's key: the receipt key of the job's session. Whether that key is an attested guest's, and the checkpoint one that
    /// the chain knows, is for whoever asks.
    ///
    /// # Errors
    /// Any [`AccessFault`].
    pub fn verify(&self, key: &PublicKey) -> Result<Access, AccessFault> {
        if self.format != FORMAT {
            return Err(AccessFault::Format(self.format.clone()));
        }
        let SignedCheckpoint { checkpoint, signature } = &self.checkpoint;
        let payload = checkpoint.signing_payload(&self.genesis);
        if checkpoint.job != self.job || !Scheme::Ed25519.verify(&AccountId(key.0), &payload, &signature.0) {
            return Err(AccessFault::BadSignature);
        }
        let mut reach = 0;
        if let Some(before) = &self.before {
            before.verify(&self.checkpoint)?;
            reach = before.receipt.seq.saturating_add(1);
        }
        let (mut until, mut entries) = (None, Vec::new());
        for ShownIndex { heartbeat, object } in &self.indexes {
            let seq = heartbeat.receipt.seq;
            heartbeat.verify(&self.checkpoint)?;
            let index = IndexReceipt::of(&heartbeat.receipt).filter(|_| heartbeat.receipt.job == self.job);
            let index = index.ok_or(AccessFault::NotAnIndex(seq))?;
            if index.from > reach {
                return Err(AccessFault::Gap(reach));
            }
            let found = object.verify(&index.root, index.objects, &self.object).map_err(|source| AccessFault::Object { seq, source })?;
            entries.extend(found);
            reach = reach.max(index.to);
            until = until.max(Some(heartbeat.receipt.time));
        }
        let until = until.ok_or(AccessFault::NoIndex(reach))?;
        Ok(Access { after: self.before.as_ref().map(|before| before.receipt.time), until, entries })
    }
}

/// An index made again from the receipts that it covers.
fn made_again(entries: &[Entry], index: &IndexReceipt) -> Result<ObjectIndex, AccessFault> {
    let wrong = AccessFault::WrongIndex(index.to);
    let range = usize::try_from(index.from).ok().zip(usize::try_from(index.to).ok());
    let Some(covered) = range.and_then(|(from, to)| entries.get(from..to)) else { return Err(wrong) };
    if let Some(erased) = covered.iter().find(|entry| entry.receipt().is_none()) {
        return Err(AccessFault::Erased(erased.seq()));
    }
    let made = ObjectIndex::over(covered.iter().filter_map(Entry::receipt));
    if made.root() == index.root && made.objects() == index.objects { Ok(made) } else { Err(wrong) }
}

fn shown(tree: &Tree, entries: &[Entry], index: &IndexReceipt, object: &Digest) -> Result<ShownIndex, AccessFault> {
    let made = made_again(entries, index)?;
    let receipt = usize::try_from(index.to).ok().and_then(|to| entries.get(to)?.receipt());
    let heartbeat = receipt.and_then(|receipt| PlacedReceipt::of(tree, receipt)).ok_or(AccessFault::WrongIndex(index.to))?;
    Ok(ShownIndex { heartbeat, object: made.prove(object) })
}

/// The first heartbeat whose index is not that of the receipts that it covers: what an audit asks of a whole log. One over erased receipts cannot be judged.
pub fn first_wrong_index(entries: &[Entry]) -> Option<u64> {
    let indexes = entries.iter().filter_map(Entry::receipt).filter_map(IndexReceipt::of);
    indexes
        .map(|index| (index.to, made_again(entries, &index)))
        .find(|(_, made)| matches!(made, Err(AccessFault::WrongIndex(_))))
        .map(|(to, _)| to)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::entry::Erased;
    use blockcloud_primitives::{Checkpoint, Op, Party, Signature};
    use ed25519_dalek::{Signer as _, SigningKey};

    const JOB: JobId = JobId(5);
    const GENESIS: Digest = Digest([9; 32]);

    /// A log that was written as a guest writes it: for each beat receipts about these objects, then the heartbeat; every second one closes an "hour", the last
    /// one a day. A receipt for each millisecond.
    pub(crate) fn log(beats: &[&[u8]]) -> Vec<Receipt> {
        let mut receipts: Vec<Receipt> = Vec::new();
        let push = |receipts: &mut Vec<Receipt>, op, object, offset, bytes, digest| {
            let seq = receipts.len() as u64;
            receipts.push(Receipt {
                version: Receipt::VERSION,
                job: JOB,
                seq,
                time: 1_000 + seq,
                op,
                object,
                offset,
                bytes,
                digest,
                actor: Digest::ZERO,
                from: Party::GUEST,
                to: Party::GUEST,
                derived_from: Digest::ZERO,
                purpose: 0,
                salt: [seq as u8; 16],
            });
        };
        let mut from = [0u64; 3];
        for (number, beat) in beats.iter().enumerate() {
            for object in *beat {
                push(&mut receipts, Op::Read, Digest([*object; 32]), 0, 1, Digest::ZERO);
            }
            let last = number + 1 == beats.len();
            for (place, span) in Span::ALL.into_iter().enumerate() {
                if place == 0 || last || (place == 1 && number % 2 == 1) {
                    let index = ObjectIndex::over(&receipts[from[place] as usize..]);
                    let to = receipts.len() as u64;
                    push(&mut receipts, Op::Heartbeat, span.name(), from[place], index.objects(), Digest(index.root()));
                    from[place] = to;
                }
            }
        }
        receipts
    }

    /// As an agent hands them over.
    pub(crate) fn entries(receipts: &[Receipt]) -> Vec<Entry> {
        receipts.iter().copied().map(Entry::Receipt).collect()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn public() -> PublicKey {
        PublicKey(key().verifying_key().to_bytes())
    }

    fn signed(receipts: &[Receipt]) -> SignedCheckpoint {
        let tree: Tree = receipts.iter().map(receipt_hash).collect();
        let checkpoint = Checkpoint {
            version: Checkpoint::VERSION,
            job: JOB,
            size: tree.size(),
            root: Digest(tree.root()),
            time: 9_000,
            usage: Default::default(),
            previous_size: 0,
            previous_root: Digest::ZERO,
        };
        SignedCheckpoint { checkpoint, signature: Signature(key().sign(&checkpoint.signing_payload(&GENESIS)).to_bytes()) }
    }

    fn prove(receipts: &[Receipt], object: u8, period: (Moment, Moment)) -> Result<AccessProof, AccessFault> {
        AccessProof::make(GENESIS, &entries(receipts), signed(receipts), Digest([object; 32]), period)
    }

    #[test]
    fn a_whole_log_takes_one_index_and_says_what_was_done() {
        let receipts = log(&[&[1, 2], &[2], &[], &[4]]);
        let whole = (0, Moment::MAX);
        let absent = prove(&receipts, 3, whole).unwrap();
        assert_eq!(absent.indexes.len(), 1, "the day's");
        assert_eq!(absent.verify(&public()).unwrap().entries, []);
        assert_eq!(absent.verify(&public()).unwrap().after, None);
        let present = prove(&receipts, 2, whole).unwrap().verify(&public()).unwrap();
        assert_eq!(present.entries, [ObjectEntry { object: Digest([2; 32]), receipts: 2, first: 1, last: 3 }]);
        assert_eq!(present.until, receipts.last().unwrap().time);
    }

    #[test]
    fn a_period_is_covered_to_the_heartbeats_around_it_and_no_further() {
        // Positions: 1, 2, beat 2; 2, beat 4, hour 5; beat 6; 4, beat 8, hour 9, day 10.
        let receipts = log(&[&[1, 2], &[2], &[], &[4]]);
        let at = |seq: usize| receipts[seq].time;
        let seen = |object, from, until| prove(&receipts, object, (at(from), at(until))).unwrap().verify(&public()).unwrap();
        // After the first beat, before the last.
        let middle = seen(1, 3, 6);
        assert!(middle.entries.is_empty());
        assert!(middle.after.unwrap() < at(3) && middle.until > at(6), "{middle:?}");
        assert!(seen(1, 0, 1).after.is_none());
        assert_eq!(seen(1, 0, 1).entries.len(), 1);
        assert_eq!(seen(4, 0, 5).entries, []);
        assert_eq!(seen(4, 7, 7).entries.len(), 1);
        // Object 2 is in the second beat; a period that begins after it does not see it.
        assert_eq!(seen(2, 6, 10).entries, []);
        assert_eq!(prove(&receipts, 1, (5, 4)), Err(AccessFault::NoPeriod));
    }

    #[test]
    fn hours_take_the_place_of_many_beats() {
        let beats: Vec<Vec<u8>> = (0..40).map(|number| vec![number]).collect();
        let receipts = log(&beats.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let until = receipts[receipts.len() / 2].time;
        let proof = prove(&receipts, 200, (0, until)).unwrap();
        assert!(proof.indexes.len() <= 12, "{}", proof.indexes.len());
        assert!(proof.verify(&public()).unwrap().until > until);
    }

    #[test]
    fn what_was_left_out_or_changed_proves_nothing() {
        let receipts = log(&[&[1], &[2], &[3], &[4], &[5]]);
        let until = receipts[7].time;
        let good = prove(&receipts, 9, (0, until)).unwrap();
        assert!(good.indexes.len() > 1);
        let fault = |change: &dyn Fn(&mut AccessProof)| {
            let mut changed = good.clone();
            change(&mut changed);
            changed.verify(&public()).unwrap_err()
        };
        assert!(matches!(fault(&|proof| drop(proof.indexes.remove(0))), AccessFault::Gap(0)));
        assert!(matches!(fault(&|proof| proof.indexes.clear()), AccessFault::NoIndex(0)));
        assert!(matches!(fault(&|proof| proof.object = Digest([1; 32])), AccessFault::Object { .. }));
        assert!(matches!(fault(&|proof| proof.indexes[0].heartbeat.receipt.bytes += 1), AccessFault::NotInLog { .. }));
        assert!(matches!(fault(&|proof| proof.job = JobId(6)), AccessFault::BadSignature));
        assert!(matches!(fault(&|proof| proof.genesis = Digest::ZERO), AccessFault::BadSignature));
        assert!(matches!(fault(&|proof| proof.checkpoint.checkpoint.size += 1), AccessFault::BadSignature));
        assert!(matches!(fault(&|proof| proof.format = "v0".into()), AccessFault::Format(_)));
        assert_eq!(good.verify(&PublicKey([1; 32])), Err(AccessFault::BadSignature));
        let tree: Tree = receipts.iter().map(receipt_hash).collect();
        let other = PlacedReceipt::of(&tree, &receipts[0]).unwrap();
        assert_eq!(fault(&|proof| proof.indexes[0].heartbeat = other.clone()), AccessFault::NotAnIndex(0));
        // One that begins later than it says.
        let later = prove(&receipts, 9, (receipts[4].time, until)).unwrap();
        let mut hidden = later.clone();
        hidden.before = None;
        assert!(matches!(hidden.verify(&public()), Err(AccessFault::Gap(0))));
    }

    #[test]
    fn an_index_that_is_not_that_of_its_receipts_is_the_guests_word_against_its_own() {
        let mut receipts = log(&[&[1], &[2]]);
        assert_eq!(first_wrong_index(&entries(&receipts)), None);
        receipts[0].object = Digest([7; 32]);
        assert_eq!(first_wrong_index(&entries(&receipts)), Some(1));
        assert!(matches!(prove(&receipts, 9, (0, Moment::MAX)), Err(AccessFault::WrongIndex(_))));
        let plain: Vec<Receipt> = log(&[&[1]]).into_iter().take(1).collect();
        assert_eq!(prove(&plain, 9, (0, 1)), Err(AccessFault::NoIndex(0)));
        let mut checkpoint = signed(&plain);
        checkpoint.checkpoint.size = 2;
        let other = AccessProof::make(GENESIS, &entries(&plain), checkpoint, Digest::ZERO, (0, 1));
        assert_eq!(other, Err(AccessFault::OtherReceipts));
    }

    #[test]
    fn an_erased_receipt_is_named_where_a_proof_would_need_it_and_nowhere_else() {
        // Positions: 1, beat 1; 2, beat 3, hour 4; 3, beat 6, hour 7, day 8.
        let receipts = log(&[&[1], &[2], &[3]]);
        let mut some = entries(&receipts);
        some[0] = Entry::Erased(Erased { job: JOB, seq: 0, erased: Digest(some[0].leaf()) });
        assert_eq!(first_wrong_index(&some), None, "not to be judged");
        let proof = |from| AccessProof::make(GENESIS, &some, signed(&receipts), Digest::ZERO, (from, Moment::MAX));
        assert_eq!(proof(0), Err(AccessFault::Erased(0)));
        let later = proof(receipts[5].time).unwrap().verify(&public()).unwrap();
        assert!(later.entries.is_empty() && later.after.unwrap() < receipts[5].time, "{later:?}");
        let before = AccessProof::make(GENESIS, &entries(&receipts), signed(&receipts), Digest([9; 32]), (0, Moment::MAX)).unwrap();
        assert_eq!(before.verify(&public()).unwrap().entries, [], "what was made before still holds");
    }
}
