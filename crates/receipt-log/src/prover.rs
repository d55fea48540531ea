//! What proofs are made from: the tree in memory, or tiles. Not here: checking them (`verify`), their form as documents (`document`).

use crate::{
    hash::Hash,
    tiles::{Store, TileError, TileTree},
    tree::{Tree, TreeError},
};

/// A tree that answers for every size it ever had.
pub trait Prover {
    /// Why it does not answer.
    type Error: From<TreeError>;

    /// Hash of a leaf.
    ///
    /// # Errors
    /// [`TreeError::IndexOutOfRange`], or that what is stored cannot be read or believed.
    fn leaf(&self, index: u64) -> Result<Hash, Self::Error>;

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`], or that what is stored cannot be read or believed.
    fn root_at(&self, size: u64) -> Result<Hash, Self::Error>;

    /// The proof that leaf `index` is in the tree of the first `size` leaves, siblings from the leaf upwards (RFC 9162, 2.1.3.1).
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`], [`TreeError::IndexOutOfRange`], or that what is stored cannot be read or believed.
    fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, Self::Error>;

    /// The proof that the tree of the first `new` leaves continues that of the first `old` (RFC 9162, 2.1.4.1). Empty for equal sizes.
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`], [`TreeError::SizesReversed`], [`TreeError::EmptyOldTree`], or that what is stored cannot be read or believed.
    fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, Self::Error>;
}

impl Prover for Tree {
    type Error = TreeError;

    fn leaf(&self, index: u64) -> Result<Hash, TreeError> {
        Tree::leaf(self, index).ok_or(TreeError::IndexOutOfRange { index, size: self.size() })
    }

    fn root_at(&self, size: u64) -> Result<Hash, TreeError> {
        Tree::root_at(self, size)
    }

    fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
        Tree::inclusion_proof(self, index, size)
    }

    fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, TreeError> {
        Tree::consistency_proof(self, old, new)
    }
}

impl<S: Store> Prover for TileTree<S> {
    type Error = TileError;

    fn leaf(&self, index: u64) -> Result<Hash, TileError> {
        TileTree::leaf(self, index)
    }

    fn root_at(&self, size: u64) -> Result<Hash, TileError> {
        TileTree::root_at(self, size)
    }

    fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TileError> {
        TileTree::inclusion_proof(self, index, size)
    }

    fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, TileError> {
        TileTree::consistency_proof(self, old, new)
    }
}
