//! One file with all collateral of a family of platforms: a JSON object of texts, certificates as PEM chains, lists and signatures as hex. The shape that
//! `dcap-qvl` and the tools around it write.

use super::CollateralError;
use blockcloud_primitives::{CertificateDer, CollateralItem, List, SignedObject};
use serde::Deserialize;

/// The object.
#[derive(Deserialize)]
struct Document {
    pck_crl_issuer_chain: String,
    root_ca_crl: String,
    pck_crl: String,
    tcb_info_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: String,
    qe_identity_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: String,
}

/// Reads a file's text. `place` says in errors where it comes from.
pub(super) fn read(place: &str, text: &[u8]) -> Result<[CollateralItem; 4], CollateralError> {
    let document: Document = serde_json::from_slice(text).map_err(|_| malformed(place, "collateral as JSON"))?;
    let bytes = |text: &str, what| hex::decode(text.trim()).map_err(|_| malformed(place, what));
    Ok([
        CollateralItem::RootCrl { list: bounded(place, bytes(&document.root_ca_crl, ROOT_CRL)?, ROOT_CRL)? },
        CollateralItem::PckCrl {
            list: bounded(place, bytes(&document.pck_crl, PCK_CRL)?, PCK_CRL)?,
            issuer: first_certificate(place, document.pck_crl_issuer_chain.as_bytes())?,
        },
        CollateralItem::TcbInfo(signed(
            place,
            document.tcb_info.into_bytes(),
            &document.tcb_info_signature,
            document.tcb_info_issuer_chain.as_bytes(),
        )?),
        CollateralItem::QeIdentity(signed(
            place,
            document.qe_identity.into_bytes(),
            &document.qe_identity_signature,
            document.qe_identity_issuer_chain.as_bytes(),
        )?),
    ])
}

pub(super) const ROOT_CRL: &str = "the root's revocation list";
pub(super) const PCK_CRL: &str = "a revocation list of platform keys";
const SIGNED: &str = "a signed JSON object of a length that a chain takes";
const CHAIN: &str = "a chain of certificates in PEM";

/// A JSON object with its signature and its signer's chain.
pub(super) fn signed(place: &str, body: Vec<u8>, signature: &str, chain: &[u8]) -> Result<SignedObject, CollateralError> {
    let signature = signature.parse().map_err(|_| malformed(place, SIGNED))?;
    Ok(SignedObject { body: bounded(place, body, SIGNED)?, signature, signer: first_certificate(place, chain)? })
}

/// The first certificate of a chain: the one whose key has signed. Those above it are the chain's or the verifier's own.
pub(super) fn first_certificate(place: &str, pem: &[u8]) -> Result<CertificateDer, CollateralError> {
    let chain = blockcloud_evidence::tdx::certificates(pem.trim_ascii_end(), 3);
    let first = chain.and_then(|chain| chain.into_iter().next()).ok_or_else(|| malformed(place, CHAIN))?;
    bounded(place, first, CHAIN)
}

/// Bytes of a length that a chain takes.
pub(super) fn bounded<const N: u32>(place: &str, bytes: Vec<u8>, what: &'static str) -> Result<List<u8, N>, CollateralError> {
    bytes.try_into().map_err(|_| malformed(place, what))
}

pub(super) fn malformed(place: &str, what: &'static str) -> CollateralError {
    CollateralError::Malformed { place: place.into(), what }
}
