//! What stands in the place of an entry that was erased: its leaf hash, so that the tree and every proof stay as they are, and nothing else of it.
//!
//! Somebody who holds the leaf hash cannot find out what the entry said: a receipt carries 16 random bytes of salt, which are erased with it. Not here: how an
//! entry is overwritten durably (`erasure`), who may ask for it, and copies of the entry elsewhere.

use crate::hash::{Hash, leaf_hash};
use blockcloud_primitives::{JobId, Receipt};

/// No receipt begins with this: its first byte is its version.
const TAG: [u8; 16] = *b"blockcloud/gone1";

/// The place of an erased entry. As bytes: the tag `blockcloud/gone1`, the leaf hash, job and position as little-endian u64, and zeros up to the length of a
/// receipt's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedEntry {
    /// The job whose log it is in.
    pub job: JobId,
    /// Its position.
    pub seq: u64,
    /// The hash of the leaf as it was.
    pub leaf: Hash,
}

impl ErasedEntry {
    /// The bytes that stand in the entry's place.
    pub fn to_bytes(&self) -> [u8; Receipt::ENCODED_LEN] {
        let mut bytes = [0; Receipt::ENCODED_LEN];
        let (job, seq) = (self.job.0.to_le_bytes(), self.seq.to_le_bytes());
        let fields = TAG.iter().chain(&self.leaf).chain(&job).chain(&seq);
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = *field);
        bytes
    }

    /// Reads such bytes. None for anything else, every receipt included.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (leaf, rest) = bytes.strip_prefix(&TAG)?.split_first_chunk()?;
        let (job, rest) = rest.split_first_chunk()?;
        let (seq, _) = rest.split_first_chunk()?;
        let erased = Self { job: JobId(u64::from_le_bytes(*job)), seq: u64::from_le_bytes(*seq), leaf: *leaf };
        (erased.to_bytes() == bytes).then_some(erased)
    }
}

/// The leaf hash that an entry stands for: that of its bytes, or the one it had before it was erased.
pub fn entry_leaf(entry: &[u8]) -> Hash {
    ErasedEntry::parse(entry).map_or_else(|| leaf_hash(entry), |erased| erased.leaf)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const ERASED: ErasedEntry = ErasedEntry { job: JobId(7), seq: 300, leaf: [9; 32] };

    #[test]
    fn the_bytes_are_as_documented_and_are_read_again() {
        let bytes = ERASED.to_bytes();
        let said = [&b"blockcloud/gone1"[..], &[9; 32], &7_u64.to_le_bytes(), &300_u64.to_le_bytes()].concat();
        assert_eq!((&bytes[..64], &bytes[64..]), (&said[..], &[0; Receipt::ENCODED_LEN - 64][..]));
        assert_eq!(ErasedEntry::parse(&bytes), Some(ERASED));
        assert_eq!(entry_leaf(&bytes), [9; 32]);
    }

    #[test]
    fn anything_else_is_an_entry() {
        let bytes = ERASED.to_bytes();
        for position in (0..16).chain(64..Receipt::ENCODED_LEN) {
            let mut other = bytes;
            other[position] ^= 1;
            assert_eq!((ErasedEntry::parse(&other), entry_leaf(&other)), (None, leaf_hash(&other)), "{position}");
        }
        for other in [&bytes[..Receipt::ENCODED_LEN - 1], &[&bytes[..], &[0]].concat(), &[], &TAG] {
            assert_eq!(ErasedEntry::parse(other), None);
        }
    }
}
