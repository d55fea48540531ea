//! The durable log of any length: entries in segments, hashes in tiles, and in memory only the ends of both.
//!
//! Not here: signatures, who may append, publishing to others ([`mirror`](crate::tiles::mirror) does that), more than one job in a folder.
//!
//! # The folder
//! * `segments/<number>`: files of a fixed number of receipts, a header of 32 bytes (`blockcloud/seg/1`, the job's number and the position of the first
//!   receipt, little-endian u64) and slots of 276 bytes (`record`);
//! * `leaves/` and `tile/`: the hashes, as [`Packed`] keeps them;
//! * `head`: what is needed to carry on from some size (`blockcloud/log/2`, SHA-256 of the rest, the rest in SCALE), replaced as a whole;
//! * `erasing`, only while a receipt is being erased (`erasure`);
//! * `lock`: held by the process that has the log open.
//!
//! # What survives
//! `sync` writes the group into its segment and waits for the disk (`fdatasync`); only then are its receipts confirmed and its hashes go into tiles. A segment is
//! synced before the next is begun. Tiles are not synced one by one, since they can be made again: the head is written after all tiles up to its size were
//! synced together, and what lies behind the head is read from the segments and tiled again when the log is opened. So opening takes as long as the receipts
//! behind the last head, whatever the log's length.
//!
//! # Damage
//! Behind the head, a bad slot that any whole slot knows as confirmed is corruption, and refused. What nobody knows to be confirmed may have been on its way when the
//! machine stopped, its pages arriving in any order: whole slots are kept up to the first that is torn, and the rest is cut off. Before the head, everything is
//! checked when it is read: an entry against its leaf, a tile against the tile above and the frontier. `tree().audit` reads it all.

mod error;
mod store;

pub use error::{LogError, Recovery};
pub use store::LogStore;

use crate::{
    erased::ErasedEntry,
    erasure::{Note, Slot},
    frontier::Frontier,
    hash::{Hash, encode_receipt},
    lanes::Kernel,
    record::{SLOT_LEN, Scan, trailer},
    tiles::{Packed, Store, TILE_WIDTH, TileTree, TileWriter, sync_folder},
};
use blockcloud_primitives::{JobId, Receipt};
use codec::{DecodeAll, Encode};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, ErrorKind, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const HEAD_MAGIC: [u8; 16] = *b"blockcloud/log/2";
const SEGMENT_MAGIC: [u8; 16] = *b"blockcloud/seg/1";
const HEADER_LEN: usize = SEGMENT_MAGIC.len() + 16;
/// Name of the note of an erasure.
const NOTE: &str = "erasing";
/// Once this much waits, it is handed to the operating system without waiting for a sync. Bounds memory, confirms nothing.
const WRITE_BEHIND: usize = 1 << 20;
/// Receipts that are encoded before their leaves are hashed.
const ENCODED: usize = 64;

/// How a log is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Receipts in a segment, a multiple of 256: what is pruned at once, and the largest group. A log keeps the number it was begun with.
    pub segment: u64,
    /// Receipts after which a head is written: what is read again when the log is opened after a crash.
    pub head_every: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment: 1 << 16, head_every: 1 << 20 }
    }
}

/// A job's receipts of any number, in a folder.
///
/// [`append`](Self::append) takes many, [`sync`](Self::sync) confirms the group: sign a checkpoint only over what was synced.
#[derive(Debug)]
pub struct ReceiptLog {
    root: PathBuf,
    _lock: File,
    job: JobId,
    options: LogOptions,
    /// Over what is confirmed.
    tiles: TileWriter<Packed>,
    /// Leaves of what is not.
    leaves: Vec<Hash>,
    /// The segment that the next receipt belongs into.
    segment: File,
    /// Slots that are not yet in it.
    pending: Vec<u8>,
    /// Size at the last head.
    head: u64,
    /// Position from which receipts are kept.
    from: u64,
    broken: bool,
}

impl ReceiptLog {
    /// Opens the log of a job, or begins it.
    ///
    /// # Errors
    /// [`LogError::Io`] (also for a segment length that is no multiple of 256, or not the log's), [`LogError::InUse`], [`LogError::NotALog`],
    /// [`LogError::OtherJob`], [`LogError::HeadDamaged`], [`LogError::Corrupt`], [`LogError::Tiles`].
    pub fn open(root: impl Into<PathBuf>, job: JobId, options: LogOptions) -> Result<(Self, Recovery), LogError> {
        let root = root.into();
        let io = |path: &Path| io_error(path);
        if options.segment == 0 || !options.segment.is_multiple_of(TILE_WIDTH) {
            return Err(io(&root)(io::Error::new(ErrorKind::InvalidInput, "a segment holds a multiple of 256 receipts")));
        }
        let folder = root.join("segments");
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let lock = lock(&root)?;
        let directory = Packed::open(&root).map_err(io(&root))?;
        let head = Head::read(&root, job)?;
        if head.as_ref().is_some_and(|head| head.segment != options.segment) {
            return Err(io(&root)(io::Error::new(ErrorKind::InvalidInput, "the log was begun with segments of another length")));
        }
        let (mut tiles, from) = match &head {
            Some(head) => (TileWriter::restore(directory, &head.state).map_err(|_| LogError::HeadDamaged(root.join("head")))?, head.from),
            None => (TileWriter::new(directory), 0),
        };
        let head = tiles.frontier().size();
        let (note_path, corrupt) = (root.join(NOTE), |index: u64| corrupt(&folder, index, options.segment));
        match Note::read(&note_path, job)? {
            // Its segment was pruned.
            Some(note) if note.seq < from => Note::remove(&note_path).map_err(io(&note_path))?,
            Some(note) => {
                let path = segment_path(&folder, note.seq / options.segment);
                let file = OpenOptions::new().read(true).write(true).open(&path).map_err(io(&path))?;
                let (mut slot, offset) = ([0; SLOT_LEN], offset_of(note.seq % options.segment));
                if file.read_exact_at(&mut slot, offset).is_err() || !note.is_about(&Slot::of(&slot)) {
                    return Err(corrupt(note.seq));
                }
                note.finish(&note_path, &file, offset).map_err(io(&path))?;
            }
            None => {}
        }

        let present = segments(&folder)?;
        let first = head / options.segment;
        for number in from / options.segment..first {
            let length = present.get(&number).copied().unwrap_or(0);
            if length < offset_of(options.segment) {
                return Err(corrupt(number * options.segment + length.saturating_sub(HEADER_LEN as u64) / SLOT_LEN as u64));
            }
        }
        let last = present.last_key_value().map_or(first, |(number, _)| *number).max(first);
        let mut scan = Scan::new(job, head);
        let mut leaves = Vec::new();
        for number in first..=last {
            let end = (number + 1) * options.segment;
            if let Some(length) = present.get(&number).filter(|length| **length > HEADER_LEN as u64) {
                let path = segment_path(&folder, number);
                let mut file = File::open(&path).map_err(io(&path))?;
                check_header(&path, &file, job, number * options.segment)?;
                let at = offset_of(scan.next() % options.segment);
                if number == first && *length < at {
                    return Err(corrupt(number * options.segment + length.saturating_sub(HEADER_LEN as u64) / SLOT_LEN as u64));
                }
                file.seek(SeekFrom::Start(if number == first { at } else { HEADER_LEN as u64 })).map_err(io(&path))?;
                scan.read(BufReader::with_capacity(SLOT_LEN * 4096, &file).take_slots(end - scan.next()), |leaf| {
                    leaves.push(leaf);
                    if leaves.len() == ENCODED * ENCODED {
                        tiles.append(&leaves).map_err(io::Error::other)?;
                        leaves.clear();
                    }
                    Ok(())
                })
                .map_err(io(&path))?;
                // A process may have been killed between its write and its sync. What is reported as there has to be on the disk.
                file.sync_all().map_err(io(&path))?;
            } else if number == first && head > number * options.segment {
                return Err(corrupt(number * options.segment));
            }
            if number < last {
                scan.miss(end.saturating_sub(scan.next()));
            }
        }
        let size = scan.end();
        if size < scan.confirmed {
            return Err(corrupt(size));
        }
        tiles.append(&leaves)?;

        // What nobody knows to be confirmed is cut off.
        let current = size / options.segment;
        let mut dropped_bytes = 0;
        for (number, length) in present.range(current + 1..) {
            let path = segment_path(&folder, *number);
            fs::remove_file(&path).map_err(io(&path))?;
            dropped_bytes += length.saturating_sub(HEADER_LEN as u64);
        }
        let segment = open_segment(&folder, job, current, options.segment)?;
        let path = segment_path(&folder, current);
        let end = offset_of(size % options.segment);
        let length = segment.metadata().map_err(io(&path))?.len();
        dropped_bytes += length.saturating_sub(end);
        if length > end {
            segment.set_len(end).map_err(io(&path))?;
            segment.sync_all().map_err(io(&path))?;
        }
        (&segment).seek(SeekFrom::Start(end)).map_err(io(&path))?;
        sync_folder(&folder).map_err(io(&folder))?;

        let mut log =
            Self { root, _lock: lock, job, options, tiles, leaves: Vec::new(), segment, pending: Vec::new(), head, from, broken: false };
        log.write_head_if_due()?;
        Ok((log, Recovery { receipts: size, dropped_bytes }))
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Number of receipts, appended ones included: the next one's sequence number.
    pub fn size(&self) -> u64 {
        self.confirmed() + self.leaves.len() as u64
    }

    /// Number of receipts that survive a crash.
    pub fn confirmed(&self) -> u64 {
        self.frontier().size()
    }

    /// Root of the tree over the confirmed receipts.
    pub fn root(&self) -> Hash {
        self.frontier().root()
    }

    /// Frontier of the tree over the confirmed receipts: what tells the root beforehand that further ones will lead to.
    pub fn frontier(&self) -> &Frontier {
        self.tiles.frontier()
    }

    /// Position from which receipts are kept; those before it were pruned.
    pub fn kept_from(&self) -> u64 {
        self.from
    }

    /// Appends receipts. They survive a crash after the next [`sync`](Self::sync), which happens by itself at the end of a segment.
    ///
    /// # Errors
    /// [`LogError::Version`], [`LogError::ForeignReceipt`], [`LogError::OutOfSequence`]: the log is unchanged. [`LogError::Broken`], [`LogError::Io`],
    /// [`LogError::Tiles`]: open it again.
    pub fn append(&mut self, receipts: &[Receipt]) -> Result<(), LogError> {
        self.check_whole()?;
        for (receipt, expected) in receipts.iter().zip(self.size()..) {
            if receipt.version != Receipt::VERSION {
                return Err(LogError::Version { found: receipt.version });
            }
            if receipt.job != self.job {
                return Err(LogError::ForeignReceipt { expected: self.job, found: receipt.job });
            }
            if receipt.seq != expected {
                return Err(LogError::OutOfSequence { expected, found: receipt.seq });
            }
        }
        let appended = self.append_checked(receipts);
        self.note(appended)
    }

    /// Makes everything appended so far survive a crash. One call per group, not per receipt.
    ///
    /// # Errors
    /// [`LogError::Broken`], [`LogError::Io`], [`LogError::Tiles`]. After an error, open the log again to see what is there.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.check_whole()?;
        let synced = self.confirm();
        self.note(synced)
    }

    /// The tree over the confirmed receipts: roots, proofs, entries, the audit of everything, and the repair of tiles.
    pub fn tree(&self) -> TileTree<LogStore<'_>> {
        TileTree::new(LogStore { log: self }, self.frontier().clone())
    }

    /// Erases a confirmed receipt: its slot is overwritten, its leaf hash stays. Survives a crash once it returns; a crash before that leaves the receipt
    /// whole or erased. False if it was erased before. Mirrors are to be made anew from its position on.
    ///
    /// # Errors
    /// [`LogError::NotConfirmed`], [`LogError::Pruned`]: the log is unchanged. [`LogError::Corrupt`], [`LogError::Broken`], [`LogError::Io`],
    /// [`LogError::Tiles`]: open it again.
    pub fn erase(&mut self, index: u64) -> Result<bool, LogError> {
        self.check_whole()?;
        if index >= self.confirmed() {
            return Err(LogError::NotConfirmed { index, confirmed: self.confirmed() });
        }
        if index < self.from {
            return Err(LogError::Pruned { index, from: self.from });
        }
        let (path, offset) = (segment_path(&self.folder(), index / self.options.segment), offset_of(index % self.options.segment));
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(io_error(&path))?;
        let mut slot = [0; SLOT_LEN];
        file.read_exact_at(&mut slot, offset).map_err(io_error(&path))?;
        let expected = self.tree().leaf(index)?;
        match Slot::of(&slot) {
            Slot::Erased(erased) if erased.leaf == expected => Ok(false),
            Slot::Entry(leaf, confirmed) if leaf == expected => {
                let erased = Note::new(self.job, index, leaf, confirmed).erase(&self.root.join(NOTE), &file, offset);
                self.note(erased.map_err(io_error(&path))).map(|()| true)
            }
            _ => Err(corrupt(&self.folder(), index, self.options.segment)),
        }
    }

    /// Up to `limit` confirmed receipts from position `from` on, in their canonical encoding, each checked against the tree; an erased one as its
    /// [`ErasedEntry`], which is as long.
    ///
    /// # Errors
    /// [`LogError::Pruned`]; [`LogError::Tiles`] if what is stored is not what was appended.
    pub fn encoded(&self, from: u64, limit: usize) -> Result<Vec<u8>, LogError> {
        let end = self.confirmed().min(from.saturating_add(limit as u64));
        if from < end && from < self.from {
            return Err(LogError::Pruned { index: from, from: self.from });
        }
        let tree = self.tree();
        let mut encoded = Vec::with_capacity(end.saturating_sub(from) as usize * Receipt::ENCODED_LEN);
        let mut next = from;
        while next < end {
            let entries = tree.entries_from(next)?;
            let wanted = entries.iter().take((end - next) as usize);
            next += wanted.len() as u64;
            wanted.for_each(|entry| encoded.extend_from_slice(entry));
        }
        Ok(encoded)
    }

    /// As [`encoded`](Self::encoded), decoded.
    ///
    /// # Errors
    /// As [`encoded`](Self::encoded); [`LogError::Erased`] if one of them was; [`LogError::Corrupt`] for an entry that is no receipt.
    pub fn receipts(&self, from: u64, limit: usize) -> Result<Vec<Receipt>, LogError> {
        let encoded = self.encoded(from, limit)?;
        let receipts = encoded.chunks_exact(Receipt::ENCODED_LEN).zip(from..);
        receipts
            .map(|(mut bytes, index)| match ErasedEntry::parse(bytes) {
                Some(_) => Err(LogError::Erased { index }),
                None => Receipt::decode_all(&mut bytes).map_err(|_| corrupt(&self.folder(), index, self.options.segment)),
            })
            .collect()
    }

    /// Deletes segments from the front, so that at least the newest `keep` confirmed receipts stay, and returns the position from which receipts are kept.
    /// Their hashes stay, and with them every proof.
    ///
    /// # Errors
    /// [`LogError::Broken`], [`LogError::Io`], [`LogError::Tiles`].
    pub fn prune(&mut self, keep: u64) -> Result<u64, LogError> {
        self.check_whole()?;
        let (before, whole) = (self.from, self.confirmed().saturating_sub(keep) / self.options.segment);
        self.from = before.max(whole * self.options.segment);
        if before < self.from {
            // Tiles and the mark first: from then on nothing could make the tiles again.
            let written = self.write_head();
            self.note(written)?;
            for number in before / self.options.segment..self.from / self.options.segment {
                let path = segment_path(&self.folder(), number);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&path)(error)),
                    _ => {}
                }
            }
        }
        Ok(self.from)
    }

    /// Bytes of the receipts of a log in its files, whether or not it is open.
    ///
    /// # Errors
    /// [`LogError::Io`], also if there is no log.
    pub fn entry_bytes(root: &Path) -> Result<u64, LogError> {
        let lengths = segments(&root.join("segments"))?;
        Ok(lengths.values().map(|length| length.saturating_sub(HEADER_LEN as u64)).sum())
    }

    fn append_checked(&mut self, receipts: &[Receipt]) -> Result<(), LogError> {
        let kernel = Kernel::fastest();
        let (mut encoded, mut hashes) = ([[0; Receipt::ENCODED_LEN]; ENCODED], [[0; 32]; ENCODED]);
        let mut rest = receipts;
        while !rest.is_empty() {
            let room = self.options.segment - self.size() % self.options.segment;
            let (now, later) = rest.split_at(rest.len().min(ENCODED).min(usize::try_from(room).unwrap_or(ENCODED)));
            rest = later;
            for (receipt, bytes) in now.iter().zip(&mut encoded) {
                encode_receipt(receipt, bytes);
            }
            kernel.leaves(&encoded[..now.len()], &mut hashes[..now.len()]).expect("as many hashes as receipts");
            let confirmed = self.confirmed();
            for (bytes, leaf) in encoded.iter().zip(&hashes).take(now.len()) {
                self.pending.extend_from_slice(bytes);
                self.pending.extend_from_slice(&trailer(leaf, confirmed));
            }
            self.leaves.extend_from_slice(&hashes[..now.len()]);
            if self.pending.len() >= WRITE_BEHIND {
                self.write_pending()?;
            }
            if self.size().is_multiple_of(self.options.segment) {
                self.confirm()?;
                self.segment = open_segment(&self.folder(), self.job, self.size() / self.options.segment, self.options.segment)?;
            }
        }
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        if self.leaves.is_empty() {
            return Ok(());
        }
        self.write_pending()?;
        self.segment.sync_data().map_err(io_error(&self.folder()))?;
        self.tiles.append(&self.leaves)?;
        self.leaves.clear();
        self.write_head_if_due()
    }

    fn write_pending(&mut self) -> Result<(), LogError> {
        self.segment.write_all(&self.pending).map_err(io_error(&self.folder()))?;
        self.pending.clear();
        Ok(())
    }

    fn write_head_if_due(&mut self) -> Result<(), LogError> {
        if self.confirmed() - self.head < self.options.head_every { Ok(()) } else { self.write_head() }
    }

    /// Makes all tiles survive, then the head that rests on them.
    fn write_head(&mut self) -> Result<(), LogError> {
        let path = self.root.join("head");
        self.tiles.store().sync().map_err(io_error(&self.root))?;
        Head { job: self.job.0, segment: self.options.segment, from: self.from, state: self.tiles.state() }
            .write(&self.root)
            .map_err(io_error(&path))?;
        self.head = self.confirmed();
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        self.root.join("segments")
    }

    fn check_whole(&self) -> Result<(), LogError> {
        if self.broken { Err(LogError::Broken(self.root.clone())) } else { Ok(()) }
    }

    /// After a failed write or sync the kernel may have dropped the pages, and a second sync would lie about them.
    fn note(&mut self, result: Result<(), LogError>) -> Result<(), LogError> {
        self.broken |= result.is_err();
        result
    }
}

/// What is needed to carry on.
#[derive(codec::Encode, codec::Decode)]
struct Head {
    job: u64,
    segment: u64,
    from: u64,
    state: Vec<u8>,
}

impl Head {
    fn read(root: &Path, job: JobId) -> Result<Option<Self>, LogError> {
        let path = root.join("head");
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io_error(&path))?,
        };
        let Some(sealed) = bytes.strip_prefix(&HEAD_MAGIC) else { return Err(LogError::NotALog(path)) };
        let head = sealed.split_first_chunk().filter(|(digest, rest)| Hash::from(Sha256::digest(rest)) == **digest);
        let head = head.and_then(|(_, mut rest)| Self::decode_all(&mut rest).ok());
        let Some(head) = head else { return Err(LogError::HeadDamaged(path)) };
        if head.job != job.0 {
            return Err(LogError::OtherJob { path, expected: job, found: JobId(head.job) });
        }
        Ok(Some(head))
    }

    fn write(&self, root: &Path) -> io::Result<()> {
        let rest = self.encode();
        let unfinished = root.join("head.unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&[&HEAD_MAGIC[..], &Sha256::digest(&rest), &rest].concat())?;
        file.sync_all()?;
        fs::rename(&unfinished, root.join("head"))?;
        sync_folder(root)
    }
}

/// The reader's next slots, and none behind them.
trait TakeSlots: io::Read + Sized {
    fn take_slots(self, slots: u64) -> io::Take<Self> {
        self.take(slots.saturating_mul(SLOT_LEN as u64))
    }
}

impl<R: io::Read> TakeSlots for R {}

fn lock(root: &Path) -> Result<File, LogError> {
    let path = root.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io_error(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse(root.to_owned())),
        Err(TryLockError::Error(source)) => Err(io_error(&path)(source)),
    }
}

/// Segments that are there, with their lengths.
fn segments(folder: &Path) -> Result<BTreeMap<u64, u64>, LogError> {
    let mut found = BTreeMap::new();
    for item in fs::read_dir(folder).map_err(io_error(folder))? {
        let item = item.map_err(io_error(folder))?;
        let number = item.file_name().to_str().and_then(|name| name.parse().ok());
        let number = number.filter(|number| segment_path(folder, *number) == item.path());
        if let Some(number) = number {
            found.insert(number, item.metadata().map_err(io_error(folder))?.len());
        }
    }
    Ok(found)
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}"))
}

fn header(job: JobId, first: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..16].copy_from_slice(&SEGMENT_MAGIC);
    header[16..24].copy_from_slice(&job.0.to_le_bytes());
    header[24..].copy_from_slice(&first.to_le_bytes());
    header
}

fn check_header(path: &Path, file: &File, job: JobId, first: u64) -> Result<(), LogError> {
    let mut found = [0; HEADER_LEN];
    file.read_exact_at(&mut found, 0).map_err(io_error(path))?;
    if found == header(job, first) {
        return Ok(());
    }
    match found.split_first_chunk::<16>() {
        Some((magic, [a, b, c, d, e, f, g, h, ..])) if *magic == SEGMENT_MAGIC => {
            match u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) {
                found if found != job.0 => Err(LogError::OtherJob { path: path.to_owned(), expected: job, found: JobId(found) }),
                _ => Err(LogError::NotALog(path.to_owned())),
            }
        }
        _ => Err(LogError::NotALog(path.to_owned())),
    }
}

/// Opens the segment to append to. One that is not there, or whose header is torn, is begun: nothing was ever appended to it.
fn open_segment(folder: &Path, job: JobId, number: u64, slots: u64) -> Result<File, LogError> {
    let path = segment_path(folder, number);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io_error(&path))?;
    let mut begin = || {
        if file.metadata()?.len() <= HEADER_LEN as u64 {
            file.set_len(0)?;
            file.write_all(&header(job, number * slots))?;
            file.sync_all()?;
            sync_folder(folder)?;
        }
        Ok(())
    };
    begin().map_err(io_error(&path))?;
    Ok(file)
}

fn offset_of(slot: u64) -> u64 {
    HEADER_LEN as u64 + slot * SLOT_LEN as u64
}

fn corrupt(folder: &Path, index: u64, slots: u64) -> LogError {
    LogError::Corrupt { path: segment_path(folder, index / slots), index, offset: offset_of(index % slots) }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
    let path = path.to_owned();
    move |source| LogError::Io { path, source }
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
        let (mut log, _) = ReceiptLog::open(folder.path(), JobId(1), LogOptions::default()).unwrap();
        log.append(&[receipt(0)]).unwrap();
        log.sync().unwrap();

        // A handle that may only read stands in for a disk that refuses.
        let readable = File::open(segment_path(&log.folder(), 0)).unwrap();
        let writable = std::mem::replace(&mut log.segment, readable);
        log.append(&[receipt(1)]).unwrap();
        assert!(matches!(log.sync(), Err(LogError::Io { .. })));
        log.segment = writable;
        assert!(matches!(log.sync(), Err(LogError::Broken(_))));
        assert!(matches!(log.append(&[receipt(2)]), Err(LogError::Broken(_))));
        assert!(matches!(log.erase(0), Err(LogError::Broken(_))));
        assert!(matches!(log.prune(0), Err(LogError::Broken(_))));
        assert_eq!(log.confirmed(), 1);

        drop(log);
        let (log, recovery) = ReceiptLog::open(folder.path(), JobId(1), LogOptions::default()).unwrap();
        assert_eq!(recovery, Recovery { receipts: 1, dropped_bytes: 0 });
        assert_eq!(log.size(), 1);
    }
}
