//! Prover and verifier against RFC 9162's definitions: the well-known vectors, every size up to 130, random trees, and `ct-merkle`.

use crate::common::{eight_entries, hash, leaves, mth, path, proof};
use blockcloud_receipt_log::{EMPTY_ROOT, Hash, ProofError, Tree, TreeError, leaf_hash, verify_consistency, verify_inclusion};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// Beyond two powers of two, so that every shape of the right edge occurs.
const LARGEST: u64 = 130;

mod known_answers {
    use super::*;

    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn tree() -> Tree {
        eight_entries().iter().map(|entry| leaf_hash(entry)).collect()
    }

    fn hashes(hex: &[&str]) -> Vec<Hash> {
        hex.iter().map(|hex| hash(hex)).collect()
    }

    #[test]
    fn roots() {
        let tree = tree();
        for (size, root) in (0..).zip(ROOTS) {
            assert_eq!(tree.root_at(size), Ok(hash(root)));
        }
    }

    #[test]
    fn inclusion() {
        let tree = tree();
        let cases: [(u64, u64, &[&str]); 5] = [
            (0, 1, &[]),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (index, size, proof) in cases {
            let proof = hashes(proof);
            assert_eq!(tree.inclusion_proof(index, size), Ok(proof.clone()));
            let root = hash(ROOTS[size as usize]);
            assert_eq!(verify_inclusion(&root, size, index, &tree.leaf(index).unwrap(), &proof), Ok(()));
        }
    }

    #[test]
    fn consistency() {
        let tree = tree();
        let cases: [(u64, u64, &[&str]); 5] = [
            (1, 1, &[]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
            (
                6,
                7,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
        ];
        for (old, new, proof) in cases {
            let proof = hashes(proof);
            assert_eq!(tree.consistency_proof(old, new), Ok(proof.clone()));
            let (old_root, new_root) = (hash(ROOTS[old as usize]), hash(ROOTS[new as usize]));
            assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        }
    }
}

mod every_small_tree {
    use super::*;

    #[test]
    fn has_the_defined_root() {
        let leaves = leaves(LARGEST);
        let full: Tree = leaves.iter().copied().collect();
        let mut growing = Tree::new();
        for size in 0..=LARGEST {
            let expected = mth(&leaves[..size as usize]);
            assert_eq!(growing.root(), expected);
            assert_eq!(full.root_at(size), Ok(expected));
            if let Some(leaf) = leaves.get(size as usize) {
                assert_eq!(growing.append(*leaf), size);
            }
        }
        assert_eq!(Tree::new().root(), EMPTY_ROOT);
    }

    #[test]
    fn has_the_defined_inclusion_proofs() {
        let leaves = leaves(LARGEST);
        let tree: Tree = leaves.iter().copied().collect();
        for size in 1..=LARGEST {
            let root = tree.root_at(size).unwrap();
            for index in 0..size {
                let proof = tree.inclusion_proof(index, size).unwrap();
                assert_eq!(proof, path(index as usize, &leaves[..size as usize]));
                assert_eq!(verify_inclusion(&root, size, index, &leaves[index as usize], &proof), Ok(()));
            }
        }
    }

    #[test]
    fn has_the_defined_consistency_proofs() {
        let leaves = leaves(LARGEST);
        let tree: Tree = leaves.iter().copied().collect();
        for new in 1..=LARGEST {
            let new_root = tree.root_at(new).unwrap();
            for old in 1..=new {
                let given = tree.consistency_proof(old, new).unwrap();
                assert_eq!(given, proof(old as usize, &leaves[..new as usize]));
                assert_eq!(verify_consistency(old, &tree.root_at(old).unwrap(), new, &new_root, &given), Ok(()));
            }
        }
    }

    #[test]
    fn agrees_with_ct_merkle() {
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut ours = Tree::new();
        for size in 1..=LARGEST {
            let entry = (size - 1).to_be_bytes().to_vec();
            ours.append(leaf_hash(&entry));
            theirs.push(entry);
            assert_eq!(ours.root().as_slice(), theirs.root().as_bytes().as_slice());
            for index in 0..size {
                let proof = ours.inclusion_proof(index, size).unwrap().concat();
                assert_eq!(proof, theirs.prove_inclusion(index as usize).as_bytes());
            }
            for old in 1..=size {
                let proof = ours.consistency_proof(old, size).unwrap().concat();
                assert_eq!(proof, theirs.prove_consistency((size - old) as usize).as_bytes());
            }
        }
    }
}

mod prover {
    use super::*;

    fn tree() -> Tree {
        leaves(5).into_iter().collect()
    }

    #[test]
    fn fails_beyond_its_end() {
        let error = TreeError::SizeBeyondEnd { asked: 6, size: 5 };
        assert_eq!(tree().root_at(6), Err(error));
        assert_eq!(tree().inclusion_proof(0, 6), Err(error));
        assert_eq!(tree().consistency_proof(1, 6), Err(error));
    }

    #[test]
    fn fails_for_a_leaf_outside() {
        assert_eq!(tree().inclusion_proof(4, 4), Err(TreeError::IndexOutOfRange { index: 4, size: 4 }));
        assert_eq!(Tree::new().inclusion_proof(0, 0), Err(TreeError::IndexOutOfRange { index: 0, size: 0 }));
        assert_eq!(tree().leaf(5), None);
    }

    #[test]
    fn fails_when_sizes_are_reversed() {
        assert_eq!(tree().consistency_proof(4, 3), Err(TreeError::SizesReversed { old: 4, new: 3 }));
    }

    #[test]
    fn fails_for_an_empty_old_tree() {
        assert_eq!(tree().consistency_proof(0, 3), Err(TreeError::EmptyOldTree));
    }
}

proptest! {
    #[test]
    fn random_trees_prove_and_no_changed_proof_passes(
        size in 2u64..3000, index in any::<prop::sample::Index>(), old in any::<prop::sample::Index>(),
        position in any::<prop::sample::Index>(), bit in 0usize..256,
    ) {
        let leaves = leaves(size);
        let tree: Tree = leaves.iter().copied().collect();
        let root = tree.root();
        let index = index.index(size as usize);
        let flipped = |proof: &[Hash]| {
            let mut proof = proof.to_vec();
            let position = position.index(proof.len());
            proof[position][bit / 8] ^= 1 << (bit % 8);
            proof
        };

        let proof = tree.inclusion_proof(index as u64, size).unwrap();
        prop_assert_eq!(verify_inclusion(&root, size, index as u64, &leaves[index], &proof), Ok(()));
        let changed = flipped(&proof);
        prop_assert_eq!(verify_inclusion(&root, size, index as u64, &leaves[index], &changed), Err(ProofError::RootMismatch));

        let old = 1 + old.index(size as usize - 1) as u64;
        let old_root = tree.root_at(old).unwrap();
        let proof = tree.consistency_proof(old, size).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
        prop_assert!(verify_consistency(old, &old_root, size, &root, &flipped(&proof)).is_err());
    }

    #[test]
    fn no_input_makes_the_verifier_panic(
        first in any::<u64>(), second in any::<u64>(), hash in any::<Hash>(), proof in prop::collection::vec(any::<Hash>(), 0..70),
    ) {
        prop_assert!(verify_inclusion(&hash, first, second, &hash, &proof).is_err());
        let verdict = verify_consistency(first, &hash, second, &[!hash[0]; 32], &proof);
        prop_assert!(verdict.is_err());
    }
}
