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

pub mod access;
mod address;
pub mod agent_api;
pub mod aggregator_api;
pub mod calls;
mod chain;
mod completed;
mod error;
mod events;
mod market;
pub mod proof;
mod prove;
mod roles;
mod rounds;
mod rpc;
mod runtime;
mod signer;
mod submit;

pub use address::{account_from_ss58, account_to_ss58};
pub use calls::Call;
pub use chain::{At, BlockId, Chain, DEADLINE, Funds, Header, Heads, LOST, ReadProof};
pub use error::{DispatchFailure, Error, Result};
pub use events::{Event, Outcome};
pub use market::PAGE;
pub use roles::{Deputy, Role};
pub use runtime::{Runtime, SPEC_NAME};
pub use signer::{Scheme, Signer};
pub use submit::{PATIENCE, Submission, Until};
