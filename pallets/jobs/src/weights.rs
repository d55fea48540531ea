//! Weights of the calls and of the service.
//!
//! In the layout of the benchmark CLI, from which the file is written again: `blockcloud-node benchmark pallet --pallet pallet_jobs`. The numbers
//! of this version are upper estimates from the storage items that each function touches.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};

/// Weight functions needed for `pallet_jobs`.
pub trait WeightInfo {
    /// The largest spec that can be encoded.
    fn place() -> Weight;
    /// The entry of the queue stays.
    fn accept() -> Weight;
    /// Without the verification itself, see `Attester::open_weight`.
    fn attest() -> Weight;
    /// A running job with pay due.
    fn settle() -> Weight;
    /// `p`: digests of the inclusion proof.
    fn complete(p: u32, ) -> Weight;
    /// A running job.
    fn cancel() -> Weight;
    /// A job before its attestation, which is closed at once.
    fn cancel_early() -> Weight;
    /// A running job.
    fn top_up() -> Weight;
    /// A running job that ends.
    fn poke() -> Weight;
    /// The first checkpoint, which moves the entry of the queue.
    fn on_checkpoint() -> Weight;
    /// An empty queue.
    fn drain() -> Weight;
    /// One empty second.
    fn drain_second() -> Weight;
    /// A running job that ends.
    fn drain_job() -> Weight;
    /// A job before its attestation that ends and is closed at once.
    fn drain_early() -> Weight;
    /// An ended job that closes.
    fn drain_close() -> Weight;
}

/// Weights for `pallet_jobs` with the runtime's database weight.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    /// The largest spec that can be encoded.
    fn place() -> Weight {
        Weight::from_parts(190_000_000, 18000)
            .saturating_add(T::DbWeight::get().reads(9_u64))
            .saturating_add(T::DbWeight::get().writes(11_u64))
    }
    /// The entry of the queue stays.
    fn accept() -> Weight {
        Weight::from_parts(60_000_000, 6000)
            .saturating_add(T::DbWeight::get().reads(4_u64))
            .saturating_add(T::DbWeight::get().writes(4_u64))
    }
    /// Without the verification itself, see `Attester::open_weight`.
    fn attest() -> Weight {
        Weight::from_parts(95_000_000, 18000)
            .saturating_add(T::DbWeight::get().reads(6_u64))
            .saturating_add(T::DbWeight::get().writes(6_u64))
    }
    /// A running job with pay due.
    fn settle() -> Weight {
        Weight::from_parts(85_000_000, 6200)
            .saturating_add(T::DbWeight::get().reads(4_u64))
            .saturating_add(T::DbWeight::get().writes(4_u64))
    }
    /// `p`: digests of the inclusion proof.
    fn complete(p: u32, ) -> Weight {
        Weight::from_parts(420_000_000, 8000)
            .saturating_add(Weight::from_parts(1_200_000, 0).saturating_mul(u64::from(p)))
            .saturating_add(T::DbWeight::get().reads(12_u64))
            .saturating_add(T::DbWeight::get().writes(10_u64))
    }
    /// A running job.
    fn cancel() -> Weight {
        Weight::from_parts(230_000_000, 12000)
            .saturating_add(T::DbWeight::get().reads(15_u64))
            .saturating_add(T::DbWeight::get().writes(12_u64))
    }
    /// A job before its attestation, which is closed at once.
    fn cancel_early() -> Weight {
        Weight::from_parts(230_000_000, 14000)
            .saturating_add(T::DbWeight::get().reads(14_u64))
            .saturating_add(T::DbWeight::get().writes(13_u64))
    }
    /// A running job.
    fn top_up() -> Weight {
        Weight::from_parts(85_000_000, 6200)
            .saturating_add(T::DbWeight::get().reads(6_u64))
            .saturating_add(T::DbWeight::get().writes(6_u64))
    }
    /// A running job that ends.
    fn poke() -> Weight {
        Weight::from_parts(230_000_000, 12000)
            .saturating_add(T::DbWeight::get().reads(15_u64))
            .saturating_add(T::DbWeight::get().writes(12_u64))
    }
    /// The first checkpoint, which moves the entry of the queue.
    fn on_checkpoint() -> Weight {
        Weight::from_parts(60_000_000, 6000)
            .saturating_add(T::DbWeight::get().reads(5_u64))
            .saturating_add(T::DbWeight::get().writes(4_u64))
    }
    /// An empty queue.
    fn drain() -> Weight {
        Weight::from_parts(8_000_000, 1500)
            .saturating_add(T::DbWeight::get().reads(2_u64))
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
    /// One empty second.
    fn drain_second() -> Weight {
        Weight::from_parts(9_000_000, 3500)
            .saturating_add(T::DbWeight::get().reads(1_u64))
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
    /// A running job that ends.
    fn drain_job() -> Weight {
        Weight::from_parts(250_000_000, 14000)
            .saturating_add(T::DbWeight::get().reads(15_u64))
            .saturating_add(T::DbWeight::get().writes(12_u64))
    }
    /// A job before its attestation that ends and is closed at once.
    fn drain_early() -> Weight {
        Weight::from_parts(250_000_000, 14000)
            .saturating_add(T::DbWeight::get().reads(15_u64))
            .saturating_add(T::DbWeight::get().writes(13_u64))
    }
    /// An ended job that closes.
    fn drain_close() -> Weight {
        Weight::from_parts(230_000_000, 14000)
            .saturating_add(T::DbWeight::get().reads(14_u64))
            .saturating_add(T::DbWeight::get().writes(13_u64))
    }
}

// For tests.
impl WeightInfo for () {
    /// The largest spec that can be encoded.
    fn place() -> Weight {
        Weight::from_parts(190_000_000, 18000)
            .saturating_add(RocksDbWeight::get().reads(9_u64))
            .saturating_add(RocksDbWeight::get().writes(11_u64))
    }
    /// The entry of the queue stays.
    fn accept() -> Weight {
        Weight::from_parts(60_000_000, 6000)
            .saturating_add(RocksDbWeight::get().reads(4_u64))
            .saturating_add(RocksDbWeight::get().writes(4_u64))
    }
    /// Without the verification itself, see `Attester::open_weight`.
    fn attest() -> Weight {
        Weight::from_parts(95_000_000, 18000)
            .saturating_add(RocksDbWeight::get().reads(6_u64))
            .saturating_add(RocksDbWeight::get().writes(6_u64))
    }
    /// A running job with pay due.
    fn settle() -> Weight {
        Weight::from_parts(85_000_000, 6200)
            .saturating_add(RocksDbWeight::get().reads(4_u64))
            .saturating_add(RocksDbWeight::get().writes(4_u64))
    }
    /// `p`: digests of the inclusion proof.
    fn complete(p: u32, ) -> Weight {
        Weight::from_parts(420_000_000, 8000)
            .saturating_add(Weight::from_parts(1_200_000, 0).saturating_mul(u64::from(p)))
            .saturating_add(RocksDbWeight::get().reads(12_u64))
            .saturating_add(RocksDbWeight::get().writes(10_u64))
    }
    /// A running job.
    fn cancel() -> Weight {
        Weight::from_parts(230_000_000, 12000)
            .saturating_add(RocksDbWeight::get().reads(15_u64))
            .saturating_add(RocksDbWeight::get().writes(12_u64))
    }
    /// A job before its attestation, which is closed at once.
    fn cancel_early() -> Weight {
        Weight::from_parts(230_000_000, 14000)
            .saturating_add(RocksDbWeight::get().reads(14_u64))
            .saturating_add(RocksDbWeight::get().writes(13_u64))
    }
    /// A running job.
    fn top_up() -> Weight {
        Weight::from_parts(85_000_000, 6200)
            .saturating_add(RocksDbWeight::get().reads(6_u64))
            .saturating_add(RocksDbWeight::get().writes(6_u64))
    }
    /// A running job that ends.
    fn poke() -> Weight {
        Weight::from_parts(230_000_000, 12000)
            .saturating_add(RocksDbWeight::get().reads(15_u64))
            .saturating_add(RocksDbWeight::get().writes(12_u64))
    }
    /// The first checkpoint, which moves the entry of the queue.
    fn on_checkpoint() -> Weight {
        Weight::from_parts(60_000_000, 6000)
            .saturating_add(RocksDbWeight::get().reads(5_u64))
            .saturating_add(RocksDbWeight::get().writes(4_u64))
    }
    /// An empty queue.
    fn drain() -> Weight {
        Weight::from_parts(8_000_000, 1500)
            .saturating_add(RocksDbWeight::get().reads(2_u64))
            .saturating_add(RocksDbWeight::get().writes(1_u64))
    }
    /// One empty second.
    fn drain_second() -> Weight {
        Weight::from_parts(9_000_000, 3500)
            .saturating_add(RocksDbWeight::get().reads(1_u64))
            .saturating_add(RocksDbWeight::get().writes(1_u64))
    }
    /// A running job that ends.
    fn drain_job() -> Weight {
        Weight::from_parts(250_000_000, 14000)
            .saturating_add(RocksDbWeight::get().reads(15_u64))
            .saturating_add(RocksDbWeight::get().writes(12_u64))
    }
    /// A job before its attestation that ends and is closed at once.
    fn drain_early() -> Weight {
        Weight::from_parts(250_000_000, 14000)
            .saturating_add(RocksDbWeight::get().reads(15_u64))
            .saturating_add(RocksDbWeight::get().writes(13_u64))
    }
    /// An ended job that closes.
    fn drain_close() -> Weight {
        Weight::from_parts(230_000_000, 14000)
            .saturating_add(RocksDbWeight::get().reads(14_u64))
            .saturating_add(RocksDbWeight::get().writes(13_u64))
    }
}
