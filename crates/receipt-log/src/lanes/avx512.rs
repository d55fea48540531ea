//! The kernel over AVX-512: sixteen messages, one in each lane of 32 bits.
//!
//! `vprold` rotates, `vpternlogd` does each of the four three-input functions at once, `vpermb` (VBMI) shifts the first block by the prefix and turns its
//! words round in one step.

use super::{Batch, INITIAL, portable, rounds::compress};
use crate::hash::Hash;
use core::arch::x86_64::*;

const LANES: usize = 16;

/// One word of the state, or of the block, of every message.
type Words = __m512i;

/// # Safety
/// By the rule of `target_feature`: the processor has AVX-512 F, BW and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn hash(batch: Batch<'_>, hashes: &mut [Hash]) {
    // The two lengths that trees are made of get code of their own, in which the number of blocks is known.
    match batch.length {
        260 => of_length::<260>(batch, hashes),
        64 => of_length::<64>(batch, hashes),
        _ => of_length::<{ usize::MAX }>(batch, hashes),
    }
}

/// `LENGTH` is the length of an entry, or `usize::MAX` for any.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn of_length<const LENGTH: usize>(batch: Batch<'_>, hashes: &mut [Hash]) {
    let length = if LENGTH == usize::MAX { batch.length } else { LENGTH };
    let batch = Batch { length, ..batch };
    let shape = batch.shape();
    let (from, to) = shape.rest_of_entry();
    let mut tails = [batch.empty_tail(); LANES];
    let bits = splat(u32::try_from(length * 8 + 8).unwrap_or(u32::MAX));
    let mut groups = hashes.chunks_exact_mut(LANES);
    let mut done = 0;
    for group in &mut groups {
        let entries: [&[u8]; LANES] = core::array::from_fn(|lane| &batch.bytes[(done + lane) * length..][..length]);
        done += LANES;
        for (tail, entry) in tails.iter_mut().zip(entries) {
            tail[to..to + length - from].copy_from_slice(&entry[from..]);
        }
        let mut state = initial();
        for block in 0..shape.whole {
            let mut rows = [splat(0); LANES];
            for (row, entry) in rows.iter_mut().zip(entries) {
                *row = if block == 0 { first(batch.prefix, entry) } else { swap(load(entry, block * 64 - 1)) };
            }
            state = compress(state, transpose(rows));
        }
        if shape.whole > 0 && shape.rest < 8 && length < 1 << 20 {
            let (mut first, mut second) = ([0; LANES], [0; LANES]);
            for ((first, second), [a, b, c, d, e, f, g, h, ..]) in first.iter_mut().zip(&mut second).zip(tails) {
                (*first, *second) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
            }
            state = compress_short(state, gather(&first), gather(&second), bits);
        } else {
            for block in 0..shape.tail_blocks() {
                let mut rows = [splat(0); LANES];
                for (row, tail) in rows.iter_mut().zip(&tails) {
                    *row = swap(load(tail, block * 64));
                }
                state = compress(state, transpose(rows));
            }
        }
        if let Some(group) = group.first_chunk_mut() {
            digests(state, group);
        }
    }
    portable::hash(Batch { bytes: &batch.bytes[done * length..], ..batch }, groups.into_remainder());
}

/// Not inlined: the code of one block fills a third of the cache of decoded instructions.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn compress(state: [Words; 8], words: [Words; 16]) -> [Words; 8] {
    compress!(state, words)
}

/// The last block of messages of which at most seven bytes stand in it.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn compress_short(state: [Words; 8], first: Words, second: Words, bits: Words) -> [Words; 8] {
    let z = splat(0);
    compress!(state, [first, second, z, z, z, z, z, z, z, z, z, z, z, z, z, bits])
}

/// The first block of a message: the prefix, then the entry one byte later, words turned round.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn first(prefix: u8, entry: &[u8]) -> Words {
    /// Byte `b` of word `w` is byte `4w + 3 - b` of the message and so byte `4w + 2 - b` of the entry.
    const PLACES: [u8; 64] = {
        let (mut places, mut at) = ([0; 64], 0);
        while at < 64 {
            places[at] = ((at & !3) as u8 + 2).wrapping_sub((at & 3) as u8);
            at += 1;
        }
        places
    };
    let mut padded = [0; 64];
    let bytes: &[u8; 64] = match entry.first_chunk() {
        Some(bytes) => bytes,
        None => {
            padded[..entry.len()].copy_from_slice(entry);
            &padded
        }
    };
    // The fourth byte of the first word is the prefix.
    let prefix = _mm512_set1_epi8(prefix.cast_signed());
    _mm512_mask_permutexvar_epi8(prefix, !(1 << 3), load(&PLACES, 0), load(bytes, 0))
}

/// From sixteen messages' blocks, one in each, to the block's sixteen words of every message.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn transpose(rows: [Words; 16]) -> [Words; 16] {
    let quads = quads::<16>(rows);
    let mut words = [splat(0); 16];
    for column in 0..4 {
        let [first, second, third, fourth] = [quads[column], quads[4 + column], quads[8 + column], quads[12 + column]];
        let (low, high) = (_mm512_shuffle_i32x4::<0x44>(first, second), _mm512_shuffle_i32x4::<0xee>(first, second));
        let (low_too, high_too) = (_mm512_shuffle_i32x4::<0x44>(third, fourth), _mm512_shuffle_i32x4::<0xee>(third, fourth));
        words[column] = _mm512_shuffle_i32x4::<0x88>(low, low_too);
        words[4 + column] = _mm512_shuffle_i32x4::<0xdd>(low, low_too);
        words[8 + column] = _mm512_shuffle_i32x4::<0x88>(high, high_too);
        words[12 + column] = _mm512_shuffle_i32x4::<0xdd>(high, high_too);
    }
    words
}

/// Transposes squares of four words: the quarter `q` of vector `4k + c` becomes word `4q + c` of rows `4k .. 4k + 4`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn quads<const ROWS: usize>(rows: [Words; ROWS]) -> [Words; ROWS] {
    let mut quads = rows;
    for k in (0..ROWS).step_by(4) {
        let (low, high) = (_mm512_unpacklo_epi32(rows[k], rows[k + 1]), _mm512_unpackhi_epi32(rows[k], rows[k + 1]));
        let (low_too, high_too) = (_mm512_unpacklo_epi32(rows[k + 2], rows[k + 3]), _mm512_unpackhi_epi32(rows[k + 2], rows[k + 3]));
        quads[k] = _mm512_unpacklo_epi64(low, low_too);
        quads[k + 1] = _mm512_unpackhi_epi64(low, low_too);
        quads[k + 2] = _mm512_unpacklo_epi64(high, high_too);
        quads[k + 3] = _mm512_unpackhi_epi64(high, high_too);
    }
    quads
}

/// Writes the hashes that the states are, in the standard's order of bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn digests(state: [Words; 8], hashes: &mut [Hash; LANES]) {
    let quads = quads::<8>(state);
    let low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    let high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    for column in 0..4 {
        // Two hashes in each vector: of messages `column` and `column + 4`, then of those eight later.
        for (order, message) in [(low, column), (high, column + 8)] {
            let pair = swap(_mm512_permutex2var_epi64(quads[column], order, quads[column + 4]));
            store(&mut hashes[message], _mm512_castsi512_si256(pair));
            store(&mut hashes[message + 4], _mm512_extracti64x4_epi64::<1>(pair));
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn initial() -> [Words; 8] {
    let [a, b, c, d, e, f, g, h] = INITIAL;
    [splat(a), splat(b), splat(c), splat(d), splat(e), splat(f), splat(g), splat(h)]
}

/// Turns the bytes of each word round: SHA-256 reads them with the high byte first.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn swap(row: Words) -> Words {
    _mm512_shuffle_epi8(row, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn add(a: Words, b: Words) -> Words {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn xor3(a: Words, b: Words, c: Words) -> Words {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

/// `Ch(e, f, g)`: bits of `f` where `e` is set, of `g` elsewhere.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn choose(e: Words, f: Words, g: Words) -> Words {
    _mm512_ternarylogic_epi32::<0xca>(e, f, g)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn majority(a: Words, b: Words, c: Words) -> Words {
    _mm512_ternarylogic_epi32::<0xe8>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn rotate<const BITS: i32>(word: Words) -> Words {
    _mm512_ror_epi32::<BITS>(word)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn shift<const BITS: u32>(word: Words) -> Words {
    _mm512_srli_epi32::<BITS>(word)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn splat(word: u32) -> Words {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn gather(words: &[u32; LANES]) -> Words {
    // SAFETY: the reference makes sixty-four bytes readable; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn load(bytes: &[u8], at: usize) -> Words {
    let bytes: &[u8; 64] = bytes[at..].first_chunk().expect("blocks lie within the message");
    // SAFETY: the reference makes sixty-four bytes readable; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn store(hash: &mut Hash, value: __m256i) {
    // SAFETY: the reference makes thirty-two bytes writable; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(hash.as_mut_ptr().cast(), value) }
}
