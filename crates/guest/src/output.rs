//! What the customer gets back: one archive, sealed.
//!
//! A tar archive with `output/...` (the program's `/output`), `stdout`, `stderr` and `summary.json`. The same run makes the same archive, byte for byte:
//! names in order, no times, no owners. Not here: what is in the files.

use crate::sandbox::{
    Counters, OUTPUT, Run,
    vfs::{Content, Ino, Node, Vfs},
};
use blockcloud_primitives::{Blob, Digest, EngineId, Exit};
use blockcloud_seal::{DataKey, ObjectKey, Sealer};
use serde::Serialize;
use std::io::{self, Read, Write};
use tar::{Builder, EntryType, Header};

/// What `summary.json` says. The same in every replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How the program ended.
    pub exit: Exit,
    /// Why, where it did not just return.
    pub reason: Option<String>,
    /// The engine that ran it.
    pub engine: EngineId,
    /// Fuel used.
    pub fuel_used: u64,
    /// Size of its linear memory at the end, in bytes.
    pub memory_bytes: u64,
    /// What it did, counted.
    pub usage: Counters,
    /// Whether it wanted to print more than was kept.
    pub truncated: bool,
}

impl Summary {
    /// The summary of a run.
    pub fn of(exit: Exit, run: &Run) -> Self {
        Self {
            exit,
            reason: run.reason.clone(),
            engine: crate::sandbox::engine_id(),
            fuel_used: run.fuel_used,
            memory_bytes: run.memory_bytes,
            usage: run.counters,
            truncated: run.stdout.is_full() || run.stderr.is_full(),
        }
    }

    /// The summary of a job whose program was never started.
    pub fn not_started(reason: String) -> Self {
        Self {
            exit: Exit::BadInput,
            reason: Some(reason),
            engine: crate::sandbox::engine_id(),
            fuel_used: 0,
            memory_bytes: 0,
            usage: Counters::default(),
            truncated: false,
        }
    }
}

/// A sealed archive.
pub struct SealedOutput {
    /// The ciphertext.
    pub bytes: Vec<u8>,
    /// Its digest and length.
    pub blob: Blob,
    /// Keyed digest of the archive in plain.
    pub archive: Digest,
    /// Length of the archive in plain.
    pub archive_bytes: u64,
}

/// Packs and seals what a run left behind; without a run only the summary.
pub fn seal(key: &DataKey, object_key: &ObjectKey, summary: &Summary, run: Option<&Run>) -> io::Result<SealedOutput> {
    let sealer = Sealer::new(key, Vec::new())?;
    let mut archive = Builder::new(Keyed { inner: sealer, hasher: blake3::Hasher::new_keyed(object_key.as_bytes()) });
    let (stdout, stderr) = run.map_or((&[][..], &[][..]), |run| (run.stdout.bytes(), run.stderr.bytes()));
    match run {
        Some(run) => add_output(&mut archive, &run.files)?,
        None => add(&mut archive, "output/", EntryType::Directory, 0, io::empty())?,
    }
    add_bytes(&mut archive, "stdout", stdout)?;
    add_bytes(&mut archive, "stderr", stderr)?;
    add_bytes(&mut archive, "summary.json", &serde_json::to_vec_pretty(summary)?)?;
    let Keyed { inner, hasher } = archive.into_inner()?;
    let (bytes, sealed) = inner.finish()?;
    Ok(SealedOutput { bytes, blob: sealed.blob, archive: Digest(*hasher.finalize().as_bytes()), archive_bytes: sealed.bytes })
}

/// Adds everything below `/output`, directories before what is in them.
fn add_output<W: Write>(archive: &mut Builder<W>, files: &Vfs) -> io::Result<()> {
    let root = files.resolve(Vfs::ROOT, OUTPUT.trim_start_matches('/'), true).ok().and_then(|found| found.ino);
    // The program may have removed its `/output`, or put a file there.
    let mut todo: Vec<(String, Ino)> = root.map(|root| ("output".into(), root)).into_iter().collect();
    while let Some((path, ino)) = todo.pop() {
        match files.node(ino) {
            Some(Node::Directory(directory)) => {
                add(archive, &format!("{path}/"), EntryType::Directory, 0, io::empty())?;
                let start = todo.len();
                todo.extend(directory.by_name().map(|(name, ino)| (format!("{path}/{name}"), ino)));
                if let Some(new) = todo.get_mut(start..) {
                    new.reverse();
                }
            }
            Some(Node::File(content)) => add_file(archive, &path, content)?,
            Some(Node::Symlink(target)) => {
                let mut header = header(EntryType::Symlink, 0);
                archive.append_link(&mut header, &path, target)?;
            }
            None => {}
        }
    }
    Ok(())
}

fn add_file<W: Write>(archive: &mut Builder<W>, path: &str, content: &Content) -> io::Result<()> {
    add(archive, path, EntryType::Regular, content.len(), content.reader())
}

fn add_bytes<W: Write>(archive: &mut Builder<W>, path: &str, bytes: &[u8]) -> io::Result<()> {
    add(archive, path, EntryType::Regular, u64::try_from(bytes.len()).unwrap_or(u64::MAX), bytes)
}

fn add<W: Write>(archive: &mut Builder<W>, path: &str, kind: EntryType, bytes: u64, content: impl Read) -> io::Result<()> {
    archive.append_data(&mut header(kind, bytes), path, content)
}

fn header(kind: EntryType, bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Passes bytes on and makes their keyed digest.
struct Keyed<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Keyed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
