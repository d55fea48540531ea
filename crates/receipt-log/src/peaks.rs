//! An RFC 9162 tree (section 2.1.1) that only grows: the roots of its complete subtrees, and nothing below them.
//!
//! What the chain keeps of an aggregator's rounds. At most 64 hashes, whatever the number of leaves, and one more leaf costs at most 64 node hashes. Not here:
//! proofs, which whoever has the leaves makes (`Tree`), and batches.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use blockcloud_primitives::{Digest, List};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// The tree has 2^64 - 1 leaves, and takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tree has as many leaves as can be counted")
    }
}

impl core::error::Error for Full {}

/// The roots of the complete subtrees, from the largest, on the left, to the smallest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Peaks {
    size: u64,
    peaks: List<Digest, 64>,
}

impl Peaks {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether there are as many peaks as a tree of this size has. Not so only of bytes that this type did not encode.
    pub fn is_sound(&self) -> bool {
        u32::try_from(self.peaks.len()) == Ok(self.size.count_ones())
    }

    /// Appends a leaf by its hash.
    ///
    /// # Errors
    /// [`Full`], which changes nothing.
    pub fn append(&mut self, leaf: Hash) -> Result<(), Full> {
        let size = self.size.checked_add(1).ok_or(Full)?;
        let mut right = leaf;
        // Every complete subtree at the end that is as large as the new one is joined with it: one for each low bit that is set.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            right = node_hash(&left.0, &right);
        }
        // There is room: a size below 2^64 - 1 has at most 63 peaks, or the last ones were just joined.
        self.peaks.try_push(Digest(right)).map_err(|_| Full)?;
        self.size = size;
        Ok(())
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return EMPTY_ROOT };
        peaks.fold(last.0, |right, left| node_hash(&left.0, &right))
    }

    /// The dearest tree to append to and to take the root of, for benchmarks: of `levels` peaks, at most 63, which the next leaf all joins.
    pub fn dearest(levels: u32) -> Self {
        let levels = levels.min(63);
        let mut peaks = List::new();
        for level in 0..levels {
            if peaks.try_push(Digest::of(&level.to_be_bytes())).is_err() {
                break;
            }
        }
        // As many low bits as levels: 2^levels - 1.
        Self { size: u64::MAX.checked_shr(u64::BITS.saturating_sub(levels)).unwrap_or(0), peaks }
    }
}
