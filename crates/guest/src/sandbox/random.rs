//! The program's randomness: a stream derived from the job's seed, so that a replay sees the same. Not for keys.

/// An endless stream of bytes: BLAKE3 in its key-derivation mode over the seed, read as an extendable output.
pub struct SeededRandom(blake3::OutputReader);

impl SeededRandom {
    /// The stream of this seed.
    pub fn new(seed: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("blockcloud 2026 sandbox randomness v1");
        hasher.update(seed);
        Self(hasher.finalize_xof())
    }

    /// The next bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}
