//! Appending many receipts at once: encodings, leaves, and then each level's nodes, hashed side by side (`lanes`) in pieces that stay in the cache.
//!
//! Not here: the kernels, files, and what a frontier or a tree is.

use crate::{
    frontier::Frontier,
    hash::{Hash, encode_receipt},
    lanes::{Kernel, ShapeMismatch},
};
use blockcloud_primitives::Receipt;
use std::{num::NonZeroUsize, thread};

/// Receipts that are encoded before their leaves are hashed: 16 KiB, half of a first-level cache.
const ENCODED: usize = 64;
/// Leaves over which nodes are built before the next are hashed: with the level above, 96 KiB, well within a second-level cache.
pub(crate) const PIECE: usize = 2048;

/// Leaf hashes of receipts, each encoded and hashed, several side by side.
///
/// # Errors
/// [`ShapeMismatch`] unless there is room for exactly one hash for each receipt.
pub fn receipt_hashes(receipts: &[Receipt], hashes: &mut [Hash]) -> Result<(), ShapeMismatch> {
    check(receipts, hashes)?;
    let kernel = Kernel::fastest();
    let mut encoded = [[0; Receipt::ENCODED_LEN]; ENCODED];
    for (receipts, hashes) in receipts.chunks(ENCODED).zip(hashes.chunks_mut(ENCODED)) {
        for (receipt, bytes) in receipts.iter().zip(&mut encoded) {
            encode_receipt(receipt, bytes);
        }
        kernel.leaves(&encoded[..receipts.len()], hashes)?;
    }
    Ok(())
}

/// As [`receipt_hashes`], divided among as many threads. Worth it from some ten thousand receipts on: a thread costs as much as a hundred.
///
/// # Errors
/// [`ShapeMismatch`] unless there is room for exactly one hash for each receipt.
pub fn receipt_hashes_on(threads: NonZeroUsize, receipts: &[Receipt], hashes: &mut [Hash]) -> Result<(), ShapeMismatch> {
    check(receipts, hashes)?;
    // Whole groups of messages for every thread but the last.
    let share = receipts.len().div_ceil(threads.get()).next_multiple_of(ENCODED);
    if threads.get() == 1 || share >= receipts.len() {
        return receipt_hashes(receipts, hashes);
    }
    thread::scope(|scope| {
        let mut shares = receipts.chunks(share).zip(hashes.chunks_mut(share));
        let own = shares.next();
        let others: Vec<_> = shares.map(|(receipts, hashes)| scope.spawn(|| receipt_hashes(receipts, hashes))).collect();
        let own = own.map_or(Ok(()), |(receipts, hashes)| receipt_hashes(receipts, hashes));
        others.into_iter().fold(own, |all, other| {
            all.and(other.join().unwrap_or(Err(ShapeMismatch { bytes: 0, length: Receipt::ENCODED_LEN, hashes: share })))
        })
    })
}

fn check(receipts: &[Receipt], hashes: &[Hash]) -> Result<(), ShapeMismatch> {
    if receipts.len() == hashes.len() {
        return Ok(());
    }
    Err(ShapeMismatch { bytes: receipts.len() * Receipt::ENCODED_LEN, length: Receipt::ENCODED_LEN, hashes: hashes.len() })
}

impl Frontier {
    /// Appends leaves by their hashes, nodes hashed side by side.
    pub fn extend_from_slice(&mut self, leaves: &[Hash]) {
        self.extend_with(leaves, |_, _, _| ());
    }

    /// Appends receipts.
    pub fn append_receipts(&mut self, receipts: &[Receipt]) {
        let mut hashes = [[0; 32]; PIECE / 2];
        for receipts in receipts.chunks(hashes.len()) {
            let hashes = &mut hashes[..receipts.len()];
            receipt_hashes(receipts, hashes).expect("as many hashes as receipts");
            self.extend_from_slice(hashes);
        }
    }

    /// As [`extend_from_slice`](Self::extend_from_slice); `sink` is shown everything that is complete from now on, leaves included: the height above the
    /// leaves, the position of the first on its level, and the hashes.
    pub fn extend_with(&mut self, leaves: &[Hash], mut sink: impl FnMut(u32, u64, &[Hash])) {
        let kernel = Kernel::fastest();
        let (size, peaks) = self.parts_mut();
        // The first place is for the node that waits for its right neighbour.
        let (mut level, mut above) = ([[0; 32]; PIECE + 1], [[0; 32]; PIECE + 1]);
        for piece in leaves.chunks(PIECE) {
            level[1..][..piece.len()].copy_from_slice(piece);
            let (mut first, mut count) = (*size, piece.len());
            for (height, peak) in (0..).zip(peaks.iter_mut()) {
                sink(height, first, &level[1..][..count]);
                level[0] = *peak;
                let children = if first % 2 == 1 { &level[..count + 1] } else { &level[1..][..count] };
                let (pairs, odd) = children.as_chunks::<2>();
                if let [waiting] = odd {
                    *peak = *waiting;
                }
                if pairs.is_empty() {
                    break;
                }
                (first, count) = (first / 2, pairs.len());
                kernel.nodes(pairs.as_flattened(), &mut above[1..][..count]).expect("two children for each node");
                level[1..][..count].copy_from_slice(&above[1..][..count]);
            }
            *size += piece.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tree, leaf_hash, receipt_hash};
    use blockcloud_primitives::{Digest, JobId, Op, Party};
    use proptest::prelude::*;

    fn receipts(count: u64) -> Vec<Receipt> {
        let receipt = |seq: u64| Receipt {
            version: Receipt::VERSION,
            job: JobId(1),
            seq,
            time: seq * 3,
            op: Op::Read,
            object: Digest([seq.to_le_bytes()[0]; 32]),
            offset: 1,
            bytes: 2,
            digest: Digest([2; 32]),
            actor: Digest([3; 32]),
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from: Digest::ZERO,
            purpose: 0,
            salt: [seq.to_le_bytes()[1]; 16],
        };
        (0..count).map(receipt).collect()
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn receipts_have_the_hashes_that_they_have_one_by_one() {
        for count in [0, 1, 15, 16, 63, 64, 65, 300] {
            let receipts = receipts(count);
            let expected: Vec<Hash> = receipts.iter().map(receipt_hash).collect();
            let mut hashes = vec![[0; 32]; receipts.len()];
            receipt_hashes(&receipts, &mut hashes).unwrap();
            assert_eq!(hashes, expected);
            for threads in 1..6 {
                hashes.fill([0; 32]);
                receipt_hashes_on(NonZeroUsize::new(threads).unwrap(), &receipts, &mut hashes).unwrap();
                assert_eq!(hashes, expected, "{threads} threads");
            }
        }
    }

    #[test]
    fn fails_without_room_for_every_hash() {
        let mismatch = Err(ShapeMismatch { bytes: 3 * 260, length: 260, hashes: 2 });
        assert_eq!(receipt_hashes(&receipts(3), &mut [[0; 32]; 2]), mismatch);
        assert_eq!(receipt_hashes_on(NonZeroUsize::MIN, &receipts(3), &mut [[0; 32]; 2]), mismatch);
    }

    #[test]
    fn receipts_in_batches_make_the_same_tree() {
        let receipts = receipts(5_000);
        let expected: Tree = receipts.iter().map(receipt_hash).collect();
        let (mut tree, mut frontier) = (Tree::new(), Frontier::new());
        for part in [0..3, 3..4, 4..2_100, 2_100..4_999, 4_999..5_000] {
            tree.append_receipts(&receipts[part.clone()]);
            frontier.append_receipts(&receipts[part]);
        }
        assert_eq!(tree, expected);
        assert_eq!((frontier.size(), frontier.root()), (5_000, expected.root()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_division_into_batches_makes_the_same_tree(parts in proptest::collection::vec(0_usize..3_000, 0..6)) {
            let leaves = leaves(parts.iter().sum::<usize>() as u64);
            let (mut expected, mut one_by_one) = (Tree::new(), Frontier::new());
            for leaf in &leaves {
                expected.append(*leaf);
                one_by_one.append(*leaf);
            }
            let (mut tree, mut frontier, mut rest) = (Tree::new(), Frontier::new(), &leaves[..]);
            let mut seen: Vec<Vec<Hash>> = Vec::new();
            for part in parts {
                let (batch, behind) = rest.split_at(part);
                tree.extend_from_slice(batch);
                frontier.extend_with(batch, |height, first, hashes| {
                    if seen.len() <= height as usize {
                        seen.push(Vec::new());
                    }
                    assert_eq!(first as usize, seen[height as usize].len());
                    seen[height as usize].extend_from_slice(hashes);
                });
                rest = behind;
                prop_assert_eq!(frontier.root(), tree.root());
            }
            prop_assert_eq!(&tree, &expected);
            prop_assert_eq!(&frontier, &one_by_one);
            prop_assert_eq!(&tree.frontier(), &one_by_one);
            for (height, hashes) in seen.iter().enumerate() {
                for (index, hash) in hashes.iter().enumerate() {
                    prop_assert_eq!(Some(*hash), expected.node(height as u32, index as u64));
                }
            }
        }
    }
}
