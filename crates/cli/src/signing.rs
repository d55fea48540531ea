//! Keys with which this program signs for others to verify: results of appraisals, and logs in other people's formats. P-256 or Ed25519, because that is what others' tools know.
//!
//! Not here: accounts' signatures on transactions (`blockcloud-client`).

use crate::fault::{as_usage, usage};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{Scheme, Signer};
use blockcloud_receipt_log::formats::{self, PublicKey};
use p256::{ecdsa::SigningKey, pkcs8::DecodePrivateKey as _};
use std::{fs, path::Path};

/// A key that signs for others.
pub enum Key {
    /// ES256: ECDSA P-256 with SHA-256.
    P256(Box<SigningKey>),
    /// EdDSA with Ed25519, and its public half.
    Ed25519(Box<Signer>, PublicKey),
}

impl Key {
    /// Reads a key: P-256 or Ed25519 in PKCS#8 (PEM), or an ed25519 key file of this program.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read the key {}", path.display()))?;
        if !text.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Self::of(Signer::read(path)?).with_context(|| format!("{} does not fit", path.display()));
        }
        let wrong = || format!("{} holds no P-256 or Ed25519 key in PKCS#8", path.display());
        let der = match pem_rfc7468::decode_vec(text.trim_ascii()) {
            Ok(("PRIVATE KEY", der)) => der,
            _ => bail!(wrong()),
        };
        if let Ok(key) = SigningKey::from_pkcs8_der(&der) {
            return Ok(Self::P256(Box::new(key)));
        }
        // RFC 8410, section 7: everything before the seed is fixed.
        const ED25519: &[u8] = &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let seed: [u8; 32] = der.strip_prefix(ED25519).and_then(|seed| seed.try_into().ok()).with_context(wrong)?;
        Self::of(Signer::from_seed(Scheme::Ed25519, seed)?)
    }

    /// The key that somebody names: a file, else `ed25519:URI`. What is neither may still be a secret and is not repeated.
    pub fn named(text: &str) -> Result<Self> {
        let path = Path::new(text);
        if path.is_file() { Self::read(path).map_err(as_usage) } else { Self::of(crate::context::signer(text)?).map_err(as_usage) }
    }

    fn of(signer: Signer) -> Result<Self> {
        if signer.scheme() != Scheme::Ed25519 {
            return Err(usage(
                "the key is an sr25519 key, which nobody else's tools verify: make one with `blockcloud key generate --scheme ed25519`, or name a P-256 key",
            ));
        }
        let public = PublicKey::from_ed25519(&signer.account().0)?;
        Ok(Self::Ed25519(Box::new(signer), public))
    }

    /// Its name in JWTs (RFC 7518, 3.1, and RFC 8037).
    pub fn jws_name(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(..) => "EdDSA",
        }
    }

    /// The signature over a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::P256(key) => formats::Signer::sign(&**key, message),
            Self::Ed25519(signer, _) => signer.sign(message),
        }
    }
}

impl formats::Signer for Key {
    fn public(&self) -> PublicKey {
        match self {
            Self::P256(key) => key.public(),
            Self::Ed25519(_, public) => *public,
        }
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        Self::sign(self, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::exit_code;
    use blockcloud_receipt_log::formats::Signer as _;

    #[test]
    fn a_key_verifies_what_it_signs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Signer::create(&path, Scheme::Ed25519).unwrap();
        for key in [Key::read(&path).unwrap(), Key::named(&path.display().to_string()).unwrap(), Key::named("ed25519://Alice").unwrap()] {
            assert_eq!(key.public().verify(b"message", &key.sign(b"message")), Ok(()));
            assert_eq!(key.jws_name(), "EdDSA");
        }
    }

    #[test]
    fn a_key_that_nobody_else_verifies_is_wrong_usage_and_is_not_repeated() {
        for text in ["//Alice", "sr25519://hunter2", "hunter2 hunter2", "no/such/hunter2.key"] {
            let Err(error) = Key::named(text) else { panic!("{text} is a key") };
            assert_eq!(exit_code(&error), 2, "{error:#}");
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }
}
