//! The receipt log as it grows inside the guest, and what is sent of it.
//!
//! A heartbeat carries the index of the objects that the receipts since the last one are about; now and then another carries that of an hour, and of a day.
//! So whoever is shown a heartbeat and two entries of its index knows that nothing was done with an object in that time.
//!
//! Receipts stay in memory until the agent has confirmed them; from then on only the tree's frontier does. A program that produces receipts faster than the
//! agent takes them waits. Not here: the durable log (the agent keeps it), proofs (the agent makes them).

use crate::keys::{self, NoRandomness, ReceiptKey};
use blockcloud_primitives::{Checkpoint, Digest, JobId, Moment, Op, Party, Receipt, Signature, Usage};
use blockcloud_receipt_log::{
    EMPTY_ROOT, Frontier, leaf_hash,
    objects::{ObjectIndex, Span},
};
use codec::Encode;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;

/// Receipts that may wait for confirmation before the program has to.
const PENDING_MAX: usize = 1 << 18;
/// Receipts in one increment: as hex, with the checkpoint, less than 2 MB.
const INCREMENT_MAX: usize = 3500;
/// Objects after which the index of an hour or a day is closed before its time.
const OBJECTS_MAX: u64 = 1 << 16;
/// Milliseconds after which the indexes that are made of others are closed.
const ROLLED: [(Span, Moment); 2] = [(Span::Hour, 3_600_000), (Span::Day, 86_400_000)];

/// Why nothing can be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The last receipt has been written, or the guest was told to stop.
    #[error("the log is closed")]
    Closed,
    /// No salt could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A receipt without what the log adds: position, time, salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What was done.
    pub op: Op,
    /// Keyed digest of the object's name.
    pub object: Digest,
    /// First byte of the range.
    pub offset: u64,
    /// Length of the range.
    pub bytes: u64,
    /// Keyed digest of the bytes.
    pub digest: Digest,
    /// Who acted.
    pub actor: Digest,
    /// Where the data came from.
    pub from: Party,
    /// Where it went.
    pub to: Party,
    /// What it was derived from.
    pub derived_from: Digest,
}

impl Statement {
    /// A statement about nothing in particular, inside the guest.
    pub fn new(op: Op, actor: Digest) -> Self {
        Self {
            op,
            object: Digest::ZERO,
            offset: 0,
            bytes: 0,
            digest: Digest::ZERO,
            actor,
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from: Digest::ZERO,
        }
    }
}

/// A stretch of the log with a checkpoint at its end, as it is sent to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Increment {
    /// Position of the first receipt.
    pub first_seq: u64,
    /// The receipts' canonical encodings, one after the other, as hex.
    pub receipts: String,
    /// The log's state after the last of them.
    pub checkpoint: Checkpoint,
    /// The receipt key's signature over the checkpoint.
    pub signature: Signature,
}

/// An index that grows.
#[derive(Default)]
struct Growing {
    index: ObjectIndex,
    /// Position of the first receipt that it covers.
    from: u64,
    /// When it was begun; nothing before the first heartbeat.
    since: Option<Moment>,
}

#[derive(Default)]
struct State {
    /// The tree over what was confirmed.
    tree: Frontier,
    /// Encodings that are not confirmed.
    pending: Vec<u8>,
    /// Time of the last receipt.
    time: Moment,
    usage: Usage,
    /// Since the last heartbeat.
    beat: Growing,
    /// In the order of [`ROLLED`].
    rolled: [Growing; ROLLED.len()],
    previous: Option<Checkpoint>,
    /// What was signed last, until it is confirmed.
    outstanding: Option<Increment>,
    closed: bool,
    abandoned: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.pending.len() / Receipt::ENCODED_LEN
    }

    /// Number of receipts.
    fn size(&self) -> u64 {
        self.tree.size().saturating_add(u64::try_from(self.waiting()).unwrap_or(0))
    }

    /// The tree over what was confirmed and these encodings.
    fn tree_with(&self, receipts: &[u8]) -> Frontier {
        let mut tree = self.tree.clone();
        for receipt in receipts.chunks_exact(Receipt::ENCODED_LEN) {
            tree.append(leaf_hash(receipt));
        }
        tree
    }
}

/// A job's receipt log.
pub struct Log {
    job: JobId,
    state: Mutex<State>,
    room: Condvar,
    closed: Notify,
}

impl Log {
    /// The empty log of a job.
    pub fn new(job: JobId) -> Self {
        Self { job, state: Mutex::default(), room: Condvar::new(), closed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a receipt and returns it. Never waits.
    pub fn append(&self, statement: &Statement) -> Result<Receipt, LogError> {
        self.push(&mut self.state(), statement)
    }

    /// Appends a receipt for the program: waits, with its thread, while too many are not confirmed yet.
    pub fn append_waiting(&self, statement: &Statement) -> Result<Receipt, LogError> {
        let state = self.state();
        let waited = self.room.wait_while(state, |state| state.waiting() >= PENDING_MAX && !state.closed && !state.abandoned);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.abandoned {
            return Err(LogError::Closed);
        }
        self.push(&mut state, statement)
    }

    /// Appends a heartbeat of this actor's, with the index of what came since the last one; then those of the hour and the day where they are over.
    pub fn beat(&self, actor: Digest) -> Result<(), LogError> {
        self.push_beat(&mut self.state(), actor, false)
    }

    /// Appends the last receipt, after the indexes of all before it, and closes the log.
    pub fn append_last(&self, statement: &Statement) -> Result<Receipt, LogError> {
        let mut state = self.state();
        self.push_beat(&mut state, statement.actor, true)?;
        let receipt = self.push(&mut state, statement)?;
        state.closed = true;
        self.closed.notify_one();
        self.room.notify_all();
        Ok(receipt)
    }

    fn push_beat(&self, state: &mut State, actor: Digest, last: bool) -> Result<(), LogError> {
        let Growing { index, from, .. } = std::mem::take(&mut state.beat);
        let beat = match self.push_index(state, Span::Beat, from, &index, actor) {
            Ok(beat) => beat,
            Err(error) => {
                state.beat = Growing { index, from, since: None };
                return Err(error);
            }
        };
        state.beat.from = beat.seq;
        for (place, (span, length)) in ROLLED.into_iter().enumerate() {
            let Some(rolled) = state.rolled.get_mut(place) else { continue };
            rolled.index.merge(&index);
            let since = *rolled.since.get_or_insert(beat.time);
            if last || beat.time.saturating_sub(since) >= length || rolled.index.objects() >= OBJECTS_MAX {
                let Growing { index, from, .. } = std::mem::take(rolled);
                let closed = self.push_index(state, span, from, &index, actor)?;
                if let Some(rolled) = state.rolled.get_mut(place) {
                    *rolled = Growing { from: closed.seq, since: Some(closed.time), ..Growing::default() };
                }
            }
        }
        Ok(())
    }

    fn push_index(&self, state: &mut State, span: Span, from: u64, index: &ObjectIndex, actor: Digest) -> Result<Receipt, LogError> {
        let statement = Statement {
            object: span.name(),
            offset: from,
            bytes: index.objects(),
            digest: Digest(index.root()),
            ..Statement::new(Op::Heartbeat, actor)
        };
        self.push(state, &statement)
    }

    fn push(&self, state: &mut State, statement: &Statement) -> Result<Receipt, LogError> {
        if state.closed {
            return Err(LogError::Closed);
        }
        let Statement { op, object, offset, bytes, digest, actor, from, to, derived_from } = *statement;
        let receipt = Receipt {
            version: Receipt::VERSION,
            job: self.job,
            seq: state.size(),
            // A clock that is set back must not turn the order of events round.
            time: now().max(state.time),
            op,
            object,
            offset,
            bytes,
            digest,
            actor,
            from,
            to,
            derived_from,
            purpose: 0,
            salt: keys::random()?,
        };
        state.time = receipt.time;
        state.beat.index.add(&receipt);
        state.pending.extend_from_slice(&receipt.encode());
        Ok(receipt)
    }

    /// Changes the usage counters that the next checkpoint carries.
    pub fn use_up(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut self.state().usage);
    }

    /// Releases a program that waits for room; it gets an error instead. For when the guest is told to stop.
    pub fn abandon(&self) {
        self.state().abandoned = true;
        self.room.notify_all();
    }

    /// Number of receipts.
    pub fn size(&self) -> u64 {
        self.state().size()
    }

    /// Number of receipts and the root over them.
    pub fn head(&self) -> (u64, Digest) {
        let state = self.state();
        let tree = state.tree_with(&state.pending);
        (tree.size(), Digest(tree.root()))
    }

    /// Whether every receipt is confirmed.
    pub fn is_settled(&self) -> bool {
        self.state().pending.is_empty()
    }

    /// Whether the last receipt has been appended.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits until the last receipt has been appended.
    pub async fn closed(&self) {
        if !self.is_closed() {
            self.closed.notified().await;
        }
    }

    /// Signs the next stretch; nothing if there is none. Until that one is confirmed this is the same one again: every checkpoint that was ever
    /// signed is handed over, so each knows the one before it.
    pub fn increment(&self, key: &ReceiptKey, genesis: &Digest) -> Option<Increment> {
        let mut state = self.state();
        if state.outstanding.is_some() {
            return state.outstanding.clone();
        }
        let count = state.waiting().min(INCREMENT_MAX);
        let receipts = state.pending.get(..count.checked_mul(Receipt::ENCODED_LEN)?).filter(|receipts| !receipts.is_empty())?;
        let tree = state.tree_with(receipts);
        let receipts = format!("0x{}", hex::encode(receipts));
        let size = tree.size();
        let previous = state.previous;
        let checkpoint = Checkpoint {
            version: Checkpoint::VERSION,
            job: self.job,
            size,
            root: Digest(tree.root()),
            // A clock that stands still or is set back must not stop the log, nor make it older than what is in it.
            time: now().max(state.time).max(previous.map_or(0, |previous| previous.time.saturating_add(1))),
            usage: state.usage,
            previous_size: previous.map_or(0, |previous| previous.size),
            previous_root: previous.map_or(Digest(EMPTY_ROOT), |previous| previous.root),
        };
        state.previous = Some(checkpoint);
        let signature = key.sign(&checkpoint.signing_payload(genesis));
        state.outstanding = Some(Increment { first_seq: state.tree.size(), receipts, checkpoint, signature });
        state.outstanding.clone()
    }

    /// Notes that the agent has everything below `size`.
    pub fn confirm(&self, size: u64) {
        let mut state = self.state();
        let count = usize::try_from(size.saturating_sub(state.tree.size())).unwrap_or(0).min(state.waiting());
        state.outstanding = state.outstanding.take().filter(|outstanding| outstanding.checkpoint.size > size);
        let bytes = count.saturating_mul(Receipt::ENCODED_LEN);
        state.tree = state.tree_with(state.pending.get(..bytes).unwrap_or_default());
        state.pending.drain(..bytes);
        self.room.notify_all();
    }
}

/// The guest's clock.
pub fn now() -> Moment {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Processor time of this process in milliseconds, as Linux counts it (`/proc/self/stat`, in hundredths of a second).
pub fn cpu_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses and may hold anything; user and system time are fields 14 and 15.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)?.checked_mul(10)
}

#[cfg(test)]
mod tests;
