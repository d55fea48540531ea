//! Where a verified item comes from: under which root, by whose key, and for how long.

use crate::{
    journal::{Date, Hex, Journal, Silent},
    tdx::{Error, Item, Link, RevocationList, certificate::Certificate},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sha2::{Digest, Sha256};

/// What names a key or a certificate: the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct KeyId(pub [u8; 32]);

impl KeyId {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// A certificate's SHA-256 in hex, computed only if somebody reads it.
pub(crate) struct Fingerprint<'a>(pub(crate) &'a [u8]);

impl core::fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&Hex(&KeyId::of(self.0).0), f)
    }
}

/// A certificate's serial number, big-endian, with zeros before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Serial(pub [u8; 20]);

impl Serial {
    /// Of the content of a DER integer, whose first byte may be a zero that only keeps it positive.
    pub(crate) fn from_integer(bytes: &[u8]) -> Option<Self> {
        let number = match bytes {
            [0, rest @ ..] => rest,
            all => all,
        };
        let mut serial = [0; 20];
        let start = serial.len().checked_sub(number.len())?;
        serial.get_mut(start..)?.copy_from_slice(number);
        Some(Self(serial))
    }
}

/// Where a verified item comes from. It is kept with the item, so that a stored item can be judged again without its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Origin {
    /// The root's key. An item that was verified under one root is worth nothing under another.
    pub root: KeyId,
    /// Serial number of the certificate of the item's signer, which the root may revoke later.
    pub signer: Serial,
    /// Unix milliseconds at which the item was issued. What is stored should never be replaced by something issued earlier.
    pub issued_ms: u64,
    /// The last Unix millisecond at which the item counts: its next update, or the end of the certificates that it rests on.
    pub not_after_ms: u64,
}

impl Origin {
    /// With the item's own dates.
    pub(crate) fn within(self, issued_ms: u64, next_update_ms: u64) -> Self {
        Self { issued_ms, not_after_ms: self.not_after_ms.min(next_update_ms), ..self }
    }

    /// Checks the window of an item.
    pub(crate) fn check_window(&self, item: Item, now_ms: u64, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.check(now_ms >= self.issued_ms, Error::ItemNotYetValid(item), format_args!("issued at {}", Date(self.issued_ms)))?;
        log.check(now_ms <= self.not_after_ms, Error::ItemExpired(item), format_args!("good until {}", Date(self.not_after_ms)))
    }

    /// Checks an item that was verified at another time: same root, still in its window, its signer not revoked since.
    pub(crate) fn check(&self, item: Item, root: &Certificate<'_>, root_crl: &RevocationList, now_ms: u64) -> Result<(), Error> {
        if self.root != root.key_id()? {
            return Err(Error::ItemRoot(item));
        }
        self.check_window(item, now_ms, &mut Silent)?;
        let signer = match item {
            Item::RootCrl => Link::Root,
            Item::PckCrl => Link::Issuer,
            Item::TcbInfo | Item::QeIdentity => Link::Signer,
        };
        root_crl.check(self.signer, signer, &mut Silent)
    }
}
