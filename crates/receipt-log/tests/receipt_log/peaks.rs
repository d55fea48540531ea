//! The peaks of a tree give the roots of the whole tree, and stay sound to the last leaf that can be counted.

use blockcloud_receipt_log::{EMPTY_ROOT, Full, Peaks, Tree, leaf_hash, node_hash};
use codec::{Decode, Encode, MaxEncodedLen};

#[test]
fn the_roots_are_those_of_the_whole_tree() {
    let (mut peaks, mut tree) = (Peaks::default(), Tree::new());
    assert_eq!(peaks.root(), EMPTY_ROOT);
    for number in 0..600_u32 {
        assert_eq!((peaks.size(), peaks.root(), peaks.is_sound()), (tree.size(), tree.root(), true));
        let leaf = leaf_hash(&number.to_be_bytes());
        peaks.append(leaf).unwrap();
        tree.append(leaf);
    }
}

#[test]
fn they_survive_their_encoding_and_take_one_hash_for_each_bit_of_the_size() {
    let mut peaks = Peaks::default();
    for number in 0..1_000_u32 {
        peaks.append(leaf_hash(&number.to_be_bytes())).unwrap();
    }
    let encoded = peaks.encode();
    // The size, the number of peaks, and one for each of the six bits of 1,000.
    assert_eq!(encoded.len(), 8 + 1 + 6 * 32);
    assert_eq!(Peaks::decode(&mut &encoded[..]), Ok(peaks));
    assert_eq!(Peaks::max_encoded_len(), 8 + 2 + 64 * 32);
}

#[test]
fn unsound_bytes_are_told() {
    let mut peaks = Peaks::default();
    peaks.append(leaf_hash(b"one")).unwrap();
    let mut bytes = peaks.encode();
    assert!(Peaks::decode(&mut &bytes[..]).unwrap().is_sound());
    bytes[0] = 3;
    assert!(!Peaks::decode(&mut &bytes[..]).unwrap().is_sound());
}

#[test]
fn the_dearest_are_sound_and_all_join_with_the_next_leaf() {
    for levels in [0, 1, 2, 31, 63] {
        let mut peaks = Peaks::dearest(levels);
        assert!(peaks.is_sound());
        assert_eq!(peaks.size(), (1u64 << levels) - 1);
        peaks.append(leaf_hash(b"next")).unwrap();
        assert_eq!((peaks.is_sound(), peaks.size()), (true, 1 << levels));
        assert_eq!(peaks.encode().len(), 8 + 1 + 32);
    }
    assert_eq!(Peaks::dearest(64), Peaks::dearest(63));
}

#[test]
fn a_full_tree_takes_no_more_and_does_not_change() {
    let all = [u64::MAX.encode(), vec![blockcloud_primitives::Digest([1; 32]); 64].encode()].concat();
    let mut peaks = Peaks::decode(&mut &all[..]).unwrap();
    assert!(peaks.is_sound());
    let before = peaks.clone();
    assert_eq!(peaks.append(leaf_hash(b"one too many")), Err(Full));
    assert_eq!(peaks, before);
    let root = (0..63).fold([1; 32], |right, _| node_hash(&[1; 32], &right));
    assert_eq!(peaks.root(), root);
}
