//! A job's receipts as the guest hands them over, and the proofs that the chain wants.
//!
//! Nothing is stored that the guest has not vouched for: a batch ends at a checkpoint, and its receipts are appended only if the tree then has
//! the checkpoint's root. Handing over the same batch again changes nothing. Not here: whether the checkpoint's signature is the attested
//! guest's (`http::guest` asks that first).

use blockcloud_primitives::{Checkpoint, Digest, Head, JobId, Receipt};
use blockcloud_receipt_log::{
    Hash, LogError, LogOptions, LogStore, ReceiptLog, TreeError, entry_leaf, leaf_hash,
    tiles::{Part, TileError, TileId, TileTree},
};
use codec::DecodeAll as _;
use std::path::{Path, PathBuf};

/// A head for every segment: what is read again when a log is opened is at most two of them, 36 MB.
const OPTIONS: LogOptions = LogOptions { segment: 1 << 16, head_every: 1 << 16 };
/// Most tiles that are made again for one question: more than any proof reads.
const MENDED: usize = 64;

/// Why a batch is not taken, or a proof not made.
#[derive(Debug, thiserror::Error)]
pub enum JobLogError {
    /// The files.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Not a whole number of receipts.
    #[error("{0} bytes are not a whole number of receipts of {len} bytes", len = Receipt::ENCODED_LEN)]
    NotReceipts(usize),
    /// A receipt cannot be read, is another job's, or stands at another position.
    #[error("the receipt for position {0} is not one of this job at this position")]
    WrongReceipt(u64),
    /// Receipts between the log's end and the batch are missing.
    #[error("the log has {size} receipts, the batch begins at {first}: hand over what lies between")]
    Gap {
        /// Receipts in the log.
        size: u64,
        /// Where the batch begins.
        first: u64,
    },
    /// The batch contradicts what is stored.
    #[error("the receipt at position {0} is stored already, with another content")]
    Contradiction(u64),
    /// The batch does not end where its checkpoint does.
    #[error("the batch ends at {end}, its checkpoint at {size}")]
    WrongEnd {
        /// Where the batch ends.
        end: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The receipts do not have the checkpoint's root.
    #[error("the receipts up to {0} do not have the root that the checkpoint says")]
    WrongRoot(u64),
    /// The chain's head is not a state of this log.
    #[error("the chain's head of {size} receipts is not a state of this log")]
    ForeignHead {
        /// The head's size.
        size: u64,
    },
    /// The job has as many receipts as it may have.
    #[error("the job's receipts of {bytes} bytes are more than {limit} (accept.max_log_bytes)")]
    Full {
        /// With the batch.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// Too many read logs of jobs that are over.
    #[error("too many others read the receipts of jobs that are over")]
    Crowded,
    /// The thread that did it was stopped.
    #[error("the agent is shutting down")]
    Stopped,
    /// There is nothing newer than the chain's head.
    #[error("the checkpoint at {0} receipts is not newer than the chain's head")]
    NotNewer(u64),
}

/// A job's log.
pub struct JobLog {
    log: ReceiptLog,
    /// Bytes of the logs of earlier launches: nothing is added to them any more.
    earlier: u64,
}

/// The folder of the log of a launch of a job. A guest that replaces another begins a log of its own; the earlier one is kept.
pub fn path(folder: &Path, job: JobId, launch: u32) -> PathBuf {
    folder.join(format!("{job}-{launch}"))
}

impl JobLog {
    /// Opens the log of a launch of a job, or begins it.
    pub fn open(folder: &Path, job: JobId, launch: u32) -> Result<Self, JobLogError> {
        let (log, recovery) = ReceiptLog::open(path(folder, job, launch), job, OPTIONS)?;
        if recovery.dropped_bytes > 0 {
            tracing::warn!(target: "blockcloud::agent", %job, ?recovery, "the end of the receipt log was torn and is cut off");
        }
        // A launch whose guest never brought a receipt has no log.
        let earlier = (1..launch).filter_map(|launch| ReceiptLog::entry_bytes(&path(folder, job, launch)).ok());
        Ok(Self { log, earlier: earlier.fold(0, u64::saturating_add) })
    }

    /// Number of receipts that are safely stored.
    pub fn size(&self) -> u64 {
        self.log.confirmed()
    }

    /// Up to `limit` receipts from position `from` on, in their canonical encoding, one after another; an erased one as what stands in its place.
    pub fn encoded(&self, from: u64, limit: usize) -> Result<Vec<u8>, JobLogError> {
        Ok(self.mended(|log| log.encoded(from, limit))?)
    }

    /// Asks the tree. The inner error: the question has no answer.
    pub fn ask<T>(&self, question: impl Fn(&TileTree<LogStore<'_>>) -> Result<T, TileError>) -> Result<Result<T, TreeError>, JobLogError> {
        match self.mended(|log| Ok(question(&log.tree())?)) {
            Err(LogError::Tiles(TileError::Tree(error))) => Ok(Err(error)),
            other => Ok(Ok(other?)),
        }
    }

    /// Reads the log. A damaged tile is made again from what lies below it, which is why receipts and hashes are both kept.
    fn mended<T>(&self, read: impl Fn(&ReceiptLog) -> Result<T, LogError>) -> Result<T, LogError> {
        let mut mended = 0;
        loop {
            match read(&self.log) {
                Err(LogError::Tiles(TileError::Damaged { tile, damage })) if mended < MENDED => {
                    let TileId { part: Part::Hashes { level }, index, .. } = tile else {
                        return Err(TileError::Damaged { tile, damage }.into());
                    };
                    tracing::warn!(target: "blockcloud::agent", job = %self.log.job(), %tile, %damage, "a tile is damaged and made again");
                    self.log.tree().rebuild(level, index)?;
                    mended += 1;
                }
                other => return other,
            }
        }
    }

    /// As [`JobLog::take`], unless all of the job's receipts are then more than `limit` bytes. What is stored already is never too much.
    pub fn take_up_to(&mut self, limit: u64, first: u64, receipts: &[u8], checkpoint: &Checkpoint) -> Result<(), JobLogError> {
        let bytes = checkpoint.size.saturating_mul(Receipt::ENCODED_LEN as u64).saturating_add(self.earlier);
        if checkpoint.size > self.size() && bytes > limit {
            return Err(JobLogError::Full { bytes, limit });
        }
        self.take(first, receipts, checkpoint)
    }

    /// Takes a batch of receipts that ends at a checkpoint.
    pub fn take(&mut self, first: u64, receipts: &[u8], checkpoint: &Checkpoint) -> Result<(), JobLogError> {
        if !receipts.len().is_multiple_of(Receipt::ENCODED_LEN) {
            return Err(JobLogError::NotReceipts(receipts.len()));
        }
        let count = (receipts.len() / Receipt::ENCODED_LEN) as u64;
        let end = first.saturating_add(count);
        if end != checkpoint.size {
            return Err(JobLogError::WrongEnd { end, size: checkpoint.size });
        }
        let size = self.size();
        if first > size {
            return Err(JobLogError::Gap { size, first });
        }
        let stored = usize::try_from(end.min(size) - first).unwrap_or(usize::MAX);
        let (old, new) = receipts.split_at(receipts.len().min(stored.saturating_mul(Receipt::ENCODED_LEN)));
        let kept = self.encoded(first, stored)?;
        for ((bytes, kept), index) in old.chunks_exact(Receipt::ENCODED_LEN).zip(kept.chunks_exact(Receipt::ENCODED_LEN)).zip(first..) {
            if leaf_hash(bytes) != entry_leaf(kept) {
                return Err(JobLogError::Contradiction(index));
            }
        }
        let new = new.chunks_exact(Receipt::ENCODED_LEN).zip(size..).map(|(mut bytes, index)| {
            let receipt = Receipt::decode_all(&mut bytes).ok();
            let here =
                receipt.filter(|receipt| receipt.job == self.log.job() && receipt.seq == index && receipt.version == Receipt::VERSION);
            here.ok_or(JobLogError::WrongReceipt(index))
        });
        let new = new.collect::<Result<Vec<_>, _>>()?;
        let mut frontier = self.log.frontier().clone();
        frontier.append_receipts(&new);
        let ends_there = if end >= size { frontier.root() == checkpoint.root.0 } else { self.was(end, checkpoint.root)? };
        if !ends_there {
            return Err(JobLogError::WrongRoot(checkpoint.size));
        }
        self.log.append(&new)?;
        Ok(self.log.sync()?)
    }

    /// Whether the log had this root when it had as many receipts.
    fn was(&self, size: u64, root: Digest) -> Result<bool, JobLogError> {
        Ok(self.ask(|tree| tree.root_at(size))? == Ok(root.0))
    }

    /// The proof that brings the chain from its head to a checkpoint: none for the first checkpoint.
    pub fn proof(&self, head: Option<&Head>, checkpoint: &Checkpoint) -> Result<Vec<Digest>, JobLogError> {
        let Some(head) = head else { return Ok(Vec::new()) };
        if checkpoint.size <= head.size {
            return Err(JobLogError::NotNewer(checkpoint.size));
        }
        if !self.was(head.size, head.root)? {
            return Err(JobLogError::ForeignHead { size: head.size });
        }
        if !self.was(checkpoint.size, checkpoint.root)? {
            return Err(JobLogError::WrongRoot(checkpoint.size));
        }
        self.consistency(head.size, checkpoint.size)?.ok_or(JobLogError::WrongRoot(checkpoint.size))
    }

    /// The proof that the log of the second size continues that of the first, which is smaller; nothing if it does not have as many receipts.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Digest>>, JobLogError> {
        Ok(self.ask(|tree| tree.consistency_proof(old, new))?.ok().map(digests))
    }

    /// The proof that a receipt is in the log of this size; nothing if it is not.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<Digest>>, JobLogError> {
        Ok(self.ask(|tree| tree.inclusion_proof(index, size))?.ok().map(digests))
    }
}

fn digests(proof: Vec<Hash>) -> Vec<Digest> {
    proof.into_iter().map(Digest).collect()
}

/// Deletes the logs of a job's launches; that one is not there is no error.
pub fn delete(folder: &Path, job: JobId, launches: u32) -> std::io::Result<()> {
    for launch in 1..=launches {
        match std::fs::remove_dir_all(path(folder, job, launch)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Guest, JOB, encoded};
    use blockcloud_receipt_log::{verify_consistency, verify_inclusion};

    fn head(log: &JobLog, size: u64) -> Head {
        let root = Digest(log.ask(|tree| tree.root_at(size)).unwrap().unwrap());
        Head { size, root, time: 0, usage: Default::default(), accepted_at: 0 }
    }

    /// A log of `size` receipts, handed over in one batch.
    fn filled(folder: &Path, guest: &Guest, size: u64) -> JobLog {
        let mut log = JobLog::open(folder, JOB, 1).unwrap();
        let receipts = guest.receipts(0, size);
        log.take(0, &encoded(&receipts), &guest.checkpoint_over(&receipts).checkpoint).unwrap();
        log
    }

    #[test]
    fn the_root_is_known_before_anything_is_appended() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let mut log = JobLog::open(folder.path(), JOB, 1).unwrap();
        let receipts = guest.receipts(0, 40);
        for end in 1..=receipts.len() {
            let checkpoint = guest.checkpoint_over(&receipts[..end]).checkpoint;
            log.take(end as u64 - 1, &encoded(&receipts[end - 1..end]), &checkpoint).unwrap();
            assert_eq!(log.log.root(), checkpoint.root.0);
        }
    }

    #[test]
    fn a_batch_may_come_twice_and_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let receipts = guest.receipts(0, 9);
        let mut log = JobLog::open(folder.path(), JOB, 1).unwrap();
        let (five, nine) = (guest.checkpoint_over(&receipts[..5]).checkpoint, guest.checkpoint_over(&receipts).checkpoint);
        log.take(0, &encoded(&receipts[..5]), &five).unwrap();
        log.take(0, &encoded(&receipts[..5]), &five).unwrap();
        log.take(3, &encoded(&receipts[3..]), &nine).unwrap();
        log.take(5, &[], &five).unwrap();
        assert_eq!(log.size(), 9);
        drop(log);
        let reopened = JobLog::open(folder.path(), JOB, 1).unwrap();
        assert_eq!((reopened.size(), reopened.log.root()), (9, nine.root.0));
    }

    #[test]
    fn refuses_what_does_not_fit_and_stores_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let receipts = guest.receipts(0, 6);
        let mut log = filled(folder.path(), &guest, 3);
        let all = guest.checkpoint_over(&receipts).checkpoint;
        let cut = &encoded(&receipts[3..])[1..];
        assert!(matches!(log.take(3, cut, &all), Err(JobLogError::NotReceipts(_))));
        assert!(matches!(log.take(4, &encoded(&receipts[4..]), &all), Err(JobLogError::Gap { size: 3, first: 4 })));
        assert!(matches!(log.take(3, &encoded(&receipts[3..5]), &all), Err(JobLogError::WrongEnd { end: 5, size: 6 })));
        let mut changed = receipts.clone();
        changed[2].bytes += 1;
        assert!(matches!(log.take(2, &encoded(&changed[2..]), &all), Err(JobLogError::Contradiction(2))));
        let mut foreign = receipts.clone();
        foreign[4].job = JobId(77);
        assert!(matches!(log.take(3, &encoded(&foreign[3..]), &all), Err(JobLogError::WrongReceipt(4))));
        let mut shifted = receipts.clone();
        shifted[3].seq = 9;
        assert!(matches!(log.take(3, &encoded(&shifted[3..]), &all), Err(JobLogError::WrongReceipt(3))));
        let mut tampered = receipts.clone();
        tampered[5].bytes += 1;
        assert!(matches!(log.take(3, &encoded(&tampered[3..]), &all), Err(JobLogError::WrongRoot(6))));
        let older = Checkpoint { root: Digest::ZERO, ..guest.checkpoint_over(&receipts[..2]).checkpoint };
        assert!(matches!(log.take(2, &[], &older), Err(JobLogError::WrongRoot(2))));
        assert_eq!(log.size(), 3);
        log.take(3, &encoded(&receipts[3..]), &all).unwrap();
        assert_eq!(log.size(), 6);
    }

    #[test]
    fn more_than_the_limit_is_refused_over_all_launches_together() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let receipts = guest.receipts(0, 4);
        let (two, four) = (guest.checkpoint_over(&receipts[..2]).checkpoint, guest.checkpoint_over(&receipts).checkpoint);
        let length = Receipt::ENCODED_LEN as u64;
        let mut log = JobLog::open(folder.path(), JOB, 1).unwrap();
        log.take_up_to(2 * length, 0, &encoded(&receipts[..2]), &two).unwrap();
        assert!(matches!(log.take_up_to(4 * length - 1, 2, &encoded(&receipts[2..]), &four), Err(JobLogError::Full { .. })));
        log.take_up_to(4 * length, 2, &encoded(&receipts[2..]), &four).unwrap();
        // What is stored may be handed over again, whatever the limit is by now.
        log.take_up_to(0, 2, &encoded(&receipts[2..]), &four).unwrap();
        let mut second = JobLog::open(folder.path(), JOB, 2).unwrap();
        assert!(matches!(second.take_up_to(4 * length, 0, &encoded(&receipts[..2]), &two), Err(JobLogError::Full { .. })));
        drop((log, second));
        delete(folder.path(), JOB, 3).unwrap();
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
        delete(folder.path(), JOB, 3).unwrap();
    }

    #[test]
    fn the_proof_leads_from_the_chains_head_to_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let log = filled(folder.path(), &guest, 13);
        let newest = guest.checkpoint_over(&guest.receipts(0, 13)).checkpoint;
        for size in 1..13 {
            let head = head(&log, size);
            let proof: Vec<Hash> = log.proof(Some(&head), &newest).unwrap().into_iter().map(|digest| digest.0).collect();
            verify_consistency(size, &head.root.0, 13, &newest.root.0, &proof).unwrap();
        }
    }

    #[test]
    fn the_first_checkpoint_needs_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let log = filled(folder.path(), &guest, 4);
        assert_eq!(log.proof(None, &guest.checkpoint_over(&guest.receipts(0, 4)).checkpoint).unwrap(), vec![]);
    }

    #[test]
    fn no_proof_for_what_the_chain_has_nor_from_a_head_that_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let log = filled(folder.path(), &guest, 5);
        let newest = guest.checkpoint_over(&guest.receipts(0, 5)).checkpoint;
        assert!(matches!(log.proof(Some(&head(&log, 5)), &newest), Err(JobLogError::NotNewer(5))));
        let foreign = Head { root: Digest([1; 32]), ..head(&log, 3) };
        assert!(matches!(log.proof(Some(&foreign), &newest), Err(JobLogError::ForeignHead { size: 3 })));
        let beyond = Head { size: 4, ..head(&log, 5) };
        assert!(matches!(log.proof(Some(&beyond), &newest), Err(JobLogError::ForeignHead { size: 4 })));
    }

    /// A long log: tiles on the disk, a head, and batches that cross its end.
    #[test]
    fn damaged_tiles_are_made_again_when_they_are_asked_for() {
        const SIZE: u64 = (1 << 16) + 700;
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::new();
        let receipts = guest.receipts(0, SIZE);
        let all = guest.checkpoint_over(&receipts).checkpoint;
        let mut log = JobLog::open(folder.path(), JOB, 1).unwrap();
        log.take(0, &encoded(&receipts), &all).unwrap();
        drop(log);
        let root = path(folder.path(), JOB, 1);
        let (leaves, above) = (root.join("leaves/0000000000"), root.join("tile/1/000"));
        let whole = (std::fs::read(&leaves).unwrap(), std::fs::read(&above).unwrap());
        type Ask = fn(&JobLog) -> bool;
        let asks: [(&str, Ask); 4] = [
            ("receipts", |log| log.encoded(1_000, 3).unwrap().len() == 3 * Receipt::ENCODED_LEN),
            ("inclusion", |log| log.inclusion(1_000, SIZE).unwrap().is_some()),
            ("consistency", |log| log.consistency(1_001, SIZE).unwrap().is_some()),
            ("a batch again", |log| log.was(1_001, Digest::ZERO).is_ok_and(|was| !was)),
        ];
        for (what, ask) in asks {
            for at in [None, Some(3 * 8192 + 7)] {
                let mut bytes = whole.0.clone();
                match at {
                    // Both tiles above a leaf.
                    None => std::fs::write(&above, &whole.1[..100]).unwrap(),
                    Some(at) => bytes[at] ^= 1,
                }
                std::fs::write(&leaves, &bytes).unwrap();
                let log = JobLog::open(folder.path(), JOB, 1).unwrap();
                assert!(ask(&log), "{what}");
                drop(log);
            }
        }
        let mut log = JobLog::open(folder.path(), JOB, 1).unwrap();
        let proof: Vec<Hash> = log.inclusion(1_000, SIZE).unwrap().unwrap().into_iter().map(|digest| digest.0).collect();
        verify_inclusion(&all.root.0, SIZE, 1_000, &leaf_hash(&encoded(&receipts[1_000..1_001])), &proof).unwrap();
        assert_eq!((std::fs::read(&leaves).unwrap(), std::fs::read(&above).unwrap()), whole);
        // A damaged receipt is not one that can be made again.
        let segment = root.join("segments/0000000000");
        let mut bytes = std::fs::read(&segment).unwrap();
        bytes[32 + 276 * 1_000] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
        assert!(matches!(log.encoded(1_000, 1), Err(JobLogError::Log(LogError::Tiles(TileError::Damaged { .. })))));
        assert!(matches!(log.take(1_000, &encoded(&receipts[1_000..]), &all), Err(JobLogError::Log(_))));
        assert!(log.inclusion(1_000, SIZE).unwrap().is_some());
    }
}
