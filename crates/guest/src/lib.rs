#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod evidence;
mod ingest;
pub mod job;
mod journal;
pub mod keys;
pub mod log;
pub mod output;
mod renew;
pub mod sandbox;
pub mod stop;
pub mod transport;
