//! The story of a job from the guest's side: everything it sends is checked as the chain, the customer and an auditor would.

use crate::common::agent::{Customer, Extras, FakeAgent, FakeProcessor, GENESIS, JOB, SITE, Seen};
use blockcloud_guest::{
    evidence::EvidenceError,
    job::{self, Finished, JobError},
    stop::{Stop, Stopped},
    transport::{Agent, Anchor, Renewal, TransportError},
};
use blockcloud_primitives::{Checkpoint, Digest, Exit, Op, Party, PublicKey, Receipt, ReportBinding, Signature, Usage};
use blockcloud_receipt_log::{EMPTY_ROOT, Tree, leaf_hash, verify_consistency, verify_inclusion};
use blockcloud_seal::ObjectKey;
use codec::{DecodeAll, Encode};
use ed25519_dalek::{Verifier, VerifyingKey};
use std::{collections::BTreeMap, io::Read};

/// Reads `/input/data`, writes it to `/output/copy` and prints `done`, through imports only.
const COPY: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (data (i32.const 100) "input/data") (data (i32.const 200) "output/copy") (data (i32.const 300) "done\n")
    (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
    (func (export "_start")
        (call $must (call $open (i32.const 3) (i32.const 1) (i32.const 100) (i32.const 10) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
        (call $must (call $open (i32.const 3) (i32.const 1) (i32.const 200) (i32.const 11) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 4)))
        (i32.store (i32.const 8) (i32.const 1000)) (i32.store (i32.const 12) (i32.const 60000))
        (call $must (call $read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 12)))
        (call $must (call $write (i32.load (i32.const 4)) (i32.const 8) (i32.const 1) (i32.const 16)))
        (i32.store (i32.const 8) (i32.const 300)) (i32.store (i32.const 12) (i32.const 5))
        (call $must (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))"#;
const ENDLESS: &str = r#"(module (func (export "_start") (loop (br 0))))"#;
const CANARY: &[u8] = b"the-canary-that-nobody-outside-may-ever-see";

struct Story {
    done: Result<Finished, JobError>,
    seen: Seen,
    data_key: blockcloud_seal::DataKey,
    object_key: ObjectKey,
}

async fn play(customer: Customer, seen: Seen) -> Story {
    let (data_key, object_key) = (customer.data_key.clone(), customer.object_key.clone());
    let processor = FakeProcessor(customer.launch.spec.terms());
    let agent = FakeAgent::start(customer, seen).await;
    let stop = Stop::default();
    let done = job::run(&Agent::new(&agent.url, stop.clone()).unwrap(), &processor, &stop).await;
    let seen = std::mem::take(&mut *agent.seen.lock().unwrap());
    Story { done, seen, data_key, object_key }
}

fn copy_job() -> Customer {
    Customer::new(&wat::parse_str(COPY).unwrap(), &["secret-argument"], &[("data", CANARY)])
}

impl Story {
    fn receipts(&self) -> Vec<Receipt> {
        let mut receipts: Vec<Receipt> = Vec::new();
        for increment in &self.seen.increments {
            assert_eq!(increment.first_seq, receipts.len() as u64, "no gap and no overlap");
            let bytes = hex::decode(increment.receipts.strip_prefix("0x").unwrap()).unwrap();
            receipts.extend(bytes.chunks(Receipt::ENCODED_LEN).map(|bytes| Receipt::decode_all(&mut &bytes[..]).unwrap()));
        }
        receipts
    }

    /// Checks every signature, root, proof, clock and counter of the log.
    fn check_log(&self) -> Vec<Receipt> {
        let receipts = self.receipts();
        let evidence = self.seen.evidence.as_ref().unwrap();
        let mut tree = Tree::new();
        let mut previous: Option<Checkpoint> = None;
        for increment in &self.seen.increments {
            let Checkpoint { version, job, size, root, time, usage, previous_size, previous_root } = increment.checkpoint;
            while tree.size() < size {
                tree.append(leaf_hash(&receipts[tree.size() as usize].encode()));
            }
            assert_eq!((version, job, root.0), (1, JOB, tree.root()));
            verify(&evidence.receipt_key, &increment.checkpoint.signing_payload(&GENESIS), &increment.signature);
            let before =
                previous.map_or((0, EMPTY_ROOT, 0, Usage::default()), |before| (before.size, before.root.0, before.time, before.usage));
            assert_eq!((previous_size, previous_root.0), (before.0, before.1));
            assert!(time > before.2 && usage.extends(&before.3) && size > before.0);
            if before.0 > 0 {
                let proof = tree.consistency_proof(before.0, size).unwrap();
                verify_consistency(before.0, &before.1, size, &root.0, &proof).unwrap();
            }
            previous = Some(increment.checkpoint);
        }
        for (seq, receipt) in receipts.iter().enumerate() {
            assert_eq!((receipt.version, receipt.job, receipt.seq), (1, JOB, seq as u64));
        }
        receipts
    }

    /// Checks the last word as the chain does.
    fn check_completion(&self, receipts: &[Receipt]) {
        let completed = self.seen.completed.as_ref().unwrap();
        let evidence = self.seen.evidence.as_ref().unwrap();
        verify(&evidence.receipt_key, &completed.completion.signing_payload(&GENESIS), &completed.signature);
        let last = self.seen.increments.last().unwrap().checkpoint;
        assert_eq!((completed.completion.size, completed.completion.root), (last.size, last.root));
        assert_eq!(completed.erase_receipt, *receipts.last().unwrap());
        assert_eq!((completed.erase_receipt.op, completed.erase_receipt.seq), (Op::Erase, completed.completion.erased));
        let tree: Tree = receipts.iter().map(|receipt| leaf_hash(&receipt.encode())).collect();
        let proof = tree.inclusion_proof(completed.completion.erased, last.size).unwrap();
        let leaf = leaf_hash(&completed.erase_receipt.encode());
        verify_inclusion(&last.root.0, last.size, completed.completion.erased, &leaf, &proof).unwrap();
    }

    /// The archive, opened as the customer does.
    fn archive(&self) -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
        let output = self.seen.completed.as_ref().unwrap().completion.output;
        let sealed = &self.seen.outputs[&output.digest];
        assert_eq!((Digest::of(sealed), sealed.len() as u64), (output.digest, output.bytes));
        let plain = blockcloud_seal::open(&self.data_key, sealed).unwrap();
        let mut archive = tar::Archive::new(&plain[..]);
        let files = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                (entry.path().unwrap().display().to_string(), bytes)
            })
            .collect();
        (plain, files)
    }
}

fn verify(key: &PublicKey, message: &[u8], signature: &Signature) {
    let key = VerifyingKey::from_bytes(&key.0).unwrap();
    key.verify(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_launch_to_completion() {
    let story = play(copy_job(), Seen::default()).await;
    let finished = story.done.as_ref().unwrap();
    assert_eq!(finished.completion.exit, Exit::Code(0));
    let receipts = story.check_log();
    story.check_completion(&receipts);

    let (plain, files) = story.archive();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["output/", "output/copy", "stderr", "stdout", "summary.json"]);
    assert_eq!((&files["output/copy"][..], &files["stdout"][..], &files["stderr"][..]), (CANARY, &b"done\n"[..], &b""[..]));
    let summary: serde_json::Value = serde_json::from_slice(&files["summary.json"]).unwrap();
    assert_eq!(summary["exit"], serde_json::json!({ "code": 0 }));
    assert!(summary["fuel_used"].as_u64().unwrap() > 0);

    let name = |name: &str| story.object_key.digest(name.as_bytes());
    let guest = Digest(story.seen.evidence.as_ref().unwrap().receipt_key.0);
    let module = Digest::of(&wat::parse_str(COPY).unwrap());
    let done: Vec<_> =
        receipts.iter().filter(|receipt| receipt.op != Op::Heartbeat).map(|receipt| (receipt.op, receipt.object, receipt.actor)).collect();
    assert_eq!(
        done,
        [
            (Op::KeyRelease, Digest::ZERO, guest),
            (Op::Ingest, name("manifest"), guest),
            (Op::Ingest, name("module"), guest),
            (Op::Ingest, name("/input/data"), guest),
            (Op::Access, name("/input/data"), module),
            (Op::Access, name("/output/copy"), module),
            // What is still open at the end is reported in the order of the descriptors.
            (Op::Write, name("stdout"), module),
            (Op::Read, name("/input/data"), module),
            (Op::Write, name("/output/copy"), module),
            (Op::Process, name("output"), module),
            (Op::Store, name("output"), guest),
            (Op::Erase, Digest::ZERO, guest),
        ]
    );
    let only = |op| *receipts.iter().find(|receipt| receipt.op == op).unwrap();
    assert_eq!((only(Op::Read).digest, only(Op::Read).bytes), (story.object_key.digest(CANARY), CANARY.len() as u64));
    assert_eq!((only(Op::Process).digest, only(Op::Process).bytes), (story.object_key.digest(&plain), plain.len() as u64));
    assert_eq!((only(Op::Store).to, only(Op::Store).derived_from), (Party::site(SITE), only(Op::Process).digest));
    assert_eq!(only(Op::Ingest).from, Party::site(SITE));
    let usage = story.seen.increments.last().unwrap().checkpoint.usage;
    assert_eq!(usage.bytes_out, finished.completion.output.bytes);
    assert!(usage.bytes_in > CANARY.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_leaves_the_guest_shows_the_data() {
    let story = play(copy_job(), Seen::default()).await;
    story.done.unwrap();
    for secret in [CANARY, b"secret-argument", b"input/data", b"output/copy", b"done\n"] {
        let hex = hex::encode(secret);
        for form in [secret, hex.as_bytes()] {
            assert!(!story.seen.bytes.windows(form.len()).any(|window| window == form), "{}", String::from_utf8_lossy(form));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_makes_the_same_archive_and_receipts() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        stories.push(play(copy_job(), Seen::default()).await);
    }
    assert_eq!(stories[0].archive().0, stories[1].archive().0);
    // What may differ: time, salt, heartbeats (and with them positions), the guest's key, and the sealed bytes.
    let essence = |story: &Story| {
        let guest = Digest(story.seen.evidence.as_ref().unwrap().receipt_key.0);
        let receipts = story.check_log().into_iter().filter(|receipt| receipt.op != Op::Heartbeat);
        receipts
            .map(|receipt| {
                let sealed = matches!(receipt.op, Op::KeyRelease | Op::Store) || receipt.object == story.object_key.digest(b"manifest");
                Receipt {
                    seq: 0,
                    time: 0,
                    salt: [0; 16],
                    actor: if receipt.actor == guest { Digest::ZERO } else { receipt.actor },
                    digest: if sealed { Digest::ZERO } else { receipt.digest },
                    bytes: if receipt.op == Op::KeyRelease { 0 } else { receipt.bytes },
                    ..receipt
                }
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(essence(&stories[0]), essence(&stories[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_away_is_waited_for() {
    let routes = ["launch", "evidence", "key", "blobs", "output", "log", "completion", "control"];
    // The output longest of all, so that there is time for the log to grow meanwhile.
    let failures = routes.map(|route| (route, if route == "output" { 6 } else { 3 }));
    let seen = Seen { failures: failures.into_iter().collect(), ..Seen::default() };
    let story = play(copy_job(), seen).await;
    assert_eq!(story.done.as_ref().unwrap().completion.exit, Exit::Code(0));
    let receipts = story.check_log();
    story.check_completion(&receipts);
    assert!(receipts.iter().any(|receipt| receipt.op == Op::Heartbeat), "the log grows while the guest waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_for_another_job_is_not_the_end() {
    let story = play(copy_job(), Seen { wrong_envelopes: 1, ..Seen::default() }).await;
    assert_eq!(story.done.unwrap().completion.exit, Exit::Code(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_provider_has_made_is_dropped() {
    let story = play(copy_job(), Seen { key_of_its_own: true, ..Seen::default() }).await;
    assert_eq!(story.done.as_ref().unwrap().completion.exit, Exit::Code(0));
    let receipts = story.check_log();
    let released: Vec<_> = receipts.iter().filter(|receipt| receipt.op == Op::KeyRelease).collect();
    let envelope = serde_json::to_vec(&story.seen.envelopes[0]).unwrap();
    assert_eq!((released.len(), released[0].digest), (1, Digest::of(&envelope)));
    assert_eq!(story.archive().1["output/copy"], CANARY);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_customers_key_there_is_nothing_to_be_paid_for() {
    let seen = Seen { key_of_its_own: true, no_key: true, stop_after_asking: Some(("key", 3)), ..Seen::default() };
    let story = play(copy_job(), seen).await;
    assert!(matches!(&story.done, Err(JobError::Stopped(_)) | Err(JobError::Transport(TransportError::Stopped(_)))), "{:?}", story.done);
    assert!(story.seen.increments.is_empty() && story.seen.outputs.is_empty() && story.seen.completed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_every_blob_the_key_is_not_asked_for() {
    let customer = copy_job();
    let withheld = vec![customer.launch.spec.inputs[1].digest];
    let story = play(customer, Seen { withheld, stop_after_asking: Some(("blobs", 6)), ..Seen::default() }).await;
    assert!(matches!(&story.done, Err(JobError::Transport(TransportError::Stopped(_)))), "{:?}", story.done);
    assert!(story.seen.increments.is_empty());
    assert!(!story.seen.asked.iter().any(|route| route == "key"), "{:?}", story.seen.asked);
}

/// Prints its arguments, its environment, what it reads from standard input, and sixteen random bytes.
const SURROUNDINGS: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "_start")
        (drop (call $args_sizes (i32.const 0) (i32.const 104))) (drop (call $args (i32.const 1000) (i32.const 2000)))
        (drop (call $environ_sizes (i32.const 0) (i32.const 112))) (drop (call $environ (i32.const 3000) (i32.const 4000)))
        (i32.store (i32.const 0) (i32.const 20000)) (i32.store (i32.const 4) (i32.const 100))
        (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 120)) (then unreachable))
        (drop (call $random (i32.const 30000) (i32.const 16)))
        (i32.store (i32.const 100) (i32.const 2000)) (i32.store (i32.const 108) (i32.const 4000))
        (i32.store (i32.const 116) (i32.const 20000)) (i32.store (i32.const 124) (i32.const 30000)) (i32.store (i32.const 128) (i32.const 16))
        (drop (call $write (i32.const 1) (i32.const 100) (i32.const 4) (i32.const 200)))))"#;

/// What [`SURROUNDINGS`] prints, its random bytes, and the receipts.
async fn surroundings(extras: Extras<'_>) -> (String, Vec<u8>, Vec<Receipt>) {
    let story = play(Customer::with(&wat::parse_str(SURROUNDINGS).unwrap(), &["x"], &[], extras), Seen::default()).await;
    assert_eq!(story.done.as_ref().unwrap().completion.exit, Exit::Code(0));
    let mut stdout = story.archive().1["stdout"].clone();
    let random = stdout.split_off(stdout.len() - 16);
    (String::from_utf8(stdout).unwrap(), random, story.check_log())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_finds_its_name_environment_and_standard_input() {
    let env = [("LANG", "de"), ("TOKEN", "hunter2")];
    let extras = Extras { module_path: Some("coreutils.wasm"), stdin: Some(b"from stdin"), env: &env, ..Extras::default() };
    let (printed, _, receipts) = surroundings(extras).await;
    assert_eq!(printed, "coreutils\0x\0HOME=/\0LANG=de\0PWD=/\0TMPDIR=/tmp\0TOKEN=hunter2\0TZ=UTC\0from stdin");
    let stdin = ObjectKey::from_bytes([2; 32]).digest(b"stdin");
    let about: Vec<_> = receipts.iter().filter(|receipt| receipt.object == stdin).map(|receipt| (receipt.op, receipt.bytes)).collect();
    assert_eq!(about, [(Op::Ingest, 10), (Op::Read, 10)]);
    let (printed, ..) = surroundings(Extras::default()).await;
    assert_eq!(
        printed, "module\0x\0HOME=/\0LANG=C.UTF-8\0PWD=/\0TMPDIR=/tmp\0TZ=UTC\0",
        "nothing comes from a standard input that is none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn randomness_comes_from_the_data_key_and_not_from_the_public_seed_alone() {
    let with_key = |byte| surroundings(Extras { data_key: Some(blockcloud_seal::DataKey::from_bytes([byte; 32])), ..Extras::default() });
    let (_, one, _) = with_key(1).await;
    assert_eq!(with_key(1).await.1, one, "whoever has the key can replay it");
    assert_ne!(with_key(2).await.1, one);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ended_in_time_is_handed_over_although_that_takes_longer() {
    let mut customer = copy_job();
    customer.launch.spec.longest_run = 1;
    // Six refusals and the pauses between them are three seconds.
    let story = play(customer, Seen { failures: [("output", 6)].into_iter().collect(), ..Seen::default() }).await;
    assert_eq!(story.done.as_ref().unwrap().completion.exit, Exit::Code(0));
    let receipts = story.check_log();
    story.check_completion(&receipts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_launched_for_other_terms_says_nothing() {
    let customer = copy_job();
    let agent = FakeAgent::start(customer, Seen::default()).await;
    let stop = Stop::default();
    let done = job::run(&Agent::new(&agent.url, stop.clone()).unwrap(), &FakeProcessor(Digest([0; 32])), &stop).await;
    assert!(matches!(done, Err(JobError::Evidence(EvidenceError::OtherTerms))));
    assert!(agent.seen.lock().unwrap().evidence.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_refuses_ends_the_job() {
    let story = play(copy_job(), Seen { refuse: Some("evidence"), ..Seen::default() }).await;
    match story.done {
        Err(JobError::Transport(TransportError::Refused { what: "evidence", status: 409, reason })) => assert_eq!(reason, "notwanted"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_job_is_erased_and_says_so() {
    let mut customer = Customer::new(&wat::parse_str(ENDLESS).unwrap(), &[], &[("data", CANARY)]);
    let blockcloud_primitives::Workload::Wasm { fuel, .. } = &mut customer.launch.spec.workload;
    *fuel = u64::MAX / 2;
    let story = play(customer, Seen { stop_after: Some(3), ..Seen::default() }).await;
    assert!(matches!(&story.done, Err(JobError::Stopped(Stopped(reason))) if reason == "cancelled"), "{:?}", story.done);
    let receipts = story.check_log();
    assert_eq!(receipts.last().unwrap().op, Op::Erase);
    assert!(story.seen.completed.is_none() && story.seen.outputs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_renewed_while_the_program_runs() {
    let mut customer = Customer::new(&wat::parse_str(ENDLESS).unwrap(), &[], &[]);
    let blockcloud_primitives::Workload::Wasm { fuel, .. } = &mut customer.launch.spec.workload;
    *fuel = u64::MAX / 2;
    let launch = customer.launch.clone();
    let renewal = Renewal { previous: Digest([21; 32]), anchor: Anchor { number: 80, hash: Digest([80; 32]) } };
    // It fails once on the way, and is tried again.
    let seen = Seen {
        renew: Some(renewal),
        failures: [("renewal", 1)].into_iter().collect(),
        stop_after_asking: Some(("renewal", 2)),
        ..Seen::default()
    };
    let story = play(customer, seen).await;
    let (first, renewed) = (story.seen.evidence.as_ref().unwrap(), &story.seen.renewed);
    assert_eq!(renewed.len(), 1);
    let renewed = &renewed[0];
    assert_eq!((renewed.receipt_key, renewed.wrapping_key, renewed.anchor), (first.receipt_key, first.wrapping_key, 80));
    let binding = ReportBinding {
        genesis: GENESIS,
        tee: renewed.tee,
        provider: launch.provider,
        job: JOB,
        terms: launch.spec.terms(),
        anchor: 80,
        anchor_hash: Digest([80; 32]),
        receipt_key: renewed.receipt_key,
        wrapping_key: renewed.wrapping_key,
        tls_key: None,
        gpu_evidence: None,
        previous: Some(renewal.previous),
    };
    assert_eq!(renewed.report[0x50..0x90], binding.report_data());
    verify(&renewed.receipt_key, &binding.report_data(), &renewed.possession);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_when_its_longest_run_is_over() {
    let mut customer = Customer::new(&wat::parse_str(ENDLESS).unwrap(), &[], &[]);
    let blockcloud_primitives::Workload::Wasm { fuel, .. } = &mut customer.launch.spec.workload;
    *fuel = u64::MAX / 2;
    customer.launch.spec.longest_run = 1;
    let story = play(customer, Seen::default()).await;
    assert!(matches!(&story.done, Err(JobError::Stopped(_))), "{:?}", story.done);
    assert_eq!(story.check_log().last().unwrap().op, Op::Erase);
}

/// Plays a job that cannot be run and returns the reason in its sealed summary.
async fn reason(customer: Customer) -> String {
    let story = play(customer, Seen::default()).await;
    assert_eq!(story.done.as_ref().unwrap().completion.exit, Exit::BadInput);
    let receipts = story.check_log();
    story.check_completion(&receipts);
    let (_, files) = story.archive();
    let summary: serde_json::Value = serde_json::from_slice(&files["summary.json"]).unwrap();
    assert_eq!(summary["exit"], "bad_input");
    summary["reason"].as_str().unwrap().to_string()
}

mod bad_input {
    use super::*;
    use blockcloud_primitives::Workload;

    #[tokio::test(flavor = "multi_thread")]
    async fn another_engine() {
        let mut customer = copy_job();
        let Workload::Wasm { engine, .. } = &mut customer.launch.spec.workload;
        *engine = Digest([1; 32]);
        assert!(reason(customer).await.contains("engine"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn another_module() {
        let mut customer = copy_job();
        let Workload::Wasm { module, .. } = &mut customer.launch.spec.workload;
        *module = Digest([1; 32]);
        assert!(reason(customer).await.contains("module"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn inputs_that_the_manifest_does_not_name() {
        let mut customer = copy_job();
        customer.launch.spec.inputs.pop();
        assert!(reason(customer).await.contains("inputs"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_manifest_that_cannot_be_read() {
        let mut customer = copy_job();
        let sealed = blockcloud_seal::seal(&customer.data_key, b"{}");
        let digest = Digest::of(&sealed);
        customer.launch.spec.manifest.digest = digest;
        customer.launch.spec.manifest.bytes = sealed.len() as u64;
        customer.blobs.insert(digest, sealed);
        assert!(reason(customer).await.contains("manifest"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_module_that_is_none() {
        let customer = Customer::new(b"not a module", &[], &[]);
        assert!(reason(customer).await.contains("module"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn more_data_than_there_is_room_for() {
        let mut customer = Customer::new(&wat::parse_str(COPY).unwrap(), &[], &[("data", &vec![0; 17 << 20])]);
        let Workload::Wasm { memory_mib, .. } = &mut customer.launch.spec.workload;
        *memory_mib = 1024;
        assert!(reason(customer).await.contains("reserve more memory"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn more_data_than_could_even_be_fetched() {
        let mut customer = copy_job();
        let mut inputs = customer.launch.spec.inputs.to_vec();
        inputs[1].bytes = 1 << 40;
        customer.launch.spec.inputs = inputs.try_into().unwrap();
        assert!(reason(customer).await.contains("reserve more memory"));
    }
}
