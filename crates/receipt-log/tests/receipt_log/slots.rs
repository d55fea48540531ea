//! Trees of fixed slots: the same as the full RFC 9162 tree, whole or in parts, and no path that proves anything else.

use blockcloud_primitives::{AggregatorId, Checkpoint, Digest, JobId, Round, Signature, SlotEntry, Usage};
use blockcloud_receipt_log::{
    EMPTY_ROOT, Hash, ProofError, SlotTree, SlotTreeError, Tree, leaf_hash, slot_hash, verify_inclusion, verify_round, verify_slot,
};
use codec::Encode;
use proptest::{collection::btree_map, prelude::*};

/// A hash for a number.
fn fill(seed: u64) -> Hash {
    leaf_hash(&seed.to_be_bytes())
}

fn entry(job: u64) -> SlotEntry {
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job: JobId(job),
        size: 10,
        root: Digest(fill(job)),
        time: 1_000,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest(EMPTY_ROOT),
    };
    SlotEntry::new(checkpoint, Signature([7; 64]))
}

/// The full tree, made leaf by leaf.
fn full(height: u8, filled: &[(u32, Hash)]) -> Tree {
    let mut tree = Tree::new();
    for slot in 0..1u32 << height {
        let at = filled.binary_search_by_key(&slot, |(slot, _)| *slot);
        tree.append(at.map_or_else(|_| slot_hash(None), |at| filled[at].1));
    }
    tree
}

proptest! {
    #[test]
    fn a_tree_of_slots_is_the_full_tree(height in 0u8..8, slots in btree_map(0u32..256, any::<u64>(), 0..40)) {
        let filled: Vec<_> = slots.into_iter().filter(|(slot, _)| *slot < 1 << height).map(|(slot, seed)| (slot, fill(seed))).collect();
        let (sparse, full) = (SlotTree::of_slots(height, filled.clone()).unwrap(), full(height, &filled));
        prop_assert_eq!(sparse.root(), full.root());
        for slot in 0..1u32 << height {
            let path = sparse.path(slot).unwrap();
            prop_assert_eq!(&path, &full.inclusion_proof(slot.into(), full.size()).unwrap());
        }
        prop_assert_eq!(sparse.path(1 << height), None);
    }

    #[test]
    fn a_path_through_a_part_goes_on_above_it(
        level in 0u8..5, above in 0u8..5, slots in btree_map(0u32..1024, any::<u64>(), 1..40), slot in 0u32..1024,
    ) {
        let height = level + above;
        let filled: Vec<_> = slots.into_iter().filter(|(slot, _)| *slot < 1 << height).map(|(slot, seed)| (slot, fill(seed))).collect();
        let slot = slot % (1 << height);
        let part = |at: u32| {
            let inside = filled.iter().filter(|(slot, _)| slot >> level == at).map(|(slot, hash)| (slot & ((1 << level) - 1), *hash)).collect();
            SlotTree::of_slots(level, inside).unwrap()
        };
        let mut parts: Vec<u32> = filled.iter().map(|(slot, _)| slot >> level).collect();
        parts.dedup();
        let top = SlotTree::of_parts(level, height, parts.iter().map(|at| (*at, part(*at).root())).collect()).unwrap();
        let whole = SlotTree::of_slots(height, filled.clone()).unwrap();
        prop_assert_eq!(top.root(), whole.root());
        let mut path = part(slot >> level).path(slot & ((1 << level) - 1)).unwrap();
        path.extend(top.path(slot >> level).unwrap());
        prop_assert_eq!(path, whole.path(slot).unwrap());
    }
}

#[test]
fn the_largest_tree_has_a_path_of_thirty_for_a_member_and_for_an_empty_slot() {
    let last = (1 << Round::MAX_HEIGHT) - 1;
    let tree = SlotTree::of_slots(Round::MAX_HEIGHT, vec![(5, slot_hash(Some(&entry(5)))), (last, slot_hash(Some(&entry(9))))]).unwrap();
    for (slot, entry) in [(5, Some(entry(5))), (last, Some(entry(9))), (6, None), (0, None)] {
        let path = tree.path(slot).unwrap();
        assert_eq!(path.len(), 30);
        assert_eq!(verify_slot(&tree.root(), Round::MAX_HEIGHT, slot, entry.as_ref(), &path), Ok(()));
    }
    assert_eq!(tree.path(last + 1), None);
}

mod verify_slot {
    use super::*;

    #[test]
    fn refuses_another_slot_entry_height_or_path() {
        let tree = SlotTree::of_slots(4, vec![(3, slot_hash(Some(&entry(3)))), (9, slot_hash(Some(&entry(9))))]).unwrap();
        let (root, path) = (tree.root(), tree.path(3).unwrap());
        let check = |height, slot, entry: Option<SlotEntry>, path: &[Hash]| verify_slot(&root, height, slot, entry.as_ref(), path);
        assert_eq!(check(4, 3, Some(entry(3)), &path), Ok(()));
        assert_eq!(check(4, 3, None, &path), Err(ProofError::RootMismatch));
        assert_eq!(check(4, 3, Some(entry(4)), &path), Err(ProofError::RootMismatch));
        assert_eq!(check(4, 2, Some(entry(3)), &path), Err(ProofError::RootMismatch));
        assert_eq!(check(4, 2, None, &tree.path(9).unwrap()), Err(ProofError::RootMismatch));
        assert_eq!(check(4, 16, None, &path), Err(ProofError::IndexOutOfRange));
        assert_eq!(check(5, 3, Some(entry(3)), &path), Err(ProofError::TooShort));
        assert_eq!(check(3, 3, Some(entry(3)), &path), Err(ProofError::TooLong));
        assert_eq!(check(31, 3, Some(entry(3)), &path), Err(ProofError::IndexOutOfRange));
        assert_eq!(check(64, 3, Some(entry(3)), &path), Err(ProofError::IndexOutOfRange));
        assert_eq!(check(255, 3, Some(entry(3)), &path), Err(ProofError::IndexOutOfRange));
    }

    #[test]
    fn an_empty_slot_is_not_the_root_of_an_empty_log() {
        assert_ne!(slot_hash(None), EMPTY_ROOT);
        let tree = SlotTree::of_slots(0, vec![]).unwrap();
        assert_eq!(verify_slot(&tree.root(), 0, 0, None, &[]), Ok(()));
        assert_eq!(verify_slot(&EMPTY_ROOT, 0, 0, None, &[]), Err(ProofError::RootMismatch));
    }
}

#[test]
fn verify_round_refuses_another_round_or_number() {
    let round = |number| Round {
        version: 1,
        aggregator: AggregatorId(1),
        number,
        root: Digest(fill(number)),
        filled: 1,
        receipts: 2,
        time: number,
    };
    let mut tree = Tree::new();
    for number in 0..5 {
        tree.append(leaf_hash(&round(number).encode()));
    }
    let path = tree.inclusion_proof(3, 5).unwrap();
    assert_eq!(verify_round(&tree.root(), 5, &round(3), &path), Ok(()));
    assert_eq!(verify_round(&tree.root(), 5, &Round { receipts: 3, ..round(3) }, &path), Err(ProofError::RootMismatch));
    assert_eq!(verify_round(&tree.root(), 5, &Round { number: 2, ..round(3) }, &path), Err(ProofError::RootMismatch));
    assert_eq!(verify_round(&tree.root(), 5, &Round { number: 5, ..round(3) }, &path), Err(ProofError::IndexOutOfRange));
    assert_eq!(verify_inclusion(&tree.root(), 5, 3, &leaf_hash(&round(3).encode()), &path), Ok(()));
}

mod of_parts {
    use super::*;

    #[test]
    fn refuses_what_is_no_tree() {
        let node = |position| (position, fill(1));
        assert_eq!(SlotTree::of_slots(31, vec![]).unwrap_err(), SlotTreeError::Height { level: 0, height: 31 });
        assert_eq!(SlotTree::of_parts(3, 2, vec![]).unwrap_err(), SlotTreeError::Height { level: 3, height: 2 });
        assert_eq!(SlotTree::of_slots(2, vec![node(4)]).unwrap_err(), SlotTreeError::Outside { position: 4, positions: 4 });
        assert_eq!(SlotTree::of_parts(2, 2, vec![node(1)]).unwrap_err(), SlotTreeError::Outside { position: 1, positions: 1 });
        assert_eq!(SlotTree::of_slots(2, vec![node(1), node(1)]).unwrap_err(), SlotTreeError::Order { position: 1, before: 1 });
        assert_eq!(SlotTree::of_slots(2, vec![node(2), node(1)]).unwrap_err(), SlotTreeError::Order { position: 1, before: 2 });
    }
}
