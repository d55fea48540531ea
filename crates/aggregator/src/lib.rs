#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod anchors;
pub mod chain;
pub mod collect;
pub mod config;
mod equivocation;
pub mod files;
pub mod http;
pub mod init;
pub mod metrics;
#[cfg(feature = "nats")]
pub mod nats;
pub mod queue;
pub mod rounds;
pub mod sources;
pub mod state;
pub mod upstream;
pub mod verify;

pub use blockcloud_client::aggregator_api::{
    Anchor, MAX_PROOF, Outcome, Part, Refusal, SignedBranch, SignedRound, SlotProof, SlotProofError, Statement, Submission,
};
pub use equivocation::{Equivocation, Equivocations};
pub use sources::{Child, FileSources, Registry, Source, Sources, SourcesError};

use crate::{
    anchors::Anchors,
    chain::{ChainSources, ChainUpstream},
    collect::{Shared, Start, View},
    config::{Config, RoundsConfig, UpstreamConfig},
    metrics::Metrics,
    queue::Queue,
    rounds::Rounds,
    state::{Rules, State},
    upstream::{Directory, Parent, Upstream},
};
use anyhow::{Context as _, ensure};
use blockcloud_client::{Scheme, Signer};
use blockcloud_primitives::{Moment, PublicKey};
use std::{
    fs::{self, File, TryLockError},
    future::Future,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// Requests that wait for a thread that verifies, and for the one that decides.
const WAITING: usize = 1_024;
/// Bytes after which the queue begins another file.
const SEGMENT: u64 = 64 << 20;
/// How often sources are asked whether they changed.
const SOURCES_PAUSE: Duration = Duration::from_secs(1);
/// How long requests that run may take once the aggregator is told to end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// A step on the way of a checkpoint or a round, told to the [`Observer`] when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Records are with the operating system, not yet safe.
    Written,
    /// Records are safe, nobody was answered yet.
    Synced,
    /// What goes into a round is fixed.
    Cut,
    /// A round is signed, in memory only.
    Built,
    /// A round's file is written under another name.
    Prepared,
    /// A round's file has its name: its number is taken.
    Finished,
    /// A round is about to be sent.
    Sending,
    /// A round was acknowledged upstream.
    Acknowledged,
    /// That is noted on disk.
    Noted,
}

/// Told of each step, on the thread that does it: for tests that end the program there.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;

/// Ends everything, once, with a reason.
#[derive(Clone, Debug, Default)]
pub struct Fatal {
    token: CancellationToken,
    reason: Arc<Mutex<Option<anyhow::Error>>>,
}

impl Fatal {
    /// Ends everything. The first reason stands.
    pub fn raise(&self, error: anyhow::Error) {
        let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.token.is_cancelled() {
            *reason = Some(error);
        }
        self.token.cancel();
    }

    fn take(&self) -> anyhow::Result<()> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// This machine's clock: Unix milliseconds.
pub fn now() -> Moment {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Runs an aggregator with sources from its file until `shutdown` is done, or until it cannot go on.
///
/// # Errors
/// The configuration, the data folder, the disk; another round of this aggregator upstream.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let file = FileSources::new(&config.sources, config.part());
    let sources: Box<dyn Sources> = match config.chain.as_ref().filter(|chain| chain.sources) {
        Some(chain) => Box::new(ChainSources::new(&chain.node, config.genesis, config.aggregator, config.part(), file)),
        None => Box::new(file),
    };
    let listener = TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen at {}", config.listen))?;
    run_with(config, sources, listener, Arc::new(|_| ()), shutdown).await
}

/// As [`run`], with sources of another kind, a listener that is open already, and an observer.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    config: Config,
    mut sources: Box<dyn Sources>,
    listener: TcpListener,
    observer: Observer,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let part = config.part();
    let registry = sources.changed().await.context("cannot read the sources")?.unwrap_or_default();
    let signer = Signer::read(&config.key)?;
    ensure!(
        signer.scheme() == Scheme::Ed25519,
        "{}: rounds are signed with ed25519, this key is {}",
        config.key.display(),
        signer.scheme()
    );
    fs::create_dir_all(&config.data).with_context(|| format!("cannot create {}", config.data.display()))?;
    let _lock = lock(&config.data)?;
    bind(&config, &signer)?;
    let upstream: Arc<dyn Upstream> = match &config.upstream {
        UpstreamConfig::Parent { url } => Arc::new(Parent::new(url, part)?),
        UpstreamConfig::Chain => {
            let chain = config.chain.as_ref().context("chain is missing in the configuration")?;
            let account = Signer::read(chain.account.as_ref().context("chain.account is missing in the configuration")?)?;
            Arc::new(ChainUpstream::new(&chain.node, config.genesis, config.aggregator, Signer::read(&config.key)?, account))
        }
        UpstreamConfig::Directory { path } => {
            Arc::new(Directory::open(path.clone()).with_context(|| format!("cannot use {}", path.display()))?)
        }
    };

    // The chain takes a round in the time of a few blocks, and none that was long on its way: what comes in meanwhile goes into the next one.
    let rounds_config = match config.upstream {
        UpstreamConfig::Chain => RoundsConfig { max_unacknowledged: config.rounds.max_unacknowledged.min(2), ..config.rounds },
        _ => config.rounds,
    };
    let (rounds, newest) = Rounds::open(config.data.join("rounds"), part)?;
    let next = newest.as_ref().map_or(0, |newest| newest.statement.number().saturating_add(1));
    let last_time = newest.as_ref().map_or(0, |newest| newest.statement.time());
    let mut state = newest.map_or_else(State::default, |newest| State::of(newest.snapshot.clone()));
    let (queue, recovery) = Queue::open(config.data.join("queue"), next, SEGMENT)?;
    if recovery.dropped_bytes > 0 {
        tracing::warn!(target: "blockcloud::aggregator", bytes = recovery.dropped_bytes, "the end of the queue was torn and is cut off");
    }
    recovery.records.iter().for_each(|(_, record)| collect::apply(&mut state, record));
    let dirty = !recovery.records.is_empty();
    let noted = config.data.join("acknowledged");
    files::clear_unfinished(&config.data).context("cannot clear the data folder")?;
    let acknowledged = upstream::read_acknowledged(&noted)?;
    ensure!(acknowledged <= next, "{acknowledged} rounds were acknowledged and only {next} are here: restore the data folder");

    let equivocations = Equivocations::open(config.data.join("equivocations"))?;
    // The folders that were just made are there after a power failure, too.
    files::sync_folder(&config.data.join("queue"))
        .and_then(|()| files::sync_folder(&config.data))
        .context("cannot sync the data folder")?;

    let fatal = Fatal::default();
    let shared = Arc::new(Shared {
        genesis: config.genesis,
        part,
        top: config.tree.part.is_none(),
        rules: Rules {
            aggregator: config.aggregator,
            max_ahead_ms: config.limits.max_ahead_ms,
            require_proof: config.limits.require_proof,
        },
        signer,
        rounds_config,
        keep_free_bytes: config.limits.keep_free_bytes,
        rounds,
        equivocations,
        view: RwLock::new(View::default()),
        registered: Mutex::new(Some(registry)),
        acknowledged: AtomicU64::new(acknowledged),
        checked: AtomicBool::new(false),
        room: AtomicBool::new(true),
        finished: watch::Sender::new(next),
        metrics: Metrics::new()?,
        fatal: fatal.clone(),
        observer,
    });
    tracing::info!(
        target: "blockcloud::aggregator", key = %shared.signer.account(), listen = %listener.local_addr()?, ?part, round = next,
        unfinished = recovery.records.len(), "the aggregator is here"
    );

    let (tickets, to_verify) = crossbeam_channel::bounded(WAITING);
    let (verified, to_place) = crossbeam_channel::bounded(WAITING);
    let mut threads = verify::start(config.limits.threads(), config.genesis, to_verify, verified)?;
    threads.extend(collect::start(&shared, Start { state, queue, round: next, last_time, dirty }, to_place)?);

    let stop = fatal.token.child_token();
    let anchors = Arc::new(Anchors::new(shared.clone(), config.tree.height));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(upstream::deliver(shared.clone(), upstream, noted, stop.clone()));
    tasks.spawn(watch_sources(shared.clone(), sources, stop.clone()));
    if let (UpstreamConfig::Parent { url }, Some(key)) = (&config.upstream, config.tree.top_key) {
        let parent = Parent::new(url, part)?;
        let pause = config.rounds.interval().min(Duration::from_secs(1));
        tasks.spawn(anchors::follow(anchors.clone(), parent, key, pause, config.rounds.keep, stop.clone()));
    }
    #[cfg(feature = "nats")]
    if let config::IngestConfig::Nats(nats) = config.ingest {
        let ingest = nats::Ingest::open(shared.clone(), tickets.clone(), config.limits, nats).await.context("cannot use NATS")?;
        tasks.spawn(ingest.run(stop.clone()));
    }
    let server = http::serve(http::Server::new(shared.clone(), anchors, tickets, config.limits), listener, stop.clone());
    let told = async {
        tokio::select! {
            () = shutdown => stop.cancel(),
            () = stop.cancelled() => {}
        }
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    // What was accepted is answered; then nobody sends tickets, and the threads end.
    tokio::select! {
        () = server => {}
        () = told => tracing::warn!(target: "blockcloud::aggregator", "requests that ran too long were cut off"),
    }
    tasks.shutdown().await;
    tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await?;
    tracing::info!(target: "blockcloud::aggregator", "the aggregator ends");
    fatal.take()
}

/// Has changed sources registered, until told to stop.
async fn watch_sources(shared: Arc<Shared>, mut sources: Box<dyn Sources>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SOURCES_PAUSE) => {}
        }
        match sources.changed().await {
            Ok(None) => {}
            Ok(Some(registry)) => {
                let (sources, children) = (registry.sources().len(), registry.children().len());
                tracing::info!(target: "blockcloud::aggregator", sources, children, "sources changed: from the next round on");
                *shared.registered.lock().unwrap_or_else(PoisonError::into_inner) = Some(registry);
            }
            Err(error) => tracing::error!(target: "blockcloud::aggregator", %error, "the sources stay as they were"),
        }
    }
}

/// Keeps others from running on the same folder, which would be two aggregators under one key.
fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!("{}: another aggregator runs on this data folder", data.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Notes on first use whose folder this is; refuses another aggregator's ever after.
fn bind(config: &Config, signer: &Signer) -> anyhow::Result<()> {
    let path = config.data.join("identity.json");
    let identity = serde_json::json!({
        "genesis": config.genesis,
        "aggregator": config.aggregator,
        "part": config.part(),
        "height": config.tree.height,
        "key": PublicKey(signer.account().0),
    });
    match fs::read(&path) {
        Ok(found) => {
            let found: serde_json::Value =
                serde_json::from_slice(&found).with_context(|| format!("cannot understand {}", path.display()))?;
            ensure!(found == identity, "{}: the data folder is that of {found}; this is {identity}: use another folder", path.display());
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => files::write_atomically(&path, &serde_json::to_vec_pretty(&identity)?)
            .with_context(|| format!("cannot write {}", path.display())),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

impl Shared {
    /// Whether upstream was asked which rounds it has.
    pub fn is_checked(&self) -> bool {
        self.checked.load(Ordering::Acquire)
    }
}
