//! Why a log refuses, and what opening one found. Not here: proofs that cannot be made (`TreeError`), damaged tiles (`TileError`).

use crate::tiles::TileError;
use blockcloud_primitives::{JobId, Receipt};
use std::{io, path::PathBuf};
use thiserror::Error;

/// What went wrong with a log.
#[derive(Debug, Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
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
        /// The file.
        path: PathBuf,
        /// The job asked for.
        expected: JobId,
        /// The job found.
        found: JobId,
    },
    /// A confirmed receipt is damaged or missing its place.
    #[error("{path}: the receipt at position {index} is damaged (byte {offset} of the file); restore the file from a copy")]
    Corrupt {
        /// The file.
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
    /// The head is not what was written.
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
    /// The tiles beside the receipts.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// An earlier write failed, so nobody knows what its files hold.
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
