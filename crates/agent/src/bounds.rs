//! How long the sealed output of a job can be, told from its spec: what a provider accepts is what it must then be able to take.
//!
//! The guest bounds the archive of a program's output and what it prints (`crates/seal`: `Room`; `crates/guest`: `Limits`) and seals that
//! (`crates/seal`: `sealed_len`). The figures here are theirs; the agent shares no code with them that can open data.

use blockcloud_primitives::{JobSpec, Workload};

/// Memory that the guest keeps from a job's files.
const HEADROOM: u64 = 128 << 20;
/// Room for files that every job has.
const FILES_LEAST: u64 = 16 << 20;
/// Storage of a job that reserves none.
const STORAGE_LEAST: u64 = 1 << 30;
/// The part of the storage that is left to what the program prints and to the seal.
const PRINT: u64 = 96 << 20;
/// What a program may print on both streams.
const PRINTED: u64 = 80 << 20;
/// The summary, the headers and padding of summary and prints, and the end of the archive.
const REST: u64 = 1 << 20;
/// Plaintext bytes of a sealed chunk, and what sealing adds to each and to the whole.
const CHUNK: u64 = 1 << 16;
const CHUNK_TAG: u64 = 16;
const SEAL_HEADER: u64 = 27;

/// The longest sealed output that a job with this spec can hand over, in bytes.
pub fn largest_output(spec: &JobSpec) -> u64 {
    sealed(archive(spec).saturating_add(PRINTED).saturating_add(REST))
}

/// The longest archive of a job's `/output`: files live in the reserved memory beside the program's own, and what is handed over in the storage.
fn archive(spec: &JobSpec) -> u64 {
    let Workload::Wasm { memory_mib, .. } = &spec.workload;
    let gib = |count: u32| u64::from(count) << 30;
    let memory = gib(spec.resources.memory_gib).saturating_sub(u64::from(*memory_mib) << 20).saturating_sub(HEADROOM);
    let storage = Some(gib(spec.resources.storage_gib)).filter(|storage| *storage > 0);
    let files = memory.min(storage.unwrap_or(u64::MAX)).max(FILES_LEAST);
    files.min(storage.unwrap_or(STORAGE_LEAST).saturating_sub(PRINT))
}

fn sealed(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK).max(1);
    plain.saturating_add(SEAL_HEADER).saturating_add(chunks.saturating_mul(CHUNK_TAG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;
    use blockcloud_primitives::Resources;

    fn with(memory_gib: u32, storage_gib: u32) -> JobSpec {
        JobSpec { resources: Resources { vcpus: 1, memory_gib, storage_gib, gpus: 0 }, ..spec() }
    }

    #[test]
    fn files_have_the_memory_that_is_left_and_no_more_than_the_storage() {
        // The module has 64 MiB.
        assert_eq!(archive(&with(1, 1)), (1 << 30) - (64 << 20) - (128 << 20));
        assert_eq!(archive(&with(8, 1)), (1 << 30) - PRINT);
        assert_eq!(archive(&with(8, 0)), STORAGE_LEAST - PRINT);
        assert_eq!(archive(&with(8, 64)), (8 << 30) - (192 << 20));
        assert_eq!(archive(&with(0, 0)), FILES_LEAST);
    }

    #[test]
    fn sealing_adds_a_header_and_a_tag_to_each_chunk() {
        assert_eq!([0, 1, CHUNK, CHUNK + 1].map(sealed), [43, 44, CHUNK + 43, CHUNK + 1 + 59]);
    }

    #[test]
    fn the_output_of_the_largest_job_is_a_number() {
        assert!(largest_output(&with(u32::MAX, u32::MAX)) > u64::from(u32::MAX) << 29);
        // Prints and seal fit into what the storage leaves them.
        assert!(largest_output(&with(8, 1)) < 1 << 30);
    }
}
