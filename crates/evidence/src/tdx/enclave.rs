//! The quoting enclave's own report (SGX), which vouches for the attestation key, and the judgement over it.

use crate::{
    journal::{Hex, Journal},
    tdx::{Error, QeIdentity, QeLevel, Quote, quote::Cursor, signed},
};
use p256::ecdsa::VerifyingKey;
use sha2::{Digest, Sha256};

/// What the processor reports of the quoting enclave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnclaveReport<'a> {
    /// The report as the platform's key signed it.
    pub signed: &'a [u8],
    /// State that is saved when the enclave is interrupted.
    pub misc_select: [u8; 4],
    /// Attributes of the enclave.
    pub attributes: [u8; 16],
    /// Who signed the enclave.
    pub mr_signer: [u8; 32],
    /// Which product of its author it is.
    pub product_id: u16,
    /// Security version number of the enclave.
    pub svn: u16,
    /// What the enclave bound.
    pub report_data: [u8; 64],
}

impl<'a> EnclaveReport<'a> {
    /// Length of a report in bytes.
    pub const LEN: usize = 384;

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let signed = cursor.bytes(Self::LEN)?;
        let mut cursor = Cursor(signed);
        let _cpu_svn: [u8; 16] = cursor.array()?;
        let misc_select = cursor.array()?;
        let _reserved: [u8; 28] = cursor.array()?;
        let attributes = cursor.array()?;
        let _mr_enclave: [u8; 32] = cursor.array()?;
        let _reserved: [u8; 32] = cursor.array()?;
        let mr_signer = cursor.array()?;
        let _reserved: [u8; 96] = cursor.array()?;
        let product_id = u16::from_le_bytes(cursor.array()?);
        let svn = u16::from_le_bytes(cursor.array()?);
        let _reserved: [u8; 60] = cursor.array()?;
        Ok(Self { signed, misc_select, attributes, mr_signer, product_id, svn, report_data: cursor.array()? })
    }
}

/// Checks that the platform's key signed the quoting enclave's report and that the report vouches for the attestation key.
pub(crate) fn check_vouching(quote: &Quote<'_>, platform_key: &VerifyingKey, log: &mut impl Journal<Error>) -> Result<(), Error> {
    log.need(signed::is_signed_by(quote.qe.signed, &quote.qe_signature, platform_key), Error::QeReportSignature, "")?;
    let hash: [u8; 32] = Sha256::new().chain_update(quote.attestation_key).chain_update(quote.qe_auth).finalize().into();
    let (vouched, rest) = quote.qe.report_data.split_at(32);
    log.need(vouched == hash && rest.iter().all(|byte| *byte == 0), Error::QeReportData, "")
}

/// Checks that a quoting enclave is the one that the identity describes, and finds its level.
pub(crate) fn level<'a>(qe: &EnclaveReport<'_>, identity: &'a QeIdentity, log: &mut impl Journal<Error>) -> Result<&'a QeLevel, Error> {
    const DEBUG: u8 = 1 << 1;
    let [flags, ..] = qe.attributes;
    log.compare(qe.mr_signer == identity.mr_signer, Error::QeSigner, Hex(&qe.mr_signer), Hex(&identity.mr_signer))?;
    log.check(flags & DEBUG == 0, Error::QeDebuggable, Hex(&qe.attributes))?;
    log.compare(qe.product_id == identity.product_id, Error::QeProduct, qe.product_id, identity.product_id)?;
    let agree = agrees(&qe.misc_select, &identity.misc_select, &identity.misc_select_mask);
    log.compare(agree, Error::QeMiscSelect, Hex(&qe.misc_select), Hex(&identity.misc_select))?;
    let agree = agrees(&qe.attributes, &identity.attributes, &identity.attributes_mask);
    log.compare(agree, Error::QeAttributes, Hex(&qe.attributes), Hex(&identity.attributes))?;
    log.take(identity.levels.iter().find(|level| qe.svn >= level.svn), Error::QeLevel, format_args!("ISVSVN {}", qe.svn))
}

/// Whether two values agree where a mask is set.
pub(crate) fn agrees<const N: usize>(found: &[u8; N], wanted: &[u8; N], mask: &[u8; N]) -> bool {
    found.iter().zip(wanted).zip(mask).all(|((found, wanted), mask)| found & mask == wanted & mask)
}
