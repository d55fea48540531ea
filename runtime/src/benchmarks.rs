//! Which pallets' weights are measured on this runtime, for `blockcloud-node benchmark pallet`: ours. The others come with weights of their own.

use crate::{AllPalletsWithSystem, Attestation, Bonds, Consortium, Jobs, Offers, Receipts};
use alloc::{string::String, vec::Vec};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::traits::{StorageInfo, StorageInfoTrait, TrackedStorageKey, WhitelistedStorageKeys};

frame_benchmarking::define_benchmarks!(
    [pallet_offers, Offers]
    [pallet_bonds, Bonds]
    [pallet_jobs, Jobs]
    [pallet_attestation, Attestation]
    [pallet_receipts, Receipts]
    [pallet_consortium, Consortium]
);

/// The benchmarks there are, and the storage they may touch.
pub fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Runs one benchmark.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist: Vec<TrackedStorageKey> = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}
