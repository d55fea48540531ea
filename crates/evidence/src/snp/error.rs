//! Why evidence is refused: one name for each check, saying what was found, what is wanted, and whose duty it is.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// A certificate's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Link {
    /// The vendor's root (AMD: ARK).
    #[codec(index = 0)]
    Root,
    /// The product's intermediate, which signs chip keys (AMD: ASK) or cloud providers' keys (AMD: ASVK).
    #[codec(index = 1)]
    Issuer,
    /// The chip's key, which signs reports (AMD: VCEK).
    #[codec(index = 2)]
    Chip,
    /// A cloud provider's key, which signs reports in the place of the chip's (AMD: VLEK).
    #[codec(index = 3)]
    Vlek,
}

impl Link {
    /// Its name in a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "vendor's root certificate (ARK)",
            Self::Issuer => "product's intermediate certificate (ASK or ASVK)",
            Self::Chip => "chip's certificate (VCEK)",
            Self::Vlek => "cloud provider's certificate (VLEK)",
        }
    }

    /// Who has to put it right.
    pub(crate) fn duty(self) -> &'static str {
        match self {
            Self::Root | Self::Issuer => "the chain's council must set the vendor's current certificates",
            Self::Chip => "the provider must bring the certificate that the vendor issues for this chip at its reported TCB",
            Self::Vlek => "the provider must bring the certificate that the vendor issues for its cloud's key at the reported TCB",
        }
    }
}

/// Why evidence is refused. The order is the order of the checks; the first that fails is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Error {
    /// The report is not 1184 bytes long.
    #[codec(index = 0)]
    ReportLength,
    /// The report's version is none of 2, 3, 5.
    #[codec(index = 1)]
    ReportVersion,
    /// The report is of version 2 and the requirements do not allow that.
    #[codec(index = 2)]
    OldReportVersion,
    /// The report's signature algorithm is not 1 (ECDSA P-384 with SHA-384).
    #[codec(index = 3)]
    SignatureAlgorithm,
    /// The unused bytes of the signature's field are not zero.
    #[codec(index = 4)]
    SignaturePadding,
    /// A number of the signature is zero or not below the curve's order.
    #[codec(index = 5)]
    SignatureRange,
    /// The report is signed by a key that is bound to a cloud provider and not to a chip, and the requirements do not allow that.
    #[codec(index = 6)]
    SignedByVlek,
    /// The report is signed by no key or by one of an unknown kind.
    #[codec(index = 7)]
    SigningKey,
    /// The host has hidden the chip's key.
    #[codec(index = 8)]
    ChipKeyMasked,
    /// The processor is none of the known products.
    #[codec(index = 9)]
    ProductUnknown,
    /// Report and certificate name different products.
    #[codec(index = 10)]
    ProductMismatch,
    /// A certificate is not exactly one X.509 v3 certificate in DER.
    #[codec(index = 11)]
    CertificateEncoding(Link),
    /// A certificate's signature algorithm is not RSASSA-PSS with SHA-384, MGF1 over SHA-384, and a salt of 48 bytes.
    #[codec(index = 12)]
    CertificateAlgorithm(Link),
    /// A certificate names another issuer than the one that was expected.
    #[codec(index = 13)]
    CertificateIssuer(Link),
    /// A certificate is not valid yet.
    #[codec(index = 14)]
    CertificateNotYetValid(Link),
    /// A certificate is not valid any more.
    #[codec(index = 15)]
    CertificateExpired(Link),
    /// A certificate's key is not of the kind that its place demands: RSA-4096 with exponent 65537, or P-384 for a chip.
    #[codec(index = 16)]
    CertificateKey(Link),
    /// A certificate is not signed by its issuer's key.
    #[codec(index = 17)]
    CertificateSignature(Link),
    /// A certificate may not sign other certificates, although its place demands it.
    #[codec(index = 18)]
    NotAnAuthority(Link),
    /// A certificate has an extension that is marked critical and not understood here.
    #[codec(index = 19)]
    CriticalExtension(Link),
    /// A certificate has the same extension twice.
    #[codec(index = 20)]
    ExtensionRepeated(Link),
    /// The chip's certificate lacks an extension that says which chip, product or firmware it is for.
    #[codec(index = 21)]
    ExtensionMissing,
    /// An extension of the chip's certificate is not in canonical DER or of the wrong type.
    #[codec(index = 22)]
    ExtensionEncoding,
    /// The hardware id of the chip's certificate has not the length that the product demands (Turin 8, others 64).
    #[codec(index = 23)]
    ChipIdLength,
    /// The certificate is for another chip than the report.
    #[codec(index = 24)]
    ChipMismatch,
    /// The certificate is for another firmware level than the one that the report states.
    #[codec(index = 25)]
    TcbMismatch,
    /// The report is not signed by the chip's key.
    #[codec(index = 26)]
    ReportSignature,
    /// Bit 17 of the guest's policy, which must be one, is zero.
    #[codec(index = 27)]
    PolicyReservedBit,
    /// A bit of the guest's policy is set whose meaning is unknown.
    #[codec(index = 28)]
    PolicyUnknownBit,
    /// The guest's policy lets the host debug it: read its memory.
    #[codec(index = 29)]
    Debuggable,
    /// The guest's policy lets a migration agent move it to another machine.
    #[codec(index = 30)]
    Migratable,
    /// The guest's policy allows simultaneous multithreading and the requirements do not.
    #[codec(index = 31)]
    SmtAllowed,
    /// The guest's policy allows several sockets and the requirements do not.
    #[codec(index = 32)]
    SocketsAllowed,
    /// The guest's policy allows memory behind CXL and the requirements do not.
    #[codec(index = 33)]
    CxlAllowed,
    /// The firmware has not finished its check for aliased memory addresses.
    #[codec(index = 34)]
    AliasesUnchecked,
    /// The report was asked for by software at another privilege level than 0.
    #[codec(index = 35)]
    PrivilegeLevel,
    /// The reported firmware level is above the committed one.
    #[codec(index = 36)]
    ReportedAboveCommitted,
    /// The committed firmware level is above the current one.
    #[codec(index = 37)]
    CommittedAboveCurrent,
    /// The firmware level to which the host can still go back is below the floor.
    #[codec(index = 38)]
    CommittedBelowFloor,
    /// The guest was launched under firmware below the floor.
    #[codec(index = 39)]
    LaunchedBelowFloor,
    /// The certificate in the place of a cloud provider's is for a single chip.
    #[codec(index = 40)]
    VlekOfAChip,
    /// The cloud provider's certificate does not name a cloud provider.
    #[codec(index = 41)]
    CspIdMissing,
    /// The cloud provider's name in its certificate is no text in DER, or empty.
    #[codec(index = 42)]
    CspIdEncoding,
}

impl Error {
    /// What was found, what is wanted, and whose duty it is, in a sentence each.
    pub(crate) fn explanation(self) -> (&'static str, &'static str, &'static str) {
        const GUEST: &str = "the provider must start the guest with the required policy";
        const HOST: &str = "the provider must configure or update its machine";
        const BRING: &str = "the provider must submit the report as the processor gave it";
        match self {
            Self::ReportLength => ("the report has another length", "1184 bytes", BRING),
            Self::ReportVersion => {
                ("the report has an unknown version", "version 2, 3 or 5", "the chain's verifier must learn a new version")
            }
            Self::OldReportVersion => (
                "the report has version 2, which does not name the processor",
                "version 3 or 5",
                "the provider must update its firmware, or the policy must allow version 2",
            ),
            Self::SignatureAlgorithm => ("the report names an unknown signature algorithm", "1, ECDSA P-384 with SHA-384", BRING),
            Self::SignaturePadding => ("unused bytes of the report's signature are set", "zeros", BRING),
            Self::SignatureRange => ("a number of the report's signature is zero or too large", "1 up to the order of P-384", BRING),
            Self::SignedByVlek => {
                ("the report is signed by a cloud provider's key (VLEK)", "the chip's own key (VCEK), as the requirements say", HOST)
            }
            Self::SigningKey => ("the report is signed by no known kind of key", "the chip's own key (VCEK)", HOST),
            Self::ChipKeyMasked => ("the host has masked the chip's key", "an unmasked chip key", HOST),
            Self::ProductUnknown => (
                "the processor is none of the known products",
                "Milan, Genoa or Turin",
                "the provider must use a known processor, or the chain's verifier must learn a new one",
            ),
            Self::ProductMismatch => ("report and certificate name different products", "one product", Link::Chip.duty()),
            Self::CertificateEncoding(_) => ("it cannot be read", "exactly one X.509 v3 certificate in DER", ""),
            Self::CertificateAlgorithm(_) => {
                ("it is signed by another algorithm", "RSASSA-PSS with SHA-384, MGF1 over SHA-384, salt of 48 bytes", "")
            }
            Self::CertificateIssuer(_) => ("it names another issuer", "the subject of the certificate above it", ""),
            Self::CertificateNotYetValid(_) => ("it is not valid yet", "a validity that has begun", ""),
            Self::CertificateExpired(_) => ("it has expired", "a validity that has not ended", ""),
            Self::CertificateKey(Link::Chip | Link::Vlek) => ("its key is of another kind", "an uncompressed point of P-384", ""),
            Self::CertificateKey(_) => ("its key is of another kind", "RSA-4096 with exponent 65537", ""),
            Self::CertificateSignature(_) => ("its signature is wrong", "a signature by the key above it", ""),
            Self::NotAnAuthority(_) => ("it may not sign certificates", "basic constraints CA and key usage certificate signing", ""),
            Self::CriticalExtension(_) => ("it has an unknown critical extension", "critical extensions that are understood only", ""),
            Self::ExtensionRepeated(_) => ("it has the same extension twice", "each extension once", ""),
            Self::ExtensionMissing => (
                "the certificate of the signing key does not say which chip, product and firmware it is for",
                "AMD's extensions",
                Link::Chip.duty(),
            ),
            Self::ExtensionEncoding => {
                ("an extension of the signing key's certificate cannot be read", "canonical DER of the right type", Link::Chip.duty())
            }
            Self::ChipIdLength => {
                ("the certificate's hardware id has a wrong length", "8 bytes for Turin, 64 for Milan and Genoa", Link::Chip.duty())
            }
            Self::ChipMismatch => ("the certificate is for another chip", "the chip id of the report", Link::Chip.duty()),
            Self::TcbMismatch => ("the certificate is for another firmware level", "the reported TCB of the report", Link::Chip.duty()),
            Self::ReportSignature => {
                ("the report's signature is wrong", "a signature by the certified key over the report's first 672 bytes", BRING)
            }
            Self::PolicyReservedBit => ("bit 17 of the guest policy is zero", "one", GUEST),
            Self::PolicyUnknownBit => ("the guest policy has a bit of unknown meaning", "known bits only", GUEST),
            Self::Debuggable => ("the guest policy allows debugging: the host can read the guest's memory", "bit 19 clear", GUEST),
            Self::Migratable => ("the guest policy allows a migration agent", "bit 18 clear", GUEST),
            Self::SmtAllowed => ("the guest policy allows simultaneous multithreading", "bit 16 clear, as the requirements say", GUEST),
            Self::SocketsAllowed => ("the guest policy allows several sockets", "bit 20 set, as the requirements say", GUEST),
            Self::CxlAllowed => ("the guest policy allows memory behind CXL", "bit 21 clear, as the requirements say", GUEST),
            Self::AliasesUnchecked => ("the firmware has not checked memory for aliases (BadRAM)", "platform info bit 5 set", HOST),
            Self::PrivilegeLevel => (
                "the report was asked for at another privilege level (VMPL)",
                "level 0",
                "the provider must start the guest without a layer of its own beneath it",
            ),
            Self::ReportedAboveCommitted => ("the reported TCB is above the committed one", "at most the committed TCB", HOST),
            Self::CommittedAboveCurrent => ("the committed TCB is above the current one", "at most the current TCB", HOST),
            Self::CommittedBelowFloor => (
                "the committed TCB is below the floor: the host can still go back to unsafe firmware",
                "at least the floor",
                "the provider must update its firmware and commit it",
            ),
            Self::LaunchedBelowFloor => (
                "the guest was launched under firmware below the floor",
                "at least the floor",
                "the provider must update its firmware and launch the guest again",
            ),
            Self::VlekOfAChip => {
                ("the cloud provider's certificate has a hardware id", "none: its key is in many chips", Link::Vlek.duty())
            }
            Self::CspIdMissing => ("the cloud provider's certificate names no cloud provider", "AMD's extension CSP_ID", Link::Vlek.duty()),
            Self::CspIdEncoding => {
                ("the cloud provider's name cannot be read", "text (IA5String) in canonical DER, not empty", Link::Vlek.duty())
            }
        }
    }

    /// The certificate that the check was about, where it was about one of the chain's.
    pub(crate) fn link(self) -> Option<Link> {
        match self {
            Self::CertificateEncoding(link)
            | Self::CertificateAlgorithm(link)
            | Self::CertificateIssuer(link)
            | Self::CertificateNotYetValid(link)
            | Self::CertificateExpired(link)
            | Self::CertificateKey(link)
            | Self::CertificateSignature(link)
            | Self::NotAnAuthority(link)
            | Self::CriticalExtension(link)
            | Self::ExtensionRepeated(link) => Some(link),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, wanted, duty) = self.explanation();
        match self.link() {
            Some(link) => write!(f, "{}: {found}; wanted: {wanted}; {}", link.name(), link.duty()),
            None => write!(f, "{found}; wanted: {wanted}; {duty}"),
        }
    }
}

impl core::error::Error for Error {}
