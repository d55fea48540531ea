//! The judgement over a report and its certificates. The clock, the issuers and the requirements are arguments; nothing is looked up.

use crate::snp::{Claims, Error, Link, Product, Report, Requirements, Tcb, certificate::Certificate, endorsement};
use p384::ecdsa::signature::Verifier;

/// Verifies a report and the certificate of the key that signed it.
///
/// * `report`: the 1184 bytes as the processor gave them;
/// * `chip_der`: the VCEK certificate, DER, from the provider;
/// * `issuer_der`: the ASK certificate of the report's product ([`product_of`]), DER, from the verifier's own trust store. It counts as trusted: whether
///   a root stands behind it is for [`verify_issuers`], once, when it enters the store;
/// * `now_ms`: Unix milliseconds at which the certificates must be valid.
///
/// # Errors
/// The first check that fails, in the order of [`Error`]'s variants but for the chain's: chip and issuer are judged together.
pub fn verify(report: &[u8], chip_der: &[u8], issuer_der: &[u8], requirements: &Requirements, now_ms: u64) -> Result<Claims, Error> {
    let bytes = report;
    let report = Report::parse(bytes)?;
    if report.version == 2 && !requirements.allow_version_2 {
        return Err(Error::OldReportVersion);
    }
    report.check_signing_key()?;
    let processor = report.product()?;

    let chip = Certificate::parse(chip_der, Link::Chip)?;
    let issuer = Certificate::parse(issuer_der, Link::Issuer)?;
    chip.check_issued_by(&issuer, now_ms)?;
    let key = chip.p384_key()?;
    let product = endorsement::product(&chip)?;
    if processor.is_some_and(|processor| processor != product) {
        return Err(Error::ProductMismatch);
    }
    let [reported, committed, current, launch] =
        [report.reported_tcb, report.committed_tcb, report.current_tcb, report.launch_tcb].map(|bytes| Tcb::from_bytes(bytes, product));
    endorsement::check_chip(&chip, product, &report.chip_id)?;
    endorsement::check_tcb(&chip, product, &reported)?;

    key.verify(Report::signed_part(bytes)?, &report.signature).map_err(|_| Error::ReportSignature)?;

    report.policy.check(requirements)?;
    report.platform.check(requirements)?;
    if report.vmpl != 0 {
        return Err(Error::PrivilegeLevel);
    }
    if !committed.meets(&reported) {
        return Err(Error::ReportedAboveCommitted);
    }
    if !current.meets(&committed) {
        return Err(Error::CommittedAboveCurrent);
    }
    Ok(Claims {
        version: report.version,
        product,
        measurement: report.measurement,
        host_data: report.host_data,
        report_data: report.report_data,
        chip_id: report.chip_id,
        reported,
        committed,
        current,
        launch,
        policy: report.policy,
        platform: report.platform,
        guest_svn: report.guest_svn,
        vmpl: report.vmpl,
        not_after_ms: chip.not_after_ms().min(issuer.not_after_ms()),
    })
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
        None => endorsement::product(&Certificate::parse(chip_der, Link::Chip)?),
    }
}

/// Verifies a root (ARK) and the intermediate (ASK) below it, before they enter a trust store. The root is believed because somebody in charge says so.
///
/// Returns the Unix milliseconds at which the first of the two expires.
///
/// # Errors
/// The `Certificate…` errors, [`Error::NotAnAuthority`], [`Error::CriticalExtension`], [`Error::ExtensionRepeated`].
pub fn verify_issuers(root_der: &[u8], issuer_der: &[u8], now_ms: u64) -> Result<u64, Error> {
    let root = Certificate::parse(root_der, Link::Root)?;
    let issuer = Certificate::parse(issuer_der, Link::Issuer)?;
    root.check_issued_by(&root, now_ms)?;
    root.check_authority()?;
    issuer.check_issued_by(&root, now_ms)?;
    issuer.check_authority()?;
    Ok(root.not_after_ms().min(issuer.not_after_ms()))
}
