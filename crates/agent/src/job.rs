//! Looking after one job: read its state, decide, do one step, again. Each step can be repeated: it looks at the chain first.
//!
//! Not here: what to do when (`decide`), the way of checkpoints through an aggregator (`rounds`).

pub mod rounds;

use crate::{
    agent::{Agent, Live, now},
    decide::{GuestProcess, Situation, Step, decide, dry_at, paid_until},
    driver::LaunchRequest,
    record::{JobRecord, Launch, Renewal},
    store::StoreError,
};
use anyhow::{Context as _, anyhow};
use blockcloud_client::{At, Call, Chain, Error, Outcome, Until, calls};
use blockcloud_primitives::{Digest, End, JobState, JobView, Moment};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// How often a guest is looked at when nothing else happens.
const TICK: Duration = Duration::from_secs(1);
/// How often a job that has ended is looked at.
const REST: Duration = Duration::from_secs(60);
/// How long a guest is left alone whose renewed evidence the chain refused, in milliseconds.
const AFTER_REFUSAL: Moment = 30_000;
/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What comes after a step.
enum Turn {
    /// The state has changed: look again at once.
    Again,
    /// Wait for a change or the next final block, this long at most.
    Wait(Duration),
    /// It has ended; look now and then whether it is closed.
    Rest,
    /// Nothing will happen any more.
    Over,
}

/// Looks after a job until it is closed or the agent ends.
pub async fn look_after(agent: Arc<Agent>, live: Arc<Live>) {
    let mut failures = 0u32;
    let mut changed = live.changed.subscribe();
    let mut node = agent.node.subscribe();
    loop {
        changed.borrow_and_update();
        node.borrow_and_update();
        let (wait, blocks_matter) = match turn(&agent, &live).await {
            Ok(Turn::Over) => return,
            Ok(Turn::Again) => {
                failures = 0;
                continue;
            }
            Ok(Turn::Wait(wait)) => {
                failures = 0;
                (wait, true)
            }
            Ok(Turn::Rest) => {
                failures = 0;
                (REST, false)
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let away = error.downcast_ref::<Error>().is_some_and(Error::is_unreachable);
                let error = format!("{error:#}");
                if away {
                    // Said once for all jobs by whoever follows the node.
                    tracing::debug!(target: "blockcloud::agent", job = %live.job, error, failures, "waiting for the node");
                } else {
                    tracing::warn!(target: "blockcloud::agent", job = %live.job, error, failures, "a step failed; trying again");
                }
                let pause = Duration::from_millis(250).saturating_mul(1 << failures.min(6)).min(LONGEST_PAUSE);
                // A node that was away may be back before the pause is over; a refusal is no other a block later.
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = node.changed(), if away => {}
                    () = agent.stop.cancelled() => return,
                }
                continue;
            }
        };
        tokio::select! {
            _ = changed.changed() => {}
            _ = node.changed(), if blocks_matter => {}
            () = tokio::time::sleep(wait) => {}
            () = agent.stop.cancelled() => return,
        }
    }
}

async fn turn(agent: &Arc<Agent>, live: &Arc<Live>) -> anyhow::Result<Turn> {
    let mut record = agent.store.job(live.job).await?.ok_or(StoreError::UnknownJob(live.job))?;
    if record.closed_at.is_some() {
        return Ok(Turn::Over);
    }
    // The first contact to a node is told like a final block.
    let Some(chain) = agent.chain() else { return Ok(Turn::Wait(TICK)) };
    let view = match chain.job(live.job, At::Best).await? {
        Some(view) => Some(view),
        // Gone from a block that may be replaced is not gone.
        None if chain.job(live.job, At::Finalised).await?.is_some() => return Ok(Turn::Wait(TICK)),
        None => None,
    };
    if let Some(state) = view.as_ref().map(|view| view.state).filter(|state| record.state != Some(*state)) {
        tracing::info!(target: "blockcloud::agent", job = %live.job, ?state, "the job's state");
        record = agent.store.change(live.job, move |record| record.state = Some(state)).await?;
        live.changed.raise();
    }
    let dry = view.as_ref().and_then(|view| dry_at(view, &record));
    if record.dry_at != dry {
        record = agent.store.change(live.job, move |record| record.dry_at = dry).await?;
    }
    let (guest, record) = agent.guest_process(record).await?;
    let fits = match &view {
        Some(view) if record.launch.is_none() => fits(agent, view).await,
        _ => Ok(()),
    };
    let run = &agent.config.run;
    let (max_launches, settle_interval) = (run.max_launches, run.settle_interval());
    let step = decide(&Situation { view: view.as_ref(), record: &record, guest, fits, max_launches, now: now(), settle_interval });
    if step != Step::Wait {
        tracing::debug!(target: "blockcloud::agent", job = %live.job, ?step, ?guest, "next");
    }
    let worker = Worker { agent, live, chain, record };
    match (step, view) {
        (Step::Wait, _) if worker.record.end.is_some() => Ok(Turn::Rest),
        (Step::Wait, _) => Ok(Turn::Wait(TICK)),
        (Step::Decline(reason), _) => worker.note(format!("not accepted: {reason}")).await,
        (Step::Accept, _) => worker.accept(guest).await,
        (Step::Recover, _) => worker.start().await,
        (Step::Launch, _) => worker.launch().await,
        (Step::Attest, _) => worker.attest().await,
        (Step::AskRenewal(previous), _) => worker.ask_renewal(previous).await,
        (Step::Renew, _) => worker.renew().await,
        (Step::Renewed, _) => worker.renewed().await,
        (Step::Poke, _) => worker.poke().await,
        (Step::Checkpoint, Some(view)) => worker.checkpoint(&view, guest).await,
        (Step::Complete, _) => worker.complete().await,
        (Step::Settle, _) => worker.settle().await,
        (Step::Abandon(reason), _) => worker.abandon(reason).await,
        (Step::Stop, Some(view)) => worker.stop(&view).await,
        (Step::Finish(end), _) => worker.finish(end).await,
        (Step::Close | Step::Checkpoint | Step::Stop, _) => worker.close().await,
    }
}

/// Whether a job fits this agent; if not, why.
async fn fits(agent: &Agent, view: &JobView) -> Result<(), String> {
    if !view.spec.policy.tees.contains(&agent.tee()) {
        return Err(format!("its policy does not accept {:?}, which is what this host has", agent.tee()));
    }
    agent.evidence_is_given().await?;
    // This job is not among them: it has no guest yet.
    agent.config.accept.judge(&view.spec, view.rate, agent.store.launched())
}

/// Does one step.
struct Worker<'a> {
    agent: &'a Arc<Agent>,
    live: &'a Arc<Live>,
    chain: &'a Chain,
    record: JobRecord,
}

impl Worker<'_> {
    /// Starts the guest, and accepts the job if that worked: the guest makes its keys while the chain makes its block, and a host that cannot
    /// start guests promises nothing.
    async fn accept(mut self, guest: GuestProcess) -> anyhow::Result<Turn> {
        if self.record.launch.is_none() {
            self.record = self.agent.store.change(self.live.job, |record| record.launch = Some(Launch::new(1))).await?;
        }
        if matches!(guest, GuestProcess::None | GuestProcess::Unknown) {
            self.ensure_started().await?;
        }
        let accepted = self.submit(&calls::jobs::accept(self.live.job), Until::Best).await;
        self.after(accepted).await
    }

    /// Starts a new guest in place of one that died.
    async fn launch(mut self) -> anyhow::Result<Turn> {
        if let Some(guest) = self.record.launch.as_ref().and_then(|launch| launch.guest.as_ref()) {
            self.agent.driver.stop(guest).await?;
        }
        let number = self.record.launches().saturating_add(1);
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, launch = number, "starting a guest");
        self.record = self.agent.store.change(self.live.job, move |record| record.launch = Some(Launch::new(number))).await?;
        self.start().await
    }

    async fn start(self) -> anyhow::Result<Turn> {
        self.ensure_started().await?;
        Ok(Turn::Again)
    }

    /// Starts the guest of the present launch, unless an earlier life of this agent did and had no time to note it.
    async fn ensure_started(&self) -> anyhow::Result<()> {
        let launch = self.record.launch.as_ref().context("no launch to start")?;
        let request = LaunchRequest { job: self.live.job, terms: self.record.terms, agent: self.agent.guest_url(&launch.token) };
        let guest = match self.agent.driver.find(&request.agent).await {
            Some(guest) => guest,
            None => self.agent.driver.launch(&request).await?,
        };
        let token = launch.token.clone();
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, launch = launch.number, ?guest, "the guest runs");
        self.agent
            .store
            .change(self.live.job, move |record| {
                if let Some(launch) = record.launch.as_mut().filter(|launch| launch.token == token) {
                    launch.guest = Some(guest);
                }
            })
            .await?;
        Ok(())
    }

    async fn attest(self) -> anyhow::Result<Turn> {
        let evidence = self.record.evidence().context("no evidence")?;
        let result = self.submit(&calls::jobs::attest(self.live.job, evidence), Until::Best).await;
        if let Err(Error::Dispatch(failure)) = &result
            && failure.pallet != "Jobs"
        {
            // Evidence that was refused once stays refused. A new guest brings new evidence.
            tracing::warn!(target: "blockcloud::agent", job = %self.live.job, %failure, "the evidence was refused");
            if let Some(guest) = self.record.launch.as_ref().and_then(|launch| launch.guest.as_ref()) {
                self.agent.driver.stop(guest).await?;
            }
            return self.note(format!("the evidence was refused: {failure}")).await;
        }
        self.after(result).await
    }

    /// Changes the renewal of the present launch.
    async fn set_renewal(&self, renewal: Option<Renewal>) -> anyhow::Result<()> {
        let set = move |record: &mut JobRecord| {
            if let Some(launch) = &mut record.launch {
                launch.renewal = renewal;
            }
        };
        self.agent.store.change(self.live.job, set).await?;
        self.live.changed.raise();
        Ok(())
    }

    /// The guest finds the request when it asks what is wanted of it.
    async fn ask_renewal(self, previous: Digest) -> anyhow::Result<Turn> {
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, "asking the guest to renew its evidence");
        self.set_renewal(Some(Renewal { previous, evidence: None, not_before: 0 })).await?;
        Ok(Turn::Wait(TICK))
    }

    async fn renew(self) -> anyhow::Result<Turn> {
        let renewal = self.record.renewal().context("no renewal")?;
        let evidence = renewal.evidence.as_ref().context("no renewed evidence")?;
        let result = self.submit(&calls::jobs::renew(self.live.job, evidence), Until::Best).await;
        if let Err(Error::Dispatch(failure)) = &result
            && failure.pallet != "Jobs"
        {
            // The job goes on for as long as the old evidence counts; what changes until then may let the next one pass.
            tracing::warn!(target: "blockcloud::agent", job = %self.live.job, %failure, "the renewed evidence was refused");
            let again = Renewal { previous: renewal.previous, evidence: None, not_before: now().saturating_add(AFTER_REFUSAL) };
            self.set_renewal(Some(again)).await?;
            return self.note(format!("the renewed evidence was refused: {failure}")).await;
        }
        self.after(result).await
    }

    /// What the chain has accepted takes the place of what it renewed.
    async fn renewed(self) -> anyhow::Result<Turn> {
        let renewed = |record: &mut JobRecord| {
            if let Some(launch) = &mut record.launch
                && let Some(evidence) = launch.renewal.take().and_then(|renewal| renewal.evidence)
            {
                launch.evidence = Some(evidence);
            }
        };
        self.agent.store.change(self.live.job, renewed).await?;
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, "the evidence is renewed");
        Ok(Turn::Again)
    }

    async fn poke(self) -> anyhow::Result<Turn> {
        let result = self.submit(&calls::jobs::poke(self.live.job), Until::Best).await;
        self.after(result).await
    }

    async fn checkpoint(self, view: &JobView, guest: GuestProcess) -> anyhow::Result<Turn> {
        let launch = self.record.launch.as_ref().context("no launch")?;
        let signed = launch.checkpoint.context("no checkpoint")?;
        // The first and the last go directly: what comes between may go by way of an aggregator.
        let paid = paid_until(view, &self.record).is_none_or(|until| now() < until);
        if let (Some(aggregator), Some(head)) = (&self.agent.aggregator, &view.head)
            && launch.completion.is_none()
            && guest == GuestProcess::Alive
            && paid
            && let Some(turn) = self.by_aggregator(aggregator, view, head, &signed, launch).await?
        {
            return Ok(turn);
        }
        // The first and the last go at once; those between no more often than configured.
        if view.head.is_some() && launch.completion.is_none() {
            let last = *self.live.last_checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = self.agent.config.run.checkpoint_interval();
            if let Some(rest) = last.and_then(|last| pause.checked_sub(last.elapsed())).filter(|rest| !rest.is_zero()) {
                return Ok(Turn::Wait(rest));
            }
        }
        let head = view.head;
        let proof = self.agent.with_log(self.live, launch.number, move |log| log.proof(head.as_ref(), &signed.checkpoint)).await?;
        let call = calls::receipts::checkpoint(&signed.checkpoint, &signed.signature, &proof);
        *self.live.last_checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let result = self.submit(&call, Until::Best).await;
        self.after(result).await
    }

    async fn complete(self) -> anyhow::Result<Turn> {
        let launch = self.record.launch.as_ref().context("no launch")?;
        let last = launch.completion.clone().context("no completion")?;
        let (index, size) = (last.completion.erased, last.completion.size);
        let proof = self.agent.with_log(self.live, launch.number, move |log| log.inclusion(index, size)).await?;
        let proof = proof.ok_or_else(|| anyhow!("the erase receipt at {index} is not in the log of {size} receipts"))?;
        let call = calls::jobs::complete(self.live.job, &last.completion, &last.signature, &last.erase_receipt, &proof);
        let result = self.submit(&call, Until::Final).await;
        self.after(result).await
    }

    /// Has what is earned so far paid out. Noted as done before it is: a refusal must not come between the checkpoints again and again.
    async fn settle(mut self) -> anyhow::Result<Turn> {
        self.record = self.agent.store.change(self.live.job, |record| record.settled_at = Some(now())).await?;
        let result = self.submit(&calls::jobs::settle(self.live.job), Until::Best).await;
        self.after(result).await
    }

    /// Ends the job now that its paid time is over. The chain says why; by its clock, because before that moment it would blame the provider.
    async fn stop(self, view: &JobView) -> anyhow::Result<Turn> {
        let time = self.chain.now(At::Best).await?;
        if paid_until(view, &self.record).is_none_or(|until| time < until) {
            return Ok(Turn::Wait(TICK));
        }
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, "the paid time is over");
        let result = self.submit(&calls::jobs::cancel(self.live.job), Until::Final).await;
        self.after(result).await
    }

    async fn abandon(self, reason: String) -> anyhow::Result<Turn> {
        tracing::warn!(target: "blockcloud::agent", job = %self.live.job, reason, "giving the job up");
        let result = self.submit(&calls::jobs::cancel(self.live.job), Until::Final).await;
        if result.is_ok() {
            let noted = format!("given up: {reason}");
            self.agent.store.change(self.live.job, move |record| record.note = Some(noted)).await?;
            return Ok(Turn::Again);
        }
        self.after(result).await
    }

    /// It has ended: what only the guest needed is deleted, and the guest with it.
    async fn finish(self, end: End) -> anyhow::Result<Turn> {
        match self.chain.job(self.live.job, At::Finalised).await? {
            Some(view) if view.state != JobState::Settled(end) => return Ok(Turn::Wait(TICK)),
            _ => {}
        }
        self.clear().await?;
        self.leave_aggregators().await?;
        self.agent.store.change(self.live.job, move |record| record.end = Some(end)).await?;
        // Whoever reads it from now on finds it in the archive.
        self.live.close_log();
        self.live.changed.raise();
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, "ended: {end}");
        Ok(Turn::Again)
    }

    /// Nothing of it is on chain any more.
    async fn close(self) -> anyhow::Result<Turn> {
        self.clear().await?;
        self.agent
            .store
            .change(self.live.job, |record| {
                record.state = None;
                record.closed_at = Some(now());
            })
            .await?;
        self.live.close_log();
        self.live.changed.raise();
        tracing::info!(target: "blockcloud::agent", job = %self.live.job, "closed");
        Ok(Turn::Over)
    }

    /// Stops the guest and deletes the sealed inputs and the key envelope. The sealed output stays for the customer.
    async fn clear(&self) -> anyhow::Result<()> {
        if let Some(launch) = &self.record.launch {
            let guest = match &launch.guest {
                Some(guest) => Some(guest.clone()),
                None => self.agent.driver.find(&self.agent.guest_url(&launch.token)).await,
            };
            if let Some(guest) = guest {
                self.agent.driver.stop(&guest).await?;
            }
        }
        let output = self.record.output().map(|blob| blob.digest);
        for blob in self.record.expected().filter(|blob| Some(blob.digest) != output) {
            self.agent.blobs.delete(self.live.job, blob.digest).await?;
        }
        self.agent
            .store
            .change(self.live.job, |record| {
                if let Some(launch) = &mut record.launch {
                    launch.envelope = None;
                }
            })
            .await?;
        Ok(())
    }

    async fn submit(&self, call: &Call, until: Until) -> Result<Outcome, Error> {
        let outcome = self.chain.submit(call, &self.agent.signer, until).await;
        if let Ok(outcome) = &outcome {
            tracing::info!(target: "blockcloud::agent", job = %self.live.job, block = outcome.number, "{call}");
        }
        outcome
    }

    /// Notes why the job does not go on, and waits.
    async fn note(self, note: String) -> anyhow::Result<Turn> {
        if self.record.note.as_ref() != Some(&note) {
            tracing::info!(target: "blockcloud::agent", job = %self.live.job, "{note}");
            self.agent.store.change(self.live.job, move |record| record.note = Some(note)).await?;
        }
        Ok(Turn::Wait(TICK))
    }

    /// What comes after a transaction. A refusal is noted: by the next look, the state that caused it may have changed.
    async fn after(self, result: Result<Outcome, Error>) -> anyhow::Result<Turn> {
        match result {
            Ok(_) => {
                if self.record.note.is_some() {
                    self.agent.store.change(self.live.job, |record| record.note = None).await?;
                }
                Ok(Turn::Again)
            }
            Err(Error::Dispatch(failure)) => {
                let note = format!("refused by the chain: {failure}");
                self.note(note.clone()).await?;
                // An error, so that the pause grows: every refusal costs a fee.
                Err(anyhow!(note))
            }
            Err(error) => {
                let advice = error.advice();
                Err(error).context(advice)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, DriverConfig},
        driver::{Driver, DriverError, Guest, ProcessDriver},
        store::Store,
        testing,
    };
    use futures::future::BoxFuture;
    use std::sync::Mutex;

    /// An agent that is never connected.
    async fn agent(folder: &std::path::Path, simulator: Option<String>) -> Arc<Agent> {
        let guest = folder.join("guest");
        let text = Config::example(folder, std::path::Path::new("key"));
        let mut config: Config = toml::from_str(&text).unwrap();
        config.driver = DriverConfig::Process { guest: guest.clone(), simulator: simulator.clone(), tee: None };
        let tee = config.driver.tee().unwrap();
        let driver = ProcessDriver::new(guest, simulator, tee, folder.join("guests")).unwrap();
        Agent::open_with(config, "//Alice".parse().unwrap(), Box::new(driver)).await.unwrap()
    }

    #[tokio::test]
    async fn a_job_fits_by_hardware_limits_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut view = testing::view();
        let agent = agent(folder.path(), Some("http://127.0.0.1:1".into())).await;
        assert_eq!(fits(&agent, &view).await, Ok(()));
        view.spec.resources = blockcloud_primitives::Resources { vcpus: 1, memory_gib: 64, storage_gib: 64, gpus: 0 };
        assert!(fits(&agent, &view).await.unwrap_err().contains("max_output_bytes"));
        view.spec.policy.tees = Default::default();
        assert!(fits(&agent, &view).await.unwrap_err().contains("policy"));
        for job in 100..116 {
            let record = JobRecord { job: blockcloud_primitives::JobId(job), ..JobRecord::new(&testing::view()) };
            agent.store.insert(JobRecord { launch: Some(Launch::new(1)), ..record }).await.unwrap();
        }
        assert!(fits(&agent, &testing::view()).await.unwrap_err().contains("max_jobs"));
    }

    /// A guest that hands over its last word at the very moment at which it is asked whether it lives, and then does not.
    struct LastWord(Arc<Mutex<Option<Store>>>);

    impl Driver for LastWord {
        fn launch<'a>(&'a self, _: &'a LaunchRequest) -> BoxFuture<'a, Result<Guest, DriverError>> {
            unreachable!("nothing is launched")
        }

        fn find<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Guest>> {
            Box::pin(async { None })
        }

        fn alive<'a>(&'a self, _: &'a Guest) -> BoxFuture<'a, bool> {
            let store = self.0.lock().unwrap().take();
            Box::pin(async move {
                if let Some(store) = store {
                    let guest = testing::Guest::new();
                    let checkpoint = guest.checkpoint(testing::JOB, 3, Digest::ZERO).checkpoint;
                    let completion = guest.completion(&checkpoint, testing::blob(b"out"), guest.receipts(0, 1)[0]);
                    store.change(testing::JOB, |record| record.launch.as_mut().unwrap().completion = Some(completion)).await.unwrap();
                }
                false
            })
        }

        fn stop<'a>(&'a self, _: &'a Guest) -> BoxFuture<'a, Result<(), DriverError>> {
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn a_guest_that_ended_after_its_last_word_is_not_taken_for_dead_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut config: Config = toml::from_str(&Config::example(folder.path(), std::path::Path::new("key"))).unwrap();
        config.driver = DriverConfig::Process { guest: folder.path().join("guest"), simulator: None, tee: None };
        let store = Arc::new(Mutex::new(None));
        let agent = Agent::open_with(config, "//Alice".parse().unwrap(), Box::new(LastWord(store.clone()))).await.unwrap();
        *store.lock().unwrap() = Some(agent.store.clone());
        let guest = Guest::Process { pid: 1, started: 1, boot: String::new(), measurement: None };
        let launch = Launch { guest: Some(guest), ..Launch::new(1) };
        let record = agent.store.insert(JobRecord { launch: Some(launch), ..JobRecord::new(&testing::view()) }).await.unwrap();
        assert!(record.completion().is_none());
        let (process, record) = agent.guest_process(record).await.unwrap();
        assert_eq!(process, GuestProcess::Dead);
        assert!(record.completion().is_some());
    }

    #[tokio::test]
    async fn a_job_is_declined_where_the_kernel_gives_no_evidence() {
        if std::path::Path::new(crate::configfs::ROOT).exists() {
            // A confidential VM: what its kernel gives is not this test's to say.
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut view = testing::view();
        view.spec.policy.tees = vec![blockcloud_primitives::Tee::SevSnp].try_into().unwrap();
        let agent = agent(folder.path(), None).await;
        assert!(fits(&agent, &view).await.unwrap_err().contains("no evidence"));
    }
}
