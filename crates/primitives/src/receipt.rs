//! Receipts: our statement about one handling of data.

use crate::{Digest, JobId, Moment, SiteId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What was done with the data.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Data came into the guest.
    #[codec(index = 0)]
    Ingest,
    /// The program read a range.
    #[codec(index = 1)]
    Read,
    /// The program wrote a range.
    #[codec(index = 2)]
    Write,
    /// The program ran: inputs became outputs.
    #[codec(index = 3)]
    Process,
    /// Sealed data was stored outside the guest.
    #[codec(index = 4)]
    Store,
    /// Data was sent to a recipient.
    #[codec(index = 5)]
    Send,
    /// The program looked at an object without reading its content (opened, listed, renamed, asked for its size).
    #[codec(index = 6)]
    Access,
    /// The data key was released to this guest.
    #[codec(index = 7)]
    KeyRelease,
    /// Plaintext and keys were erased.
    #[codec(index = 8)]
    Erase,
    /// An administrative act on the guest.
    #[codec(index = 9)]
    Admin,
    /// The guest lives. Carries the index of the objects that the receipts before it are about (`blockcloud_receipt_log::objects`).
    #[codec(index = 10)]
    Heartbeat,
}

/// Where data was or went: a site, a recipient's keyed identity, or neither (zero) for inside the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Party {
    /// The site; zero for none.
    pub site: SiteId,
    /// The recipient (its key, or its keyed identity); zero for none.
    pub recipient: Digest,
}

impl Party {
    /// Inside the guest.
    pub const GUEST: Self = Self { site: SiteId(0), recipient: Digest::ZERO };

    /// A site.
    pub fn site(site: SiteId) -> Self {
        Self { site, recipient: Digest::ZERO }
    }
}

/// One handling of data, version 1.
///
/// The canonical encoding is SCALE, which for this record of fixed-size fields is plain little-endian concatenation of exactly
/// [`Receipt::ENCODED_LEN`] bytes. It is the leaf input of the job's RFC 9162 log. Identifiers that could name a person or a customer's object are
/// keyed under a key of the customer's, and every receipt carries a salt of its own: once entry, salt and key are deleted, the leaf hash says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this layout: 1.
    pub version: u8,
    /// The job.
    pub job: JobId,
    /// Position in the job's log, from zero, without gaps: the leaf index.
    pub seq: u64,
    /// The guest's clock when it happened.
    pub time: Moment,
    /// What was done.
    pub op: Op,
    /// Keyed digest (BLAKE3) of the object's name within the job.
    pub object: Digest,
    /// First byte of the range within the object.
    pub offset: u64,
    /// Number of bytes handled.
    pub bytes: u64,
    /// Keyed digest (BLAKE3) of the bytes handled, or of the whole object where `purpose` says so.
    pub digest: Digest,
    /// Who acted: BLAKE3 of the module for the program, the session's receipt key for the guest itself.
    pub actor: Digest,
    /// Where the data came from.
    pub from: Party,
    /// Where the data went.
    pub to: Party,
    /// Keyed digest of what this was derived from; zero for none.
    pub derived_from: Digest,
    /// Why: a number from the job's own catalogue of purposes; zero for "as the job's spec says".
    pub purpose: u16,
    /// Random, so that equal receipts have different leaves and a deleted one cannot be guessed.
    pub salt: [u8; 16],
}

impl Receipt {
    /// Length of the canonical encoding in bytes.
    pub const ENCODED_LEN: usize = 1 + 8 + 8 + 8 + 1 + 32 + 8 + 8 + 32 + 32 + 36 + 36 + 32 + 2 + 16;
    /// The version that this code writes.
    pub const VERSION: u8 = 1;
}
