//! What the offers pallet asks of its neighbours. The runtime answers.

use blockcloud_primitives::Balance;

/// What stands behind a provider's jobs.
pub trait Surety<AccountId> {
    /// The part of the provider's bond that can still cover jobs.
    fn free(provider: &AccountId) -> Balance;
}
