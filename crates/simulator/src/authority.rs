//! An authority in the place of AMD's: an RSA-4096 key that signs certificates in the shape of ARK, ASK and VCEK.
//!
//! It signs whatever it is given, so that tests can make certificates that are wrong in exactly one point.

use crate::random::Seeded;
use der::{
    Decode, Encode, Sequence,
    asn1::{Any, BitString, OctetString, UtcTime},
    oid::AssociatedOid,
};
use p384::ecdsa::VerifyingKey;
use rsa::{
    RsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey},
    pss::SigningKey,
    signature::{RandomizedSigner, SignatureEncoding},
};
use sha2::{Digest, Sha256, Sha384};
use std::str::FromStr;
use x509_cert::{
    SubjectPublicKeyInfo, Version,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierOwned,
    time::{Time, Validity},
};

/// AlgorithmIdentifier of RSASSA-PSS with SHA-384, MGF1 over SHA-384 and a salt of 48 bytes, as AMD writes it.
const PSS_SHA384: &[u8] = &[
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60,
    0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01,
    0x30,
];

/// What a certificate says: X.509's TBSCertificate (RFC 5280, section 4.1) without the parts that vendors do not use.
#[derive(Clone, Debug, Sequence)]
pub struct Template {
    /// Version of the format.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub version: Version,
    /// Serial number.
    pub serial: SerialNumber,
    /// Algorithm of the signature, as the certificate names it.
    pub algorithm: AlgorithmIdentifierOwned,
    /// Name of the issuer.
    pub issuer: Name,
    /// When it is valid.
    pub validity: Validity,
    /// Name of the subject.
    pub subject: Name,
    /// The subject's key.
    pub key: SubjectPublicKeyInfo,
    /// Extensions.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    pub extensions: Vec<Extension>,
}

/// A signed certificate (RFC 5280, section 4.1).
#[derive(Sequence)]
struct Certificate {
    template: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

impl Template {
    /// A certificate for a chip's key. Extensions are the caller's to add.
    ///
    /// # Panics
    /// Never: the names and the key have an encoding.
    pub fn chip(issuer: &Authority, key: &VerifyingKey) -> Self {
        Self::new(0, issuer.name.clone(), name("SIMULATED SEV-VCEK"), der_of(key.to_public_key_der()))
    }

    fn new(serial: u8, issuer: Name, subject: Name, key: Vec<u8>) -> Self {
        Self {
            version: Version::V3,
            serial: SerialNumber::from(serial),
            algorithm: AlgorithmIdentifierOwned::from_der(PSS_SHA384).expect("a constant in DER"),
            issuer,
            validity: Validity::new(day(2020), day(2049)),
            subject,
            key: SubjectPublicKeyInfo::from_der(&key).expect("a public key that was just encoded"),
            extensions: Vec::new(),
        }
    }

    /// Adds an extension whose content is given byte for byte.
    pub fn with_extension(mut self, id: der::asn1::ObjectIdentifier, critical: bool, value: impl Into<Vec<u8>>) -> Self {
        let extn_value = OctetString::new(value.into()).expect("an extension is short");
        self.extensions.push(Extension { extn_id: id, critical, extn_value });
        self
    }
}

/// A key that signs certificates, and its name.
pub struct Authority {
    key: SigningKey<Sha384>,
    public: Vec<u8>,
    name: Name,
}

impl Authority {
    /// An authority with a PKCS#8 key in DER and a common name.
    ///
    /// # Errors
    /// The key is not an RSA private key in PKCS#8.
    pub fn from_pkcs8(key: &[u8], common_name: &str) -> rsa::pkcs8::Result<Self> {
        Ok(Self::new(RsaPrivateKey::from_pkcs8_der(key)?, common_name))
    }

    /// An authority with a new RSA-4096 key that the seed determines, and that key in PKCS#8.
    ///
    /// # Errors
    /// The key could not be made or encoded.
    pub fn generate(seed: &[u8; 32], common_name: &str) -> anyhow::Result<(Self, Vec<u8>)> {
        let key = RsaPrivateKey::new(&mut Seeded::new("blockcloud-simulator/authority", seed), 4096)?;
        let pkcs8 = key.to_pkcs8_der()?.as_bytes().to_vec();
        Ok((Self::new(key, common_name), pkcs8))
    }

    fn new(key: RsaPrivateKey, common_name: &str) -> Self {
        let public = der_of(key.to_public_key().to_public_key_der());
        Self { key: SigningKey::new_with_salt_len(key, 48), public, name: name(common_name) }
    }

    /// What the authority's own root certificate says, in the shape of AMD's ARK.
    pub fn root_template(&self) -> Template {
        Template::new(1, self.name.clone(), self.name.clone(), self.public.clone())
            .with_extension(KeyUsage::OID, true, der(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)))
            .with_extension(SubjectKeyIdentifier::OID, false, der(&SubjectKeyIdentifier(self.key_id())))
            .with_extension(BasicConstraints::OID, true, der(&BasicConstraints { ca: true, path_len_constraint: None }))
    }

    /// What a certificate for `issuer` below this authority says, in the shape of AMD's ASK.
    pub fn issuer_template(&self, issuer: &Authority) -> Template {
        let authority = AuthorityKeyIdentifier { key_identifier: Some(self.key_id()), ..Default::default() };
        Template::new(2, self.name.clone(), issuer.name.clone(), issuer.public.clone())
            .with_extension(SubjectKeyIdentifier::OID, false, der(&SubjectKeyIdentifier(issuer.key_id())))
            .with_extension(AuthorityKeyIdentifier::OID, false, der(&authority))
            .with_extension(BasicConstraints::OID, true, der(&BasicConstraints { ca: true, path_len_constraint: Some(0) }))
            .with_extension(KeyUsage::OID, true, der(&KeyUsage(KeyUsages::KeyCertSign.into())))
    }

    /// Signs a certificate. The same template gives the same certificate: the salt is derived from it.
    ///
    /// # Panics
    /// If the template has no encoding (an extension of more than 256 MiB).
    pub fn sign(&self, template: &Template) -> Vec<u8> {
        let signed = der(template);
        let seed = Sha256::digest(&signed).into();
        let mut salt = Seeded::new("blockcloud-simulator/salt", &seed);
        let signature = self.key.try_sign_with_rng(&mut salt, &signed).expect("RSA-4096 has room for SHA-384 and its salt").to_vec();
        der(&Certificate {
            template: Any::from_der(&signed).expect("a template that was just encoded"),
            algorithm: template.algorithm.clone(),
            signature: BitString::from_bytes(&signature).expect("a signature is short"),
        })
    }

    /// Key identifier by RFC 7093, section 2, method 1.
    fn key_id(&self) -> OctetString {
        OctetString::new(&Sha256::digest(&self.public)[..20]).expect("20 bytes")
    }
}

/// A name that says what it is worth.
pub(crate) fn name(common_name: &str) -> Name {
    Name::from_str(&format!("CN={common_name},O=BlockCloud development root: PROTECTS NOTHING,OU=Simulated hardware"))
        .expect("a common name without separators")
}

/// The first day of a year before 2050.
fn day(year: u16) -> Time {
    let date = der::DateTime::new(year, 1, 1, 0, 0, 0).expect("the first of January");
    Time::UtcTime(UtcTime::from_date_time(date).expect("a year that UTCTime can hold"))
}

fn der(value: &impl Encode) -> Vec<u8> {
    value.to_der().expect("lengths far below DER's limit")
}

fn der_of(key: x509_cert::spki::Result<der::Document>) -> Vec<u8> {
    key.expect("a valid key has an encoding").into_vec()
}
