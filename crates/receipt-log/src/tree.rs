//! The proving half: a tree in memory that answers for every size it ever had.
//!
//! It keeps the hash of every complete subtree, 64 bytes per leaf. Not here: entries (only their hashes), files (`ReceiptLog`), verifying.

use crate::{
    batch::{PIECE, receipt_hashes},
    frontier::Frontier,
    hash::{Hash, node_hash},
    lanes::Kernel,
    paths,
};
use blockcloud_primitives::Receipt;
use std::convert::Infallible;
use thiserror::Error;

/// A question that a tree cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The tree has never had this size.
    #[error("the log has {size} entries, not yet {asked}")]
    SizeBeyondEnd {
        /// The size asked for.
        asked: u64,
        /// The size it has.
        size: u64,
    },
    /// There is no such leaf in the tree of this size.
    #[error("there is no entry {index} among the first {size}")]
    IndexOutOfRange {
        /// The position asked for.
        index: u64,
        /// The size of the tree asked about.
        size: u64,
    },
    /// The older size is larger than the newer one.
    #[error("the older size {old} is larger than the newer size {new}")]
    SizesReversed {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// The older tree is empty: there is nothing to prove.
    #[error("every tree is consistent with the empty one: there is nothing to prove")]
    EmptyOldTree,
}

/// An append-only RFC 9162 tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// `levels[k][i]` is the hash over leaves `i * 2^k .. (i + 1) * 2^k`. Complete subtrees only: they never change.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends a leaf by its hash and returns its position.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut hash = leaf;
        let mut depth = 0;
        loop {
            if depth == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[depth];
            level.push(hash);
            // An even number of nodes: the last two have a parent now.
            if level.len() % 2 == 1 {
                return index;
            }
            hash = node_hash(&level[level.len() - 2], &level[level.len() - 1]);
            depth += 1;
        }
    }

    /// Appends leaves by their hashes, nodes hashed side by side.
    pub fn extend_from_slice(&mut self, leaves: &[Hash]) {
        for piece in leaves.chunks(PIECE) {
            self.leaves().extend_from_slice(piece);
            self.complete();
        }
    }

    /// Appends receipts: encodings, leaves and nodes hashed side by side.
    pub fn append_receipts(&mut self, receipts: &[Receipt]) {
        for piece in receipts.chunks(PIECE) {
            let leaves = self.leaves();
            let before = leaves.len();
            leaves.resize(before + piece.len(), [0; 32]);
            receipt_hashes(piece, &mut leaves[before..]).expect("as many hashes as receipts");
            self.complete();
        }
    }

    /// The hash of a complete subtree of `2^height` leaves, by its position among those.
    pub fn node(&self, height: u32, index: u64) -> Option<Hash> {
        self.levels.get(usize::try_from(height).ok()?)?.get(usize::try_from(index).ok()?).copied()
    }

    fn leaves(&mut self) -> &mut Vec<Hash> {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        &mut self.levels[0]
    }

    /// Adds the nodes that the last leaves have completed, level by level.
    fn complete(&mut self) {
        let kernel = Kernel::fastest();
        for depth in 0.. {
            let (below, above) = self.levels.split_at_mut(depth + 1);
            let children = &below[depth];
            let parents = children.len() / 2;
            if parents == 0 {
                return;
            }
            let Some(nodes) = above.first_mut() else {
                let mut nodes = vec![[0; 32]; parents];
                kernel.nodes(&children[..2 * parents], &mut nodes).expect("two children for each node");
                self.levels.push(nodes);
                continue;
            };
            let before = nodes.len();
            if before == parents {
                return;
            }
            nodes.resize(parents, [0; 32]);
            kernel.nodes(&children[2 * before..2 * parents], &mut nodes[before..]).expect("two children for each node");
        }
    }

    /// Hash of a leaf.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.levels.first()?.get(usize::try_from(index).ok()?).copied()
    }

    /// What is needed to append to the tree and to know its root, without the tree.
    pub fn frontier(&self) -> Frontier {
        let size = self.size();
        let peaks = (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1);
        // The subtree of each bit stands behind those of all higher ones.
        let peaks = peaks.map(|height| self.levels[height as usize][((size >> height) - 1) as usize]);
        Frontier::from_peaks(size, peaks).expect("a complete subtree for each bit of the size")
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.range(0, self.size())
    }

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`].
    pub fn root_at(&self, size: u64) -> Result<Hash, TreeError> {
        self.check_size(size)?;
        Ok(self.range(0, size))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves, siblings from the leaf upwards (RFC 9162, 2.1.3.1).
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`], [`TreeError::IndexOutOfRange`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
        self.check_size(size)?;
        if index >= size {
            return Err(TreeError::IndexOutOfRange { index, size });
        }
        let Ok(proof) = paths::inclusion(index, size, |height, index| self.complete_subtree(height, index));
        Ok(proof)
    }

    /// The proof that the tree of the first `new` leaves continues that of the first `old` (RFC 9162, 2.1.4.1). Empty for equal sizes.
    ///
    /// # Errors
    /// [`TreeError::SizeBeyondEnd`], [`TreeError::SizesReversed`], [`TreeError::EmptyOldTree`].
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, TreeError> {
        self.check_size(new)?;
        if old > new {
            return Err(TreeError::SizesReversed { old, new });
        }
        if old == 0 && new > 0 {
            return Err(TreeError::EmptyOldTree);
        }
        let Ok(proof) = paths::consistency(old, new, |height, index| self.complete_subtree(height, index));
        Ok(proof)
    }

    fn check_size(&self, asked: u64) -> Result<(), TreeError> {
        let size = self.size();
        if asked > size { Err(TreeError::SizeBeyondEnd { asked, size }) } else { Ok(()) }
    }

    fn range(&self, start: u64, end: u64) -> Hash {
        let Ok(hash) = paths::subtree(start, end, |height, index| self.complete_subtree(height, index));
        hash
    }

    fn complete_subtree(&self, height: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(self.levels[height as usize][index as usize])
    }
}

impl Extend<Hash> for Tree {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        let mut leaves = leaves.into_iter();
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            piece.extend(leaves.by_ref().take(PIECE));
            if piece.is_empty() {
                return;
            }
            self.extend_from_slice(&piece);
        }
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        tree.extend(leaves);
        tree
    }
}
