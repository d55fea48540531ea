//! The judgement over a report and its certificates: the certificate of the key that signed, then the report under that key. The clock, the issuers and the
//! requirements are arguments; nothing is looked up.

use crate::{
    journal::{Journal, Silent, tolerated},
    snp::{
        ChipKey, Claims, Error, Link, Product, Report, Requirements, Tcb,
        certificate::Certificate,
        endorsement::{self, Endorsement},
        report::SigningKey,
    },
};
use p384::ecdsa::signature::Verifier;

/// Verifies a report and the certificate of the key that signed it.
///
/// * `report`: the 1184 bytes as the processor gave them;
/// * `chip_der`: the VCEK certificate, DER, from the provider; or, if the requirements allow it and the report says so, the VLEK certificate;
/// * `issuer_der`: the ASK certificate (for a VLEK: the ASVK certificate) of the report's product ([`product_of`]), DER, from the verifier's own trust
///   store. It counts as trusted: whether a root stands behind it is for [`verify_issuers`], once, when it enters the store;
/// * `now_ms`: Unix milliseconds at which the certificates must be valid.
///
/// # Errors
/// The first check that fails, in the order of the crate's documentation: the report's form, the certificate, the report under it.
pub fn verify(report: &[u8], chip_der: &[u8], issuer_der: &[u8], requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
    judge(report, chip_der, issuer_der, requirements, now_ms, &mut Silent).map(|(claims, _)| claims)
}

/// The same, and answers with the chip's key, to be kept for [`verify_report`]; with none if a cloud provider's key signed.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_and_keep(
    report: &[u8],
    chip_der: &[u8],
    issuer_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
) -> Result<(Claims, Option<ChipKey>), Error> {
    let (claims, endorsement) = judge(report, chip_der, issuer_der, requirements, now_ms, &mut Silent)?;
    Ok((claims, endorsement.kept()))
}

/// Verifies the certificate of a chip's key (VCEK), which is the larger half of [`verify`].
///
/// What comes out depends on both certificates and nothing else but that they count at `now_ms`, so it can be kept under their hashes.
///
/// # Errors
/// Of [`verify`]'s those that the certificate and its issuer can have by themselves.
pub fn verify_certificate(chip_der: &[u8], issuer_der: &[u8], now_ms: u64) -> Result<ChipKey, Error> {
    let endorsement = Endorsement::of(chip_der, issuer_der, SigningKey::Vcek, now_ms, &mut Silent)?;
    // Never missing: it was judged as the certificate of a chip's own key.
    endorsement.kept().ok_or(Error::VlekOfAChip)
}

/// Verifies a report under a chip's key whose certificate was verified before, which is the other half of [`verify`].
///
/// The verdict is [`verify`]'s with the certificates that the key was kept of: their dates are held against `now_ms` again, and what the chip's says
/// against the report. Their signature is not verified again, nor is anything else that time does not change.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_report(report: &[u8], key: &ChipKey, requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
    let presented = Presented::read(report, requirements, &mut Silent)?;
    let endorsement = Endorsement::again(key, presented.signing_key, now_ms)?;
    presented.judge(&endorsement, requirements, &mut Silent)
}

/// The judgement itself, with every check told.
pub(crate) fn judge(
    bytes: &[u8],
    chip_der: &[u8],
    issuer_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<(Claims, Endorsement), Error> {
    let presented = Presented::read(bytes, requirements, log)?;
    let endorsement = Endorsement::of(chip_der, issuer_der, presented.signing_key, now_ms, log)?;
    let claims = presented.judge(&endorsement, requirements, log)?;
    Ok((claims, endorsement))
}

/// A report of the right form. Whether it is genuine is still to be judged.
struct Presented<'a> {
    bytes: &'a [u8],
    report: Report,
    signing_key: SigningKey,
    /// The product by CPUID; none in version 2.
    processor: Option<Product>,
}

impl<'a> Presented<'a> {
    fn read(bytes: &'a [u8], requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<Self, Error> {
        let report = Report::read(bytes, log)?;
        let (best, allowed) = (report.version != 2, requirements.allow_version_2);
        log.check(best || allowed, Error::OldReportVersion, format_args!("{}{}", report.version, tolerated(best, allowed)))?;
        let signing_key = report.check_signing_key(requirements, log)?;
        let processor = report.processor(log)?;
        Ok(Self { bytes, report, signing_key, processor })
    }

    /// Judges the report under what is known of the key that signed it.
    fn judge(self, endorsement: &Endorsement, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<Claims, Error> {
        let Self { bytes, report, processor, .. } = self;
        let product = endorsement.product();
        let processor = processor.unwrap_or(product);
        log.compare(processor == product, Error::ProductMismatch, product, processor)?;
        let [reported, committed, current, launch] =
            [report.reported_tcb, report.committed_tcb, report.current_tcb, report.launch_tcb].map(|bytes| Tcb::from_bytes(bytes, product));
        endorsement.check_chip(&report.chip_id, log)?;
        endorsement.check_tcb(&reported, log)?;

        let signed = endorsement.key().verify(Report::signed_part(bytes)?, &report.signature).is_ok();
        log.need(signed, Error::ReportSignature, "")?;

        report.policy.check(requirements, log)?;
        report.platform.check(requirements, log)?;
        log.check(report.vmpl == 0, Error::PrivilegeLevel, report.vmpl)?;
        log.compare(committed.meets(&reported), Error::ReportedAboveCommitted, reported, committed)?;
        log.compare(current.meets(&committed), Error::CommittedAboveCurrent, committed, current)?;
        Ok(Claims {
            version: report.version,
            product,
            measurement: report.measurement,
            host_data: report.host_data,
            report_data: report.report_data,
            cloud_provider: endorsement.cloud_provider(),
            chip_id: report.chip_id,
            reported,
            committed,
            current,
            launch,
            policy: report.policy,
            platform: report.platform,
            guest_svn: report.guest_svn,
            vmpl: report.vmpl,
            not_after_ms: endorsement.not_after_ms(),
        })
    }
}

/// The product whose issuers [`verify`] needs: by the report's CPUID, or, in version 2, by what the certificate claims.
///
/// Good for a look-up and nothing else: nothing is verified here, and [`verify`] judges it again.
///
/// # Errors
/// Those of [`Report::parse`] and [`Report::product`]; in version 2 [`Error::CertificateEncoding`], [`Error::ExtensionMissing`],
/// [`Error::ExtensionEncoding`], [`Error::ProductUnknown`].
pub fn product_of(report: &[u8], chip_der: &[u8]) -> Result<Product, Error> {
    match Report::parse(report)?.product()? {
        Some(product) => Ok(product),
        None => endorsement::product(&Certificate::parse(chip_der, Link::Chip, &mut Silent)?, &mut Silent),
    }
}

/// Verifies a root (ARK) and the intermediate (ASK or ASVK) below it, before they enter a trust store. The root is believed because somebody in charge
/// says so.
///
/// Returns the Unix milliseconds at which the first of the two expires.
///
/// # Errors
/// The `Certificate…` errors, [`Error::NotAnAuthority`], [`Error::CriticalExtension`], [`Error::ExtensionRepeated`].
pub fn verify_issuers(root_der: &[u8], issuer_der: &[u8], now_ms: u64) -> Result<u64, Error> {
    judge_issuers(root_der, issuer_der, now_ms, &mut Silent)
}

/// The same, with every check told.
pub(crate) fn judge_issuers(root_der: &[u8], issuer_der: &[u8], now_ms: u64, log: &mut impl Journal<Error>) -> Result<u64, Error> {
    let root = Certificate::parse(root_der, Link::Root, log)?;
    let issuer = Certificate::parse(issuer_der, Link::Issuer, log)?;
    root.check_issued_by(&root, now_ms, log)?;
    root.check_authority(log)?;
    issuer.check_issued_by(&root, now_ms, log)?;
    issuer.check_authority(log)?;
    Ok(root.validity().not_after_ms().min(issuer.validity().not_after_ms()))
}
