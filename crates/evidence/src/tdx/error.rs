//! Why evidence is refused: one name for each check. What each of them says is in `explanation`.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A certificate's place under the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Link {
    /// The vendor's root (Intel: SGX Root CA).
    #[codec(index = 0)]
    Root,
    /// The authority that signs platform keys (Intel: SGX PCK Platform CA or Processor CA).
    #[codec(index = 1)]
    Issuer,
    /// The platform's key, which signs the quoting enclave's report (Intel: PCK).
    #[codec(index = 2)]
    Chip,
    /// The key that signs TCB infos and QE identities (Intel: SGX TCB Signing).
    #[codec(index = 3)]
    Signer,
}

/// A piece of collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Item {
    /// What the root has revoked: authorities and signers.
    #[codec(index = 0)]
    RootCrl,
    /// What an authority has revoked: platform keys.
    #[codec(index = 1)]
    PckCrl,
    /// Which levels of a platform's parts are good.
    #[codec(index = 2)]
    TcbInfo,
    /// Which quoting enclaves are good.
    #[codec(index = 3)]
    QeIdentity,
}

/// Why evidence is refused. The order is about the order of the checks; the first that fails is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Error {
    /// The quote is longer than 8192 bytes or ends before its fields do.
    #[codec(index = 0)]
    QuoteLength,
    /// The quote's version is neither 4 nor 5.
    #[codec(index = 1)]
    QuoteVersion,
    /// The quote's attestation key is not of type 2 (ECDSA P-256 with SHA-256).
    #[codec(index = 2)]
    KeyType,
    /// The quote is not of a trust domain.
    #[codec(index = 3)]
    TeeType,
    /// The quoting enclave is not Intel's.
    #[codec(index = 4)]
    QeVendor,
    /// The quote's body is none of TD 1.0, 1.5 and 1.5 extended.
    #[codec(index = 5)]
    BodyType,
    /// The quote states another length of its body than the body's type has.
    #[codec(index = 6)]
    BodyLength,
    /// The lengths inside the quote's signature data do not add up.
    #[codec(index = 7)]
    SignatureDataLength,
    /// Bytes after the quote's signature data are not zero.
    #[codec(index = 8)]
    QuotePadding,
    /// The quote's certification data is not of type 6 (report of the quoting enclave).
    #[codec(index = 9)]
    CertificationType,
    /// The quoting enclave's authentication data is not 32 bytes long.
    #[codec(index = 10)]
    QeAuthLength,
    /// The quoting enclave's certification data is not of type 5 (certificate chain in PEM).
    #[codec(index = 11)]
    ChainType,
    /// The certificate chain is longer than 6144 bytes.
    #[codec(index = 12)]
    ChainLength,
    /// The certificate chain is not exactly three certificates in PEM.
    #[codec(index = 13)]
    ChainEncoding,
    /// A certificate is longer than 2048 bytes.
    #[codec(index = 14)]
    CertificateLength(Link),
    /// A certificate is not exactly one X.509 v3 certificate in DER.
    #[codec(index = 15)]
    CertificateEncoding(Link),
    /// A certificate's signature algorithm is not ECDSA with SHA-256.
    #[codec(index = 16)]
    CertificateAlgorithm(Link),
    /// A certificate names another issuer than the one that was expected.
    #[codec(index = 17)]
    CertificateIssuer(Link),
    /// A certificate is not valid yet.
    #[codec(index = 18)]
    CertificateNotYetValid(Link),
    /// A certificate is not valid any more.
    #[codec(index = 19)]
    CertificateExpired(Link),
    /// A certificate's key is not an uncompressed point of P-256.
    #[codec(index = 20)]
    CertificateKey(Link),
    /// A certificate is not signed by its issuer's key.
    #[codec(index = 21)]
    CertificateSignature(Link),
    /// A certificate may not sign certificates and revocation lists, although its place demands it.
    #[codec(index = 22)]
    NotAnAuthority(Link),
    /// A certificate is of an authority or may not sign data, although its place demands a key that signs data only.
    #[codec(index = 23)]
    NotASigner(Link),
    /// A certificate has an extension that is marked critical and not understood here.
    #[codec(index = 24)]
    CriticalExtension(Link),
    /// A certificate has the same extension twice.
    #[codec(index = 25)]
    ExtensionRepeated(Link),
    /// A certificate has been revoked.
    #[codec(index = 26)]
    CertificateRevoked(Link),
    /// The last certificate of the chain is not the root.
    #[codec(index = 27)]
    RootMismatch,
    /// An item is longer than its bound.
    #[codec(index = 28)]
    ItemLength(Item),
    /// An item cannot be read.
    #[codec(index = 29)]
    ItemEncoding(Item),
    /// An item is of another kind or version than the one that was expected.
    #[codec(index = 30)]
    ItemKind(Item),
    /// An item lists more than can be kept.
    #[codec(index = 31)]
    ItemTooMany(Item),
    /// An item is from the future.
    #[codec(index = 32)]
    ItemNotYetValid(Item),
    /// An item is superseded, or the certificate that it rests on has expired.
    #[codec(index = 33)]
    ItemExpired(Item),
    /// An item is not signed by its signer's key.
    #[codec(index = 34)]
    ItemSignature(Item),
    /// An item was verified under another root.
    #[codec(index = 35)]
    ItemRoot(Item),
    /// A revocation list's signature algorithm is not ECDSA with SHA-256.
    #[codec(index = 36)]
    CrlAlgorithm(Item),
    /// A revocation list names another issuer than the one that was expected.
    #[codec(index = 37)]
    CrlIssuer(Item),
    /// A revocation list is partial or indirect, or it or an entry of it has an extension that is marked critical and not understood here.
    #[codec(index = 38)]
    CrlExtension(Item),
    /// A revocation list has no number, or several, or one that does not fit into 64 bits.
    #[codec(index = 39)]
    CrlNumber(Item),
    /// The revocation list of platform keys is by another authority than the platform's.
    #[codec(index = 40)]
    CrlOfAnotherIssuer,
    /// The platform's certificate does not say which platform it is for and which levels its parts have.
    #[codec(index = 41)]
    ExtensionMissing,
    /// What the platform's certificate says of the platform cannot be read.
    #[codec(index = 42)]
    ExtensionEncoding,
    /// The platform's certificate states the levels of its parts twice, and not the same.
    #[codec(index = 43)]
    ExtensionContradiction,
    /// The quoting enclave's report is not signed by the platform's key.
    #[codec(index = 44)]
    QeReportSignature,
    /// The quoting enclave's report does not vouch for the attestation key.
    #[codec(index = 45)]
    QeReportData,
    /// The quoting enclave has another author than the one of the QE identity.
    #[codec(index = 46)]
    QeSigner,
    /// The quoting enclave can be debugged.
    #[codec(index = 47)]
    QeDebuggable,
    /// The quoting enclave is another product than the one of the QE identity.
    #[codec(index = 48)]
    QeProduct,
    /// The quoting enclave's MISCSELECT is not the one of the QE identity.
    #[codec(index = 49)]
    QeMiscSelect,
    /// The quoting enclave's attributes are not the ones of the QE identity.
    #[codec(index = 50)]
    QeAttributes,
    /// The quoting enclave is older than any that the QE identity knows.
    #[codec(index = 51)]
    QeLevel,
    /// The attestation key is no point of P-256.
    #[codec(index = 52)]
    AttestationKey,
    /// The quote is not signed by the attestation key.
    #[codec(index = 53)]
    QuoteSignature,
    /// The TCB info is for another family of platforms.
    #[codec(index = 54)]
    FmspcMismatch,
    /// The TCB info is for another provisioning certification enclave.
    #[codec(index = 55)]
    PceIdMismatch,
    /// The platform meets none of the levels of the TCB info.
    #[codec(index = 56)]
    LevelUnknown,
    /// The TCB info does not know this version of the TDX module.
    #[codec(index = 57)]
    ModuleUnknown,
    /// The TDX module is older than any that the TCB info knows.
    #[codec(index = 58)]
    ModuleLevel,
    /// The TDX module has another author than the one of the TCB info.
    #[codec(index = 59)]
    ModuleSigner,
    /// The TDX module's attributes are not the ones of the TCB info.
    #[codec(index = 60)]
    ModuleAttributes,
    /// The platform, its TDX module or its quoting enclave is at a level that is revoked.
    #[codec(index = 61)]
    TcbRevoked,
    /// The host can debug the guest: read its memory.
    #[codec(index = 62)]
    Debuggable,
    /// The host can profile the guest.
    #[codec(index = 63)]
    Profiled,
    /// An attribute of the guest is set whose meaning is unknown or reserved.
    #[codec(index = 64)]
    ReservedAttribute,
    /// The guest can be moved to another machine.
    #[codec(index = 65)]
    Migratable,
    /// Service guests are bound to the guest.
    #[codec(index = 66)]
    ServiceTd,
    /// The host can make the guest see pages vanish (SEPT_VE_DISABLE is zero).
    #[codec(index = 67)]
    SeptVe,
    /// The report was asked for a virtual machine within the guest.
    #[codec(index = 68)]
    Partitioned,
    /// The guest may use performance counters and the requirements do not allow it.
    #[codec(index = 69)]
    PerformanceCounters,
    /// A part of the platform is out of date and the requirements do not allow it.
    #[codec(index = 70)]
    OutOfDate,
    /// The platform needs another configuration and the requirements do not allow it.
    #[codec(index = 71)]
    ConfigurationNeeded,
    /// Software on the platform needs hardening and the requirements do not allow it.
    #[codec(index = 72)]
    HardeningNeeded,
    /// The guest was launched before the platform was updated and the requirements do not allow it.
    #[codec(index = 73)]
    RelaunchAdvised,
    /// The collateral's evaluation number is below the floor.
    #[codec(index = 74)]
    EvaluationBelowFloor,
}

impl Error {
    /// The certificate that the check was about, where it was about one.
    pub(crate) fn link(self) -> Option<Link> {
        match self {
            Self::CertificateLength(link)
            | Self::CertificateEncoding(link)
            | Self::CertificateAlgorithm(link)
            | Self::CertificateIssuer(link)
            | Self::CertificateNotYetValid(link)
            | Self::CertificateExpired(link)
            | Self::CertificateKey(link)
            | Self::CertificateSignature(link)
            | Self::NotAnAuthority(link)
            | Self::NotASigner(link)
            | Self::CriticalExtension(link)
            | Self::ExtensionRepeated(link)
            | Self::CertificateRevoked(link) => Some(link),
            _ => None,
        }
    }

    /// The piece of collateral that the check was about, where it was about one.
    pub(crate) fn item(self) -> Option<Item> {
        match self {
            Self::ItemLength(item)
            | Self::ItemEncoding(item)
            | Self::ItemKind(item)
            | Self::ItemTooMany(item)
            | Self::ItemNotYetValid(item)
            | Self::ItemExpired(item)
            | Self::ItemSignature(item)
            | Self::ItemRoot(item)
            | Self::CrlAlgorithm(item)
            | Self::CrlIssuer(item)
            | Self::CrlExtension(item)
            | Self::CrlNumber(item) => Some(item),
            _ => None,
        }
    }
}
