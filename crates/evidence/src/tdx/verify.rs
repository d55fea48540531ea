//! The judgement over a quote. The clock, the root, the collateral and the requirements are arguments; nothing is looked up.

use crate::tdx::{
    Claims, Collateral, Endorsements, Error, KeyId, Link, Platform, Quote, Requirements, TcbStatus, certificate::Certificate, certificates,
    collateral, enclave, signed,
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
    let quote = Quote::parse(quote)?;
    let root = Certificate::root(root_der, now_ms)?;
    let root_crl = collateral::root_crl(collateral.root_crl, &root, now_ms)?;
    let pck_crl = collateral::pck_crl(collateral.pck_crl, collateral.pck_issuer, &root, &root_crl, now_ms)?;
    let signer = collateral::signer(&collateral.tcb_info, &root, &root_crl, now_ms)?;
    let tcb_info = collateral::tcb_info(&collateral.tcb_info, &signer, &root, now_ms)?;
    let signer = if collateral.qe_identity.signer == signer.der() {
        signer
    } else {
        collateral::signer(&collateral.qe_identity, &root, &root_crl, now_ms)?
    };
    let qe_identity = collateral::qe_identity(&collateral.qe_identity, &signer, &root, now_ms)?;
    let endorsements = Endorsements { root_crl: &root_crl, pck_crl: &pck_crl, tcb_info: &tcb_info, qe_identity: &qe_identity };
    judge(&quote, &endorsements, &root, requirements, now_ms)
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
    let root = Certificate::root(root_der, now_ms)?;
    endorsements.check(&root, now_ms)?;
    judge(&quote, endorsements, &root, requirements, now_ms)
}

fn judge(
    quote: &Quote<'_>,
    endorsements: &Endorsements<'_>,
    root: &Certificate<'_>,
    requirements: &Requirements,
    now_ms: u64,
) -> Result<Claims, Error> {
    let Endorsements { root_crl, pck_crl, tcb_info, qe_identity } = endorsements;
    let report = &quote.report;

    let chain = certificates(quote.chain, 3).ok_or(Error::ChainEncoding)?;
    let [chip_der, issuer_der, root_der] = chain.as_slice() else {
        return Err(Error::ChainEncoding);
    };
    if root_der != root.der() {
        return Err(Error::RootMismatch);
    }
    let issuer = issuer(issuer_der, endorsements, root, now_ms)?;
    let chip = Certificate::parse(chip_der, Link::Chip)?;
    chip.check_validity(now_ms)?;
    chip.check_issued_by(&issuer)?;
    chip.check_signer()?;
    pck_crl.check_certificate(&chip)?;
    let platform = Platform::of(&chip)?;

    enclave::check_vouching(quote, &chip.key()?)?;
    let qe_level = enclave::level(&quote.qe, qe_identity)?;
    let attestation_key = signed::key_of(&quote.attestation_key).ok_or(Error::AttestationKey)?;
    if !signed::is_signed_by(quote.signed, &quote.signature, &attestation_key) {
        return Err(Error::QuoteSignature);
    }

    if platform.fmspc != tcb_info.fmspc {
        return Err(Error::FmspcMismatch);
    }
    if platform.pce_id != tcb_info.pce_id {
        return Err(Error::PceIdMismatch);
    }
    let mut standing = tcb_info.standing(&platform, &report.tee_tcb_svn)?;
    tcb_info.check_module(report)?;
    standing.add(qe_level.status, &qe_level.advisories);
    if let Some(current) = &report.current_tee_tcb_svn {
        let current = tcb_info.standing(&platform, current)?.status.with_component(qe_level.status);
        if current == TcbStatus::Revoked {
            return Err(Error::TcbRevoked);
        }
        standing.status = standing.status.with_current(current);
    }
    if standing.status == TcbStatus::Revoked {
        return Err(Error::TcbRevoked);
    }
    report.check(requirements)?;
    requirements.check_status(standing.status)?;

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
fn issuer<'a>(der: &'a [u8], endorsements: &Endorsements<'_>, root: &Certificate<'_>, now_ms: u64) -> Result<Certificate<'a>, Error> {
    let issuer = Certificate::parse(der, Link::Issuer)?;
    issuer.check_validity(now_ms)?;
    if KeyId::of(der) != endorsements.pck_crl.issuer_certificate {
        issuer.check_issued_by(root)?;
        issuer.check_authority()?;
    }
    endorsements.root_crl.check_certificate(&issuer)?;
    if issuer.key_id()? != endorsements.pck_crl.issuer {
        return Err(Error::CrlOfAnotherIssuer);
    }
    Ok(issuer)
}
