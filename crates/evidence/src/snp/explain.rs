//! SEV-SNP's checks, explained one by one.

use crate::{
    explain::{Explained, Explanation, Record, Refusal},
    snp::{Claims, Error, Link, Report, Requirements, Tcb, verify},
};

/// Judges as [`verify`](crate::snp::verify) does and tells every check: the verdict is the same.
pub fn explain(report: &[u8], chip_der: &[u8], issuer_der: &[u8], requirements: &Requirements, now_ms: u64) -> Explanation<Claims, Error> {
    let mut log = Record::new();
    let result = verify::judge(report, chip_der, issuer_der, requirements, now_ms, &mut log).map(|(claims, _)| claims);
    let vlek = Report::parse(report).is_ok_and(|report| report.is_signed_by_vlek());
    log.finish(result, plan(if vlek { Link::Vlek } else { Link::Chip }))
}

/// Judges as [`verify_issuers`](crate::snp::verify_issuers) does and tells every check: the verdict is the same.
pub fn explain_issuers(root_der: &[u8], issuer_der: &[u8], now_ms: u64) -> Explanation<u64, Error> {
    let mut log = Record::new();
    let result = verify::judge_issuers(root_der, issuer_der, now_ms, &mut log);
    let plan = [Link::Root, Link::Issuer].map(Error::CertificateEncoding).into_iter().chain(
        [Link::Root, Link::Issuer]
            .into_iter()
            .flat_map(|link| certificate(link, Link::Root).into_iter().chain([Error::NotAnAuthority(link), Error::CertificateKey(link)])),
    );
    log.finish(result, plan)
}

/// Judges as [`Claims::check_floor`] does and tells every check: the verdict is the same.
pub fn explain_floor(claims: &Claims, floor: &Tcb) -> Explanation<(), Error> {
    let mut log = Record::new();
    let result = claims.judge_floor(floor, &mut log);
    log.finish(result, [])
}

/// The checks of a verification, in order.
fn plan(chip: Link) -> Vec<Error> {
    let mut plan = vec![
        Error::ReportLength,
        Error::ReportVersion,
        Error::SignatureAlgorithm,
        Error::SignaturePadding,
        Error::SignatureRange,
        Error::OldReportVersion,
        Error::SigningKey,
        Error::SignedByVlek,
        Error::ChipKeyMasked,
        Error::ProductUnknown,
        Error::CertificateEncoding(chip),
        Error::CertificateEncoding(Link::Issuer),
    ];
    plan.extend(certificate(chip, Link::Issuer));
    plan.extend([Error::CertificateKey(chip), Error::ExtensionMissing, Error::ExtensionEncoding]);
    if chip == Link::Vlek {
        plan.extend([Error::VlekOfAChip, Error::CspIdMissing, Error::CspIdEncoding, Error::ProductMismatch]);
    } else {
        plan.extend([Error::ChipIdLength, Error::ProductMismatch, Error::ChipMismatch]);
    }
    plan.extend([
        Error::TcbMismatch,
        Error::ReportSignature,
        Error::PolicyReservedBit,
        Error::PolicyUnknownBit,
        Error::Debuggable,
        Error::Migratable,
        Error::SmtAllowed,
        Error::SocketsAllowed,
        Error::CxlAllowed,
        Error::AliasesUnchecked,
        Error::PrivilegeLevel,
        Error::ReportedAboveCommitted,
        Error::CommittedAboveCurrent,
    ]);
    plan
}

/// The checks of a certificate that was read, and of the one above it.
fn certificate(link: Link, issuer: Link) -> Vec<Error> {
    let mut plan = vec![Error::CertificateAlgorithm(link), Error::CertificateIssuer(link)];
    if issuer != link {
        plan.extend([Error::CertificateNotYetValid(issuer), Error::CertificateExpired(issuer)]);
    }
    plan.extend([
        Error::CertificateNotYetValid(link),
        Error::CertificateExpired(link),
        Error::CertificateKey(issuer),
        Error::CertificateSignature(link),
        Error::CriticalExtension(link),
        Error::ExtensionRepeated(link),
    ]);
    plan
}

impl Explained for Error {
    fn subject(self) -> &'static str {
        if let Some(link) = self.link() {
            return link.name();
        }
        match self {
            Self::ProductMismatch
            | Self::ExtensionMissing
            | Self::ExtensionEncoding
            | Self::ChipIdLength
            | Self::ChipMismatch
            | Self::TcbMismatch => "certificate of the signing key",
            Self::VlekOfAChip | Self::CspIdMissing | Self::CspIdEncoding => Link::Vlek.name(),
            Self::PolicyReservedBit
            | Self::PolicyUnknownBit
            | Self::Debuggable
            | Self::Migratable
            | Self::SmtAllowed
            | Self::SocketsAllowed
            | Self::CxlAllowed => "guest policy",
            Self::AliasesUnchecked
            | Self::ReportedAboveCommitted
            | Self::CommittedAboveCurrent
            | Self::CommittedBelowFloor
            | Self::LaunchedBelowFloor => "firmware",
            _ => "report",
        }
    }

    fn texts(self) -> (&'static str, &'static str, &'static str) {
        let (found, wanted, duty) = self.explanation();
        (found, wanted, self.link().map_or(duty, Link::duty))
    }

    fn refusal(self) -> Refusal {
        Refusal::Snp(self)
    }
}
