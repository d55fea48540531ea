//! What a program prints: captured in memory up to a limit.

use super::vfs::{Content, Reader};
use zeroize::Zeroizing;

/// A captured output stream. Kept in pages, so that nothing printed is left behind where a buffer has grown.
#[derive(Debug)]
pub struct Stream {
    content: Content,
    limit: u64,
    full: bool,
}

impl Stream {
    /// An empty stream that takes at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { content: Content::default(), limit, full: false }
    }

    /// Takes as much as there is room for and says how much that was.
    pub fn write(&mut self, data: &[u8]) -> usize {
        let room = usize::try_from(self.limit.saturating_sub(self.len())).unwrap_or(usize::MAX);
        let taken = data.get(..room.min(data.len())).unwrap_or_default();
        self.full |= taken.len() < data.len();
        self.content.write_at(self.len(), taken);
        taken.len()
    }

    /// How many bytes were captured.
    pub fn len(&self) -> u64 {
        self.content.len()
    }

    /// Whether nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// What was captured, as a stream.
    pub fn reader(&self) -> Reader<'_> {
        self.content.reader()
    }

    /// A copy of what was captured.
    pub fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(self.len()).unwrap_or(0)]);
        self.content.read_at(0, &mut bytes);
        bytes
    }

    /// Whether the program wanted to print more than the limit.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_kept_in_order_up_to_the_limit() {
        let mut stream = Stream::new(10_000);
        for _ in 0..3 {
            stream.write(&[7; 3_000]);
        }
        assert!(!stream.is_full());
        assert_eq!(stream.write(&[8; 3_000]), 1_000);
        assert!(stream.is_full());
        assert_eq!((stream.bytes()[..9_000].to_vec(), stream.bytes()[9_000..].to_vec()), (vec![7; 9_000], vec![8; 1_000]));
    }
}
