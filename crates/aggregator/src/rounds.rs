//! Rounds on disk: each a file that holds what was signed and all that it was made of. A round exists once its file has its name.
//!
//! The file of the newest round is also where this aggregator goes on after a crash, so that one is never deleted. Not here: when a round is closed
//! (`collect`), who gets it (`upstream`).
//!
//! # The file
//! `NNNNNNNNNNNNNNNN.round`: magic of 16 bytes; the signed statement, then the snapshot, in SCALE; BLAKE3 over all that in 32 bytes.

use crate::{
    Part, Statement,
    files::{self, clear_unfinished},
    state::Snapshot,
};
use blockcloud_client::aggregator_api::{RoundContents, RoundItem, digests};
use blockcloud_primitives::{Digest, SlotEntry};
use blockcloud_receipt_log::{Forest, SlotTreeError, slot_hash};
use codec::{Decode, DecodeAll as _, Encode};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use thiserror::Error;

const MAGIC: [u8; 16] = *b"blockcloud/rnd/1";
const CHECK: usize = 32;
/// More than any statement's encoding.
const STATEMENT_MAX: usize = 512;
/// Rounds whose trees are kept in memory.
const TREES: usize = 4;

/// What went wrong with a round's file.
#[derive(Debug, Error)]
pub enum RoundsError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("{0}: the round's file is damaged; restore it from a copy. It may have been sent: nothing else may be signed under its number")]
    Damaged(PathBuf),
    /// The snapshot makes no tree.
    #[error("the slots make no tree: {0}")]
    Tree(#[from] SlotTreeError),
    /// It was deleted, or never was.
    #[error("round {0} is not kept here")]
    NotKept(u64),
}

/// A round with its tree.
#[derive(Debug)]
pub struct Loaded {
    /// What was signed.
    pub statement: Statement,
    /// What it was made of.
    pub snapshot: Snapshot,
    /// The part that this aggregator collects.
    part: Part,
    forest: Forest,
}

impl Loaded {
    /// What stands in a slot, and the path from there to this round's root. Nothing for a slot outside, or of an aggregator below.
    pub fn slot(&self, slot: u32) -> Option<(Option<SlotEntry>, Vec<Digest>)> {
        if !self.part.has(slot) || self.snapshot.parts.iter().any(|record| record.registered && record.part.has(slot)) {
            return None;
        }
        let slots = &self.snapshot.slots;
        let found = slots.binary_search_by_key(&slot, |record| record.slot).ok().and_then(|at| slots.get(at));
        let entry = found.filter(|record| record.registered).and_then(|record| record.entry);
        Some((entry, digests(&self.forest.path(0, slot.checked_sub(self.part.base)?)?)))
    }

    /// What this round holds, at most so many slots and parts, after this slot.
    pub fn contents(&self, after: Option<u32>, limit: usize) -> RoundContents {
        let beyond = |slot: u32| after.is_none_or(|after| slot > after);
        let slots = self.snapshot.slots.iter().filter(|record| record.registered && beyond(record.slot));
        let slots = slots.filter_map(|record| Some(RoundItem::Slot { slot: record.slot, entry: record.entry? }));
        let parts = self.snapshot.parts.iter().filter(|record| record.registered && beyond(record.part.base));
        let parts = parts.filter_map(|record| record.branch).map(RoundItem::Part);
        // Each of the two rises: the first of both together are among the first of each.
        let mut items: Vec<_> = slots.take(limit.saturating_add(1)).chain(parts.take(limit.saturating_add(1))).collect();
        items.sort_by_key(RoundItem::slot);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(RoundItem::slot);
        RoundContents { statement: self.statement, part: self.part, items, next }
    }

    /// Number of the branch that stands for a part, and the path from its root to this round's. Nothing for what is no part here, or has no branch.
    pub fn part(&self, part: Part) -> Option<(u64, Vec<Digest>)> {
        let record = self.snapshot.parts.iter().find(|record| record.part == part && record.registered)?;
        let position = part.base.checked_sub(self.part.base)?.checked_shr(part.height.into())?;
        Some((record.branch.as_ref()?.branch.number, digests(&self.forest.path(part.height, position)?)))
    }
}

/// The tree over what a snapshot has in its registered slots and parts.
///
/// # Errors
/// [`SlotTreeError`] where slots lie outside the part.
pub fn tree(part: Part, snapshot: &Snapshot) -> Result<Forest, SlotTreeError> {
    let within = |slot: u32| slot.checked_sub(part.base).unwrap_or(u32::MAX);
    let slots = snapshot.slots.iter().filter(|record| record.registered).filter_map(|record| {
        let entry = record.entry.as_ref()?;
        Some((0, within(record.slot), slot_hash(Some(entry))))
    });
    let parts = snapshot.parts.iter().filter(|record| record.registered).filter_map(|record| {
        let branch = record.branch.as_ref()?.branch;
        let position = within(record.part.base).checked_shr(record.part.height.into()).unwrap_or(0);
        // An empty part's root is that of an empty tree of its height: given or left out, the same.
        Some((record.part.height, position, branch.root.0))
    });
    Forest::new(part.height, slots.chain(parts))
}

#[derive(Debug, Default)]
struct Kept {
    statements: BTreeMap<u64, Statement>,
    /// The last ones that were asked for, newest last.
    trees: VecDeque<Arc<Loaded>>,
}

/// All rounds that are kept.
#[derive(Debug)]
pub struct Rounds {
    folder: PathBuf,
    part: Part,
    kept: Mutex<Kept>,
}

impl Rounds {
    /// Opens the folder, or makes it, and reads the newest round.
    ///
    /// # Errors
    /// [`RoundsError::Io`]; [`RoundsError::Damaged`] for any file whose beginning cannot be read, and for a newest one that is not whole.
    pub fn open(folder: PathBuf, part: Part) -> Result<(Self, Option<Arc<Loaded>>), RoundsError> {
        let io_error = |source| RoundsError::Io { path: folder.clone(), source };
        fs::create_dir_all(&folder).and_then(|()| clear_unfinished(&folder)).map_err(io_error)?;
        let mut statements = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(io_error)? {
            let name = entry.map_err(io_error)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".round")).and_then(|digits| digits.parse::<u64>().ok());
            if let Some(number) = number {
                statements.insert(number, read_statement(&path_of(&folder, number), number)?);
            }
        }
        let newest = statements.keys().next_back().copied();
        let rounds = Self { folder, part, kept: Mutex::new(Kept { statements, trees: VecDeque::new() }) };
        let newest = newest.map(|number| rounds.load(number)).transpose()?;
        Ok((rounds, newest))
    }

    /// Writes a round's file beside its place. It is not a round yet.
    ///
    /// # Errors
    /// [`RoundsError::Io`].
    pub fn prepare(&self, statement: &Statement, snapshot: &Snapshot) -> Result<(), RoundsError> {
        let path = path_of(&self.folder, statement.number());
        let mut bytes = Vec::from(MAGIC);
        statement.encode_to(&mut bytes);
        snapshot.encode_to(&mut bytes);
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(check.as_bytes());
        files::prepare(&path, &bytes).map_err(|source| RoundsError::Io { path, source })
    }

    /// Gives a prepared file its name: from now on it is the round of its number, and no other can be.
    ///
    /// # Errors
    /// [`RoundsError::Io`].
    pub fn finish(&self, statement: &Statement) -> Result<(), RoundsError> {
        let path = path_of(&self.folder, statement.number());
        files::finish(&path).map_err(|source| RoundsError::Io { path, source })
    }

    /// Shows a finished round to whoever asks.
    pub fn publish(&self, statement: Statement, snapshot: Snapshot, forest: Forest) {
        let mut kept = self.kept();
        kept.statements.insert(statement.number(), statement);
        remember(&mut kept.trees, Arc::new(Loaded { statement, snapshot, part: self.part, forest }));
    }

    /// The newest round's statement.
    pub fn newest(&self) -> Option<Statement> {
        self.kept().statements.values().next_back().copied()
    }

    /// A round's statement, if it is kept.
    pub fn statement(&self, number: u64) -> Option<Statement> {
        self.kept().statements.get(&number).copied()
    }

    /// Statements of rounds from this one on, at most so many.
    pub fn statements(&self, from: u64, limit: usize) -> Vec<Statement> {
        self.kept().statements.range(from..).take(limit).map(|(_, statement)| *statement).collect()
    }

    /// A round with its tree, if that is in memory.
    pub fn in_memory(&self, number: u64) -> Option<Arc<Loaded>> {
        self.kept().trees.iter().find(|loaded| loaded.statement.number() == number).cloned()
    }

    /// A round with its tree, from memory or from its file.
    ///
    /// # Errors
    /// [`RoundsError`].
    pub fn load(&self, number: u64) -> Result<Arc<Loaded>, RoundsError> {
        if let Some(loaded) = self.in_memory(number) {
            return Ok(loaded);
        }
        self.statement(number).ok_or(RoundsError::NotKept(number))?;
        let path = path_of(&self.folder, number);
        let bytes = fs::read(&path).map_err(|source| RoundsError::Io { path: path.clone(), source })?;
        let (statement, snapshot) =
            decode(&bytes).filter(|(statement, _)| statement.number() == number).ok_or(RoundsError::Damaged(path))?;
        let forest = tree(self.part, &snapshot)?;
        if forest.root() != statement.root().0 {
            return Err(RoundsError::Damaged(path_of(&self.folder, number)));
        }
        let loaded = Arc::new(Loaded { statement, snapshot, part: self.part, forest });
        remember(&mut self.kept().trees, loaded.clone());
        Ok(loaded)
    }

    /// Deletes files of rounds that are older than the last `keep` and were acknowledged: those up to `acknowledged`.
    ///
    /// # Errors
    /// [`RoundsError::Io`].
    pub fn prune(&self, keep: u64, acknowledged: u64) -> Result<(), RoundsError> {
        let old: Vec<u64> = {
            let kept = self.kept();
            let newest = kept.statements.keys().next_back().copied().unwrap_or(0);
            let end = newest.saturating_sub(keep.saturating_sub(1)).min(acknowledged.saturating_add(1)).min(newest);
            kept.statements.range(..end).map(|(number, _)| *number).collect()
        };
        for number in old {
            let path = path_of(&self.folder, number);
            fs::remove_file(&path).map_err(|source| RoundsError::Io { path, source })?;
            self.kept().statements.remove(&number);
        }
        Ok(())
    }

    /// Bytes of the folder's disk that are free.
    ///
    /// # Errors
    /// What the system says.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here panics halfway through a change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(trees: &mut VecDeque<Arc<Loaded>>, loaded: Arc<Loaded>) {
    if trees.len() >= TREES {
        trees.pop_front();
    }
    trees.push_back(loaded);
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016}.round"))
}

fn decode(bytes: &[u8]) -> Option<(Statement, Snapshot)> {
    let (content, check) = bytes.split_last_chunk::<CHECK>()?;
    if blake3::hash(content) != *check {
        return None;
    }
    <(Statement, Snapshot)>::decode_all(&mut content.strip_prefix(&MAGIC)?).ok()
}

/// Reads the beginning of a round's file only: there may be many, and they may be large.
fn read_statement(path: &Path, number: u64) -> Result<Statement, RoundsError> {
    let io_error = |source| RoundsError::Io { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io_error)?.take(STATEMENT_MAX as u64).read_to_end(&mut bytes).map_err(io_error)?;
    let statement = bytes.strip_prefix(&MAGIC).and_then(|mut rest| Statement::decode(&mut rest).ok());
    statement.filter(|statement| statement.number() == number).ok_or_else(|| RoundsError::Damaged(path.into()))
}

#[cfg(test)]
mod tests;
