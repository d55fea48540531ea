//! What the pallet stores and answers. Evidence, its binding and the session are `blockcloud-primitives`, products and checks
//! `blockcloud-evidence`.

use blockcloud_evidence::snp;
use blockcloud_primitives::{Digest, List, Session, Tcb};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use frame_support::traits::PalletError;
use scale_info::TypeInfo;

/// A certificate, DER. The largest of AMD's takes 1,683 bytes.
pub type Certificate = List<u8, 2048>;

/// The certificates below which a product's evidence is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Roots {
    /// The vendor's root (AMD: ARK).
    pub root: Certificate,
    /// The intermediate that signs chip keys (AMD: ASK).
    pub issuer: Certificate,
}

/// An attested guest as the chain keeps it: the session, and what else is needed to judge it again when the council changes its mind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Guest {
    /// The session.
    pub session: Session,
    /// The processor family.
    pub product: snp::Product,
    /// The firmware level below which neither the platform can go back nor the guest was launched: part by part the lower of both. The reported
    /// level does not count, because the host chooses it.
    pub firmware: Tcb,
    /// SHA-256 of the issuer's certificate under which the evidence was verified.
    pub issuer: Digest,
    /// Whether the guest's software is accepted because the council approved it, and not on the customer's own judgement.
    pub by_approval: bool,
}

/// Evidence that was accepted for a job and must not be again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Seen {
    /// Its replay key.
    pub evidence: Digest,
    /// The block that it binds. Once that is too old, the evidence is refused anyway and need not be remembered.
    pub anchor: u32,
}

/// How many pieces of evidence a job can have had accepted within the age of an anchor.
pub type SeenList = List<Seen, 16>;

/// Why a session does not count any more. Neither stored nor sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// The job never had one, or it was closed.
    NoSession,
    /// Its time is over.
    Expired,
    /// The council removed the vendor's certificates for this product.
    RootsRemoved,
    /// The council set other certificates of the vendor since.
    RootsChanged,
    /// The council removed the product's firmware floor, or raised it above the guest's.
    BelowFloor,
    /// The council denied the chip.
    ChipDenied,
    /// The council withdrew the guest's software, or its approval ran out.
    MeasurementWithdrawn,
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSession => "the job has no attested guest",
            Self::Expired => "the session's time is over; it was not renewed",
            Self::RootsRemoved => "the council removed the vendor's certificates for this product",
            Self::RootsChanged => "the council has replaced the vendor's certificates under which the guest was attested",
            Self::BelowFloor => "the guest's firmware is below the council's floor",
            Self::ChipDenied => "the council denied the chip",
            Self::MeasurementWithdrawn => "the council's approval of the guest's software was withdrawn or ran out",
        })
    }
}

/// Why a report or a certificate was refused, by its verifier's own name for it. In metadata and dispatch errors it is the verifier's enumeration
/// itself, so no check loses its name or its explanation on the way to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Fault(pub snp::Error);

impl PalletError for Fault {
    // One byte for the check and one for the certificate it was about. A test holds this against the enumeration.
    const MAX_ENCODED_SIZE: usize = 2;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_fits_its_declared_size() {
        assert_eq!(snp::Error::max_encoded_len(), Fault::MAX_ENCODED_SIZE);
    }
}
