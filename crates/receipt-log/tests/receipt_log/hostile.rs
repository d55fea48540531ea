//! Proofs that must fail, each with its own error.

use crate::common::leaves;
use blockcloud_receipt_log::{EMPTY_ROOT, Hash, ProofError, Tree, node_hash, verify_consistency, verify_inclusion};

const LARGEST: u64 = 40;

fn tree(size: u64) -> Tree {
    leaves(size).into_iter().collect()
}

mod inclusion {
    use super::*;

    /// Runs `check(root, size, index, leaf, proof)` for every leaf of every small tree.
    fn everywhere(check: impl Fn(&Hash, u64, u64, &Hash, &[Hash])) {
        let tree = tree(LARGEST);
        for size in 1..=LARGEST {
            for index in 0..size {
                let proof = tree.inclusion_proof(index, size).unwrap();
                check(&tree.root_at(size).unwrap(), size, index, &tree.leaf(index).unwrap(), &proof);
            }
        }
    }

    #[test]
    fn fails_at_any_other_position() {
        everywhere(|root, size, index, leaf, proof| {
            for other in (0..size).filter(|other| *other != index) {
                let verdict = verify_inclusion(root, size, other, leaf, proof).unwrap_err();
                assert!(matches!(verdict, ProofError::RootMismatch | ProofError::TooShort | ProofError::TooLong), "{verdict:?}");
            }
        });
    }

    #[test]
    fn fails_for_any_other_leaf() {
        everywhere(|root, size, index, _, proof| {
            let other = [0xaa; 32];
            assert_eq!(verify_inclusion(root, size, index, &other, proof), Err(ProofError::RootMismatch));
        });
    }

    #[test]
    fn fails_for_another_root() {
        everywhere(|_, size, index, leaf, proof| {
            assert_eq!(verify_inclusion(&EMPTY_ROOT, size, index, leaf, proof), Err(ProofError::RootMismatch));
        });
    }

    #[test]
    fn fails_with_a_hash_too_many() {
        everywhere(|root, size, index, leaf, proof| {
            for extra in [*root, *leaf, [0; 32]] {
                let appended = [proof, &[extra]].concat();
                assert_eq!(verify_inclusion(root, size, index, leaf, &appended), Err(ProofError::TooLong));
                let prepended = [&[extra], proof].concat();
                assert_eq!(verify_inclusion(root, size, index, leaf, &prepended), Err(ProofError::TooLong));
            }
        });
    }

    #[test]
    fn fails_with_a_hash_missing() {
        everywhere(|root, size, index, leaf, proof| {
            for missing in 0..proof.len() {
                let mut proof = proof.to_vec();
                proof.remove(missing);
                assert_eq!(verify_inclusion(root, size, index, leaf, &proof), Err(ProofError::TooShort));
            }
        });
    }

    #[test]
    fn fails_with_hashes_in_another_order() {
        everywhere(|root, size, index, leaf, proof| {
            for at in 1..proof.len() {
                let mut proof = proof.to_vec();
                proof.swap(at - 1, at);
                assert_eq!(verify_inclusion(root, size, index, leaf, &proof), Err(ProofError::RootMismatch));
            }
        });
    }

    #[test]
    fn fails_when_a_node_is_passed_off_as_a_leaf() {
        // The left half of a tree of four, shown as the first leaf of a tree of two: the arithmetic is right, so only the leaf's own hash, made
        // from an entry with the leaf prefix, can tell. A verifier that hashes the entry itself is not fooled.
        let tree = tree(4);
        let (left, right) = (tree.root_at(2).unwrap(), node_hash(&tree.leaf(2).unwrap(), &tree.leaf(3).unwrap()));
        let entry = [tree.leaf(0).unwrap(), tree.leaf(1).unwrap()].concat();
        assert_eq!(verify_inclusion(&tree.root(), 2, 0, &left, &[right]), Ok(()));
        let leaf = blockcloud_receipt_log::leaf_hash(&entry);
        assert_eq!(verify_inclusion(&tree.root(), 2, 0, &leaf, &[right]), Err(ProofError::RootMismatch));
    }

    #[test]
    fn fails_in_an_empty_tree() {
        for index in [0, 1, u64::MAX] {
            assert_eq!(verify_inclusion(&EMPTY_ROOT, 0, index, &EMPTY_ROOT, &[]), Err(ProofError::IndexOutOfRange));
        }
    }

    #[test]
    fn fails_beyond_the_end() {
        let tree = tree(7);
        let (root, leaf) = (tree.root(), tree.leaf(6).unwrap());
        let proof = tree.inclusion_proof(6, 7).unwrap();
        for index in [7, 8, 1 << 63, u64::MAX] {
            assert_eq!(verify_inclusion(&root, 7, index, &leaf, &proof), Err(ProofError::IndexOutOfRange));
        }
    }

    #[test]
    fn holds_in_the_largest_trees() {
        let (leaf, siblings) = ([1; 32], leaves(64));
        // First leaf of 2^64 - 1: a right sibling on each of 64 levels.
        let root = siblings.iter().fold(leaf, |hash, sibling| node_hash(&hash, sibling));
        assert_eq!(verify_inclusion(&root, u64::MAX, 0, &leaf, &siblings), Ok(()));
        assert_eq!(verify_inclusion(&root, u64::MAX, 0, &leaf, &siblings[..63]), Err(ProofError::TooShort));
        assert_eq!(verify_inclusion(&root, u64::MAX, 0, &leaf, &[&siblings[..], &[leaf]].concat()), Err(ProofError::TooLong));
        // Last leaf of 2^64 - 1: it has no partner on its own level, and a left sibling on the 63 above.
        let root = siblings[..63].iter().fold(leaf, |hash, sibling| node_hash(sibling, &hash));
        assert_eq!(verify_inclusion(&root, u64::MAX, u64::MAX - 1, &leaf, &siblings[..63]), Ok(()));
        assert_eq!(verify_inclusion(&root, u64::MAX, u64::MAX - 1, &leaf, &siblings), Err(ProofError::TooLong));
        assert_eq!(verify_inclusion(&root, u64::MAX, u64::MAX, &leaf, &siblings), Err(ProofError::IndexOutOfRange));
        // The leaf after 2^63 others rises to the root's right side at once.
        let root = node_hash(&siblings[0], &leaf);
        assert_eq!(verify_inclusion(&root, (1 << 63) + 1, 1 << 63, &leaf, &siblings[..1]), Ok(()));
    }
}

mod consistency {
    use super::*;

    /// Runs `check(old, old_root, new, new_root, proof)` for every pair of different sizes.
    fn everywhere(check: impl Fn(u64, &Hash, u64, &Hash, &[Hash])) {
        let tree = tree(LARGEST);
        for new in 2..=LARGEST {
            for old in 1..new {
                let proof = tree.consistency_proof(old, new).unwrap();
                check(old, &tree.root_at(old).unwrap(), new, &tree.root_at(new).unwrap(), &proof);
            }
        }
    }

    #[test]
    fn fails_for_another_old_root() {
        everywhere(|old, _, new, new_root, proof| {
            // Where the old tree is one complete subtree, its root is the start of the walk, and the new root is what fails.
            let error = if old.is_power_of_two() { ProofError::RootMismatch } else { ProofError::OldRootMismatch };
            assert_eq!(verify_consistency(old, &[7; 32], new, new_root, proof), Err(error));
        });
    }

    #[test]
    fn fails_for_another_new_root() {
        everywhere(|old, old_root, new, _, proof| {
            assert_eq!(verify_consistency(old, old_root, new, &[7; 32], proof), Err(ProofError::RootMismatch));
        });
    }

    #[test]
    fn fails_when_roots_are_swapped() {
        everywhere(|old, old_root, new, new_root, proof| {
            assert!(verify_consistency(old, new_root, new, old_root, proof).is_err());
        });
    }

    #[test]
    fn fails_when_sizes_are_reversed() {
        everywhere(|old, old_root, new, new_root, proof| {
            assert_eq!(verify_consistency(new, new_root, old, old_root, proof), Err(ProofError::SizesReversed));
        });
    }

    #[test]
    fn fails_for_another_old_size() {
        everywhere(|old, old_root, new, new_root, proof| {
            for other in (1..new).filter(|other| *other != old) {
                assert!(verify_consistency(other, old_root, new, new_root, proof).is_err(), "{other} instead of {old} of {new}");
            }
        });
    }

    #[test]
    fn fails_with_a_hash_too_many() {
        everywhere(|old, old_root, new, new_root, proof| {
            for extra in [*old_root, *new_root, [0; 32]] {
                let appended = [proof, &[extra]].concat();
                assert_eq!(verify_consistency(old, old_root, new, new_root, &appended), Err(ProofError::TooLong));
                let prepended = [&[extra], proof].concat();
                assert_eq!(verify_consistency(old, old_root, new, new_root, &prepended), Err(ProofError::TooLong));
            }
        });
    }

    #[test]
    fn fails_with_a_hash_missing() {
        everywhere(|old, old_root, new, new_root, proof| {
            for missing in 0..proof.len() {
                let mut proof = proof.to_vec();
                proof.remove(missing);
                assert_eq!(verify_consistency(old, old_root, new, new_root, &proof), Err(ProofError::TooShort));
            }
            assert_eq!(verify_consistency(old, old_root, new, new_root, &[]), Err(ProofError::TooShort));
        });
    }

    #[test]
    fn fails_for_a_tree_that_forked() {
        let honest = leaves(LARGEST);
        let tree: Tree = honest.iter().copied().collect();
        for new in 2..=LARGEST {
            for old in 1..new {
                // The same log with its first leaf rewritten after `old` leaves were shown.
                let mut forked = honest.clone();
                forked[0] = [9; 32];
                let fork: Tree = forked[..new as usize].iter().copied().collect();
                let proof = fork.consistency_proof(old, new).unwrap();
                assert!(verify_consistency(old, &tree.root_at(old).unwrap(), new, &fork.root(), &proof).is_err());
            }
        }
    }

    #[test]
    fn fails_for_an_empty_old_tree() {
        assert_eq!(verify_consistency(0, &EMPTY_ROOT, 1, &[1; 32], &[]), Err(ProofError::EmptyOldTree));
        assert_eq!(verify_consistency(0, &EMPTY_ROOT, u64::MAX, &[1; 32], &[[1; 32]]), Err(ProofError::EmptyOldTree));
    }

    #[test]
    fn of_equal_sizes_is_equality_without_a_proof() {
        for size in [0, 1, 5, u64::MAX] {
            assert_eq!(verify_consistency(size, &[1; 32], size, &[1; 32], &[]), Ok(()));
            assert_eq!(verify_consistency(size, &[1; 32], size, &[2; 32], &[]), Err(ProofError::RootMismatch));
            assert_eq!(verify_consistency(size, &[1; 32], size, &[1; 32], &[[1; 32]]), Err(ProofError::TooLong));
        }
    }

    #[test]
    fn holds_in_the_largest_trees() {
        let hashes = leaves(64);
        let (old_root, half) = ([1; 32], 1 << 63);
        // One leaf after 2^63: the proof is that leaf.
        let new_root = node_hash(&old_root, &hashes[0]);
        assert_eq!(verify_consistency(half, &old_root, half + 1, &new_root, &hashes[..1]), Ok(()));
        assert_eq!(verify_consistency(half, &old_root, half + 1, &new_root, &hashes[..2]), Err(ProofError::TooLong));
        // From one leaf to 2^64 - 1: a right sibling on each of 64 levels.
        let new_root = hashes.iter().fold(old_root, |hash, sibling| node_hash(&hash, sibling));
        assert_eq!(verify_consistency(1, &old_root, u64::MAX, &new_root, &hashes), Ok(()));
        assert_eq!(verify_consistency(1, &old_root, u64::MAX, &new_root, &hashes[1..]), Err(ProofError::TooShort));
    }
}

#[test]
fn every_error_says_what_is_wrong() {
    let errors = [
        ProofError::IndexOutOfRange,
        ProofError::SizesReversed,
        ProofError::EmptyOldTree,
        ProofError::TooShort,
        ProofError::TooLong,
        ProofError::OldRootMismatch,
        ProofError::RootMismatch,
    ];
    let texts: std::collections::BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len());
}
