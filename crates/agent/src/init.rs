//! `init`: a commented configuration and a new account key in a folder. Nothing that exists is overwritten.

use crate::config::Config;
use anyhow::{Context as _, ensure};
use blockcloud_client::{Scheme, Signer};
use blockcloud_primitives::AccountId;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// What was written.
pub struct Written {
    /// The configuration file.
    pub config: PathBuf,
    /// The key file.
    pub key: PathBuf,
    /// The account of the key.
    pub account: AccountId,
}

/// Writes the configuration and, unless there is one, the key.
pub fn init(folder: &Path, scheme: Scheme) -> anyhow::Result<Written> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let config = folder.join("agent.toml");
    ensure!(!config.exists(), "{} exists already; delete it or choose another folder", config.display());
    let key = folder.join("provider.key");
    let signer = if key.exists() { Signer::read(&key)? } else { Signer::create(&key, scheme)? };
    let mut file = std::fs::File::create_new(&config).with_context(|| format!("cannot write {}", config.display()))?;
    file.write_all(Config::example(Path::new("data"), Path::new("provider.key")).as_bytes())?;
    file.sync_all()?;
    Ok(Written { config, key, account: signer.account() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_configuration_that_can_be_read_and_a_key_once() {
        let folder = tempfile::tempdir().unwrap();
        let written = init(folder.path(), Scheme::Sr25519).unwrap();
        let config = Config::read(&written.config).unwrap();
        assert_eq!(Signer::read(&config.key).unwrap().account(), written.account);
        assert!(init(folder.path(), Scheme::Sr25519).is_err());
        std::fs::remove_file(&written.config).unwrap();
        assert_eq!(init(folder.path(), Scheme::Ed25519).unwrap().account, written.account, "the key that exists is kept");
    }
}
