//! What every JSON view begins with: receipts of one log that were found in a tree of a known root, and what is said about the log beside each of them.
//!
//! Views leave the salt out: it makes an entry unguessable once the entry is deleted, and catalogues keep what they are given. Not here: any format's own fields.

use super::{ENTRY_TYPE, MAX_TREE_SIZE, hexadecimal, log_uri, receipt_uri};
use crate::{Tree, TreeError, receipt_hash};
use blockcloud_primitives::{Digest, JobId, Moment, Op, Receipt};
use serde_json::{Value, json};
use thiserror::Error;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Who makes a view, in those formats that ask for it.
pub(super) const PRODUCER: &str = env!("CARGO_PKG_REPOSITORY");

/// Why receipts cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ViewError {
    /// The tree is larger than any that is exported.
    #[error("a tree of {size} leaves is larger than the {MAX_TREE_SIZE} that are exported")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// A receipt is another job's.
    #[error("receipt {seq} is of job {found}, not {expected}")]
    OtherJob {
        /// Its position.
        seq: u64,
        /// The job that it names.
        found: JobId,
        /// The log's.
        expected: JobId,
    },
    /// A receipt is not the leaf at its position.
    #[error("receipt {seq} is not what stands at its position in the log")]
    NotInLog {
        /// Its position.
        seq: u64,
    },
    /// The receipts are not one stretch of the log.
    #[error("receipt {seq} does not follow the one before it")]
    Gap {
        /// Its position.
        seq: u64,
    },
    /// The guest's clock lies beyond the year 9999.
    #[error("the time of receipt {seq} cannot be written as a date")]
    Time {
        /// Its position.
        seq: u64,
    },
    /// The tree cannot answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// How the job stands when the view is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not ended.
    Running,
    /// It ended as it should.
    Completed,
    /// It ended otherwise, by itself or by its provider's doing.
    Failed,
    /// Its customer ended it.
    Aborted,
}

/// One stretch of a log, ready to be shown.
#[derive(Clone, Debug)]
pub struct View<'a> {
    genesis: Digest,
    job: JobId,
    size: u64,
    root: Digest,
    standing: Standing,
    verify_at: Option<String>,
    receipts: &'a [Receipt],
}

impl<'a> View<'a> {
    /// Receipts (one stretch) of the log whose first `size` leaves are in the tree. `verify_at` is a URL where whoever sees the view finds the log, if there is one.
    ///
    /// # Errors
    /// [`ViewError`]; every receipt is compared with the tree.
    pub fn new(
        genesis: Digest,
        job: JobId,
        tree: &Tree,
        size: u64,
        standing: Standing,
        verify_at: Option<String>,
        receipts: &'a [Receipt],
    ) -> Result<Self, ViewError> {
        if size > MAX_TREE_SIZE {
            return Err(ViewError::TooLarge { size });
        }
        let root = Digest(tree.root_at(size)?);
        let mut next = receipts.first().map(|receipt| receipt.seq);
        for receipt in receipts {
            let seq = receipt.seq;
            if receipt.job != job {
                return Err(ViewError::OtherJob { seq, found: receipt.job, expected: job });
            }
            if Some(seq) != next {
                return Err(ViewError::Gap { seq });
            }
            if seq >= size || tree.leaf(seq) != Some(receipt_hash(receipt)) {
                return Err(ViewError::NotInLog { seq });
            }
            moment(receipt.time).ok_or(ViewError::Time { seq })?;
            next = seq.checked_add(1);
        }
        Ok(Self { genesis, job, size, root, standing, verify_at, receipts })
    }

    pub(super) fn receipts(&self) -> &'a [Receipt] {
        self.receipts
    }

    pub(super) fn genesis(&self) -> &Digest {
        &self.genesis
    }

    pub(super) fn job(&self) -> JobId {
        self.job
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn root(&self) -> String {
        hexadecimal(&self.root.0)
    }

    pub(super) fn verify_at(&self) -> Option<&str> {
        self.verify_at.as_deref()
    }

    pub(super) fn log(&self) -> String {
        log_uri(&self.genesis, self.job)
    }

    pub(super) fn uri(&self, receipt: &Receipt) -> String {
        receipt_uri(&self.genesis, self.job, receipt.seq)
    }

    /// The job's standing, if this receipt is the last of a log that has ended.
    pub(super) fn end(&self, receipt: &Receipt) -> Option<Standing> {
        let last = receipt.seq.checked_add(1) == Some(self.size);
        (last && self.standing != Standing::Running).then_some(self.standing)
    }

    /// Where the receipt stands, and how to verify that it does. Hashes as hex.
    pub(super) fn proof(&self, receipt: &Receipt) -> Value {
        let mut proof = json!({
            "algorithm": "RFC9162_SHA256",
            "entryType": ENTRY_TYPE,
            "log": self.log(),
            "leafHash": leaf(receipt),
            "leafIndex": receipt.seq,
            "treeSize": self.size,
            "rootHash": self.root(),
            "verifyWith": format!("blockcloud --genesis {} receipt prove {} --index {}", self.genesis, self.job, receipt.seq),
        });
        if let (Some(url), Some(proof)) = (&self.verify_at, proof.as_object_mut()) {
            proof.insert("verifyAt".into(), url.as_str().into());
        }
        proof
    }
}

/// Leaf hash as hex.
pub(super) fn leaf(receipt: &Receipt) -> String {
    hexadecimal(&receipt_hash(receipt))
}

/// A digest as hex, or nothing for zero.
pub(super) fn named(digest: &Digest) -> Option<String> {
    (*digest != Digest::ZERO).then(|| hexadecimal(&digest.0))
}

/// The object that a receipt is about, as hex. A heartbeat is about none: what stands there is the kind of its index.
pub(super) fn object(receipt: &Receipt) -> Option<String> {
    named(&receipt.object).filter(|_| receipt.op != Op::Heartbeat)
}

/// A moment as RFC 3339 writes it, up to the year 9999.
pub(super) fn moment(moment: Moment) -> Option<String> {
    let nanoseconds = i128::from(moment).checked_mul(1_000_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?.format(&Rfc3339).ok()
}

/// The operation's name, as in a receipt's JSON.
pub(super) fn op(op: Op) -> &'static str {
    match op {
        Op::Ingest => "ingest",
        Op::Read => "read",
        Op::Write => "write",
        Op::Process => "process",
        Op::Store => "store",
        Op::Send => "send",
        Op::Access => "access",
        Op::KeyRelease => "key_release",
        Op::Erase => "erase",
        Op::Admin => "admin",
        Op::Heartbeat => "heartbeat",
    }
}

/// A receipt's fields but for its salt.
pub(super) fn fields(receipt: &Receipt) -> Value {
    json!({
        "version": receipt.version,
        "job": receipt.job,
        "seq": receipt.seq,
        "time": receipt.time,
        "op": receipt.op,
        "object": receipt.object,
        "offset": receipt.offset,
        "bytes": receipt.bytes,
        "digest": receipt.digest,
        "actor": receipt.actor,
        "from": receipt.from,
        "to": receipt.to,
        "derived_from": receipt.derived_from,
        "purpose": receipt.purpose,
    })
}

#[cfg(test)]
pub(super) mod tests;
