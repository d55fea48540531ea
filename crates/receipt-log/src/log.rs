//! The durable log: an append-only file of receipts, and the tree over them.
//!
//! For logs whose hashes fit into memory, 64 bytes a receipt. Not here: longer logs (`long`), signatures, more than one job per file.
//!
//! # The file
//! A header of 24 bytes (`blockcloud/log/1`, the job's number as little-endian u64), then slots of 276 bytes (`record`).
//!
//! Beside it, only while a receipt is being erased, a file of the same name with `.erasing` behind it (`erasure`).
//!
//! # Opening
//! An erasure that was interrupted is carried out.
//! A bad slot that any whole slot knows as confirmed is corruption and refused. What nobody knows to be confirmed may have been on its way when
//! the machine stopped, its pages arriving in any order: whole slots are kept up to the first that is torn, and the rest of the file is cut off.

use crate::{
    erased::{ErasedEntry, entry_leaf},
    erasure::{Note, Slot},
    hash::{Hash, leaf_hash, receipt_bytes},
    record::{SLOT_LEN, Scan, trailer},
    tiles::TileError,
    tree::Tree,
};
use blockcloud_primitives::{JobId, Receipt};
use codec::DecodeAll;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};
use thiserror::Error;

const MAGIC: [u8; 16] = *b"blockcloud/log/1";
const HEADER_LEN: usize = MAGIC.len() + 8;
/// Once this much waits, it is handed to the operating system without waiting for a sync. Bounds memory, confirms nothing.
const WRITE_BEHIND: usize = 1 << 20;

/// What went wrong with a log's file.
#[derive(Debug, Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The log's file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another process has the log open.
    #[error("{0}: the log is open in another process")]
    InUse(PathBuf),
    /// The file is something else.
    #[error("{0}: not a receipt log; it is left as it is")]
    NotALog(PathBuf),
    /// The file is the log of another job.
    #[error("{path}: this is the log of job {found}, not of job {expected}")]
    OtherJob {
        /// The log's file.
        path: PathBuf,
        /// The job asked for.
        expected: JobId,
        /// The job found.
        found: JobId,
    },
    /// A confirmed receipt is damaged or missing its place.
    #[error("{path}: the receipt at position {index} is damaged (byte {offset} of the file); restore the file from a copy")]
    Corrupt {
        /// The log's file.
        path: PathBuf,
        /// Position of the receipt.
        index: u64,
        /// Where its slot begins in the file.
        offset: u64,
    },
    /// The receipt has another layout than this code writes.
    #[error("receipts of version {found} cannot be appended, only of version {}", Receipt::VERSION)]
    Version {
        /// The version found.
        found: u8,
    },
    /// The receipt belongs to another job.
    #[error("a receipt of job {found} does not belong into the log of job {expected}")]
    ForeignReceipt {
        /// The log's job.
        expected: JobId,
        /// The receipt's job.
        found: JobId,
    },
    /// The receipt's sequence number is not the next position.
    #[error("the next receipt has sequence number {expected}, not {found}")]
    OutOfSequence {
        /// The next position.
        expected: u64,
        /// The receipt's sequence number.
        found: u64,
    },
    /// The head of a long log is not what was written.
    #[error("{0}: the head is damaged; with all entries there, delete it to have it made again")]
    HeadDamaged(PathBuf),
    /// Receipts that were deleted on purpose.
    #[error("the receipt at position {index} was pruned: receipts are kept from position {from} on")]
    Pruned {
        /// The receipt asked for.
        index: u64,
        /// Where receipts begin.
        from: u64,
    },
    /// A receipt that was erased on purpose. Its leaf hash stays, and with it every proof.
    #[error("the receipt at position {index} was erased")]
    Erased {
        /// Its position.
        index: u64,
    },
    /// A receipt that is not there yet cannot be erased.
    #[error("the receipt at position {index} cannot be erased: {confirmed} receipts are confirmed")]
    NotConfirmed {
        /// The position asked for.
        index: u64,
        /// Number of receipts that survive a crash.
        confirmed: u64,
    },
    /// The note of an erasure that was interrupted is not what was written.
    #[error("{0}: the note of an erasure is damaged; delete it and erase again")]
    NoteDamaged(PathBuf),
    /// The tiles beside a long log.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// An earlier write failed, so nobody knows what the file holds.
    #[error("{0}: an earlier write failed; open the log again")]
    Broken(PathBuf),
}

/// What opening a log found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Receipts that are there, all of them confirmed now.
    pub receipts: u64,
    /// Bytes of a torn write that were cut off.
    pub dropped_bytes: u64,
}

/// A job's receipts in a file, and the tree over them.
///
/// [`append`](Self::append) is for many, [`sync`](Self::sync) for the group: sign a checkpoint only over what was synced. What was appended and
/// not synced is lost when the log is dropped.
#[derive(Debug)]
pub struct ReceiptLog {
    path: PathBuf,
    file: File,
    job: JobId,
    tree: Tree,
    /// Slots that are in the file.
    written: u64,
    /// Slots that are not yet in the file.
    pending: Vec<u8>,
    confirmed: u64,
    broken: bool,
}

impl ReceiptLog {
    /// Opens the log of a job, or begins it.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::InUse`], [`LogError::NotALog`], [`LogError::OtherJob`], [`LogError::Corrupt`].
    pub fn open(path: impl Into<PathBuf>, job: JobId) -> Result<(Self, Recovery), LogError> {
        let path = path.into();
        let io = |source| LogError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LogError::InUse(path.clone()),
            TryLockError::Error(source) => io(source),
        })?;
        let length = file.metadata().map_err(io)?.len();

        let mut header = Vec::with_capacity(HEADER_LEN);
        (&mut file).take(HEADER_LEN as u64).read_to_end(&mut header).map_err(io)?;
        let expected = [&MAGIC[..], &job.0.to_le_bytes()].concat();
        let torn = length <= HEADER_LEN as u64 && (expected.starts_with(&header) || header.iter().all(|byte| *byte == 0));
        if torn && header != expected {
            begin(&path, &mut file, &expected).map_err(io)?;
        } else if !header.starts_with(&MAGIC) || header.len() < HEADER_LEN {
            return Err(LogError::NotALog(path));
        } else if header != expected {
            let found = header[MAGIC.len()..].try_into().map_or(0, u64::from_le_bytes);
            return Err(LogError::OtherJob { path, expected: job, found: JobId(found) });
        }

        let note_path = note_path(&path);
        if let Some(note) = Note::read(&note_path, job)? {
            let (mut slot, offset) = ([0; SLOT_LEN], offset_of(note.seq));
            let read = file.read_exact_at(&mut slot, offset);
            if read.is_err() || !note.is_about(&Slot::of(&slot)) {
                return Err(LogError::Corrupt { path, index: note.seq, offset });
            }
            note.finish(&note_path, &file, offset).map_err(io)?;
        }

        let (mut scan, mut tree) = (Scan::new(job, 0), Tree::new());
        let slots = BufReader::with_capacity(SLOT_LEN * 4096, &file);
        scan.read(slots, |leaf| {
            tree.append(leaf);
            Ok(())
        })
        .map_err(io)?;
        if let Some(index) = scan.first_bad.filter(|index| *index < scan.confirmed) {
            return Err(LogError::Corrupt { path, index, offset: offset_of(index) });
        }
        let size = tree.size();
        let dropped_bytes = length.saturating_sub(offset_of(size));
        if dropped_bytes > 0 {
            file.set_len(offset_of(size)).map_err(io)?;
        }
        // A process may have been killed between its write and its sync. What is reported as there has to be on the disk.
        file.sync_all().map_err(io)?;
        file.seek(SeekFrom::Start(offset_of(size))).map_err(io)?;
        let log = Self { path, file, job, tree, written: size, pending: Vec::new(), confirmed: size, broken: false };
        Ok((log, Recovery { receipts: size, dropped_bytes }))
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Number of receipts, appended ones included: the next one's sequence number.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Number of receipts that survive a crash.
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// The tree over all receipts: roots and proofs.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Appends a receipt and returns its leaf hash. It survives a crash only after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`LogError::Version`], [`LogError::ForeignReceipt`], [`LogError::OutOfSequence`], [`LogError::Broken`], [`LogError::Io`]. The log is
    /// unchanged by the first three.
    pub fn append(&mut self, receipt: &Receipt) -> Result<Hash, LogError> {
        self.check_whole()?;
        let expected = self.tree.size();
        if receipt.version != Receipt::VERSION {
            return Err(LogError::Version { found: receipt.version });
        }
        if receipt.job != self.job {
            return Err(LogError::ForeignReceipt { expected: self.job, found: receipt.job });
        }
        if receipt.seq != expected {
            return Err(LogError::OutOfSequence { expected, found: receipt.seq });
        }
        if self.pending.len() >= WRITE_BEHIND {
            self.write_pending()?;
        }
        let bytes = receipt_bytes(receipt);
        let leaf = leaf_hash(&bytes);
        self.pending.extend_from_slice(&bytes);
        self.pending.extend_from_slice(&trailer(&leaf, self.confirmed));
        self.tree.append(leaf);
        Ok(leaf)
    }

    /// Makes everything appended so far survive a crash. One call per group, not per receipt.
    ///
    /// # Errors
    /// [`LogError::Broken`], [`LogError::Io`]. After an error, open the log again to see what is there.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.check_whole()?;
        if self.confirmed == self.size() {
            return Ok(());
        }
        self.write_pending()?;
        let synced = self.file.sync_data();
        self.note(synced)?;
        self.confirmed = self.size();
        Ok(())
    }

    /// Erases a confirmed receipt: its slot is overwritten, its leaf hash stays. Survives a crash once it returns; a crash before that leaves the receipt
    /// whole or erased. False if it was erased before.
    ///
    /// # Errors
    /// [`LogError::NotConfirmed`]: the log is unchanged. [`LogError::Corrupt`], [`LogError::Broken`], [`LogError::Io`]: open the log again.
    pub fn erase(&mut self, index: u64) -> Result<bool, LogError> {
        self.check_whole()?;
        if index >= self.confirmed {
            return Err(LogError::NotConfirmed { index, confirmed: self.confirmed });
        }
        let (mut slot, offset) = ([0; SLOT_LEN], offset_of(index));
        self.file.read_exact_at(&mut slot, offset).map_err(|source| self.io(source))?;
        match Slot::of(&slot) {
            Slot::Erased(erased) if self.tree.leaf(index) == Some(erased.leaf) => Ok(false),
            Slot::Entry(leaf, confirmed) if self.tree.leaf(index) == Some(leaf) => {
                let erased = Note::new(self.job, index, leaf, confirmed).erase(&note_path(&self.path), &self.file, offset);
                self.note(erased).map(|()| true)
            }
            _ => Err(self.corrupt(index)),
        }
    }

    /// Up to `limit` receipts from position `from` on, as they were appended.
    ///
    /// # Errors
    /// [`LogError::Erased`] if one of them was; [`LogError::Io`]; [`LogError::Corrupt`] if the file no longer holds what was written.
    pub fn receipts(&self, from: u64, limit: usize) -> Result<Vec<Receipt>, LogError> {
        let encoded = self.encoded(from, limit)?;
        let receipts = encoded.chunks_exact(Receipt::ENCODED_LEN).zip(from..);
        receipts
            .map(|(bytes, index)| match ErasedEntry::parse(bytes) {
                Some(_) => Err(LogError::Erased { index }),
                None => Receipt::decode_all(&mut &bytes[..]).map_err(|_| self.corrupt(index)),
            })
            .collect()
    }

    /// As [`receipts`](Self::receipts), in their canonical encoding, one after another; an erased one as its [`ErasedEntry`], which is as long.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Corrupt`] if the file no longer holds what was written.
    pub fn encoded(&self, from: u64, limit: usize) -> Result<Vec<u8>, LogError> {
        let end = self.size().min(from.saturating_add(limit as u64));
        let mut encoded = Vec::with_capacity(end.saturating_sub(from) as usize * Receipt::ENCODED_LEN);
        let mut slot = [0; SLOT_LEN];
        for index in from..end {
            let bytes = match index.checked_sub(self.written) {
                None => {
                    self.file.read_exact_at(&mut slot, offset_of(index)).map_err(|source| self.io(source))?;
                    &slot[..Receipt::ENCODED_LEN]
                }
                Some(position) => &self.pending[position as usize * SLOT_LEN..][..Receipt::ENCODED_LEN],
            };
            if self.tree.leaf(index) != Some(entry_leaf(bytes)) {
                return Err(self.corrupt(index));
            }
            encoded.extend_from_slice(bytes);
        }
        Ok(encoded)
    }

    fn write_pending(&mut self) -> Result<(), LogError> {
        let written = self.file.write_all(&self.pending);
        self.note(written)?;
        self.pending.clear();
        self.written = self.size();
        Ok(())
    }

    fn check_whole(&self) -> Result<(), LogError> {
        if self.broken { Err(LogError::Broken(self.path.clone())) } else { Ok(()) }
    }

    /// After a failed write or sync the kernel may have dropped the pages, and a second sync would lie about them.
    fn note(&mut self, result: io::Result<()>) -> Result<(), LogError> {
        result.map_err(|source| {
            self.broken = true;
            self.io(source)
        })
    }

    fn io(&self, source: io::Error) -> LogError {
        LogError::Io { path: self.path.clone(), source }
    }

    fn corrupt(&self, index: u64) -> LogError {
        LogError::Corrupt { path: self.path.clone(), index, offset: offset_of(index) }
    }
}

/// Where the note of an erasure lies while one is under way.
fn note_path(log: &Path) -> PathBuf {
    log.with_added_extension("erasing")
}

fn offset_of(index: u64) -> u64 {
    HEADER_LEN as u64 + index * SLOT_LEN as u64
}

/// Writes the header of a new log and makes the file itself survive a crash.
fn begin(path: &Path, file: &mut File, header: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(header)?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_primitives::{Digest, Op, Party};

    fn receipt(seq: u64) -> Receipt {
        Receipt {
            version: Receipt::VERSION,
            job: JobId(1),
            seq,
            time: 0,
            op: Op::Heartbeat,
            object: Digest::ZERO,
            offset: 0,
            bytes: 0,
            digest: Digest::ZERO,
            actor: Digest::ZERO,
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from: Digest::ZERO,
            purpose: 0,
            salt: [0; 16],
        }
    }

    #[test]
    fn a_failed_write_breaks_the_log_until_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut log, _) = ReceiptLog::open(&path, JobId(1)).unwrap();
        log.append(&receipt(0)).unwrap();
        log.sync().unwrap();

        // A handle that may only read stands in for a disk that refuses.
        let writable = std::mem::replace(&mut log.file, File::open(&path).unwrap());
        log.append(&receipt(1)).unwrap();
        assert!(matches!(log.sync(), Err(LogError::Io { .. })));
        log.file = writable;
        assert!(matches!(log.sync(), Err(LogError::Broken(_))));
        assert!(matches!(log.append(&receipt(2)), Err(LogError::Broken(_))));
        assert_eq!(log.confirmed(), 1);

        drop(log);
        let (log, recovery) = ReceiptLog::open(&path, JobId(1)).unwrap();
        assert_eq!(recovery, Recovery { receipts: 1, dropped_bytes: 0 });
        assert_eq!(log.size(), 1);
    }
}
