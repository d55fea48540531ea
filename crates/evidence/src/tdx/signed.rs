//! What certificates and revocation lists have in common: a signed part, the algorithm's name, a signature (RFC 5280, sections 4.1 and 5.1).

use der::{
    Decode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier},
};
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Something signed, in DER.
pub(crate) struct Signed<'a> {
    /// The signed part exactly as it came: it is never encoded again.
    pub(crate) part: &'a [u8],
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads exactly one structure and nothing after it.
    pub(crate) fn read(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let (part, algorithm, signature) = reader.sequence(|reader: &mut SliceReader<'a>| {
            Ok::<_, der::Error>((reader.tlv_bytes()?, AlgorithmIdentifierRef::decode(reader)?, BitStringRef::decode(reader)?))
        })?;
        reader.finish()?;
        let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
        Ok(Self { part, algorithm, signature })
    }

    /// Whether both places that name the algorithm (`inner` is the one in the signed part) name ECDSA with SHA-256, without parameters (RFC 5758).
    pub(crate) fn names_ecdsa(&self, inner: &AlgorithmIdentifierOwned) -> bool {
        let inner_parameters: Option<AnyRef<'_>> = inner.parameters.as_ref().map(AnyRef::from);
        inner.oid == ECDSA_WITH_SHA256
            && self.algorithm.oid == ECDSA_WITH_SHA256
            && inner_parameters.is_none()
            && self.algorithm.parameters.is_none()
    }

    /// Whether this key signed.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        Signature::from_der(self.signature).is_ok_and(|signature| key.verify(self.part, &signature).is_ok())
    }
}

/// Whether a key signed a message, by the 64 bytes that Intel writes everywhere outside of X.509: r and s, big-endian.
pub(crate) fn is_signed_by(message: &[u8], signature: &[u8; 64], key: &VerifyingKey) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

/// The key of an uncompressed point.
pub(crate) fn key_of(point: &[u8; 64]) -> Option<VerifyingKey> {
    let mut encoded = [0x04; 65];
    let (_, coordinates) = encoded.split_first_mut()?;
    coordinates.copy_from_slice(point);
    VerifyingKey::from_sec1_bytes(&encoded).ok()
}

/// The content of a DER value if it has the tag.
pub(crate) fn value<'a>(any: AnyRef<'a>, tag: Tag) -> Option<&'a [u8]> {
    (any.tag() == tag).then(|| any.value())
}
