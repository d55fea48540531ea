//! What BlockCloud hashes, signs or proves.
//!
//! Every type whose bytes are agreed between the chain, the guest, the agent and a verifier lives here, once: identifiers, the job spec and
//! its policy, evidence and what it binds, receipts and checkpoints, and the views that the market's runtime API answers with. The bytes are
//! parity-scale-codec; the JSON shown to people and JSON-RPC clients is serde over the same types (digests as `0x` hex, amounts as decimal
//! strings).
//!
//! Not here: anything that knows FRAME, storage, a clock, a network or a file; the trees over receipts (`blockcloud-receipt-log`); the
//! verification of evidence (`blockcloud-evidence`).
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod bytes;
mod checkpoint;
mod collateral;
mod completion;
mod equivocation;
mod evidence;
mod fact;
mod hardware;
mod id;
mod market;
mod policy;
mod receipt;
mod resources;
mod round;
mod session;
mod spec;
mod text;

pub use bytes::{AccountId, Digest, PublicKey, Signature, amount};
pub use checkpoint::{Checkpoint, Usage};
pub use collateral::{CertificateDer, CollateralItem, CollateralSet, CrlDer, SignedObject};
pub use completion::{Completion, Exit};
pub use equivocation::{Contradiction, Equivocation, SignedCheckpoint, SignedRound};
pub use evidence::{Evidence, Measurement, ReportBinding};
pub use fact::{CertificateName, CountryCode, Fact, FactKind, RegionCode};
pub use hardware::{Firmware, Shortcomings, Tcb, TdxFloor, TdxLevel, Tee};
pub use id::{AggregatorId, JobId, OfferId, SiteId};
pub use market::{
    AggregatorView, BondView, End, FactView, Head, JobState, JobView, OfferFilter, OfferTerms, OfferView, Page, ProviderRecord, Quote,
    Refusal, RoundView, SourceView,
};
pub use policy::{Allow, Measurements, Policy};
pub use receipt::{Op, Party, Receipt};
pub use resources::{Price, Resources};
pub use round::{Branch, Round, SlotEntry};
pub use session::{Lapse, Session, Suspension};
pub use spec::{Blob, EngineId, JobSpec, Workload};
pub use text::{Text, TooLong};

/// Unix time in milliseconds, from the chain's timestamp.
pub type Moment = u64;
/// An amount of the chain's currency in its smallest unit (12 decimals).
pub type Balance = u128;
/// A sequence of at most `N` items.
pub type List<T, const N: u32> = bounded_collections::BoundedVec<T, bounded_collections::ConstU32<N>>;

/// SHA-256 over a domain tag and the parts that follow it.
///
/// The tag carries the version of what is hashed, so two kinds of object can never share a digest.
pub(crate) fn tagged_sha256(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(tag.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
