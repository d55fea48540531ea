//! A simulated Intel TDX platform, and Intel in its place: a root, keys under it, and the collateral that quotes rest on.
//!
//! Not here: a verifier. `blockcloud-evidence`'s `tdx::verify` judges all of it, given [`dev_root::ROOT`].
//!
//! References of the form "PCS" are to Intel's *Provisioning Certification Service* API v4, "PCK" to *PCK Certificate and Certificate Revocation List
//! Profile Specification*, "Quote" to *TDX DCAP Quoting Library API*.

pub mod certificate;
mod collateral;
mod crl;
pub mod dev_root;
mod draft;
mod key;
mod launch;
pub mod parts;
pub mod pcs;
mod platform;
mod sgx;

pub use collateral::{Collateral, JsonItem, SignedCollateral, SignedJson, component, level};
pub use crl::Crl;
pub use draft::Draft;
pub use key::Key;
pub use launch::{Launch, Layout};
pub use platform::Platform;
pub use sgx::{SgxExtension, part};
