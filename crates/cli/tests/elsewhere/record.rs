//! Whole records of jobs as audit bundles that hold, and the real program to export it with.

use blockcloud_client::{
    Scheme, Signer,
    agent_api::SignedCheckpoint,
    proof::{JobRecord, keys, testing},
};
use blockcloud_primitives::{
    AccountId, Allow, Blob, Checkpoint, Completion, Digest, End, Evidence, Exit, Head, JobId, JobSpec, JobState, JobView, List,
    Measurement, Measurements, Moment, OfferId, Op, Party, Policy, PublicKey, Receipt, ReportBinding, Resources, Signature, SiteId, Tcb,
    Tee, Text, Usage, Workload,
};
use blockcloud_receipt_log::{EMPTY_ROOT, Tree, receipt_hash};
use blockcloud_seal::Manifest;
use blockcloud_simulator::{Processor, dev_root};
use codec::Encode as _;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};
use tempfile::TempDir;

pub static GENESIS: LazyLock<Digest> = LazyLock::new(testing::genesis);
pub const JOB: JobId = JobId(5);
/// Number of receipts.
pub const SIZE: u64 = 13;
/// Within the certificates of simulated processors.
const AT: Moment = 1_800_000_000_000;
const GUEST: [u8; 48] = [7; 48];

/// A folder with `job-5.json`, and the program.
pub struct Record {
    folder: TempDir,
    pub receipts: Vec<Receipt>,
    pub tree: Tree,
}

/// A job that ran and was completed.
#[derive(Clone, Debug)]
pub struct Story {
    pub job: JobId,
    pub provider: AccountId,
    pub site: SiteId,
    pub module: Digest,
    pub manifest: Blob,
    pub inputs: Vec<Blob>,
    pub receipts: Vec<Receipt>,
    pub output: Blob,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            job: JOB,
            provider: AccountId([2; 32]),
            site: SiteId(1),
            module: Digest::ZERO,
            manifest: Blob { digest: Digest::ZERO, bytes: 1 },
            inputs: Vec::new(),
            receipts: (0..SIZE).map(receipt).collect(),
            output: Blob { digest: Digest::of(b"output"), bytes: 6 },
        }
    }
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, if the program succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", String::from_utf8_lossy(&self.stdout), self.stderr);
        self
    }
}

impl Record {
    /// Of a job that ran and was completed.
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// The same, changed before anything is signed or hashed.
    pub fn with(change: impl FnOnce(&mut Vec<Receipt>)) -> Self {
        let mut story = Story::default();
        change(&mut story.receipts);
        let record = Self {
            folder: tempfile::tempdir().unwrap(),
            tree: story.receipts.iter().map(receipt_hash).collect(),
            receipts: story.receipts.clone(),
        };
        record.add(&story);
        record
    }

    /// Writes the bundle of another job beside it, as `job-N.json`, and says its name.
    pub fn add(&self, story: &Story) -> String {
        let name = format!("job-{}.json", story.job);
        fs::write(self.path(&name), bundle(story)).unwrap();
        name
    }

    /// Writes a job file for a job with this manifest, as it lies in the customer's folder, and says its name.
    pub fn add_job_file(&self, story: &Story, manifest: &Manifest) -> String {
        let name = format!("job-file-{}.json", story.job);
        fs::write(self.path(&name), json!({"spec": spec(story), "offer": 0, "manifest": manifest}).to_string()).unwrap();
        name
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The record as it is on disk.
    pub fn bundle(&self) -> serde_json::Value {
        serde_json::from_slice(&self.read("job-5.json")).unwrap()
    }

    /// Runs the program in the folder, with a node that is not there.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// The same with these variables in its environment.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_blockcloud"))
            .args(arguments)
            .env_clear()
            .env("BLOCKCLOUD_NODE", "ws://127.0.0.1:1")
            .env("BLOCKCLOUD_HOME", self.folder.path())
            .envs(variables.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Run { code: status.code().unwrap(), stdout, stderr: String::from_utf8(stderr).unwrap() }
    }

    /// Exports from the bundle.
    pub fn export(&self, arguments: &[&str]) -> Run {
        self.run(&[&["receipt", "export", "--bundle", "job-5.json"], arguments].concat())
    }

    /// The same in a format that is signed, with the exporter's ed25519 key.
    pub fn signed(&self, arguments: &[&str]) -> Run {
        self.export(&[&["--key", "ed25519://Exporter", "--issuer", "audit.example.com"], arguments].concat())
    }
}

/// One of each operation that a job of a program that reads and writes has.
pub fn receipt(seq: u64) -> Receipt {
    let op = match seq {
        0 => Op::KeyRelease,
        1 | 2 => Op::Ingest,
        9 => Op::Process,
        10 => Op::Store,
        11 => Op::Heartbeat,
        12 => Op::Erase,
        _ if seq % 2 == 1 => Op::Read,
        _ => Op::Write,
    };
    let object = !matches!(op, Op::KeyRelease | Op::Heartbeat | Op::Erase);
    let mut salt = [seq.to_le_bytes()[0]; 16];
    salt[0] = seq.to_le_bytes()[1];
    let digest = |name: String| if object { Digest::of(name.as_bytes()) } else { Digest::ZERO };
    Receipt {
        version: Receipt::VERSION,
        job: JOB,
        seq,
        time: AT + seq * 1000,
        op,
        object: digest(format!("object {}", seq % 3)),
        offset: 0,
        bytes: 100 * seq,
        digest: digest(format!("content {seq}")),
        actor: Digest::of(if matches!(op, Op::Read | Op::Write | Op::Process) { b"program" } else { b"guest" }),
        from: Party::site(SiteId(1)),
        to: Party::GUEST,
        derived_from: if matches!(op, Op::Process | Op::Store) { digest("inputs".into()) } else { Digest::ZERO },
        purpose: 0,
        salt,
    }
}

/// An audit bundle: evidence of a simulated guest, its checkpoints over these receipts, and a head that is the last of them.
fn bundle(story: &Story) -> Vec<u8> {
    let (id, receipts) = (story.job, &story.receipts);
    let tree: Tree = receipts.iter().map(receipt_hash).collect();
    let guest = Signer::from_seed(Scheme::Ed25519, [5; 32]).unwrap();
    let mut job = job(story);
    let processor = Processor::new([9; 32]);
    let (receipt_key, wrapping_key) = (PublicKey(guest.account().0), PublicKey([6; 32]));
    let binding = ReportBinding {
        genesis: *GENESIS,
        tee: Tee::Simulated,
        provider: job.provider,
        job: job.id,
        terms: job.terms,
        anchor: 8,
        anchor_hash: Digest([4; 32]),
        receipt_key,
        wrapping_key,
        tls_key: None,
        gpu_evidence: None,
        previous: None,
    };
    let evidence = Evidence {
        tee: Tee::Simulated,
        report: processor.launch(GUEST, job.terms.0).report(binding.report_data()).to_vec().try_into().unwrap(),
        certificate: processor.certificate().to_vec().try_into().unwrap(),
        anchor: 8,
        receipt_key,
        wrapping_key,
        possession: Signature([0; 64]),
    };
    let mut previous = (0, Digest(EMPTY_ROOT));
    let checkpoints: Vec<_> = [tree.size().div_ceil(2) - 1, tree.size()]
        .map(|size| {
            let root = Digest(tree.root_at(size).unwrap());
            let time = receipts[usize::try_from(size).unwrap() - 1].time;
            let (previous_size, previous_root) = std::mem::replace(&mut previous, (size, root));
            let checkpoint = Checkpoint { version: 1, job: id, size, root, time, usage: Usage::default(), previous_size, previous_root };
            SignedCheckpoint { checkpoint, signature: Signature(guest.sign(&checkpoint.signing_payload(&GENESIS))) }
        })
        .into();
    let (size, root) = previous;
    job.head = Some(Head { size, root, time: AT, usage: Usage::default(), accepted_at: AT });
    let completion = Completion { version: 1, job: id, size, root, output: story.output, exit: Exit::Code(0), erased: size - 1 };
    job.completion = Some(completion);
    let record = JobRecord {
        customer: job.customer,
        provider: job.provider,
        offer: job.offer,
        site: job.site,
        terms: job.terms,
        resources: job.spec.resources,
        rate: job.rate,
        longest_run: job.spec.longest_run,
        checkpoint_gap: job.spec.policy.checkpoint_gap,
        state: job.state,
        placed_at: job.placed_at,
        deadline: job.deadline,
        queued: None,
        session_until: None,
        suspended: None,
        run: None,
        completion: job.completion,
        deposit: 0,
        deposited: job.deposited,
        paid: job.paid,
        returned: job.returned,
    };
    let proof = testing::finalised(&[
        (keys::job(id), record.encode()),
        (keys::spec(id), job.spec.encode()),
        (keys::log(id), (0u64, job.head, false).encode()),
    ]);
    let bundle = json!({
        "format": "blockcloud-audit/v3",
        "genesis": *GENESIS,
        "job": job,
        "evidence": evidence,
        "anchor_hash": binding.anchor_hash,
        "roots": (hex::encode(dev_root::ROOT), hex::encode(dev_root::ISSUER)),
        "at": AT,
        "receipts": receipts,
        "checkpoints": checkpoints,
        "completion_signature": Signature(guest.sign(&completion.signing_payload(&GENESIS))),
        "proof": proof,
    });
    serde_json::to_vec(&bundle).unwrap()
}

/// The terms of such a job.
fn spec(story: &Story) -> JobSpec {
    let policy = Policy {
        regions: Allow::Any,
        jurisdictions: Allow::Any,
        certificates: List::new(),
        tees: vec![Tee::Simulated].try_into().unwrap(),
        firmware_floor: Tcb::default(),
        tdx_floor: Default::default(),
        legacy_hardware: false,
        chip_endorsements: 0,
        longest_session: 0,
        measurements: Measurements::Only(vec![Measurement(GUEST)].try_into().unwrap()),
        denied_providers: List::new(),
        erase_within: 60,
        recipients: List::new(),
        checkpoint_gap: 30,
        suspension_grace: 0,
    };
    JobSpec {
        workload: Workload::Wasm {
            module: story.module,
            engine: Digest::ZERO,
            fuel: 1,
            memory_mib: 1,
            seed: Digest::ZERO,
            args: List::new(),
        },
        manifest: story.manifest,
        inputs: story.inputs.clone().try_into().unwrap(),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 0, gpus: 0 },
        longest_run: 60,
        policy,
        price_limit: 1,
        escrow: 60,
        cover: 0,
    }
}

fn job(story: &Story) -> JobView {
    let spec = spec(story);
    JobView {
        id: story.job,
        customer: AccountId([1; 32]),
        provider: story.provider,
        endpoint: Text::default(),
        offer: OfferId(0),
        site: story.site,
        state: JobState::Settled(End::Completed),
        deadline: 0,
        placed_at: 0,
        started_at: None,
        terms: spec.terms(),
        spec,
        rate: 1,
        deposited: 60,
        earned: 0,
        paid: 0,
        returned: 0,
        session: None,
        lapse: None,
        suspended: None,
        head: None,
        completion: None,
    }
}
