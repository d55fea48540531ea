//! An X.509 certificate of AMD's chain: read strictly, and checked against the one above it (RFC 5280, RFC 8017).
//!
//! Not here: the extensions that are AMD's own, see `endorsement`.

use crate::{
    journal::{Date, Journal},
    snp::{Error, Link},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use der::{
    Decode as DerDecode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier},
    oid::AssociatedOid,
};
use rsa::{
    BoxedUint, RsaPublicKey,
    pss::{Signature, VerifyingKey},
    signature::Verifier,
    traits::PublicKeyParts,
};
use scale_info::TypeInfo;
use sha2::Sha384;
use x509_cert::{
    TbsCertificate, Version,
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage},
    },
    spki::AlgorithmIdentifierRef,
};

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_MODULUS_BITS: u32 = 4096;
const RSA_EXPONENT: u64 = 65537;
const SALT_LEN: usize = 48;

/// Length of an uncompressed point of P-384 (SEC 1, section 2.3.3).
pub(crate) const POINT_LEN: usize = 97;

/// RSASSA-PSS-params: SHA-384, MGF1 with SHA-384, salt 48. AMD writes them with and without the trailer field, whose value is the default either way.
const PSS_PARAMETERS: &[u8] = &[
    0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, // hash
    0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, // MGF1
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, // its hash
    0xa2, 0x03, 0x02, 0x01, 0x30, // salt length
];
const PSS_TRAILER: &[u8] = &[0xa3, 0x03, 0x02, 0x01, 0x01];

/// When a certificate counts: the first and the last Unix millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub(crate) struct Validity {
    not_before_ms: u64,
    not_after_ms: u64,
}

impl Validity {
    /// The last Unix millisecond.
    pub(crate) fn not_after_ms(self) -> u64 {
        self.not_after_ms
    }

    /// Checks that a certificate at this place counts at `now_ms`.
    pub(crate) fn check(self, link: Link, now_ms: u64, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let Self { not_before_ms, not_after_ms } = self;
        log.check(now_ms >= not_before_ms, Error::CertificateNotYetValid(link), format_args!("valid from {}", Date(not_before_ms)))?;
        log.check(now_ms <= not_after_ms, Error::CertificateExpired(link), format_args!("valid until {}", Date(not_after_ms)))
    }
}

/// A certificate that was read, and not yet judged.
pub(crate) struct Certificate<'a> {
    link: Link,
    /// The signed part exactly as it came: it is never encoded again.
    signed: &'a [u8],
    tbs: TbsCertificate,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one DER certificate and nothing after it.
    pub(crate) fn parse(der: &'a [u8], link: Link, log: &mut impl Journal<Error>) -> Result<Self, Error> {
        log.take(Self::read(der, link).ok(), Error::CertificateEncoding(link), format_args!("{} bytes", der.len()))
    }

    fn read(der: &'a [u8], link: Link) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let (signed, algorithm, signature) = reader.sequence(|reader: &mut SliceReader<'a>| {
            Ok::<_, der::Error>((reader.tlv_bytes()?, AlgorithmIdentifierRef::decode(reader)?, BitStringRef::decode(reader)?))
        })?;
        reader.finish()?;
        let tbs = TbsCertificate::from_der(signed)?;
        if tbs.version() != Version::V3 {
            return Err(Tag::Integer.value_error().into());
        }
        let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
        Ok(Self { link, signed, tbs, algorithm, signature })
    }

    /// Checks that `issuer` issued this certificate and that both are valid at `now_ms`.
    ///
    /// What can be seen without arithmetic comes first; extensions are believed only once the signature is known to be good.
    pub(crate) fn check_issued_by(&self, issuer: &Certificate<'_>, now_ms: u64, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let link = self.link;
        log.need(self.names_algorithm(), Error::CertificateAlgorithm(link), "")?;
        let (found, wanted) = (self.tbs.issuer(), issuer.tbs.subject());
        log.compare(found == wanted, Error::CertificateIssuer(link), found, wanted)?;
        issuer.validity().check(issuer.link, now_ms, log)?;
        self.validity().check(link, now_ms, log)?;
        let signature = Signature::try_from(self.signature);
        let key = VerifyingKey::<Sha384>::new_with_salt_len(issuer.rsa_key(log)?, SALT_LEN);
        let signed = signature.is_ok_and(|signature| key.verify(self.signed, &signature).is_ok());
        log.need(signed, Error::CertificateSignature(link), "")?;
        self.check_extensions(log)
    }

    /// Checks that this certificate may sign others, by a key of the right kind, and, for a root, that it may have an intermediate below it.
    pub(crate) fn check_authority(&self, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.check(self.is_authority().unwrap_or(false), Error::NotAnAuthority(self.link), "")?;
        self.rsa_key(log).map(drop)
    }

    fn is_authority(&self) -> Option<bool> {
        let constraints: BasicConstraints = self.decode_extension(BasicConstraints::OID)?;
        let usage: KeyUsage = self.decode_extension(KeyUsage::OID)?;
        let too_short = self.link == Link::Root && constraints.path_len_constraint == Some(0);
        Some(constraints.ca && !too_short && usage.key_cert_sign())
    }

    /// The extension's value, that is, the content of its octet string.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions().iter().find(|extension| extension.extn_id == id).map(|extension| extension.extn_value.as_bytes())
    }

    /// When it counts. Saturating without effect: dates end with the year 9999.
    pub(crate) fn validity(&self) -> Validity {
        let validity = self.tbs.validity();
        Validity {
            not_before_ms: validity.not_before.to_unix_duration().as_secs().saturating_mul(1000),
            not_after_ms: validity.not_after.to_unix_duration().as_secs().saturating_mul(1000),
        }
    }

    /// The subject's key if it is an uncompressed point of P-384, and its bytes.
    pub(crate) fn p384_key(&self, log: &mut impl Journal<Error>) -> Result<([u8; POINT_LEN], p384::ecdsa::VerifyingKey), Error> {
        log.take(self.point(), Error::CertificateKey(self.link), "")
    }

    fn point(&self) -> Option<([u8; POINT_LEN], p384::ecdsa::VerifyingKey)> {
        const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
        let info = self.tbs.subject_public_key_info();
        let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        if info.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SECP384R1) {
            return None;
        }
        let point: [u8; POINT_LEN] = info.subject_public_key.as_bytes()?.try_into().ok()?;
        Some((point, p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?))
    }

    fn rsa_key(&self, log: &mut impl Journal<Error>) -> Result<RsaPublicKey, Error> {
        let info = self.tbs.subject_public_key_info();
        let key = RsaPublicKey::try_from(x509_cert::der::referenced::OwnedToRef::owned_to_ref(info)).ok();
        let key = key.filter(|key| key.n().bits() == RSA_MODULUS_BITS && *key.e() == BoxedUint::from(RSA_EXPONENT));
        log.take(key, Error::CertificateKey(self.link), "")
    }

    /// Both places that name the signature's algorithm must name the one that is used, parameters byte for byte.
    fn names_algorithm(&self) -> bool {
        let inner = self.tbs.signature();
        let parameters = inner.parameters.as_ref().map(AnyRef::from);
        let same = inner.oid == self.algorithm.oid && parameters == self.algorithm.parameters;
        let exact = parameters.is_some_and(|parameters| {
            let trailer = parameters.value().strip_prefix(PSS_PARAMETERS);
            parameters.tag() == Tag::Sequence && matches!(trailer, Some(trailer) if trailer.is_empty() || trailer == PSS_TRAILER)
        });
        same && exact && inner.oid == RSASSA_PSS
    }

    fn check_extensions(&self, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let known = |extension: &Extension| !extension.critical || [BasicConstraints::OID, KeyUsage::OID].contains(&extension.extn_id);
        log.check(self.extensions().iter().all(known), Error::CriticalExtension(self.link), "")?;
        let mut seen: Vec<ObjectIdentifier> = Vec::new();
        let repeated = self.extensions().iter().any(|extension| {
            let repeated = seen.contains(&extension.extn_id);
            seen.push(extension.extn_id);
            repeated
        });
        log.check(!repeated, Error::ExtensionRepeated(self.link), "")
    }

    fn extensions(&self) -> &[Extension] {
        self.tbs.extensions().map_or(&[], Vec::as_slice)
    }

    fn decode_extension<'b, T: DerDecode<'b>>(&'b self, id: ObjectIdentifier) -> Option<T> {
        self.extension(id).and_then(|value| T::from_der(value).ok())
    }
}
