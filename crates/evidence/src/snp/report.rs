//! The attestation report, taken apart (ABI, table "ATTESTATION_REPORT"). Not its judgement: nothing here says that a report is genuine.

use crate::snp::{Error, GuestPolicy, PlatformInfo, Product};
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
        if bytes.len() != Self::LEN {
            return Err(Error::ReportLength);
        }
        let version = u32::from_le_bytes(field(bytes, 0x00)?);
        if !matches!(version, 2 | 3 | 5) {
            return Err(Error::ReportVersion);
        }
        if u32::from_le_bytes(field(bytes, 0x34)?) != Self::ECDSA_P384_SHA384 {
            return Err(Error::SignatureAlgorithm);
        }
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
            signature: signature(bytes)?,
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
        if self.version < 3 {
            return Ok(None);
        }
        let [family, model] = self.cpuid;
        Product::from_cpuid(family, model).map(Some).ok_or(Error::ProductUnknown)
    }

    /// Checks that the chip's own key signed and that the host did not hide it.
    pub(crate) fn check_signing_key(&self) -> Result<(), Error> {
        const MASK_CHIP_KEY: u32 = 1 << 1;
        const SIGNING_KEY: u32 = 0b111 << 2;
        const VCEK: u32 = 0;
        const VLEK: u32 = 1 << 2;
        match self.key_info & SIGNING_KEY {
            VCEK => {}
            VLEK => return Err(Error::SignedByVlek),
            _ => return Err(Error::SigningKey),
        }
        if self.key_info & MASK_CHIP_KEY != 0 {
            return Err(Error::ChipKeyMasked);
        }
        Ok(())
    }
}

/// `N` bytes at an offset.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Error> {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).copied().ok_or(Error::ReportLength)
}

/// The signature: two little-endian numbers of 72 bytes each, of which the upper 24 are zero, then unused bytes.
///
/// The unused bytes are not signed. They must be zero, so that no byte of an accepted report can be changed without the report being refused.
fn signature(bytes: &[u8]) -> Result<Signature, Error> {
    let mut field = bytes.get(Report::SIGNED_LEN..).ok_or(Error::ReportLength)?;
    let mut scalar = || -> Result<[u8; 48], Error> {
        let (number, rest) = field.split_at_checked(Report::SCALAR_LEN).ok_or(Error::ReportLength)?;
        let (number, padding) = number.split_first_chunk::<48>().ok_or(Error::ReportLength)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::SignaturePadding);
        }
        field = rest;
        let mut number = *number;
        number.reverse();
        Ok(number)
    };
    let (r, s) = (scalar()?, scalar()?);
    if field.iter().any(|byte| *byte != 0) {
        return Err(Error::SignaturePadding);
    }
    Signature::from_scalars(r, s).map_err(|_| Error::SignatureRange)
}
