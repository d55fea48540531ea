//! The trusted-computing-base version: the security version numbers of a platform's parts.

use crate::snp::Product;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Security version numbers of the platform's parts, compared part by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tcb {
    /// Boot loader of the security processor.
    pub bootloader: u8,
    /// Operating system of the security processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
    /// FMC (Turin; zero elsewhere).
    pub fmc: u8,
}

impl Tcb {
    /// Reads the eight bytes of a report, whose order depends on the product (ABI, table "TCB_VERSION"). Bytes without a meaning are passed over.
    pub fn from_bytes(bytes: [u8; 8], product: Product) -> Self {
        match product {
            Product::Milan | Product::Genoa => {
                let [bootloader, tee, _, _, _, _, snp, microcode] = bytes;
                Self { bootloader, tee, snp, microcode, fmc: 0 }
            }
            Product::Turin => {
                let [fmc, bootloader, tee, snp, _, _, _, microcode] = bytes;
                Self { bootloader, tee, snp, microcode, fmc }
            }
        }
    }

    /// The eight bytes of a report, in the product's order.
    pub fn to_bytes(self, product: Product) -> [u8; 8] {
        let Self { bootloader, tee, snp, microcode, fmc } = self;
        match product {
            Product::Milan | Product::Genoa => [bootloader, tee, 0, 0, 0, 0, snp, microcode],
            Product::Turin => [fmc, bootloader, tee, snp, 0, 0, 0, microcode],
        }
    }

    /// Whether every part is at least that of `floor`.
    pub fn meets(&self, floor: &Self) -> bool {
        self.bootloader >= floor.bootloader
            && self.tee >= floor.tee
            && self.snp >= floor.snp
            && self.microcode >= floor.microcode
            && self.fmc >= floor.fmc
    }
}

impl core::fmt::Display for Tcb {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { bootloader, tee, snp, microcode, fmc } = self;
        write!(f, "bootloader {bootloader}, tee {tee}, snp {snp}, microcode {microcode}, fmc {fmc}")
    }
}
