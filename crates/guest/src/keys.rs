//! The guest's own keys: made inside, never handed out, wiped when dropped.
//!
//! Not for the customer's keys (`blockcloud-seal`), nor for what is signed (`blockcloud-primitives`).

use blockcloud_primitives::{PublicKey, Signature};
use blockcloud_seal::WrappingKey;
use ed25519_dalek::{Signer, SigningKey};
use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// The operating system has no randomness to give. Nothing secret can be made then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness;

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The key that signs this guest's receipts, checkpoints and completion (ed25519). The evidence binds it.
pub struct ReceiptKey(SigningKey);

impl ReceiptKey {
    /// A new random key.
    pub fn generate() -> Result<Self, NoRandomness> {
        let secret = Zeroizing::new(random()?);
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// Both keys of a guest.
pub struct Keys {
    /// Signs receipts.
    pub receipt: ReceiptKey,
    /// Receives the data key.
    pub wrapping: WrappingKey,
}

impl Keys {
    /// New random keys.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self { receipt: ReceiptKey::generate()?, wrapping: WrappingKey::generate() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Verifier, VerifyingKey};

    #[test]
    fn signatures_verify_under_the_public_half_only() {
        let (key, other) = (ReceiptKey::generate().unwrap(), ReceiptKey::generate().unwrap());
        let signature = ed25519_dalek::Signature::from_bytes(&key.sign(b"message").0);
        let verifies = |key: &ReceiptKey| VerifyingKey::from_bytes(&key.public().0).unwrap().verify(b"message", &signature).is_ok();
        assert!(verifies(&key));
        assert!(!verifies(&other));
    }
}
