//! The durable queue: what was taken and is in no round yet, in files that are only appended to.
//!
//! # The files
//! `NNNNNNNNNNNNNNNN.queue`, numbered without gaps, each a header of 32 bytes (magic, the file's number, the round that was being filled when it was
//! begun) and then blocks. A block is one group commit: magic, length and 16 check bytes (BLAKE3 over the file's number, the block's offset and the
//! content), then records in SCALE. A block is written only after the one before it was synced.
//!
//! # Opening
//! So whatever stands before a whole block was acknowledged, and only the last block may have been on its way when the machine stopped. A bad block
//! that a whole one follows, in the same file or a later one, is damage: it is named and refused, never skipped. A bad end of the last file, with
//! nothing whole after it, is a torn write: it is cut off. A file that does not even have its header can only be the last.
//!
//! Not here: what records mean (`collect`), the rounds they end up in (`rounds`).

use crate::{SignedBranch, files::sync_folder};
use blockcloud_primitives::{PublicKey, SlotEntry};
use codec::{Decode, Encode};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use thiserror::Error;

const FILE_MAGIC: [u8; 16] = *b"blockcloud/que/1";
const FILE_HEADER: usize = 32;
const BLOCK_MAGIC: [u8; 4] = [0xb1, 0x0c, 0x9e, 0x55];
const BLOCK_HEADER: usize = 24;
const CHECK: usize = 16;
/// Largest content of a block, in bytes.
pub const MAX_BLOCK: usize = 8 << 20;

/// What the queue holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Record {
    /// A checkpoint was taken.
    #[codec(index = 0)]
    Checkpoint {
        /// Its slot.
        slot: u32,
        /// Who signed it.
        key: PublicKey,
        /// What goes into the slot.
        entry: SlotEntry,
    },
    /// A branch was taken.
    #[codec(index = 1)]
    Branch {
        /// Who signed it.
        key: PublicKey,
        /// The branch.
        signed: SignedBranch,
    },
    /// What follows belongs to this round and later ones.
    #[codec(index = 2)]
    Cut {
        /// The round.
        round: u64,
    },
}

/// What went wrong with the queue.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// What was acknowledged is damaged.
    #[error("{path}: the block at byte {offset} is damaged, and others follow it; restore the file from a copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the block begins.
        offset: u64,
    },
    /// A file is missing between others.
    #[error("{0} is missing, and others follow it; restore it from a copy")]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{0}: not a queue file; it is left as it is")]
    NotAQueue(PathBuf),
    /// A block is larger than one may be.
    #[error("a block of {0} bytes is larger than {MAX_BLOCK}")]
    TooLarge(usize),
    /// An earlier write failed, so nobody knows what the file holds.
    #[error("{0}: an earlier write failed; start again")]
    Broken(PathBuf),
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that are in no finished round, in order, with the round that was being filled when each was written.
    pub records: Vec<(u64, Record)>,
    /// The round that was being filled last.
    pub round: u64,
    /// Bytes of a torn write that were cut off.
    pub dropped_bytes: u64,
}

impl Recovery {
    /// What follows was written while this round was being filled. A step back means that there was a crash before the round was finished: what was
    /// meant for later ones went into it.
    fn enter(&mut self, round: u64, since: u64) {
        if round < self.round {
            self.records.iter_mut().for_each(|(of, _)| *of = (*of).min(round));
            self.records.retain(|(of, _)| *of >= since);
        }
        self.round = round;
    }
}

/// One file of the queue.
#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    /// The round that was being filled when it was begun.
    round: u64,
    length: u64,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
    /// Never empty.
    segments: VecDeque<Segment>,
    file: File,
    /// A file is followed by another once it has this many bytes.
    segment_bytes: u64,
    round: u64,
    broken: bool,
}

impl Queue {
    /// Opens the queue in a folder, or begins it. Rounds before `since` are finished, so their records are left out; all others belong to `since`, which is
    /// the round that is being filled now, even where a later one had been begun before a crash. The queue is told so before this returns.
    ///
    /// # Errors
    /// Any [`QueueError`] but [`QueueError::TooLarge`] and [`QueueError::Broken`].
    pub fn open(folder: PathBuf, since: u64, segment_bytes: u64) -> Result<(Self, Recovery), QueueError> {
        let io_error = |source| QueueError::Io { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(io_error)?;
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io_error)? {
            let name = entry.map_err(io_error)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".queue")).and_then(|digits| digits.parse().ok());
            numbers.extend(number.filter(|number: &u64| path_of(&folder, *number).file_name() == Some(&name)));
        }
        numbers.sort_unstable();
        if let Some(pair) = numbers.windows(2).find(|pair| pair.first().and_then(|number| number.checked_add(1)).as_ref() != pair.last()) {
            let missing = pair.first().map_or(0, |number| number.saturating_add(1));
            return Err(QueueError::Missing(path_of(&folder, missing)));
        }

        let mut recovery = Recovery { round: since, ..Recovery::default() };
        let mut segments = VecDeque::new();
        for number in &numbers {
            let last = numbers.last() == Some(number);
            let path = path_of(&folder, *number);
            segments.extend(read(&path, *number, last, since, &mut recovery)?);
        }
        let newest = match segments.back() {
            Some(newest) => *newest,
            None => {
                let segment = begin(&folder, numbers.last().copied().unwrap_or(0), recovery.round)?;
                segments.push_back(segment);
                segment
            }
        };
        let path = path_of(&folder, newest.number);
        let file = OpenOptions::new().append(true).open(&path).map_err(|source| QueueError::Io { path: path.clone(), source })?;
        let mut queue = Self { folder, segments, file, segment_bytes, round: recovery.round, broken: false };
        if recovery.round != since {
            queue.commit(&[Record::Cut { round: since }], || ())?;
        }
        Ok((queue, recovery))
    }

    /// Writes records as one block and syncs it. When this returns, they are there for good. `written` is called in between, when they are with the
    /// operating system but not yet safe.
    ///
    /// # Errors
    /// [`QueueError::Io`], [`QueueError::TooLarge`], and after the former [`QueueError::Broken`].
    pub fn commit(&mut self, records: &[Record], written: impl FnOnce()) -> Result<(), QueueError> {
        if records.is_empty() {
            return Ok(());
        }
        let newest = self.newest();
        let path = path_of(&self.folder, newest.number);
        if self.broken {
            return Err(QueueError::Broken(path));
        }
        let mut block = vec![0; BLOCK_HEADER];
        records.iter().for_each(|record| record.encode_to(&mut block));
        let content = block.split_off(BLOCK_HEADER);
        if content.len() > MAX_BLOCK {
            return Err(QueueError::TooLarge(content.len()));
        }
        // Content of at most `MAX_BLOCK` bytes.
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        block.clear();
        block.extend_from_slice(&BLOCK_MAGIC);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&check(newest.number, newest.length, &content));
        block.extend_from_slice(&content);

        self.broken = true;
        let io_error = |source| QueueError::Io { path: path.clone(), source };
        self.file.write_all(&block).map_err(io_error)?;
        written();
        self.file.sync_data().map_err(io_error)?;
        for record in records {
            if let Record::Cut { round } = record {
                self.round = *round;
            }
        }
        let added = u64::try_from(block.len()).unwrap_or(u64::MAX);
        if let Some(newest) = self.segments.back_mut() {
            newest.length = newest.length.saturating_add(added);
        }
        self.rotate()?;
        self.broken = false;
        Ok(())
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.length))
    }

    /// Deletes files that hold only what is in rounds up to this one.
    ///
    /// # Errors
    /// [`QueueError::Io`].
    pub fn prune(&mut self, through: u64) -> Result<(), QueueError> {
        while let [first, second, ..] = *self.segments.make_contiguous() {
            // A file's records belong to rounds up to the one that was being filled when the next was begun.
            if second.round > through {
                break;
            }
            let path = path_of(&self.folder, first.number);
            fs::remove_file(&path).map_err(|source| QueueError::Io { path, source })?;
            self.segments.pop_front();
        }
        Ok(())
    }

    fn newest(&self) -> Segment {
        self.segments.back().copied().unwrap_or(Segment { number: 0, round: self.round, length: 0 })
    }

    fn rotate(&mut self) -> Result<(), QueueError> {
        let newest = self.newest();
        if newest.length < self.segment_bytes {
            return Ok(());
        }
        let segment = begin(&self.folder, newest.number.saturating_add(1), self.round)?;
        let path = path_of(&self.folder, segment.number);
        self.file = OpenOptions::new().append(true).open(&path).map_err(|source| QueueError::Io { path, source })?;
        self.segments.push_back(segment);
        Ok(())
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016}.queue"))
}

fn check(file: u64, offset: u64, content: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file.to_le_bytes()).update(&offset.to_le_bytes()).update(content);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

/// Begins a file: header, synced, and its name too.
fn begin(folder: &Path, number: u64, round: u64) -> Result<Segment, QueueError> {
    let path = path_of(folder, number);
    let io_error = |source| QueueError::Io { path: path.clone(), source };
    let mut file = File::create(&path).map_err(io_error)?;
    let mut header = Vec::with_capacity(FILE_HEADER);
    header.extend_from_slice(&FILE_MAGIC);
    header.extend_from_slice(&number.to_le_bytes());
    header.extend_from_slice(&round.to_le_bytes());
    file.write_all(&header).and_then(|()| file.sync_all()).and_then(|()| sync_folder(&path)).map_err(io_error)?;
    Ok(Segment { number, round, length: FILE_HEADER as u64 })
}

/// Reads a file, cuts off a torn end if it is the last, and adds its records to what was found. Nothing for a last file that was only begun: it is
/// deleted.
fn read(path: &Path, number: u64, last: bool, since: u64, recovery: &mut Recovery) -> Result<Option<Segment>, QueueError> {
    let io_error = |source| QueueError::Io { path: path.into(), source };
    let bytes = fs::read(path).map_err(io_error)?;
    let header = bytes.get(..FILE_HEADER).filter(|header| header.starts_with(&FILE_MAGIC));
    let Some(header) = header else {
        // Begun and not finished: the file before it was whole, and nothing was acknowledged in this one.
        let begun = bytes.iter().zip(FILE_MAGIC).all(|(found, expected)| *found == expected) || bytes.iter().all(|byte| *byte == 0);
        if !last || !begun || bytes.len() > FILE_HEADER {
            return Err(if last { QueueError::NotAQueue(path.into()) } else { QueueError::Damaged { path: path.into(), offset: 0 } });
        }
        fs::remove_file(path).map_err(io_error)?;
        recovery.dropped_bytes = recovery.dropped_bytes.saturating_add(bytes.len() as u64);
        return Ok(None);
    };
    let word = |at: usize| header.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (found, round) = (word(16), word(24));
    if found != number {
        return Err(QueueError::Damaged { path: path.into(), offset: 16 });
    }
    recovery.enter(round, since);

    let mut offset = FILE_HEADER;
    while let Some(content) = block_at(&bytes, number, offset) {
        let mut rest = content;
        while !rest.is_empty() {
            let damaged = || QueueError::Damaged { path: path.into(), offset: offset as u64 };
            let record = Record::decode(&mut rest).map_err(|_| damaged())?;
            match record {
                Record::Cut { round } => recovery.enter(round, since),
                record if recovery.round >= since => recovery.records.push((recovery.round, record)),
                _ => {}
            }
        }
        offset = offset.saturating_add(BLOCK_HEADER).saturating_add(content.len());
    }
    if offset < bytes.len() {
        let followed = !last || (offset.saturating_add(1)..bytes.len()).any(|at| block_at(&bytes, number, at).is_some());
        if followed {
            return Err(QueueError::Damaged { path: path.into(), offset: offset as u64 });
        }
        let file = OpenOptions::new().write(true).open(path).map_err(io_error)?;
        file.set_len(offset as u64).and_then(|()| file.sync_all()).map_err(io_error)?;
        recovery.dropped_bytes = recovery.dropped_bytes.saturating_add((bytes.len().saturating_sub(offset)) as u64);
    }
    Ok(Some(Segment { number, round, length: offset as u64 }))
}

/// The content of the block at this offset, if a whole one stands there.
fn block_at(bytes: &[u8], file: u64, offset: usize) -> Option<&[u8]> {
    let block = bytes.get(offset..)?.strip_prefix(&BLOCK_MAGIC)?;
    let (length, rest) = block.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<CHECK>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MAX_BLOCK)?;
    let content = rest.get(..length)?;
    (check(file, offset as u64, content) == *expected).then_some(content)
}

#[cfg(test)]
mod tests;
