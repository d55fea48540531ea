//! Random bytes that a seed determines: SHA-384 in counter mode. As unpredictable as the seed; the same seed gives the same processor again.

use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha384};
use std::convert::Infallible;

/// A stream of bytes, determined by a domain and a seed.
pub(crate) struct Seeded {
    prefix: Sha384,
    counter: u64,
}

impl Seeded {
    /// The stream of this domain and seed.
    pub(crate) fn new(domain: &str, seed: &[u8; 32]) -> Self {
        Self { prefix: Sha384::new().chain_update(domain).chain_update([0]).chain_update(seed), counter: 0 }
    }

    /// The next `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(48) {
            let block = self.prefix.clone().chain_update(self.counter.to_le_bytes()).finalize();
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
