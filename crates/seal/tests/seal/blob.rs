//! Sealed blobs: round trips at every awkward length, and everything a host could do to one.

use blockcloud_primitives::{Blob, Digest};
use blockcloud_seal::{BlobError, CHUNK_LEN, DataKey, Opener, Sealed, Sealer, open, seal, sealed_len};
use proptest::prelude::*;
use std::io::{self, Read, Write};

const HEADER: usize = 27;
const SEALED_CHUNK: usize = CHUNK_LEN + 16;

/// Around every boundary of the format.
const LENGTHS: [usize; 9] = [0, 1, 15, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 2 * CHUNK_LEN - 1, 2 * CHUNK_LEN, 3 * CHUNK_LEN + 100];

fn key() -> DataKey {
    DataKey::from_bytes([5; 32])
}

fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at >> 16) as u8).collect()
}

fn stream_seal(plain: &[u8], piece: usize) -> (Vec<u8>, Sealed) {
    let mut sealer = Sealer::new(&key(), Vec::new()).unwrap();
    for piece in plain.chunks(piece) {
        sealer.write_all(piece).unwrap();
    }
    sealer.finish().unwrap()
}

/// A reader that gives little at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = target.len().min(self.1);
        self.0.read(&mut target[..count])
    }
}

fn stream_open(sealed: &[u8]) -> Result<Vec<u8>, BlobError> {
    let blob_error = |error: io::Error| *error.get_ref().and_then(|inner| inner.downcast_ref::<BlobError>()).unwrap();
    let mut plain = Vec::new();
    Opener::new(&key(), Trickle(sealed, 1009)).map_err(blob_error)?.read_to_end(&mut plain).map_err(blob_error)?;
    Ok(plain)
}

/// Both ways of opening agree.
fn opened(sealed: &[u8]) -> Result<Vec<u8>, BlobError> {
    let whole = open(&key(), sealed);
    assert_eq!(stream_open(sealed), whole);
    whole
}

#[test]
fn opens_to_what_was_sealed() {
    for length in LENGTHS {
        let plain = plain(length);
        let sealed = seal(&key(), &plain);
        assert_eq!(sealed.len() as u64, sealed_len(length as u64));
        assert_eq!(opened(&sealed), Ok(plain));
    }
}

#[test]
fn streams_open_to_what_was_sealed() {
    for length in LENGTHS {
        let plain = plain(length);
        for piece in [1000, CHUNK_LEN, usize::MAX] {
            let (sealed, summary) = stream_seal(&plain, piece);
            let blob = Blob { digest: Digest::of(&sealed), bytes: sealed_len(length as u64) };
            assert_eq!(summary, Sealed { digest: Digest::of(&plain), bytes: length as u64, blob });
            assert_eq!(opened(&sealed), Ok(plain.clone()));
        }
    }
}

#[test]
fn never_looks_the_same_twice() {
    assert_ne!(seal(&key(), b"same"), seal(&key(), b"same"));
}

#[test]
fn does_not_contain_the_plaintext() {
    let canary = b"a canary that nobody outside may see";
    let sealed = seal(&key(), &canary.repeat(5000));
    assert!(!sealed.windows(8).any(|window| canary.windows(8).any(|part| part == window)));
}

#[test]
fn fails_with_another_key() {
    let sealed = seal(&key(), b"data");
    assert_eq!(open(&DataKey::from_bytes([6; 32]), &sealed), Err(BlobError::Tampered { chunk: 0 }));
}

#[test]
fn fails_when_it_is_something_else() {
    for other in [&b""[..], b"bcseal/1", b"bcseal/2 and more than a header", &[0; 100]] {
        assert_eq!(opened(other), Err(BlobError::NotABlob));
    }
}

#[test]
fn fails_wherever_it_is_cut_off() {
    let sealed = seal(&key(), &plain(2 * CHUNK_LEN + 500));
    let cuts = (0..HEADER + 40).chain((0..3).flat_map(|chunk| {
        let end = HEADER + (chunk + 1) * SEALED_CHUNK;
        end - 20..end + 20
    }));
    for cut in cuts.filter(|cut| *cut < sealed.len()) {
        let error = opened(&sealed[..cut]).unwrap_err();
        match cut.checked_sub(HEADER) {
            None => assert_eq!(error, BlobError::NotABlob),
            // At a boundary nothing is damaged, but the last chunk present is not the last.
            Some(text) if text > 0 && text % SEALED_CHUNK == 0 => {
                assert_eq!(error, BlobError::Truncated { chunk: (text / SEALED_CHUNK) as u32 - 1 });
            }
            Some(_) => assert!(matches!(error, BlobError::Truncated { .. } | BlobError::Tampered { .. }), "{cut}: {error}"),
        }
    }
}

#[test]
fn fails_without_its_end() {
    // What a sealer leaves behind that was dropped before it had finished.
    let mut sealed = Vec::new();
    let mut sealer = Sealer::new(&key(), &mut sealed).unwrap();
    sealer.write_all(&plain(CHUNK_LEN + 1)).unwrap();
    drop(sealer);
    assert_eq!(opened(&sealed), Err(BlobError::Truncated { chunk: 0 }));
}

#[test]
fn fails_when_something_follows_it() {
    let sealed = seal(&key(), &plain(CHUNK_LEN));
    let other = seal(&key(), &plain(CHUNK_LEN));
    assert_eq!(opened(&[&sealed[..], &other[HEADER..]].concat()), Err(BlobError::Extended { chunk: 0 }));
    assert_eq!(opened(&[&sealed[..], b"x"].concat()), Err(BlobError::Extended { chunk: 0 }));
}

#[test]
fn fails_with_any_chunk_changed_moved_or_missing() {
    let sealed = seal(&key(), &plain(3 * CHUNK_LEN));
    let chunks: Vec<&[u8]> = sealed[HEADER..].chunks(SEALED_CHUNK).collect();
    let joined = |order: &[usize]| {
        let chunks: Vec<&[u8]> = order.iter().map(|at| chunks[*at]).collect();
        [&sealed[..HEADER], &chunks.concat()].concat()
    };
    assert_eq!(opened(&joined(&[0, 1, 2])), Ok(plain(3 * CHUNK_LEN)));
    assert_eq!(opened(&joined(&[1, 0, 2])), Err(BlobError::Tampered { chunk: 0 }));
    assert_eq!(opened(&joined(&[0, 2])), Err(BlobError::Tampered { chunk: 1 }));
    assert_eq!(opened(&joined(&[0, 0, 2])), Err(BlobError::Tampered { chunk: 1 }));

    let foreign = seal(&key(), &plain(3 * CHUNK_LEN));
    let mixed = [&sealed[..HEADER + SEALED_CHUNK], &foreign[HEADER + SEALED_CHUNK..]].concat();
    assert_eq!(opened(&mixed), Err(BlobError::Tampered { chunk: 1 }));
}

#[test]
fn a_stream_gives_nothing_of_a_chunk_that_fails() {
    let mut sealed = seal(&key(), &plain(2 * CHUNK_LEN));
    sealed[HEADER + SEALED_CHUNK + 7] ^= 1;
    let mut opener = Opener::new(&key(), &sealed[..]).unwrap();
    let mut first = vec![0; CHUNK_LEN];
    opener.read_exact(&mut first).unwrap();
    assert_eq!(first, plain(CHUNK_LEN));
    for _ in 0..3 {
        assert_eq!(opener.read(&mut first).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

proptest! {
    #[test]
    fn any_changed_bit_is_found(length in 0usize..300, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut sealed = seal(&key(), &plain(length));
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        let expected = if at < 8 { BlobError::NotABlob } else { BlobError::Tampered { chunk: 0 } };
        prop_assert_eq!(opened(&sealed), Err(expected));
    }

    #[test]
    fn any_content_comes_back(plain in prop::collection::vec(any::<u8>(), 0..5000), piece in 1usize..700) {
        prop_assert_eq!(opened(&seal(&key(), &plain)), Ok(plain.clone()));
        prop_assert_eq!(opened(&stream_seal(&plain, piece).0), Ok(plain));
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(opened(&bytes).is_err());
        prop_assert!(opened(&[b"bcseal/1", &bytes[..]].concat()).is_err());
    }
}
