//! What can go wrong in `market_*`: each with a code, what is wrong and what to do.

use jsonrpsee::types::ErrorObjectOwned;

/// An error of the market's JSON-RPC.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The account is neither SS58 nor hex.
    #[error("`{0}` is not an account: give its SS58 address or 32 bytes as 0x hex")]
    Account(String),
    /// The runtime did not answer.
    #[error("the runtime did not answer ({0}): is this node older than the chain's runtime? Update it and try again")]
    Runtime(String),
    /// This node cannot encode calls of the chain's runtime.
    #[error(
        "the chain runs runtime {chain}, this node can prepare calls for {node} only: update the node, or use a client that reads metadata"
    )]
    Version {
        /// Version of the runtime on chain.
        chain: u32,
        /// Version that this node was built with.
        node: u32,
    },
    /// A text or list in the call is too long or empty.
    #[error("the call cannot be made: {0}")]
    Call(String),
    /// The prepared bytes are not what `market_prepare` returned.
    #[error("`prepared` was changed or cut: pass on exactly what market_prepare returned")]
    Prepared,
    /// The signature has the wrong form.
    #[error("the signature must be 64 bytes as 0x hex, with scheme `sr25519` or `ed25519`")]
    SignatureForm,
    /// The signature does not belong to the account and payload.
    #[error(
        "the signature does not verify for this account and payload: sign the bytes of `payload`, not their hex text, with the account's key"
    )]
    Signature,
    /// The pool refused the transaction.
    #[error("the transaction pool refused it ({0}): prepare it again, and check the account's balance and nonce")]
    Pool(String),
}

impl Error {
    /// The runtime API failed.
    pub fn runtime(error: sp_api::ApiError) -> Self {
        Self::Runtime(error.to_string())
    }

    fn code(&self) -> i32 {
        match self {
            Self::Account(_) => 7001,
            Self::Runtime(_) => 7002,
            Self::Version { .. } => 7003,
            Self::Call(_) => 7004,
            Self::Prepared => 7005,
            Self::SignatureForm => 7006,
            Self::Signature => 7007,
            Self::Pool(_) => 7008,
        }
    }
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        Self::owned(error.code(), error.to_string(), None::<()>)
    }
}
