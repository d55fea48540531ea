//! Accounts as people write them: SS58 addresses (prefix 42).

use blockcloud_primitives::AccountId;
use subxt::utils::AccountId32;

/// Reads an SS58 address.
pub fn account_from_ss58(text: &str) -> Option<AccountId> {
    text.parse::<AccountId32>().ok().map(|account| AccountId(account.0))
}

/// Writes an SS58 address.
pub fn account_to_ss58(account: AccountId) -> String {
    AccountId32(account.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(account_to_ss58(account_from_ss58(address).unwrap()), address);
        assert_eq!(account_from_ss58("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"), None);
    }
}
