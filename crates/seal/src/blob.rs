//! Sealed blobs: data of any length under a data key. The format is in the crate's documentation.
//!
//! Not here: names and digests of plain files (`Manifest`), where blobs are kept.

use crate::key::{DataKey, random};
use blockcloud_primitives::{Blob, Digest};
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use std::io::{self, Read, Write};
use thiserror::Error;
use zeroize::Zeroizing;

/// Plaintext bytes per chunk.
pub const CHUNK_LEN: usize = 1 << 16;
const TAG_LEN: usize = 16;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
const MAGIC: [u8; 8] = *b"bcseal/1";
const PREFIX_LEN: usize = 19;
const HEADER_LEN: usize = MAGIC.len() + PREFIX_LEN;

/// Why a blob cannot be opened or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlobError {
    /// It does not begin as a sealed blob does.
    #[error("this is not a sealed blob")]
    NotABlob,
    /// It ends too early.
    #[error("the sealed blob is cut off in or after chunk {chunk}")]
    Truncated {
        /// The chunk at its end, from zero.
        chunk: u32,
    },
    /// Something follows its end.
    #[error("something was added to the sealed blob after chunk {chunk}, its last")]
    Extended {
        /// Its last chunk, from zero.
        chunk: u32,
    },
    /// A chunk does not match its tag.
    #[error("chunk {chunk} of the sealed blob does not open: it was changed or moved, or the key is another one")]
    Tampered {
        /// The chunk, from zero.
        chunk: u32,
    },
    /// It has more chunks than there are numbers for.
    #[error("a sealed blob holds at most 256 TiB")]
    TooLong,
}

impl From<BlobError> for io::Error {
    fn from(error: BlobError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What became of a plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// BLAKE3-256 of the plaintext.
    pub digest: Digest,
    /// Length of the plaintext in bytes.
    pub bytes: u64,
    /// Digest and length of the sealed blob.
    pub blob: Blob,
}

/// Length of the sealed blob of a plaintext.
pub fn sealed_len(plain_len: u64) -> u64 {
    let chunks = plain_len.div_ceil(CHUNK_LEN as u64).max(1);
    plain_len.saturating_add(HEADER_LEN as u64).saturating_add(chunks.saturating_mul(TAG_LEN as u64))
}

/// Seals a plaintext that is in memory.
pub fn seal(key: &DataKey, plain: &[u8]) -> Vec<u8> {
    let (mut chunks, header) = Chunks::begin(key);
    let mut sealed = Vec::with_capacity(HEADER_LEN + plain.len() + (plain.len() / CHUNK_LEN + 1) * TAG_LEN);
    sealed.extend_from_slice(&header);
    let mut rest = plain;
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK_LEN));
        let start = sealed.len();
        sealed.extend_from_slice(chunk);
        // Memory is far smaller than the longest blob, so the chunk numbers suffice.
        if let Ok(tag) = chunks.seal(&mut sealed[start..], after.is_empty()) {
            sealed.extend_from_slice(&tag);
        }
        if after.is_empty() {
            return sealed;
        }
        rest = after;
    }
}

/// Opens a sealed blob that is in memory.
///
/// # Errors
/// Every [`BlobError`] but [`BlobError::TooLong`].
pub fn open(key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, BlobError> {
    let (header, mut rest) = sealed.split_at_checked(HEADER_LEN).ok_or(BlobError::NotABlob)?;
    let mut chunks = Chunks::resume(key, header)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(rest.len()));
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(SEALED_CHUNK_LEN));
        let start = plain.len();
        plain.extend_from_slice(chunk);
        let length = chunks.open(&mut plain[start..], after.is_empty())?;
        plain.truncate(start + length);
        if after.is_empty() {
            return Ok(std::mem::take(&mut *plain));
        }
        rest = after;
    }
}

/// Seals what is written to it into the writer behind it. Ends with [`finish`](Self::finish): without it, the blob is recognisably cut off.
pub struct Sealer<W: Write> {
    chunks: Chunks,
    buffer: Zeroizing<Vec<u8>>,
    plain: blake3::Hasher,
    output: Hashed<W>,
}

impl<W: Write> Sealer<W> {
    /// Begins a blob.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(key: &DataKey, output: W) -> io::Result<Self> {
        let (chunks, header) = Chunks::begin(key);
        let mut output = Hashed { writer: output, hasher: blake3::Hasher::new() };
        output.write_all(&header)?;
        Ok(Self { chunks, buffer: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_LEN)), plain: blake3::Hasher::new(), output })
    }

    /// Ends the blob, and returns the writer and what was made.
    ///
    /// # Errors
    /// The writer's, and [`BlobError::TooLong`].
    pub fn finish(mut self) -> io::Result<(W, Sealed)> {
        self.write_chunk(true)?;
        self.output.flush()?;
        let sealed = Sealed {
            digest: Digest(*self.plain.finalize().as_bytes()),
            bytes: self.plain.count(),
            blob: Blob { digest: Digest(*self.output.hasher.finalize().as_bytes()), bytes: self.output.hasher.count() },
        };
        Ok((self.output.writer, sealed))
    }

    fn write_chunk(&mut self, last: bool) -> io::Result<()> {
        let tag = self.chunks.seal(&mut self.buffer, last)?;
        self.buffer.extend_from_slice(&tag);
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until more comes, because the last one is marked.
        if self.buffer.len() == CHUNK_LEN && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let taken = &bytes[..bytes.len().min(CHUNK_LEN - self.buffer.len())];
        self.buffer.extend_from_slice(taken);
        self.plain.update(taken);
        Ok(taken.len())
    }

    /// Passes on what is sealed; an unfinished chunk stays.
    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Opens the sealed blob that it reads. Hands out checked bytes only; the blob is whole once reading has ended without an error.
pub struct Opener<R: Read> {
    chunks: Chunks,
    input: R,
    plain: Zeroizing<Vec<u8>>,
    /// How much of `plain` was handed out.
    position: usize,
    /// The sealed chunk that was read ahead to know whether the one before it is the last.
    ahead: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl<R: Read> Opener<R> {
    /// Begins to read a blob.
    ///
    /// # Errors
    /// The reader's, and [`BlobError::NotABlob`].
    pub fn new(key: &DataKey, mut input: R) -> io::Result<Self> {
        let mut header = Vec::with_capacity(HEADER_LEN);
        (&mut input).take(HEADER_LEN as u64).read_to_end(&mut header)?;
        let chunks = Chunks::resume(key, &header)?;
        let mut ahead = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_LEN));
        read_chunk(&mut input, &mut ahead)?;
        let plain = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_LEN));
        Ok(Self { chunks, input, plain, position: 0, ahead, ended: false })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.plain.clear();
        self.position = 0;
        std::mem::swap(&mut self.plain, &mut self.ahead);
        read_chunk(&mut self.input, &mut self.ahead)?;
        self.ended = self.ahead.is_empty();
        match self.chunks.open(&mut self.plain, self.ended) {
            Ok(length) => {
                self.plain.truncate(length);
                Ok(())
            }
            Err(error) => {
                self.plain.clear();
                self.ahead.clear();
                self.ended = false;
                Err(error.into())
            }
        }
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.position == self.plain.len() && !self.ended && !target.is_empty() {
            self.next_chunk()?;
        }
        let rest = &self.plain[self.position..];
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

/// Reads the next sealed chunk, or what is left of one, into the empty buffer; leaves it empty at the end.
fn read_chunk(input: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    input.take(SEALED_CHUNK_LEN as u64).read_to_end(buffer)?;
    Ok(())
}

/// The chunks of one blob, in order.
struct Chunks {
    cipher: XChaCha20Poly1305,
    prefix: [u8; PREFIX_LEN],
    next: Option<u32>,
}

impl Chunks {
    fn begin(key: &DataKey) -> (Self, [u8; HEADER_LEN]) {
        let prefix = random();
        let mut header = [0; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()..].copy_from_slice(&prefix);
        (Self::with(key, prefix), header)
    }

    fn resume(key: &DataKey, header: &[u8]) -> Result<Self, BlobError> {
        let prefix = header.strip_prefix(&MAGIC).and_then(|prefix| prefix.try_into().ok()).ok_or(BlobError::NotABlob)?;
        Ok(Self::with(key, prefix))
    }

    fn with(key: &DataKey, prefix: [u8; PREFIX_LEN]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.as_bytes().into()), prefix, next: Some(0) }
    }

    /// Encrypts a chunk in place and returns its tag.
    fn seal(&mut self, chunk: &mut [u8], last: bool) -> Result<Tag, BlobError> {
        let number = self.take_number()?;
        self.cipher.encrypt_inout_detached(&self.nonce(number, last), &MAGIC, chunk.into()).map_err(|_| BlobError::TooLong)
    }

    /// Decrypts a sealed chunk in place and returns the plaintext's length. A chunk that fails is left as it was.
    fn open(&mut self, chunk: &mut [u8], last: bool) -> Result<usize, BlobError> {
        let number = self.take_number()?;
        let cut = BlobError::Truncated { chunk: number };
        let (text, tag) = chunk.split_last_chunk_mut::<TAG_LEN>().ok_or(cut)?;
        // Only a blob without plaintext has an empty chunk.
        if text.is_empty() && number > 0 {
            return Err(cut);
        }
        let tag = Tag::from(*tag);
        let mut opens_as = |last| self.cipher.decrypt_inout_detached(&self.nonce(number, last), &MAGIC, (&mut *text).into(), &tag).is_ok();
        if opens_as(last) {
            Ok(text.len())
        } else if opens_as(!last) {
            Err(if last { cut } else { BlobError::Extended { chunk: number } })
        } else {
            Err(BlobError::Tampered { chunk: number })
        }
    }

    fn take_number(&mut self) -> Result<u32, BlobError> {
        let number = self.next.ok_or(BlobError::TooLong)?;
        self.next = number.checked_add(1);
        Ok(number)
    }

    fn nonce(&self, number: u32, last: bool) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..PREFIX_LEN].copy_from_slice(&self.prefix);
        nonce[PREFIX_LEN..23].copy_from_slice(&number.to_be_bytes());
        nonce[23] = last.into();
        nonce.into()
    }
}

/// Digests what passes through.
struct Hashed<W> {
    writer: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_ends_before_its_chunk_numbers_repeat() {
        let (mut chunks, _) = Chunks::begin(&DataKey::generate());
        chunks.next = Some(u32::MAX);
        chunks.seal(&mut [0; 4], false).unwrap();
        assert_eq!(chunks.seal(&mut [0; 4], false), Err(BlobError::TooLong));
        assert_eq!(chunks.open(&mut [0; 20], false), Err(BlobError::TooLong));
    }

    /// Computed by hand from the published pieces: fixed key and prefix, one chunk, compared with the one-shot AEAD of the cipher crate.
    #[test]
    fn a_chunk_is_the_plain_aead_with_the_documented_nonce() {
        use chacha20poly1305::aead::{Aead, Payload};
        let key = DataKey::from_bytes([7; 32]);
        let mut chunks = Chunks::with(&key, [9; PREFIX_LEN]);
        let mut chunk = *b"first";
        let tag = chunks.seal(&mut chunk, false).unwrap();
        let mut second = *b"second";
        let second_tag = chunks.seal(&mut second, true).unwrap();

        let cipher = XChaCha20Poly1305::new(&[7; 32].into());
        let nonce = |tail: [u8; 5]| XNonce::try_from(&[&[9; PREFIX_LEN][..], &tail].concat()[..]).unwrap();
        let expect = |tail, msg| cipher.encrypt(&nonce(tail), Payload { msg, aad: b"bcseal/1" }).unwrap();
        assert_eq!([&chunk[..], &tag].concat(), expect([0, 0, 0, 0, 0], b"first"));
        assert_eq!([&second[..], &second_tag].concat(), expect([0, 0, 0, 1, 1], b"second"));
    }
}
