#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "std")]
pub mod document;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod hash;
#[cfg(feature = "std")]
mod log;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod peaks;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod slots;
#[cfg(feature = "std")]
mod tree;
#[deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
mod verify;

pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash, receipt_bytes, receipt_hash};
#[cfg(feature = "std")]
pub use log::{LogError, ReceiptLog, Recovery};
pub use peaks::{Full, Peaks};
#[cfg(feature = "std")]
pub use slots::{SlotTree, SlotTreeError};
pub use slots::{slot_hash, verify_round, verify_slot};
#[cfg(feature = "std")]
pub use tree::{Tree, TreeError};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
