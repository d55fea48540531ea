//! How the memory that a job reserves is shared out: so much for the program, so much for its files. Customer and guest reckon with the same numbers.
//!
//! Not here: keeping to it (the guest's sandbox does), prices.

use blockcloud_primitives::{JobSpec, Resources, Workload};
use std::collections::BTreeSet;

/// Files are kept in pages of this many bytes; a page that is begun counts whole.
pub const PAGE: u64 = 4096;
/// What a file, directory or symbolic link costs beside its content.
pub const INODE_COST: u64 = 256;
/// What a directory entry costs beside its name, whose bytes count twice.
pub const ENTRY_COST: u64 = 256;
/// Largest module in bytes.
pub const MODULE_MAX: u64 = 64 << 20;
/// Largest linear memory of a 32-bit module in MiB.
pub const MODULE_MEMORY_MIB_MAX: u32 = 4096;
/// Memory that is left to everything that is neither a file nor the program's own.
const HEADROOM: u64 = 128 << 20;
/// Room for files that every job has, however small it was made.
const FILES_LEAST: u64 = 16 << 20;
/// Storage of a job that reserves none: as much as its output may take then.
const STORAGE_LEAST: u64 = 1 << 30;
/// The part of the storage that is left to what the program prints and to the seal.
const PRINT: u64 = 96 << 20;

/// How much a job may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes for all files together, by the costs of this module.
    pub files: u64,
    /// Bytes of the archive of `/output`, headers included.
    pub output: u64,
}

impl Room {
    /// What a job's spec leaves.
    pub fn of(spec: &JobSpec) -> Self {
        let Workload::Wasm { memory_mib, .. } = &spec.workload;
        Self::beside(&spec.resources, *memory_mib)
    }

    /// What is left beside a program with this much memory of its own: files live in the reserved memory and never outgrow the reserved storage.
    pub fn beside(resources: &Resources, memory_mib: u32) -> Self {
        let gib = |count: u32| u64::from(count).saturating_mul(1 << 30);
        let memory = gib(resources.memory_gib).saturating_sub(u64::from(memory_mib) << 20).saturating_sub(HEADROOM);
        let storage = if resources.storage_gib == 0 { u64::MAX } else { gib(resources.storage_gib) };
        let files = memory.min(storage).max(FILES_LEAST);
        let printed = if storage == u64::MAX { STORAGE_LEAST } else { storage };
        Self { files, output: files.min(printed.saturating_sub(PRINT)) }
    }
}

/// What a file's content of this length costs.
pub fn content_cost(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE).saturating_mul(PAGE)
}

/// What a name in a directory costs.
pub fn entry_cost(name: &str) -> u64 {
    ENTRY_COST.saturating_add(u64::try_from(name.len()).unwrap_or(u64::MAX).saturating_mul(2))
}

/// What a program's file system costs when it starts: `/output`, `/tmp`, and in `/input` these files, by path and length; standard input without a name.
pub fn start_cost<'a>(files: impl Iterator<Item = (&'a str, u64)>, stdin: Option<u64>) -> u64 {
    let named = |path: &str| INODE_COST.saturating_add(entry_cost(path.rsplit('/').next().unwrap_or(path)));
    let mut folders = BTreeSet::new();
    let mut cost = ["input", "output", "tmp"].map(named).iter().fold(0, |sum: u64, cost| sum.saturating_add(*cost));
    for (path, bytes) in files {
        cost = cost.saturating_add(named(path)).saturating_add(content_cost(bytes));
        folders.extend(path.match_indices('/').map(|(end, _)| &path[..end]));
    }
    cost = folders.into_iter().fold(cost, |sum, folder| sum.saturating_add(named(folder)));
    stdin.map_or(cost, |bytes| cost.saturating_add(INODE_COST).saturating_add(content_cost(bytes)))
}
