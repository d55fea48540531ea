//! The daemon: one task for each job in the customer's folder, from the upload to the release.

use super::{
    approval::{self, Case, Request},
    audit::{AuditLog, Event},
    check::connect,
    policy::Config,
};
use crate::{
    agent::Agent,
    context::now,
    fault::{is_over, usage},
    home::JobFolder,
    release::{asks, envelope, evidence_of, judge, over, taken_up, upload},
    trust,
};
use anyhow::{Context as _, Result, anyhow};
use blockcloud_client::{At, Chain, Heads, Signer, account_to_ss58};
use blockcloud_primitives::{AccountId, Digest, JobId, JobState, JobView, Session};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{signal, task::JoinHandle};
use tracing::{info, warn};

/// How long to wait before what failed is tried again: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What all jobs share.
struct Keyd {
    config: Config,
    signer: Signer,
    root: Option<Digest>,
    chain: Chain,
    log: Mutex<AuditLog>,
    /// What was written about a guest since the start: it is not repeated every second.
    told: Mutex<BTreeSet<(Digest, Vec<&'static str>)>>,
}

/// Serves until SIGINT or SIGTERM.
pub async fn run(config: Config) -> Result<bool> {
    let signer = Signer::read(&config.key)
        .map_err(|error| usage(format!("{error}: make a key with `blockcloud key generate --to {}`", config.key.display())))?;
    let root = trust::root(config.policy.root.as_deref())?;
    for folder in [config.requests(), config.approvals()] {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut log = AuditLog::open(&config.audit_log())?;
    let chain = connect(&config).await?;
    log.append(Event::Started { config: config.digest })?;
    info!(account = account_to_ss58(signer.account()), home = %config.home.display(), "the key daemon is here");

    let mut interrupted = std::pin::pin!(signal::ctrl_c());
    let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut heads = heads(&chain).await;
    let keyd = Arc::new(Keyd { config, signer, root, chain, log: Mutex::new(log), told: Mutex::default() });
    let mut jobs = BTreeMap::<JobId, JoinHandle<()>>::new();
    loop {
        match JobFolder::jobs(&keyd.config.home, keyd.chain.genesis()) {
            Ok(found) => {
                for job in found {
                    jobs.entry(job).or_insert_with(|| tokio::spawn(keyd.clone().attend(job)));
                }
            }
            Err(error) => warn!("{error:#}"),
        }
        tokio::select! {
            () = next(&keyd.chain, &mut heads) => {}
            _ = &mut interrupted => break,
            _ = terminated.recv() => break,
        }
    }
    for job in jobs.values() {
        job.abort();
    }
    info!("stopped");
    Ok(true)
}

/// Follows finality, for as long as it takes to find a node that shows it.
async fn heads(chain: &Chain) -> Heads {
    loop {
        match chain.patiently(|| chain.finalised_heads()).await {
            Ok(heads) => return heads,
            Err(error) => warn!("{error}; trying again"),
        }
        tokio::time::sleep(AGAIN.0).await;
    }
}

/// Waits for the next final block. A daemon outlives its node.
async fn next(chain: &Chain, following: &mut Heads) {
    if let Err(error) = following.next_patiently().await {
        warn!("{error}; trying again");
        *following = heads(chain).await;
    }
}

impl Keyd {
    /// Stays with a job until it needs no key any more, whatever fails meanwhile.
    async fn attend(self: Arc<Self>, job: JobId) {
        let (mut pause, longest) = AGAIN;
        loop {
            match self.serve(job).await {
                Ok(()) => break,
                Err(error) if is_over(&error) => break,
                Err(error) => warn!(%job, "{error:#}; trying again in {} s", pause.as_secs()),
            }
            tokio::time::sleep(pause).await;
            pause = longest.min(pause * 2);
        }
        if let Err(error) = approval::withdraw(&self.config.requests(), job) {
            warn!(%job, "{error:#}");
        }
    }

    /// Waits for a job's state; nothing once the job is over or closed.
    async fn wait(&self, job: JobId, done: impl Fn(&JobView) -> bool) -> Result<Option<JobView>> {
        let view = self.chain.wait_for_job(job, At::Finalised, |_, view| over(view) || done(view)).await?;
        Ok(view.filter(|view| !over(view)))
    }

    async fn serve(&self, job: JobId) -> Result<()> {
        let Some(view) = self.wait(job, |view| view.state != JobState::Reserved).await? else { return Ok(()) };
        let folder = JobFolder::find(&self.config.home, &self.chain, job).await?;
        // For whoever fetches the output. The daemon itself may not be allowed to write there, and needs nothing of it.
        if let Err(error) = folder.saw(&view) {
            warn!(%job, "where the provider's agent is cannot be noted: {error:#}");
        }
        let agent = Agent::of(&view, self.chain.genesis(), self.config.timeout())?;
        let Some(status) = taken_up(&self.chain, &agent).await? else { return Ok(()) };
        upload(&agent, &self.signer, &folder, &status, |_| ()).await?;
        info!(%job, "the sealed files are with the provider");
        let mut given = self.log()?.given(job);
        loop {
            let Some(view) = self.wait(job, |view| view.head.is_some() || asks(view, given).is_some()).await? else { return Ok(()) };
            let Some(session) = asks(&view, given) else {
                info!(%job, "the guest has begun");
                return Ok(());
            };
            match self.consider(&agent, &folder, &view, session).await? {
                Some(evidence) => given = Some(evidence),
                // Something must change first: the guest, the firmware, an officer's mind.
                None => {
                    self.chain.patiently(|| self.chain.finalised_heads()).await?.next_patiently().await?;
                }
            }
        }
    }

    fn log(&self) -> Result<std::sync::MutexGuard<'_, AuditLog>> {
        self.log.lock().map_err(|_| anyhow!("writing the audit log panicked: start the daemon again"))
    }

    /// Writes an event about a guest, unless the last one said the same.
    fn tell_once(&self, evidence: Digest, about: Vec<&'static str>, event: Event) -> Result<()> {
        let new = self.told.lock().map_err(|_| anyhow!("a task panicked"))?.insert((evidence, about));
        if new { self.log()?.append(event) } else { Ok(()) }
    }

    /// Judges a guest that asks, and releases the key to it if everything holds and enough officers approve; its evidence, if so.
    async fn consider(&self, agent: &Agent, folder: &JobFolder, view: &JobView, session: &Session) -> Result<Option<Digest>> {
        let (job, spec) = (agent.job(), &folder.agreed.spec);
        let case = Case { genesis: self.chain.genesis(), job, terms: spec.terms(), evidence: session.evidence };
        // First, because a node may take its time: the guest is judged at the moment of the release, not before a wait.
        let approved = self.approved(&case, view.customer).await?;
        let Some((evidence, setting)) = evidence_of(&self.chain, agent, view, session, self.root).await? else { return Ok(None) };
        let mut verdict = judge(job, spec, view, &evidence, &setting);
        let others = self.log()?.others(job, case.evidence);
        self.config.policy.judge(view, spec, evidence.tee, others, &mut verdict);
        if !verdict.holds() {
            let failed: Vec<_> = verdict.checks.into_iter().filter(|check| !check.holds).collect();
            let claims: Vec<_> = failed.iter().map(|check| check.claim).collect();
            warn!(%job, evidence = %case.evidence, "the key is NOT released: {claims:?}");
            let failed = failed.into_iter().map(Into::into).collect();
            self.tell_once(case.evidence, claims, Event::Refused { job, evidence: case.evidence, failed })?;
            return Ok(None);
        }
        let Some(officers) = approved else {
            let request = Request {
                case,
                customer: view.customer,
                provider: view.provider,
                tee: evidence.tee,
                wrapping_key: evidence.wrapping_key,
                checks: verdict.checks.iter().cloned().map(Into::into).collect(),
            };
            self.ask(&request)?;
            return Ok(None);
        };
        let released = Event::Releasing { job, evidence: case.evidence, wrapping_key: evidence.wrapping_key, officers };
        self.log()?.append(released)?;
        // A token or a program may take its time.
        let envelope =
            tokio::task::block_in_place(|| envelope(&verdict, || folder.data_key(&self.config.keys), job, &evidence, case.genesis))?;
        let envelope = envelope.context("the verdict holds")?;
        agent.release(&self.signer, case.evidence, &envelope).await?;
        self.log()?.append(Event::Released { job, evidence: case.evidence })?;
        info!(%job, evidence = %case.evidence, wrapping_key = %evidence.wrapping_key, "the data key is released");
        approval::decided(&self.config.requests(), &self.config.approvals(), &case)?;
        Ok(Some(case.evidence))
    }

    /// The officers who approve, if they are enough.
    async fn approved(&self, case: &Case, customer: AccountId) -> Result<Option<Vec<AccountId>>> {
        let policy = &self.config.policy;
        if policy.approvals == 0 {
            return Ok(Some(Vec::new()));
        }
        let deputies = self.chain.patiently(|| self.chain.deputies(customer, At::Finalised)).await?;
        let (officers, faults) = approval::approvals(&self.config.approvals(), case, policy, &deputies, now())?;
        for fault in faults {
            warn!(job = %case.job, "an approval does not count: {fault}");
        }
        Ok((officers.len() >= policy.approvals).then(|| officers.into_iter().collect()))
    }

    /// Puts a request where officers find it.
    fn ask(&self, request: &Request) -> Result<()> {
        let Case { job, evidence, .. } = request.case;
        let path = self.config.requests().join(request.case.file_name());
        if !path.exists() {
            whole(&path, &serde_json::to_vec_pretty(request)?)?;
            info!(%job, request = %path.display(), "waiting for {} of {} officers", self.config.policy.approvals, self.config.policy.officers.len());
        }
        self.tell_once(evidence, vec!["requested"], Event::Requested { job, evidence })
    }
}

/// Writes a file that is never seen half.
fn whole(path: &Path, content: &[u8]) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, content).and_then(|()| fs::rename(&new, path)).with_context(|| format!("cannot write {}", path.display()))
}
