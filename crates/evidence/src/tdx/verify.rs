//! The judgement over a quote. The clock, the root, the collateral and the requirements are arguments; nothing is looked up.

use crate::{
    journal::{Hex, Journal, Silent},
    tdx::{
        Claims, Collateral, Endorsements, Error, KeyId, Link, Platform, Quote, Requirements, TcbStatus, certificate::Certificate,
        certificates, collateral, enclave, origin::Fingerprint, signed,
    },
};

/// Verifies a quote with all of its collateral.
///
/// * `quote`: as the platform gave it, with its certificates and with or without zeros after it;
/// * `root_der`: the root certificate (SGX Root CA), DER, from the verifier's own trust store;
/// * `now_ms`: Unix milliseconds at which certificates and collateral must count.
///
/// # Errors
/// The first check that fails, in the order of the crate's documentation.
pub fn verify(
    quote: &[u8],
    collateral: &Collateral<'_>,
    root_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
) -> Result<Claims, Error> {
    judge_all(quote, collateral, root_der, requirements, now_ms, &mut Silent)
}

/// The same, with every check told.
pub(crate) fn judge_all(
    quote: &[u8],
    collateral: &Collateral<'_>,
    root_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<Claims, Error> {
    let quote = Quote::read(quote, log)?;
    let root = Certificate::root(root_der, now_ms, log)?;
    let root_crl = collateral::root_crl(collateral.root_crl, &root, now_ms, log)?;
    let pck_crl = collateral::pck_crl(collateral.pck_crl, collateral.pck_issuer, &root, &root_crl, now_ms, log)?;
    let signer = collateral::signer(&collateral.tcb_info, &root, &root_crl, now_ms, log)?;
    let tcb_info = collateral::tcb_info(&collateral.tcb_info, &signer, &root, now_ms, log)?;
    let signer = if collateral.qe_identity.signer == signer.der() {
        signer
    } else {
        collateral::signer(&collateral.qe_identity, &root, &root_crl, now_ms, log)?
    };
    let qe_identity = collateral::qe_identity(&collateral.qe_identity, &signer, &root, now_ms, log)?;
    let endorsements = Endorsements { root_crl: &root_crl, pck_crl: &pck_crl, tcb_info: &tcb_info, qe_identity: &qe_identity };
    judge(&quote, &endorsements, &root, requirements, now_ms, log)
}

/// Verifies a quote with collateral that was verified before, and kept: by [`verify_root_crl`](crate::tdx::verify_root_crl) and its siblings.
///
/// # Errors
/// As [`verify`], but for what was found good then; [`Error::ItemRoot`], if it was under another root.
pub fn verify_quote(
    quote: &[u8],
    endorsements: &Endorsements<'_>,
    root_der: &[u8],
    requirements: &Requirements,
    now_ms: u64,
) -> Result<Claims, Error> {
    let quote = Quote::parse(quote)?;
    let root = Certificate::root(root_der, now_ms, &mut Silent)?;
    endorsements.check(&root, now_ms)?;
    judge(&quote, endorsements, &root, requirements, now_ms, &mut Silent)
}

fn judge(
    quote: &Quote<'_>,
    endorsements: &Endorsements<'_>,
    root: &Certificate<'_>,
    requirements: &Requirements,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<Claims, Error> {
    let Endorsements { root_crl, pck_crl, tcb_info, qe_identity } = endorsements;
    let report = &quote.report;

    let chain: Option<[_; 3]> = certificates(quote.chain, 3).and_then(|chain| chain.try_into().ok());
    let [chip_der, issuer_der, root_der] = &log.take(chain, Error::ChainEncoding, "")?;
    log.compare(root_der == root.der(), Error::RootMismatch, Fingerprint(root_der), Fingerprint(root.der()))?;
    let issuer = issuer(issuer_der, endorsements, root, now_ms, log)?;
    let chip = Certificate::parse(chip_der, Link::Chip, log)?;
    chip.check_validity(now_ms, log)?;
    chip.check_issued_by(&issuer, log)?;
    chip.check_signer(log)?;
    pck_crl.check_certificate(&chip, log)?;
    let of_platform = [Error::ExtensionMissing, Error::ExtensionEncoding, Error::ExtensionContradiction];
    let platform = log.step(Platform::of(&chip), &of_platform)?;

    enclave::check_vouching(quote, &chip.key()?, log)?;
    let qe_level = enclave::level(&quote.qe, qe_identity, log)?;
    let attestation_key = log.take(signed::key_of(&quote.attestation_key), Error::AttestationKey, "")?;
    let signed = signed::is_signed_by(quote.signed, &quote.signature, &attestation_key);
    log.need(signed, Error::QuoteSignature, "")?;

    log.compare(platform.fmspc == tcb_info.fmspc, Error::FmspcMismatch, Hex(&tcb_info.fmspc), Hex(&platform.fmspc))?;
    log.compare(platform.pce_id == tcb_info.pce_id, Error::PceIdMismatch, Hex(&tcb_info.pce_id), Hex(&platform.pce_id))?;
    let mut standing = tcb_info.standing(&platform, &report.tee_tcb_svn, log)?;
    tcb_info.check_module(report, log)?;
    standing.add(qe_level.status, &qe_level.advisories);
    if let Some(current) = &report.current_tee_tcb_svn {
        let current = tcb_info.standing(&platform, current, log)?.status.with_component(qe_level.status);
        log.check(current != TcbStatus::Revoked, Error::TcbRevoked, format_args!("{current:?} now"))?;
        standing.status = standing.status.with_current(current);
    }
    log.check(standing.status != TcbStatus::Revoked, Error::TcbRevoked, format_args!("{:?}", standing.status))?;
    report.check(requirements, log)?;
    requirements.check_status(standing.status, log)?;

    let ends = [root_crl.origin, pck_crl.origin, tcb_info.origin, qe_identity.origin].map(|origin| origin.not_after_ms);
    Ok(Claims {
        version: quote.version,
        body_type: report.body_type,
        platform,
        serial: chip.serial()?,
        authority: issuer.key_id()?,
        status: standing.status,
        advisories: standing.advisories,
        tcb_date_ms: standing.date_ms.min(qe_level.date_ms),
        tcb_evaluation_number: tcb_info.evaluation_number,
        qe_evaluation_number: qe_identity.evaluation_number,
        tee_tcb_svn: report.tee_tcb_svn,
        current_tee_tcb_svn: report.current_tee_tcb_svn,
        mr_seam: report.mr_seam,
        attributes: report.attributes,
        xfam: report.xfam,
        mr_td: report.mr_td,
        mr_config_id: report.mr_config_id,
        mr_owner: report.mr_owner,
        mr_owner_config: report.mr_owner_config,
        rtmr: report.rtmr,
        report_data: report.report_data,
        instance: report.instance,
        signed_hash: quote.signed_hash(),
        not_after_ms: [chip.not_after_ms(), issuer.not_after_ms(), root.not_after_ms()].into_iter().chain(ends).fold(u64::MAX, u64::min),
    })
}

/// The authority of the quote's chain, checked.
///
/// If the very same certificate was verified with the authority's revocation list, under the same root, its signature need not be verified again.
fn issuer<'a>(
    der: &'a [u8],
    endorsements: &Endorsements<'_>,
    root: &Certificate<'_>,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<Certificate<'a>, Error> {
    let issuer = Certificate::parse(der, Link::Issuer, log)?;
    issuer.check_validity(now_ms, log)?;
    if KeyId::of(der) != endorsements.pck_crl.issuer_certificate {
        issuer.check_issued_by(root, log)?;
        issuer.check_authority(log)?;
    }
    endorsements.root_crl.check_certificate(&issuer, log)?;
    let (found, wanted) = (endorsements.pck_crl.issuer, issuer.key_id()?);
    log.compare(found == wanted, Error::CrlOfAnotherIssuer, Hex(&found.0), Hex(&wanted.0))?;
    Ok(issuer)
}
