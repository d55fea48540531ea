//! The verifying half: inclusion (RFC 9162, 2.1.3.2) and consistency (2.1.4.2). The chain runs this very code.
//!
//! Proofs come from strangers. At most 64 hashes are ever read, whatever the length of what was sent; no size and no position makes it
//! panic. Not here: making proofs (`Tree`), or any question about who signed a root.

use crate::hash::{Hash, node_hash};
use core::fmt;

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The position is not one of a tree of this size.
    IndexOutOfRange,
    /// The older tree is the larger one.
    SizesReversed,
    /// The older tree is empty: every tree continues it, so there is nothing to prove.
    EmptyOldTree,
    /// Hashes are missing from the proof.
    TooShort,
    /// The proof has more hashes than a tree of this size has levels to use them on.
    TooLong,
    /// The proof does not lead to the older tree's root.
    OldRootMismatch,
    /// The proof does not lead to the root.
    RootMismatch,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IndexOutOfRange => "the position lies outside a tree of this size",
            Self::SizesReversed => "the older tree is larger than the newer one",
            Self::EmptyOldTree => "the older tree is empty, and every tree is consistent with the empty one: there is nothing to prove",
            Self::TooShort => "the proof has too few hashes for these sizes",
            Self::TooLong => "the proof has too many hashes for these sizes",
            Self::OldRootMismatch => "the proof does not lead to the older root",
            Self::RootMismatch => "the proof does not lead to the root",
        })
    }
}

impl core::error::Error for ProofError {}

/// Checks that the leaf with hash `leaf` stands at position `index` of the tree with `size` leaves and root `root`.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`] (a tree of size zero has no positions), [`ProofError::TooShort`], [`ProofError::TooLong`],
/// [`ProofError::RootMismatch`].
pub fn verify_inclusion(root: &Hash, size: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if root_of_inclusion(size, index, leaf, proof)? == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The root to which an inclusion proof leads.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`], [`ProofError::TooShort`], [`ProofError::TooLong`].
pub(crate) fn root_of_inclusion(size: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> Result<Hash, ProofError> {
    let last = size.checked_sub(1).filter(|last| index <= *last).ok_or(ProofError::IndexOutOfRange)?;
    let mut path = Path { node: index, last };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.climb()? {
            Sibling::Left => node_hash(sibling, &hash),
            Sibling::Right => node_hash(&hash, sibling),
        };
    }
    path.finish()?;
    Ok(hash)
}

/// Checks that the tree with `new_size` leaves and root `new_root` begins with the very leaves of the tree with `old_size` leaves and root
/// `old_root`.
///
/// Two trees of one size are consistent when their roots are equal, with an empty proof. Whoever starts from nothing has nothing to check and
/// must say so instead of calling this with size zero.
///
/// # Errors
/// [`ProofError::SizesReversed`], [`ProofError::EmptyOldTree`], [`ProofError::TooShort`], [`ProofError::TooLong`],
/// [`ProofError::OldRootMismatch`], [`ProofError::RootMismatch`].
pub fn verify_consistency(old_size: u64, old_root: &Hash, new_size: u64, new_root: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if root_of_consistency(old_size, old_root, new_size, proof)? == *new_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The newer root to which a consistency proof leads.
///
/// # Errors
/// [`ProofError::SizesReversed`], [`ProofError::EmptyOldTree`], [`ProofError::TooShort`], [`ProofError::TooLong`],
/// [`ProofError::OldRootMismatch`].
pub(crate) fn root_of_consistency(old_size: u64, old_root: &Hash, new_size: u64, proof: &[Hash]) -> Result<Hash, ProofError> {
    if old_size > new_size {
        return Err(ProofError::SizesReversed);
    }
    if old_size == new_size {
        return if proof.is_empty() { Ok(*old_root) } else { Err(ProofError::TooLong) };
    }
    let (Some(old_last), Some(new_last)) = (old_size.checked_sub(1), new_size.checked_sub(1)) else {
        return Err(ProofError::EmptyOldTree);
    };
    // RFC 9162 fails an empty proof for different sizes before it looks at anything else.
    let (first, rest) = proof.split_first().ok_or(ProofError::TooShort)?;
    // The walk starts at the largest complete subtree that ends where the old tree ends. If that is the whole old tree, the proof leaves its
    // hash out: it is the old root.
    let (seed, siblings) = if old_size.is_power_of_two() { (old_root, proof) } else { (first, rest) };

    let shift = old_last.trailing_ones();
    let mut path = Path { node: old_last.checked_shr(shift).unwrap_or(0), last: new_last.checked_shr(shift).unwrap_or(0) };
    let (mut old, mut new) = (*seed, *seed);
    for sibling in siblings {
        match path.climb()? {
            Sibling::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            // Stands to the right of the old tree's end, so only the new tree has it.
            Sibling::Right => new = node_hash(&new, sibling),
        }
    }
    path.finish()?;
    if old == *old_root { Ok(new) } else { Err(ProofError::OldRootMismatch) }
}

/// On which side of the path a proof's next hash stands.
enum Sibling {
    Left,
    Right,
}

/// A node on its way up to the root: its position on its level (RFC 9162 calls it `fn`) and that of the level's last node (`sn`).
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Goes up past one hash of the proof.
    fn climb(&mut self) -> Result<Sibling, ProofError> {
        if self.last == 0 {
            return Err(ProofError::TooLong);
        }
        let sibling = if self.node & 1 == 1 {
            Sibling::Left
        } else if self.node == self.last {
            // A last node without a partner rises unchanged until it has a left neighbour. It has one, because `node` is not zero here.
            self.up(self.node.trailing_zeros());
            Sibling::Left
        } else {
            Sibling::Right
        };
        self.up(1);
        Ok(sibling)
    }

    /// Whether the root is reached.
    fn finish(self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::TooShort) }
    }

    fn up(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}
