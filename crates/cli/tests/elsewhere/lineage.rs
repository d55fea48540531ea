//! `audit lineage` as scripts see it: data that went through jobs at different providers.

use crate::record::{Record, Run, Story};
use blockcloud_primitives::{AccountId, Blob, Digest, JobId, Op, Party, Receipt, SiteId};
use blockcloud_seal::{FileEntry, Manifest, ObjectKey, Sealed, sealed_len};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

const MODULE: &[u8] = b"\0asm";
/// What the customer has at first.
const DATA: &[u8] = b"station,temperature\nnorth,3\nsouth,9\n";
/// What the first job makes of it, written in two pieces.
const PART: &[u8] = b"mean,6\n";

/// A job as its customer and its guest know it.
struct Job {
    story: Story,
    manifest: Manifest,
    key: ObjectKey,
    time: u64,
}

/// A sealed blob of some content. What it holds does not matter here.
fn blob(name: &str, plain_len: usize) -> Blob {
    Blob { digest: Digest::of(name.as_bytes()), bytes: sealed_len(plain_len as u64) }
}

impl Job {
    /// A job with the module and one input as blobs, at a provider and a site of its number.
    fn new(job: u64, input: &[u8], input_blob: Blob) -> Self {
        let key = ObjectKey::from_bytes([u8::try_from(job).unwrap(); 32]);
        let module = blob(&format!("module of {job}"), MODULE.len());
        let entry =
            |name: &str, plain: &[u8], blob| FileEntry::new(name, &Sealed { digest: Digest::of(plain), bytes: plain.len() as u64, blob });
        let manifest =
            Manifest::new(key.clone(), entry("program.wasm", MODULE, module), vec![entry("data.csv", input, input_blob)]).unwrap();
        let number = u8::try_from(job).unwrap();
        let story = Story {
            job: JobId(job),
            provider: AccountId([number; 32]),
            site: SiteId(u32::from(number)),
            module: Digest::of(MODULE),
            manifest: Blob { digest: Digest::of(&[number]), bytes: 300 },
            inputs: vec![module, input_blob],
            receipts: Vec::new(),
            output: blob(&format!("output of {job}"), 10_240),
        };
        let mut job = Self { story, manifest, key, time: 1_800_000_000_000 + job * 1_000_000 };
        job.push(Op::KeyRelease, "", b"envelope", Digest::ZERO);
        job.push(Op::Ingest, "manifest", &[0; 300], Digest::ZERO);
        job.push(Op::Ingest, "module", MODULE, Digest::ZERO);
        job.push(Op::Ingest, "/input/data.csv", input, Digest::ZERO);
        job.push(Op::Read, "/input/data.csv", input, Digest::ZERO);
        job
    }

    fn push(&mut self, op: Op, name: &str, bytes: &[u8], derived_from: Digest) -> &mut Receipt {
        let seq = self.story.receipts.len() as u64;
        let keyed = |name: &[u8]| if name.is_empty() { Digest::ZERO } else { self.key.digest(name) };
        self.time += 1000;
        self.story.receipts.push(Receipt {
            version: Receipt::VERSION,
            job: self.story.job,
            seq,
            time: self.time,
            op,
            object: keyed(name.as_bytes()),
            offset: 0,
            bytes: bytes.len() as u64,
            digest: keyed(bytes),
            actor: Digest::of(MODULE),
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from,
            purpose: 0,
            salt: [u8::try_from(seq).unwrap(); 16],
        });
        self.story.receipts.last_mut().unwrap()
    }

    /// The program writes, the guest packs, stores and erases.
    fn ends(mut self, written: &[u8]) -> Self {
        let (head, tail) = written.split_at(3);
        self.push(Op::Write, "/output/part.csv", head, Digest::ZERO);
        self.push(Op::Write, "/output/part.csv", tail, Digest::ZERO).offset = 3;
        let archive = [1; 10_240];
        let inputs = self.key.digest(b"digests of all inputs");
        self.push(Op::Process, "output", &archive, inputs);
        let bytes = vec![2; usize::try_from(self.story.output.bytes).unwrap()];
        let archive = self.key.digest(&archive);
        self.push(Op::Store, "output", &bytes, archive);
        self.push(Op::Heartbeat, "", b"", Digest::ZERO);
        self.push(Op::Erase, "", b"", Digest::ZERO);
        self
    }
}

/// Job 11 makes a part of the data, job 12 at another provider takes what job 11 stored, job 13 at a third takes the part, sealed anew.
fn chain() -> (Record, [Job; 3]) {
    let first = Job::new(11, DATA, blob("data", DATA.len())).ends(PART);
    let second = Job::new(12, &[1; 10_240], first.story.output).ends(b"a sum\n");
    let third = Job::new(13, PART, blob("part", PART.len())).ends(b"another\n");
    let record = Record::new();
    for job in [&first, &second, &third] {
        record.add(&job.story);
        record.add_job_file(&job.story, &job.manifest);
    }
    (record, [first, second, third])
}

const BUNDLES: [&str; 4] = ["--bundle", "job-11.json", "job-12.json", "job-13.json"];
const JOB_FILES: [&str; 4] = ["--job-file", "job-file-11.json", "job-file-12.json", "job-file-13.json"];

fn lineage(record: &Record, object: &str, more: &[&[&str]]) -> Run {
    record.run(&[&["audit", "lineage", object][..], &more.concat()].concat())
}

fn json(record: &Record, object: &str, more: &[&[&str]]) -> Value {
    lineage(record, object, &[more, &[&["--output", "json"]]].concat()).ok().json()
}

/// Kind and job (nothing for none) of every node.
fn kinds(graph: &Value) -> BTreeSet<(String, Option<u64>)> {
    let node = |node: &Value| (node["kind"].as_str().unwrap().to_owned(), node["places"][0]["job"].as_u64());
    graph["nodes"].as_array().unwrap().iter().map(node).collect()
}

fn steps(graph: &Value, from: &str, to: &str) -> Vec<String> {
    let edges = graph["edges"].as_array().unwrap().iter().filter(|edge| edge["from"] == from && edge["to"] == to);
    edges.map(|edge| edge["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sealed_output_leads_from_one_providers_job_into_anothers() {
    let (record, [first, second, _]) = chain();
    let output = first.story.output.digest;
    let graph = json(&record, &output.to_string(), &[&BUNDLES[..3]]);
    let id = |kind: &str, job: &Job, name: &str| format!("{kind}:{}:{}", job.story.job, job.key.digest(name.as_bytes()));
    let shared = format!("blob:{output}");
    // Job 11 stored it, job 12 took it in, and what came of that was stored again.
    assert_eq!(steps(&graph, &id("object", &first, "output"), &shared), ["store"]);
    assert_eq!(steps(&graph, &shared, &id("object", &second, "/input/data.csv")), ["ingest"]);
    assert_eq!(steps(&graph, &id("object", &second, "output"), &format!("blob:{}", second.story.output.digest)), ["store"]);
    assert_eq!(steps(&graph, &format!("blob:{}", Digest::of(b"data")), &id("object", &first, "/input/data.csv")), ["ingest"]);
    let node = graph["nodes"].as_array().unwrap().iter().find(|node| node["id"] == *shared).unwrap();
    let places: Vec<_> = node["places"].as_array().unwrap().iter().map(|place| (place["job"].clone(), place["site"].clone())).collect();
    assert_eq!(places, [(11.into(), 11.into()), (12.into(), 12.into())]);
    assert_eq!(node["places"][0]["provider"], first.story.provider.to_string());
    assert_eq!((&node["places"][0]["receipts"]["seqs"], &node["asked"]), (&serde_json::json!([[8, 8]]), &true.into()));
    assert_eq!(node["places"][0]["receipts"]["proved"], true);
    assert_eq!(node["erased"], Value::Null, "no receipt says that a provider deleted a sealed blob");
    // Inside the guest it was erased, and a receipt says when.
    let inside = graph["nodes"].as_array().unwrap().iter().find(|node| node["id"] == id("object", &first, "/input/data.csv")).unwrap();
    assert_eq!(inside["erased"], serde_json::json!({"seq": 10, "time": first.story.receipts[10].time, "proved": true}));
}

#[test]
fn either_way_is_followed_by_itself() {
    let (record, [first, ..]) = chain();
    let output = first.story.output.digest.to_string();
    let way = |way: &str| kinds(&json(&record, &output, &[&BUNDLES[..3], &["--direction", way]]));
    let (back, ahead, both) = (way("backward"), way("forward"), way("both"));
    assert!(back.contains(&("run".into(), Some(11))) && !back.contains(&("run".into(), Some(12))), "{back:?}");
    assert!(ahead.contains(&("run".into(), Some(12))) && !ahead.contains(&("run".into(), Some(11))), "{ahead:?}");
    assert_eq!(both, back.union(&ahead).cloned().collect());
}

#[test]
fn content_that_was_sealed_anew_is_joined_for_whoever_has_the_object_keys() {
    let (record, [first, _, third]) = chain();
    fs::write(record.path("part.csv"), PART).unwrap();
    let graph = json(&record, "part.csv", &[&BUNDLES, &JOB_FILES]);
    let content = format!("content:{}", Digest::of(PART));
    let object = |job: &Job, name: &str| format!("object:{}:{}", job.story.job, job.key.digest(name.as_bytes()));
    let sealed = format!("blob:{}", Digest::of(b"part"));
    assert_eq!(steps(&graph, &object(&first, "/output/part.csv"), &content), ["same"], "written in two pieces");
    assert_eq!(steps(&graph, &content, &sealed), ["seal"]);
    assert_eq!(steps(&graph, &sealed, &object(&third, "/input/data.csv")), ["ingest"]);
    assert!(kinds(&graph).contains(&("blob".into(), Some(11))), "back to what job 11 took in: {graph}");
    // By its digest it is what job 13 took in; that job 11 wrote it shows only to whoever has the bytes.
    let digest = json(&record, &Digest::of(PART).to_string(), &[&BUNDLES, &JOB_FILES]);
    assert!(!kinds(&digest).contains(&("run".into(), Some(11))) && kinds(&digest).contains(&("run".into(), Some(13))), "{digest}");
    // Without keys a file is nowhere.
    let refused = lineage(&record, "part.csv", &[&BUNDLES]);
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    assert!(refused.stderr.contains("0 of 3 jobs"), "{refused:?}");
    // Bytes that are written in part, or otherwise, are another file.
    fs::write(record.path("part.csv"), [PART, b"more"].concat()).unwrap();
    assert_eq!(lineage(&record, "part.csv", &[&BUNDLES, &JOB_FILES]).code, 1);
}

#[test]
fn names_and_keyed_digests_find_what_receipts_are_about() {
    let (record, [first, second, _]) = chain();
    let found = |object: &str| {
        let graph = json(&record, object, &[&BUNDLES, &JOB_FILES[..2]]);
        let asked = graph["nodes"].as_array().unwrap().iter().filter(|node| node["asked"] == true);
        asked.map(|node| node["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("name:/output/part.csv"), ["/output/part.csv"], "only where the job file is known");
    assert_eq!(found(&first.key.digest(b"/input/data.csv").to_string()), ["/input/data.csv"]);
    assert_eq!(found(&first.key.digest(DATA).to_string()), ["/input/data.csv"]);
    assert_eq!(found(&second.key.digest(b"/input/data.csv").to_string()), [""]);
    assert_eq!(found(&Digest::of(MODULE).to_string()).len(), 4, "a module that ran in three jobs, and itself");
}

#[test]
fn a_job_of_which_no_bundle_was_given_is_named() {
    let (record, [first, ..]) = chain();
    let output = first.story.output.digest.to_string();
    let run = lineage(&record, &output, &[&BUNDLES[..2], &JOB_FILES[..3], &["--output", "json"]]).ok();
    let missing = &run.json()["missing"];
    assert_eq!((&missing[0]["blob"], &missing[0]["takes"]), (&output.clone().into(), &true.into()));
    assert!(run.stderr.contains("goes on in the job with terms") && run.stderr.contains("no record was given"), "{run:?}");
    let whole = json(&record, &output, &[&BUNDLES, &JOB_FILES]);
    assert_eq!(whole["missing"], serde_json::json!([]));
}

#[test]
fn a_graph_that_is_too_large_is_cut_and_says_so() {
    let (record, [first, ..]) = chain();
    let output = first.story.output.digest.to_string();
    let run = lineage(&record, &output, &[&BUNDLES, &["--limit", "3", "--output", "json"]]).ok();
    assert_eq!((run.json()["nodes"].as_array().unwrap().len(), &run.json()["cut"]), (3, &true.into()));
    assert!(run.stderr.contains("--limit"), "{run:?}");
    assert_eq!(json(&record, &output, &[&BUNDLES])["cut"], false);
}

#[test]
fn every_form_shows_every_node() {
    let (record, [first, ..]) = chain();
    let output = first.story.output.digest.to_string();
    let nodes = json(&record, &output, &[&BUNDLES])["nodes"].as_array().unwrap().len();
    let text = |format: &str| lineage(&record, &output, &[&BUNDLES, &["--format", format]]).ok().text().to_owned();
    let tree = text("tree");
    assert!(tree.starts_with("sealed blob 0x"), "{tree}");
    for said in ["what it came from:", "what came of it:", "store ←", "ingest →", "job 12, site 12, provider ", "erased 2027-", "proved"]
    {
        assert!(tree.contains(said), "{said}: {tree}");
    }
    assert_eq!(text("dot").matches("label=").count() - text("dot").matches(" -> ").count(), nodes);
    let svg = text("svg");
    assert_eq!(svg.matches("<rect ").count(), nodes);
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
}

#[test]
fn refusals_have_their_exit_codes() {
    let (record, [first, ..]) = chain();
    let output = first.story.output.digest.to_string();
    let nowhere = format!("0x{}", "77".repeat(32));
    assert_eq!(lineage(&record, &nowhere, &[&BUNDLES]).code, 1);
    let zeros = format!("0x{}", "00".repeat(32));
    for wrong in [
        &["no-such-file", "--bundle", "job-11.json"][..],
        &[&output, "--bundle", "absent.json"],
        &[&output, "--bundle", "job-11.json", "job-11.json"],
        &[&output, "--bundle", "job-11.json", "--job-file", "job-12.json"],
        &[&output, "--bundle", "job-11.json", "--limit", "0"],
        &[&output, "--bundle", "job-11.json", "--format", "dot", "--output", "json"],
        &[&zeros, "--bundle", "job-11.json"],
        &[&output],
    ] {
        let refused = record.run(&[&["audit", "lineage"], wrong].concat());
        assert_eq!((refused.code, refused.stdout.len()), (2, 0), "{wrong:?}: {refused:?}");
    }
    let job_file = record.add_job_file(&first.story, &Job::new(12, DATA, blob("data", DATA.len())).manifest);
    let refused = lineage(&record, &output, &[&BUNDLES, &["--job-file", &job_file]]);
    assert_eq!((refused.code, refused.stdout.len()), (2, 0));
    assert!(refused.stderr.contains("another key"), "{refused:?}");
    assert_eq!(lineage(&record, &output, &[&["--job", "11"]]).code, 3);
    // A bundle that does not hold is shown nothing of.
    let mut damaged: Value = serde_json::from_slice(&record.read("job-12.json")).unwrap();
    damaged["receipts"][3]["bytes"] = 7.into();
    fs::write(record.path("job-12.json"), damaged.to_string()).unwrap();
    let refused = lineage(&record, &output, &[&BUNDLES]);
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    assert!(refused.stderr.contains("job-12.json") && refused.stderr.contains("every checkpoint is the root"), "{refused:?}");
}
