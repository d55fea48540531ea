//! The chain as seen from outside: connect, ask, sign, submit, follow.
//!
//! ```no_run
//! # async fn example() -> blockcloud_client::Result<()> {
//! use blockcloud_client::{Chain, Signer, calls};
//! use blockcloud_primitives::JobId;
//!
//! let chain = Chain::connect("ws://127.0.0.1:9944").await?;
//! let provider: Signer = "//Alice".parse()?;
//! let outcome = chain.submit_and_finalise(&calls::jobs::accept(JobId(1)), &provider).await?;
//! println!("accepted in block {}", outcome.number);
//! # Ok(())
//! # }
//! ```
//!
//! The runtime is known by its metadata only. Types of the market are `blockcloud-primitives`; errors say what to do ([`Error::advice`]);
//! every request has a deadline; a transaction is watched, and sent again, until it is final or can no longer be included.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "node")]
pub mod access;
#[cfg(feature = "node")]
mod address;
#[cfg(feature = "node")]
pub mod agent_api;
#[cfg(feature = "node")]
pub mod aggregator_api;
#[cfg(feature = "node")]
pub mod calls;
#[cfg(feature = "node")]
mod chain;
#[cfg(feature = "node")]
mod completed;
#[cfg(feature = "node")]
mod error;
#[cfg(feature = "node")]
mod events;
#[cfg(feature = "node")]
mod market;
pub mod proof;
#[cfg(feature = "node")]
mod prove;
#[cfg(feature = "node")]
mod roles;
#[cfg(feature = "node")]
mod rounds;
#[cfg(feature = "node")]
mod rpc;
#[cfg(feature = "node")]
mod runtime;
#[cfg(feature = "node")]
mod signer;
#[cfg(feature = "node")]
mod submit;

#[cfg(feature = "node")]
pub use address::{account_from_ss58, account_to_ss58};
#[cfg(feature = "node")]
pub use calls::Call;
#[cfg(feature = "node")]
pub use chain::{At, BlockId, Chain, DEADLINE, Funds, Header, Heads, LOST, ReadProof};
#[cfg(feature = "node")]
pub use error::{DispatchFailure, Error, Result};
#[cfg(feature = "node")]
pub use events::{Event, Outcome};
#[cfg(feature = "node")]
pub use market::PAGE;
#[cfg(feature = "node")]
pub use roles::{Deputy, Role};
#[cfg(feature = "node")]
pub use runtime::{Runtime, SPEC_NAME};
#[cfg(feature = "node")]
pub use signer::{Scheme, Signer};
#[cfg(feature = "node")]
pub use submit::{PATIENCE, Submission, Until};
