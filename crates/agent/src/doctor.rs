//! `doctor`: looks at everything that an agent needs, and says what is wrong and what to do. Changes nothing.

use crate::{
    agent::now,
    config::{Config, DriverConfig, RoundsConfig},
    configfs, hardware,
};
use blockcloud_client::{At, Chain, Signer, agent_api::Health};
use blockcloud_primitives::{AccountId, OfferFilter, Text};
use std::{
    fmt,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

/// How far clocks may be apart, in milliseconds.
const CLOCK: u64 = 30_000;
/// Below which this machine's files lie.
const ROOT: &str = "/";
/// How long an HTTP answer may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Well(String),
    /// Works, but worth knowing.
    Note(String),
    /// Wrong, with what to do about it.
    Wrong {
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: String,
    },
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// How it is.
    pub verdict: Verdict,
}

impl From<hardware::Finding> for Finding {
    fn from(hardware::Finding { what, state, found, advice }: hardware::Finding) -> Self {
        match state {
            hardware::State::Good => well(what, found),
            hardware::State::Missing => wrong(what, found, advice),
            hardware::State::CannotTell => note(what, format!("{found}; {advice}")),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Well(how) => write!(f, "ok     {}: {how}", self.subject),
            Verdict::Note(how) => write!(f, "note   {}: {how}", self.subject),
            Verdict::Wrong { problem, advice } => write!(f, "WRONG  {}: {problem}\n       -> {advice}", self.subject),
        }
    }
}

fn well(subject: &'static str, how: impl Into<String>) -> Finding {
    Finding { subject, verdict: Verdict::Well(how.into()) }
}

fn note(subject: &'static str, how: impl Into<String>) -> Finding {
    Finding { subject, verdict: Verdict::Note(how.into()) }
}

fn wrong(subject: &'static str, problem: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { subject, verdict: Verdict::Wrong { problem: problem.into(), advice: advice.into() } }
}

/// Looks at everything.
pub async fn examine(path: &Path) -> Vec<Finding> {
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => return vec![wrong("configuration", format!("{error:#}"), "`blockcloud-agent init` writes one to begin with")],
    };
    let mut findings = vec![well("configuration", path.display().to_string()), data(&config)];
    let signer = key(&config, &mut findings);
    findings.extend(driver(&config).await);
    let Some(chain) = node(&config, &mut findings).await else { return findings };
    if let Some(rounds) = &config.rounds {
        findings.push(aggregator(rounds, &chain).await);
    }
    if let Some(signer) = signer {
        match provider(&chain, signer.account()).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(wrong("provider", error.to_string(), error.advice())),
        }
    }
    findings
}

fn data(config: &Config) -> Finding {
    let probe = config.data.join(".doctor");
    let written =
        std::fs::create_dir_all(&config.data).and_then(|()| std::fs::write(&probe, b"")).and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => well("data folder", config.data.display().to_string()),
        Err(error) => {
            wrong("data folder", format!("{}: {error}", config.data.display()), "give the agent's user a folder that it can write to")
        }
    }
}

fn key(config: &Config, findings: &mut Vec<Finding>) -> Option<Signer> {
    match Signer::read(&config.key) {
        Ok(signer) => {
            let mode = std::fs::metadata(&config.key).map_or(0, |metadata| metadata.mode() & 0o777);
            findings.push(if mode & 0o077 == 0 {
                well("account key", signer.account().to_string())
            } else {
                wrong(
                    "account key",
                    format!("others can read {} (mode {mode:o})", config.key.display()),
                    "chmod 600 it; if others had access, move the funds to a new account",
                )
            });
            Some(signer)
        }
        Err(error) => {
            findings.push(wrong("account key", error.to_string(), error.advice()));
            None
        }
    }
}

async fn driver(config: &Config) -> Vec<Finding> {
    let DriverConfig::Process { guest, simulator, .. } = &config.driver;
    let mut findings = Vec::new();
    findings.push(match std::fs::metadata(guest) {
        Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => {
            well("guest program", guest.display().to_string())
        }
        Ok(_) => {
            wrong("guest program", format!("{} cannot be executed", guest.display()), "name the blockcloud-guest program in driver.guest")
        }
        Err(error) => wrong("guest program", format!("{}: {error}", guest.display()), "name the blockcloud-guest program in driver.guest"),
    });
    match simulator {
        Some(url) => {
            let machine = hardware::summary(Path::new(ROOT));
            findings.push(note("hardware", format!("not used, because the configuration names a simulator; this machine is {machine}")));
            findings.push(simulated(url).await);
        }
        None => findings.extend(genuine(config)),
    }
    findings
}

/// Whether the simulator answers.
async fn simulated(url: &str) -> Finding {
    let client = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build();
    let answer = match client {
        Ok(client) => client.get(url).send().await.map(|_| ()),
        Err(error) => Err(error),
    };
    match answer {
        Ok(()) => note("evidence", format!("SIMULATED at {url}: protects nothing, and only development chains accept it")),
        Err(error) => {
            wrong("evidence", format!("no simulator answers at {url}: {error}"), "start blockcloud-simulator, or remove driver.simulator")
        }
    }
}

/// What this machine has and lacks for genuine evidence, and whether guests can use what its kernel gives.
fn genuine(config: &Config) -> Vec<Finding> {
    let answer = configfs::ask(Path::new(configfs::ROOT));
    let mut findings: Vec<Finding> = hardware::examine(Path::new(ROOT), &answer).into_iter().map(Finding::from).collect();
    findings.push(match config.driver.tee() {
        Err(error) => wrong("evidence", error.to_string(), "correct driver.tee"),
        Ok(tee) => match answer.and_then(|answer| configfs::usable(&answer, tee)) {
            Ok(()) => well("evidence", format!("of {tee:?}, from the kernel at {}, with the certificates that it needs", configfs::ROOT)),
            Err(error) => wrong("evidence", error.to_string(), error.advice()),
        },
    });
    findings
}

async fn node(config: &Config, findings: &mut Vec<Finding>) -> Option<Chain> {
    let chain = match Chain::connect(&config.node).await {
        Ok(chain) => chain,
        Err(error) => {
            findings.push(wrong("node", error.to_string(), error.advice()));
            return None;
        }
    };
    let looked = async {
        let (peers, syncing) = chain.health().await?;
        let head = chain.finalised().await?;
        let time = chain.now(At::Finalised).await?;
        Ok::<_, blockcloud_client::Error>((peers, syncing, head, time))
    };
    findings.push(match looked.await {
        Ok((_, true, head, _)) => {
            wrong("node", format!("it is still syncing (final block {})", head.number), "wait until it has caught up")
        }
        Ok((_, _, head, time)) if now().abs_diff(time) > CLOCK => wrong(
            "node",
            format!("final block {} is {} s away from this machine's clock", head.number, now().abs_diff(time) / 1_000),
            "check both machines' clocks (NTP), and whether the chain finalises blocks at all",
        ),
        Ok((peers, _, head, _)) => well("node", format!("{} at block {} with {peers} peers", chain.url(), head.number)),
        Err(error) => wrong("node", error.to_string(), error.advice()),
    });
    Some(chain)
}

/// Whether the aggregator is registered and answers.
async fn aggregator(RoundsConfig { aggregator, url }: &RoundsConfig, chain: &Chain) -> Finding {
    let subject = "aggregator";
    match chain.aggregator(*aggregator, At::Finalised).await {
        Ok(Some(view)) if view.stopped => {
            return wrong(subject, format!("aggregator {aggregator} was stopped for equivocation"), "name another one in [rounds]");
        }
        Ok(Some(_)) => {}
        Ok(None) => {
            return wrong(
                subject,
                format!("the chain has no aggregator {aggregator}"),
                "`blockcloud aggregator list` shows those that there are: correct rounds.aggregator",
            );
        }
        Err(error) => return wrong(subject, error.to_string(), error.advice()),
    }
    let asked = async {
        let client = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build()?;
        client.get(format!("{}/v1/health", url.trim_end_matches('/'))).send().await?.error_for_status()
    };
    match asked.await {
        Ok(_) => well(subject, format!("{aggregator}, answers at {url}")),
        Err(error) => wrong(
            subject,
            format!("no aggregator answers at {url}: {error}"),
            "correct rounds.url, or start it; until then checkpoints go on chain one by one",
        ),
    }
}

async fn provider(chain: &Chain, account: AccountId) -> blockcloud_client::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let funds = chain.funds(account, At::Finalised).await?;
    findings.push(if funds.free == 0 {
        wrong("funds", format!("account {account} has nothing to pay fees from"), "transfer some money to it")
    } else {
        well("funds", format!("{} free, {} held", funds.free, funds.held))
    });
    // The first field of a provider's record is its profile.
    let profile: Option<Text<256>> = chain.item("Offers", "Providers", &[codec::Encode::encode(&account)], At::Finalised).await?;
    let Some(profile) = profile else {
        findings.push(wrong(
            "provider",
            format!("account {account} is not registered"),
            "register it, with the base URL of this agent as its profile",
        ));
        return Ok(findings);
    };
    findings.push(reach(profile.as_str(), account, chain).await);
    findings.push(match chain.bond(account, At::Finalised).await? {
        Some(bond) => well("bond", format!("{}, of which {} stand behind jobs", bond.total, bond.reserved)),
        None => note("bond", "none: only jobs without cover can be placed"),
    });
    let filter = OfferFilter { provider: Some(account), ..OfferFilter::default() };
    let offers = chain.offers(&filter, None, blockcloud_client::PAGE, At::Finalised).await?.items;
    findings.push(if offers.is_empty() {
        note("offers", "none: nobody can place a job here")
    } else {
        well("offers", format!("{} published", offers.len()))
    });
    Ok(findings)
}

/// Whether customers find this agent under the registered URL.
async fn reach(profile: &str, account: AccountId, chain: &Chain) -> Finding {
    let subject = "profile";
    let asked = async {
        let client = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build()?;
        client.get(format!("{}/v1/health", profile.trim_end_matches('/'))).send().await?.error_for_status()?.json::<Health>().await
    };
    match asked.await {
        Ok(health) if health.provider != account => wrong(
            subject,
            format!("at {profile} answers the agent of {}", health.provider),
            "register the URL of this provider's own agent",
        ),
        Ok(health) if health.genesis.is_some_and(|genesis| genesis != chain.genesis()) => {
            wrong(subject, format!("the agent at {profile} serves another chain"), "give agent and doctor the same node")
        }
        Ok(_) => well(subject, format!("the agent answers at {profile}")),
        Err(error) => wrong(
            subject,
            format!("no agent answers at {profile}: {error}"),
            "start the agent, or change the profile to where customers reach it",
        ),
    }
}

#[cfg(test)]
mod tests;
