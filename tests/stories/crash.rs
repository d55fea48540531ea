//! `kill -9` of the agent, the guest and the node in every state of a job: the job ends, the money adds up, nothing is paid twice, no capacity leaks.

use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{End, JobState, JobView};
use blockcloud_tests::{
    customer::Customer,
    module,
    provider::{CAPACITY, Provider},
    scene::Scene,
};
use std::path::PathBuf;
use tokio::process::Command;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Agent,
    Guest,
    Node,
}

/// The states in which somebody is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Reserved,
    Accepted,
    Attested,
    Running,
}

impl Moment {
    fn reached(self, view: &JobView) -> bool {
        match self {
            Self::Reserved => true,
            Self::Accepted => view.state != JobState::Reserved,
            Self::Attested => !matches!(view.state, JobState::Reserved | JobState::Accepted),
            Self::Running => !matches!(view.state, JobState::Reserved | JobState::Accepted | JobState::Attested),
        }
    }
}

struct Crash {
    scene: Scene,
    module: PathBuf,
}

impl Crash {
    async fn new() -> Result<Self> {
        Ok(Self { scene: Scene::new().await?, module: module("busy")? })
    }

    async fn kill(&mut self, victim: Victim) -> Result<()> {
        match victim {
            Victim::Agent => {
                self.scene.provider.kill_agent()?;
                self.scene.provider.start_agent()?;
            }
            Victim::Guest => {
                self.scene.provider.kill_guests()?;
            }
            Victim::Node => {
                self.scene.node.kill()?;
                self.scene.node.restart()?;
                self.scene.chain = Chain::connect(&self.scene.node.url()).await?;
            }
        }
        Ok(())
    }

    /// Places a job, kills the victim at the moment, goes on as customer, and returns the job when it has ended.
    async fn play(&mut self, victim: Victim, moment: Moment) -> Result<JobView> {
        let Self { scene, module } = self;
        // One that is to be met running works for several seconds.
        let work = if moment == Moment::Running { "3000" } else { "400" };
        let job = scene.customer.place(&Customer::spec(module, &[], &[work])?)?;
        let releasing = match moment {
            Moment::Running => Some(scene.customer.command()?.args(["job", "release", &job.to_string()]).spawn()?),
            _ => None,
        };
        scene.reach(job, |view| moment.reached(view)).await?;
        self.kill(victim).await?;
        match releasing {
            // It may have been cut off by the death of the agent or the node: the key was released before.
            Some(mut releasing) => drop(releasing.wait()?),
            // One command: it verifies every guest that takes the place of a dead one, and gives it the key in turn.
            None => drop(self.scene.customer.release(job)?),
        }
        self.scene.reach(job, |view| matches!(view.state, JobState::Settled(_))).await
    }
}

async fn everything_adds_up(scene: &Scene, view: &JobView, what: &str) -> Result<()> {
    assert_eq!(view.paid, view.earned, "{what}: everything earned is paid, once");
    assert_eq!(view.deposited, view.paid + view.returned, "{what}: nothing is left held");
    let offer = scene.chain.offer(scene.provider.offer, At::Best).await?.context("the offer")?;
    assert_eq!(offer.free, CAPACITY, "{what}: no capacity leaks");
    assert_eq!(scene.provider.guests()?.len(), 0, "{what}: no guest is left over");
    Ok(())
}

async fn killing(victim: Victim) -> Result<()> {
    let mut crash = Crash::new().await?;
    for moment in [Moment::Reserved, Moment::Accepted, Moment::Attested, Moment::Running] {
        let what = format!("{victim:?} killed when {moment:?}");
        let view = crash.play(victim, moment).await.with_context(|| what.clone())?;
        // A guest that dies with the job's keys cannot be continued by another; everything else can.
        let expected = if victim == Victim::Guest && moment == Moment::Running { End::AbandonedByProvider } else { End::Completed };
        assert_eq!(view.state, JobState::Settled(expected), "{what}");
        wait_for_guests(&crash.scene.provider).await?;
        everything_adds_up(&crash.scene, &view, &what).await?;
    }
    Ok(())
}

/// The guest ends by itself a moment after its job.
async fn wait_for_guests(provider: &Provider) -> Result<()> {
    for pid in provider.guests()? {
        // It is no child of this process; tail knows how to wait for such.
        let ended = Command::new("timeout").args(["30", "tail", "--pid", &pid.to_string(), "-f", "/dev/null"]).status().await?;
        ensure!(ended.success(), "guest {pid} goes on after its job has ended");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_goes_on_where_it_was() -> Result<()> {
    killing(Victim::Agent).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_guest_is_replaced_before_the_job_runs_and_ends_it_afterwards() -> Result<()> {
    killing(Victim::Guest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_goes_on_where_it_was() -> Result<()> {
    killing(Victim::Node).await
}
