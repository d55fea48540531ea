//! `init`: a commented configuration, an empty list of sources and a new key in a folder. Nothing that exists is overwritten.

use crate::config::Config;
use anyhow::{Context as _, ensure};
use blockcloud_client::{Scheme, Signer};
use blockcloud_primitives::PublicKey;
use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

/// How a list of sources looks.
const SOURCES: &str = "\
# Sources: a slot of the tree, the job whose log it is, and the receipt key of the job's attested guest.
# [[source]]
# slot = 0
# job = 1
# key = \"0x...\"
#
# Aggregators below this one: the part that they collect (2^height slots from base, a multiple of that) and their key.
# [[child]]
# base = 1024
# height = 10
# key = \"0x...\"
";

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The configuration file.
    pub config: PathBuf,
    /// The key file.
    pub key: PathBuf,
    /// The public key, as it is registered.
    pub public: PublicKey,
}

/// Writes the configuration and, unless they are there, key and sources.
///
/// # Errors
/// There is a configuration already, or the folder cannot be written.
pub fn init(folder: &Path) -> anyhow::Result<Written> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let config = folder.join("aggregator.toml");
    ensure!(!config.exists(), "{} exists already; delete it or choose another folder", config.display());
    let key = folder.join("aggregator.key");
    let signer = if key.exists() { Signer::read(&key)? } else { Signer::create(&key, Scheme::Ed25519)? };
    ensure!(signer.scheme() == Scheme::Ed25519, "{}: rounds are signed with ed25519, this key is {}", key.display(), signer.scheme());
    let sources = folder.join("sources.toml");
    if !sources.exists() {
        write_new(&sources, SOURCES)?;
    }
    write_new(&config, Config::example())?;
    Ok(Written { config, key, public: PublicKey(signer.account().0) })
}

fn write_new(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut file = File::create_new(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileSources, Registry, Sources as _};

    #[tokio::test]
    async fn writes_what_can_be_read_and_a_key_once() {
        let folder = tempfile::tempdir().unwrap();
        let written = init(folder.path()).unwrap();
        let config = Config::read(&written.config).unwrap();
        assert_eq!(Signer::read(&config.key).unwrap().account().0, written.public.0);
        assert_eq!(FileSources::new(&config.sources, config.part()).changed().await.unwrap(), Some(Registry::default()));
        assert!(init(folder.path()).is_err());
        std::fs::remove_file(&written.config).unwrap();
        assert_eq!(init(folder.path()).unwrap().public, written.public, "the key that exists is kept");
    }
}
