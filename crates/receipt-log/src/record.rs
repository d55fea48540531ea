//! How a receipt lies in a log's file, and the pass over a file that tells what survived a crash.
//!
//! A slot has 276 bytes: a receipt's canonical encoding, the number of receipts that were confirmed when it was appended (little-endian u64), and 8 check bytes
//! over both. So every slot tells on its own whether it is whole and which others were safe before it was written, and the fixed length means that damage
//! never hides what follows it. The slot of an erased entry holds what stands in its place (`erased`), the same number and new check bytes. Not here: files, headers, trees.

use crate::{
    erased::ErasedEntry,
    hash::{Hash, leaf_hash},
};
use blockcloud_primitives::{JobId, Receipt};
use codec::DecodeAll;
use std::io::{self, Read};

pub(crate) const SLOT_LEN: usize = Receipt::ENCODED_LEN + 16;

/// What stands behind a receipt's encoding in its slot.
pub(crate) fn trailer(leaf: &Hash, confirmed: u64) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = confirmed.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = check(leaf, confirmed);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// Check bytes of a slot: they change with any bit of the receipt (through its leaf hash) and of the number beside it, which an odd factor
/// spreads so that damage to both cannot easily cancel out.
fn check(leaf: &Hash, confirmed: u64) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *leaf;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]) ^ confirmed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()
}

/// The number of confirmed receipts in a slot's trailer, if the trailer belongs to an entry with this leaf hash.
pub(crate) fn is_whole(leaf: &Hash, trailer: &[u8]) -> Option<u64> {
    let (number, checked) = trailer.split_first_chunk()?;
    let confirmed = u64::from_le_bytes(*number);
    (check(leaf, confirmed) == checked).then_some(confirmed)
}

/// What a pass over slots found.
#[derive(Debug)]
pub(crate) struct Scan {
    job: JobId,
    /// Position of the slot that comes next.
    next: u64,
    /// The first slot that is not whole, or not in its place.
    pub(crate) first_bad: Option<u64>,
    /// The largest number of confirmed receipts that any whole slot knows of, wherever it stands.
    pub(crate) confirmed: u64,
}

impl Scan {
    /// Begins at the slot of position `first`.
    pub(crate) fn new(job: JobId, first: u64) -> Self {
        Self { job, next: first, first_bad: None, confirmed: 0 }
    }

    /// Whole slots in their places so far.
    pub(crate) fn end(&self) -> u64 {
        self.first_bad.unwrap_or(self.next)
    }

    /// Reads slots until fewer bytes than one are left. `sink` gets the leaves before the first bad slot.
    pub(crate) fn read<E: From<io::Error>>(&mut self, mut slots: impl Read, mut sink: impl FnMut(Hash) -> Result<(), E>) -> Result<(), E> {
        let mut slot = [0; SLOT_LEN];
        while fill(&mut slots, &mut slot)? {
            let (bytes, trailer) = slot.split_at(Receipt::ENCODED_LEN);
            let leaf = leaf_hash(bytes);
            let confirmed = is_whole(&leaf, trailer);
            self.confirmed = self.confirmed.max(confirmed.unwrap_or(0));
            match confirmed.and_then(|_| self.leaf_in_place(bytes, leaf)) {
                None => {
                    self.first_bad.get_or_insert(self.next);
                }
                Some(leaf) if self.first_bad.is_none() => sink(leaf)?,
                Some(_) => {}
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Takes a slot for bad without looking, and goes on behind as many as there should have been.
    pub(crate) fn miss(&mut self, slots: u64) {
        if slots > 0 {
            self.first_bad.get_or_insert(self.next);
        }
        self.next += slots;
    }

    /// Position of the slot that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The leaf of an entry, erased or not, if it is the one of this position.
    fn leaf_in_place(&self, mut bytes: &[u8], leaf: Hash) -> Option<Hash> {
        if let Some(erased) = ErasedEntry::parse(bytes) {
            return (erased.job == self.job && erased.seq == self.next).then_some(erased.leaf);
        }
        let receipt = Receipt::decode_all(&mut bytes).ok()?;
        (receipt.version == Receipt::VERSION && receipt.job == self.job && receipt.seq == self.next).then_some(leaf)
    }
}

/// Reads one slot; false when fewer bytes are left.
fn fill(source: &mut impl Read, slot: &mut [u8; SLOT_LEN]) -> io::Result<bool> {
    match source.read_exact(slot) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
