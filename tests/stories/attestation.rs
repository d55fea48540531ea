//! Long jobs on simulated hardware of both kinds: sessions that are renewed, software that is revoked under a running job, chips and who vouches for them.

use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{At, Call, Chain, Signer, calls};
use blockcloud_evidence::tdx;
use blockcloud_primitives::{End, JobId, JobState, JobView, Lapse, Measurement, Tee};
use blockcloud_tests::{module, process::program, scene::Scene};
use std::fs;

/// Seconds for which evidence counts in these stories: a renewal every ten.
const SESSION: u32 = 20;
/// Seconds that a suspended job waits.
const GRACE: u32 = 8;

/// A policy that leaves the guest to the council and wants to see it again and again.
fn policy(tee: Tee) -> Result<String> {
    Ok(format!(
        "regions = \"any\"\njurisdictions = \"any\"\ncertificates = []\ntees = [{}]\nmeasurements = \"approved\"\n\
         denied_providers = []\nerase_within = 60\nrecipients = []\ncheckpoint_gap = 10\n\
         longest_session = {SESSION}\nsuspension_grace = {GRACE}\n[firmware_floor]\n",
        serde_json::to_string(&tee)?
    ))
}

/// The council, which is Alice alone, does something.
async fn council(chain: &Chain, call: Call) -> Result<()> {
    chain.submit_and_finalise(&calls::council::propose(1, call), &"//Alice".parse::<Signer>()?).await?;
    Ok(())
}

/// What the chain is to approve: the guest as this hardware measures it.
fn software(scene: &Scene, tee: Tee) -> Result<Measurement> {
    let guest = program("blockcloud-guest")?.display().to_string();
    let measured = scene.customer.run(["evidence", "measure", &guest])?;
    let measured: Measurement = measured["measurement"].as_str().context("a measurement")?.parse().map_err(anyhow::Error::msg)?;
    Ok(if tee.is_tdx() { Measurement(tdx::measurement(&measured.0, &[[0; 48]; 3])) } else { measured })
}

/// A job that goes on for long, running.
async fn running(scene: &Scene, tee: Tee) -> Result<(JobId, JobView)> {
    let file = scene.directory().join("policy.toml");
    fs::write(&file, policy(tee)?)?;
    let (guest, busy) = (program("blockcloud-guest")?, module("busy")?);
    let mut flags: Vec<String> =
        ["--price-limit", "0.01", "--longest", "600", "--cover", "10", "--arg", "1000000"].map(String::from).into();
    for (flag, path) in [("--policy", &file), ("--guest", &guest), ("--module", &busy)] {
        flags.extend([flag.to_owned(), path.display().to_string()]);
    }
    let job = scene.customer.place(&flags)?;
    scene.customer.release(job)?;
    let view = scene.reach(job, |view| view.state == JobState::Running).await?;
    Ok((job, view))
}

fn evidence_of(view: &JobView) -> Option<blockcloud_primitives::Digest> {
    view.session.as_ref().map(|session| session.evidence)
}

/// The story for one kind of hardware.
async fn renewed_twice_then_revoked(tee: Tee) -> Result<()> {
    let scene = Scene::on(tee).await?;
    let chain = &scene.chain;
    let software = software(&scene, tee)?;
    let until = chain.now(At::Best).await? + 86_400_000;
    council(chain, calls::attestation::approve_measurement(&software, until)).await?;
    let (job, first) = running(&scene, tee).await?;
    ensure!(first.session.as_ref().is_some_and(|session| session.previous.is_none()), "the first session renews nothing");

    // Twice the guest shows itself again, each time naming the evidence before, and goes on being paid.
    let second = scene.reach(job, |view| evidence_of(view) != evidence_of(&first)).await?;
    let third = scene.reach(job, |view| evidence_of(view) != evidence_of(&second)).await?;
    for (before, after) in [(&first, &second), (&second, &third)] {
        let session = after.session.as_ref().context("a session")?;
        assert_eq!((Some(session.previous), after.state), (Some(evidence_of(before)), JobState::Running));
        assert!(after.suspended.is_none() && after.earned > before.earned);
    }
    // The customer's own judgement of the newest evidence agrees.
    let verified = scene.customer.try_run(["evidence", "verify", "--job", &job.to_string()])?;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    // The software is withdrawn: both sides see it, the agent has the chain take notice, nothing accrues any more.
    council(chain, calls::attestation::withdraw_measurement(&software, 0)).await?;
    let suspended = scene.reach(job, |view| view.suspended.is_some()).await?;
    let suspension = suspended.suspended.context("a notice")?;
    assert_eq!((suspended.lapse, suspension.reason), (Some(Lapse::MeasurementWithdrawn), Lapse::MeasurementWithdrawn));
    // What the command line shows is final.
    chain.wait_for_job(job, At::Finalised, |_, view| view.suspended.is_some()).await?;
    let status = scene.customer.try_run(["job", "status", &job.to_string()])?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("SUSPENDED") && status.contains("withdrawn"), "{status}");

    let ended = scene.reach(job, |view| matches!(view.state, JobState::Settled(_))).await?;
    assert_eq!(ended.state, JobState::Settled(End::AttestationLapsed));
    assert_eq!(ended.earned, suspended.earned, "nothing accrued while it was suspended");
    assert_eq!((ended.paid, ended.deposited), (ended.earned, ended.paid + ended.returned));
    let now = chain.now(At::Best).await?;
    assert!(suspension.until <= now, "it ended before its grace was over");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_simulated_amd_guest_is_renewed_twice_then_its_software_is_revoked() -> Result<()> {
    renewed_twice_then_revoked(Tee::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_simulated_intel_guest_is_renewed_twice_then_its_software_is_revoked() -> Result<()> {
    renewed_twice_then_revoked(Tee::SimulatedTdx).await
}
