//! Every hashing kernel that this machine can run, against `sha2`.

use blockcloud_receipt_log::lanes::Kernel;
use sha2::{Digest, Sha256};

/// A prefix byte, the length of an entry in two bytes (little-endian, up to 1,023), then entries; what is left over is not used.
pub fn lanes(data: &[u8]) -> bool {
    let [prefix, low, high, bytes @ ..] = data else { return false };
    let length = usize::from(u16::from_le_bytes([*low, *high]) % 1024);
    let count = bytes.len().checked_div(length).unwrap_or(bytes.len()).min(64);
    let bytes = &bytes[..length * count];
    let expected: Vec<[u8; 32]> = (0..count)
        .map(|number| Sha256::new().chain_update([*prefix]).chain_update(&bytes[number * length..][..length]).finalize().into())
        .collect();
    for kernel in Kernel::available() {
        let mut hashes = vec![[0; 32]; count];
        kernel.messages(*prefix, length, bytes, &mut hashes).expect("as many hashes as entries");
        assert_eq!(hashes, expected, "{kernel}");
        let mut beyond = vec![[0; 32]; count + 1];
        assert_eq!(kernel.messages(*prefix, length, bytes, &mut beyond).is_ok(), length == 0);
    }
    count > 0
}

pub fn lanes_seeds() -> Vec<Vec<u8>> {
    let seed = |prefix: u8, length: u16, count: usize| {
        let entries = (0..usize::from(length) * count).map(|at| (at * 7).to_le_bytes()[0]);
        [prefix].into_iter().chain(length.to_le_bytes()).chain(entries).collect()
    };
    vec![seed(0, 260, 19), seed(1, 64, 35), seed(0, 63, 17), seed(0, 118, 16), seed(5, 1, 40)]
}
