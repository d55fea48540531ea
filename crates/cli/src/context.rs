//! What every command needs: the chain, the key, the deadline, where to print.

use crate::{
    fault::{as_usage, usage},
    keys::Protection,
    output::{Format, Output},
    signing::Key,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{Call, Chain, Outcome, Signer};
use blockcloud_primitives::{AccountId, Digest, Moment};
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
    /// Hash of the first block of the chain that you mean: nothing of another chain is believed.
    #[arg(long, global = true, env = "BLOCKCLOUD_GENESIS", value_name = "HASH")]
    genesis: Option<Digest>,
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
    /// How data keys lie in that folder, as TOML: sealed for an age identity or for a key in a PKCS#11 token; without it, as files that only you can read.
    #[arg(long, global = true, env = "BLOCKCLOUD_KEY_PROTECTION", value_name = "FILE")]
    key_protection: Option<PathBuf>,
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

    /// Connects to the node, and refuses one of another chain than the expected.
    pub async fn chain(&self) -> Result<Chain> {
        let chain = Chain::connect_within(&self.globals.node, self.timeout()).await?;
        same_chain(chain.url(), self.globals.genesis, chain.genesis())?;
        Ok(chain)
    }

    /// The chain that the user means, if one is named.
    pub fn genesis(&self) -> Option<Digest> {
        self.globals.genesis
    }

    /// The user's key.
    pub fn signer(&self) -> Result<Signer> {
        let Some(key) = &self.globals.key else {
            return Err(usage(
                "this needs your key: name a key file with --key or BLOCKCLOUD_KEY (make one with `blockcloud key generate`)",
            ));
        };
        signer(key)
    }

    /// The user's key, to sign what others verify.
    pub fn signing_key(&self) -> Result<Key> {
        let Some(key) = &self.globals.key else {
            return Err(usage(
                "this needs a key to sign with: name an ed25519 key file (`blockcloud key generate --scheme ed25519`) or a P-256 key in PKCS#8 with --key",
            ));
        };
        Key::named(key)
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

    /// How data keys lie in that folder.
    pub fn protection(&self) -> Result<Protection> {
        self.globals.key_protection.as_deref().map_or(Ok(Protection::default()), Protection::read)
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

/// Refuses a node of another chain than the expected.
fn same_chain(url: &str, expected: Option<Digest>, found: Digest) -> Result<()> {
    match expected {
        Some(expected) if expected != found => {
            bail!("the node at {url} follows the chain with genesis {found}, not {expected}: name a node of your chain with --node")
        }
        _ => Ok(()),
    }
}

/// Reads a key: a file if there is one of that name, else `SCHEME:URI`. What is neither may still be a secret and is not repeated.
pub fn signer(key: &str) -> Result<Signer> {
    let path = Path::new(key);
    if path.is_file() {
        return Signer::read(path).map_err(as_usage);
    }
    key.parse().map_err(|error: blockcloud_client::Error| {
        usage(format!("what you gave names neither a key file nor a key ({error}): make a file with `blockcloud key generate --to FILE`"))
    })
}

/// Reads an account: hex, or anything that names a key (development chains know `//Alice`).
pub fn account(text: &str) -> Result<AccountId> {
    if let Ok(account) = text.parse() {
        return Ok(account);
    }
    if let Some(account) = blockcloud_client::account_from_ss58(text) {
        return Ok(account);
    }
    signer(text).map(|signer| signer.account()).map_err(|_| usage("this is not an account: give its SS58 address or 0x hex, or a key file"))
}

/// Unix milliseconds.
pub fn now() -> Moment {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::exit_code;

    #[test]
    fn a_key_that_cannot_be_read_is_wrong_usage_and_is_not_repeated() {
        let secret = "hunter2 correct horse battery";
        for key in [secret, "sr25519:hunter2", "ed25519:hunter2", "hunter225519:0x00", "no/such/hunter2.key"] {
            for error in [signer(key).unwrap_err(), account(key).unwrap_err()] {
                assert_eq!(exit_code(&error), 2);
                assert!(!format!("{error:#} {error:?}").contains("hunter2"), "{error:#}");
            }
        }
    }

    #[test]
    fn a_phrase_without_punctuation_is_a_key() {
        let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
        assert_eq!(signer(phrase).unwrap().account(), signer(&format!("sr25519:{phrase}")).unwrap().account());
    }

    #[test]
    fn a_node_of_another_chain_is_refused() {
        let [one, two] = [1, 2].map(|byte| Digest([byte; 32]));
        assert!(same_chain("ws://h", None, one).is_ok());
        assert!(same_chain("ws://h", Some(one), one).is_ok());
        let error = same_chain("ws://h", Some(two), one).unwrap_err();
        assert_eq!(exit_code(&error), 1);
        assert!(error.to_string().contains("ws://h"));
    }
}
