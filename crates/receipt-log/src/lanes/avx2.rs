//! The kernel over AVX2: eight messages, one in each lane of 32 bits. For processors without SHA extensions and AVX-512.

use super::{Batch, INITIAL, portable, rounds::compress};
use crate::hash::Hash;
use core::arch::x86_64::*;

const LANES: usize = 8;

/// One word of the state, or of the block, of every message.
type Words = __m256i;

/// # Safety
/// By the rule of `target_feature`: the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn hash(batch: Batch<'_>, hashes: &mut [Hash]) {
    // The two lengths that trees are made of get code of their own, in which the number of blocks is known.
    match batch.length {
        260 => of_length::<260>(batch, hashes),
        64 => of_length::<64>(batch, hashes),
        _ => of_length::<{ usize::MAX }>(batch, hashes),
    }
}

/// `LENGTH` is the length of an entry, or `usize::MAX` for any.
#[target_feature(enable = "avx2")]
fn of_length<const LENGTH: usize>(batch: Batch<'_>, hashes: &mut [Hash]) {
    let length = if LENGTH == usize::MAX { batch.length } else { LENGTH };
    let batch = Batch { length, ..batch };
    let shape = batch.shape();
    let (from, to) = shape.rest_of_entry();
    let mut tails = [batch.empty_tail(); LANES];
    let bits = splat(u32::try_from(length * 8 + 8).unwrap_or(u32::MAX));
    let mut heads = [[batch.prefix; 64]; LANES];
    let mut groups = hashes.chunks_exact_mut(LANES);
    let mut done = 0;
    for group in &mut groups {
        let entries: [&[u8]; LANES] = core::array::from_fn(|lane| &batch.bytes[(done + lane) * length..][..length]);
        done += LANES;
        for (tail, entry) in tails.iter_mut().zip(entries) {
            tail[to..to + length - from].copy_from_slice(&entry[from..]);
        }
        let mut state = initial();
        if shape.whole > 0 {
            for (head, entry) in heads.iter_mut().zip(entries) {
                head[1..].copy_from_slice(&entry[..63]);
            }
            let [a, b, c, d, e, f, g, h] = &heads;
            state = compress(state, words_at([a, b, c, d, e, f, g, h], 0));
        }
        for block in 1..shape.whole {
            state = compress(state, words_at(entries, block * 64 - 1));
        }
        if shape.whole > 0 && shape.rest < 8 && length < 1 << 20 {
            let (mut first, mut second) = ([0; LANES], [0; LANES]);
            for ((first, second), [a, b, c, d, e, f, g, h, ..]) in first.iter_mut().zip(&mut second).zip(tails) {
                (*first, *second) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
            }
            state = compress_short(state, gather(&first), gather(&second), bits);
        } else {
            for block in 0..shape.tail_blocks() {
                let [a, b, c, d, e, f, g, h] = &tails;
                state = compress(state, words_at([a, b, c, d, e, f, g, h], block * 64));
            }
        }
        for (hash, row) in group.iter_mut().zip(transpose(state)) {
            store(hash, swap(row));
        }
    }
    portable::hash(Batch { bytes: &batch.bytes[done * length..], ..batch }, groups.into_remainder());
}

#[inline(never)]
#[target_feature(enable = "avx2")]
fn compress(state: [Words; 8], words: [Words; 16]) -> [Words; 8] {
    compress!(state, words)
}

/// The last block of messages of which at most seven bytes stand in it.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn compress_short(state: [Words; 8], first: Words, second: Words, bits: Words) -> [Words; 8] {
    let z = splat(0);
    compress!(state, [first, second, z, z, z, z, z, z, z, z, z, z, z, z, z, bits])
}

/// The sixteen words of a block, from the same place of every message.
#[inline]
#[target_feature(enable = "avx2")]
fn words_at(messages: [&[u8]; LANES], at: usize) -> [Words; 16] {
    let mut words = [splat(0); 16];
    let (first, second) = words.split_at_mut(8);
    for (half, at) in [(first, at), (second, at + 32)] {
        let mut rows = [splat(0); LANES];
        for (row, message) in rows.iter_mut().zip(messages) {
            *row = swap(load(message, at));
        }
        half.copy_from_slice(&transpose(rows));
    }
    words
}

/// From eight rows of eight words to eight columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [Words; 8]) -> [Words; 8] {
    let mut quads = rows;
    for k in [0, 4] {
        let (low, high) = (_mm256_unpacklo_epi32(rows[k], rows[k + 1]), _mm256_unpackhi_epi32(rows[k], rows[k + 1]));
        let (low_too, high_too) = (_mm256_unpacklo_epi32(rows[k + 2], rows[k + 3]), _mm256_unpackhi_epi32(rows[k + 2], rows[k + 3]));
        quads[k] = _mm256_unpacklo_epi64(low, low_too);
        quads[k + 1] = _mm256_unpackhi_epi64(low, low_too);
        quads[k + 2] = _mm256_unpacklo_epi64(high, high_too);
        quads[k + 3] = _mm256_unpackhi_epi64(high, high_too);
    }
    let mut columns = rows;
    for column in 0..4 {
        columns[column] = _mm256_permute2x128_si256::<0x20>(quads[column], quads[column + 4]);
        columns[column + 4] = _mm256_permute2x128_si256::<0x31>(quads[column], quads[column + 4]);
    }
    columns
}

#[inline]
#[target_feature(enable = "avx2")]
fn initial() -> [Words; 8] {
    let [a, b, c, d, e, f, g, h] = INITIAL;
    [splat(a), splat(b), splat(c), splat(d), splat(e), splat(f), splat(g), splat(h)]
}

/// Turns the bytes of each word round: SHA-256 reads them with the high byte first.
#[inline]
#[target_feature(enable = "avx2")]
fn swap(row: Words) -> Words {
    let half = (0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    _mm256_shuffle_epi8(row, _mm256_set_epi64x(half.0, half.1, half.0, half.1))
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: Words, b: Words) -> Words {
    _mm256_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: Words, b: Words, c: Words) -> Words {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

/// `Ch(e, f, g)`: bits of `f` where `e` is set, of `g` elsewhere.
#[inline]
#[target_feature(enable = "avx2")]
fn choose(e: Words, f: Words, g: Words) -> Words {
    _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: Words, b: Words, c: Words) -> Words {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(word: Words) -> Words {
    _mm256_or_si256(_mm256_srl_epi32(word, _mm_cvtsi32_si128(BITS)), _mm256_sll_epi32(word, _mm_cvtsi32_si128(32 - BITS)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn shift<const BITS: i32>(word: Words) -> Words {
    _mm256_srli_epi32::<BITS>(word)
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> Words {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn gather(words: &[u32; LANES]) -> Words {
    // SAFETY: the reference makes thirty-two bytes readable; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8], at: usize) -> Words {
    let bytes: &[u8; 32] = bytes[at..].first_chunk().expect("blocks lie within the message");
    // SAFETY: the reference makes thirty-two bytes readable; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(hash: &mut Hash, value: Words) {
    // SAFETY: the reference makes thirty-two bytes writable; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(hash.as_mut_ptr().cast(), value) }
}
