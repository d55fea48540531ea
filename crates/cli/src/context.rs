//! What every command needs: the chain, the key, the deadline, where to print.

use crate::output::{Format, Output};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{Call, Chain, Outcome, Signer};
use blockcloud_primitives::{AccountId, Moment};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Globals {
    /// WebSocket URL of a node.
    #[arg(long, global = true, env = "BLOCKCLOUD_NODE", default_value = "ws://127.0.0.1:9944")]
    node: String,
    /// Your key: a key file, or `SCHEME:URI` (development chains know `//Alice`).
    #[arg(long, global = true, env = "BLOCKCLOUD_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Format,
    /// Seconds to wait for an answer of the node or the agent.
    #[arg(long, global = true, default_value_t = 30)]
    timeout: u64,
    /// Folder for job keys and sealed files.
    #[arg(long, global = true, env = "BLOCKCLOUD_HOME")]
    home: Option<PathBuf>,
}

/// What every command needs.
pub struct Context {
    globals: Globals,
    /// Where the result goes.
    pub output: Output,
}

impl Context {
    pub fn new(globals: Globals) -> Self {
        let output = Output::new(globals.output);
        Self { globals, output }
    }

    /// How long to wait for one answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.globals.timeout)
    }

    /// Connects to the node.
    pub async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect_within(&self.globals.node, self.timeout()).await?)
    }

    /// The user's key.
    pub fn signer(&self) -> Result<Signer> {
        let Some(key) = &self.globals.key else {
            bail!("this needs your key: name a key file with --key or BLOCKCLOUD_KEY (make one with `blockcloud key generate`)");
        };
        signer(key)
    }

    /// Whether a key was named.
    pub fn has_key(&self) -> bool {
        self.globals.key.is_some()
    }

    /// The named account, or that of the user's key.
    pub fn account(&self, named: Option<&str>) -> Result<AccountId> {
        match named {
            Some(text) => account(text),
            None => Ok(self.signer()?.account()),
        }
    }

    /// Signs and submits a call and waits until it is final.
    pub async fn submit(&self, chain: &Chain, call: &Call) -> Result<Outcome> {
        let signer = self.signer()?;
        let progress = self.output.spinner(format!("{} (waiting for finality)", call.summary()));
        let outcome = chain.submit_and_finalise(call, &signer).await;
        progress.finish_and_clear();
        Ok(outcome?)
    }

    /// The folder for job keys and sealed files.
    pub fn home(&self) -> Result<PathBuf> {
        if let Some(home) = &self.globals.home {
            return Ok(home.clone());
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
        Ok(data.context("neither HOME nor XDG_DATA_HOME is set: name a folder with --home")?.join("blockcloud"))
    }
}

/// Reads a key: a file if there is one of that name, else `SCHEME:URI`.
pub fn signer(key: &str) -> Result<Signer> {
    let path = Path::new(key);
    if path.is_file() {
        return Ok(Signer::read(path)?);
    }
    if !key.contains("//") && !key.contains(':') {
        bail!("there is no key file {key}: make one with `blockcloud key generate --to {key}`");
    }
    Ok(key.parse()?)
}

/// Reads an account: hex, or anything that names a key (development chains know `//Alice`).
pub fn account(text: &str) -> Result<AccountId> {
    if let Ok(account) = text.parse() {
        return Ok(account);
    }
    if let Some(account) = blockcloud_client::account_from_ss58(text) {
        return Ok(account);
    }
    signer(text).map(|signer| signer.account()).with_context(|| format!("{text} is not an account: give its SS58 address or 0x hex"))
}

/// Unix milliseconds.
pub fn now() -> Moment {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Whether this failed because a node or an agent could not be reached.
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<blockcloud_client::Error>().is_some_and(blockcloud_client::Error::is_unreachable)
            || cause.downcast_ref::<reqwest::Error>().is_some_and(|error| error.is_connect() || error.is_timeout())
    })
}
