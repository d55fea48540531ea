//! TDX's checks, explained one by one.

use crate::{
    explain::{Explained, Explanation, Record, Refusal},
    tdx::{Claims, Collateral, Error, Item, Link, Requirements, verify},
};

/// Judges as [`verify`](crate::tdx::verify) does and tells every check: the verdict is the same.
pub fn explain(
    quote: &[u8],
    collateral: &Collateral<'_>,
    root_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
) -> Explanation<Claims, Error> {
    let mut log = Record::new();
    let result = verify::judge_all(quote, collateral, root_der, requirements, now_ms, &mut log);
    log.finish(result, plan())
}

/// Judges as [`Claims::check_evaluation`] does and tells the check: the verdict is the same.
pub fn explain_evaluation(claims: &Claims, floor: u32) -> Explanation<(), Error> {
    let mut log = Record::new();
    let result = claims.judge_evaluation(floor, &mut log);
    log.finish(result, [])
}

/// The checks of a verification, in order.
fn plan() -> Vec<Error> {
    let quote = [
        Error::QuoteLength,
        Error::QuoteVersion,
        Error::KeyType,
        Error::TeeType,
        Error::QeVendor,
        Error::BodyType,
        Error::BodyLength,
        Error::QuotePadding,
        Error::CertificationType,
        Error::SignatureDataLength,
        Error::QeAuthLength,
        Error::ChainType,
        Error::ChainLength,
    ];
    let root = [
        Error::CertificateLength(Link::Root),
        Error::CertificateEncoding(Link::Root),
        Error::CertificateAlgorithm(Link::Root),
        Error::CertificateIssuer(Link::Root),
        Error::CertificateNotYetValid(Link::Root),
        Error::CertificateExpired(Link::Root),
        Error::CriticalExtension(Link::Root),
        Error::ExtensionRepeated(Link::Root),
        Error::NotAnAuthority(Link::Root),
        Error::CertificateKey(Link::Root),
    ];
    let platform = [
        Error::ExtensionMissing,
        Error::ExtensionEncoding,
        Error::ExtensionContradiction,
        Error::QeReportSignature,
        Error::QeReportData,
        Error::QeSigner,
        Error::QeDebuggable,
        Error::QeProduct,
        Error::QeMiscSelect,
        Error::QeAttributes,
        Error::QeLevel,
        Error::AttestationKey,
        Error::QuoteSignature,
        Error::FmspcMismatch,
        Error::PceIdMismatch,
        Error::LevelUnknown,
        Error::ModuleUnknown,
        Error::ModuleLevel,
        Error::ModuleSigner,
        Error::ModuleAttributes,
        Error::TcbRevoked,
    ];
    let guest = [
        Error::Debuggable,
        Error::Profiled,
        Error::ReservedAttribute,
        Error::Migratable,
        Error::ServiceTd,
        Error::SeptVe,
        Error::PerformanceCounters,
        Error::Partitioned,
        Error::OutOfDate,
        Error::RelaunchAdvised,
        Error::ConfigurationNeeded,
        Error::HardeningNeeded,
    ];
    let mut plan = Vec::from(quote);
    plan.extend(root);
    plan.extend(list(Item::RootCrl));
    plan.push(Error::CertificateRevoked(Link::Root));
    plan.extend(certificate(Link::Issuer, Error::NotAnAuthority(Link::Issuer)));
    plan.extend(list(Item::PckCrl));
    plan.extend(certificate(Link::Signer, Error::NotASigner(Link::Signer)));
    plan.extend(item(Item::TcbInfo));
    plan.extend(item(Item::QeIdentity));
    plan.extend([Error::ChainEncoding, Error::RootMismatch, Error::CrlOfAnotherIssuer]);
    plan.extend(certificate(Link::Chip, Error::NotASigner(Link::Chip)));
    plan.extend(platform);
    plan.extend(guest);
    plan
}

/// The checks of a certificate below the root; `powers` is what it fails with if it may not do what its place demands.
fn certificate(link: Link, powers: Error) -> [Error; 12] {
    [
        Error::CertificateLength(link),
        Error::CertificateEncoding(link),
        Error::CertificateNotYetValid(link),
        Error::CertificateExpired(link),
        Error::CertificateAlgorithm(link),
        Error::CertificateIssuer(link),
        Error::CertificateSignature(link),
        Error::CriticalExtension(link),
        Error::ExtensionRepeated(link),
        powers,
        Error::CertificateKey(link),
        Error::CertificateRevoked(link),
    ]
}

/// The checks of a revocation list.
fn list(item: Item) -> [Error; 10] {
    [
        Error::ItemLength(item),
        Error::ItemEncoding(item),
        Error::CrlAlgorithm(item),
        Error::CrlIssuer(item),
        Error::ItemNotYetValid(item),
        Error::ItemExpired(item),
        Error::ItemSignature(item),
        Error::CrlExtension(item),
        Error::CrlNumber(item),
        Error::ItemTooMany(item),
    ]
}

/// The checks of a signed JSON object.
fn item(item: Item) -> [Error; 7] {
    [
        Error::ItemLength(item),
        Error::ItemSignature(item),
        Error::ItemEncoding(item),
        Error::ItemKind(item),
        Error::ItemTooMany(item),
        Error::ItemNotYetValid(item),
        Error::ItemExpired(item),
    ]
}

impl Explained for Error {
    fn subject(self) -> &'static str {
        if let Some(name) = self.link().map(Link::name).or_else(|| self.item().map(Item::name)) {
            return name;
        }
        match self {
            Self::ChainEncoding | Self::RootMismatch => "certificate chain of the quote",
            Self::CrlOfAnotherIssuer => Item::PckCrl.name(),
            Self::ExtensionMissing | Self::ExtensionEncoding | Self::ExtensionContradiction => Link::Chip.name(),
            Self::QeReportSignature
            | Self::QeReportData
            | Self::QeSigner
            | Self::QeDebuggable
            | Self::QeProduct
            | Self::QeMiscSelect
            | Self::QeAttributes
            | Self::QeLevel => "quoting enclave",
            Self::FmspcMismatch | Self::PceIdMismatch => Item::TcbInfo.name(),
            Self::ModuleUnknown | Self::ModuleLevel | Self::ModuleSigner | Self::ModuleAttributes => "TDX module",
            Self::LevelUnknown
            | Self::TcbRevoked
            | Self::OutOfDate
            | Self::RelaunchAdvised
            | Self::ConfigurationNeeded
            | Self::HardeningNeeded => "platform",
            Self::Debuggable
            | Self::Profiled
            | Self::ReservedAttribute
            | Self::Migratable
            | Self::ServiceTd
            | Self::SeptVe
            | Self::PerformanceCounters
            | Self::Partitioned => "guest",
            Self::EvaluationBelowFloor => "collateral",
            _ => "quote",
        }
    }

    fn texts(self) -> (&'static str, &'static str, &'static str) {
        self.explanation()
    }

    fn refusal(self) -> Refusal {
        Refusal::Tdx(self)
    }
}
