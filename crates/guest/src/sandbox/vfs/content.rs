//! The bytes of one file, in pages.
//!
//! Pages, because a growing file is then never copied: no stray plaintext is left behind in freed memory, and what is dropped is zeroed. Not for
//! quotas: the file system checks them before it lets a file grow.

use blockcloud_seal::room;
use std::io;
use zeroize::Zeroize;

const PAGE: usize = 4096;
const PAGE_U64: u64 = room::PAGE;

/// The bytes of one file. Pages never written are holes that read as zeros.
#[derive(Default)]
pub struct Content {
    pages: Vec<Option<Box<[u8; PAGE]>>>,
    len: u64,
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads from `offset` into `buffer` and returns how many bytes there were: fewer than asked for only at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let available = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(available);
        let mut done = 0;
        while done < wanted {
            let Some((page, start, room)) = position(offset, done) else { break };
            let Some(part) = buffer.get_mut(done..wanted) else { break };
            let count = room.min(part.len());
            let Some(part) = part.get_mut(..count) else { break };
            match self.pages.get(page).and_then(Option::as_ref).and_then(|page| page.get(start..start.saturating_add(count))) {
                Some(bytes) => part.copy_from_slice(bytes),
                None => part.fill(0),
            }
            done = done.saturating_add(count);
        }
        done
    }

    /// Writes `data` at `offset`, growing the file where needed; a gap reads as zeros. The caller has checked that the end is within its quota.
    pub fn write_at(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let end = offset.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if end > self.len {
            self.set_len(end);
        }
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            let Some((page, start, room)) = position(offset, done) else { break };
            let count = room.min(rest.len());
            let Some(slot) = self.pages.get_mut(page) else { break };
            let page = slot.get_or_insert_with(|| Box::new([0; PAGE]));
            if let (Some(to), Some(from)) = (page.get_mut(start..start.saturating_add(count)), rest.get(..count)) {
                to.copy_from_slice(from);
            }
            done = done.saturating_add(count);
        }
    }

    /// Cuts or extends to `len`; new bytes read as zeros.
    pub fn set_len(&mut self, len: u64) {
        let pages = usize::try_from(len.div_ceil(PAGE_U64)).unwrap_or(usize::MAX);
        if len < self.len {
            for page in self.pages.iter_mut().skip(pages).flatten() {
                page.zeroize();
            }
            let kept = usize::try_from(len % PAGE_U64).unwrap_or(0);
            let last = pages.checked_sub(1).and_then(|last| self.pages.get_mut(last)).and_then(Option::as_mut);
            if let (true, Some(tail)) = (kept > 0, last.and_then(|page| page.get_mut(kept..))) {
                tail.zeroize();
            }
        }
        self.pages.resize_with(pages, || None);
        if len < self.len {
            // A file that was once large keeps nothing of it.
            self.pages.shrink_to_fit();
        }
        self.len = len;
    }

    /// The content as a stream.
    pub fn reader(&self) -> Reader<'_> {
        Reader { content: self, offset: 0 }
    }
}

/// Page, place within it, and room left in it, for byte `done` after `offset`.
fn position(offset: u64, done: usize) -> Option<(usize, usize, usize)> {
    let at = offset.checked_add(u64::try_from(done).ok()?)?;
    let start = usize::try_from(at % PAGE_U64).ok()?;
    Some((usize::try_from(at / PAGE_U64).ok()?, start, PAGE.checked_sub(start)?))
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.len)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        for page in self.pages.iter_mut().flatten() {
            page.zeroize();
        }
    }
}

/// Reads a file's content from its beginning.
pub struct Reader<'a> {
    content: &'a Content,
    offset: u64,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.offset, buffer);
        self.offset = self.offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_gap_reads_as_zeros() {
        let mut content = Content::default();
        content.write_at(10_000, b"end");
        let mut all = Vec::new();
        content.reader().read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 10_003);
        assert!(all[..10_000].iter().all(|byte| *byte == 0));
        assert_eq!(&all[10_000..], b"end");
    }

    #[test]
    fn cut_bytes_do_not_come_back() {
        let mut content = Content::default();
        content.write_at(0, &[7; 9000]);
        content.set_len(4100);
        content.set_len(9000);
        let mut all = vec![1; 9000];
        assert_eq!(content.read_at(0, &mut all), 9000);
        assert!(all[..4100].iter().all(|byte| *byte == 7));
        assert!(all[4100..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_file_that_was_large_keeps_no_room_for_it() {
        let mut content = Content::default();
        content.set_len(1 << 30);
        content.write_at(0, b"x");
        content.set_len(1);
        assert!(content.pages.capacity() < 16, "{}", content.pages.capacity());
        assert_eq!(u64::try_from(PAGE).unwrap(), PAGE_U64);
    }

    #[test]
    fn reads_stop_at_the_end() {
        let mut content = Content::default();
        content.write_at(4090, b"0123456789");
        let mut buffer = [9; 20];
        assert_eq!(content.read_at(4094, &mut buffer), 6);
        assert_eq!(&buffer[..6], b"456789");
        assert_eq!(content.read_at(4100, &mut buffer), 0);
        assert_eq!(content.read_at(u64::MAX, &mut buffer), 0);
    }
}
