//! The tree of a round where slots and the roots of parts of any height stand side by side.
//!
//! A tree of slots has its nodes on one level. Here the levels at which something is given cut the tree into layers, and each layer consists of trees
//! of that kind: the roots of one layer's trees, with the parts that are given at that height, are the nodes of the layer above.
//!
//! Not here: what stands in the slots, signatures.

use crate::{Hash, SlotTree, SlotTreeError};
use std::collections::BTreeMap;

/// The trees between two levels, by their position on the upper one.
#[derive(Clone, Debug)]
struct Layer {
    lower: u8,
    upper: u8,
    trees: BTreeMap<u32, SlotTree>,
}

impl Layer {
    fn height(&self) -> u8 {
        self.upper.saturating_sub(self.lower)
    }
}

/// A tree of 2^height slots over filled slots and parts.
#[derive(Clone, Debug)]
pub struct Forest {
    height: u8,
    layers: Vec<Layer>,
    root: Hash,
}

impl Forest {
    /// The tree over nodes given by level (0: slots), position on that level, and hash. No node may stand above another.
    ///
    /// # Errors
    /// [`SlotTreeError::Height`] for a level or height that is too large; [`SlotTreeError::Outside`], [`SlotTreeError::Order`] for nodes outside the
    /// tree, given twice, or above others.
    pub fn new(height: u8, nodes: impl IntoIterator<Item = (u8, u32, Hash)>) -> Result<Self, SlotTreeError> {
        let mut given: BTreeMap<u8, BTreeMap<u32, Hash>> = BTreeMap::new();
        // Level 0 and the root's level are always there.
        given.entry(0).or_default();
        for (level, position, hash) in nodes {
            if level > height {
                return Err(SlotTreeError::Height { level, height });
            }
            if given.entry(level).or_default().insert(position, hash).is_some() {
                return Err(SlotTreeError::Order { position, before: position });
            }
        }
        let levels: Vec<u8> = given.keys().copied().chain((!given.contains_key(&height)).then_some(height)).collect();
        let mut layers = Vec::new();
        let mut nodes = given.remove(&0).unwrap_or_default();
        for pair in levels.windows(2) {
            let &[lower, upper] = pair else { continue };
            let step = upper.saturating_sub(lower);
            let mut groups: BTreeMap<u32, Vec<(u32, Hash)>> = BTreeMap::new();
            for (position, hash) in nodes {
                let group = position.checked_shr(step.into()).unwrap_or(0);
                let within = position.saturating_sub(group.checked_shl(step.into()).unwrap_or(0));
                groups.entry(group).or_default().push((within, hash));
            }
            nodes = given.remove(&upper).unwrap_or_default();
            let mut trees = BTreeMap::new();
            for (position, slots) in groups {
                // Leaves of one layer are the nodes of another: `of_slots` only sees hashes. But what is empty has another hash on each level.
                let slots = slots.into_iter().collect();
                let tree = SlotTree::of_parts(lower, upper, slots)?;
                if nodes.insert(position, tree.root()).is_some() {
                    return Err(SlotTreeError::Order { position, before: position });
                }
                trees.insert(position, tree);
            }
            layers.push(Layer { lower, upper, trees });
        }
        let positions = 1;
        if let Some((position, _)) = nodes.iter().next_back().filter(|(position, _)| **position >= positions) {
            return Err(SlotTreeError::Outside { position: *position, positions });
        }
        let root = match nodes.remove(&0) {
            Some(root) => root,
            None => SlotTree::of_slots(height, Vec::new())?.root(),
        };
        Ok(Self { height, layers, root })
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The path from a node at this level to the root, lowest first. Nothing for a node inside a part, at a level without nodes, or outside.
    pub fn path(&self, level: u8, position: u32) -> Option<Vec<Hash>> {
        let mut path = Vec::new();
        let mut at = position;
        let mut started = level == self.height;
        for layer in &self.layers {
            if layer.lower < level {
                continue;
            }
            started |= layer.lower == level;
            let step = u32::from(layer.height());
            let group = at.checked_shr(step).unwrap_or(0);
            let within = at.saturating_sub(group.checked_shl(step).unwrap_or(0));
            match layer.trees.get(&group) {
                Some(tree) => path.extend(tree.path(within)?),
                None => path.extend(SlotTree::of_parts(layer.lower, layer.upper, Vec::new()).ok()?.path(within)?),
            }
            at = group;
        }
        (started && at == 0).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{leaf_hash, verify_inclusion};
    use proptest::prelude::*;

    fn hash(slot: u32) -> Hash {
        leaf_hash(&slot.to_le_bytes())
    }

    proptest! {
        #[test]
        fn parts_of_any_height_give_the_root_and_paths_of_the_whole(
            filled in proptest::collection::btree_set(0u32..64, 0..40),
            cuts in proptest::collection::vec((0u32..64, 1u8..6), 0..5),
        ) {
            let all: Vec<(u32, Hash)> = filled.iter().map(|slot| (*slot, hash(*slot))).collect();
            let whole = SlotTree::of_slots(6, all.clone()).unwrap();
            let mut parts: Vec<(u32, u8)> = Vec::new();
            for (slot, height) in cuts {
                let base = slot >> height << height;
                if parts.iter().all(|(other, other_height)| base + (1 << height) <= *other || other + (1 << other_height) <= base) {
                    parts.push((base, height));
                }
            }
            let inside = |slot: u32| parts.iter().find(|(base, height)| slot >= *base && slot < base + (1 << height));
            let mut nodes = Vec::new();
            let mut below = Vec::new();
            for (base, height) in &parts {
                let slots = all.iter().filter(|(slot, _)| inside(*slot) == Some(&(*base, *height))).map(|(slot, hash)| (slot - base, *hash)).collect();
                let tree = SlotTree::of_slots(*height, slots).unwrap();
                nodes.push((*height, base >> height, tree.root()));
                below.push((*base, *height, tree));
            }
            nodes.extend(all.iter().filter(|(slot, _)| inside(*slot).is_none()).map(|(slot, hash)| (0, *slot, *hash)));
            let forest = Forest::new(6, nodes).unwrap();
            prop_assert_eq!(forest.root(), whole.root());
            for slot in 0..64 {
                let path = match below.iter().find(|(base, height, _)| slot >= *base && slot < base + (1 << height)) {
                    Some((base, height, tree)) => {
                        let mut path = tree.path(slot - base).unwrap();
                        path.extend(forest.path(*height, base >> height).unwrap());
                        path
                    }
                    None => forest.path(0, slot).unwrap(),
                };
                prop_assert_eq!(&path, &whole.path(slot).unwrap());
                let leaf = if filled.contains(&slot) { hash(slot) } else { leaf_hash(&[]) };
                prop_assert_eq!(verify_inclusion(&whole.root(), 64, slot.into(), &leaf, &path), Ok(()));
            }
        }
    }

    #[test]
    fn an_empty_tree_and_one_of_a_single_slot_have_roots() {
        for height in [0, 1, 30] {
            assert_eq!(Forest::new(height, []).unwrap().root(), SlotTree::of_slots(height, vec![]).unwrap().root());
        }
        let one = Forest::new(0, [(0, 0, hash(1))]).unwrap();
        assert_eq!((one.root(), one.path(0, 0)), (hash(1), Some(vec![])));
    }

    #[test]
    fn fails_for_nodes_outside_given_twice_or_above_others() {
        assert!(matches!(Forest::new(2, [(0, 4, hash(0))]), Err(SlotTreeError::Outside { .. })));
        assert!(matches!(Forest::new(2, [(1, 2, hash(0))]), Err(SlotTreeError::Outside { .. })));
        assert!(matches!(Forest::new(2, [(3, 0, hash(0))]), Err(SlotTreeError::Height { .. })));
        assert!(matches!(Forest::new(31, []), Err(SlotTreeError::Height { .. })));
        assert!(matches!(Forest::new(2, [(0, 1, hash(0)), (0, 1, hash(0))]), Err(SlotTreeError::Order { .. })));
        assert!(matches!(Forest::new(2, [(0, 1, hash(0)), (1, 0, hash(0))]), Err(SlotTreeError::Order { .. })));
    }

    #[test]
    fn there_is_no_path_from_outside_or_from_a_level_without_nodes() {
        let forest = Forest::new(4, [(0, 1, hash(1)), (2, 1, hash(2))]).unwrap();
        assert_eq!(forest.path(0, 16), None);
        assert_eq!(forest.path(2, 4), None);
        assert_eq!(forest.path(1, 0), None);
        assert!(forest.path(2, 3).is_some());
    }
}
