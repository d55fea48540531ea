//! The two hashes of an RFC 9162 tree (section 2.1.1) over SHA-256, and the leaf of a receipt.
//!
//! Leaves and nodes carry different first bytes, so that no node can be passed off as a leaf. Not here: anything that walks a tree.

use blockcloud_primitives::Receipt;
use codec::{Encode, Output};
use sha2::{Digest, Sha256};

/// A SHA-256 digest: the hash of a leaf, of a node, or a root.
pub type Hash = [u8; 32];

/// Root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// First byte of what is hashed for a leaf.
pub(crate) const LEAF_PREFIX: u8 = 0;
/// First byte of what is hashed for a node.
pub(crate) const NODE_PREFIX: u8 = 1;

/// Hash of a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([LEAF_PREFIX]).chain_update(entry).finalize().into()
}

/// Hash of a node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([NODE_PREFIX]).chain_update(left).chain_update(right).finalize().into()
}

/// The canonical encoding of a receipt, which is the entry of its leaf.
pub fn receipt_bytes(receipt: &Receipt) -> [u8; Receipt::ENCODED_LEN] {
    let mut bytes = [0; Receipt::ENCODED_LEN];
    encode_receipt(receipt, &mut bytes);
    bytes
}

/// Writes the canonical encoding of a receipt where it is wanted. The layout is written down by hand, for speed; tests hold it equal to SCALE.
#[inline]
pub fn encode_receipt(receipt: &Receipt, bytes: &mut [u8; Receipt::ENCODED_LEN]) {
    let mut op = Byte(0);
    receipt.op.encode_to(&mut op);
    let rest = put(bytes, [receipt.version]);
    let rest = put(rest, receipt.job.0.to_le_bytes());
    let rest = put(rest, receipt.seq.to_le_bytes());
    let rest = put(rest, receipt.time.to_le_bytes());
    let rest = put(rest, [op.0]);
    let rest = put(rest, receipt.object.0);
    let rest = put(rest, receipt.offset.to_le_bytes());
    let rest = put(rest, receipt.bytes.to_le_bytes());
    let rest = put(rest, receipt.digest.0);
    let rest = put(rest, receipt.actor.0);
    let rest = put(rest, receipt.from.site.0.to_le_bytes());
    let rest = put(rest, receipt.from.recipient.0);
    let rest = put(rest, receipt.to.site.0.to_le_bytes());
    let rest = put(rest, receipt.to.recipient.0);
    let rest = put(rest, receipt.derived_from.0);
    let rest = put(rest, receipt.purpose.to_le_bytes());
    put(rest, receipt.salt);
}

/// Writes a field and returns the room behind it. All fields together are as long as the encoding, so there always is room.
#[inline(always)]
fn put<const LENGTH: usize>(room: &mut [u8], field: [u8; LENGTH]) -> &mut [u8] {
    match room.split_first_chunk_mut() {
        Some((place, rest)) => {
            *place = field;
            rest
        }
        None => &mut [],
    }
}

/// Leaf hash of a receipt.
pub fn receipt_hash(receipt: &Receipt) -> Hash {
    leaf_hash(&receipt_bytes(receipt))
}

/// Takes an encoding of one byte.
struct Byte(u8);

impl Output for Byte {
    fn write(&mut self, bytes: &[u8]) {
        if let [byte] = bytes {
            self.0 = *byte;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use blockcloud_primitives::{Digest as Bytes32, JobId, Op, Party, SiteId};
    use codec::Decode;

    fn receipt() -> Receipt {
        Receipt {
            version: Receipt::VERSION,
            job: JobId(7),
            seq: 3,
            time: 1_700_000_000_123,
            op: Op::Read,
            object: Bytes32([1; 32]),
            offset: 4096,
            bytes: 512,
            digest: Bytes32([2; 32]),
            actor: Bytes32([3; 32]),
            from: Party::site(SiteId(9)),
            to: Party::GUEST,
            derived_from: Bytes32([4; 32]),
            purpose: 5,
            salt: [6; 16],
        }
    }

    #[test]
    fn a_receipt_is_its_scale_encoding() {
        assert_eq!(receipt().encode(), receipt_bytes(&receipt()).to_vec());
        assert_eq!(receipt_hash(&receipt()), leaf_hash(&receipt().encode()));
    }

    #[test]
    fn every_field_stands_where_scale_puts_it() {
        let ops = [
            Op::Ingest,
            Op::Read,
            Op::Write,
            Op::Process,
            Op::Store,
            Op::Send,
            Op::Access,
            Op::KeyRelease,
            Op::Erase,
            Op::Admin,
            Op::Heartbeat,
        ];
        for op in ops {
            let receipt = Receipt { op, ..receipt() };
            assert_eq!(receipt_bytes(&receipt).to_vec(), receipt.encode());
        }
        // Bytes that are all different: what SCALE reads back is what was written.
        for seed in 0..=255_u8 {
            let mut bytes: [u8; Receipt::ENCODED_LEN] = core::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at.to_le_bytes()[0]));
            (bytes[0], bytes[25]) = (Receipt::VERSION, seed % 11);
            assert_eq!(receipt_bytes(&Receipt::decode(&mut &bytes[..]).unwrap()), bytes);
        }
    }

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, <Hash>::from(Sha256::digest([])));
    }

    #[test]
    fn leaves_and_nodes_are_apart() {
        let (left, right) = ([1; 32], [2; 32]);
        assert_ne!(node_hash(&left, &right), leaf_hash(&[left, right].concat()));
        assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
    }
}
