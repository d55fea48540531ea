//! A P-256 key in the place of one of Intel's. It signs whatever it is given, so that tests can make what is wrong in exactly one point.

use crate::{
    Template,
    random::Seeded,
    tdx::parts::{der, tlv},
};
use der::Decode;
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    pkcs8::{self, DecodePrivateKey, EncodePrivateKey, EncodePublicKey},
};
use x509_cert::{SubjectPublicKeyInfo, spki::AlgorithmIdentifierOwned};

/// A P-256 key. Its signatures are deterministic (RFC 6979): the same message gives the same signature.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// The key that this seed determines.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::next(&mut Seeded::new("blockcloud-simulator/tdx-key", seed))
    }

    /// The next key of a stream.
    pub(crate) fn next(random: &mut Seeded) -> Self {
        loop {
            // Almost every 32 bytes are a number below the order of P-256.
            if let Ok(key) = SigningKey::from_slice(&random.bytes::<32>()) {
                return Self(key);
            }
        }
    }

    /// A key in PKCS#8, DER.
    ///
    /// # Errors
    /// The key is not a P-256 private key in PKCS#8.
    pub fn from_pkcs8(key: &[u8]) -> pkcs8::Result<Self> {
        SigningKey::from_pkcs8_der(key).map(Self)
    }

    /// The key in PKCS#8, DER.
    ///
    /// # Errors
    /// The key could not be encoded.
    pub fn to_pkcs8(&self) -> pkcs8::Result<Vec<u8>> {
        Ok(self.0.to_pkcs8_der()?.as_bytes().to_vec())
    }

    /// The public key, as certificates have it.
    ///
    /// # Panics
    /// Never: a key has an encoding.
    pub fn public(&self) -> SubjectPublicKeyInfo {
        let document = self.0.verifying_key().to_public_key_der().expect("a key has an encoding");
        SubjectPublicKeyInfo::from_der(document.as_bytes()).expect("a public key that was just encoded")
    }

    /// The public key as quotes have it: both coordinates, big-endian.
    ///
    /// # Panics
    /// Never: an uncompressed point has 65 bytes.
    pub fn point(&self) -> [u8; 64] {
        let point = self.0.verifying_key().to_sec1_point(false);
        point.as_bytes()[1..].try_into().expect("two coordinates of 32 bytes")
    }

    /// Signs as Intel does outside of X.509: r and s, big-endian.
    pub fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }

    /// Signs the part of a certificate or revocation list that is signed, and puts the algorithm's name between part and signature.
    pub fn sign_x509(&self, part: &[u8], algorithm: &AlgorithmIdentifierOwned) -> Vec<u8> {
        let signature: Signature = self.0.sign(part);
        // A bit string of whole bytes.
        let signature = tlv(0x03, &[&[0], signature.to_der().as_bytes()].concat());
        tlv(0x30, &[part, &der(algorithm), &signature].concat())
    }

    /// Signs a certificate.
    pub fn certify(&self, template: &Template) -> Vec<u8> {
        self.sign_x509(&der(template), &template.algorithm)
    }
}
