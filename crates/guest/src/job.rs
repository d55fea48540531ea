//! The story of one job, from the guest's start to its last word.
//!
//! Launch, keys, evidence; the data key; ingest, run, store; erase; the last checkpoint and the completion. Each step is a function here; how they work
//! is elsewhere. Plaintext is in this process's memory only: nothing here logs names or contents.

use crate::{
    evidence::{self, EvidenceError, ReportSource},
    journal::{Journal, name},
    keys::{Keys, NoRandomness},
    log::{self, Log, LogError},
    output::{self, SealedOutput, Summary},
    sandbox::{Ended, EngineError, INPUT, Program, Quota, Run, Sandbox, Vfs, VirtualClock},
    stop::{Stop, Stopped},
    transport::{Agent, Completed, Launch, TransportError},
};
use blockcloud_primitives::{Checkpoint, Completion, Digest, Evidence, Exit, JobSpec, ReportBinding, Workload};
use blockcloud_seal::{DataKey, KeyContext, Manifest, ObjectKey};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    task::{JoinError, JoinHandle},
    time::{self, MissedTickBehavior},
};
use zeroize::Zeroizing;

/// Longest time between two checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How often the agent is asked whether to go on.
const CONTROL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stopped guest tries to hand over the proof of its erasure.
const FAREWELL: Duration = Duration::from_secs(10);
/// Memory that a job's files leave to everything that is neither a file nor the program's own memory.
const HEADROOM: u64 = 128 << 20;
/// Room for files that every job has, however small it was made.
const FILES_LEAST: u64 = 16 << 20;
/// Directory entries that a program may keep.
const ENTRIES: u64 = 100_000;

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The agent refused something, or the guest was stopped.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The guest was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// There is no evidence.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// There is no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The log does not take any more.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The output could not be packed.
    #[error("the output cannot be packed: {0}")]
    Output(#[from] io::Error),
    /// A part of the guest itself failed.
    #[error("a task of the guest has failed")]
    Task(#[from] JoinError),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What was signed.
    pub completion: Completion,
}

/// Runs one job from beginning to end.
///
/// # Errors
/// Every [`JobError`]. Plaintext and keys are gone in any case.
pub async fn run(agent: &Agent, source: &impl ReportSource, stop: &Stop) -> Result<Finished, JobError> {
    let control = tokio::spawn(obey(agent.clone(), stop.clone()));
    let done = story(agent, source, stop).await;
    control.abort();
    done
}

async fn story(agent: &Agent, source: &impl ReportSource, stop: &Stop) -> Result<Finished, JobError> {
    let launch = agent.launch().await?;
    tracing::info!(job = %launch.job, terms = %launch.spec.terms(), "launched");
    let keys = Keys::generate()?;
    let evidence = vouch(&launch, &keys, source).await?;
    agent.evidence(&evidence).await?;
    tracing::info!(job = %launch.job, receipt_key = %evidence.receipt_key, "evidence handed over, waiting for the key");

    let (key, envelope) = receive_key(agent, &launch, &keys, &evidence, stop).await?;
    // The wrapping key has done its work.
    let Keys { receipt: receipt_key, wrapping } = keys;
    drop(wrapping);
    let receipt_key = Arc::new(receipt_key);
    let log = Arc::new(Log::new(launch.job));
    let journal = Journal::new(log.clone(), evidence.receipt_key, launch.site);
    journal.key_released(&envelope)?;
    tracing::info!(job = %launch.job, "key received");
    let publisher = Publisher { agent: agent.clone(), log: log.clone(), key: receipt_key.clone(), genesis: launch.genesis };
    let publishing = tokio::spawn(publisher.clone().publish(interval(&launch.spec), journal_for_heartbeats(&journal, &evidence, &launch)));
    let deadline = tokio::spawn(end_at(stop.clone(), launch.spec.longest_run));

    let worked = work(agent, &launch, key, &journal, stop).await;
    let (output, exit, erased_bytes) = match worked {
        Ok(worked) => worked,
        Err(error) => {
            // Everything that `work` knew is gone; say so to whoever still listens.
            publishing.abort();
            deadline.abort();
            log.abandon();
            if journal.erased(0).is_ok() {
                publisher.farewell().await;
            }
            return Err(error);
        }
    };
    let erase_receipt = journal.erased(erased_bytes)?;
    let last = match finish(publishing, stop).await {
        Ok(last) => last,
        Err(error) => {
            deadline.abort();
            publisher.farewell().await;
            return Err(error);
        }
    };
    let completion = Completion {
        version: Completion::VERSION,
        job: launch.job,
        size: last.size,
        root: last.root,
        output,
        exit,
        erased: erase_receipt.seq,
    };
    let signature = receipt_key.sign(&completion.signing_payload(&launch.genesis));
    agent.completion(&Completed { completion, signature, erase_receipt }).await?;
    deadline.abort();
    tracing::info!(job = %launch.job, receipts = last.size, ?exit, "completed");
    Ok(Finished { completion })
}

/// Has the processor vouch for this guest's keys.
async fn vouch(launch: &Launch, keys: &Keys, source: &impl ReportSource) -> Result<Evidence, EvidenceError> {
    let binding = ReportBinding {
        genesis: launch.genesis,
        tee: source.tee(),
        provider: launch.provider,
        job: launch.job,
        terms: launch.spec.terms(),
        anchor: launch.anchor.number,
        anchor_hash: launch.anchor.hash,
        receipt_key: keys.receipt.public(),
        wrapping_key: keys.wrapping.public(),
        tls_key: None,
        gpu_evidence: None,
        previous: None,
    };
    evidence::collect(source, &binding, keys).await
}

/// Waits for an envelope that opens. One that does not may still be followed by one that does.
async fn receive_key(
    agent: &Agent,
    launch: &Launch,
    keys: &Keys,
    evidence: &Evidence,
    stop: &Stop,
) -> Result<(DataKey, Vec<u8>), JobError> {
    let context = KeyContext { genesis: launch.genesis, job: launch.job, evidence: evidence.replay_key() };
    loop {
        let envelope = agent.envelope().await?;
        match keys.wrapping.unwrap(&envelope, &context) {
            Ok(key) => return Ok((key, serde_json::to_vec(&envelope).map_err(io::Error::from)?)),
            Err(error) => tracing::warn!(%error, "the envelope is not for this guest, waiting for another"),
        }
        stop.or(time::sleep(CHECKPOINT_INTERVAL)).await?;
    }
}

/// What the data key opens: ingest, run, seal, hand over. When this returns, key and plaintext are gone; it says how many plain bytes that were.
async fn work(
    agent: &Agent,
    launch: &Launch,
    key: DataKey,
    journal: &Journal,
    stop: &Stop,
) -> Result<(blockcloud_primitives::Blob, Exit, u64), JobError> {
    let (mut erased, mut object_key) = (0, None);
    let (summary, run, processed) = match ingest(agent, launch, &key, journal, &mut object_key, &mut erased).await? {
        Ok(inputs) => {
            let object_key = inputs.object_key.clone();
            let (module_digest, digests) = (inputs.module_digest, inputs.digests.clone());
            let run = execute(&launch.spec, inputs, journal, stop).await?;
            let Ended::Exit(exit) = run.ended else {
                stop.check()?;
                return Err(Stopped(run.reason.unwrap_or_default()).into());
            };
            let left = run.files.bytes().saturating_add(length(run.stdout.bytes())).saturating_add(length(run.stderr.bytes()));
            erased = erased.saturating_add(left);
            (Summary::of(exit, &run), Some(run), Some((object_key, module_digest, digests)))
        }
        Err(reason) => (Summary::not_started(reason), None, None),
    };
    let exit = summary.exit;
    let object_key = match object_key {
        Some(object_key) => object_key,
        // Without a manifest there is no object key; whoever holds the data key can make this one.
        None => ObjectKey::from_bytes(*blake3::keyed_hash(key.as_bytes(), b"blockcloud/no-manifest/v1").as_bytes()),
    };
    let (sealed, object_key) = tokio::task::spawn_blocking(move || {
        let sealed = output::seal(&key, &object_key, &summary, run.as_ref());
        sealed.map(|sealed| (sealed, object_key))
    })
    .await??;
    let SealedOutput { bytes, blob, archive, archive_bytes } = sealed;
    erased = erased.saturating_add(archive_bytes);
    if let Some((object_key, module, digests)) = processed {
        journal.processed(&object_key, module, &digests, archive, archive_bytes)?;
    }
    journal.stored(&object_key, &bytes, archive)?;
    agent.output(&blob.digest, bytes).await?;
    journal.log().use_up(|usage| {
        usage.bytes_out = usage.bytes_out.saturating_add(blob.bytes);
        usage.bytes_stored = usage.bytes_stored.saturating_add(blob.bytes);
    });
    Ok((blob, exit, erased))
}

/// What a program is to be run on.
struct Inputs {
    object_key: ObjectKey,
    module: Zeroizing<Vec<u8>>,
    module_digest: Digest,
    /// Keyed digests of all inputs, one after the other.
    digests: Vec<u8>,
    files: Vfs,
}

/// Fetches, opens and checks manifest, module and files. What is the customer's mistake is returned in words, for the sealed summary.
async fn ingest(
    agent: &Agent,
    launch: &Launch,
    key: &DataKey,
    journal: &Journal,
    object_key: &mut Option<ObjectKey>,
    plain_bytes: &mut u64,
) -> Result<Result<Inputs, String>, JobError> {
    let spec = &launch.spec;
    let Workload::Wasm { module: expected, engine, .. } = &spec.workload;
    let sealed = fetch(agent, &spec.manifest, journal).await?;
    let manifest = match Manifest::open(key, &sealed) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(Err(error.to_string())),
    };
    *object_key = Some(manifest.object_key.clone());
    journal.ingested(&manifest.object_key, name::MANIFEST, &sealed)?;
    if *engine != crate::sandbox::engine_id() {
        return Ok(Err(format!("the job asks for engine {engine}, this guest runs {}", crate::sandbox::engine_id())));
    }
    if manifest.module.digest != *expected {
        return Ok(Err("the manifest's module is not the job's".into()));
    }
    if !manifest.entries().map(|entry| entry.blob).eq(spec.inputs.iter().map(|blob| blob.digest)) {
        return Ok(Err("the manifest's files are not the job's inputs, in this order".into()));
    }
    let mut files = match Sandbox::files(quota(spec)) {
        Ok(files) => files,
        Err(errno) => return Ok(Err(format!("the file system cannot be made: {errno:?}"))),
    };
    let mut digests = Vec::new();
    let mut module = Zeroizing::new(Vec::new());
    for (place, (entry, blob)) in manifest.entries().zip(spec.inputs.iter()).enumerate() {
        let sealed = fetch(agent, blob, journal).await?;
        let (opener, entry) = (key.clone(), entry.clone());
        let opened = tokio::task::spawn_blocking(move || (entry.open(&opener, &sealed).map(Zeroizing::new), entry)).await?;
        let (plain, entry) = match opened {
            (Ok(plain), entry) => (plain, entry),
            (Err(error), entry) => return Ok(Err(format!("{}: {error}", entry.path))),
        };
        *plain_bytes = plain_bytes.saturating_add(length(&plain));
        digests.extend_from_slice(&manifest.object_key.digest(&plain).0);
        if place == 0 {
            journal.ingested(&manifest.object_key, name::MODULE, &plain)?;
            module = plain;
            continue;
        }
        let path = format!("{INPUT}/{}", entry.path);
        journal.ingested(&manifest.object_key, &path, &plain)?;
        if let Err(errno) = files.load(&path, &plain, VirtualClock::EPOCH) {
            return Ok(Err(format!("{path} cannot be placed: {errno:?}")));
        }
    }
    Ok(Ok(Inputs { object_key: manifest.object_key.clone(), module, module_digest: *expected, digests, files }))
}

async fn fetch(agent: &Agent, blob: &blockcloud_primitives::Blob, journal: &Journal) -> Result<Vec<u8>, JobError> {
    let sealed = agent.blob(blob).await?;
    journal.log().use_up(|usage| usage.bytes_in = usage.bytes_in.saturating_add(blob.bytes));
    Ok(sealed)
}

/// Runs the program, off the threads that keep the log going.
async fn execute(spec: &JobSpec, inputs: Inputs, journal: &Journal, stop: &Stop) -> Result<Run, JobError> {
    let Workload::Wasm { fuel, memory_mib, seed, args, .. } = &spec.workload;
    let sandbox = Sandbox::new()?;
    let stopper = sandbox.stopper();
    let observer = journal.observer(inputs.object_key.clone(), inputs.module_digest);
    let (fuel, memory_mib, seed) = (*fuel, *memory_mib, seed.0);
    let args = args.iter().map(|arg| arg.as_str().to_string()).collect();
    let mut running = tokio::task::spawn_blocking(move || {
        let program = Program { module: &inputs.module, args, seed, fuel, memory_mib };
        sandbox.run(&program, inputs.files, observer)
    });
    tokio::select! {
        run = &mut running => Ok(run?),
        stopped = stop.stopped() => {
            // Its plaintext is wiped when the thread has ended, so this waits for it.
            stopper.stop();
            journal.log().abandon();
            running.await?;
            Err(stopped.into())
        }
    }
}

/// Room for a job's files: they live in the memory that the job has reserved, beside the program's own.
fn quota(spec: &JobSpec) -> Quota {
    let Workload::Wasm { memory_mib, .. } = &spec.workload;
    let gib = |count: u32| u64::from(count).saturating_mul(1 << 30);
    let memory = gib(spec.resources.memory_gib).saturating_sub(u64::from(*memory_mib) << 20).saturating_sub(HEADROOM);
    let storage = if spec.resources.storage_gib == 0 { u64::MAX } else { gib(spec.resources.storage_gib) };
    Quota { bytes: memory.min(storage).max(FILES_LEAST), entries: ENTRIES }
}

/// Time between checkpoints: often enough that two may be lost without the silence being noticed.
fn interval(spec: &JobSpec) -> Duration {
    (Duration::from_secs(spec.policy.checkpoint_gap.into()) / 3).clamp(Duration::from_millis(200), CHECKPOINT_INTERVAL)
}

fn journal_for_heartbeats(journal: &Journal, evidence: &Evidence, launch: &Launch) -> Journal {
    Journal::new(journal.log().clone(), evidence.receipt_key, launch.site)
}

/// Signs and hands over the log as it grows.
#[derive(Clone)]
struct Publisher {
    agent: Agent,
    log: Arc<Log>,
    key: Arc<crate::keys::ReceiptKey>,
    genesis: Digest,
}

impl Publisher {
    /// Goes on until the log is closed and every receipt is confirmed; returns the last checkpoint.
    async fn publish(self, interval: Duration, journal: Journal) -> Result<Option<Checkpoint>, TransportError> {
        let mut ticks = time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.log.closed() => {}
            }
            if self.log.is_settled()
                && let Err(error) = journal.heartbeat()
            {
                // Closed in this very moment: the last receipt is there to be handed over.
                tracing::debug!(%error, "no heartbeat");
            }
            last = self.hand_over().await?.or(last);
            if self.log.is_closed() && self.log.is_settled() {
                return Ok(last);
            }
        }
    }

    /// Hands over everything that is not confirmed.
    async fn hand_over(&self) -> Result<Option<Checkpoint>, TransportError> {
        if let Some(milliseconds) = log::cpu_ms() {
            self.log.use_up(|usage| usage.cpu_ms = usage.cpu_ms.max(milliseconds));
        }
        let mut last = None;
        while let Some(increment) = self.log.increment(&self.key, &self.genesis) {
            self.agent.log(&increment).await?;
            self.log.confirm(increment.checkpoint.size);
            last = Some(increment.checkpoint);
        }
        Ok(last)
    }

    /// After a stop: tries for a little while to hand over the rest of the log, with the erasure in it.
    async fn farewell(mut self) {
        let patience = Stop::default();
        self.agent = self.agent.until(patience.clone());
        match time::timeout(FAREWELL, self.hand_over()).await {
            Ok(Ok(_)) => tracing::info!("erased; the log is handed over"),
            Ok(Err(error)) => tracing::info!(%error, "erased; the agent does not take the rest of the log"),
            Err(_) => tracing::info!("erased; the agent is away"),
        }
    }
}

/// Waits until the whole log is confirmed.
async fn finish(publishing: JoinHandle<Result<Option<Checkpoint>, TransportError>>, stop: &Stop) -> Result<Checkpoint, JobError> {
    match publishing.await?? {
        Some(checkpoint) => Ok(checkpoint),
        // There was at least the key's receipt to hand over.
        None => Err(stop.check().err().unwrap_or(Stopped("the log was never handed over".into())).into()),
    }
}

/// Asks the agent now and then whether to go on.
async fn obey(agent: Agent, stop: Stop) {
    let mut ticks = time::interval(CONTROL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(control) = agent.control().await
            && control.stop
        {
            stop.stop(control.reason.unwrap_or_else(|| "the agent said so".into()));
            return;
        }
    }
}

/// Stops the job when its time is up: the chain has ended it by then.
async fn end_at(stop: Stop, longest_run: u32) {
    time::sleep(Duration::from_secs(longest_run.into())).await;
    stop.stop("the job's longest run is over");
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
