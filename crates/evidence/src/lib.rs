#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod explain;
mod journal;
#[cfg(feature = "std")]
pub mod reference;
pub mod snp;
pub mod tdx;
