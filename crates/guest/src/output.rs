//! What the customer gets back: one archive, sealed.
//!
//! A tar archive with `output/...` (the program's `/output`), `stdout`, `stderr` and `summary.json`. The same run makes the same archive, byte for byte:
//! names in order, no times, no owners. A file with several names is packed once; its other names are hard links. Not here: what is in the files.

use crate::sandbox::{
    Counters, OUTPUT, Run,
    vfs::{Ino, Kind, Node, Vfs},
};
use blockcloud_primitives::{Blob, Digest, EngineId, Exit};
use blockcloud_seal::{DataKey, ObjectKey, Sealer, sealed_len};
use serde::Serialize;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::{self, Read, Write},
};
use tar::{Builder, EntryType, Header};

/// A tar archive is made of blocks of this length.
const BLOCK: u64 = 512;
/// Length of a header's field for a name.
const NAME_FIELD: usize = 100;

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

/// Packs and seals what a run left behind; without a run only the summary. Files are taken out of the run as they are packed, so that nothing is in
/// memory twice. If the archive of `/output` would be longer than `limit`, none of it is packed, and the summary says so.
pub fn seal(key: &DataKey, object_key: &ObjectKey, summary: &mut Summary, run: Option<Run>, limit: u64) -> io::Result<SealedOutput> {
    let packed = run.as_ref().map(|run| packed_len(&run.files, limit));
    if let Some(None) = packed {
        let ended = summary.reason.take().unwrap_or_else(|| format!("{:?}", summary.exit));
        summary.exit = Exit::Trap;
        summary.reason = Some(format!(
            "/output is not handed over: its archive would be longer than the {limit} bytes that the job's memory and storage leave room for; write less or \
             reserve more. The program itself had ended: {ended}"
        ));
    }
    let printed = run.as_ref().map_or(0, |run| run.stdout.len().saturating_add(run.stderr.len()));
    // Made at its full length: a buffer that grows would need twice the memory for a moment.
    let expected = sealed_len(packed.flatten().unwrap_or(0).saturating_add(printed).saturating_add(1 << 16));
    let sealer = Sealer::new(key, Vec::with_capacity(usize::try_from(expected).unwrap_or(0)))?;
    let mut archive = Builder::new(Keyed { inner: sealer, hasher: blake3::Hasher::new_keyed(object_key.as_bytes()) });
    match run {
        Some(Run { mut files, stdout, stderr, .. }) => {
            match packed.flatten() {
                Some(_) => add_output(&mut archive, &mut files)?,
                None => add_folder(&mut archive, "output/")?,
            }
            add(&mut archive, "stdout", stdout.len(), stdout.reader())?;
            add(&mut archive, "stderr", stderr.len(), stderr.reader())?;
        }
        None => {
            add_folder(&mut archive, "output/")?;
            add(&mut archive, "stdout", 0, io::empty())?;
            add(&mut archive, "stderr", 0, io::empty())?;
        }
    }
    let summary = serde_json::to_vec_pretty(summary)?;
    add(&mut archive, "summary.json", length(summary.len()), &summary[..])?;
    let Keyed { inner, hasher } = archive.into_inner()?;
    let (bytes, sealed) = inner.finish()?;
    Ok(SealedOutput { bytes, blob: sealed.blob, archive: Digest(*hasher.finalize().as_bytes()), archive_bytes: sealed.bytes })
}

/// Goes through everything below `/output`, directories before what is in them, names in order.
struct Walk {
    /// What is still to come, last one first: how much of the path before it stays, what comes after that, the inode.
    todo: Vec<(usize, String, Ino)>,
    path: String,
}

impl Walk {
    fn new(files: &Vfs) -> Self {
        let root = files.resolve(Vfs::ROOT, OUTPUT.trim_start_matches('/'), true).ok().and_then(|found| found.ino);
        // The program may have removed its `/output`, or put a file there.
        Self { todo: root.map(|root| (0, "output".into(), root)).into_iter().collect(), path: String::new() }
    }

    fn next(&mut self, files: &Vfs) -> Option<Ino> {
        let (kept, name, ino) = self.todo.pop()?;
        self.path.truncate(kept);
        self.path.push_str(&name);
        if let Some(Node::Directory(directory)) = files.node(ino) {
            let start = self.todo.len();
            self.todo.extend(directory.by_name().map(|(name, ino)| (self.path.len(), format!("/{name}"), ino)));
            if let Some(new) = self.todo.get_mut(start..) {
                new.reverse();
            }
        }
        Some(ino)
    }
}

/// The paths of files that have several names, as they are met: the first one has the content, the others are links to it.
#[derive(Default)]
struct Names(BTreeMap<Ino, String>);

impl Names {
    /// The first name, if this is not it.
    fn first(&mut self, files: &Vfs, ino: Ino, path: &str) -> Option<String> {
        if files.stat(ino).is_ok_and(|stat| stat.kind != Kind::File || stat.links < 2) {
            return None;
        }
        match self.0.entry(ino) {
            Entry::Occupied(first) => Some(first.get().clone()),
            Entry::Vacant(place) => {
                place.insert(path.to_owned());
                None
            }
        }
    }
}

/// Length of the archive of `/output`, without its end, or nothing if that is more than `limit`.
fn packed_len(files: &Vfs, limit: u64) -> Option<u64> {
    let blocks = |bytes: u64| bytes.div_ceil(BLOCK).saturating_mul(BLOCK);
    // A name that does not fit its field becomes an entry of its own.
    let name = |bytes: usize| if bytes <= NAME_FIELD { 0 } else { BLOCK.saturating_add(blocks(length(bytes).saturating_add(1))) };
    let (mut walk, mut names, mut total) = (Walk::new(files), Names::default(), 0_u64);
    while let Some(ino) = walk.next(files) {
        let path = walk.path.len();
        let entry = match (names.first(files, ino, &walk.path), files.node(ino)?) {
            (Some(first), _) => name(path).saturating_add(name(first.len())),
            (None, Node::File(content)) => name(path).saturating_add(blocks(content.len())),
            // Its path ends with a slash.
            (None, Node::Directory(_)) => name(path.saturating_add(1)),
            (None, Node::Symlink(target)) => name(path).saturating_add(name(target.len())),
        };
        total = total.saturating_add(BLOCK).saturating_add(entry);
        if total > limit {
            return None;
        }
    }
    Some(total)
}

/// Adds everything below `/output`.
fn add_output<W: Write>(archive: &mut Builder<W>, files: &mut Vfs) -> io::Result<()> {
    let (mut walk, mut names) = (Walk::new(files), Names::default());
    while let Some(ino) = walk.next(files) {
        let path = &walk.path;
        if let Some(first) = names.first(files, ino, path) {
            archive.append_link(&mut header(EntryType::Link, 0), path, first)?;
            continue;
        }
        match files.node(ino) {
            Some(Node::Directory(_)) => add_folder(archive, &format!("{path}/"))?,
            Some(Node::Symlink(target)) => archive.append_link(&mut header(EntryType::Symlink, 0), path, target)?,
            _ => {
                let content = files.take_content(ino).unwrap_or_default();
                add(archive, path, content.len(), content.reader())?;
            }
        }
    }
    Ok(())
}

fn add_folder<W: Write>(archive: &mut Builder<W>, path: &str) -> io::Result<()> {
    archive.append_data(&mut header(EntryType::Directory, 0), path, io::empty())
}

fn add<W: Write>(archive: &mut Builder<W>, path: &str, bytes: u64, content: impl Read) -> io::Result<()> {
    archive.append_data(&mut header(EntryType::Regular, bytes), path, content)
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Counters, Ended, Quota, Sandbox, Stream};

    /// Kind, path, link and content of an entry.
    type Packed = (EntryType, String, String, Vec<u8>);

    fn files() -> Vfs {
        Sandbox::files(Quota { bytes: 1 << 30, entries: 100_000 }).unwrap()
    }

    fn link(files: &mut Vfs, from: &str, to: &str) {
        let ino = files.resolve(Vfs::ROOT, from, false).unwrap().ino.unwrap();
        let found = files.resolve(Vfs::ROOT, to, false).unwrap();
        files.link(ino, &found, 0).unwrap();
    }

    /// What comes back: exit, reason, and the archive's entries with kind, path, link and content.
    fn sealed(files: Vfs, limit: u64) -> (Exit, Option<String>, Vec<Packed>) {
        let (key, object_key) = (DataKey::from_bytes([1; 32]), ObjectKey::from_bytes([2; 32]));
        let mut stdout = Stream::new(100);
        stdout.write(b"printed");
        let run = Run {
            ended: Ended::Exit(Exit::Code(0)),
            reason: None,
            files,
            stdout,
            stderr: Stream::new(0),
            fuel_used: 1,
            memory_bytes: 1,
            counters: Counters::default(),
        };
        let mut summary = Summary::of(Exit::Code(0), &run);
        let output = seal(&key, &object_key, &mut summary, Some(run), limit).unwrap();
        let plain = blockcloud_seal::open(&key, &output.bytes).unwrap();
        let mut archive = tar::Archive::new(&plain[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let link = entry.link_name().unwrap().map_or(String::new(), |link| link.display().to_string());
            (entry.header().entry_type(), entry.path().unwrap().display().to_string(), link, content)
        });
        (summary.exit, summary.reason, entries.collect())
    }

    #[test]
    fn a_file_with_several_names_is_packed_once() {
        let mut files = files();
        files.load("/output/b", b"content", 0).unwrap();
        files.load("/tmp/elsewhere", b"other", 0).unwrap();
        link(&mut files, "output/b", "output/a");
        link(&mut files, "tmp/elsewhere", "output/c");
        let (exit, _, entries) = sealed(files, 1 << 20);
        assert_eq!(exit, Exit::Code(0));
        let expected = [
            (EntryType::Directory, "output/", "", &b""[..]),
            (EntryType::Regular, "output/a", "", b"content"),
            (EntryType::Link, "output/b", "output/a", b""),
            (EntryType::Regular, "output/c", "", b"other"),
            (EntryType::Regular, "stdout", "", b"printed"),
            (EntryType::Regular, "stderr", "", b""),
        ];
        let expected = expected.map(|(kind, path, link, content)| (kind, path.to_owned(), link.to_owned(), content.to_vec()));
        assert_eq!(entries[..6], expected);
    }

    #[test]
    fn beyond_the_limit_only_what_was_printed_and_the_reason_come_back() {
        let mut many = files();
        let deep = vec!["d".repeat(200); 10].join("/");
        many.load(&format!("/output/{deep}/file"), b"x", 0).unwrap();
        for number in 0..1000 {
            link(&mut many, &format!("output/{deep}/file"), &format!("output/{deep}/{number}"));
        }
        // A byte of content, but every name of it takes five kilobytes.
        let (exit, reason, entries) = sealed(many, 1 << 20);
        assert_eq!(exit, Exit::Trap);
        assert!(reason.unwrap().contains("not handed over"));
        let paths: Vec<_> = entries.iter().map(|(_, path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["output/", "stdout", "stderr", "summary.json"]);
        assert_eq!(entries[1].3, b"printed");
    }

    #[test]
    fn what_is_counted_is_what_is_packed() {
        let mut files = files();
        for length in [1, 89, 90, 91, 92, 93, 94, 180] {
            let name = "n".repeat(length);
            files.load(&format!("/output/{name}"), &vec![7; length * 10], 0).unwrap();
            let found = files.resolve(Vfs::ROOT, &format!("output/l{name}"), false).unwrap();
            files.create_symlink(&found, &"t".repeat(length + 8), 0).unwrap();
            link(&mut files, &format!("output/{name}"), &format!("output/z{name}"));
        }
        let counted = packed_len(&files, u64::MAX).unwrap();
        let mut archive = Builder::new(Vec::new());
        add_output(&mut archive, &mut files).unwrap();
        let packed = length(archive.get_ref().len());
        assert_eq!(packed, counted);
    }

    #[test]
    fn the_limit_is_met_exactly() {
        let mut files = files();
        files.load("/output/a", &[1; 1000], 0).unwrap();
        let counted = packed_len(&files, u64::MAX).unwrap();
        assert_eq!((packed_len(&files, counted), packed_len(&files, counted - 1)), (Some(counted), None));
    }
}
