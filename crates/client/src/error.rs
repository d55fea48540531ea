//! What can go wrong between this process and the chain, and what to do about it.
//!
//! Not here: errors of the pallets themselves. Those arrive by name and documentation from the chain's metadata, in [`DispatchFailure`].

use blockcloud_primitives::Digest;
use std::time::Duration;

/// Result of everything in this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// A call was included in a block and refused by the chain's logic. Its fee was paid; nothing else happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pallet}::{name}: {docs}")]
pub struct DispatchFailure {
    /// The pallet that refused, or `System` for refusals that are no pallet's own.
    pub pallet: String,
    /// The error's name.
    pub name: String,
    /// The error's documentation: what is wrong and what to do.
    pub docs: String,
    /// The block in which it happened.
    pub block: Digest,
}

/// Why the chain could not be asked, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("no node answers at {url}: {reason}")]
    Unreachable {
        /// Where a node was expected.
        url: String,
        /// What the transport said.
        reason: String,
    },
    /// Connected, but no answer in time.
    #[error("the node at {url} did not answer {method} within {} s", .deadline.as_secs())]
    Deadline {
        /// Where the node is.
        url: String,
        /// What was asked.
        method: String,
        /// How long this side waited.
        deadline: Duration,
    },
    /// The node answers, but no new block comes.
    #[error("the chain at {url} stands still: its last block is {number} since {} s", .waited.as_secs())]
    Standstill {
        /// Where the node is.
        url: String,
        /// Its last block.
        number: u32,
        /// How long this side waited for another.
        waited: Duration,
    },
    /// The node answered with an error.
    #[error("the node refused {method}: {message} (code {code})")]
    Refused {
        /// What was asked.
        method: String,
        /// JSON-RPC error code.
        code: i32,
        /// The node's words.
        message: String,
    },
    /// The node's answer has another shape than expected.
    #[error("the node's answer to {what} cannot be read: {reason}")]
    Malformed {
        /// What was asked.
        what: String,
        /// How reading failed.
        reason: String,
    },
    /// The node follows a chain that has no such market.
    #[error("the chain at {url} is {found:?}, which has no BlockCloud market")]
    OtherChain {
        /// Where the node is.
        url: String,
        /// The name its runtime gives itself.
        found: String,
    },
    /// The runtime's calls or types have changed since this client was built.
    #[error("the chain (runtime version {spec_version}) and this program disagree about {what}: {reason}")]
    Incompatible {
        /// Version of the chain's runtime.
        spec_version: u32,
        /// What differs.
        what: String,
        /// How.
        reason: String,
    },
    /// No block of this number or hash.
    #[error("the node has no block {0}")]
    NoBlock(String),
    /// The node has no justification for the block or a later one yet.
    #[error("the finality of block {0} cannot be proved yet: wait for a few more blocks")]
    NotProvable(u32),
    /// The chain's logic refused the call.
    #[error(transparent)]
    Dispatch(Box<DispatchFailure>),
    /// The transaction is not valid and was never included.
    #[error("the node does not take the transaction: {reason}")]
    Invalid {
        /// The node's words.
        reason: String,
    },
    /// The transaction's mortality passed before it was included; it can no longer be.
    #[error("the transaction (nonce {nonce}) was not included up to block {last} and can no longer be")]
    Expired {
        /// Nonce that it had.
        nonce: u64,
        /// Last block that could have included it.
        last: u32,
    },
    /// Another transaction of the same account took the nonce.
    #[error("another transaction of this account took nonce {nonce}")]
    Usurped {
        /// The nonce.
        nonce: u64,
    },
    /// Not final in time, but still possible.
    #[error("the transaction (nonce {nonce}) is not final after {} s; it can be included up to block {last}", .waited.as_secs())]
    Pending {
        /// Nonce that it has.
        nonce: u64,
        /// Last block that can include it.
        last: u32,
        /// How long this side waited.
        waited: Duration,
    },
    /// An expected event is missing or looks different.
    #[error("the block holds no readable event {0}")]
    NoEvent(String),
    /// A key cannot be used.
    #[error("key: {0}")]
    Key(String),
    /// An access token for an agent is not valid.
    #[error("authorization: {0}")]
    Access(#[from] crate::access::AccessError),
}

impl Error {
    /// What to do about it, in one sentence.
    pub fn advice(&self) -> String {
        match self {
            Self::Unreachable { url, .. } => {
                format!("start a node, or name another with --node; this one was looked for at {url}")
            }
            Self::Deadline { .. } => "check whether the node is overloaded or still syncing (`system_health`), then try again".into(),
            Self::Standstill { .. } => {
                "look with `blockcloud doctor` whether the node has peers and whether enough validators are up".into()
            }
            Self::Refused { code: -32601, method, .. } => {
                format!("the node does not know {method}: use a BlockCloud node with its full JSON-RPC enabled")
            }
            Self::Refused { .. } => "read the node's message; its log has more".into(),
            Self::Malformed { .. } | Self::Incompatible { .. } => {
                "use the version of this program that belongs to the chain's runtime".into()
            }
            Self::OtherChain { .. } => "connect to a node of a BlockCloud chain".into(),
            Self::NotProvable(_) => "ask again in a few seconds".into(),
            Self::NoBlock(_) => "ask for a newer block, or ask an archive node".into(),
            Self::Dispatch(failure) => failure.docs.clone(),
            Self::Invalid { reason } if reason.contains("pay") => "give the account enough free balance for fee and deposits".into(),
            Self::Invalid { .. } => "check the account, its balance and the node's clock, then try again".into(),
            Self::Expired { .. } => "submit again; if it repeats, the node's transaction pool is full or it has no peers".into(),
            Self::Usurped { .. } => "look at the account's state before submitting again: another program may have done the same".into(),
            Self::Pending { .. } => "wait for finality and look at the state before submitting again".into(),
            Self::NoEvent(_) => "look at the block's events; the runtime may have changed".into(),
            Self::Key(_) => "name a key as sr25519:URI or ed25519:0xSEED, or a file that holds such a line".into(),
            Self::Access(error) => error.advice().into(),
        }
    }

    /// Whether the same request may succeed later without anything being changed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Deadline { .. }
                | Self::Standstill { .. }
                | Self::Expired { .. }
                | Self::Usurped { .. }
                | Self::Pending { .. }
        )
    }

    /// Whether no node could be asked at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Deadline { .. })
    }

    /// Whether the chain's logic refused with this error.
    pub fn is_dispatch(&self, pallet: &str, name: &str) -> bool {
        matches!(self, Self::Dispatch(failure) if failure.pallet == pallet && failure.name == name)
    }

    pub(crate) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { what: what.into(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatch_failures_are_recognised_by_pallet_and_name() {
        let failure = DispatchFailure { pallet: "Jobs".into(), name: "WrongState".into(), docs: "Wait.".into(), block: Digest::ZERO };
        let error = Error::Dispatch(Box::new(failure));
        assert!(error.is_dispatch("Jobs", "WrongState"));
        assert!(!error.is_dispatch("Receipts", "WrongState"));
        assert!(!error.is_dispatch("Jobs", "Expired"));
        assert!(!error.is_transient());
        assert_eq!(error.advice(), "Wait.");
        assert_eq!(error.to_string(), "Jobs::WrongState: Wait.");
    }

    #[test]
    fn a_node_that_is_away_is_transient_and_says_where_it_was_looked_for() {
        let error = Error::Unreachable { url: "ws://h:1".into(), reason: "refused".into() };
        assert!(error.is_transient() && error.is_unreachable());
        assert!(error.advice().contains("ws://h:1"));
    }
}
