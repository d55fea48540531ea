#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod authority;
pub mod dev_root;
pub mod processor;
mod random;
pub mod server;
pub mod tdx;

pub use authority::{Authority, Template};
pub use processor::{Launch, Processor};
