//! `blockcloud job release`: uploads what the guest needs, verifies the guest, only then releases the key, and stays until the guest works.
//!
//! A guest that dies before its first checkpoint is replaced by another with keys of its own: that one is verified and given the data key in turn.

use super::state;
use crate::{
    agent::Agent,
    context::Context,
    fault::Fault,
    home::JobFolder,
    release::{asks, envelope, evidence_of, judge, over, taken_up, upload},
};
use anyhow::{Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Digest, JobId, JobState, JobView, PublicKey, Session};
use serde_json::json;

/// A guest that has the key: replay key of its evidence, and its wrapping key.
type Given = (Digest, PublicKey);

/// Goes on with a job that was placed from here. A named root (BLAKE3 of its DER) is the only one that is believed.
pub async fn run(context: &Context, chain: &Chain, folder: &mut JobFolder, job: JobId, root: Option<Digest>) -> Result<bool> {
    let view = wait(context, chain, job, "waiting for the provider to accept", |view| view.state != JobState::Reserved).await?;
    folder.saw(&view)?;
    let agent = Agent::of(&view, chain.genesis(), context.timeout())?;
    bring(context, chain, &agent, folder).await?;

    let mut given: Option<Given> = None;
    loop {
        let message = if given.is_none() { "waiting for the guest's evidence" } else { "waiting for the guest's first checkpoint" };
        let given_for = given.map(|(evidence, _)| evidence);
        let view = wait(context, chain, job, message, |view| view.head.is_some() || asks(view, given_for).is_some()).await?;
        let Some(session) = asks(&view, given_for) else {
            if given.is_none() && over(&view) {
                return Err(ended(&view));
            }
            break;
        };
        let told = give(context, chain, &agent, folder, &view, session, root).await?;
        if told.is_none() {
            // The chain shows a guest that the agent has just replaced: its next block may show the other.
            chain.patiently(|| chain.finalised_heads()).await?.next_patiently().await?;
        }
        given = told.or(given);
    }
    let (evidence, wrapping_key) = given.unzip();
    context.output.result(&json!({"job": job, "released": given.is_some(), "wrapping_key": wrapping_key, "evidence": evidence}), |_| {
        match given {
            Some(_) => format!("job {job}: key released, and the guest has begun"),
            None => format!("job {job}: the guest has begun already; it has the key"),
        }
    })?;
    Ok(true)
}

/// Verifies the guest's evidence and releases the key to it; nothing if the agent has another guest by now.
async fn give(
    context: &Context,
    chain: &Chain,
    agent: &Agent,
    folder: &JobFolder,
    view: &JobView,
    session: &Session,
    root: Option<Digest>,
) -> Result<Option<Given>> {
    let (job, protection) = (agent.job(), context.protection()?);
    let Some((evidence, setting)) = evidence_of(chain, agent, view, session, root).await? else { return Ok(None) };
    let verdict = judge(job, &folder.agreed.spec, view, &evidence, &setting);
    context.output.say(format!("the guest's evidence, judged here:\n{verdict}"));
    let Some(envelope) = envelope(&verdict, || folder.data_key(&protection), job, &evidence, setting.genesis)? else {
        bail!("the key is NOT released: the guest's evidence does not hold. Cancel with `blockcloud job cancel {job}`");
    };
    agent.release(&context.signer()?, evidence.replay_key(), &envelope).await?;
    context.output.say(format!("the data key is released to wrapping key {}, for this job and this session only", evidence.wrapping_key));
    Ok(Some((evidence.replay_key(), evidence.wrapping_key)))
}

/// The error that says how the job ended.
fn ended(view: &JobView) -> anyhow::Error {
    Fault::Over(format!("job {} is over: {}", view.id, state(&view.state))).into()
}

/// Waits for the job's state, and fails when the job is over or closed.
async fn wait(context: &Context, chain: &Chain, job: JobId, message: &'static str, done: impl Fn(&JobView) -> bool) -> Result<JobView> {
    let progress = context.output.spinner(message);
    let view = chain.wait_for_job(job, At::Finalised, |_, view| over(view) || done(view)).await;
    progress.finish_and_clear();
    let view = view?.ok_or_else(|| Fault::Over(format!("there is no job {job}: it was never placed, or it is closed")))?;
    if over(&view) && view.head.is_none() {
        return Err(ended(&view));
    }
    Ok(view)
}

/// Uploads what the agent does not have yet, and shows how it goes.
async fn bring(context: &Context, chain: &Chain, agent: &Agent, folder: &JobFolder) -> Result<()> {
    let job = agent.job();
    let status = taken_up(chain, agent).await?;
    let status = status.ok_or_else(|| Fault::Over(format!("job {job} ended before the agent took it up")))?;
    let total: u64 = folder.blobs().map(|blob| blob.bytes).sum();
    let progress = context.output.bytes(total, "uploading sealed files");
    upload(agent, &context.signer()?, folder, &status, |bytes| progress.inc(bytes)).await?;
    progress.finish_and_clear();
    context.output.say(format!("{total} bytes of sealed files are with the provider"));
    Ok(())
}
