//! Weights of `pallet_bonds`, in the layout of the benchmark CLI.
//!
//! The first figures: cautious bounds above what comparable calls of the SDK's pallets take on its reference machine. Regenerate them with
//! `blockcloud-node benchmark pallet --pallet pallet_bonds --extrinsic '*'` on the hardware that the validators run.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]
#![allow(clippy::arithmetic_side_effects)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_bonds`.
pub trait WeightInfo {
	fn bond() -> Weight;
	fn unbond() -> Weight;
	fn withdraw() -> Weight;
}

/// Weights for `pallet_bonds` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Bonds::Totals` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn bond() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(90_000_000, 3738)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	fn unbond() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(45_000_000, 3738)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Bonds::Totals` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn withdraw() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(95_000_000, 3738)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Bonds::Totals` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn bond() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(90_000_000, 3738)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	fn unbond() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(45_000_000, 3738)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Bonds::Bonds` (r:1 w:1)
	/// Storage: `Bonds::Totals` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn withdraw() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3738`
		Weight::from_parts(95_000_000, 3738)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
}
