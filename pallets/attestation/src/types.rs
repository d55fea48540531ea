//! What the pallet stores and answers. Evidence, its binding and the session are `blockcloud-primitives`, products, collateral and checks
//! `blockcloud-evidence`.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use blockcloud_evidence::{snp, tdx};
use blockcloud_primitives::{AccountId, Balance, CertificateDer, Digest, Evidence, JobId, List, Moment, Policy, Session, SiteId, TdxFloor};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::PalletError, weights::Weight};
use scale_info::TypeInfo;
use sp_runtime::AccountId32;

/// The certificates below which a product's evidence is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Roots {
    /// The vendor's root (AMD: ARK).
    pub root: CertificateDer,
    /// The intermediate that signs chip keys (AMD: ASK).
    pub issuer: CertificateDer,
}

/// A floor with a time from which new sessions must meet it, and one from which running ones must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Scheduled<L> {
    /// The floor.
    pub level: L,
    /// From when on a session opens under it only.
    pub from: Moment,
    /// From when on a session that met the one before lapses below it.
    pub drains: Moment,
    /// The floor before. None: nothing was accepted.
    pub before: Option<L>,
}

impl<L: Copy> Scheduled<L> {
    /// A floor that has always been there.
    pub fn at_once(level: L) -> Self {
        Self { level, from: 0, drains: 0, before: None }
    }

    /// The floor that a session has to meet to be opened now. None: nothing is accepted yet.
    pub fn opening(&self, now: Moment) -> Option<L> {
        if now >= self.from { Some(self.level) } else { self.before }
    }

    /// Whether a session that is open meets the floor, as `meets` says of a level.
    pub fn is_met(&self, now: Moment, meets: impl Fn(&L) -> bool) -> bool {
        meets(&self.level) || (now < self.drains && self.before.as_ref().is_some_and(meets))
    }
}

/// What the council wants of a TDX platform.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, serde::Serialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct TdxReference {
    /// Its lowest standing.
    pub floor: TdxFloor,
    /// Processor state that a guest may use (XFAM): a bit that is clear here must be clear in the quote.
    pub xfam: u64,
}

/// An approval of guest software.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Approval {
    /// When it ends.
    pub until: Moment,
    /// Withdrawn: no session opens under it any more, and those that are open lapse at this moment.
    pub drains: Option<Moment>,
}

impl Approval {
    /// Whether a session that rests on it still counts.
    pub fn holds(&self, now: Moment) -> bool {
        now < self.until && self.drains.is_none_or(|drains| now < drains)
    }
}

/// Guest software that a publisher vouches for, and what the record costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Publication {
    /// The approval.
    pub approval: Approval,
    /// Held from the publisher.
    pub deposit: Balance,
}

/// By whose word a guest's software is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ApprovedBy {
    /// The council's.
    #[codec(index = 0)]
    Council,
    /// The customer's own, in the policy.
    #[codec(index = 1)]
    Customer,
    /// A publisher's whom the policy names.
    #[codec(index = 2)]
    Publisher(AccountId),
}

/// What a session rests on, in its vendor's terms: what is needed to judge it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Basis {
    /// SEV-SNP.
    #[codec(index = 0)]
    SevSnp {
        /// The processor family.
        product: snp::Product,
        /// SHA-256 of the issuer's certificate under which the evidence was verified.
        issuer: Digest,
    },
    /// TDX.
    #[codec(index = 1)]
    Tdx {
        /// SHA-256 of the root under which it was verified.
        root: Digest,
        /// The authority that issued the certificate of the platform's key.
        authority: tdx::KeyId,
        /// That certificate's serial number.
        serial: tdx::Serial,
    },
}

/// An attested guest as the chain keeps it: the session, and what else is needed to judge it again when somebody changes their mind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Guest {
    /// The session.
    pub session: Session,
    /// What it rests on.
    pub basis: Basis,
    /// By whose word its software is accepted.
    pub approved_by: ApprovedBy,
    /// How many certifiers the customer's policy wants for its chip.
    pub endorsements: u8,
}

/// A chip that has given evidence: bound to the provider and the site of its first session, until the provider releases it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Chip {
    /// Who runs it.
    pub provider: AccountId32,
    /// Where it stands.
    pub site: SiteId,
    /// Held from the provider.
    pub deposit: Balance,
    /// Sessions that rest on it now.
    pub sessions: u32,
    /// Certifiers that vouch that it stands there.
    pub endorsements: List<Endorsement, { MAX_ENDORSEMENTS }>,
    /// Its key as the last certificate says that was verified; SEV-SNP only.
    pub key: Option<KnownKey>,
}

/// A chip's key, kept so that the very same certificate under the very same issuer need not be verified again. It follows from these two alone, so whoever
/// brought them is of no account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct KnownKey {
    /// SHA-256 of the chip's certificate.
    pub certificate: Digest,
    /// SHA-256 of the issuer's certificate under which it was verified.
    pub issuer: Digest,
    /// What the certificate says.
    pub key: snp::ChipKey,
}

/// Most certifiers that can vouch for one chip.
pub const MAX_ENDORSEMENTS: u32 = 4;

/// A certifier's word that a chip stands at its site.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Endorsement {
    /// Who.
    pub certifier: AccountId32,
    /// Until when.
    pub until: Moment,
}

/// A piece of collateral that was verified, and who pays for its place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Kept<T> {
    /// The item.
    pub item: T,
    /// Who brought it.
    pub by: AccountId32,
    /// Held from them until somebody brings a newer one or removes it.
    pub deposit: Balance,
}

/// Names a piece of collateral of one kind of hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum CollateralKey {
    /// The root's revocation list.
    #[codec(index = 0)]
    RootCrl,
    /// The revocation list of the authority with this key.
    #[codec(index = 1)]
    PckCrl(tdx::KeyId),
    /// TCB info of this family.
    #[codec(index = 2)]
    TcbInfo([u8; 6]),
    /// Identity of the quoting enclave.
    #[codec(index = 3)]
    QeIdentity,
}

/// A session that was opened or renewed, and what that cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// What the work weighed: at most what was announced before the evidence was seen.
    pub weight: Weight,
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

/// A guest that asks to be attested.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The job.
    pub job: JobId,
    /// Who runs it.
    pub provider: &'a AccountId32,
    /// Where it is to run.
    pub site: SiteId,
    /// Hash of the job's spec.
    pub terms: Digest,
    /// The customer's demands.
    pub policy: &'a Policy,
    /// What was brought.
    pub evidence: &'a Evidence,
    /// The chain's clock.
    pub now: Moment,
}

/// Why an SEV-SNP report or a certificate was refused, by its verifier's own name for it. In metadata and dispatch errors it is the verifier's enumeration
/// itself, so no check loses its name or its explanation on the way to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Fault(pub snp::Error);

impl PalletError for Fault {
    // One byte for the check and one for the certificate it was about. A test holds this against the enumeration.
    const MAX_ENCODED_SIZE: usize = 2;
}

/// The same for a TDX quote and collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct TdxFault(pub tdx::Error);

impl PalletError for TdxFault {
    const MAX_ENCODED_SIZE: usize = 2;
}

/// Which piece of collateral is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Missing(pub tdx::Item);

impl PalletError for Missing {
    const MAX_ENCODED_SIZE: usize = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_fits_its_declared_size() {
        assert_eq!(snp::Error::max_encoded_len(), Fault::MAX_ENCODED_SIZE);
        assert_eq!(tdx::Error::max_encoded_len(), TdxFault::MAX_ENCODED_SIZE);
        assert_eq!(tdx::Item::max_encoded_len(), Missing::MAX_ENCODED_SIZE);
    }

    #[test]
    fn a_floor_counts_for_new_sessions_first_and_for_running_ones_later() {
        let floor = Scheduled { level: 5u8, from: 100, drains: 200, before: Some(3) };
        assert_eq!((floor.opening(99), floor.opening(100)), (Some(3), Some(5)));
        let met = |now, found: u8| floor.is_met(now, |level| found >= *level);
        assert_eq!((met(199, 3), met(200, 3), met(200, 5), met(0, 2)), (true, false, true, false));
        let first = Scheduled { before: None, ..floor };
        assert_eq!((first.opening(99), first.opening(100)), (None, Some(5)));
    }

    #[test]
    fn a_lower_floor_does_not_end_what_was_opened_under_it() {
        let floor = Scheduled { level: 3u8, from: 100, drains: 200, before: Some(5) };
        assert!(floor.is_met(150, |level| 3 >= *level));
    }
}
