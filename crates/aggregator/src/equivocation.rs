//! Two signed statements that cannot both be true: kept as files, so that anybody can be shown them.
//!
//! One file for each log or part, the first contradiction that was seen: who signs many gets no more room on this disk. Not here: what follows from it
//! (the chain decides), finding it (`state`).

use crate::{SignedBranch, files};
use blockcloud_primitives::{PublicKey, SlotEntry};
use serde::{Deserialize, Serialize};
use std::{io, path::PathBuf};

/// Two statements under one key that cannot both be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Equivocation {
    /// Two checkpoints of one log.
    Log {
        /// The log's slot.
        slot: u32,
        /// Who signed both.
        key: PublicKey,
        /// What was taken.
        first: SlotEntry,
        /// What contradicts it.
        second: SlotEntry,
    },
    /// Two branches of one number.
    Branch {
        /// Who signed both.
        key: PublicKey,
        /// What was taken.
        first: SignedBranch,
        /// What contradicts it.
        second: SignedBranch,
    },
}

impl Equivocation {
    fn name(&self) -> String {
        match self {
            Self::Log { slot, key, .. } => format!("slot-{slot}-{}.json", hex::encode(key.0)),
            Self::Branch { key, first, .. } => format!("part-{}-{}-{}.json", first.branch.base, first.branch.height, hex::encode(key.0)),
        }
    }
}

/// The folder of contradictions.
#[derive(Clone, Debug)]
pub struct Equivocations {
    folder: PathBuf,
}

impl Equivocations {
    /// Opens the folder, or makes it.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps one, durably, unless one of the same signer is kept already. Says whether it was new.
    pub fn keep(&self, equivocation: &Equivocation) -> io::Result<bool> {
        let path = self.folder.join(equivocation.name());
        if path.exists() {
            return Ok(false);
        }
        files::write_atomically(&path, &serde_json::to_vec_pretty(equivocation)?)?;
        Ok(true)
    }

    /// What is kept, by name: the first `limit` after `after`, and whether there are more.
    pub fn list(&self, after: Option<&str>, limit: usize) -> io::Result<(Vec<(String, Equivocation)>, bool)> {
        let mut names: Vec<String> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".json") && after.is_none_or(|after| name.as_str() > after))
            .collect();
        names.sort_unstable();
        let more = names.len() > limit;
        let read = |name: String| {
            let found = serde_json::from_slice(&std::fs::read(self.folder.join(&name))?)?;
            Ok((name, found))
        };
        Ok((names.into_iter().take(limit).map(read).collect::<io::Result<_>>()?, more))
    }
}
