//! Weights for `pallet_attestation`, in the layout that the benchmark CLI writes.
//!
//! Upper estimates from measurements of the parts in Wasm (one RSA-4096 and one P-384 verification: 4.8 ms together), until a run of the
//! benchmarks in `benchmarking.rs` replaces this file:
//!
//! blockcloud-node benchmark pallet --chain dev --pallet pallet_attestation --extrinsic '*' --steps 50 --repeat 20 --wasm-execution compiled
//!   --output pallets/attestation/src/weights.rs --template scripts/weights.hbs

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};

/// Weight functions needed for `pallet_attestation`.
pub trait WeightInfo {
	fn set_roots() -> Weight;
	fn remove_roots() -> Weight;
	fn approve_measurement() -> Weight;
	fn withdraw_measurement() -> Weight;
	fn deny_chip() -> Weight;
	fn allow_chip() -> Weight;
	fn set_floor() -> Weight;
	fn open() -> Weight;
	fn close() -> Weight;
	fn judge() -> Weight;
}

/// Weights for `pallet_attestation` under the runtime's own database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:0 w:1)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	fn set_roots() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `1493`
		Weight::from_parts(6_000_000_000, 1493)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Attestation::RootsOf` (r:1 w:1)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	fn remove_roots() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(20_000_000, 7575)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForMeasurements` (r:1 w:1)
	/// Proof: `Attestation::CounterForMeasurements` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:1)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	fn approve_measurement() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3537`
		Weight::from_parts(20_000_000, 3537)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Measurements` (r:1 w:1)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForMeasurements` (r:1 w:1)
	/// Proof: `Attestation::CounterForMeasurements` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn withdraw_measurement() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3537`
		Weight::from_parts(20_000_000, 3537)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::DeniedChips` (r:1 w:1)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForDeniedChips` (r:1 w:1)
	/// Proof: `Attestation::CounterForDeniedChips` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn deny_chip() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3513`
		Weight::from_parts(20_000_000, 3513)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::DeniedChips` (r:1 w:1)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForDeniedChips` (r:1 w:1)
	/// Proof: `Attestation::CounterForDeniedChips` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn allow_chip() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3513`
		Weight::from_parts(20_000_000, 3513)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:0 w:1)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	fn set_floor() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `1486`
		Weight::from_parts(15_000_000, 1486)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:2 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Accepted` (r:1 w:1)
	/// Proof: `Attestation::Accepted` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:1 w:0)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:1 w:0)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::DeniedChips` (r:1 w:0)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:0)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Sessions` (r:0 w:1)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(8_000_000_000, 7575)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Sessions` (r:1 w:1)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Accepted` (r:0 w:1)
	/// Proof: `Attestation::Accepted` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	fn close() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3720`
		Weight::from_parts(20_000_000, 3720)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Sessions` (r:1 w:0)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:1 w:0)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:1 w:0)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::DeniedChips` (r:1 w:0)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:0)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	fn judge() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(30_000_000, 7575)
			.saturating_add(T::DbWeight::get().reads(5_u64))
	}
}

// For tests.
impl WeightInfo for () {
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:0 w:1)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	fn set_roots() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `1493`
		Weight::from_parts(6_000_000_000, 1493)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Attestation::RootsOf` (r:1 w:1)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	fn remove_roots() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(20_000_000, 7575)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForMeasurements` (r:1 w:1)
	/// Proof: `Attestation::CounterForMeasurements` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:1)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	fn approve_measurement() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3537`
		Weight::from_parts(20_000_000, 3537)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Measurements` (r:1 w:1)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForMeasurements` (r:1 w:1)
	/// Proof: `Attestation::CounterForMeasurements` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn withdraw_measurement() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3537`
		Weight::from_parts(20_000_000, 3537)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::DeniedChips` (r:1 w:1)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForDeniedChips` (r:1 w:1)
	/// Proof: `Attestation::CounterForDeniedChips` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn deny_chip() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3513`
		Weight::from_parts(20_000_000, 3513)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::DeniedChips` (r:1 w:1)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::CounterForDeniedChips` (r:1 w:1)
	/// Proof: `Attestation::CounterForDeniedChips` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn allow_chip() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3513`
		Weight::from_parts(20_000_000, 3513)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:0 w:1)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	fn set_floor() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `1486`
		Weight::from_parts(15_000_000, 1486)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Attestation::SimulationAllowed` (r:1 w:0)
	/// Proof: `Attestation::SimulationAllowed` (`max_values`: Some(1), `max_size`: Some(1), added: 496, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:2 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Accepted` (r:1 w:1)
	/// Proof: `Attestation::Accepted` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:1 w:0)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:1 w:0)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::DeniedChips` (r:1 w:0)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:0)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Sessions` (r:0 w:1)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(8_000_000_000, 7575)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Sessions` (r:1 w:1)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Accepted` (r:0 w:1)
	/// Proof: `Attestation::Accepted` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	fn close() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3720`
		Weight::from_parts(20_000_000, 3720)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Attestation::Sessions` (r:1 w:0)
	/// Proof: `Attestation::Sessions` (`max_values`: None, `max_size`: Some(255), added: 2730, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::RootsOf` (r:1 w:0)
	/// Proof: `Attestation::RootsOf` (`max_values`: None, `max_size`: Some(4110), added: 6585, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Floors` (r:1 w:0)
	/// Proof: `Attestation::Floors` (`max_values`: None, `max_size`: Some(15), added: 2490, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::DeniedChips` (r:1 w:0)
	/// Proof: `Attestation::DeniedChips` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
	/// Storage: `Attestation::Measurements` (r:1 w:0)
	/// Proof: `Attestation::Measurements` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	fn judge() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `7575`
		Weight::from_parts(30_000_000, 7575)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
	}
}
