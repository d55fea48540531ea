//! Intel TDX: the quote, the certificates and collateral that it rests on, and the judgement over all of them.
//!
//! References of the form "Quote, section N" are to Intel's *TDX DCAP Quoting Library API*, "PCS" to the *Provisioning Certification Service* API v4,
//! "PCK" to *PCK Certificate and Certificate Revocation List Profile Specification*, "ABI" to the *TDX Module ABI Specification* (348551).
//!
//! Not here: what a chain adds of its own (which platform stands where, which measurements are approved, what the user data must bind), and fetching
//! of collateral.

mod attributes;
mod certificate;
mod claims;
mod collateral;
mod enclave;
mod error;
#[cfg(feature = "std")]
mod explain;
mod explanation;
mod json;
mod measurement;
mod origin;
mod pem;
mod platform;
mod qe_identity;
mod quote;
mod report;
mod requirements;
mod revocation;
mod signed;
mod tcb;
mod tcb_info;
mod verify;
mod wanted;

pub use attributes::Attributes;
pub use claims::Claims;
pub use collateral::{
    Collateral, Endorsements, SignedItem, verify_pck_crl, verify_qe_identity, verify_root, verify_root_crl, verify_tcb_info,
};
pub use enclave::EnclaveReport;
pub use error::{Error, Item, Link};
#[cfg(feature = "std")]
pub use explain::{explain, explain_evaluation};
pub use measurement::measurement;
pub use origin::{KeyId, Origin, Serial};
pub use pem::certificates;
pub use platform::{Platform, SgxType};
pub use qe_identity::{QeIdentity, QeLevel};
pub use quote::Quote;
pub use report::{BodyType, Report};
pub use requirements::Requirements;
pub use revocation::{RevocationList, Serials};
pub use tcb::{Advisories, Advisory, TcbStatus};
pub use tcb_info::{Module, ModuleIdentity, ModuleLevel, TcbInfo, TcbLevel};
pub use verify::{verify, verify_quote};
pub use wanted::Wanted;

/// Longest quote, in bytes. Real ones have up to 8000, much of it padding.
pub const MAX_QUOTE_LEN: usize = 8192;
/// Longest certificate chain in a quote, in bytes of PEM. Real ones have about 3700.
pub const MAX_CHAIN_LEN: usize = 6144;
/// Longest certificate, in bytes of DER. Real ones have up to 1270.
pub const MAX_CERTIFICATE_LEN: usize = 2048;
/// Longest revocation list, in bytes of DER. Real ones have up to 3400.
pub const MAX_CRL_LEN: usize = 16_384;
/// Longest TCB info, in bytes of JSON. Real ones have up to 6300.
pub const MAX_TCB_INFO_LEN: usize = 16_384;
/// Longest QE identity, in bytes of JSON. Real ones have about 460.
pub const MAX_QE_IDENTITY_LEN: usize = 4096;
/// Most entries of a revocation list: what fits into the longest one.
pub const MAX_REVOKED: u32 = 320;
/// Most TCB levels of a TCB info.
pub const MAX_LEVELS: u32 = 16;
/// Most TDX module identities of a TCB info.
pub const MAX_MODULES: u32 = 8;
/// Most TCB levels of a TDX module or of a quoting enclave.
pub const MAX_COMPONENT_LEVELS: u32 = 8;
/// Most advisories of a TCB level.
pub const MAX_ADVISORIES: u32 = 64;

/// A list of bounded length, which can be stored.
pub type List<T, const N: u32> = bounded_collections::BoundedVec<T, bounded_collections::ConstU32<N>>;
