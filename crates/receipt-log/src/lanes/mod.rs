//! SHA-256 of many messages of one length at a time: several lanes of a processor's vector unit, each with a message of its own.
//!
//! One message fills a core badly, since every round waits for the one before it. [`Kernel`] names the ways to fill it:
//!
//! * [`Kernel::Avx512`]: sixteen messages side by side, with rotations and three-input logic in one instruction each;
//! * [`Kernel::Avx2`]: eight side by side;
//! * [`Kernel::ShaNi`]: four in turn through the SHA extensions (one message leaves three quarters of that unit idle);
//! * [`Kernel::Portable`]: one after another through the `sha2` crate, everywhere.
//!
//! Which is fastest is not a question of the instruction set alone: where SHA instructions begin every cycle and 512-bit vectors go through in
//! halves, `ShaNi` wins, elsewhere `Avx512`. [`Kernel::fastest`] lets them race once, for some microseconds. All give the same hashes (FIPS 180-4).
//!
//! A message is a prefix byte and an entry, as in RFC 9162: the shift by one byte happens on the way into the registers, entries are not copied. The
//! last block of every message has the same padding; where at most seven bytes of entry stand before it (receipts: 5, nodes: 1), the vector kernels
//! compile a schedule in which the zeros and the length are constants.
//!
//! Not here: trees, what a leaf means, messages of different lengths, several cores, targets other than x86-64 (they get `Portable`).
//!
//! # Unsafe code
//! The crate denies it; this module is the exception. It is needed for two things only: unaligned vector loads and stores, each behind a reference to an
//! array of that very length, and entering a function that is compiled for more than the baseline processor, each behind a check that this processor
//! has what it needs.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(target_arch = "x86_64")]
mod rounds;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
mod tests;

use crate::hash::{Hash, LEAF_PREFIX, NODE_PREFIX};
use std::{fmt, sync::OnceLock, time::Instant};

/// One way to hash many messages of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Sixteen lanes of 32 bits: AVX-512 F, BW and VBMI.
    Avx512,
    /// Four messages interleaved: SHA, SSE4.1 and AVX.
    ShaNi,
    /// Eight lanes of 32 bits: AVX2.
    Avx2,
    /// One message after another, by the `sha2` crate.
    Portable,
}

/// The bytes, the length of a message and the room for hashes do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are not {hashes} messages of {length} bytes")]
pub struct ShapeMismatch {
    /// Bytes given.
    pub bytes: usize,
    /// Bytes in one message.
    pub length: usize,
    /// Hashes asked for.
    pub hashes: usize,
}

impl Kernel {
    /// Every kernel, whether or not this machine can run it.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::ShaNi, Self::Avx2, Self::Portable];

    /// Whether this machine can run it. One that cannot run is replaced by [`Kernel::Portable`] wherever it is used.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vbmi")
            }
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi => {
                std::is_x86_feature_detected!("sha") && std::is_x86_feature_detected!("sse4.1") && std::is_x86_feature_detected!("avx")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => std::is_x86_feature_detected!("avx2"),
            Self::Portable => true,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The kernels that this machine can run.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available())
    }

    /// The kernel that won a race on this machine, run at the first call and remembered. On a busy machine it may be the second best; the hashes are
    /// the same.
    pub fn fastest() -> Self {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(race)
    }

    /// Leaf hashes of entries of one length: `SHA-256(0x00 || entry)` for each.
    ///
    /// # Errors
    /// [`ShapeMismatch`] unless there is room for exactly one hash for each entry.
    pub fn leaves<const LENGTH: usize>(self, entries: &[[u8; LENGTH]], hashes: &mut [Hash]) -> Result<(), ShapeMismatch> {
        self.messages(LEAF_PREFIX, LENGTH, entries.as_flattened(), hashes)
    }

    /// Hashes of nodes: `SHA-256(0x01 || left || right)` for each pair of neighbours.
    ///
    /// # Errors
    /// [`ShapeMismatch`] unless there are exactly two children for each node.
    pub fn nodes(self, children: &[Hash], nodes: &mut [Hash]) -> Result<(), ShapeMismatch> {
        self.messages(NODE_PREFIX, 2 * size_of::<Hash>(), children.as_flattened(), nodes)
    }

    /// `SHA-256(prefix || entry)` for entries of `length` bytes that stand one after another in `bytes`.
    ///
    /// # Errors
    /// [`ShapeMismatch`] unless `bytes` are exactly `hashes.len()` entries.
    pub fn messages(self, prefix: u8, length: usize, bytes: &[u8], hashes: &mut [Hash]) -> Result<(), ShapeMismatch> {
        if length.checked_mul(hashes.len()) != Some(bytes.len()) {
            return Err(ShapeMismatch { bytes: bytes.len(), length, hashes: hashes.len() });
        }
        let batch = Batch { prefix, length, bytes };
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this processor has the instructions that the function is compiled for.
            Self::Avx512 if self.is_available() => unsafe { avx512::hash(batch, hashes) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::ShaNi if self.is_available() => unsafe { sha_ni::hash(batch, hashes) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 if self.is_available() => unsafe { avx2::hash(batch, hashes) },
            _ => portable::hash(batch, hashes),
        }
        Ok(())
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "AVX-512, 16 lanes",
            Self::ShaNi => "SHA-NI, 4 interleaved",
            Self::Avx2 => "AVX2, 8 lanes",
            Self::Portable => "portable",
        })
    }
}

/// Leaf hashes of entries of one length by the fastest kernel.
///
/// # Errors
/// [`ShapeMismatch`] unless there is room for exactly one hash for each entry.
pub fn leaf_hashes<const LENGTH: usize>(entries: &[[u8; LENGTH]], hashes: &mut [Hash]) -> Result<(), ShapeMismatch> {
    Kernel::fastest().leaves(entries, hashes)
}

/// Hashes of the nodes over pairs of neighbours by the fastest kernel.
///
/// # Errors
/// [`ShapeMismatch`] unless there are exactly two children for each node.
pub fn node_hashes(children: &[Hash], nodes: &mut [Hash]) -> Result<(), ShapeMismatch> {
    Kernel::fastest().nodes(children, nodes)
}

/// Messages of one length: the prefix byte and each of the entries in `bytes`.
#[derive(Clone, Copy)]
struct Batch<'a> {
    prefix: u8,
    length: usize,
    bytes: &'a [u8],
}

impl Batch<'_> {
    /// How the message is cut into blocks.
    #[inline(always)]
    fn shape(&self) -> Shape {
        let message = self.length + 1;
        Shape { whole: message / 64, rest: message % 64 }
    }

    /// The padded end of messages that has no entry in it yet: zeros, the one bit behind `rest` bytes, and the length in bits (FIPS 180-4, 5.1.1). The
    /// prefix stands in front if the message has no whole block.
    #[inline(always)]
    fn empty_tail(&self) -> [u8; 128] {
        let (shape, mut tail) = (self.shape(), [0; 128]);
        if shape.whole == 0 {
            tail[0] = self.prefix;
        }
        tail[shape.rest] = 0x80;
        let bits = (self.length as u64 + 1) * 8;
        let end = shape.tail_blocks() * 64;
        tail[end - 8..end].copy_from_slice(&bits.to_be_bytes());
        tail
    }
}

/// How a message, prefix included, is cut into blocks of 64 bytes.
#[derive(Clone, Copy)]
struct Shape {
    /// Blocks without padding.
    whole: usize,
    /// Bytes behind them.
    rest: usize,
}

impl Shape {
    /// Blocks that padding is in: one, or two if the length does not fit behind the rest.
    #[inline(always)]
    fn tail_blocks(self) -> usize {
        if self.rest < 56 { 1 } else { 2 }
    }

    /// Where the bytes of the entry behind the whole blocks begin in the entry, and where they belong in the tail.
    #[inline(always)]
    fn rest_of_entry(self) -> (usize, usize) {
        if self.whole == 0 { (0, 1) } else { (self.whole * 64 - 1, 0) }
    }
}

/// Initial state (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Constants of the rounds (FIPS 180-4, 4.2.2).
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ROUND: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Lets the kernels hash the same entries, best of several rounds each.
fn race() -> Kernel {
    let entries = [[0x5a; 260]; 64];
    let mut hashes = [[0; 32]; 64];
    let mut best = (Kernel::Portable, u128::MAX);
    for _ in 0..7 {
        for kernel in Kernel::available() {
            let start = Instant::now();
            let done = kernel.leaves(&entries, &mut hashes);
            let time = start.elapsed().as_nanos();
            std::hint::black_box((&hashes, done.is_ok()));
            if time < best.1 {
                best = (kernel, time);
            }
        }
    }
    best.0
}
