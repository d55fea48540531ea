//! What Intel says about a platform in the certificate of its key: the SGX extension (PCK, section 1.3.5).
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use crate::tdx::{Error, certificate::Certificate, signed::value};
use alloc::vec::Vec;
use codec::{Decode as ScaleDecode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use der::{
    Decode, Reader, SliceReader, Tag,
    asn1::{AnyRef, ObjectIdentifier},
};
use scale_info::TypeInfo;

/// The extension, and the arc of its parts.
const SGX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");
const PPID: &[u32] = &[1];
const TCB: &[u32] = &[2];
const PCE_SVN: &[u32] = &[2, 17];
const CPU_SVN: &[u32] = &[2, 18];
const PCE_ID: &[u32] = &[3];
const FMSPC: &[u32] = &[4];
const SGX_TYPE: &[u32] = &[5];
const INSTANCE_ID: &[u32] = &[6];
const CONFIGURATION: &[u32] = &[7];
const DYNAMIC: &[u32] = &[7, 1];
const CACHED_KEYS: &[u32] = &[7, 2];
const SMT: &[u32] = &[7, 3];

/// How a platform protects memory against its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, ScaleDecode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum SgxType {
    /// Encryption, integrity and replay protection by a tree.
    #[codec(index = 0)]
    Standard,
    /// Encryption only.
    #[codec(index = 1)]
    Scalable,
    /// Encryption and integrity.
    #[codec(index = 2)]
    ScalableWithIntegrity,
}

/// A platform, as the certificate of its key describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, ScaleDecode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Platform {
    /// Provisioning id: the platform's identity.
    pub ppid: [u8; 16],
    /// Family of platforms that share TCB infos.
    pub fmspc: [u8; 6],
    /// Identity of the provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// Security version number of the provisioning certification enclave.
    pub pce_svn: u16,
    /// Security version numbers of the processor and its firmware: the parts that TCB infos speak of.
    pub cpu_svn: [u8; 16],
    /// How memory is protected.
    pub sgx_type: SgxType,
    /// Identity of the platform's present set of packages; of multi-package platforms only.
    pub instance_id: Option<[u8; 16]>,
    /// Packages may be added; of multi-package platforms only.
    pub dynamic: Option<bool>,
    /// Intel keeps the platform's root keys; of multi-package platforms only.
    pub cached_keys: Option<bool>,
    /// Multithreading is on; of multi-package platforms only.
    pub smt: Option<bool>,
}

impl Platform {
    /// Of a certificate whose signature the caller has checked.
    pub(crate) fn of(certificate: &Certificate<'_>) -> Result<Self, Error> {
        let extension = certificate.extension(SGX).ok_or(Error::ExtensionMissing)?;
        let parts = Parts::read(AnyRef::from_der(extension).map_err(|_| Error::ExtensionEncoding)?)?;
        let tcb = Parts::read(parts.required(TCB)?)?;
        let configuration = parts.find(CONFIGURATION).map(Parts::read).transpose()?;
        let flag = |id| configuration.as_ref().and_then(|configuration| configuration.find(id)).map(boolean).transpose();
        let mut components = [0; 16];
        for (component, arc) in components.iter_mut().zip(1u32..) {
            *component = integer(tcb.required(&[2, arc])?)?.try_into().map_err(|_| Error::ExtensionEncoding)?;
        }
        let cpu_svn = octets(tcb.required(CPU_SVN)?)?;
        // The same numbers twice. Verifiers differ in which they read, so that they must not differ.
        if cpu_svn != components {
            return Err(Error::ExtensionContradiction);
        }
        Ok(Self {
            ppid: octets(parts.required(PPID)?)?,
            fmspc: octets(parts.required(FMSPC)?)?,
            pce_id: octets(parts.required(PCE_ID)?)?,
            pce_svn: integer(tcb.required(PCE_SVN)?)?,
            cpu_svn,
            sgx_type: match value(parts.required(SGX_TYPE)?, Tag::Enumerated) {
                Some([0]) => SgxType::Standard,
                Some([1]) => SgxType::Scalable,
                Some([2]) => SgxType::ScalableWithIntegrity,
                _ => return Err(Error::ExtensionEncoding),
            },
            instance_id: parts.find(INSTANCE_ID).map(octets).transpose()?,
            dynamic: flag(DYNAMIC)?,
            cached_keys: flag(CACHED_KEYS)?,
            smt: flag(SMT)?,
        })
    }
}

/// A sequence of pairs of an identifier and a value.
struct Parts<'a>(Vec<(ObjectIdentifier, AnyRef<'a>)>);

impl<'a> Parts<'a> {
    fn read(sequence: AnyRef<'a>) -> Result<Self, Error> {
        Self::pairs(sequence).map_err(|_| Error::ExtensionEncoding).map(Self)
    }

    fn pairs(sequence: AnyRef<'a>) -> der::Result<Vec<(ObjectIdentifier, AnyRef<'a>)>> {
        let content = value(sequence, Tag::Sequence).ok_or_else(|| Tag::Sequence.value_error())?;
        let mut reader = SliceReader::new(content)?;
        let mut pairs: Vec<(ObjectIdentifier, AnyRef<'a>)> = Vec::new();
        while !reader.is_finished() {
            let (id, value) = reader.sequence(|reader: &mut SliceReader<'a>| {
                Ok::<_, der::Error>((ObjectIdentifier::decode(reader)?, AnyRef::decode(reader)?))
            })?;
            if pairs.iter().any(|(other, _)| *other == id) {
                return Err(Tag::Sequence.value_error().into());
            }
            pairs.push((id, value));
        }
        Ok(pairs)
    }

    fn find(&self, arcs: &[u32]) -> Option<AnyRef<'a>> {
        let id = arcs.iter().try_fold(SGX, |id, arc| id.push_arc(*arc)).ok()?;
        self.0.iter().find(|(other, _)| *other == id).map(|(_, value)| *value)
    }

    fn required(&self, arcs: &[u32]) -> Result<AnyRef<'a>, Error> {
        self.find(arcs).ok_or(Error::ExtensionMissing)
    }
}

fn octets<const N: usize>(any: AnyRef<'_>) -> Result<[u8; N], Error> {
    value(any, Tag::OctetString).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::ExtensionEncoding)
}

fn integer(any: AnyRef<'_>) -> Result<u16, Error> {
    any.decode_as::<u16>().map_err(|_| Error::ExtensionEncoding)
}

fn boolean(any: AnyRef<'_>) -> Result<bool, Error> {
    any.decode_as::<bool>().map_err(|_| Error::ExtensionEncoding)
}
