//! The processor families that have SEV-SNP.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A processor family. Each has its own root and intermediate certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Product {
    /// EPYC 7003.
    #[codec(index = 0)]
    Milan,
    /// EPYC 9004 and 8004.
    #[codec(index = 1)]
    Genoa,
    /// EPYC 9005.
    #[codec(index = 2)]
    Turin,
}

impl Product {
    /// By CPUID family and model, both in their combined (extended) form as reports carry them since version 3.
    pub fn from_cpuid(family: u8, model: u8) -> Option<Self> {
        match (family, model) {
            (0x19, 0x00..=0x0f) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0x00..=0x11) => Some(Self::Turin),
            _ => None,
        }
    }

    /// By the name in a chip's certificate, which may be followed by a stepping: `Milan-B0`, `Genoa`.
    pub fn from_certificate_name(name: &str) -> Option<Self> {
        match name.split_once('-').map_or(name, |(product, _stepping)| product) {
            "Milan" => Some(Self::Milan),
            "Genoa" => Some(Self::Genoa),
            "Turin" => Some(Self::Turin),
            _ => None,
        }
    }

    /// Length of the hardware id in a chip's certificate. The rest of a report's 64-byte chip id is zero.
    pub fn chip_id_len(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }
}

impl core::fmt::Display for Product {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        })
    }
}
