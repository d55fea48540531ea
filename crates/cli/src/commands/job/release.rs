//! `blockcloud job release`: uploads what the guest needs, verifies the guest, only then releases the key, and stays until the guest works.
//!
//! A guest that dies before its first checkpoint is replaced by another with keys of its own: that one is verified and given the data key in turn.

use super::state;
use crate::{
    agent::Agent,
    commands::evidence::{Setting, judge_agreed},
    context::Context,
    fault::Fault,
    home::JobFolder,
    verdict::Verdict,
};
use anyhow::{Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Digest, Evidence, JobId, JobSpec, JobState, JobView, PublicKey, Session};
use blockcloud_seal::{DataKey, Envelope, KeyContext, wrap};
use serde_json::json;

/// A guest that has the key: replay key of its evidence, and its wrapping key.
type Given = (Digest, PublicKey);

/// Goes on with a job that was placed from here. A named root (BLAKE3 of its DER) is the only one that is believed.
pub async fn run(context: &Context, chain: &Chain, folder: &mut JobFolder, job: JobId, root: Option<Digest>) -> Result<bool> {
    let view = wait(context, chain, job, "waiting for the provider to accept", |view| view.state != JobState::Reserved).await?;
    folder.saw(&view)?;
    let agent = Agent::of(&view, chain.genesis(), context.timeout())?;
    upload(context, chain, &agent, folder, job).await?;

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
        let mut told = None;
        if agent.status().await?.and_then(|status| status.evidence) == Some(session.evidence) {
            told = give(context, chain, &agent, folder, &view, session, root).await?;
        }
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

/// The session of a guest that waits for the key, other than the one that was given it already.
fn asks(view: &JobView, given: Option<Digest>) -> Option<&Session> {
    let waits = view.state == JobState::Attested && view.head.is_none();
    view.session.as_ref().filter(|session| waits && given != Some(session.evidence))
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
    let job = agent.job();
    let evidence = agent.evidence().await?;
    if evidence.replay_key() != session.evidence {
        return Ok(None);
    }
    let collateral = if evidence.tee.is_tdx() { agent.collateral().await? } else { Vec::new() };
    let setting = Setting::of(chain, view, &evidence, collateral, Some(crate::context::now()), root).await?;
    let (verdict, envelope) = prepare(&folder.data_key()?, job, &folder.agreed.spec, view, &evidence, &setting)?;
    context.output.say(format!("the guest's evidence, judged here:\n{verdict}"));
    let Some(envelope) = envelope else {
        bail!("the key is NOT released: the guest's evidence does not hold. Cancel with `blockcloud job cancel {job}`");
    };
    agent.release(&context.signer()?, evidence.replay_key(), &envelope).await?;
    context.output.say(format!("the data key is released to wrapping key {}, for this job and this session only", evidence.wrapping_key));
    Ok(Some((evidence.replay_key(), evidence.wrapping_key)))
}

/// Judges the evidence for what the customer agreed to, and wraps the data key if all of it holds: for the keys that the evidence itself
/// names, because those are signed by the processor. What the node shows decides nothing.
fn prepare(
    key: &DataKey,
    job: JobId,
    agreed: &JobSpec,
    view: &JobView,
    evidence: &Evidence,
    setting: &Setting,
) -> Result<(Verdict, Option<Envelope>)> {
    let verdict = judge_agreed(job, agreed, view, evidence, setting);
    if !verdict.holds() {
        return Ok((verdict, None));
    }
    let bound = KeyContext { genesis: setting.genesis, job, evidence: evidence.replay_key() };
    Ok((verdict, Some(wrap(key, &evidence.wrapping_key, &bound)?)))
}

/// The error that says how the job ended.
fn ended(view: &JobView) -> anyhow::Error {
    Fault::Over(format!("job {} is over: {}", view.id, state(&view.state))).into()
}

fn over(view: &JobView) -> bool {
    matches!(view.state, JobState::Settled(_))
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

/// Uploads the blobs that the agent does not have yet.
async fn upload(context: &Context, chain: &Chain, agent: &Agent, folder: &JobFolder, job: JobId) -> Result<()> {
    let signer = context.signer()?;
    // The agent learns of the job from the chain, a moment after we do.
    let mut heads = chain.patiently(|| chain.finalised_heads()).await?;
    let status = loop {
        match agent.status().await? {
            Some(status) => break status,
            None => {
                if chain.patiently(|| chain.job(job, At::Finalised)).await?.is_none_or(|view| over(&view)) {
                    return Err(Fault::Over(format!("job {job} ended before the agent took it up")).into());
                }
                heads.next_patiently().await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::evidence::tests::{GUEST, evidence_of, failures, job, session, setting};
    use blockcloud_primitives::{Measurements, Tee};
    use blockcloud_seal::WrappingKey;

    /// A customer's own job, an attested guest of it, and what an honest node shows.
    struct Scene {
        key: DataKey,
        agreed: JobSpec,
        guest: WrappingKey,
        evidence: Evidence,
        view: JobView,
    }

    impl Scene {
        fn new() -> Self {
            let (guest, mut view) = (WrappingKey::generate(), job());
            let evidence = evidence_of(&view, Tee::Simulated, GUEST, view.terms, guest.public());
            view.session = Some(session(&view, &evidence));
            Self { key: DataKey::generate(), agreed: view.spec.clone(), guest, evidence, view }
        }

        /// What becomes of it: the failed checks, and the envelope.
        fn prepare(&self, view: &JobView, setting: &Setting) -> (Vec<&'static str>, Option<Envelope>) {
            let (verdict, envelope) = prepare(&self.key, job().id, &self.agreed, view, &self.evidence, setting).unwrap();
            (failures(verdict), envelope)
        }
    }

    #[test]
    fn the_key_goes_to_the_guest_of_the_evidence() {
        let scene = Scene::new();
        let (failed, envelope) = scene.prepare(&scene.view, &setting());
        assert!(failed.is_empty(), "{failed:?}");
        let bound = KeyContext { genesis: setting().genesis, job: job().id, evidence: scene.evidence.replay_key() };
        assert!(scene.guest.unwrap(&envelope.unwrap(), &bound).unwrap() == scene.key);
    }

    #[test]
    fn a_node_that_shows_its_own_wrapping_key_gets_nothing() {
        let scene = Scene::new();
        let mut lie = scene.view.clone();
        lie.session = lie.session.map(|session| Session { wrapping_key: WrappingKey::generate().public(), ..session });
        assert_eq!(scene.prepare(&lie, &setting()), (vec!["the chain's session names the evidence's wrapping key"], None));
    }

    #[test]
    fn a_node_that_shows_another_spec_gets_nothing() {
        let scene = Scene::new();
        let mut lie = scene.view.clone();
        lie.spec.policy.measurements = Measurements::Approved;
        assert_eq!(scene.prepare(&lie, &setting()), (vec!["the node shows the job that you agreed to"], None));
    }

    #[test]
    fn a_node_that_shows_its_own_root_gets_nothing() {
        let mut scene = Scene::new();
        scene.view.spec.policy.tees = vec![Tee::SevSnp].try_into().unwrap();
        scene.view.terms = scene.view.spec.terms();
        scene.agreed = scene.view.spec.clone();
        // All of it is consistent, and signed under a root that the node made.
        scene.evidence = evidence_of(&scene.view, Tee::SevSnp, GUEST, scene.view.terms, scene.guest.public());
        scene.view.session = Some(session(&scene.view, &scene.evidence));
        assert_eq!(scene.prepare(&scene.view, &setting()), (vec!["the vendor's root is one to believe"], None));
    }
}
