//! What a program prints: captured in memory up to a limit.

use zeroize::Zeroizing;

/// A captured output stream.
#[derive(Debug)]
pub struct Stream {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    full: bool,
}

impl Stream {
    /// An empty stream that takes at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::new()), limit, full: false }
    }

    /// Takes as much as there is room for and says how much that was.
    pub fn write(&mut self, data: &[u8]) -> usize {
        let room = self.limit.saturating_sub(self.bytes.len());
        let taken = data.get(..room.min(data.len())).unwrap_or_default();
        self.full |= taken.len() < data.len();
        self.bytes.extend_from_slice(taken);
        taken.len()
    }

    /// What was captured.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the program wanted to print more than the limit.
    pub fn is_full(&self) -> bool {
        self.full
    }
}
