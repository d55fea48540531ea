//! Every kernel that this machine can run, held against published values and against `sha2`.

use super::{Kernel, ShapeMismatch, leaf_hashes, node_hashes};
use crate::hash::{Hash, leaf_hash, node_hash};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn hash(hex: &str) -> Hash {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// The same message in as many lanes, a neighbour beside each that differs, so that no lane can pass for another.
fn in_every_lane(kernel: Kernel, message: &[u8]) -> Vec<Hash> {
    let (prefix, entry) = message.split_first().unwrap();
    let other: Vec<u8> = entry.iter().map(|byte| byte ^ 0xff).collect();
    let mut hashes = Vec::new();
    for lane in 0..33 {
        let bytes: Vec<u8> = (0..33).flat_map(|number| if number == lane { entry } else { &other[..] }.to_vec()).collect();
        let mut all = [[0; 32]; 33];
        kernel.messages(*prefix, entry.len(), &bytes, &mut all).unwrap();
        hashes.push(all[lane]);
    }
    hashes
}

/// From FIPS 180-4's examples and NIST's CAVP (`SHA256ShortMsg`, `SHA256LongMsg`).
#[test]
fn known_answers() {
    let million_bits = vec![b'a'; 1_000_000];
    let answers: [(&[u8], &str); 4] = [
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        (b"\xbd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
    ];
    for kernel in Kernel::available() {
        for (message, answer) in answers {
            assert_eq!(in_every_lane(kernel, message), vec![hash(answer); 33], "{kernel}");
        }
        let entry = &million_bits[1..];
        let bytes = entry.repeat(16);
        let mut hashes = [[0; 32]; 16];
        kernel.messages(b'a', entry.len(), &bytes, &mut hashes).unwrap();
        assert_eq!(hashes, [hash("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"); 16], "{kernel}");
    }
}

/// Every length around the boundaries of blocks, two blocks of padding included.
#[test]
fn every_length_up_to_five_blocks() {
    let bytes: Vec<u8> = (0..40 * 330).map(|at: usize| (at.wrapping_mul(0x9e37) >> 3).to_le_bytes()[0]).collect();
    for length in 0..330 {
        let bytes = &bytes[..length * 37];
        let expected = expected(7, length, bytes, 37);
        for kernel in Kernel::available() {
            let mut hashes = [[0; 32]; 37];
            kernel.messages(7, length, bytes, &mut hashes).unwrap();
            assert_eq!(&hashes[..], expected, "{kernel}, {length} bytes");
        }
    }
}

fn expected(prefix: u8, length: usize, bytes: &[u8], count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| Sha256::new().chain_update([prefix]).chain_update(&bytes[number * length..][..length]).finalize().into())
        .collect()
}

proptest! {
    #[test]
    fn any_batch_is_what_sha2_says(
        prefix: u8,
        length in prop_oneof![Just(260_usize), Just(64), 0_usize..700],
        count in 0_usize..70,
        seed: u64,
    ) {
        let mut state = seed;
        let bytes: Vec<u8> = (0..length * count)
            .map(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                state.to_le_bytes()[7]
            })
            .collect();
        let expected = expected(prefix, length, &bytes, count);
        for kernel in Kernel::available() {
            let mut hashes = vec![[0; 32]; count];
            kernel.messages(prefix, length, &bytes, &mut hashes).unwrap();
            prop_assert_eq!(&hashes, &expected, "{}", kernel);
        }
    }
}

#[test]
fn leaves_and_nodes_are_those_of_the_tree() {
    let entries: Vec<[u8; 260]> = (0..50_u8).map(|number| [number; 260]).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let nodes: Vec<Hash> = leaves.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    let (mut leaves_too, mut nodes_too) = (vec![[0; 32]; 50], vec![[0; 32]; 25]);
    for kernel in Kernel::ALL {
        kernel.leaves(&entries, &mut leaves_too).unwrap();
        kernel.nodes(&leaves, &mut nodes_too).unwrap();
        assert_eq!((&leaves_too, &nodes_too), (&leaves, &nodes), "{kernel}");
    }
    leaf_hashes(&entries, &mut leaves_too).unwrap();
    node_hashes(&leaves, &mut nodes_too).unwrap();
    assert_eq!((leaves_too, nodes_too), (leaves, nodes));
}

#[test]
fn fails_unless_there_is_room_for_every_hash_and_no_more() {
    for kernel in Kernel::ALL {
        let mismatch = |bytes, length, hashes| Err(ShapeMismatch { bytes, length, hashes });
        assert_eq!(kernel.leaves(&[[0; 260]; 3], &mut [[0; 32]; 2]), mismatch(780, 260, 2));
        assert_eq!(kernel.nodes(&[[0; 32]; 3], &mut [[0; 32]; 1]), mismatch(96, 64, 1));
        assert_eq!(kernel.messages(0, 4, &[0; 9], &mut [[0; 32]; 2]), mismatch(9, 4, 2));
        assert_eq!(kernel.messages(0, usize::MAX, &[], &mut [[0; 32]; 2]), mismatch(0, usize::MAX, 2));
        assert_eq!(kernel.messages(0, 260, &[], &mut []), Ok(()));
    }
}

#[test]
fn the_fastest_is_one_that_can_run_and_stays() {
    assert!(Kernel::fastest().is_available());
    assert_eq!(Kernel::fastest(), Kernel::fastest());
    assert!(Kernel::available().any(|kernel| kernel == Kernel::Portable));
}
