//! `blockcloud job release`: uploads what the guest needs, verifies the guest, and only then releases the key.

use super::state;
use crate::{
    agent::Agent,
    commands::evidence::{Setting, judge},
    context::Context,
    home::JobFolder,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{JobId, JobState, JobView, Session};
use blockcloud_seal::{KeyContext, wrap};
use serde_json::json;

pub async fn run(context: &Context, chain: &Chain, folder: &mut JobFolder, job: JobId) -> Result<bool> {
    let signer = context.signer()?;
    let view = wait(context, chain, job, "waiting for the provider to accept", |view| view.state != JobState::Reserved).await?;
    if over(&view) {
        bail!("job {job} is over: {}", state(&view.state));
    }
    let agent = Agent::of(&view, chain.genesis(), context.timeout())?;

    upload(context, chain, &agent, folder, job).await?;

    let view = wait(context, chain, job, "waiting for the guest's evidence", |view| {
        !matches!(view.state, JobState::Reserved | JobState::Accepted)
    })
    .await?;
    if over(&view) {
        bail!("job {job} is over: {}", state(&view.state));
    }
    let session = view.session.clone().context("the chain shows no session of this attested job")?;
    let evidence = agent.evidence().await?;
    let setting = Setting::of(chain, &view, &evidence, Some(crate::context::now())).await?;
    let verdict = judge(&view, &evidence, &setting);
    context.output.say(format!("the guest's evidence, judged here:\n{verdict}"));
    if !verdict.holds() {
        bail!("the key is NOT released: the guest's evidence does not hold. Cancel with `blockcloud job cancel {job}`");
    }

    let Session { wrapping_key, evidence: evidence_key, .. } = session;
    let bound = KeyContext { genesis: chain.genesis(), job, evidence: evidence_key };
    let envelope = wrap(&folder.data_key()?, &wrapping_key, &bound)?;
    agent.release(&signer, evidence_key, &envelope).await?;
    context.output.say(format!("the data key is released to wrapping key {wrapping_key}, for this job and this session only"));
    context.output.result(&json!({"job": job, "released": true, "wrapping_key": wrapping_key, "evidence": evidence_key}), |_| {
        format!("job {job}: key released")
    })?;
    Ok(true)
}

fn over(view: &JobView) -> bool {
    matches!(view.state, JobState::Settled(_))
}

/// Waits for the job's state, and fails when the job is closed.
async fn wait(context: &Context, chain: &Chain, job: JobId, message: &'static str, done: impl Fn(&JobView) -> bool) -> Result<JobView> {
    let progress = context.output.spinner(message);
    let view = chain.wait_for_job(job, At::Finalised, |_, view| done(view)).await;
    progress.finish_and_clear();
    view?.with_context(|| format!("there is no job {job}: it was never placed, or it is closed"))
}

/// Uploads the blobs that the agent does not have yet.
async fn upload(context: &Context, chain: &Chain, agent: &Agent, folder: &JobFolder, job: JobId) -> Result<()> {
    let signer = context.signer()?;
    // The agent learns of the job from the chain, a moment after we do.
    let mut heads = chain.finalised_heads().await?;
    let status = loop {
        match agent.status().await? {
            Some(status) => break status,
            None => {
                if chain.job(job, At::Finalised).await?.is_none_or(|view| over(&view)) {
                    bail!("job {job} ended before the agent took it up");
                }
                heads.next().await?;
            }
        }
    };
    let total: u64 = folder.blobs().map(|blob| blob.bytes).sum();
    let progress = context.output.bytes(total, "uploading sealed files");
    for blob in folder.blobs() {
        if status.missing.contains(&blob.digest) {
            agent.upload(&signer, blob, folder.blob(blob.digest)?).await?;
        }
        progress.inc(blob.bytes);
    }
    progress.finish_and_clear();
    context.output.say(format!("{total} bytes of sealed files are with the provider"));
    Ok(())
}
