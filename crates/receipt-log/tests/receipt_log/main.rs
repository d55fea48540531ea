//! The log as a library: trees, proofs, documents and what survives a crash.

mod common;
mod document;
mod durable;
mod hostile;
#[cfg(feature = "formats")]
mod notes;
mod tree;
