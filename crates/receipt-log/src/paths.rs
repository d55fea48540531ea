//! Which subtrees a proof consists of (RFC 9162, 2.1.3.1 and 2.1.4.1), wherever their hashes come from.
//!
//! The functions ask for complete subtrees only, by height above the leaves and position among those of that height: these never change. Not here: keeping
//! them (`Tree`, `tiles`), checking what was asked, and verifying.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// The hashes from the sibling of leaf `index` up to below the root of the tree with `size` leaves. `index` is below `size`.
pub(crate) fn inclusion<E>(index: u64, size: u64, mut node: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = split(start, end);
        if index < middle {
            proof.push(subtree(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(subtree(start, middle, &mut node)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that lead from the tree with `old` leaves to that with `new` ones. `old` is neither zero nor above `new`, unless both are zero.
pub(crate) fn consistency<E>(old: u64, new: u64, mut node: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    while end != old {
        let middle = split(start, end);
        if old <= middle {
            proof.push(subtree(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(subtree(start, middle, &mut node)?);
            start = middle;
        }
    }
    // The verifier knows the old root; a smaller subtree at the old tree's end it has to be told.
    if start != 0 {
        proof.push(subtree(start, end, &mut node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Root of the subtree over leaves `start..end`, which must be one that RFC 9162's recursion meets: `start` is a multiple of the largest
/// power of two up to `end - start`.
pub(crate) fn subtree<E>(start: u64, end: u64, mut node: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    // From the right: the subtree over what is left after the lowest complete part, then its left neighbour, and so on.
    let mut rest = end;
    let mut hash: Option<Hash> = None;
    while rest > start {
        let height = (rest - start).trailing_zeros();
        rest -= 1 << height;
        let complete = node(height, rest >> height)?;
        hash = Some(match hash {
            Some(right) => node_hash(&complete, &right),
            None => complete,
        });
    }
    Ok(hash.unwrap_or(EMPTY_ROOT))
}

/// Where the tree over `start..end` (at least two leaves) divides: after the largest power of two below its size.
fn split(start: u64, end: u64) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}
