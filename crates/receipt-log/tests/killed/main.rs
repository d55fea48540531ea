//! Logs in a process that is killed. A test binary of its own: a process that starts others lends them its locks for a moment, and tests
//! beside it would find their logs in use.

#[allow(dead_code)]
#[path = "../receipt_log/common.rs"]
mod common;

use blockcloud_receipt_log::{LogOptions, Recovery};
use common::{expected_tree, open, receipts};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Small segments, and a head for every other one.
const SMALL: LogOptions = LogOptions { segment: 512, head_every: 1_000 };

/// What the process that is to be killed does, when [`a_killed_process_loses_nothing_it_acknowledged`] starts this test with a folder: it appends groups of
/// random sizes and says how many receipts it acknowledges.
#[test]
fn appends_until_it_is_killed() {
    let Some(root) = env::var_os("RECEIPT_LOG_FOLDER") else { return };
    let mut random = Random(env::var("RECEIPT_LOG_SEED").unwrap().parse().unwrap());
    let (mut log, recovery) = open(Path::new(&root), SMALL);
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {}", recovery.receipts).unwrap();
    loop {
        let group = random.below(400);
        log.append(&receipts(log.size()..log.size() + group)).unwrap();
        if random.below(4) > 0 {
            log.sync().unwrap();
            writeln!(out, "acknowledged {}", log.confirmed()).unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let seed = env::var("RECEIPT_LOG_SEED").map_or(20_261_126, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..12 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "appends_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env("RECEIPT_LOG_FOLDER", folder.path())
            .env("RECEIPT_LOG_SEED", random.below(u64::MAX).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut number = |line: String| line.split_once("acknowledged ").map(|(_, number)| number.parse::<u64>().unwrap());
        let mut heard = lines.by_ref().filter_map(&mut number);
        // After so many acknowledgements, and as much later as it takes for the signal to arrive.
        for _ in 0..=random.below(30) {
            acknowledged = heard.next().expect("it goes on until it is killed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was in the pipe was acknowledged, too; the last line may be cut.
        drop(heard);
        for line in lines.filter(|line| line.starts_with("acknowledged ")) {
            let Ok(more) = line["acknowledged ".len()..].parse::<u64>() else { continue };
            acknowledged = acknowledged.max(more);
        }
        let (log, recovery) = open(folder.path(), SMALL);
        assert!(recovery.receipts >= acknowledged, "seed {seed}, round {round}: {} of {acknowledged} acknowledged", recovery.receipts);
        assert_eq!(log.root(), expected_tree(recovery.receipts).root());
        log.tree().audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    }
    assert!(acknowledged > 0);
}

/// What the process that is to be killed does, when [`a_killed_process_erased_what_it_acknowledged_and_nothing_else`] starts this test with a folder: it
/// erases one receipt after the other, and says so before and after.
#[test]
fn erases_until_it_is_killed() {
    let Some(root) = env::var_os("RECEIPT_LOG_ERASED") else { return };
    let (mut log, _) = open(Path::new(&root), SMALL);
    let mut out = std::io::stdout().lock();
    for index in 0..log.size() {
        if log.receipts(index, 1).is_err() {
            continue;
        }
        writeln!(out, "begun {index}").unwrap();
        log.erase(index).unwrap();
        writeln!(out, "erased {index}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_process_erased_what_it_acknowledged_and_nothing_else() {
    const SIZE: u64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path(), SMALL);
    log.append(&receipts(0..SIZE)).unwrap();
    log.sync().unwrap();
    drop(log);
    let mut random = Random(7);
    for round in 0..8 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "erases_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env("RECEIPT_LOG_ERASED", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        for _ in 0..random.below(40) {
            lines.next();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The last line may be cut; then it says less than was done.
        let last = |word: &str, lines: &[String]| lines.iter().filter_map(|line| line.split_once(word)?.1.parse::<u64>().ok()).max();
        let heard: Vec<_> = lines.collect();
        let acknowledged = last("erased ", &heard);
        let (log, recovery) = open(folder.path(), SMALL);
        assert_eq!((recovery, log.root()), (Recovery { receipts: SIZE, dropped_bytes: 0 }, expected_tree(SIZE).root()));
        log.tree().audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
        let erased = (0..SIZE).take_while(|index| log.receipts(*index, 1).is_err()).count() as u64;
        assert!(acknowledged.is_none_or(|last| erased > last), "round {round}: {acknowledged:?} acknowledged, {erased} erased");
        assert!(log.receipts(erased, usize::MAX).unwrap() == receipts(erased..SIZE));
    }
}

/// splitmix64: a sequence that its seed says.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
