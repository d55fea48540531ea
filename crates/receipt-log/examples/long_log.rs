//! What a log of many receipts costs: memory at every power of ten, and then the time of inclusion proofs from its tiles.
//!
//! ```text
//! cargo run --release -p blockcloud-receipt-log --example long_log -- tiles   FOLDER COUNT [ONE_IN]
//! cargo run --release -p blockcloud-receipt-log --example long_log -- prove   FOLDER COUNT [ONE_IN]
//! cargo run --release -p blockcloud-receipt-log --example long_log -- durable FOLDER COUNT GROUP KEEP
//! ```
//!
//! `tiles` encodes and hashes receipts and writes the tiles, no entries. With `ONE_IN` above one, only every so many tiles of level 0 are kept, for want of
//! disk; proofs are then asked for leaves in those, and all that such a proof reads is on the disk. `prove` asks for proofs from such tiles again. `durable` appends to a `ReceiptLog`, syncs every `GROUP`
//! receipts, and keeps at least the `KEEP` newest of them.
//!
//! Proofs are cold as far as `posix_fadvise(DONTNEED)` makes them: the data of every file of a proof leaves the page cache before it is made; what the file
//! system knows about names stays. The folder must be empty. Not here: several cores, networks.

use blockcloud_primitives::{Digest, JobId, Op, Party, Receipt, SiteId};
use blockcloud_receipt_log::{
    Frontier, Hash, LogOptions, ReceiptLog, node_hash, receipt_hashes,
    tiles::{Packed, Part, Store, TILE_WIDTH, TileId, TileTree, TileWriter},
    verify_inclusion,
};
use rustix::fs::Advice;
use std::{
    env, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const JOB: JobId = JobId(1);
const BATCH: u64 = 4096;
const PROOFS: u64 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["tiles", folder, count] => tiles(Path::new(folder), count.parse()?, 1),
        ["tiles", folder, count, one_in] => tiles(Path::new(folder), count.parse()?, one_in.parse()?),
        ["prove", folder, count] => prove(Path::new(folder), count.parse()?, 1),
        ["prove", folder, count, one_in] => prove(Path::new(folder), count.parse()?, one_in.parse()?),
        ["durable", folder, count, group, keep] => durable(Path::new(folder), count.parse()?, group.parse()?, keep.parse()?),
        _ => Err("usage: tiles FOLDER COUNT [ONE_IN] | prove FOLDER COUNT [ONE_IN] | durable FOLDER COUNT GROUP KEEP".into()),
    }
}

fn tiles(folder: &Path, count: u64, one_in: u64) -> Result<(), Box<dyn std::error::Error>> {
    let store = Thinned { directory: Packed::open(folder)?, one_in: one_in.max(1) };
    let mut writer = TileWriter::new(store);
    let mut receipts = receipts();
    let mut leaves = vec![[0; 32]; BATCH as usize];
    let mut progress = Progress::new();
    while writer.frontier().size() < count {
        let first = writer.frontier().size();
        let batch = BATCH.min(progress.next(count) - first) as usize;
        renumber(&mut receipts, first);
        receipt_hashes(&receipts[..batch], &mut leaves[..batch])?;
        writer.append(&leaves[..batch])?;
        progress.at(first + batch as u64);
    }
    writer.publish()?;
    writer.store().sync()?;
    progress.end(count);
    prove(folder, count, one_in)
}

/// Proofs from tiles that were written before. The frontier is taken from the partial tiles, which nobody vouches for here.
fn prove(folder: &Path, count: u64, one_in: u64) -> Result<(), Box<dyn std::error::Error>> {
    let store = Thinned { directory: Packed::open(folder)?, one_in: one_in.max(1) };
    let mut peaks = Vec::new();
    for height in (0..u64::BITS).rev().filter(|height| count >> height & 1 == 1) {
        let tile = TileId::hashes((height / 8) as u8, (count >> (height / 8 * 8)) / TILE_WIDTH, count).ok_or("no such tile")?;
        let bytes = store.read(&tile.to_string())?.ok_or("a partial tile is missing")?;
        // Subtrees stand in it from the largest, as many hashes each as they have on its level.
        let on_level = (count >> (height / 8 * 8)) % TILE_WIDTH;
        let before = on_level - on_level % (2 << (height % 8));
        let mut hashes: Vec<Hash> = bytes.as_chunks().0[before as usize..][..1 << (height % 8)].to_vec();
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        peaks.extend(hashes);
    }
    let tree = TileTree::new(store, Frontier::from_peaks(count, peaks).ok_or("no such tree")?);
    let index = |random: u64| {
        // A leaf in a tile that was kept.
        let tiles = count.div_ceil(TILE_WIDTH).div_ceil(one_in);
        (random / TILE_WIDTH % tiles * one_in * TILE_WIDTH + random % TILE_WIDTH).min(count - 1)
    };
    proofs(folder, &tree, count, index)
}

fn durable(folder: &Path, count: u64, group: u64, keep: u64) -> Result<(), Box<dyn std::error::Error>> {
    let (mut log, _) = ReceiptLog::open(folder, JOB, LogOptions::default())?;
    let mut receipts = receipts();
    let (mut progress, mut since_sync) = (Progress::new(), 0);
    while log.size() < count {
        let first = log.size();
        let batch = BATCH.min(progress.next(count) - first).min(group - since_sync);
        renumber(&mut receipts, first);
        log.append(&receipts[..batch as usize])?;
        since_sync += batch;
        if since_sync == group || log.size() == count {
            log.sync()?;
            since_sync = 0;
        }
        if log.confirmed() - log.kept_from() > keep + keep / 4 {
            log.prune(keep)?;
        }
        progress.at(first + batch);
    }
    progress.end(count);
    drop(log);
    let start = Instant::now();
    let (log, recovery) = ReceiptLog::open(folder, JOB, LogOptions::default())?;
    println!("opened again in {:.2?}: {} receipts, entries from {} on", start.elapsed(), recovery.receipts, log.kept_from());
    proofs(folder, &log.tree(), count, |random| random % count)
}

/// Inclusion proofs of random leaves, every one verified.
fn proofs(folder: &Path, tree: &TileTree<impl Store>, size: u64, index: impl Fn(u64) -> u64) -> Result<(), Box<dyn std::error::Error>> {
    let root = tree.frontier().root();
    let mut random = 1_u64;
    let (mut cold, mut warm, mut verified, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..PROOFS {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let index = index(random >> 16);
        for level in 0..8 {
            if let Some(tile) = TileId::hashes(level, index >> (8 * (u32::from(level) + 1)), size) {
                forget(&folder.join(tile.to_string()))?;
            }
        }
        forget(&folder.join(format!("leaves/{:010}", index >> 16)))?;
        let start = Instant::now();
        let proof = tree.inclusion_proof(index, size)?;
        cold.push(start.elapsed());
        let start = Instant::now();
        tree.inclusion_proof(index, size)?;
        warm.push(start.elapsed());
        let leaf = tree.leaf(index)?;
        let start = Instant::now();
        verify_inclusion(&root, size, index, &leaf, &proof)?;
        verified.push(start.elapsed());
        hashes = hashes.max(proof.len());
    }
    println!("{PROOFS} inclusion proofs of random leaves of {size}, at most {hashes} hashes = {} bytes", hashes * 32);
    println!("| | p50 | p99 | largest |");
    println!("| --- | ---: | ---: | ---: |");
    for (name, mut times) in [("made from tiles, cold", cold), ("made from tiles, again", warm), ("verified", verified)] {
        times.sort();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        println!("| {name} | {:.1?} | {:.1?} | {:.1?} |", at(50), at(99), at(100));
    }
    Ok(())
}

/// Takes a file's data out of the page cache.
fn forget(path: &PathBuf) -> io::Result<()> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        file => {
            let file = file?;
            file.sync_all()?;
            Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
        }
    }
}

/// A folder that keeps only some tiles of level 0.
#[derive(Debug)]
struct Thinned {
    directory: Packed,
    one_in: u64,
}

impl Store for Thinned {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.directory.read(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let thin = self.one_in > 1
            && TileId::parse(path).is_some_and(|tile| tile.part == Part::Hashes { level: 0 } && tile.index % self.one_in != 0);
        if thin { Ok(()) } else { self.directory.write(path, bytes) }
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.directory.delete(path)
    }

    fn sync(&self) -> io::Result<()> {
        self.directory.sync()
    }
}

/// Says at every power of ten what it took until there.
struct Progress {
    start: Instant,
    next: u64,
}

impl Progress {
    fn new() -> Self {
        println!("| receipts | seconds | processor seconds | million/s by the clock | million/s per core | VmHWM |");
        println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
        Self { start: Instant::now(), next: 1_000 }
    }

    /// Where to say something next, or the end.
    fn next(&self, count: u64) -> u64 {
        self.next.min(count)
    }

    fn at(&mut self, size: u64) {
        if size == self.next {
            self.say(size);
            self.next *= 10;
        }
    }

    fn end(&self, count: u64) {
        self.say(count);
        println!();
    }

    fn say(&self, size: u64) {
        let (clock, processor) = (self.start.elapsed().as_secs_f64(), processor_time().as_secs_f64());
        let (by_clock, per_core) = (size as f64 / clock / 1e6, size as f64 / processor / 1e6);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim).to_owned();
        println!("| {size} | {clock:.2} | {processor:.2} | {by_clock:.2} | {per_core:.2} | {memory} |");
    }
}

/// Processor time of this thread so far, the system's work for it included.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn receipts() -> Vec<Receipt> {
    let receipt = Receipt {
        version: Receipt::VERSION,
        job: JOB,
        seq: 0,
        time: 1_700_000_000_000,
        op: Op::Read,
        object: Digest([1; 32]),
        offset: 0,
        bytes: 4096,
        digest: Digest([2; 32]),
        actor: Digest([3; 32]),
        from: Party::site(SiteId(1)),
        to: Party::GUEST,
        derived_from: Digest([4; 32]),
        purpose: 0,
        salt: [5; 16],
    };
    vec![receipt; BATCH as usize]
}

/// Makes them the receipts from position `first` on.
fn renumber(receipts: &mut [Receipt], first: u64) {
    for (receipt, seq) in receipts.iter_mut().zip(first..) {
        (receipt.seq, receipt.time, receipt.offset) = (seq, 1_700_000_000_000 + seq / 1_000, seq * 4096);
        receipt.salt[..8].copy_from_slice(&seq.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
}
