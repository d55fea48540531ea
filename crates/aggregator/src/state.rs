//! What is known of every slot, and the judgement of what comes: a function of what was taken before, nothing else.
//!
//! One owner changes it (`collect`); after a crash it is the last round and what the queue holds since. Its memory is bounded by the number of slots
//! that ever had a source. Not here: signatures (`verify`), files (`queue`, `rounds`).

use crate::{Child, Equivocation, Refusal, Registry, SignedBranch, Source, Submission};
use blockcloud_client::aggregator_api::{MAX_PROOF, Part, hashes};
use blockcloud_primitives::{AggregatorId, Branch, Checkpoint, JobId, Moment, PublicKey, SlotEntry};
use blockcloud_receipt_log::{EMPTY_ROOT, verify_consistency};
use codec::{Decode, Encode};
use std::collections::BTreeMap;

/// A slot and the log in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SlotRecord {
    /// The slot.
    pub slot: u32,
    /// The job whose log it is.
    pub job: JobId,
    /// The guest's key.
    pub key: PublicKey,
    /// Whether the source is registered. What was once counted is remembered all the same, so that it is not counted again.
    pub registered: bool,
    /// The newest checkpoint.
    pub entry: Option<SlotEntry>,
    /// Receipts of the log that rounds have counted: its size when a round last had it.
    pub counted: u64,
}

/// A part and the newest branch of the aggregator that collects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PartRecord {
    /// The part.
    pub part: Part,
    /// The key of whoever collects it.
    pub key: PublicKey,
    /// Whether it is registered.
    pub registered: bool,
    /// The newest branch.
    pub branch: Option<SignedBranch>,
    /// Number of the first branch that is taken.
    pub first: u64,
    /// Receipts that its branches added since a round of this aggregator was closed.
    pub uncounted: u64,
}

/// What a round holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Snapshot {
    /// All slots that are remembered, in rising order.
    pub slots: Vec<SlotRecord>,
    /// All parts that are remembered, in rising order.
    pub parts: Vec<PartRecord>,
}

impl Snapshot {
    /// Filled slots, those of parts included.
    pub fn filled(&self) -> u32 {
        let own = self.slots.iter().filter(|record| record.registered && record.entry.is_some()).count();
        let parts = self.parts.iter().filter(|record| record.registered).filter_map(|record| record.branch);
        parts.fold(u32::try_from(own).unwrap_or(u32::MAX), |sum, signed| sum.saturating_add(signed.branch.filled))
    }
}

/// What to do with something that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Take,
    /// It was taken before: the very same.
    Known,
    /// Do not take it.
    Refuse(Refusal),
    /// Do not take it, and keep the proof that its signer contradicts itself.
    Expose(Refusal, Box<Equivocation>),
}

/// How strict the judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// To which tree branches must belong.
    pub aggregator: AggregatorId,
    /// How far ahead of this machine's clock a signer's may be, in milliseconds.
    pub max_ahead_ms: u64,
    /// Whether a checkpoint that does not name the last one as the one before it needs a consistency proof.
    pub require_proof: bool,
}

/// Everything that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    slots: BTreeMap<u32, SlotRecord>,
    parts: BTreeMap<u32, PartRecord>,
}

impl State {
    /// As a round left it.
    pub fn of(snapshot: Snapshot) -> Self {
        let slots = snapshot.slots.into_iter().map(|record| (record.slot, record)).collect();
        let parts = snapshot.parts.into_iter().map(|record| (record.part.base, record)).collect();
        Self { slots, parts }
    }

    /// All slots.
    pub fn slots(&self) -> impl Iterator<Item = &SlotRecord> {
        self.slots.values()
    }

    /// All parts.
    pub fn parts(&self) -> impl Iterator<Item = &PartRecord> {
        self.parts.values()
    }

    /// Makes sources and children those of the registry. What of others was not counted yet must be in a round already.
    pub fn register(&mut self, registry: &Registry) {
        self.slots.values_mut().for_each(|record| record.registered = false);
        self.parts.values_mut().for_each(|record| record.registered = false);
        registry.sources().for_each(|source| self.seat(source).registered = true);
        for child in registry.children() {
            let record = self.seat_part(child);
            record.registered = true;
            record.first = child.first;
        }
    }

    /// Adds sources and children whose places are free, or theirs already; changes nothing else.
    pub fn admit(&mut self, registry: &Registry) {
        for source in registry.sources() {
            let free = self.slots.get(&source.slot).is_none_or(|record| (record.job, record.key) == (source.job, source.key));
            let apart = !self.parts.values().any(|record| record.registered && record.part.has(source.slot));
            if free && apart {
                self.seat(source).registered = true;
            }
        }
        for child in registry.children() {
            let free = self.parts.get(&child.base).is_none_or(|record| (record.part, record.key) == (child.part(), child.key));
            // A part where slots of others are still filled is not free.
            let apart = !self.slots.values().any(|record| record.registered && child.part().has(record.slot));
            let alone = !self.parts.values().any(|record| {
                record.registered && record.part.base != child.base && (record.part.has(child.base) || child.part().has(record.part.base))
            });
            if free && apart && alone {
                self.seat_part(child).registered = true;
            }
        }
    }

    /// The record of a source. Another job or another key in the slot is another log, which begins from nothing.
    fn seat(&mut self, source: &Source) -> &mut SlotRecord {
        let new = SlotRecord { slot: source.slot, job: source.job, key: source.key, registered: false, entry: None, counted: 0 };
        let record = self.slots.entry(source.slot).or_insert(new);
        if (record.job, record.key) != (source.job, source.key) {
            *record = new;
        }
        record
    }

    fn seat_part(&mut self, child: &Child) -> &mut PartRecord {
        let new = PartRecord { part: child.part(), key: child.key, registered: false, branch: None, first: child.first, uncounted: 0 };
        let record = self.parts.entry(child.base).or_insert(new);
        if (record.part, record.key) != (new.part, new.key) {
            *record = new;
        }
        record
    }

    /// Judges a checkpoint whose signature by `key` is good.
    pub fn judge(&self, rules: &Rules, slot: u32, key: &PublicKey, submission: &Submission, now: Moment) -> Verdict {
        let Submission { checkpoint, signature, proof } = submission;
        let Some(record) = self.slots.get(&slot).filter(|record| record.registered) else {
            return Verdict::Refuse(Refusal::UnknownSource { job: checkpoint.job });
        };
        if record.key != *key || record.job != checkpoint.job {
            return Verdict::Refuse(Refusal::SourceChanged);
        }
        if let Some(refusal) = by_itself(rules, checkpoint, now) {
            return Verdict::Refuse(refusal);
        }
        let Some(last) = record.entry.as_ref() else {
            return if proof.is_empty() { Verdict::Take } else { Verdict::Refuse(Refusal::Inconsistent { head: 0 }) };
        };
        if last.checkpoint == *checkpoint {
            // Another signature over the same words says the same thing.
            return Verdict::Known;
        }
        let expose = |refusal| {
            let second = SlotEntry::new(*checkpoint, *signature);
            Verdict::Expose(refusal, Box::new(Equivocation::Log { slot, key: *key, first: *last, second }))
        };
        let head = &last.checkpoint;
        let Checkpoint { size, root, time, previous_size, previous_root, .. } = *checkpoint;
        if size < head.size {
            let refusal = Refusal::Shrunk { size, head: head.size };
            return if time > head.time { expose(refusal) } else { Verdict::Refuse(refusal) };
        }
        if size == head.size && root != head.root {
            return expose(Refusal::Forked { size });
        }
        if previous_size == head.size && previous_root != head.root {
            return expose(Refusal::Forked { size: previous_size });
        }
        if size == head.size || time <= head.time {
            return Verdict::Refuse(Refusal::Stale { head: head.size });
        }
        if !checkpoint.usage.extends(&head.usage) {
            return expose(Refusal::UsageShrunk);
        }
        if !proof.is_empty() {
            let consistent = proof.len() <= MAX_PROOF && verify_consistency(head.size, &head.root.0, size, &root.0, &hashes(proof)).is_ok();
            return if consistent { Verdict::Take } else { Verdict::Refuse(Refusal::Inconsistent { head: head.size }) };
        }
        // It names the last one as the one before it, or nothing in between is vouched for.
        if rules.require_proof && previous_size != head.size {
            return Verdict::Refuse(Refusal::Unproven { head: head.size });
        }
        Verdict::Take
    }

    /// Judges a branch whose signature by `key` is good.
    pub fn judge_branch(&self, rules: &Rules, key: &PublicKey, signed: &SignedBranch, now: Moment) -> Verdict {
        let branch = &signed.branch;
        let part = Part { base: branch.base, height: branch.height };
        let known = self.parts.get(&branch.base).filter(|record| record.registered && record.part == part);
        let Some(record) = known else {
            return Verdict::Refuse(Refusal::UnknownPart { base: branch.base, height: branch.height });
        };
        if record.key != *key {
            return Verdict::Refuse(Refusal::SourceChanged);
        }
        if branch.version != Branch::VERSION {
            return Verdict::Refuse(Refusal::UnsupportedVersion { version: branch.version });
        }
        if branch.aggregator != rules.aggregator {
            return Verdict::Refuse(Refusal::OtherAggregator { expected: rules.aggregator, found: branch.aggregator });
        }
        if branch.time > now.saturating_add(rules.max_ahead_ms) {
            return Verdict::Refuse(Refusal::FromTheFuture { time: branch.time });
        }
        let implausible = branch.filled > part.slots() || (branch.filled == 0 && branch.receipts > 0);
        if implausible || record.uncounted.checked_add(branch.receipts).is_none() {
            return Verdict::Refuse(Refusal::Implausible);
        }
        let found = branch.number;
        let Some(last) = record.branch.as_ref() else {
            return if found == record.first { Verdict::Take } else { Verdict::Refuse(Refusal::Gap { expected: record.first, found }) };
        };
        let number = last.branch.number;
        if found < number {
            return Verdict::Refuse(Refusal::Behind { last: number, found });
        }
        if found == number {
            return if last.branch == *branch {
                Verdict::Known
            } else {
                let proof = Equivocation::Branch { key: *key, first: *last, second: *signed };
                Verdict::Expose(Refusal::Conflict { number }, Box::new(proof))
            };
        }
        match number.checked_add(1) {
            Some(expected) if expected == found => Verdict::Take,
            expected => Verdict::Refuse(Refusal::Gap { expected: expected.unwrap_or(u64::MAX), found }),
        }
    }

    /// Takes a checkpoint that was judged, now or before a crash.
    pub fn take(&mut self, slot: u32, key: PublicKey, entry: SlotEntry) {
        let record = self.seat(&Source { slot, job: entry.checkpoint.job, key });
        // Only what is registered is taken; after a crash the queue is what says so.
        record.registered = true;
        record.entry = Some(entry);
    }

    /// Takes a branch that was judged, now or before a crash.
    pub fn take_branch(&mut self, key: PublicKey, signed: SignedBranch) {
        let Branch { base, height, number, receipts, .. } = signed.branch;
        let first = self.parts.get(&base).map_or(number, |record| record.first);
        let record = self.seat_part(&Child { base, height, key, first });
        record.registered = true;
        record.branch = Some(signed);
        record.uncounted = record.uncounted.saturating_add(receipts);
    }

    /// What the next round holds, and the receipts that it adds; they count as counted from now on.
    pub fn close(&mut self) -> (Snapshot, u64) {
        let mut receipts = 0u64;
        for record in self.slots.values_mut().filter(|record| record.registered) {
            let size = record.entry.map_or(0, |entry| entry.checkpoint.size);
            // The size only grows while the log is the same.
            receipts = receipts.saturating_add(size.saturating_sub(record.counted));
            record.counted = record.counted.max(size);
        }
        for record in self.parts.values_mut().filter(|record| record.registered) {
            receipts = receipts.saturating_add(std::mem::take(&mut record.uncounted));
        }
        let snapshot = Snapshot { slots: self.slots.values().copied().collect(), parts: self.parts.values().copied().collect() };
        (snapshot, receipts)
    }
}

/// What can be said of a checkpoint without knowing any other.
fn by_itself(rules: &Rules, checkpoint: &Checkpoint, now: Moment) -> Option<Refusal> {
    let Checkpoint { version, size, root, time, previous_size, previous_root, .. } = *checkpoint;
    if version != Checkpoint::VERSION {
        return Some(Refusal::UnsupportedVersion { version });
    }
    if time > now.saturating_add(rules.max_ahead_ms) {
        return Some(Refusal::FromTheFuture { time });
    }
    if size == 0 {
        return Some(Refusal::Empty);
    }
    if previous_size > size {
        return Some(Refusal::Shrunk { size, head: previous_size });
    }
    if (previous_size == size && previous_root != root) || (previous_size == 0 && previous_root.0 != EMPTY_ROOT) {
        return Some(Refusal::Forked { size: previous_size });
    }
    None
}

#[cfg(test)]
mod tests;
