//! How each pallet is configured, one file per subject, with the adapters between pallets beside the Configs they serve.

pub mod consensus;
pub mod governance;
pub mod market;
#[cfg(feature = "runtime-benchmarks")]
mod market_benchmarks;
pub mod money;
pub mod roles;
pub mod system;
