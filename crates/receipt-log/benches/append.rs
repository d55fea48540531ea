//! How many receipts a core appends per second: in memory, durably, and with the `ct-merkle` crate on the same records.
//!
//! `cargo bench -p blockcloud-receipt-log` prints a markdown table of medians. Each round runs every case once on one thread, so that a slow
//! moment of the machine meets them all. "Per core" counts the processor time of that thread, which work elsewhere on the machine hardly inflates;
//! "by the clock" includes waiting for the disk and for a free core. Without `--bench` (as `cargo test` runs it) it only shows that everything
//! works, with few receipts.
//!
//! Not here: proofs, several cores, the tiers above a single log.

use blockcloud_primitives::{Digest, JobId, Op, Party, Receipt, SiteId};
use blockcloud_receipt_log::{
    Frontier, Hash, LogOptions, ReceiptLog, Tree, lanes::Kernel, leaf_hash, node_hash, receipt_bytes, receipt_hash,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const JOB: JobId = JobId(1);

/// One case: its name, and what it does with the receipts. It returns the root, so that nothing can be left out and all can be compared.
type Case = (&'static str, fn(&[Receipt]) -> Option<Hash>);

const PLAIN: &str = "one by one: encode, hash, tree (`sha2`)";
const BATCHED: &str = "batches: encode, hash, frontier";
const THEIRS: &str = "`ct-merkle` 0.3: encode, push";

const CASES: [Case; 9] = [
    ("encode and the two hashes a receipt costs, no tree", hashes),
    (PLAIN, append),
    (BATCHED, frontier),
    ("batches: encode, hash, whole tree in memory", batched),
    (THEIRS, ct_merkle),
    ("`ReceiptLog`, synced every 100", durable::<100>),
    ("`ReceiptLog`, synced every 1,000", durable::<1_000>),
    ("`ReceiptLog`, synced every 10,000", durable::<10_000>),
    ("`ReceiptLog`, synced every 65,536", durable::<65_536>),
];

/// The floor under any such tree with this hash function: one leaf and, over time, one node per receipt.
fn hashes(receipts: &[Receipt]) -> Option<Hash> {
    let mut node = [0; 32];
    for receipt in receipts {
        node = node_hash(&node, &receipt_hash(receipt));
    }
    black_box(node);
    None
}

fn append(receipts: &[Receipt]) -> Option<Hash> {
    let mut tree = Tree::new();
    for receipt in receipts {
        tree.append(receipt_hash(receipt));
    }
    Some(tree.root())
}

fn frontier(receipts: &[Receipt]) -> Option<Hash> {
    let mut frontier = Frontier::new();
    frontier.append_receipts(receipts);
    Some(frontier.root())
}

fn batched(receipts: &[Receipt]) -> Option<Hash> {
    let mut tree = Tree::new();
    tree.append_receipts(receipts);
    Some(tree.root())
}

fn ct_merkle(receipts: &[Receipt]) -> Option<Hash> {
    let mut tree = MemoryBackedTree::<Sha256, [u8; Receipt::ENCODED_LEN]>::new();
    for receipt in receipts {
        tree.push(receipt_bytes(receipt));
    }
    Some((*tree.root().as_bytes()).into())
}

fn durable<const GROUP: usize>(receipts: &[Receipt]) -> Option<Hash> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("append-{}", std::process::id()));
    let (mut log, _) = ReceiptLog::open(&folder, JOB, LogOptions::default()).expect("the target folder can be written to");
    for group in receipts.chunks(GROUP) {
        log.append(group).expect("receipts come in sequence");
        log.sync().expect("the disk takes them");
    }
    let root = log.root();
    drop(log);
    fs::remove_dir_all(folder).expect("the folder was there");
    Some(root)
}

fn receipts(count: u64) -> Vec<Receipt> {
    (0..count)
        .map(|seq| {
            let fill = |part: u8| Digest(leaf_hash(&[&seq.to_le_bytes()[..], &[part]].concat()));
            let salt = fill(4).0;
            Receipt {
                version: Receipt::VERSION,
                job: JOB,
                seq,
                time: 1_700_000_000_000 + seq,
                op: Op::Read,
                object: fill(0),
                offset: seq * 4096,
                bytes: 4096,
                digest: fill(1),
                actor: fill(2),
                from: Party::site(SiteId(1)),
                to: Party::GUEST,
                derived_from: fill(3),
                purpose: 0,
                salt: salt[..16].try_into().expect("half of a hash"),
            }
        })
        .collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The limit that each kernel sets: blocks of 64 bytes per second, over receipts' leaves and over nodes, messages within the caches.
fn kernels(measure: bool) -> Vec<(Kernel, f64, f64)> {
    const MESSAGES: usize = 96;
    let (rounds, repeats) = if measure { (31, 200) } else { (1, 1) };
    let entries = [[0x5a; Receipt::ENCODED_LEN]; MESSAGES];
    let children = [[0xa5; 32]; 2 * MESSAGES];
    let mut hashes = [[0; 32]; MESSAGES];
    let mut times: Vec<_> = Kernel::available().map(|kernel| (kernel, Vec::new(), Vec::new())).collect();
    for _ in 0..rounds {
        for (kernel, leaves, nodes) in &mut times {
            for (times, is_leaf) in [(leaves, true), (nodes, false)] {
                let start = processor_time();
                for _ in 0..repeats {
                    let done = if is_leaf { kernel.leaves(&entries, &mut hashes) } else { kernel.nodes(&children, &mut hashes) };
                    done.expect("as many hashes as messages");
                    black_box(&mut hashes);
                }
                times.push(processor_time() - start);
            }
        }
    }
    let rate = |times, blocks: usize| (blocks * MESSAGES * repeats) as f64 / median(times).as_secs_f64();
    times.into_iter().map(|(kernel, leaves, nodes)| (kernel, rate(leaves, 5), rate(nodes, 2))).collect()
}

fn main() {
    let measure = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if measure { (200_000, 11) } else { (300, 1) };
    let receipts = receipts(count);
    let expected = append(&receipts);
    let mut times = CASES.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        for ((name, case), (processor, clock)) in CASES.iter().zip(&mut times) {
            let (start, processor_start) = (Instant::now(), processor_time());
            let root = case(&receipts);
            clock.push(start.elapsed());
            processor.push(processor_time() - processor_start);
            assert!(root.is_none() || root == expected, "{name}: another root than ours");
        }
    }

    let kernels = kernels(measure);
    if !measure {
        println!("all cases arrive at one root; `cargo bench` measures");
        return;
    }
    println!("Kernels, {} MHz as the system says; this run appends with {}", megahertz(), Kernel::fastest());
    println!();
    println!("| kernel | leaves: million blocks/s | nodes: million blocks/s | limit: million receipts/s (5 + 2 blocks) |");
    println!("| --- | ---: | ---: | ---: |");
    for (kernel, leaves, nodes) in &kernels {
        println!("| {kernel} | {:.1} | {:.1} | {:.2} |", leaves / 1e6, nodes / 1e6, 1e-6 / (5.0 / leaves + 2.0 / nodes));
    }
    println!();
    let medians = times.map(|(processor, clock)| (median(processor), median(clock)));
    let of = |name| CASES.iter().zip(medians).find(|((case, _), _)| *case == name).map_or(Duration::ZERO, |(_, (processor, _))| processor);
    let (theirs, plain) = (of(THEIRS).as_secs_f64(), of(PLAIN).as_secs_f64());
    println!("{count} receipts of {} bytes, median of {rounds} rounds, one thread, {}", Receipt::ENCODED_LEN, hardware());
    println!();
    println!("| case | receipts/s per core | ns per receipt | against `sha2` one by one | against `ct-merkle` | receipts/s by the clock |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for ((name, _), (processor, clock)) in CASES.iter().zip(medians) {
        let (processor, clock, count) = (processor.as_secs_f64(), clock.as_secs_f64(), count as f64);
        let (rate, each, by_the_clock) = (count / processor, processor * 1e9 / count, count / clock);
        println!("| {name} | {rate:.0} | {each:.0} | {:.2} x | {:.2} x | {by_the_clock:.0} |", plain / processor, theirs / processor);
    }
    let limit =
        kernels.iter().find(|(kernel, ..)| *kernel == Kernel::fastest()).map_or(f64::NAN, |(_, leaves, nodes)| 5.0 / leaves + 2.0 / nodes);
    println!();
    println!("Batches take {:.2} times as long as the kernel by itself.", of(BATCHED).as_secs_f64() / count as f64 / limit);
}

/// Processor time of this thread so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn megahertz() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("cpu MHz"));
    line.map_or_else(|| "unknown".into(), |line| line.trim_start_matches([' ', '\t', ':']).into())
}

#[cfg(target_arch = "x86_64")]
fn hardware() -> &'static str {
    if std::is_x86_feature_detected!("sha") { "SHA-NI" } else { "no SHA-NI" }
}

#[cfg(not(target_arch = "x86_64"))]
fn hardware() -> &'static str {
    std::env::consts::ARCH
}
