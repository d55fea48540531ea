//! An X.509 certificate of Intel's chain: read strictly, and checked against the one above it (RFC 5280, PCK).
//!
//! Not here: the extension that is Intel's own, see `platform`; nor revocation, see `revocation`.

use crate::{
    journal::{Date, Journal},
    tdx::{Error, KeyId, Link, MAX_CERTIFICATE_LEN, Serial, signed::Signed},
};
use alloc::vec::Vec;
use der::{Decode, Tag, asn1::ObjectIdentifier, oid::AssociatedOid};
use p256::ecdsa::VerifyingKey;
use x509_cert::{
    TbsCertificate, Version,
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage},
    },
    name::Name,
};

/// A certificate that was read, and not yet judged.
pub(crate) struct Certificate<'a> {
    link: Link,
    der: &'a [u8],
    signed: Signed<'a>,
    tbs: TbsCertificate,
}

impl<'a> Certificate<'a> {
    /// Reads one DER certificate and nothing after it.
    pub(crate) fn parse(der: &'a [u8], link: Link, log: &mut impl Journal<Error>) -> Result<Self, Error> {
        log.need(der.len() <= MAX_CERTIFICATE_LEN, Error::CertificateLength(link), format_args!("{} bytes", der.len()))?;
        log.take(Self::read(der, link).ok(), Error::CertificateEncoding(link), "")
    }

    fn read(der: &'a [u8], link: Link) -> der::Result<Self> {
        let signed = Signed::read(der)?;
        let tbs = TbsCertificate::from_der(signed.part)?;
        if tbs.version() != Version::V3 {
            return Err(Tag::Integer.value_error().into());
        }
        Ok(Self { link, der, signed, tbs })
    }

    /// Reads the root and checks what can be seen of it: that it stands for itself, is valid, and may sign certificates and revocation lists.
    ///
    /// Its own signature is not verified: it is believed because somebody in charge says so.
    pub(crate) fn root(der: &'a [u8], now_ms: u64, log: &mut impl Journal<Error>) -> Result<Self, Error> {
        let root = Self::parse(der, Link::Root, log)?;
        root.check_names(&root, log)?;
        root.check_validity(now_ms, log)?;
        root.check_extensions(log)?;
        root.check_authority(log)?;
        Ok(root)
    }

    /// Checks that `issuer`, whose own standing the caller has checked, issued this certificate. Validity is a matter of its own.
    ///
    /// What can be seen without arithmetic comes first; extensions are believed only once the signature is known to be good.
    pub(crate) fn check_issued_by(&self, issuer: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<(), Error> {
        self.check_names(issuer, log)?;
        log.need(self.signed.is_signed_by(&issuer.key()?), Error::CertificateSignature(self.link), "")?;
        self.check_extensions(log)
    }

    /// Checks which algorithm and which issuer it names.
    fn check_names(&self, issuer: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.need(self.signed.names_ecdsa(self.tbs.signature()), Error::CertificateAlgorithm(self.link), "")?;
        let (found, wanted) = (self.tbs.issuer(), issuer.tbs.subject());
        log.compare(found == wanted, Error::CertificateIssuer(self.link), found, wanted)
    }

    /// Checks that it is valid at this time.
    pub(crate) fn check_validity(&self, now_ms: u64, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let not_before = self.tbs.validity().not_before.to_unix_duration().as_secs().saturating_mul(1000);
        let not_after = self.not_after_ms();
        log.check(now_ms >= not_before, Error::CertificateNotYetValid(self.link), format_args!("valid from {}", Date(not_before)))?;
        log.check(now_ms <= not_after, Error::CertificateExpired(self.link), format_args!("valid until {}", Date(not_after)))
    }

    /// Checks that it may sign certificates and revocation lists, and, for a root, that it may have an authority below it.
    pub(crate) fn check_authority(&self, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let authority = self.powers().is_some_and(|(constraints, usage)| {
            let too_short = self.link == Link::Root && constraints.path_len_constraint == Some(0);
            constraints.ca && !too_short && usage.key_cert_sign() && usage.crl_sign()
        });
        log.check(authority, Error::NotAnAuthority(self.link), "")?;
        log.step(self.key().map(drop), &[Error::CertificateKey(self.link)])
    }

    /// Checks that it may sign data and nothing else.
    pub(crate) fn check_signer(&self, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let signer = self.powers().is_some_and(|(constraints, usage)| !constraints.ca && usage.digital_signature());
        log.check(signer, Error::NotASigner(self.link), "")?;
        log.step(self.key().map(drop), &[Error::CertificateKey(self.link)])
    }

    /// What it says that it may do.
    fn powers(&self) -> Option<(BasicConstraints, KeyUsage)> {
        Some((self.decode_extension(BasicConstraints::OID)?, self.decode_extension(KeyUsage::OID)?))
    }

    /// The certificate as it came.
    pub(crate) fn der(&self) -> &'a [u8] {
        self.der
    }

    pub(crate) fn link(&self) -> Link {
        self.link
    }

    pub(crate) fn subject(&self) -> &Name {
        self.tbs.subject()
    }

    pub(crate) fn serial(&self) -> Result<Serial, Error> {
        Serial::from_integer(self.tbs.serial_number().as_bytes()).ok_or(Error::CertificateEncoding(self.link))
    }

    /// The last millisecond at which it is valid, in Unix time.
    pub(crate) fn not_after_ms(&self) -> u64 {
        self.tbs.validity().not_after.to_unix_duration().as_secs().saturating_mul(1000)
    }

    /// The extension's value, that is, the content of its octet string.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions().iter().find(|extension| extension.extn_id == id).map(|extension| extension.extn_value.as_bytes())
    }

    /// The subject's key.
    pub(crate) fn key(&self) -> Result<VerifyingKey, Error> {
        VerifyingKey::from_sec1_bytes(self.point()?).map_err(|_| Error::CertificateKey(self.link))
    }

    /// What names the subject's key.
    pub(crate) fn key_id(&self) -> Result<KeyId, Error> {
        self.point().map(KeyId::of)
    }

    /// The subject's key if it is written as an uncompressed point of P-256.
    fn point(&self) -> Result<&[u8], Error> {
        const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const UNCOMPRESSED_LEN: usize = 65;
        let refused = Error::CertificateKey(self.link);
        let info = self.tbs.subject_public_key_info();
        let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        if info.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SECP256R1) {
            return Err(refused);
        }
        info.subject_public_key.as_bytes().filter(|point| point.len() == UNCOMPRESSED_LEN).ok_or(refused)
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

    fn decode_extension<'b, T: Decode<'b>>(&'b self, id: ObjectIdentifier) -> Option<T> {
        self.extension(id).and_then(|value| T::from_der(value).ok())
    }
}
