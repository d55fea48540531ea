//! What an error says: what was found, what is wanted, and whose duty it is.

use crate::tdx::{Error, Item, Link};
use core::fmt;

impl Link {
    /// Its name in a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "vendor's root certificate (SGX Root CA)",
            Self::Issuer => "certificate of the authority for platform keys (PCK CA)",
            Self::Chip => "platform's certificate (PCK)",
            Self::Signer => "certificate of the collateral's signer (TCB Signing)",
        }
    }

    /// Who has to put it right.
    fn duty(self) -> &'static str {
        match self {
            Self::Root => "the chain's council must set the vendor's current root",
            Self::Issuer | Self::Chip => "the provider must register its platform with the vendor and bring the certificates issued for it",
            Self::Signer => "whoever brings collateral must bring the signer's certificate that came with it",
        }
    }
}

impl Item {
    /// Its name in a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RootCrl => "root's revocation list",
            Self::PckCrl => "revocation list of platform keys",
            Self::TcbInfo => "TCB info",
            Self::QeIdentity => "QE identity",
        }
    }
}

/// What anybody has to do who brings an item that is refused.
const COLLATERAL: &str = "whoever brings collateral must bring the vendor's current one, byte for byte";
const BRING: &str = "the provider must submit the quote as the platform gave it";
const GUEST: &str = "the provider must start the guest with the required attributes";
const HOST: &str = "the provider must configure or update its machine";
const VERIFIER: &str = "the chain's verifier must learn a new version";

impl Error {
    /// What was found, what is wanted, and whose duty it is, in a sentence each. The duty of certificates and items depends on which it is.
    pub(crate) fn explanation(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::QuoteLength => ("the quote has another length than its fields", "all fields, in at most 8192 bytes", BRING),
            Self::QuoteVersion => ("the quote has an unknown version", "version 4 or 5", VERIFIER),
            Self::KeyType => ("the quote names an unknown kind of attestation key", "2, ECDSA P-256 with SHA-256", BRING),
            Self::TeeType => ("the quote is not of a trust domain", "type 0x81", BRING),
            Self::QeVendor => ("the quoting enclave is not Intel's", "Intel's vendor id", HOST),
            Self::BodyType => ("the quote has a body of an unknown type", "type 2, 3 or 4", VERIFIER),
            Self::BodyLength => ("the quote's body has another length than its type", "584, 648 or 885 bytes", BRING),
            Self::SignatureDataLength => ("lengths inside the signature data do not add up", "fields that fill it exactly", BRING),
            Self::QuotePadding => ("bytes after the signature data are set", "zeros", BRING),
            Self::CertificationType => ("the quote is certified in an unknown way", "6, the quoting enclave's report", HOST),
            Self::QeAuthLength => ("the quoting enclave's authentication data has another length", "32 bytes", HOST),
            Self::ChainType => ("the quote does not carry its certificates", "5, a certificate chain in PEM", HOST),
            Self::ChainLength => ("the certificate chain is too long", "at most 6144 bytes", BRING),
            Self::ChainEncoding => ("the certificate chain cannot be read", "exactly three certificates in PEM", BRING),
            Self::RootMismatch => ("the certificate chain ends with another root", "the root that is trusted", Link::Chip.duty()),
            Self::CrlOfAnotherIssuer => {
                ("the revocation list is by another authority than the platform's", "the list of the platform's authority", COLLATERAL)
            }
            Self::ExtensionMissing => (
                "the platform's certificate does not say which platform it is for",
                "Intel's SGX extension with all its parts",
                Link::Chip.duty(),
            ),
            Self::ExtensionEncoding => {
                ("the SGX extension of the platform's certificate cannot be read", "DER of the right types and lengths", Link::Chip.duty())
            }
            Self::ExtensionContradiction => {
                ("the platform's certificate states two levels of the same parts", "components that are the CPUSVN", Link::Chip.duty())
            }
            Self::QeReportSignature => ("the signature of the quoting enclave's report is wrong", "one by the platform's key", BRING),
            Self::QeReportData => {
                ("the quoting enclave does not vouch for the attestation key", "its hash in the quoting enclave's report", BRING)
            }
            Self::QeSigner => ("the quoting enclave has another author", "MRSIGNER as the QE identity says", HOST),
            Self::QeDebuggable => ("the quoting enclave can be debugged", "attribute DEBUG clear", HOST),
            Self::QeProduct => ("the quoting enclave is another product", "ISVPRODID as the QE identity says", HOST),
            Self::QeMiscSelect => ("the quoting enclave saves other state", "MISCSELECT as the QE identity says", HOST),
            Self::QeAttributes => ("the quoting enclave has other attributes", "attributes as the QE identity says", HOST),
            Self::QeLevel => ("the quoting enclave is older than any known", "ISVSVN at a level of the QE identity", HOST),
            Self::AttestationKey => ("the attestation key is no key", "a point of P-256", BRING),
            Self::QuoteSignature => ("the quote's signature is wrong", "one by the attestation key over header and body", BRING),
            Self::FmspcMismatch => {
                ("the TCB info is for another family of platforms", "the FMSPC of the platform's certificate", COLLATERAL)
            }
            Self::PceIdMismatch => ("the TCB info is for another PCE", "the PCE id of the platform's certificate", COLLATERAL),
            Self::LevelUnknown => ("the platform is below every known level", "a level of the TCB info", HOST),
            Self::ModuleUnknown => ("the TDX module's version is unknown", "a version that the TCB info lists", HOST),
            Self::ModuleLevel => ("the TDX module is older than any known", "a level that the TCB info lists", HOST),
            Self::ModuleSigner => ("the TDX module has another author", "MRSIGNERSEAM as the TCB info says", HOST),
            Self::ModuleAttributes => ("the TDX module has other attributes", "SEAMATTRIBUTES as the TCB info says", HOST),
            Self::TcbRevoked => ("the platform's level is revoked: its keys may be known", "a level that is not", HOST),
            Self::Debuggable => ("the guest can be debugged: the host can read its memory", "attribute DEBUG (bit 0) clear", GUEST),
            Self::Profiled => ("the host can profile the guest", "attributes HGS+, PERF and PMT profiling (bits 4 to 6) clear", GUEST),
            Self::ReservedAttribute => ("an attribute of unknown meaning is set", "known attributes only", GUEST),
            Self::Migratable => ("the guest can be migrated", "attribute MIGRATABLE (bit 29) clear", GUEST),
            Self::ServiceTd => ("service guests are bound to the guest", "MRSERVICETD and SERVTD_EXT (bit 17) zero", GUEST),
            Self::SeptVe => ("the host can make the guest's pages vanish", "attribute SEPT_VE_DISABLE (bit 28) set", GUEST),
            Self::Partitioned => (
                "the report is of a virtual machine within the guest",
                "machine 0",
                "the provider must start the guest without a layer of its own",
            ),
            Self::PerformanceCounters => {
                ("the guest may use performance counters", "attribute PERFMON (bit 63) clear, as the requirements say", GUEST)
            }
            Self::OutOfDate => ("a part of the platform is out of date", "a level that is up to date, as the requirements say", HOST),
            Self::ConfigurationNeeded => ("the platform needs another configuration", "no such need, as the requirements say", HOST),
            Self::HardeningNeeded => ("software on the platform needs hardening", "no such need, as the requirements say", HOST),
            Self::RelaunchAdvised => (
                "the guest was launched before the platform was updated",
                "a launch after it, as the requirements say",
                "the provider must launch the guest again",
            ),
            Self::EvaluationBelowFloor => ("the collateral's evaluation number is below the floor", "at least the floor", COLLATERAL),
            certificate if certificate.link().is_some() => certificate.of_certificate(),
            item => item.of_item(),
        }
    }

    fn of_certificate(self) -> (&'static str, &'static str, &'static str) {
        let (found, wanted) = match self {
            Self::CertificateLength(_) => ("it is too long", "at most 2048 bytes"),
            Self::CertificateAlgorithm(_) => ("it is signed by another algorithm", "ECDSA with SHA-256, without parameters"),
            Self::CertificateIssuer(_) => ("it names another issuer", "the subject of the certificate above it"),
            Self::CertificateNotYetValid(_) => ("it is not valid yet", "a validity that has begun"),
            Self::CertificateExpired(_) => ("it has expired", "a validity that has not ended"),
            Self::CertificateKey(_) => ("its key is of another kind", "an uncompressed point of P-256"),
            Self::CertificateSignature(_) => ("its signature is wrong", "a signature by the key above it"),
            Self::NotAnAuthority(_) => {
                ("it may not sign certificates", "basic constraints CA, key usages certificate and revocation list signing")
            }
            Self::NotASigner(_) => ("it may not sign data", "no authority, and key usage digital signature"),
            Self::CriticalExtension(_) => ("it has an unknown critical extension", "critical extensions that are understood only"),
            Self::ExtensionRepeated(_) => ("it has the same extension twice", "each extension once"),
            Self::CertificateRevoked(_) => ("it is revoked", "a certificate that is on no revocation list"),
            _ => ("it cannot be read", "exactly one X.509 v3 certificate in DER"),
        };
        (found, wanted, self.link().map_or("", Link::duty))
    }

    fn of_item(self) -> (&'static str, &'static str, &'static str) {
        let (found, wanted) = match self {
            Self::ItemLength(_) => ("it is too long", "at most 16384 bytes, or 4096 for a QE identity"),
            Self::ItemKind(_) => ("it is of another kind", "a TCB info of TDX in version 3, a QE identity TD_QE in version 2"),
            Self::ItemTooMany(_) => ("it lists too much", "no more than can be kept"),
            Self::ItemNotYetValid(_) => ("it is not valid yet", "an issue date that has come"),
            Self::ItemExpired(_) => ("it has expired", "a next update, and a signer's certificate, that lie ahead"),
            Self::ItemSignature(_) => ("its signature is wrong", "one by its signer's key over exactly its bytes"),
            Self::ItemRoot(_) => ("it was verified under another root", "one root for everything"),
            Self::CrlAlgorithm(_) => ("it is signed by another algorithm", "ECDSA with SHA-256, without parameters"),
            Self::CrlIssuer(_) => ("it names another issuer", "the subject of its issuer's certificate"),
            Self::CrlExtension(_) => {
                ("it is partial, indirect or has an unknown critical extension", "a complete list of its issuer's own certificates")
            }
            Self::CrlNumber(_) => ("it has no number or several", "one number, below 2^64"),
            _ => ("it cannot be read", "the form that the vendor gives it"),
        };
        (found, wanted, COLLATERAL)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, wanted, duty) = self.explanation();
        match self.link().map(Link::name).or_else(|| self.item().map(Item::name)) {
            Some(name) => write!(f, "{name}: {found}; wanted: {wanted}; {duty}"),
            None => write!(f, "{found}; wanted: {wanted}; {duty}"),
        }
    }
}

impl core::error::Error for Error {}
