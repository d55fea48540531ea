//! Weights of `pallet_offers`, in the layout of the benchmark CLI.
//!
//! The first figures: cautious bounds above what comparable calls of the SDK's pallets take on its reference machine. Regenerate them with
//! `blockcloud-node benchmark pallet --pallet pallet_offers --extrinsic '*'` on the hardware that the validators run.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]
#![allow(clippy::arithmetic_side_effects)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_offers`.
pub trait WeightInfo {
	fn register() -> Weight;
	fn update_profile() -> Weight;
	fn deregister() -> Weight;
	fn add_site() -> Weight;
	fn remove_site() -> Weight;
	fn publish() -> Weight;
	fn update() -> Weight;
	fn withdraw() -> Weight;
	fn accredit() -> Weight;
	fn discredit() -> Weight;
	fn certify() -> Weight;
	fn revoke() -> Weight;
	fn remove_expired_fact() -> Weight;
}

/// Weights for `pallet_offers` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn register() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(80_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	fn update_profile() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn deregister() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(80_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::NextSite` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:0 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn add_site() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn remove_site() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::NextOffer` (r:1 w:1)
	/// Storage: `Offers::Offers` (r:0 w:1)
	/// Storage: `Offers::OffersOf` (r:0 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn publish() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(120_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// Storage: `Offers::Offers` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	fn update() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(50_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Offers::Offers` (r:1 w:1)
	/// Storage: `Offers::OffersOf` (r:0 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn withdraw() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(120_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Offers::Certifiers` (r:1 w:1)
	/// Storage: `Offers::CounterForCertifiers` (r:1 w:1)
	fn accredit() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Offers::Certifiers` (r:1 w:1)
	/// Storage: `Offers::CounterForCertifiers` (r:1 w:1)
	fn discredit() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Offers::Certifiers` (r:2 w:0)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:2 w:2)
	/// Storage: `System::Account` (r:2 w:2)
	fn certify() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `6196`
		Weight::from_parts(160_000_000, 6196)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn revoke() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Certifiers` (r:1 w:0)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn remove_expired_fact() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(95_000_000, 3845)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn register() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(80_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	fn update_profile() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn deregister() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(80_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::NextSite` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:0 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn add_site() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn remove_site() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::NextOffer` (r:1 w:1)
	/// Storage: `Offers::Offers` (r:0 w:1)
	/// Storage: `Offers::OffersOf` (r:0 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn publish() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(120_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	/// Storage: `Offers::Offers` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	fn update() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(50_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Offers::Offers` (r:1 w:1)
	/// Storage: `Offers::OffersOf` (r:0 w:1)
	/// Storage: `Offers::Providers` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn withdraw() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(120_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	/// Storage: `Offers::Certifiers` (r:1 w:1)
	/// Storage: `Offers::CounterForCertifiers` (r:1 w:1)
	fn accredit() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Offers::Certifiers` (r:1 w:1)
	/// Storage: `Offers::CounterForCertifiers` (r:1 w:1)
	fn discredit() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(35_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Offers::Certifiers` (r:2 w:0)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:2 w:2)
	/// Storage: `System::Account` (r:2 w:2)
	fn certify() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `6196`
		Weight::from_parts(160_000_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn revoke() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(90_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Offers::Facts` (r:1 w:1)
	/// Storage: `Offers::Sites` (r:1 w:1)
	/// Storage: `Offers::Certifiers` (r:1 w:0)
	/// Storage: `Timestamp::Now` (r:1 w:0)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Storage: `System::Account` (r:1 w:1)
	fn remove_expired_fact() -> Weight {
		// Proof Size summary in bytes:
		//  Estimated: `3845`
		Weight::from_parts(95_000_000, 3845)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
}
