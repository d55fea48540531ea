//! Who may act for whom: the typed proxies of a company's account, as the runtime's `ProxyType` numbers them.
//!
//! The runtime judges calls by them; programs off the chain ask here before they do something in a company's name.

use crate::{At, Chain, Result};
use blockcloud_primitives::AccountId;
use codec::{Decode, Encode};
use std::{fmt, str::FromStr};

/// A role that one account plays for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Role {
    /// Everything.
    #[codec(index = 0)]
    Any,
    /// Places, extends and cancels jobs.
    #[codec(index = 1)]
    Buyer,
    /// Runs a data centre's side of the market.
    #[codec(index = 2)]
    Operator,
    /// Holds keys: releases data keys to attested guests.
    #[codec(index = 3)]
    Security,
    /// Reads, and sees to it that what is overdue happens.
    #[codec(index = 4)]
    Auditor,
    /// Moves money.
    #[codec(index = 5)]
    Treasurer,
}

impl Role {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Any, "any"),
        (Self::Buyer, "buyer"),
        (Self::Operator, "operator"),
        (Self::Security, "security"),
        (Self::Auditor, "auditor"),
        (Self::Treasurer, "treasurer"),
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(role, _)| role == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let found = Self::NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| *role).ok_or_else(|| format!("`{text}` is no role: {}", Self::NAMES.map(|(_, name)| name).join(", ")))
    }
}

/// An account that plays a role: `pallet_proxy::ProxyDefinition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Deputy {
    /// Who.
    pub account: AccountId,
    /// In which role.
    pub role: Role,
    /// Blocks for which what it does must be announced before.
    pub delay: u32,
}

impl Deputy {
    /// Whether this account may act at once in this role. Whoever must announce what it does may not.
    pub fn is(&self, account: AccountId, role: Role) -> bool {
        self.account == account && self.delay == 0 && (self.role == role || self.role == Role::Any)
    }
}

impl Chain {
    /// Who may act for an account.
    pub async fn deputies(&self, of: AccountId, at: At) -> Result<Vec<Deputy>> {
        let kept: Option<(Vec<Deputy>, u128)> = self.item("Proxy", "Proxies", &[of.encode()], at).await?;
        Ok(kept.map(|(deputies, _deposit)| deputies).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deputy_acts_in_its_role_at_once() {
        let (account, other) = (AccountId([1; 32]), AccountId([2; 32]));
        let deputy = |role, delay| Deputy { account, role, delay };
        assert!(deputy(Role::Security, 0).is(account, Role::Security));
        assert!(deputy(Role::Any, 0).is(account, Role::Security));
        assert!(!deputy(Role::Security, 1).is(account, Role::Security));
        assert!(!deputy(Role::Buyer, 0).is(account, Role::Security));
        assert!(!deputy(Role::Security, 0).is(other, Role::Security));
    }

    /// The numbers of the runtime, which pins them as well (`roles_have_their_numbers`).
    #[test]
    fn roles_have_their_numbers() {
        assert_eq!(Role::NAMES.map(|(role, _)| role.encode()), [0, 1, 2, 3, 4, 5].map(|number| vec![number]));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for (role, name) in Role::NAMES {
            assert_eq!((role.to_string().as_str(), name.parse()), (name, Ok(role)));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
