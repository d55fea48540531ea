//! Weights for `pallet_receipts`, in the layout that the benchmark CLI writes.
//!
//! Upper estimates from single measurements of the parts (one ed25519 verification, SHA-256 over two 64-byte blocks per hash in Wasm), until a
//! run of the benchmarks in `benchmarking.rs` replaces this file:
//!
//! blockcloud-node benchmark pallet --chain dev --pallet pallet_receipts --extrinsic '*' --steps 50 --repeat 20 --wasm-execution compiled
//!   --output pallets/receipts/src/weights.rs --template scripts/weights.hbs

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};

/// Weight functions needed for `pallet_receipts`.
pub trait WeightInfo {
	fn checkpoint(p: u32, ) -> Weight;
	fn open() -> Weight;
	fn close() -> Weight;
}

/// Weights for `pallet_receipts` under the runtime's own database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// The range of component `p` is `[3, 64]`.
	fn checkpoint(p: u32, ) -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `318`
		//  Estimated: `3586`
		Weight::from_parts(120_000_000, 3586)
			// Standard Error: 0
			.saturating_add(Weight::from_parts(3_000_000, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `142`
		//  Estimated: `3586`
		Weight::from_parts(15_000_000, 3586)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn close() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `274`
		//  Estimated: `3586`
		Weight::from_parts(15_000_000, 3586)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// The range of component `p` is `[3, 64]`.
	fn checkpoint(p: u32, ) -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `318`
		//  Estimated: `3586`
		Weight::from_parts(120_000_000, 3586)
			// Standard Error: 0
			.saturating_add(Weight::from_parts(3_000_000, 0).saturating_mul(p.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `142`
		//  Estimated: `3586`
		Weight::from_parts(15_000_000, 3586)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Receipts::Logs` (r:1 w:1)
	/// Proof: `Receipts::Logs` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn close() -> Weight {
		// Proof Size summary in bytes:
		//  Measured:  `274`
		//  Estimated: `3586`
		Weight::from_parts(15_000_000, 3586)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
