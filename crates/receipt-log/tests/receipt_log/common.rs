//! What several tests share: receipts, the well-known eight-leaf tree, and RFC 9162's definitions written down literally.

use blockcloud_primitives::{Digest, JobId, Op, Party, Receipt, SiteId};
use blockcloud_receipt_log::{EMPTY_ROOT, Hash, LogOptions, ReceiptLog, Recovery, Tree, leaf_hash, node_hash, receipt_hash};
use std::path::Path;

pub const JOB: JobId = JobId(42);

/// A receipt whose every field depends on its position.
pub fn receipt(seq: u64) -> Receipt {
    let fill = |salt: u8| {
        let mut bytes = [salt; 32];
        bytes[..8].copy_from_slice(&seq.to_le_bytes());
        Digest(bytes)
    };
    Receipt {
        version: Receipt::VERSION,
        job: JOB,
        seq,
        time: 1_700_000_000_000 + seq,
        op: if seq.is_multiple_of(2) { Op::Read } else { Op::Write },
        object: fill(1),
        offset: seq * 4096,
        bytes: 4096,
        digest: fill(2),
        actor: fill(3),
        from: Party::site(SiteId(1)),
        to: Party::GUEST,
        derived_from: fill(4),
        purpose: 7,
        salt: [seq.to_le_bytes()[0]; 16],
    }
}

/// Distinct leaf hashes.
pub fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// The entries of the eight-leaf tree that certificate-transparency implementations have tested with since RFC 6962.
pub fn eight_entries() -> Vec<Vec<u8>> {
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        .map(|hex| hex::decode(hex).unwrap())
        .to_vec()
}

pub fn hash(hex: &str) -> Hash {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// The largest power of two below the number of leaves.
fn divide(count: usize) -> usize {
    let mut half = 1;
    while half * 2 < count {
        half *= 2;
    }
    half
}

/// MTH(D_n), RFC 9162 section 2.1.1.
pub fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(divide(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// PATH(m, D_n), RFC 9162 section 2.1.3.1.
pub fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(divide(leaves.len()));
    let (mut proof, last) = if index < left.len() { (path(index, left), mth(right)) } else { (path(index - left.len(), right), mth(left)) };
    proof.push(last);
    proof
}

/// PROOF(m, D_n), RFC 9162 section 2.1.4.1.
pub fn proof(old: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(divide(leaves.len()));
    let (mut proof, last) =
        if old <= left.len() { (subproof(old, left, whole), mth(right)) } else { (subproof(old - left.len(), right, false), mth(left)) };
    proof.push(last);
    proof
}

/// Receipts at these positions.
pub fn receipts(range: std::ops::Range<u64>) -> Vec<Receipt> {
    range.map(receipt).collect()
}

/// The tree over the first so many of them.
pub fn expected_tree(size: u64) -> Tree {
    (0..size).map(|seq| receipt_hash(&receipt(seq))).collect()
}

/// Opens a log that there is, or begins it.
pub fn open(root: &Path, options: LogOptions) -> (ReceiptLog, Recovery) {
    ReceiptLog::open(root, JOB, options).unwrap()
}
