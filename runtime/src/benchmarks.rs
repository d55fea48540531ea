//! Which pallets' weights are measured on this runtime, for `blockcloud-node benchmark pallet`.

use crate::{
    AllPalletsWithSystem, Attestation, Balances, Bonds, Consortium, Council, Jobs, Multisig, Offers, Proxy, Receipts, Runtime, Timestamp,
    TransactionPayment, Utility,
};
use alloc::{string::String, vec::Vec};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, Benchmarking, add_benchmark, baseline, list_benchmark};
use frame_support::traits::{StorageInfo, StorageInfoTrait, TrackedStorageKey, WhitelistedStorageKeys};

use baseline::Pallet as Baseline;
use frame_system_benchmarking::{Pallet as SystemBench, extensions::Pallet as ExtensionsBench};

impl frame_system_benchmarking::Config for Runtime {}
impl baseline::Config for Runtime {}

frame_benchmarking::define_benchmarks!(
    [frame_benchmarking, Baseline::<Runtime>]
    [frame_system, SystemBench::<Runtime>]
    [frame_system_extensions, ExtensionsBench::<Runtime>]
    [pallet_timestamp, Timestamp]
    [pallet_balances, Balances]
    [pallet_transaction_payment, TransactionPayment]
    [pallet_collective, Council]
    [pallet_utility, Utility]
    [pallet_multisig, Multisig]
    [pallet_proxy, Proxy]
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
