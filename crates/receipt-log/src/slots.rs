//! The tree of fixed slots that a round commits to, and the log of rounds: an RFC 9162 tree (section 2.1) of exactly 2^height leaves, most of which may
//! be empty.
//!
//! A slot's leaf is its entry's encoding; an empty slot's entry has no bytes, so that emptiness is proved like anything else. Because the tree is
//! complete, an aligned part of it is a tree of its own: who collects the part hands up its root, and a path through the part followed by a path
//! above it is a path through the whole.
//!
//! Not here: who may fill a slot, signatures, the frontier that the chain keeps over rounds.

use crate::{
    hash::{Hash, leaf_hash},
    verify::{ProofError, verify_inclusion},
};
use blockcloud_primitives::{Round, SlotEntry};
use codec::Encode;
#[cfg(feature = "std")]
pub use prover::{SlotTree, SlotTreeError};

/// Leaf hash of a slot: of its entry, or of no bytes at all where it is empty.
pub fn slot_hash(entry: Option<&SlotEntry>) -> Hash {
    entry.map_or_else(|| leaf_hash(&[]), |entry| leaf_hash(&entry.encode()))
}

/// Checks that the slot holds this entry, or is empty, in the tree of 2^height slots with this root.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`] for a slot that the tree does not have and for a height above [`Round::MAX_HEIGHT`]; [`ProofError::TooShort`],
/// [`ProofError::TooLong`] for a path of another length than the height; [`ProofError::RootMismatch`].
pub fn verify_slot(root: &Hash, height: u8, slot: u32, entry: Option<&SlotEntry>, path: &[Hash]) -> Result<(), ProofError> {
    if height > Round::MAX_HEIGHT {
        return Err(ProofError::IndexOutOfRange);
    }
    let slots = 1u64.checked_shl(height.into()).ok_or(ProofError::IndexOutOfRange)?;
    verify_inclusion(root, slots, slot.into(), &slot_hash(entry), path)
}

/// Checks that a round stands at its number in its aggregator's log of rounds, which has this size and root.
///
/// # Errors
/// As [`verify_inclusion`].
pub fn verify_round(root: &Hash, size: u64, round: &Round, path: &[Hash]) -> Result<(), ProofError> {
    verify_inclusion(root, size, round.number, &leaf_hash(&round.encode()), path)
}

#[cfg(feature = "std")]
mod prover {
    use crate::hash::{Hash, leaf_hash, node_hash};
    use blockcloud_primitives::Round;
    use thiserror::Error;

    /// Why no tree can be made of these nodes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
    pub enum SlotTreeError {
        /// The heights do not fit.
        #[error(
            "a tree of slots is at most {} levels high, and not lower than its parts; {level} and {height} were asked for",
            Round::MAX_HEIGHT
        )]
        Height {
            /// Level of the nodes it is made of.
            level: u8,
            /// Height of the tree.
            height: u8,
        },
        /// A node stands outside the tree.
        #[error("position {position} lies outside the tree, which has {positions} on this level")]
        Outside {
            /// The position on the nodes' level.
            position: u32,
            /// How many the tree has there.
            positions: u32,
        },
        /// Positions repeat or go back.
        #[error("positions must rise; {position} follows {before}")]
        Order {
            /// The position that comes too late.
            position: u32,
            /// The one before it.
            before: u32,
        },
    }

    /// A tree of 2^height slots of which only what is filled takes memory: about one hash for each filled slot and level.
    #[derive(Clone, Debug)]
    pub struct SlotTree {
        level: u8,
        /// From the given nodes' level up to the root: positions in rising order, with the nodes that are not empty.
        levels: Vec<Vec<(u32, Hash)>>,
        /// Root of an empty tree of each height up to this tree's.
        empty: Vec<Hash>,
    }

    impl SlotTree {
        /// The tree over filled slots, given by slot and leaf hash, in rising order.
        ///
        /// # Errors
        /// Any [`SlotTreeError`].
        pub fn of_slots(height: u8, filled: Vec<(u32, Hash)>) -> Result<Self, SlotTreeError> {
            Self::of_parts(0, height, filled)
        }

        /// The tree over the roots of its parts of 2^level slots, given by their position among such parts, in rising order. A part left out is
        /// empty.
        ///
        /// # Errors
        /// Any [`SlotTreeError`].
        pub fn of_parts(level: u8, height: u8, parts: Vec<(u32, Hash)>) -> Result<Self, SlotTreeError> {
            if level > height || height > Round::MAX_HEIGHT {
                return Err(SlotTreeError::Height { level, height });
            }
            let positions = 1u32.checked_shl(u32::from(height.saturating_sub(level))).unwrap_or(u32::MAX);
            let mut before = None;
            for (position, _) in &parts {
                let position = *position;
                if position >= positions {
                    return Err(SlotTreeError::Outside { position, positions });
                }
                if let Some(before) = before.replace(position).filter(|before| *before >= position) {
                    return Err(SlotTreeError::Order { position, before });
                }
            }
            let empty: Vec<Hash> = std::iter::successors(Some(leaf_hash(&[])), |hash| Some(node_hash(hash, hash)))
                .take(usize::from(height).saturating_add(1))
                .collect();
            let mut levels = vec![parts];
            for vacant in empty.get(usize::from(level)..usize::from(height)).unwrap_or_default() {
                let above = levels.last().map(|nodes| parents(nodes, vacant)).unwrap_or_default();
                levels.push(above);
            }
            Ok(Self { level, levels, empty })
        }

        /// The root.
        pub fn root(&self) -> Hash {
            self.levels.last().and_then(|top| top.first()).map(|(_, root)| *root).or_else(|| self.empty.last().copied()).unwrap_or_default()
        }

        /// The path from a node of the lowest level to the root, lowest first: with [`of_slots`](Self::of_slots) it proves a slot, filled or empty.
        /// Nothing for a position outside the tree.
        pub fn path(&self, position: u32) -> Option<Vec<Hash>> {
            let (_, below) = self.levels.split_last()?;
            // One position where the only level is the root's.
            let width = u32::try_from(below.len()).ok()?;
            if position.checked_shr(width).unwrap_or(0) > 0 {
                return None;
            }
            let vacant = self.empty.get(usize::from(self.level)..)?;
            below
                .iter()
                .zip(vacant)
                .zip(0u32..)
                .map(|((nodes, vacant), level)| {
                    let sibling = position.checked_shr(level)? ^ 1;
                    let found = nodes.binary_search_by_key(&sibling, |(position, _)| *position).ok();
                    found.map_or(Some(*vacant), |at| nodes.get(at).map(|(_, hash)| *hash))
                })
                .collect()
        }
    }

    /// The level above these nodes, where `vacant` stands for every node that is left out.
    fn parents(nodes: &[(u32, Hash)], vacant: &Hash) -> Vec<(u32, Hash)> {
        let families = nodes.chunk_by(|(left, _), (right, _)| left >> 1 == right >> 1);
        families
            .filter_map(|family| match family {
                [(position, left), (_, right)] => Some((position >> 1, node_hash(left, right))),
                [(position, only)] if position & 1 == 0 => Some((position >> 1, node_hash(only, vacant))),
                [(position, only)] => Some((position >> 1, node_hash(vacant, only))),
                _ => None,
            })
            .collect()
    }
}
