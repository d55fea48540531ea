//! A provider: simulated processor, registration, bond, certified site, offer, agent.

use crate::{
    node::Node,
    process::{Process, program},
};
use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{Chain, Signer, calls};
use blockcloud_primitives::{Fact, List, OfferId, OfferTerms, Price, Resources, Tee};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const START: Duration = Duration::from_secs(60);
/// One BCU.
pub const BCU: u128 = 1_000_000_000_000;
/// What the offer holds in all.
pub const CAPACITY: Resources = Resources { vcpus: 8, memory_gib: 16, storage_gib: 100, gpus: 0 };

/// A provider on a development chain, with Bob's account.
pub struct Provider {
    directory: PathBuf,
    agent: Option<Process>,
    _simulator: Process,
    /// The offer.
    pub offer: OfferId,
}

impl Provider {
    /// Sets everything up on this simulated hardware and starts the agent at `port`; customers and guests are told to reach it at these URLs.
    pub async fn start(node: &Node, chain: &Chain, directory: &Path, tee: Tee, port: u16, customers: &str, guests: &str) -> Result<Self> {
        let directory = directory.join("provider");
        fs::create_dir_all(&directory)?;
        let format = if tee.is_tdx() { "tdx" } else { "sev-snp" };
        let mut simulator = Command::new(program("blockcloud-simulator")?);
        simulator.args(["run", "--tee", format]);
        let simulator = Process::spawn("simulator", &mut simulator, &directory.join("simulator.log"))?;
        let line = simulator.wait_line(|line| line.contains("http://"), START)?;
        let simulated = line.split_whitespace().find(|word| word.starts_with("http://")).context("the simulator's address")?.to_owned();

        let bob: Signer = "//Bob".parse()?;
        chain.submit_and_finalise(&calls::offers::register(&customers.parse()?), &bob).await?;
        chain.submit_and_finalise(&calls::bonds::bond(1_000 * BCU), &bob).await?;
        let site = chain.submit_and_finalise(&calls::offers::add_site(), &bob).await?.site()?;
        let now = chain.now(blockcloud_client::At::Finalised).await?;
        let fact = Fact::Region("DE-BE".parse()?);
        chain.submit_and_finalise(&calls::offers::certify(site, &fact, now + 86_400_000), &"//Ferdie".parse()?).await?;
        let terms = OfferTerms {
            site,
            tees: List::try_from(vec![tee]).map_err(|_| anyhow::anyhow!("one kind"))?,
            total: CAPACITY,
            price: Price { vcpu: BCU / 250, memory_gib: BCU / 500, storage_gib: BCU / 10_000, gpu: 0 },
            opens: now,
            closes: now + 30 * 86_400_000,
            longest_job: 86_400,
            cover_per_job: 100 * BCU,
        };
        let offer = chain.submit_and_finalise(&calls::offers::publish(&terms), &bob).await?.offer()?;

        fs::write(directory.join("provider.key"), "sr25519://Bob\n")?;
        let config = format!(
            "node = \"{}\"\nkey = \"provider.key\"\nlisten = \"127.0.0.1:{port}\"\nguest_url = \"{guests}\"\ndata = \"data\"\n\
             [driver]\nkind = \"process\"\nguest = \"{}\"\nsimulator = \"{simulated}\"\ntee = {}\n[accept]\nmin_session_s = 20\n",
            node.url(),
            program("blockcloud-guest")?.display(),
            serde_json::to_string(&tee)?
        );
        fs::write(directory.join("agent.toml"), config)?;
        if tee.is_tdx() {
            let mut collateral = Command::new(program("blockcloud-agent")?);
            collateral.args(["collateral", "--url", &simulated, "--config"]).arg(directory.join("agent.toml"));
            let brought = collateral.output()?;
            ensure!(brought.status.success(), "no collateral: {}", String::from_utf8_lossy(&brought.stderr));
        }
        let mut provider = Self { directory, agent: None, _simulator: simulator, offer };
        provider.start_agent()?;
        Ok(provider)
    }

    /// Starts the agent (again).
    pub fn start_agent(&mut self) -> Result<()> {
        ensure!(self.agent.is_none(), "the agent runs already");
        let mut command = Command::new(program("blockcloud-agent")?);
        command.args(["run", "--config"]).arg(self.directory.join("agent.toml"));
        let agent = Process::spawn("agent", &mut command, &self.directory.join("agent.log"))?;
        agent.wait_line(|line| line.contains("the agent is here"), START)?;
        self.agent = Some(agent);
        Ok(())
    }

    /// Starts the agent again, with this added to its configuration.
    pub fn reconfigure_agent(&mut self, addition: &str) -> Result<()> {
        self.kill_agent()?;
        let path = self.directory.join("agent.toml");
        let config = fs::read_to_string(&path)?;
        fs::write(path, format!("{config}{addition}"))?;
        self.start_agent()
    }

    /// Waits for a line of the agent's log, since it was started.
    pub fn agent_says(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> Result<String> {
        self.agent.as_ref().context("the agent is not running")?.wait_line(wanted, within)
    }

    /// `kill -9` of the agent.
    pub fn kill_agent(&mut self) -> Result<()> {
        self.agent.take().context("the agent is not running")?.kill()
    }

    /// The agent's process id.
    pub fn agent_pid(&self) -> Result<u32> {
        self.agent.as_ref().map(Process::pid).context("the agent is not running")
    }

    /// Process ids of the guests that this provider's agent has started: those whose environment names its address.
    pub fn guests(&self) -> Result<Vec<u32>> {
        let config = fs::read_to_string(self.directory.join("agent.toml"))?;
        let url = config.lines().find_map(|line| line.strip_prefix("guest_url = ")).context("guest_url")?.trim_matches('"').to_owned();
        let mut guests = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
            // Either may be gone a moment later: then it is no guest any more.
            let holds = |file: &str, text: &str| {
                String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default()).contains(text)
            };
            if holds("cmdline", "blockcloud-guest") && holds("environ", &format!("BLOCKCLOUD_AGENT={url}")) {
                guests.push(pid);
            }
        }
        Ok(guests)
    }

    /// `kill -9` of every guest; the number that was killed.
    pub fn kill_guests(&self) -> Result<usize> {
        let guests = self.guests()?;
        for pid in &guests {
            Command::new("kill").args(["-9", &pid.to_string()]).status()?;
        }
        Ok(guests.len())
    }

    /// Everything that the host keeps: the agent's folder with its data and logs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.agent = None;
        let _ = self.kill_guests();
    }
}
