#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
// The one exception is `lanes`, which argues it.
#![deny(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "std")]
mod batch;
#[cfg(feature = "std")]
pub mod document;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod erased;
#[cfg(feature = "std")]
mod erasure;
#[cfg(feature = "std")]
mod forest;
#[cfg(feature = "formats")]
pub mod formats;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod frontier;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod hash;
#[cfg(feature = "std")]
pub mod lanes;
#[cfg(feature = "std")]
mod log;
#[cfg(feature = "std")]
pub mod objects;
#[cfg(feature = "std")]
mod paths;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod peaks;
#[cfg(feature = "std")]
mod prover;
#[cfg(feature = "std")]
mod record;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod slots;
#[cfg(feature = "std")]
pub mod tiles;
#[cfg(feature = "std")]
mod tree;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod verify;

#[cfg(feature = "std")]
pub use batch::{receipt_hashes, receipt_hashes_on};
pub use erased::{ErasedEntry, entry_leaf};
#[cfg(feature = "std")]
pub use forest::Forest;
pub use frontier::Frontier;
pub use hash::{EMPTY_ROOT, Hash, encode_receipt, leaf_hash, node_hash, receipt_bytes, receipt_hash};
#[cfg(feature = "std")]
pub use log::{LogError, LogOptions, LogStore, ReceiptLog, Recovery};
pub use peaks::{Full, Peaks};
#[cfg(feature = "std")]
pub use prover::Prover;
#[cfg(feature = "std")]
pub use slots::{SlotTree, SlotTreeError};
pub use slots::{slot_hash, verify_round, verify_slot};
#[cfg(feature = "std")]
pub use tree::{Tree, TreeError};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
