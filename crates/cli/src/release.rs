//! The release of a data key: what the provider gets before it, which guest asks for it, what must hold, and the envelope.
//!
//! `blockcloud job release` does it for somebody who waits, `blockcloud-keyd` for a company. Not here: waiting, and who else must agree.

use crate::{
    agent::Agent,
    commands::evidence::{Setting, judge_agreed},
    home::JobFolder,
    verdict::Verdict,
};
use anyhow::Result;
use blockcloud_client::{At, Chain, Signer, agent_api::JobStatus};
use blockcloud_primitives::{Digest, Evidence, JobId, JobSpec, JobState, JobView, Session};
use blockcloud_seal::{DataKey, Envelope, KeyContext, wrap};

/// Whether the job has ended.
pub fn over(view: &JobView) -> bool {
    matches!(view.state, JobState::Settled(_))
}

/// The session of a guest that waits for the key, other than the one whose evidence this is: that one was given it already.
pub fn asks(view: &JobView, given: Option<Digest>) -> Option<&Session> {
    let waits = view.state == JobState::Attested && view.head.is_none();
    view.session.as_ref().filter(|session| waits && given != Some(session.evidence))
}

/// Uploads the blobs that the agent does not have yet. `progress` is told of every blob's bytes once they are there.
pub async fn upload(agent: &Agent, signer: &Signer, folder: &JobFolder, status: &JobStatus, progress: impl Fn(u64)) -> Result<()> {
    for blob in folder.blobs() {
        if status.missing.contains(&blob.digest) {
            agent.upload(signer, blob, folder.blob(blob.digest)?).await?;
        }
        progress(blob.bytes);
    }
    Ok(())
}

/// The job as the agent sees it, once it does; nothing if the job ends before.
pub async fn taken_up(chain: &Chain, agent: &Agent) -> Result<Option<JobStatus>> {
    // The agent learns of the job from the chain, a moment after we do.
    let mut heads = chain.patiently(|| chain.finalised_heads()).await?;
    loop {
        if let Some(status) = agent.status().await? {
            return Ok(Some(status));
        }
        if chain.patiently(|| chain.job(agent.job(), At::Finalised)).await?.is_none_or(|view| over(&view)) {
            return Ok(None);
        }
        heads.next_patiently().await?;
    }
}

/// The evidence of the guest of this session, and what it is judged against now; nothing if the agent has another guest by now. A named root (BLAKE3 of
/// its DER) is the only one that is believed.
pub async fn evidence_of(
    chain: &Chain,
    agent: &Agent,
    view: &JobView,
    session: &Session,
    root: Option<Digest>,
) -> Result<Option<(Evidence, Setting)>> {
    if agent.status().await?.and_then(|status| status.evidence) != Some(session.evidence) {
        return Ok(None);
    }
    let evidence = agent.evidence().await?;
    if evidence.replay_key() != session.evidence {
        return Ok(None);
    }
    let collateral = if evidence.tee.is_tdx() { agent.collateral().await? } else { Vec::new() };
    let setting = Setting::of(chain, view, &evidence, collateral, Some(crate::context::now()), root).await?;
    Ok(Some((evidence, setting)))
}

/// Judges the evidence for what the customer agreed to, at the moment of the release.
pub fn judge(job: JobId, agreed: &JobSpec, view: &JobView, evidence: &Evidence, setting: &Setting) -> Verdict {
    let mut verdict = judge_agreed(job, agreed, view, evidence, setting);
    let until = view.session.as_ref().map_or(0, |session| session.valid_until);
    let found = if setting.at < until { format!("until {until}") } else { format!("it ended at {until}: the guest must renew it") };
    verdict.check("the guest's session has not run out", setting.at < until, found);
    verdict
}

/// Wraps the data key if all of the verdict holds: for the keys that the evidence itself names, because those are signed by the processor. What the
/// node shows decides nothing. The data key is not even opened otherwise.
pub fn envelope(
    verdict: &Verdict,
    key: impl FnOnce() -> Result<DataKey>,
    job: JobId,
    evidence: &Evidence,
    genesis: Digest,
) -> Result<Option<Envelope>> {
    if !verdict.holds() {
        return Ok(None);
    }
    let bound = KeyContext { genesis, job, evidence: evidence.replay_key() };
    Ok(Some(wrap(&key()?, &evidence.wrapping_key, &bound)?))
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
            let verdict = judge(job().id, &self.agreed, view, &self.evidence, setting);
            let envelope = envelope(&verdict, || Ok(self.key.clone()), job().id, &self.evidence, setting.genesis).unwrap();
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
    fn a_guest_whose_session_ran_out_a_second_ago_gets_nothing() {
        let scene = Scene::new();
        let until = scene.view.session.as_ref().unwrap().valid_until;
        let late = Setting { at: until + 1000, ..setting() };
        assert_eq!(scene.prepare(&scene.view, &late), (vec!["the guest's session has not run out"], None));
        assert_eq!(scene.prepare(&scene.view, &Setting { at: until, ..setting() }).1, None);
        assert!(scene.prepare(&scene.view, &Setting { at: until - 1, ..setting() }).1.is_some());
    }

    #[test]
    fn a_key_is_not_even_opened_for_a_guest_that_does_not_hold() {
        let scene = Scene::new();
        let verdict = judge(job().id, &scene.agreed, &scene.view, &scene.evidence, &Setting { anchor_hash: None, ..setting() });
        let opened = || panic!("it is opened");
        assert_eq!(envelope(&verdict, opened, job().id, &scene.evidence, setting().genesis).unwrap(), None);
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
