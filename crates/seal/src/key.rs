//! Secrets of the customer's: the keys for the data and for the names in receipts, and text that only the program is to see.
//!
//! They are wiped when dropped and never printed. Not here: the guest's key (`WrappingKey`), files that keep keys.

use blockcloud_primitives::Digest;
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Fills a buffer with the operating system's randomness.
///
/// # Panics
/// If the operating system has none to give: no secret can be made then, and going on without one would be worse than stopping.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = OsRng.try_fill_bytes(&mut bytes) {
        panic!("the operating system gives no randomness: {error}");
    }
    bytes
}

/// The key under which all data of one job is sealed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(random())
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seed of a program's randomness, from the public one in the job's spec: BLAKE3 of that, keyed with a key derived from this one. So whoever
    /// holds the data can replay the program, and nobody else can tell what it drew.
    pub fn program_seed(&self, public: &Digest) -> Zeroizing<[u8; 32]> {
        let key = Zeroizing::new(blake3::derive_key("blockcloud 2026-11 seed of a program's randomness v1", &self.0));
        Zeroizing::new(*blake3::keyed_hash(&key, &public.0).as_bytes())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(secret)")
    }
}

/// The key under which names and contents become the keyed digests of receipts. Whoever holds it can tell which receipts are about which
/// object; once it is deleted nobody can.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ObjectKey([u8; 32]);

impl ObjectKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(random())
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Keyed digest (BLAKE3) of a name or of content.
    pub fn digest(&self, bytes: &[u8]) -> Digest {
        Digest::keyed(&self.0, bytes)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKey(secret)")
    }
}

/// As hex: it travels inside the sealed manifest only.
impl Serialize for ObjectKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Zeroizing::new([0; 64]);
        let hex = hex::encode_to_slice(self.0, text.as_mut_slice()).ok().and_then(|()| std::str::from_utf8(text.as_slice()).ok());
        serializer.serialize_str(hex.unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for ObjectKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut key = Self([0; 32]);
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(&text), &mut key.0)
            .map_err(|_| D::Error::custom("an object key is 32 bytes as hex"))?;
        Ok(key)
    }
}

/// Text that is wiped when dropped and not printed: the value of an environment variable.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(secret)")
    }
}

/// As plain text: it travels inside the sealed manifest only.
impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
