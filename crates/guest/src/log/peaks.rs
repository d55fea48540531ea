//! An RFC 9162 tree that only grows: the roots of its complete subtrees, and nothing below them.
//!
//! A guest needs no proofs, the agent makes them; so a log of any length takes a few kilobytes here.

use blockcloud_receipt_log::{EMPTY_ROOT, Hash, node_hash};

/// The roots of the complete subtrees, from the largest, on the left, to the smallest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    size: u64,
    peaks: Vec<Hash>,
}

impl Peaks {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut right = leaf;
        // Every complete subtree at the end that is as large as the new one is joined with it: one for each low bit that is set.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            right = node_hash(&left, &right);
        }
        self.peaks.push(right);
        self.size = self.size.saturating_add(1);
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return EMPTY_ROOT };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_receipt_log::{Tree, leaf_hash};

    #[test]
    fn the_roots_are_those_of_the_whole_tree() {
        let (mut peaks, mut tree) = (Peaks::default(), Tree::new());
        for number in 0..300_u32 {
            assert_eq!((peaks.size(), peaks.root()), (tree.size(), tree.root()));
            let leaf = leaf_hash(&number.to_be_bytes());
            peaks.append(leaf);
            tree.append(leaf);
        }
        assert!(peaks.peaks.len() <= 9);
    }
}
