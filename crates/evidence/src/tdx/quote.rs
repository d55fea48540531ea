//! The quote, taken apart (Quote, sections "TD Quote Format" for versions 4 and 5). Not its judgement: nothing here says that a quote is genuine.

use crate::{
    journal::{Hex, Journal, Silent},
    tdx::{BodyType, EnclaveReport, Error, MAX_CHAIN_LEN, MAX_QUOTE_LEN, Report},
};
use sha2::{Digest, Sha256};

/// A quote's fields. Integers are little-endian in the quote, except for those of keys and signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote<'a> {
    /// Version of the layout: 4 or 5.
    pub version: u16,
    /// What the TDX module reports.
    pub report: Report,
    /// What the attestation key signed: header and body.
    pub signed: &'a [u8],
    /// Signature by the attestation key.
    pub signature: [u8; 64],
    /// The attestation key, a point of P-256.
    pub attestation_key: [u8; 64],
    /// The quoting enclave, which vouches for the attestation key.
    pub qe: EnclaveReport<'a>,
    /// Signature by the platform's key over the quoting enclave's report.
    pub qe_signature: [u8; 64],
    /// What the quoting enclave hashed with the attestation key.
    pub qe_auth: [u8; 32],
    /// Certificates of the platform's key, its authority and the root, in PEM.
    pub chain: &'a [u8],
}

impl<'a> Quote<'a> {
    /// ECDSA P-256 with SHA-256.
    const KEY_TYPE: u16 = 2;
    /// Trust domain.
    const TEE_TYPE: u32 = 0x81;
    /// Intel's quoting enclave.
    const QE_VENDOR: [u8; 16] = [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];
    const HEADER_LEN: usize = 48;
    /// Type and length of the body, in version 5.
    const DESCRIPTOR_LEN: usize = 6;
    const QE_REPORT_CERTIFICATION: u16 = 6;
    const PCK_CHAIN: u16 = 5;

    /// Takes a quote apart.
    ///
    /// # Errors
    /// From [`Error::QuoteLength`] to [`Error::ChainLength`] in the order of the variants.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(bytes, &mut Silent)
    }

    /// The same, with every check told.
    pub(crate) fn read(bytes: &'a [u8], log: &mut impl Journal<Error>) -> Result<Self, Error> {
        log.need(bytes.len() <= MAX_QUOTE_LEN, Error::QuoteLength, format_args!("{} bytes", bytes.len()))?;
        let mut cursor = Cursor(bytes);
        let version = u16::from_le_bytes(cursor.array()?);
        log.need(matches!(version, 4 | 5), Error::QuoteVersion, version)?;
        let key_type = u16::from_le_bytes(cursor.array()?);
        log.need(key_type == Self::KEY_TYPE, Error::KeyType, key_type)?;
        let tee_type = u32::from_le_bytes(cursor.array()?);
        log.need(tee_type == Self::TEE_TYPE, Error::TeeType, format_args!("{tee_type:#x}"))?;
        let _reserved: [u8; 4] = cursor.array()?;
        let vendor: [u8; 16] = cursor.array()?;
        log.need(vendor == Self::QE_VENDOR, Error::QeVendor, Hex(&vendor))?;
        let _user_data: [u8; 20] = cursor.array()?;

        let (body_type, before_body) = if version == 4 {
            log.check(true, Error::BodyType, "version 4 has one type only")?;
            log.check(true, Error::BodyLength, "version 4 has one length only")?;
            (BodyType::Td10, Self::HEADER_LEN)
        } else {
            let number = u16::from_le_bytes(cursor.array()?);
            let body_type = log.take(BodyType::from_number(number), Error::BodyType, number)?;
            let length = cursor.length()?;
            log.need(length == body_type.body_len(), Error::BodyLength, format_args!("{length} bytes"))?;
            (body_type, Self::HEADER_LEN.saturating_add(Self::DESCRIPTOR_LEN))
        };
        let report = Report::read(&mut cursor, body_type)?;
        let signed = bytes.get(..before_body.saturating_add(body_type.body_len())).ok_or(Error::QuoteLength)?;

        let length = cursor.length()?;
        let mut data = Cursor(cursor.bytes(length)?);
        // The rest is not signed. It must be zero, so that it carries nothing.
        log.check(cursor.0.iter().all(|byte| *byte == 0), Error::QuotePadding, format_args!("{} bytes of padding", cursor.0.len()))?;
        let quote = Self::read_signature_data(&mut data, version, report, signed, log);
        quote.map_err(|error| if error == Error::QuoteLength { Error::SignatureDataLength } else { error })
    }

    /// Reads the signature data: two layers of certification data, each of which fills the one around it.
    fn read_signature_data(
        data: &mut Cursor<'a>,
        version: u16,
        report: Report,
        signed: &'a [u8],
        log: &mut impl Journal<Error>,
    ) -> Result<Self, Error> {
        let (signature, attestation_key) = (data.array()?, data.array()?);
        let certification = u16::from_le_bytes(data.array()?);
        log.need(certification == Self::QE_REPORT_CERTIFICATION, Error::CertificationType, certification)?;
        log.need(data.length()? == data.0.len(), Error::SignatureDataLength, "")?;
        let qe = EnclaveReport::read(data)?;
        let qe_signature = data.array()?;
        let auth_len = u16::from_le_bytes(data.array()?);
        log.need(auth_len == 32, Error::QeAuthLength, format_args!("{auth_len} bytes"))?;
        let qe_auth = data.array()?;
        let chain_type = u16::from_le_bytes(data.array()?);
        log.need(chain_type == Self::PCK_CHAIN, Error::ChainType, chain_type)?;
        let chain_len = data.length()?;
        log.need(chain_len <= MAX_CHAIN_LEN, Error::ChainLength, format_args!("{chain_len} bytes"))?;
        let chain = data.bytes(chain_len)?;
        log.need(data.0.is_empty(), Error::SignatureDataLength, "")?;
        Ok(Self { version, report, signed, signature, attestation_key, qe, qe_signature, qe_auth, chain })
    }

    /// SHA-256 of what the attestation key signed. Two quotes with the same hash say the same, whatever is around it.
    pub fn signed_hash(&self) -> [u8; 32] {
        Sha256::digest(self.signed).into()
    }
}

/// What is left to read.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Error::QuoteLength)?;
        self.0 = rest;
        Ok(*array)
    }

    /// The next bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Error::QuoteLength)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next four bytes, which are a length.
    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| Error::QuoteLength)
    }
}
