//! Envelopes: a data key on its way to one attested session of one job.
//!
//! Not here: verifying the evidence before wrapping (`blockcloud-evidence` and the client do), transport.

use crate::key::DataKey;
use blockcloud_primitives::{Digest, JobId, PublicKey};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256, single_shot_open,
    single_shot_seal,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

const TAG: &[u8] = b"blockcloud/key-release/v1";

/// Why a key cannot be wrapped or unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The guest's wrapping key is not a usable X25519 key.
    #[error("the guest's wrapping key is not a usable X25519 key")]
    BadRecipient,
    /// It was not made for this guest, chain, job and session, or it was changed.
    #[error("the envelope does not open: it is for another guest, chain, job or session, or it was changed")]
    DoesNotOpen,
    /// It opens, but does not hold a data key.
    #[error("the envelope holds {bytes} bytes instead of a data key of 32")]
    NotAKey {
        /// How many bytes it holds.
        bytes: usize,
    },
}

/// What an envelope is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyContext {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The job.
    pub job: JobId,
    /// The session: replay key of its evidence (`Evidence::replay_key`, `Session::evidence`).
    pub evidence: Digest,
}

impl KeyContext {
    fn info(&self) -> Vec<u8> {
        [TAG, &self.genesis.0, &self.job.0.to_le_bytes(), &self.evidence.0].concat()
    }
}

/// A wrapped data key. The host may see and keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// HPKE's encapsulated key: an ephemeral X25519 key.
    pub encapsulated_key: PublicKey,
    /// The data key, encrypted, and a tag.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub ciphertext: Vec<u8>,
}

/// Wraps a data key for the guest that holds the private half of `recipient`, in this context only.
///
/// # Errors
/// [`EnvelopeError::BadRecipient`].
pub fn wrap(key: &DataKey, recipient: &PublicKey, context: &KeyContext) -> Result<Envelope, EnvelopeError> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&recipient.0).map_err(|_| EnvelopeError::BadRecipient)?;
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        &context.info(),
        key.as_bytes(),
        &[],
    )
    .map_err(|_| EnvelopeError::BadRecipient)?;
    Ok(Envelope { encapsulated_key: PublicKey(encapsulated.to_bytes().into()), ciphertext })
}

/// The guest's key-wrapping key (X25519). It never leaves the guest and is wiped when dropped.
pub struct WrappingKey {
    secret: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: PublicKey,
}

impl WrappingKey {
    /// A new random key.
    ///
    /// # Panics
    /// If the operating system has no randomness to give.
    pub fn generate() -> Self {
        let (secret, public) = X25519HkdfSha256::gen_keypair();
        Self { secret, public: PublicKey(public.to_bytes().into()) }
    }

    /// The public half, which the evidence binds.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Takes the data key out of an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::DoesNotOpen`], [`EnvelopeError::NotAKey`].
    pub fn unwrap(&self, envelope: &Envelope, context: &KeyContext) -> Result<DataKey, EnvelopeError> {
        let plain = self.open(envelope, &context.info(), &[])?;
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| EnvelopeError::NotAKey { bytes: plain.len() })?;
        Ok(DataKey::from_bytes(bytes))
    }

    fn open(&self, envelope: &Envelope, info: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let encapsulated =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&envelope.encapsulated_key.0).map_err(|_| EnvelopeError::DoesNotOpen)?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret,
            &encapsulated,
            info,
            &envelope.ciphertext,
            aad,
        )
        .map(Zeroizing::new)
        .map_err(|_| EnvelopeError::DoesNotOpen)
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKey({})", self.public)
    }
}

fn to_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        hex::decode(hex).unwrap().try_into().unwrap()
    }

    /// RFC 9180, A.2.1.1: the first encryption of the base-mode vector for this very suite.
    #[test]
    fn opens_the_rfc_vector() {
        let secret: [u8; 32] = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&secret).unwrap();
        let public = PublicKey(X25519HkdfSha256::sk_to_pk(&secret).to_bytes().into());
        assert_eq!(public.0, bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"));
        let envelope = Envelope {
            encapsulated_key: PublicKey(bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")),
            ciphertext: hex::decode("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28").unwrap(),
        };
        let plain = WrappingKey { secret, public }.open(&envelope, b"Ode on a Grecian Urn", b"Count-0").unwrap();
        assert_eq!(plain.as_slice(), b"Beauty is truth, truth beauty");
    }

    #[test]
    fn refuses_what_is_not_a_key() {
        let guest = WrappingKey::generate();
        let context = KeyContext { genesis: Digest([1; 32]), job: JobId(2), evidence: Digest([3; 32]) };
        let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&guest.public().0).unwrap();
        let (encapsulated, ciphertext) =
            single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &recipient, &context.info(), b"short", &[])
                .unwrap();
        let envelope = Envelope { encapsulated_key: PublicKey(encapsulated.to_bytes().into()), ciphertext };
        assert_eq!(guest.unwrap(&envelope, &context), Err(EnvelopeError::NotAKey { bytes: 5 }));
    }
}
