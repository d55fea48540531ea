//! An X.509 certificate of Intel's chain: read strictly, and checked against the one above it (RFC 5280, PCK).
//!
//! Not here: the extension that is Intel's own, see `platform`; nor revocation, see `revocation`.

use crate::tdx::{Error, KeyId, Link, MAX_CERTIFICATE_LEN, Serial, signed::Signed};
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
    pub(crate) fn parse(der: &'a [u8], link: Link) -> Result<Self, Error> {
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(Error::CertificateLength(link));
        }
        Self::read(der, link).map_err(|_| Error::CertificateEncoding(link))
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
    pub(crate) fn root(der: &'a [u8], now_ms: u64) -> Result<Self, Error> {
        let root = Self::parse(der, Link::Root)?;
        root.check_names(&root)?;
        root.check_validity(now_ms)?;
        root.check_extensions()?;
        root.check_authority()?;
        Ok(root)
    }

    /// Checks that `issuer`, whose own standing the caller has checked, issued this certificate. Validity is a matter of its own.
    ///
    /// What can be seen without arithmetic comes first; extensions are believed only once the signature is known to be good.
    pub(crate) fn check_issued_by(&self, issuer: &Certificate<'_>) -> Result<(), Error> {
        self.check_names(issuer)?;
        if !self.signed.is_signed_by(&issuer.key()?) {
            return Err(Error::CertificateSignature(self.link));
        }
        self.check_extensions()
    }

    /// Checks which algorithm and which issuer it names.
    fn check_names(&self, issuer: &Certificate<'_>) -> Result<(), Error> {
        if !self.signed.names_ecdsa(self.tbs.signature()) {
            return Err(Error::CertificateAlgorithm(self.link));
        }
        if self.tbs.issuer() != issuer.tbs.subject() {
            return Err(Error::CertificateIssuer(self.link));
        }
        Ok(())
    }

    /// Checks that it is valid at this time.
    pub(crate) fn check_validity(&self, now_ms: u64) -> Result<(), Error> {
        let not_before = self.tbs.validity().not_before.to_unix_duration().as_secs().saturating_mul(1000);
        if now_ms < not_before {
            return Err(Error::CertificateNotYetValid(self.link));
        }
        if now_ms > self.not_after_ms() {
            return Err(Error::CertificateExpired(self.link));
        }
        Ok(())
    }

    /// Checks that it may sign certificates and revocation lists, and, for a root, that it may have an authority below it.
    pub(crate) fn check_authority(&self) -> Result<(), Error> {
        let refused = Error::NotAnAuthority(self.link);
        let constraints: BasicConstraints = self.decode_extension(BasicConstraints::OID).ok_or(refused)?;
        let usage: KeyUsage = self.decode_extension(KeyUsage::OID).ok_or(refused)?;
        let too_short = self.link == Link::Root && constraints.path_len_constraint == Some(0);
        if !constraints.ca || too_short || !usage.key_cert_sign() || !usage.crl_sign() {
            return Err(refused);
        }
        self.key().map(drop)
    }

    /// Checks that it may sign data and nothing else.
    pub(crate) fn check_signer(&self) -> Result<(), Error> {
        let refused = Error::NotASigner(self.link);
        let constraints: BasicConstraints = self.decode_extension(BasicConstraints::OID).ok_or(refused)?;
        let usage: KeyUsage = self.decode_extension(KeyUsage::OID).ok_or(refused)?;
        if constraints.ca || !usage.digital_signature() {
            return Err(refused);
        }
        self.key().map(drop)
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

    fn check_extensions(&self) -> Result<(), Error> {
        let mut seen: Vec<ObjectIdentifier> = Vec::new();
        for extension in self.extensions() {
            if extension.critical && ![BasicConstraints::OID, KeyUsage::OID].contains(&extension.extn_id) {
                return Err(Error::CriticalExtension(self.link));
            }
            if seen.contains(&extension.extn_id) {
                return Err(Error::ExtensionRepeated(self.link));
            }
            seen.push(extension.extn_id);
        }
        Ok(())
    }

    fn extensions(&self) -> &[Extension] {
        self.tbs.extensions().map_or(&[], Vec::as_slice)
    }

    fn decode_extension<'b, T: Decode<'b>>(&'b self, id: ObjectIdentifier) -> Option<T> {
        self.extension(id).and_then(|value| T::from_der(value).ok())
    }
}
