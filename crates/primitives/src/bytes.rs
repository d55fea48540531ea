//! Byte strings of fixed length with a meaning, and how they and amounts look in JSON.

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Declares a newtype over `[u8; N]` that reads and prints as `0x` hex.
macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $len];
                hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
                    .map_err(|_| concat!("expected ", stringify!($len), " bytes as hex"))?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    };
}
pub(crate) use fixed_bytes;

fixed_bytes! {
    /// A 32-byte digest. Which function made it is said where it is used: BLAKE3-256 for data objects, SHA-256 for trees, terms and receipts.
    Digest, 32
}
fixed_bytes! {
    /// A 32-byte public key: ed25519 (RFC 8032) for signing, X25519 (RFC 7748) for key wrapping.
    PublicKey, 32
}
fixed_bytes! {
    /// An ed25519 signature (RFC 8032).
    Signature, 64
}
fixed_bytes! {
    /// A chain account as its 32 raw bytes.
    AccountId, 32
}

impl Digest {
    /// The all-zero digest: "none" in records of fixed layout.
    pub const ZERO: Self = Self([0; 32]);

    /// BLAKE3-256 of a data object.
    pub fn of(object: &[u8]) -> Self {
        Self(*blake3::hash(object).as_bytes())
    }

    /// Keyed BLAKE3-256 of a data object under the customer's key, for what must not be recognisable to others.
    pub fn keyed(key: &[u8; 32], object: &[u8]) -> Self {
        Self(*blake3::keyed_hash(key, object).as_bytes())
    }
}

/// Amounts in JSON: written as decimal strings, because JSON numbers lose precision above 2^53; read from strings or whole numbers.
pub mod amount {
    use super::*;

    /// Writes the amount as a decimal string.
    pub fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    /// Reads a decimal string or a whole number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = u128;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount as a decimal string or a whole number")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u128, E> {
                text.parse().map_err(|_| E::custom("expected a decimal amount in smallest units"))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u128, E> {
                Ok(u128::from(value))
            }
            fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<u128, E> {
                Ok(value)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Bounded byte lists as `0x` hex.
pub(crate) mod hex_list {
    use super::*;
    use crate::List;

    pub fn serialize<S: Serializer, const N: u32>(bytes: &List<u8, N>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: u32>(deserializer: D) -> Result<List<u8, N>, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text))
            .map_err(D::Error::custom)?
            .try_into()
            .map_err(|_| D::Error::custom("too many bytes"))
    }
}
