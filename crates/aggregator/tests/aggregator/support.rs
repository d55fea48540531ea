//! What the tests and the examples share: guests that sign, aggregators as processes, and questions over HTTP.
//!
//! Not here: judgements.

use blockcloud_aggregator::{
    Child, Outcome, Part, SignedBranch, SlotProof, Source, Statement, Submission,
    http::{EquivocationsView, Health},
    sources::SourcesFile,
};
use blockcloud_client::{Scheme, Signer};
use blockcloud_primitives::{Branch, Checkpoint, Digest, JobId, PublicKey, Signature, Usage};
use blockcloud_receipt_log::{EMPTY_ROOT, verify_slot};
use codec::{Decode, DecodeAll as _, Encode};
use ed25519_dalek::{Signer as _, SigningKey};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child as Process, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

pub const GENESIS: Digest = Digest([7; 32]);
/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Receipts that a guest's log grows by in a turn.
pub const STEP: u64 = 10;

/// Numbers that depend on the seed only (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A guest that signs checkpoints of a log that grows by [`STEP`] receipts a turn.
pub struct Guest {
    pub slot: u32,
    key: SigningKey,
}

impl Guest {
    pub fn new(slot: u32) -> Self {
        let mut seed = [0x33; 32];
        seed[..4].copy_from_slice(&slot.to_le_bytes());
        Self { slot, key: SigningKey::from_bytes(&seed) }
    }

    pub fn source(&self) -> Source {
        Source { slot: self.slot, job: JobId(u64::from(self.slot) + 1_000), key: PublicKey(self.key.verifying_key().to_bytes()) }
    }

    pub fn checkpoint(&self, turn: u64) -> Checkpoint {
        let root = |turn: u64| if turn == 0 { Digest(EMPTY_ROOT) } else { Digest::of(&(self.slot, turn).encode()) };
        Checkpoint {
            version: Checkpoint::VERSION,
            job: self.source().job,
            size: turn * STEP,
            root: root(turn),
            time: 1_700_000_000_000 + turn,
            usage: Usage { cpu_ms: turn, ..Usage::default() },
            previous_size: (turn - 1) * STEP,
            previous_root: root(turn - 1),
        }
    }

    pub fn sign(&self, checkpoint: Checkpoint) -> Submission {
        self.sign_for(checkpoint, &GENESIS)
    }

    pub fn sign_for(&self, checkpoint: Checkpoint, genesis: &Digest) -> Submission {
        let signature = Signature(self.key.sign(&checkpoint.signing_payload(genesis)).to_bytes());
        Submission { checkpoint, signature, proof: vec![] }
    }

    /// As an aggregator that has this guest's key would.
    pub fn sign_branch(&self, branch: Branch) -> SignedBranch {
        SignedBranch { branch, signature: Signature(self.key.sign(&branch.signing_payload(&GENESIS)).to_bytes()) }
    }

    pub fn submission(&self, turn: u64) -> Submission {
        self.sign(self.checkpoint(turn))
    }
}

/// A folder with an aggregator's configuration, and the process if it runs.
pub struct Aggregator {
    pub folder: PathBuf,
    pub url: String,
    process: Option<Process>,
}

/// How an aggregator is set up.
pub struct Setup<'a> {
    pub height: u8,
    pub part: Option<(Part, PublicKey)>,
    pub parent: Option<&'a str>,
    pub guests: &'a [Guest],
    pub children: Vec<Child>,
    pub interval_ms: u64,
    /// The part of the configuration with this name, if it is to be there.
    pub ingest: &'a str,
}

/// Makes the key of an aggregator in a folder.
pub fn make_key(folder: &Path) -> PublicKey {
    std::fs::create_dir_all(folder).unwrap();
    PublicKey(Signer::create(&folder.join("aggregator.key"), Scheme::Ed25519).unwrap().account().0)
}

/// An address of this host that was free a moment ago, below the ports that the system gives to connections: while nobody listens there, one of those
/// that try to reach it could be given it.
pub fn free_address() -> String {
    const PORTS: std::ops::Range<u16> = 12_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(PORTS.end - PORTS.start)).unwrap();
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + offset.wrapping_add(next) % (PORTS.end - PORTS.start);
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap().to_string();
        }
    }
}

/// The program that is tested: of tests cargo says where it is, and from an example it is one folder up.
pub fn program() -> PathBuf {
    let beside = || std::env::current_exe().unwrap().parent().unwrap().with_file_name("blockcloud-aggregator");
    option_env!("CARGO_BIN_EXE_blockcloud-aggregator").map_or_else(beside, PathBuf::from)
}

/// Processor time of a process, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    let usage = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = usage.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

impl Aggregator {
    /// Writes configuration and sources; the key is there already.
    pub fn new(folder: PathBuf, setup: &Setup<'_>) -> Self {
        let listen = free_address();
        let part = setup.part.map_or(String::new(), |(part, top)| {
            format!("part = {{ base = {}, height = {} }}\ntop_key = \"{top}\"\n", part.base, part.height)
        });
        let upstream = match setup.parent {
            Some(url) => format!("kind = \"parent\"\nurl = \"{url}\""),
            None => "kind = \"directory\"\npath = \"out\"".to_owned(),
        };
        // All rounds are kept, so that it can be looked up what each held.
        let config = format!(
            "genesis = \"{GENESIS}\"\naggregator = 5\nkey = \"aggregator.key\"\nlisten = \"{listen}\"\ndata = \"data\"\nsources = \"sources.toml\"\n\
             [tree]\nheight = {}\n{part}[upstream]\n{upstream}\n[rounds]\ninterval_ms = {}\nkeep = 1000000\n[limits]\nkeep_free_bytes = 0\n{}",
            setup.height, setup.interval_ms, setup.ingest
        );
        std::fs::write(folder.join("aggregator.toml"), config).unwrap();
        let this = Self { folder, url: format!("http://{listen}"), process: None };
        this.register(setup.guests, setup.children.clone());
        this
    }

    pub fn register(&self, guests: &[Guest], children: Vec<Child>) {
        let file = SourcesFile { sources: guests.iter().map(Guest::source).collect(), children };
        let partial = self.folder.join("sources.new");
        std::fs::write(&partial, toml::to_string(&file).unwrap()).unwrap();
        std::fs::rename(partial, self.folder.join("sources.toml")).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.folder.join("aggregator.toml")
    }

    /// Starts the real program.
    pub async fn start(&mut self) {
        let mut command = Command::new(program());
        command.arg("run").arg("--config").arg(self.config());
        assert!(self.start_as(command).await, "it ended: {}", self.log());
    }

    /// Starts a program that serves this configuration, and waits until it answers. Says whether it does; if not, it has ended.
    pub async fn start_as(&mut self, mut command: Command) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        self.process = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let begun = Instant::now();
        while self.health().await.is_none() {
            if !self.is_running() {
                return false;
            }
            assert!(begun.elapsed() < DEADLINE, "it does not answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    pub async fn health(&self) -> Option<Health> {
        client().get(format!("{}/v1/health", self.url)).send().await.ok()?.json().await.ok()
    }

    /// As [`send`].
    pub async fn send(&self, submissions: &[Submission]) -> Option<Vec<Outcome>> {
        send(&client(), &self.url, submissions).await
    }

    /// An answer in SCALE; nothing while there is none.
    pub async fn get<T: Decode>(&self, path: &str) -> Option<T> {
        let response = client().get(format!("{}{path}", self.url)).header("accept", "application/octet-stream").send().await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        T::decode(&mut &response.bytes().await.ok()?[..]).ok()
    }

    /// Rounds that went into the folder, by number.
    pub fn delivered(&self) -> Vec<Statement> {
        delivered(&self.folder.join("out"))
    }
}

/// Rounds in a folder that is upstream, by number.
pub fn delivered(folder: &Path) -> Vec<Statement> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|end| end == "json") && !path.file_name().unwrap().to_string_lossy().starts_with("partial-")
    });
    paths.sort();
    paths.iter().filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok()).collect()
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn client() -> reqwest::Client {
    thread_local! {
        static CLIENT: reqwest::Client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    }
    CLIENT.with(Clone::clone)
}

/// Sends submissions to an aggregator; nothing if the connection broke, or the request as a whole was refused.
pub async fn send(client: &reqwest::Client, url: &str, submissions: &[Submission]) -> Option<Vec<Outcome>> {
    let request = client.post(format!("{url}/v1/checkpoints")).header("content-type", "application/octet-stream");
    let response = request.body(submissions.to_vec().encode()).send().await.ok()?;
    let bytes = response.bytes().await.ok()?;
    Vec::<Outcome>::decode_all(&mut &bytes[..]).ok()
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for the proof that a guest's checkpoint of this size, or a newer one, stands in a round at the top; verifies it as a stranger would.
pub async fn proved(aggregator: &Aggregator, guest: &Guest, size: u64, top: &PublicKey) -> SlotProof {
    let slot = guest.slot;
    let proof: SlotProof = until("a proof", async || aggregator.get(&format!("/v1/sources/{slot}/proof?size={size}")).await).await;
    proof.verify(&GENESIS, top).unwrap();
    let path: Vec<_> = proof.path.iter().map(|digest| digest.0).collect();
    verify_slot(&proof.statement.root().0, proof.height, slot, proof.entry.as_ref(), &path).unwrap();
    assert!(proof.entry.unwrap().checkpoint.size >= size);
    assert!(matches!(proof.statement, Statement::Round(_)));
    proof
}

/// Fails unless an aggregator knows of nobody who contradicted itself.
pub async fn assert_no_equivocation(aggregator: &Aggregator) {
    let listed = client().get(format!("{}/v1/equivocations", aggregator.url)).send().await.unwrap();
    let listed: EquivocationsView = listed.json().await.unwrap();
    assert!(listed.equivocations.is_empty(), "{listed:?}");
}

/// A tree of two tiers: a top with a guest of its own, and a part of it with two.
pub struct TwoTiers {
    pub top: Aggregator,
    pub low: Aggregator,
    pub top_key: PublicKey,
    pub of_top: Vec<Guest>,
    pub of_low: Vec<Guest>,
    _folder: tempfile::TempDir,
}

impl TwoTiers {
    /// Neither is started.
    pub fn new(of_top: &[u32], of_low: &[u32], interval_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (top_folder, low_folder) = (folder.path().join("top"), folder.path().join("low"));
        let (top_key, low_key) = (make_key(&top_folder), make_key(&low_folder));
        let part = Part { base: 16, height: 4 };
        let guests = |slots: &[u32]| slots.iter().copied().map(Guest::new).collect::<Vec<_>>();
        let (of_top, of_low) = (guests(of_top), guests(of_low));
        let children = vec![Child { base: part.base, height: part.height, key: low_key, first: 0 }];
        let top =
            Aggregator::new(top_folder, &Setup { height: 6, part: None, parent: None, guests: &of_top, children, interval_ms, ingest: "" });
        let setup = Setup {
            height: 6,
            part: Some((part, top_key)),
            parent: Some(&top.url),
            guests: &of_low,
            children: vec![],
            interval_ms,
            ingest: "",
        };
        let low = Aggregator::new(low_folder, &setup);
        Self { top, low, top_key, of_top, of_low, _folder: folder }
    }

    /// Each guest with the aggregator that it sends to.
    pub fn guests(&self) -> impl Iterator<Item = (&Aggregator, &Guest)> {
        self.of_top.iter().map(|guest| (&self.top, guest)).chain(self.of_low.iter().map(|guest| (&self.low, guest)))
    }

    /// After whatever happened: one turn more is taken from everybody and proved at the top, all receipts are counted exactly once, rounds have no gap, and
    /// nobody signed two things under one number.
    pub async fn settle(&self, turn: u64) {
        for (aggregator, guest) in self.guests() {
            let taken = until("a last checkpoint", async || aggregator.send(&[guest.submission(turn)]).await).await;
            assert!(matches!(taken[..], [Outcome::Accepted { .. } | Outcome::Known { .. }]), "{taken:?}");
        }
        for (aggregator, guest) in self.guests() {
            proved(aggregator, guest, turn * STEP, &self.top_key).await;
        }
        let total = self.guests().count() as u64 * turn * STEP;
        let sum = || self.top.delivered().iter().map(Statement::receipts).sum::<u64>();
        until("the exact sum", async || (sum() == total).then_some(())).await;
        let rounds = self.top.delivered();
        assert!(rounds.iter().map(Statement::number).eq(0..rounds.len() as u64));
        for aggregator in [&self.top, &self.low] {
            assert_no_equivocation(aggregator).await;
        }
    }
}

/// Every statement that an aggregator's files show, by number. Files of the newest round hold what may have been sent.
pub fn signed(aggregator: &Aggregator) -> BTreeMap<u64, Statement> {
    let Ok(entries) = std::fs::read_dir(aggregator.folder.join("data/rounds")) else { return BTreeMap::new() };
    let statement = |path: PathBuf| {
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(512).read_to_end(&mut bytes).ok()?;
        let statement = Statement::decode(&mut bytes.get(16..)?).ok()?;
        Some((statement.number(), statement))
    };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "round"));
    paths.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("partial-")).filter_map(statement).collect()
}
