//! Logs in other people's formats, so that a receipt can be checked, or at least found again, with tools that are not ours.
//!
//! Two kinds. **Proofs** carry signatures and are verified here as well as written: [`cose`] (RFC 9942 COSE Receipts) and [`note`] (C2SP signed notes: checkpoints,
//! cosignatures of witnesses, proofs). **Views** are JSON for catalogues and monitoring and prove nothing by themselves: [`cloudevents`], [`openlineage`], [`prov`],
//! [`ocsf`]. Every entry of a view names leaf hash, position, size and root of the log and says where to verify it; hashes are over our bytes only, the
//! canonical encoding of a receipt.
//!
//! Who signs is whoever exports, after having verified the log, and that name stands in what is signed. The guest's receipt key signs checkpoints in our own encoding and
//! nothing else, so no export carries its signature and none may be shown as if it did.
//!
//! Not here: where the receipts come from, whether a checkpoint on chain stands behind them (that is the exporter's duty before it signs), files, flags.

pub mod cloudevents;
pub mod cose;
mod key;
pub mod note;
pub mod ocsf;
pub mod openlineage;
pub mod prov;
mod view;

pub use key::{Algorithm, KeyError, PublicKey, Signer, WrongSignature};
pub use view::{Standing, View, ViewError};

use blockcloud_primitives::{Digest, JobId};

/// The largest tree that is exported and that a verifier here accepts: trees stay below 2^31 leaves, so that verifiers with signed 32-bit integers agree.
pub const MAX_TREE_SIZE: u64 = (1 << 31) - 1;

/// Media type of a receipt's canonical encoding.
pub const ENTRY_TYPE: &str = "application/vnd.blockcloud.receipt.v1";

/// The name of a job's log: an absolute URI (RFC 3986) of the chain's genesis hash and the job's number.
pub fn log_uri(genesis: &Digest, job: JobId) -> String {
    format!("blockcloud:{}/job/{job}", hexadecimal(&genesis.0))
}

/// The name of a receipt: its log's, and its position.
pub fn receipt_uri(genesis: &Digest, job: JobId, seq: u64) -> String {
    format!("{}/receipt/{seq}", log_uri(genesis, job))
}

/// Lower-case hex without a prefix, as URIs and other people's fields have it.
fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing into a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
