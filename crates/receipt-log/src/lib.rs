#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "std")]
pub mod document;
#[cfg(feature = "formats")]
pub mod formats;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod hash;
#[cfg(feature = "std")]
mod log;
#[cfg(feature = "std")]
mod tree;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod verify;

pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash, receipt_bytes, receipt_hash};
#[cfg(feature = "std")]
pub use log::{LogError, ReceiptLog, Recovery};
#[cfg(feature = "std")]
pub use tree::{Tree, TreeError};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
