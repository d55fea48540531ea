//! The log as a library: trees, proofs, documents and what survives a crash.

mod common;
mod document;
mod durable;
mod erased;
mod hostile;
#[cfg(feature = "formats")]
mod notes;
mod peaks;
mod slots;
mod tiles;
mod tree;
