//! What the pallet asks of its neighbours. The runtime answers.

use sp_runtime::AccountId32;

/// Who may vouch for things about sites.
pub trait Certifiers {
    /// Whether this account is accredited now.
    fn is_accredited(account: &AccountId32) -> bool;
}

/// What benchmarks need of the neighbours.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
    /// So many accredited certifiers.
    fn certifiers(count: u32) -> alloc::vec::Vec<AccountId32>;
}
