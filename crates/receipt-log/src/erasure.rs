//! How one entry of a durable log is erased: by overwriting its slot in place.
//!
//! A slot may straddle what a disk writes at once, so a note of what is to be done comes first, durably; then the slot; then the note goes. Whoever finds a
//! note when a log is opened does the rest, and so never takes a half-overwritten slot for damage. The note holds the leaf hash and nothing else of the entry.
//!
//! Not here: where slots lie. What a file system or a disk keeps of overwritten blocks (snapshots, copies on write, spare flash) is beyond a program's reach:
//! have it on storage that is encrypted with a key that can be thrown away.

use crate::{
    erased::ErasedEntry,
    hash::{Hash, leaf_hash},
    log::LogError,
    record::{SLOT_LEN, is_whole, trailer},
    tiles::sync_folder,
};
use blockcloud_primitives::{JobId, Receipt};
use codec::{Decode, DecodeAll, Encode};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::Path,
};

const MAGIC: [u8; 16] = *b"blockcloud/era/1";

/// What is to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Note {
    job: u64,
    pub(crate) seq: u64,
    leaf: Hash,
    /// What the slot knows to be confirmed.
    confirmed: u64,
}

/// What a slot holds.
pub(crate) enum Slot {
    /// An entry with this leaf, and what the slot knows to be confirmed.
    Entry(Hash, u64),
    /// An entry that is erased.
    Erased(ErasedEntry),
    /// Nothing whole.
    Torn,
}

impl Slot {
    pub(crate) fn of(slot: &[u8; SLOT_LEN]) -> Self {
        let (entry, trailer) = slot.split_at(Receipt::ENCODED_LEN);
        let leaf = leaf_hash(entry);
        match (is_whole(&leaf, trailer), ErasedEntry::parse(entry)) {
            (None, _) => Self::Torn,
            (Some(_), Some(erased)) => Self::Erased(erased),
            (Some(confirmed), None) => Self::Entry(leaf, confirmed),
        }
    }
}

impl Note {
    pub(crate) fn new(job: JobId, seq: u64, leaf: Hash, confirmed: u64) -> Self {
        Self { job: job.0, seq, leaf, confirmed }
    }

    /// Reads the note that an interrupted erasure left, if there is one.
    pub(crate) fn read(path: &Path, job: JobId) -> Result<Option<Self>, LogError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| LogError::Io { path: path.to_owned(), source })?,
        };
        let sealed = bytes.strip_prefix(&MAGIC).and_then(|sealed| sealed.split_first_chunk());
        let rest = sealed.filter(|(digest, rest)| Hash::from(Sha256::digest(rest)) == **digest).map(|(_, rest)| rest);
        let note = rest.and_then(|mut rest| Self::decode_all(&mut rest).ok()).filter(|note| note.job == job.0);
        note.map(Some).ok_or_else(|| LogError::NoteDamaged(path.to_owned()))
    }

    /// Erases: note, slot, and the note goes. `offset` is where the slot begins in the file.
    pub(crate) fn erase(&self, path: &Path, file: &File, offset: u64) -> io::Result<()> {
        self.write(path)?;
        self.finish(path, file, offset)
    }

    /// What is left to do once the note is there. Doing it twice is harmless.
    pub(crate) fn finish(&self, path: &Path, file: &File, offset: u64) -> io::Result<()> {
        let entry = ErasedEntry { job: JobId(self.job), seq: self.seq, leaf: self.leaf }.to_bytes();
        let slot = [&entry[..], &trailer(&leaf_hash(&entry), self.confirmed)].concat();
        file.write_all_at(&slot, offset)?;
        file.sync_data()?;
        Self::remove(path)
    }

    /// Whether a slot is one that this erasure was to overwrite, whole or not.
    pub(crate) fn is_about(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Entry(leaf, _) => *leaf == self.leaf,
            Slot::Erased(erased) => (erased.job.0, erased.seq, erased.leaf) == (self.job, self.seq, self.leaf),
            Slot::Torn => true,
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let rest = self.encode();
        let unfinished = path.with_added_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&[&MAGIC[..], &Sha256::digest(&rest), &rest].concat())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_folder(folder_of(path))
    }

    /// The note goes. If that does not survive a crash, the erasure is done again.
    pub(crate) fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        sync_folder(folder_of(path))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
