//! What the HTTP side and the chain side of the agent share: configuration, key, stores, driver, and the jobs in hand.
//!
//! Not here: what is done about a job (`job`), the routes (`http`), following the chain (`follow`).

use crate::{
    aggregator::Aggregator,
    blobs::Blobs,
    config::{Config, DriverConfig},
    configfs,
    decide::GuestProcess,
    driver::{Driver, ProcessDriver},
    job::{self, rounds::Standing},
    log::{self, JobLog, JobLogError},
    record::{JobRecord, Token},
    store::{Store, StoreError},
};
use anyhow::Context as _;
use blockcloud_client::{At, Chain, Signer};
use blockcloud_primitives::{AccountId, Digest, JobId, Moment, Tee};
use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Most logs of jobs that are over that stay open after they were read: opening reads all of it, and each open one is in memory.
const ARCHIVED: usize = 8;

/// Most who wait for their turn to read such a log.
const ARCHIVE_QUEUE: usize = 8;
/// After how long it is looked again whether the kernel gives evidence, once it gave none.
const KERNEL_RETRY: Duration = Duration::from_secs(60);

/// This machine's clock, Unix milliseconds.
pub fn now() -> Moment {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A number that is raised to wake whoever waits for a change.
#[derive(Clone)]
pub struct Signal(watch::Sender<u64>);

impl Signal {
    fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Wakes everybody.
    pub fn raise(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// To wait with.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The part of a job that is in memory only.
pub struct Live {
    /// The job.
    pub job: JobId,
    /// Raised when anything about the job has changed.
    pub changed: Signal,
    /// The open log of the present launch.
    log: Mutex<Option<(u32, JobLog)>>,
    /// When its last checkpoint was brought to the chain.
    pub last_checkpoint: Mutex<Option<Instant>>,
    /// How it stands with the aggregator.
    pub standing: Mutex<Standing>,
    /// Whether somebody looks after it.
    looked_after: AtomicBool,
}

impl Live {
    /// Closes the log's file until somebody asks for it again.
    pub fn close_log(&self) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The logs of jobs that are over, which anybody may read.
pub(crate) struct Archive {
    /// Places for those who wait.
    pub(crate) queue: Semaphore,
    /// One reader at a time: however many ask, one log is read from the disk.
    turn: Semaphore,
    /// Those that are open, the one that was read last at the end.
    open: Mutex<VecDeque<Arc<Live>>>,
}

/// Says that nobody looks after a job any more.
struct Done(Arc<Live>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.looked_after.store(false, Ordering::Release);
    }
}

/// The node as it was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// Whether it answers.
    pub reachable: bool,
    /// The last final block.
    pub finalised: u32,
}

/// The agent.
pub struct Agent {
    /// Its configuration.
    pub config: Config,
    /// The provider's key.
    pub signer: Signer,
    /// Records.
    pub store: Store,
    /// Ciphertext.
    pub blobs: Blobs,
    /// How guests are started.
    pub driver: Box<dyn Driver>,
    /// Where checkpoints go, if not to the chain one by one.
    pub aggregator: Option<Aggregator>,
    /// The node, told anew at every final block.
    pub node: watch::Sender<NodeStatus>,
    /// Cancelled when the agent is to end.
    pub stop: CancellationToken,
    tee: Tee,
    logs: PathBuf,
    chain: OnceLock<Chain>,
    genesis: OnceLock<Digest>,
    live: Mutex<HashMap<JobId, Arc<Live>>>,
    pub(crate) archive: Archive,
    /// What was last found about the evidence that this host's kernel gives, and when.
    kernel: tokio::sync::Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Agent {
    /// Opens everything that is on disk.
    pub async fn open(config: Config) -> anyhow::Result<Arc<Self>> {
        let signer = Signer::read(&config.key).context("the provider's account key")?;
        let tee = config.driver.tee()?;
        let DriverConfig::Process { guest, simulator, .. } = &config.driver;
        let driver = ProcessDriver::new(guest.clone(), simulator.clone(), tee, config.data.join("guests"))?;
        Self::open_with(config, signer, Box::new(driver)).await
    }

    /// Opens everything that is on disk, with this driver.
    pub async fn open_with(config: Config, signer: Signer, driver: Box<dyn Driver>) -> anyhow::Result<Arc<Self>> {
        let tee = config.driver.tee()?;
        let logs = config.data.join("logs");
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let path = config.data.join("agent.redb");
        let store = Store::open(&path).with_context(|| format!("{}: is another agent running on this data folder?", path.display()))?;
        let blobs = Blobs::open(config.data.join("blobs"), config.run.keep_free_bytes).await.context("the blob store")?;
        let genesis = OnceLock::new();
        if let Some(known) = store.genesis().await? {
            genesis.get_or_init(|| known);
        }
        let stop = CancellationToken::new();
        let aggregator = config.rounds.as_ref().map(|rounds| Aggregator::start(rounds, stop.clone())).transpose()?;
        Ok(Arc::new(Self {
            config,
            tee,
            signer,
            store,
            blobs,
            driver,
            aggregator,
            node: watch::Sender::new(NodeStatus::default()),
            stop,
            logs,
            chain: OnceLock::new(),
            genesis,
            live: Mutex::new(HashMap::new()),
            archive: Archive { queue: Semaphore::new(ARCHIVE_QUEUE), turn: Semaphore::new(1), open: Mutex::new(VecDeque::new()) },
            kernel: tokio::sync::Mutex::new(None),
        }))
    }

    /// The provider's account.
    pub fn provider(&self) -> AccountId {
        self.signer.account()
    }

    /// The chain, once it was reached for the first time.
    pub fn chain(&self) -> Option<&Chain> {
        self.chain.get()
    }

    /// Hash of the chain's first block, once known.
    pub fn genesis(&self) -> Option<Digest> {
        self.genesis.get().copied()
    }

    /// Notes the chain on first contact; refuses another one than before.
    pub async fn bind(&self, chain: Chain) -> Result<(), StoreError> {
        self.bind_genesis(chain.genesis()).await?;
        self.chain.get_or_init(|| chain);
        Ok(())
    }

    /// As [`Agent::bind`], without a connection.
    pub(crate) async fn bind_genesis(&self, genesis: Digest) -> Result<(), StoreError> {
        self.store.bind(genesis).await?;
        self.genesis.get_or_init(|| genesis);
        Ok(())
    }

    /// The kind of hardware that this agent's guests run on.
    pub fn tee(&self) -> Tee {
        self.tee
    }

    /// Whether guests on this host can be attested at all; if not, why.
    pub async fn evidence_is_given(&self) -> Result<(), String> {
        if self.tee.is_simulated() {
            return Ok(());
        }
        let mut known = self.kernel.lock().await;
        match &*known {
            Some((since, found)) if found.is_ok() || since.elapsed() < KERNEL_RETRY => found.clone(),
            _ => known.insert((Instant::now(), kernel_evidence(Path::new(configfs::ROOT), self.tee).await)).1.clone(),
        }
    }

    /// The record of a job; made from the chain's if there is none and the job is this provider's.
    pub async fn record(self: &Arc<Self>, job: JobId) -> anyhow::Result<Option<JobRecord>> {
        if let Some(record) = self.store.job(job).await? {
            return Ok(Some(record));
        }
        let Some(chain) = self.chain() else { return Ok(None) };
        match chain.job(job, At::Finalised).await? {
            Some(view) if view.provider == self.provider() => {
                let record = self.store.insert(JobRecord::new(&view)).await?;
                self.take_up(job);
                Ok(Some(record))
            }
            _ => Ok(None),
        }
    }

    /// The job of the guest with this token.
    pub async fn guest(&self, token: Token) -> Result<Option<JobRecord>, StoreError> {
        let Some(job) = self.store.job_of(token.clone()).await? else { return Ok(None) };
        let record = self.store.job(job).await?;
        Ok(record.filter(|record| record.launch.as_ref().is_some_and(|launch| launch.token == token)))
    }

    /// Makes sure that somebody looks after a job, and wakes whoever does.
    pub fn take_up(self: &Arc<Self>, job: JobId) {
        let live = self.live(job);
        if live.looked_after.swap(true, Ordering::AcqRel) {
            live.changed.raise();
            return;
        }
        let agent = self.clone();
        tokio::spawn(async move {
            // Also when it ends by a panic: then the next final block finds the job without anybody and takes it up again.
            let done = Done(live.clone());
            job::look_after(agent, live).await;
            drop(done);
        });
    }

    /// Whether somebody looks after a job.
    pub fn is_looked_after(&self, job: JobId) -> bool {
        let all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&job).is_some_and(|live| live.looked_after.load(Ordering::Acquire))
    }

    /// The in-memory part of a job.
    pub fn live(&self, job: JobId) -> Arc<Live> {
        let mut all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let live = all.entry(job).or_insert_with(|| {
            Arc::new(Live {
                job,
                changed: Signal::new(),
                log: Mutex::new(None),
                last_checkpoint: Mutex::new(None),
                standing: Mutex::default(),
                looked_after: AtomicBool::new(false),
            })
        });
        live.clone()
    }

    /// Works on the open log of a launch, on a thread that may wait for the disk.
    pub async fn with_log<T, F>(&self, live: &Arc<Live>, launch: u32, work: F) -> Result<T, JobLogError>
    where
        T: Send + 'static,
        F: FnOnce(&mut JobLog) -> Result<T, JobLogError> + Send + 'static,
    {
        let (folder, live) = (self.logs.clone(), live.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut slot = live.log.lock().unwrap_or_else(PoisonError::into_inner);
            let open = match slot.take() {
                Some((number, log)) if number == launch => log,
                _ => JobLog::open(&folder, live.job, launch)?,
            };
            let (_, log) = slot.insert((launch, open));
            let result = work(log);
            // A log that could not be written does not know what its file holds: the next one to ask opens it again.
            if matches!(result, Err(JobLogError::Log(_))) {
                *slot = None;
            }
            result
        });
        done.await.unwrap_or(Err(JobLogError::Stopped))
    }

    /// Reads the log of a job that is over; nothing if it is not here. Of such logs only a few stay open.
    pub async fn with_archived_log<T, F>(&self, live: &Arc<Live>, launch: u32, work: F) -> Result<Option<T>, JobLogError>
    where
        T: Send + 'static,
        F: FnOnce(&mut JobLog) -> Result<T, JobLogError> + Send + 'static,
    {
        let _place = self.archive.queue.try_acquire().map_err(|_| JobLogError::Crowded)?;
        let _turn = self.archive.turn.acquire().await.map_err(|_| JobLogError::Stopped)?;
        if !tokio::fs::try_exists(log::path(&self.logs, live.job, launch)).await.unwrap_or(false) {
            return Ok(None);
        }
        let read = self.with_log(live, launch, work).await;
        let oldest = {
            let mut open = self.archive.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|other| other.job != live.job);
            open.push_back(live.clone());
            if open.len() > ARCHIVED { open.pop_front() } else { None }
        };
        if let Some(oldest) = oldest {
            oldest.close_log();
        }
        read.map(Some)
    }

    /// Deletes the receipts and checkpoints of a job that is closed.
    pub async fn delete_logs(&self, job: JobId, launches: u32) -> anyhow::Result<()> {
        let _turn = self.archive.turn.acquire().await?;
        self.live(job).close_log();
        self.archive.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|live| live.job != job);
        let folder = self.logs.clone();
        tokio::task::spawn_blocking(move || log::delete(&folder, job, launches)).await??;
        self.store.delete_checkpoints(job).await?;
        Ok(())
    }

    /// How many logs are open.
    #[cfg(test)]
    pub(crate) fn open_logs(&self) -> usize {
        let all: Vec<_> = self.live.lock().unwrap().values().cloned().collect();
        all.iter().filter(|live| live.log.lock().unwrap().is_some()).count()
    }

    /// What the driver says of a job's guest, and the record as of then.
    ///
    /// A guest that is gone may have said its last word after the record was read and before it ended: then the record is read again, so that nobody takes it
    /// for dead in the middle of its work.
    pub async fn guest_process(&self, record: JobRecord) -> Result<(GuestProcess, JobRecord), StoreError> {
        let process = match record.launch.as_ref().map(|launch| launch.guest.as_ref()) {
            None => GuestProcess::None,
            Some(None) => GuestProcess::Unknown,
            Some(Some(guest)) if self.driver.alive(guest).await => GuestProcess::Alive,
            Some(Some(_)) => {
                let record = self.store.job(record.job).await?.unwrap_or(record);
                return Ok((GuestProcess::Dead, record));
            }
        };
        Ok((process, record))
    }

    /// URL under which the guest of a launch reaches this agent.
    pub fn guest_url(&self, token: &Token) -> String {
        format!("{}/guest/{}", self.config.guest_url(), token.as_str())
    }
}

/// Whether a kernel's evidence is complete; if not, what is wrong and what to do.
async fn kernel_evidence(root: &'static Path, tee: Tee) -> Result<(), String> {
    let examined = tokio::task::spawn_blocking(move || configfs::examine(root, tee)).await;
    match examined {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{error}: {}", error.advice())),
        Err(error) => Err(error.to_string()),
    }
}
