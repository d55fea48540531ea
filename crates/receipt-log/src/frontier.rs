//! A tree that only grows: the roots of its complete subtrees, and nothing below them.
//!
//! At most 64 hashes, whatever its size, and enough to append to it and to know its root. The guest keeps one, and so does whoever carries on a tree
//! without keeping it. Not here: proofs (they need what is below: a `Tree`, or tiles), files, and appending many leaves at once (`batch`).

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use codec::{Decode, Encode, Error, Input, MaxEncodedLen, Output};
use core::fmt;

/// The complete subtrees that a tree of some size consists of, one for each bit that is set in the size.
///
/// Its SCALE encoding is the size (u64, little-endian, below 2^63), then the roots, largest subtree first; their number follows from the size, so that
/// every frontier has one encoding.
#[derive(Clone)]
pub struct Frontier {
    size: u64,
    /// `peaks[k]` is the root of the complete subtree of `2^k` leaves where bit `k` of the size is set. What else stands there means nothing.
    peaks: [Hash; HEIGHTS],
}

/// A size has 64 bits.
const HEIGHTS: usize = 64;

/// Sizes that are taken from outside are below this, so that nobody can append beyond the largest number there is.
const SIZE_LIMIT: u64 = 1 << 63;

impl Frontier {
    /// The frontier of the tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, peaks: [[0; 32]; HEIGHTS] }
    }

    /// The frontier of a tree of `size` leaves whose complete subtrees have these roots, largest first. None if there are fewer or more of them than bits
    /// in the size, or if the size is 2^63 or more.
    pub fn from_peaks(size: u64, peaks: impl IntoIterator<Item = Hash>) -> Option<Self> {
        let mut frontier = Self::new();
        let mut peaks = peaks.into_iter();
        for (_, place) in frontier.begin(size)? {
            *place = peaks.next()?;
        }
        peaks.next().is_none().then_some(frontier)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The complete subtrees, largest first: how many levels each has above its leaves, and its root.
    pub fn peaks(&self) -> impl DoubleEndedIterator<Item = (u32, &Hash)> {
        (0..u64::BITS).zip(&self.peaks).rev().filter(|(height, _)| bit(self.size, *height))
    }

    /// Appends a leaf by its hash and returns its position.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size;
        let mut hash = leaf;
        // Every complete subtree at the end that is as large as the new one is joined with it.
        for (height, peak) in (0..u64::BITS).zip(&mut self.peaks) {
            if !bit(index, height) {
                *peak = hash;
                break;
            }
            hash = node_hash(peak, &hash);
        }
        // Below 2^63 when it was made or read, and nobody appends 2^63 times.
        self.size = index.saturating_add(1);
        index
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks().rev().map(|(_, peak)| peak);
        let Some(smallest) = peaks.next() else { return EMPTY_ROOT };
        peaks.fold(*smallest, |right, left| node_hash(left, &right))
    }

    /// Sets the size and gives the places where its peaks belong, largest first.
    fn begin(&mut self, size: u64) -> Option<impl Iterator<Item = (u32, &mut Hash)>> {
        if size >= SIZE_LIMIT {
            return None;
        }
        self.size = size;
        Some((0..u64::BITS).zip(&mut self.peaks).rev().filter(move |(height, _)| bit(size, *height)))
    }

    /// For whoever appends many at once: the size, and a peak for each height.
    #[cfg(feature = "std")]
    pub(crate) fn parts_mut(&mut self) -> (&mut u64, &mut [Hash; HEIGHTS]) {
        (&mut self.size, &mut self.peaks)
    }
}

fn bit(size: u64, height: u32) -> bool {
    size.checked_shr(height).unwrap_or(0) & 1 == 1
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Frontier {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.peaks().eq(other.peaks())
    }
}

impl Eq for Frontier {}

impl fmt::Debug for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frontier").field("size", &self.size).field("root", &self.root()).finish()
    }
}

impl Encode for Frontier {
    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        self.size.encode_to(output);
        self.peaks().for_each(|(_, peak)| peak.encode_to(output));
    }

    fn size_hint(&self) -> usize {
        Self::max_encoded_len()
    }
}

impl Decode for Frontier {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let mut frontier = Self::new();
        let size = u64::decode(input)?;
        for (_, place) in frontier.begin(size).ok_or("a tree has fewer than 2^63 leaves")? {
            input.read(place)?;
        }
        Ok(frontier)
    }
}

impl codec::DecodeWithMemTracking for Frontier {}

impl MaxEncodedLen for Frontier {
    fn max_encoded_len() -> usize {
        // The size, and a peak for each bit of the largest.
        8 + 63 * 32
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]
mod tests {
    use super::*;
    use crate::{Tree, leaf_hash};
    use codec::DecodeAll;

    fn leaf(number: u64) -> Hash {
        leaf_hash(&number.to_be_bytes())
    }

    #[test]
    fn the_roots_are_those_of_the_whole_tree() {
        let (mut frontier, mut tree) = (Frontier::new(), Tree::new());
        assert_eq!(frontier.root(), EMPTY_ROOT);
        for number in 0..1_100 {
            assert_eq!((frontier.append(leaf(number)), tree.append(leaf(number))), (number, number));
            assert_eq!((frontier.size(), frontier.root()), (tree.size(), tree.root()));
            assert_eq!(frontier.peaks().count() as u32, frontier.size().count_ones());
        }
    }

    #[test]
    fn it_is_carried_on_from_its_bytes_and_from_its_peaks() {
        let (mut frontier, mut tree) = (Frontier::new(), Tree::new());
        for number in 0..300 {
            let bytes = frontier.encode();
            assert_eq!(bytes.len(), 8 + 32 * frontier.peaks().count());
            let read = Frontier::decode_all(&mut &bytes[..]).unwrap();
            assert_eq!(read, frontier);
            assert_eq!(Frontier::from_peaks(number, frontier.peaks().map(|(_, peak)| *peak)), Some(read.clone()));
            frontier = read;
            frontier.append(leaf(number));
            tree.append(leaf(number));
            assert_eq!(frontier.root(), tree.root());
        }
    }

    #[test]
    fn fails_to_decode_what_is_cut_padded_or_too_large() {
        let mut frontier = Frontier::new();
        (0..7).for_each(|number| {
            frontier.append(leaf(number));
        });
        let bytes = frontier.encode();
        for cut in 0..bytes.len() {
            assert!(Frontier::decode_all(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Frontier::decode_all(&mut &[&bytes[..], &[0]].concat()[..]).is_err());
        let most = [&(u64::MAX >> 1).to_le_bytes()[..], &[1; 63 * 32]].concat();
        assert_eq!(most.len(), Frontier::max_encoded_len());
        let mut largest = Frontier::decode_all(&mut &most[..]).unwrap();
        assert_eq!(largest.append([0; 32]), u64::MAX >> 1);
        assert!(Frontier::decode_all(&mut &[&(1_u64 << 63).to_le_bytes()[..], &[1; 32]].concat()[..]).is_err());
    }

    #[test]
    fn fails_with_too_few_peaks_too_many_or_too_large_a_size() {
        assert_eq!(Frontier::from_peaks(3, [[1; 32]]), None);
        assert_eq!(Frontier::from_peaks(3, [[1; 32]; 3]), None);
        assert_eq!(Frontier::from_peaks(1 << 63, [[1; 32]]), None);
        assert!(Frontier::from_peaks(3, [[1; 32]; 2]).is_some());
    }
}
