//! Values in Intel's JSON: numbers in hexadecimal, dates, names. Each is read strictly, and to its length.

use crate::tdx::{Advisory, TcbStatus};
use core::str::FromStr;
use serde::{Deserialize, Deserializer, de::Error};

/// Bytes in hexadecimal, of either case.
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = [0; N];
        hex::decode_to_slice(<&str>::deserialize(deserializer)?, &mut bytes).map_err(|_| D::Error::custom("hexadecimal"))?;
        Ok(Self(bytes))
    }
}

/// A time as Intel writes it (`2025-06-19T10:16:03Z`), in Unix milliseconds.
pub(crate) struct Date(pub(crate) u64);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = der::DateTime::from_str(<&str>::deserialize(deserializer)?).map_err(|_| D::Error::custom("date"))?;
        Ok(Self(date.unix_duration().as_secs().saturating_mul(1000)))
    }
}

/// A status of a level of platforms.
pub(crate) struct Status(pub(crate) TcbStatus);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TcbStatus::from_name(<&str>::deserialize(deserializer)?).map(Self).ok_or_else(|| D::Error::custom("status"))
    }
}

/// An advisory's name.
pub(crate) struct Name(pub(crate) Advisory);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Advisory::from_name(<&str>::deserialize(deserializer)?).map(Self).ok_or_else(|| D::Error::custom("advisory"))
    }
}
