//! The attestation report, taken apart (ABI, table "ATTESTATION_REPORT"). Not its judgement: nothing here says that a report is genuine.

use crate::{
    journal::{Journal, Silent, tolerated},
    snp::{Error, GuestPolicy, Link, PlatformInfo, Product, Requirements},
};
use p384::ecdsa::Signature;

/// A report's fields. Integers are little-endian in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Version of the layout: 2, 3 or 5.
    pub version: u32,
    /// Security version number of the guest.
    pub guest_svn: u32,
    /// The guest policy.
    pub policy: GuestPolicy,
    /// Privilege level of the software that asked for the report.
    pub vmpl: u32,
    /// Firmware level that runs, as raw bytes: their order depends on the product.
    pub current_tcb: [u8; 8],
    /// How the platform is set up.
    pub platform: PlatformInfo,
    /// Which key signed, and what the host hid of it (field `KEY_INFO` at 0x48).
    pub key_info: u32,
    /// What the guest bound.
    pub report_data: [u8; 64],
    /// Launch measurement.
    pub measurement: [u8; 48],
    /// What the host bound at launch.
    pub host_data: [u8; 32],
    /// Firmware level that the host chose to report, as raw bytes.
    pub reported_tcb: [u8; 8],
    /// CPUID family and model in combined form; meaningless in version 2.
    pub cpuid: [u8; 2],
    /// The chip's identity.
    pub chip_id: [u8; 64],
    /// Firmware level below which the host cannot go back, as raw bytes.
    pub committed_tcb: [u8; 8],
    /// Firmware level at the guest's launch, as raw bytes.
    pub launch_tcb: [u8; 8],
    /// The processor's signature.
    pub signature: Signature,
}

impl Report {
    /// Length of a report in bytes.
    pub const LEN: usize = 1184;
    /// Length of the signed part, which is the report's beginning.
    pub const SIGNED_LEN: usize = 0x2a0;
    /// The only signature algorithm: ECDSA P-384 with SHA-384.
    pub const ECDSA_P384_SHA384: u32 = 1;
    /// Length of each of the signature's two numbers, little-endian; only the first 48 bytes are used.
    const SCALAR_LEN: usize = 72;

    /// Takes a report apart.
    ///
    /// # Errors
    /// [`Error::ReportLength`], [`Error::ReportVersion`], [`Error::SignatureAlgorithm`], [`Error::SignaturePadding`], [`Error::SignatureRange`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes, &mut Silent)
    }

    /// The same, with every check told.
    pub(crate) fn read(bytes: &[u8], log: &mut impl Journal<Error>) -> Result<Self, Error> {
        log.need(bytes.len() == Self::LEN, Error::ReportLength, format_args!("{} bytes", bytes.len()))?;
        let version = u32::from_le_bytes(field(bytes, 0x00)?);
        log.need(matches!(version, 2 | 3 | 5), Error::ReportVersion, version)?;
        let algorithm = u32::from_le_bytes(field(bytes, 0x34)?);
        log.need(algorithm == Self::ECDSA_P384_SHA384, Error::SignatureAlgorithm, algorithm)?;
        Ok(Self {
            version,
            guest_svn: u32::from_le_bytes(field(bytes, 0x04)?),
            policy: GuestPolicy(u64::from_le_bytes(field(bytes, 0x08)?)),
            vmpl: u32::from_le_bytes(field(bytes, 0x30)?),
            current_tcb: field(bytes, 0x38)?,
            platform: PlatformInfo(u64::from_le_bytes(field(bytes, 0x40)?)),
            key_info: u32::from_le_bytes(field(bytes, 0x48)?),
            report_data: field(bytes, 0x50)?,
            measurement: field(bytes, 0x90)?,
            host_data: field(bytes, 0xc0)?,
            reported_tcb: field(bytes, 0x180)?,
            cpuid: field(bytes, 0x188)?,
            chip_id: field(bytes, 0x1a0)?,
            committed_tcb: field(bytes, 0x1e0)?,
            launch_tcb: field(bytes, 0x1f0)?,
            signature: signature(bytes, log)?,
        })
    }

    /// The part of a report that the processor signs.
    pub fn signed_part(bytes: &[u8]) -> Result<&[u8], Error> {
        bytes.get(..Self::SIGNED_LEN).ok_or(Error::ReportLength)
    }

    /// The product by CPUID, or nothing in version 2, which does not carry it.
    ///
    /// # Errors
    /// [`Error::ProductUnknown`].
    pub fn product(&self) -> Result<Option<Product>, Error> {
        self.processor(&mut Silent)
    }

    /// The same, with the check told.
    pub(crate) fn processor(&self, log: &mut impl Journal<Error>) -> Result<Option<Product>, Error> {
        if self.version < 3 {
            return Ok(None);
        }
        let [family, model] = self.cpuid;
        let product = Product::from_cpuid(family, model);
        log.take(product, Error::ProductUnknown, format_args!("family {family:#x}, model {model:#x}")).map(Some)
    }

    /// Whether a cloud provider's key signed.
    #[cfg(feature = "std")]
    pub(crate) fn is_signed_by_vlek(&self) -> bool {
        self.signing_key() == Some(SigningKey::Vlek)
    }

    fn signing_key(&self) -> Option<SigningKey> {
        const SIGNING_KEY: u32 = 0b111 << 2;
        const VCEK: u32 = 0;
        const VLEK: u32 = 1 << 2;
        match self.key_info & SIGNING_KEY {
            VCEK => Some(SigningKey::Vcek),
            VLEK => Some(SigningKey::Vlek),
            _ => None,
        }
    }

    /// Checks that the chip's own key signed, or the cloud provider's if that is allowed, and that the host did not hide the chip's.
    pub(crate) fn check_signing_key(&self, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<SigningKey, Error> {
        const MASK_CHIP_KEY: u32 = 1 << 1;
        let key = log.take(self.signing_key(), Error::SigningKey, format_args!("key info {:#x}", self.key_info))?;
        let (best, allowed) = (key == SigningKey::Vcek, requirements.allow_vlek);
        let name = if best { "the chip's own key (VCEK)" } else { "a cloud provider's key (VLEK)" };
        log.check(best || allowed, Error::SignedByVlek, format_args!("{name}{}", tolerated(best, allowed)))?;
        log.check(self.key_info & MASK_CHIP_KEY == 0, Error::ChipKeyMasked, format_args!("key info {:#x}", self.key_info))?;
        Ok(key)
    }
}

/// Which kind of key signed a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SigningKey {
    /// The chip's own.
    Vcek,
    /// One that AMD has given to a cloud provider, to be loaded into all of its chips.
    Vlek,
}

impl SigningKey {
    /// The place of its certificate.
    pub(crate) fn link(self) -> Link {
        match self {
            Self::Vcek => Link::Chip,
            Self::Vlek => Link::Vlek,
        }
    }
}

/// `N` bytes at an offset.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Error> {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).copied().ok_or(Error::ReportLength)
}

/// The signature: two little-endian numbers of 72 bytes each, of which the upper 24 are zero, then unused bytes.
///
/// The unused bytes are not signed. They must be zero, so that no byte of an accepted report can be changed without the report being refused.
fn signature(bytes: &[u8], log: &mut impl Journal<Error>) -> Result<Signature, Error> {
    let field = bytes.get(Report::SIGNED_LEN..).ok_or(Error::ReportLength)?;
    let (r, r_padding, field) = scalar(field).ok_or(Error::ReportLength)?;
    let (s, s_padding, rest) = scalar(field).ok_or(Error::ReportLength)?;
    let padding = [r_padding, s_padding, rest].into_iter().flatten().all(|byte| *byte == 0);
    log.check(padding, Error::SignaturePadding, "")?;
    log.take(Signature::from_scalars(r, s).ok(), Error::SignatureRange, "")
}

/// A number, big-endian, the unused bytes of its field, and what comes after the field.
fn scalar(field: &[u8]) -> Option<([u8; 48], &[u8], &[u8])> {
    let (field, rest) = field.split_at_checked(Report::SCALAR_LEN)?;
    let (number, padding) = field.split_first_chunk::<48>()?;
    let mut number = *number;
    number.reverse();
    Some((number, padding, rest))
}
