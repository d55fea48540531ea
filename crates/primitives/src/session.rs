//! What comes of evidence: a session, and what may end or suspend it. Not here: evidence (`evidence`), and who judges.

use crate::{AccountId, Digest, Firmware, Measurement, Moment, PublicKey, Tee};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A verified guest: the claims that the chain keeps of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Session {
    /// The provider that runs the guest.
    pub provider: AccountId,
    /// The kind of hardware.
    pub tee: Tee,
    /// The guest's receipt-signing key (ed25519).
    pub receipt_key: PublicKey,
    /// The guest's key-wrapping key (X25519).
    pub wrapping_key: PublicKey,
    /// The guest's launch measurement.
    pub measurement: Measurement,
    /// SHA-256 of the chip's identity (SEV-SNP: the chip id; TDX: the PPID).
    pub chip: Digest,
    /// The firmware level that counts.
    pub firmware: Firmware,
    /// See [`Evidence::replay_key`](crate::Evidence::replay_key).
    pub evidence: Digest,
    /// Replay key of the evidence that this one renewed; absent for the first of a guest.
    pub previous: Option<Digest>,
    /// When the session began or was last renewed.
    pub since: Moment,
    /// When it ends unless it is renewed.
    pub valid_until: Moment,
}

impl Session {
    /// When half of its time is over and it should be renewed.
    pub fn half_life(&self) -> Moment {
        // Cannot saturate: the middle lies between the two.
        self.since.saturating_add(self.valid_until.saturating_sub(self.since) / 2)
    }
}

/// Why a session does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// The job never had one, or it was closed.
    #[codec(index = 0)]
    NoSession,
    /// Its time is over.
    #[codec(index = 1)]
    Expired,
    /// The council removed the vendor's certificates for this product.
    #[codec(index = 2)]
    RootsRemoved,
    /// The council set other certificates of the vendor since.
    #[codec(index = 3)]
    RootsChanged,
    /// The council removed the product's firmware floor, or raised it above the guest's.
    #[codec(index = 4)]
    BelowFloor,
    /// The council denied the chip.
    #[codec(index = 5)]
    ChipDenied,
    /// The council withdrew the guest's software, or its approval ran out.
    #[codec(index = 6)]
    MeasurementWithdrawn,
    /// The vendor revoked the certificate of the chip's key, or the authority that issued it.
    #[codec(index = 7)]
    ChipRevoked,
    /// Fewer certifiers vouch for the chip at its site than the customer's policy asks for.
    #[codec(index = 8)]
    EndorsementsLost,
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
            Self::ChipRevoked => "the vendor revoked the chip's certificate, or that of its authority",
            Self::EndorsementsLost => "fewer certifiers vouch for the chip at its site than the customer's policy asks for",
        })
    }
}

/// A job's notice that its evidence counts no longer: nothing accrues, and it ends unless new evidence comes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: Moment,
    /// Why.
    pub reason: Lapse,
    /// When the job ends, if it is still suspended then.
    pub until: Moment,
}
