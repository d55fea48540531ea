//! Keys of exporters and witnesses: ECDSA over P-256 with SHA-256 (ES256) and Ed25519 (EdDSA), the two that COSE verifiers everywhere know (RFC 9053, section 2).
//!
//! Public keys are exchanged as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), in DER or PEM. Not here: private keys, which stay with whoever holds them behind [`Signer`].

use p256::{
    ecdsa::signature::Verifier as _,
    pkcs8::{DecodePublicKey as _, EncodePublicKey as _},
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Everything before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_LABEL: &str = "PUBLIC KEY";

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256; signatures are `r || s`, 64 bytes (RFC 9053, 2.1).
    Es256,
    /// Ed25519 (RFC 8032); signatures have 64 bytes (RFC 9053, 2.2).
    EdDsa,
}

/// A file or byte string is no public key that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a P-256 or Ed25519 public key (SubjectPublicKeyInfo)")]
pub struct KeyError;

/// A signature is not the key's over the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature is not this key's over this content")]
pub struct WrongSignature;

/// Whoever signs an export.
pub trait Signer {
    /// The public half.
    fn public(&self) -> PublicKey;

    /// The signature over a message: 64 bytes in either algorithm.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// On P-256.
    Es256(p256::ecdsa::VerifyingKey),
    /// On Curve25519.
    EdDsa(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// An Ed25519 key from its 32 bytes (RFC 8032, 5.1.5).
    ///
    /// # Errors
    /// [`KeyError`] for what is no point of the curve, and for points of small order, under which anybody's signature would verify.
    pub fn from_ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError)?;
        if key.is_weak() { Err(KeyError) } else { Ok(Self::EdDsa(key)) }
    }

    /// Reads SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if let Some(bytes) = der.strip_prefix(&ED25519_SPKI) {
            return Self::from_ed25519(bytes.try_into().map_err(|_| KeyError)?);
        }
        p256::ecdsa::VerifyingKey::from_public_key_der(der).map(Self::Es256).map_err(|_| KeyError)
    }

    /// Reads SubjectPublicKeyInfo in PEM (RFC 7468, section 13).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        match pem_rfc7468::decode_vec(pem.trim_ascii()) {
            Ok((PEM_LABEL, der)) => Self::from_der(&der),
            _ => Err(KeyError),
        }
    }

    /// SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`KeyError`] if the library cannot encode the key, which does not happen for one that it read.
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Es256(key) => Ok(key.to_public_key_der().map_err(|_| KeyError)?.into_vec()),
            Self::EdDsa(key) => Ok([ED25519_SPKI.as_slice(), key.as_bytes()].concat()),
        }
    }

    /// SubjectPublicKeyInfo in PEM.
    ///
    /// # Errors
    /// As [`to_der`](Self::to_der).
    pub fn to_pem(&self) -> Result<String, KeyError> {
        pem_rfc7468::encode_string(PEM_LABEL, pem_rfc7468::LineEnding::LF, &self.to_der()?).map_err(|_| KeyError)
    }

    /// Its name in messages: SHA-256 over its SubjectPublicKeyInfo, as RFC 6962 names logs (section 3.2).
    ///
    /// # Errors
    /// As [`to_der`](Self::to_der).
    pub fn id(&self) -> Result<[u8; 32], KeyError> {
        Ok(Sha256::digest(self.to_der()?).into())
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// Whether this is the key's signature over the message. Ed25519 is verified strictly (no keys or points of small order).
    ///
    /// # Errors
    /// [`WrongSignature`], also for one that has not 64 bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WrongSignature> {
        match self {
            Self::Es256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| WrongSignature)?;
                key.verify(message, &signature).map_err(|_| WrongSignature)
            }
            Self::EdDsa(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| WrongSignature)?;
                key.verify_strict(message, &signature).map_err(|_| WrongSignature)
            }
        }
    }
}

impl Signer for p256::ecdsa::SigningKey {
    fn public(&self) -> PublicKey {
        PublicKey::Es256(*self.verifying_key())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(self, message);
        signature.to_bytes().into()
    }
}

impl Signer for ed25519_dalek::SigningKey {
    fn public(&self) -> PublicKey {
        PublicKey::EdDsa(self.verifying_key())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        ed25519_dalek::Signer::sign(self, message).to_bytes()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn ed25519() -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[7; 32])
    }

    pub fn p256() -> p256::ecdsa::SigningKey {
        p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for key in [ed25519().public(), p256().public()] {
            assert_eq!(PublicKey::from_der(&key.to_der().unwrap()), Ok(key));
            assert_eq!(PublicKey::from_pem(key.to_pem().unwrap().as_bytes()), Ok(key));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let der = ed25519().public().to_der().unwrap();
        let longer = [der.as_slice(), &[0]].concat();
        for wrong in [&der[..43], &longer, &[][..], &[0x30, 0x00]] {
            assert_eq!(PublicKey::from_der(wrong), Err(KeyError));
        }
        // A point of small order.
        assert_eq!(PublicKey::from_ed25519(&[0; 32]), Err(KeyError));
        let pem = ed25519().public().to_pem().unwrap();
        for wrong in [pem.replace("PUBLIC", "PRIVATE"), pem.replace("-----END", "")] {
            assert_eq!(PublicKey::from_pem(wrong.as_bytes()), Err(KeyError));
        }
    }

    #[test]
    fn a_signature_is_one_keys_over_one_message() {
        let signers: [&dyn Signer; 2] = [&ed25519(), &p256()];
        for signer in signers {
            let signature = signer.sign(b"message");
            assert_eq!(signer.public().verify(b"message", &signature), Ok(()));
            assert_eq!(signer.public().verify(b"massage", &signature), Err(WrongSignature));
            assert_eq!(signer.public().verify(b"message", &signature[..63]), Err(WrongSignature));
            for other in signers.iter().filter(|other| other.public() != signer.public()) {
                assert_eq!(other.public().verify(b"message", &signature), Err(WrongSignature));
            }
        }
    }
}
