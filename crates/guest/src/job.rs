//! The story of one job, from the guest's start to its last word.
//!
//! Launch, keys, evidence; the data key; ingest, run, store; erase; the last checkpoint and the completion. Each step is a function here; how they work
//! is elsewhere. Plaintext is in this process's memory only: nothing here logs names or contents.

use crate::{
    evidence::{self, EvidenceError, ReportSource},
    ingest::{self, Inputs, Opened, Released},
    journal::Journal,
    keys::{Keys, NoRandomness},
    log::{self, Log, LogError},
    output::{self, SealedOutput, Summary},
    renew::Renewer,
    sandbox::{Ended, EngineError, Program, Run, Sandbox},
    stop::{Stop, Stopped},
    transport::{Agent, Completed, Launch, Renewal, TransportError},
};
use blockcloud_primitives::{Checkpoint, Completion, Digest, Evidence, Exit, JobSpec, ReportBinding, Workload};
use blockcloud_seal::{DataKey, MANIFEST_MAX, ObjectKey, Room};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::{self, Instant, MissedTickBehavior},
};

/// Longest time between two checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How often the agent is asked whether to go on.
const CONTROL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stopped guest tries to hand over the proof of its erasure.
const FAREWELL: Duration = Duration::from_secs(10);
/// What sealing and handing over may take beyond the longest run. The chain waits for 30 seconds.
const LAST_WORD: Duration = Duration::from_secs(25);
/// How long a guest that has no key waits for an agent that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

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
    /// The manifest is too long to be one.
    #[error("the job's manifest has {0} bytes, a manifest has at most {MANIFEST_MAX}")]
    ManifestTooLarge(u64),
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
    let (renewals, asked) = watch::channel(None);
    let control = tokio::spawn(obey(agent.clone(), stop.clone(), renewals));
    let patience = tokio::spawn(lose_patience(agent.clone(), stop.clone(), PATIENCE));
    let done = story(agent, source, stop, &patience, asked).await;
    control.abort();
    patience.abort();
    done
}

async fn story(
    agent: &Agent,
    source: &impl ReportSource,
    stop: &Stop,
    patience: &JoinHandle<()>,
    asked: watch::Receiver<Option<Renewal>>,
) -> Result<Finished, JobError> {
    let launch = agent.launch().await?;
    tracing::info!(job = %launch.job, terms = %launch.spec.terms(), "launched");
    let keys = Keys::generate()?;
    let evidence = vouch(&launch, &keys, source).await?;
    agent.evidence(&evidence).await?;
    tracing::info!(job = %launch.job, receipt_key = %evidence.receipt_key, "evidence handed over, waiting for the blobs");

    let log = Arc::new(Log::new(launch.job));
    let sealed = ingest::fetch(agent, &launch.spec, &log).await?;
    tracing::info!(job = %launch.job, "the blobs are here, waiting for the key");
    let Released { key, envelope, manifest } = ingest::receive_key(agent, &launch, &keys, &evidence, &sealed, stop).await?;
    patience.abort();
    // The wrapping key has done its work.
    let Keys { receipt: receipt_key, wrapping } = keys;
    drop(wrapping);
    let receipt_key = Arc::new(receipt_key);
    let journal = Journal::new(log.clone(), evidence.receipt_key, launch.site);
    journal.key_released(&envelope)?;
    tracing::info!(job = %launch.job, "key received");
    let opened = ingest::open(&launch.spec, sealed, &key, manifest, &journal).await?;

    // Only from here on there is work, and pay for it.
    let publisher = Publisher { agent: agent.clone(), log: log.clone(), key: receipt_key.clone(), genesis: launch.genesis };
    let publishing = tokio::spawn(publisher.clone().publish(interval(&launch.spec), journal_for_heartbeats(&journal, &evidence, &launch)));
    let mut deadline = Deadline::new(stop, launch.spec.longest_run);

    let renewer = Renewer::new(agent, source, &launch, receipt_key.clone(), &evidence);
    let renewing = renewer.run(asked);
    tokio::pin!(renewing);
    let working = work(agent, &launch.spec, key, opened, &journal, stop, &mut deadline);
    let worked = beside(working, renewing.as_mut()).await;
    let (output, exit, erased_bytes) = match worked {
        Ok(worked) => worked,
        Err(error) => {
            // Everything that `work` knew is gone; say so to whoever still listens.
            publishing.abort();
            log.abandon();
            if journal.erased(0).is_ok() {
                publisher.farewell().await;
            }
            return Err(error);
        }
    };
    let erase_receipt = journal.erased(erased_bytes)?;
    let last = match beside(finish(publishing, stop), renewing).await {
        Ok(last) => last,
        Err(error) => {
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
    tracing::info!(job = %launch.job, receipts = last.size, ?exit, "completed");
    Ok(Finished { completion })
}

/// Does the work, and the other beside it for as long as the work takes.
async fn beside<T>(work: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = other => work.await,
    }
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
    evidence::collect(source, &binding, &keys.receipt).await
}

/// What the data key has opened: run, seal, hand over. When this returns, key and plaintext are gone; it says how many plain bytes that were.
async fn work(
    agent: &Agent,
    spec: &JobSpec,
    key: DataKey,
    opened: Opened,
    journal: &Journal,
    stop: &Stop,
    deadline: &mut Deadline,
) -> Result<(blockcloud_primitives::Blob, Exit, u64), JobError> {
    let Opened { object_key, plain_bytes: mut erased, inputs } = opened;
    let (mut summary, run, processed) = match inputs {
        Ok(inputs) => {
            let object_key = inputs.object_key.clone();
            let (module_digest, digests) = (inputs.module_digest, inputs.digests.clone());
            let run = execute(spec, inputs, journal, stop).await?;
            let Ended::Exit(exit) = run.ended else {
                stop.check()?;
                return Err(Stopped(run.reason.unwrap_or_default()).into());
            };
            let left = run.files.bytes().saturating_add(run.stdout.len()).saturating_add(run.stderr.len());
            erased = erased.saturating_add(left);
            (Summary::of(exit, &run), Some(run), Some((object_key, module_digest, digests)))
        }
        Err(reason) => (Summary::not_started(reason), None, None),
    };
    deadline.program_ended();
    let object_key = match object_key {
        Some(object_key) => object_key,
        // Without a manifest there is no object key; whoever holds the data key can make this one.
        None => ObjectKey::from_bytes(*blake3::keyed_hash(key.as_bytes(), b"blockcloud/no-manifest/v1").as_bytes()),
    };
    let limit = Room::of(spec).output;
    let (sealed, exit, object_key) = tokio::task::spawn_blocking(move || {
        let sealed = output::seal(&key, &object_key, &mut summary, run, limit);
        sealed.map(|sealed| (sealed, summary.exit, object_key))
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

/// Runs the program, off the threads that keep the log going.
async fn execute(spec: &JobSpec, inputs: Inputs, journal: &Journal, stop: &Stop) -> Result<Run, JobError> {
    let Workload::Wasm { fuel, memory_mib, args, .. } = &spec.workload;
    let sandbox = Sandbox::new()?;
    let stopper = sandbox.stopper();
    let observer = journal.observer(inputs.object_key.clone(), inputs.module_digest);
    let (fuel, memory_mib) = (*fuel, *memory_mib);
    let args = args.iter().map(|arg| arg.as_str().to_string()).collect();
    let mut running = tokio::task::spawn_blocking(move || {
        let Inputs { module, name, env, seed, files, .. } = inputs;
        let program = Program { module: &module, name, args, env, seed: *seed, fuel, memory_mib };
        sandbox.run(&program, files, observer)
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
            if let Err(error) = journal.heartbeat() {
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

/// Asks the agent now and then whether to go on, and whether evidence is to be renewed.
async fn obey(agent: Agent, stop: Stop, renewals: watch::Sender<Option<Renewal>>) {
    let mut ticks = time::interval(CONTROL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(control) = agent.control().await else { continue };
        if control.stop {
            stop.stop(control.reason.unwrap_or_else(|| "the agent said so".into()));
            return;
        }
        renewals.send_replace(control.renew);
    }
}

/// Stops the guest when the agent has not answered for that long: whoever started it is gone.
async fn lose_patience(agent: Agent, stop: Stop, patience: Duration) {
    loop {
        let until = agent.heard().checked_add(patience).unwrap_or_else(Instant::now);
        if until <= Instant::now() {
            stop.stop(format!("there is no key, and the agent has not answered for {} minutes", patience.as_secs() / 60));
            return;
        }
        time::sleep_until(until).await;
    }
}

/// Stops the job when its time is up: the longest run for the program, a little more for the guest's last word.
struct Deadline {
    stop: Stop,
    /// When the program's time is up.
    program: Instant,
    task: JoinHandle<()>,
}

impl Deadline {
    /// From now on.
    fn new(stop: &Stop, longest_run: u32) -> Self {
        let program = Instant::now().checked_add(Duration::from_secs(longest_run.into())).unwrap_or_else(Instant::now);
        Self { stop: stop.clone(), program, task: tokio::spawn(end_at(stop.clone(), program)) }
    }

    /// The program has ended in time; what is left is to seal and hand over.
    fn program_ended(&mut self) {
        self.task.abort();
        let last_word = self.program.checked_add(LAST_WORD).unwrap_or(self.program);
        self.task = tokio::spawn(end_at(self.stop.clone(), last_word));
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn end_at(stop: Stop, moment: Instant) {
    time::sleep_until(moment).await;
    stop.stop("the job's longest run is over");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_agent_that_never_answers_ends_the_patience() {
        let stop = Stop::default();
        // Nobody listens on this port: it is reserved.
        let agent = Agent::new("http://127.0.0.1:1", stop.clone()).unwrap();
        assert!(agent.control().await.is_none());
        lose_patience(agent, stop.clone(), Duration::from_millis(20)).await;
        assert!(stop.check().is_err_and(|Stopped(reason)| reason.contains("has not answered")));
    }
}
