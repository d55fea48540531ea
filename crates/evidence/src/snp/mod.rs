//! AMD SEV-SNP: the attestation report, the certificates of the key that signs it, and the judgement over both.
//!
//! References of the form "ABI, table N" are to AMD's *SEV Secure Nested Paging Firmware ABI Specification* (56860), "VCEK" to AMD's *Versioned
//! Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification* (57230).
//!
//! Not here: what a chain adds of its own (which chip stands where, which measurements are approved, what the user data must bind).

mod certificate;
mod claims;
mod endorsement;
mod error;
#[cfg(feature = "std")]
mod explain;
mod policy;
mod product;
mod report;
mod tcb;
mod verify;

pub use claims::Claims;
pub use endorsement::ChipKey;
pub use error::{Error, Link};
#[cfg(feature = "std")]
pub use explain::{explain, explain_floor, explain_issuers};
pub use policy::{GuestPolicy, PlatformInfo, Requirements};
pub use product::Product;
pub use report::Report;
pub use tcb::Tcb;
pub use verify::{product_of, verify, verify_and_keep, verify_certificate, verify_issuers, verify_report};
