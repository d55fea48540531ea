//! Accounts that can sign: sr25519 and ed25519, read from a key's URI or a file that holds one.
//!
//! A key is written `SCHEME:URI`. The URI is a secret in the usual Substrate form: `0xSEED`, a mnemonic phrase (sr25519 only), or nothing for
//! the well-known development phrase, followed by derivation junctions such as `//Alice`. Without `SCHEME:` it is sr25519.

use crate::{Error, Result};
use blockcloud_primitives::AccountId;
use std::{fmt, io::Write as _, path::Path, str::FromStr};
use subxt::{
    config::{Hasher as _, substrate::BlakeTwo256},
    utils::{AccountId32, MultiSignature},
};
use subxt_signer::{DEV_PHRASE, ExposeSecret as _, SecretUri, sr25519};

/// The mini-secret of the well-known development phrase.
const DEV_SEED: [u8; 32] = [
    0xfa, 0xc7, 0x95, 0x9d, 0xbf, 0xe7, 0x2f, 0x05, 0x2e, 0x5a, 0x0c, 0x3c, 0x8d, 0x65, 0x30, 0xf2, 0x02, 0xb0, 0x2f, 0xd8, 0xf9, 0xf5,
    0xca, 0x35, 0x80, 0xec, 0x8d, 0xeb, 0x77, 0x97, 0x47, 0x9e,
];

/// A signature scheme of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Schnorr signatures over Ristretto, signing context `substrate`.
    Sr25519,
    /// RFC 8032.
    Ed25519,
}

impl Scheme {
    /// Whether this is the account's signature over the message.
    pub fn verify(self, account: &AccountId, message: &[u8], signature: &[u8; 64]) -> bool {
        match self {
            Self::Sr25519 => sr25519::verify(&sr25519::Signature(*signature), message, &sr25519::PublicKey(account.0)),
            Self::Ed25519 => ed25519_dalek::VerifyingKey::from_bytes(&account.0)
                .is_ok_and(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sr25519 => "sr25519",
            Self::Ed25519 => "ed25519",
        })
    }
}

impl FromStr for Scheme {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "sr25519" => Ok(Self::Sr25519),
            "ed25519" => Ok(Self::Ed25519),
            other => Err(Error::Key(format!("unknown signature scheme {other:?}: sr25519 and ed25519 are known"))),
        }
    }
}

#[derive(Clone)]
enum Pair {
    Sr25519(sr25519::Keypair),
    Ed25519(ed25519_dalek::SigningKey),
}

/// An account's secret key. Its `Debug` shows the account only.
#[derive(Clone)]
pub struct Signer(Pair);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} {})", self.scheme(), self.account())
    }
}

impl Signer {
    /// A key from its 32-byte seed.
    pub fn from_seed(scheme: Scheme, seed: [u8; 32]) -> Result<Self> {
        Ok(Self(match scheme {
            Scheme::Sr25519 => Pair::Sr25519(sr25519::Keypair::from_secret_key(seed).map_err(|error| Error::Key(error.to_string()))?),
            Scheme::Ed25519 => Pair::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)),
        }))
    }

    /// Makes a new key from the system's randomness and writes it to a new file that only its owner can read. An existing file is never
    /// overwritten.
    pub fn create(path: &Path, scheme: Scheme) -> Result<Self> {
        let seed: [u8; 32] = rand::random();
        let signer = Self::from_seed(scheme, seed)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| Error::Key(format!("{}: {error}", path.display())))?;
        writeln!(file, "{scheme}:0x{}", hex::encode(seed))
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::Key(format!("{}: {error}", path.display())))?;
        Ok(signer)
    }

    /// Reads a key file: one line, `SCHEME:URI`; lines that begin with `#` are comments.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Key(format!("{}: {error}", path.display())))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        match (lines.next(), lines.next()) {
            (Some(line), None) => line.parse().map_err(|error| match error {
                Error::Key(reason) => Error::Key(format!("{}: {reason}", path.display())),
                error => error,
            }),
            (None, _) => Err(Error::Key(format!("{}: holds no key", path.display()))),
            (Some(_), Some(_)) => Err(Error::Key(format!("{}: holds more than one key", path.display()))),
        }
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        AccountId(match &self.0 {
            Pair::Sr25519(pair) => pair.public_key().0,
            Pair::Ed25519(pair) => pair.verifying_key().to_bytes(),
        })
    }

    /// The scheme that it signs with.
    pub fn scheme(&self) -> Scheme {
        match &self.0 {
            Pair::Sr25519(_) => Scheme::Sr25519,
            Pair::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.0 {
            Pair::Sr25519(pair) => pair.sign(message).0,
            Pair::Ed25519(pair) => ed25519_dalek::Signer::sign(pair, message).to_bytes(),
        }
    }
}

impl<T> subxt::tx::Signer<T> for Signer
where
    T: subxt::Config<AccountId = AccountId32, Signature = MultiSignature>,
{
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.account().0)
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        match self.scheme() {
            Scheme::Sr25519 => MultiSignature::Sr25519(self.sign(payload)),
            Scheme::Ed25519 => MultiSignature::Ed25519(self.sign(payload)),
        }
    }
}

impl FromStr for Signer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        // Nothing of the secret may end up in a message, not even where it stands in the wrong place.
        let (scheme, uri) = match text.split_once(':') {
            Some((scheme, uri)) if scheme.ends_with("25519") => {
                (scheme.parse().map_err(|_| Error::Key("unknown signature scheme: sr25519 and ed25519 are known".into()))?, uri)
            }
            _ => (Scheme::Sr25519, text),
        };
        let uri: SecretUri = uri.parse().map_err(|_| Error::Key("not a secret URI".into()))?;
        match scheme {
            Scheme::Sr25519 => {
                let pair = sr25519::Keypair::from_uri(&uri)
                    .map_err(|_| Error::Key("neither a phrase of 12 to 24 words nor a seed (0x and 64 hex digits)".into()))?;
                Ok(Self(Pair::Sr25519(pair)))
            }
            Scheme::Ed25519 => Self::from_seed(scheme, ed25519_seed(&uri)?),
        }
    }
}

/// Derives an ed25519 seed as Substrate does: only hard junctions exist, and each hashes tag, seed and chain code.
fn ed25519_seed(uri: &SecretUri) -> Result<[u8; 32]> {
    let phrase = uri.phrase.expose_secret();
    let mut seed = [0; 32];
    match phrase.strip_prefix("0x") {
        Some(digits) => hex::decode_to_slice(digits, &mut seed).map_err(|_| Error::Key("the seed is not 32 bytes of hex".into()))?,
        None if phrase == DEV_PHRASE => seed = DEV_SEED,
        None => return Err(Error::Key("an ed25519 key is named by its seed (0x and 64 hex digits), not by a phrase".into())),
    }
    for junction in &uri.junctions {
        if junction.is_soft() {
            return Err(Error::Key("ed25519 has hard junctions (//name) only".into()));
        }
        let input = codec::Encode::encode(&("Ed25519HDKD", seed, junction.inner()));
        seed = BlakeTwo256.hash(&input).0;
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_accounts_are_the_well_known_ones() {
        let sr: Signer = "//Alice".parse().unwrap();
        assert_eq!(sr.account().to_string(), "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
        assert_eq!(sr.scheme(), Scheme::Sr25519);
        let ed: Signer = "ed25519://Alice".parse().unwrap();
        assert_eq!(ed.account().to_string(), "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee");
        assert_eq!(ed.scheme(), Scheme::Ed25519);
    }

    #[test]
    fn signatures_verify_under_their_own_scheme_only() {
        let (sr, ed): (Signer, Signer) = ("sr25519://Bob".parse().unwrap(), "ed25519://Bob".parse().unwrap());
        for signer in [&sr, &ed] {
            let signature = signer.sign(b"message");
            assert!(signer.scheme().verify(&signer.account(), b"message", &signature));
            assert!(!signer.scheme().verify(&signer.account(), b"massage", &signature));
        }
        assert!(!Scheme::Ed25519.verify(&sr.account(), b"message", &sr.sign(b"message")));
        assert!(!Scheme::Sr25519.verify(&ed.account(), b"message", &ed.sign(b"message")));
    }

    #[test]
    fn a_created_key_is_read_back_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("account.key");
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            let made = Signer::create(&path, scheme).unwrap();
            assert_eq!(Signer::read(&path).unwrap().account(), made.account());
            assert!(matches!(Signer::create(&path, scheme), Err(Error::Key(_))));
            #[cfg(unix)]
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777, 0o600);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn refuses_unknown_schemes_phrases_for_ed25519_soft_junctions_and_files_without_one_key() {
        for text in ["rsa25519:0x00", "ed25519:0x12", &format!("ed25519:{}", DEV_PHRASE.replace("bottom", "top")), "ed25519:/soft"] {
            assert!(matches!(text.parse::<Signer>(), Err(Error::Key(_))), "{text}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        assert!(matches!(Signer::read(&path), Err(Error::Key(_))));
        for text in ["# nothing\n", "//Alice\n//Bob\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Signer::read(&path), Err(Error::Key(_))), "{text}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for text in ["hunter25519:0x00", "hunter hunter hunter", "sr25519:0xhunter", "ed25519:hunter", "hunter.key", "//hunter//"] {
            if let Err(error) = text.parse::<Signer>() {
                assert!(!format!("{error} {error:?} {}", error.advice()).contains("hunter"), "{text}: {error}");
            }
        }
        assert!("hunter25519:0x00".parse::<Signer>().is_err() && "hunter hunter hunter".parse::<Signer>().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let signer = Signer::from_seed(Scheme::Ed25519, [0x5a; 32]).unwrap();
        assert!(!format!("{signer:?}").contains(&"5a".repeat(8)));
    }
}
