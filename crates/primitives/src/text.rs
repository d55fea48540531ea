//! UTF-8 text of bounded length.

use crate::List;
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, Input, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// At most `N` bytes of UTF-8. Decoding refuses anything else, so text from the chain can be shown as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Encode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Text<const N: u32>(List<u8, N>);

/// The text is longer than its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The bound in bytes.
    pub limit: u32,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text is longer than {} bytes", self.limit)
    }
}

impl core::error::Error for TooLong {}

impl<const N: u32> Text<N> {
    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: u32> Default for Text<N> {
    fn default() -> Self {
        Self(List::new())
    }
}

impl<const N: u32> Decode for Text<N> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
        let bytes = List::<u8, N>::decode(input)?;
        match core::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err("text is not UTF-8".into()),
        }
    }
}

impl<const N: u32> FromStr for Text<N> {
    type Err = TooLong;

    fn from_str(text: &str) -> Result<Self, TooLong> {
        Vec::from(text.as_bytes()).try_into().map(Self).map_err(|_| TooLong { limit: N })
    }
}

impl<const N: u32> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: u32> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: u32> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const N: u32> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
