//! Ordinary programs, compiled for `wasm32-wasip1`, in the sandbox.

use crate::common::{Recorder, build_program, run};
use blockcloud_guest::sandbox::{Ended, vfs::Node};
use blockcloud_primitives::{Exit, Op};
use std::sync::LazyLock;

static MODULE: LazyLock<Vec<u8>> = LazyLock::new(|| build_program("files-exerciser"));
const WORDS: &[u8] = b"the quick brown fox\njumps over the lazy dog\n";

#[test]
fn a_program_that_uses_files_broadly_finds_what_posix_promises() {
    let recorder = Recorder::default();
    let run = run(&MODULE, &["a", "b c"], &[("/input/words.txt", WORDS)], &recorder);
    let stdout = String::from_utf8_lossy(&run.stdout.bytes()).into_owned();
    let stderr = String::from_utf8_lossy(&run.stderr.bytes()).into_owned();
    assert_eq!(run.ended, Ended::Exit(Exit::Code(0)), "stdout: {stdout}\nstderr: {stderr}\n{:?}", run.reason);
    for line in [
        "args [\"a\", \"b c\"]",
        "current directory /",
        "words 9",
        "/ holds [\"input\", \"output\", \"tmp\"]",
        "/input holds [\"words.txt\"]",
        "/output holds [\"copy.txt\", \"large.bin\", \"log.txt\", \"new.txt\"]",
        "time: ok",
    ] {
        assert!(stdout.lines().any(|seen| seen == line), "{line} is missing in:\n{stdout}");
    }
    let found = run.files.resolve(blockcloud_guest::sandbox::Vfs::ROOT, "output/tree/inner/leaf", false).unwrap();
    assert!(matches!(run.files.node(found.ino.unwrap()), Some(Node::File(content)) if content.len() == 4));
}

#[test]
fn large_sequential_writes_are_joined_and_small_files_are_one_read() {
    let recorder = Recorder::default();
    run(&MODULE, &[], &[("/input/words.txt", WORDS)], &recorder);
    let events = recorder.take();
    let written: Vec<_> = events.iter().filter(|event| event.op == Op::Write && event.object == "/output/large.bin").collect();
    // 3,000,000 bytes in blocks of 100,000: a span ends with the first block that reaches 1 MiB.
    assert_eq!(
        written.iter().map(|event| (event.offset, event.bytes)).collect::<Vec<_>>(),
        [(0, 1_100_000), (1_100_000, 1_100_000), (2_200_000, 800_000)]
    );
    let read: Vec<_> = events.iter().filter(|event| event.op == Op::Read && event.object == "/input/words.txt").collect();
    assert!(!read.is_empty());
    for event in read {
        assert_eq!((event.offset, event.bytes), (0, WORDS.len() as u64));
        assert_eq!(event.digest, blockcloud_primitives::Digest::keyed(&crate::common::KEY, WORDS));
    }
    assert!(
        events
            .iter()
            .any(|event| event.op == Op::Access && event.object == "/output/tree" && event.derived_from.as_deref() == Some("/tmp/tree"))
    );
    assert!(events.iter().any(|event| event.op == Op::Erase && event.object == "/tmp/to"));
}

#[test]
fn the_same_run_says_the_same_and_leaves_the_same_events() {
    let runs = [(); 2].map(|()| {
        let recorder = Recorder::default();
        let run = run(&MODULE, &["x"], &[("/input/words.txt", WORDS)], &recorder);
        (run.stdout.bytes().to_vec(), run.fuel_used, run.counters, recorder.take())
    });
    assert!(runs[0] == runs[1]);
}
