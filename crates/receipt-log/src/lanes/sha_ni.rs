//! The kernel over the SHA extensions, four messages interleaved.
//!
//! Two rounds take a few cycles until their result is there, but another pair may begin every cycle or two: four independent messages keep the unit
//! busy. The state is held as the instructions want it, `ABEF` and `CDGH`, word by word from the top (Intel, "Intel SHA Extensions", 2013).

use super::{Batch, INITIAL, ROUND, portable};
use crate::hash::Hash;
use core::arch::x86_64::*;

const LANES: usize = 4;

/// Words `ABEF` and `CDGH` of one message's state.
type State = [__m128i; 2];

/// # Safety
/// By the rule of `target_feature`: the processor has SHA, SSE4.1 and AVX.
#[target_feature(enable = "sha,sse4.1,avx")]
pub(super) fn hash(batch: Batch<'_>, hashes: &mut [Hash]) {
    // The two lengths that trees are made of get code of their own, in which the number of blocks is known.
    match batch.length {
        260 => of_length::<260>(batch, hashes),
        64 => of_length::<64>(batch, hashes),
        _ => of_length::<{ usize::MAX }>(batch, hashes),
    }
}

/// `LENGTH` is the length of an entry, or `usize::MAX` for any.
#[target_feature(enable = "sha,sse4.1,avx")]
fn of_length<const LENGTH: usize>(batch: Batch<'_>, hashes: &mut [Hash]) {
    let length = if LENGTH == usize::MAX { batch.length } else { LENGTH };
    let batch = Batch { length, ..batch };
    let shape = batch.shape();
    let (from, to) = shape.rest_of_entry();
    let mut tails = [batch.empty_tail(); LANES];
    let mut groups = hashes.chunks_exact_mut(LANES);
    let mut done = 0;
    for group in &mut groups {
        let entries: [&[u8]; LANES] = core::array::from_fn(|lane| &batch.bytes[(done + lane) * length..][..length]);
        done += LANES;
        for (tail, entry) in tails.iter_mut().zip(entries) {
            tail[to..to + length - from].copy_from_slice(&entry[from..]);
        }
        let mut states = [initial(); LANES];
        if shape.whole > 0 {
            compress(&mut states, first_blocks(batch.prefix, entries));
        }
        for block in 1..shape.whole {
            compress(&mut states, blocks(entries, block * 64 - 1));
        }
        for block in 0..shape.tail_blocks() {
            compress(&mut states, blocks([&tails[0], &tails[1], &tails[2], &tails[3]], block * 64));
        }
        for (hash, state) in group.iter_mut().zip(states) {
            *hash = digest(state);
        }
    }
    portable::hash(Batch { bytes: &batch.bytes[done * length..], ..batch }, groups.into_remainder());
}

/// Sixty-four rounds for every message. The loops over lanes are by number, which unrolls them before anything else is decided.
#[inline]
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "sha,sse4.1,avx")]
fn compress(states: &mut [State; LANES], mut w: [[__m128i; 4]; LANES]) {
    let mut state = *states;
    macro_rules! four_rounds {
        ($t:expr, $now:expr, $next:expr, $third:expr, $last:expr, $extend:expr) => {
            let constants = constants($t);
            for lane in 0..LANES {
                if $extend {
                    // W[t] = s1(W[t-2]) + W[t-7] + s0(W[t-15]) + W[t-16], four at a time.
                    let [near, far] =
                        [_mm_sha256msg1_epu32(w[lane][$now], w[lane][$next]), _mm_alignr_epi8::<4>(w[lane][$last], w[lane][$third])];
                    w[lane][$now] = _mm_sha256msg2_epu32(_mm_add_epi32(near, far), w[lane][$last]);
                }
            }
            for lane in 0..LANES {
                let sum = _mm_add_epi32(w[lane][$now], constants);
                state[lane][1] = _mm_sha256rnds2_epu32(state[lane][1], state[lane][0], sum);
                state[lane][0] = _mm_sha256rnds2_epu32(state[lane][0], state[lane][1], _mm_shuffle_epi32::<0x0e>(sum));
            }
        };
    }
    macro_rules! sixteen_rounds {
        ($t:expr, $extend:expr) => {
            four_rounds!($t, 0, 1, 2, 3, $extend);
            four_rounds!($t + 4, 1, 2, 3, 0, $extend);
            four_rounds!($t + 8, 2, 3, 0, 1, $extend);
            four_rounds!($t + 12, 3, 0, 1, 2, $extend);
        };
    }
    sixteen_rounds!(0, false);
    sixteen_rounds!(16, true);
    sixteen_rounds!(32, true);
    sixteen_rounds!(48, true);
    for lane in 0..LANES {
        states[lane] = [_mm_add_epi32(states[lane][0], state[lane][0]), _mm_add_epi32(states[lane][1], state[lane][1])];
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn constants(t: usize) -> __m128i {
    words([ROUND[t], ROUND[t + 1], ROUND[t + 2], ROUND[t + 3]])
}

#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn initial() -> State {
    let [a, b, c, d, e, f, g, h] = INITIAL;
    [words([f, e, b, a]), words([h, g, d, c])]
}

/// Lowest first.
#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn words([first, second, third, fourth]: [u32; 4]) -> __m128i {
    _mm_set_epi32(fourth.cast_signed(), third.cast_signed(), second.cast_signed(), first.cast_signed())
}

/// The hash that a state is, in the standard's order of bytes.
#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn digest([abef, cdgh]: State) -> Hash {
    // Lowest first: F, E, B, A and H, G, D, C.
    let abcd = _mm_unpackhi_epi64(cdgh, abef);
    let efgh = _mm_unpacklo_epi64(cdgh, abef);
    // Lowest first: D, C, B, A and H, G, F, E; all sixteen bytes the other way round are the words in order, each with its high byte first.
    let turn = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut hash = [0; 32];
    let (first, second) = hash.split_at_mut(16);
    store(first, _mm_shuffle_epi8(abcd, turn));
    store(second, _mm_shuffle_epi8(efgh, turn));
    hash
}

/// Turns the bytes of each word round: SHA-256 reads them with the high byte first.
#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn swap(quarter: __m128i) -> __m128i {
    _mm_shuffle_epi8(quarter, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3))
}

/// A block of every message, from the same place of each.
#[inline]
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "sha,sse4.1,avx")]
fn blocks(messages: [&[u8]; LANES], at: usize) -> [[__m128i; 4]; LANES] {
    let mut blocks = [[_mm_setzero_si128(); 4]; LANES];
    for lane in 0..LANES {
        for quarter in 0..4 {
            blocks[lane][quarter] = swapped(messages[lane], at + quarter * 16);
        }
    }
    blocks
}

/// The first block of every message: the prefix, and the entry one byte later.
#[inline]
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "sha,sse4.1,avx")]
fn first_blocks(prefix: u8, entries: [&[u8]; LANES]) -> [[__m128i; 4]; LANES] {
    let prefix = _mm_cvtsi32_si128(i32::from(prefix));
    let mut blocks = [[_mm_setzero_si128(); 4]; LANES];
    for lane in 0..LANES {
        blocks[lane][0] = swap(_mm_or_si128(_mm_slli_si128::<1>(load(entries[lane], 0)), prefix));
        for quarter in 1..4 {
            blocks[lane][quarter] = swapped(entries[lane], quarter * 16 - 1);
        }
    }
    blocks
}

/// Four words of a message from byte `at` on.
#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn swapped(bytes: &[u8], at: usize) -> __m128i {
    swap(load(bytes, at))
}

#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn load(bytes: &[u8], at: usize) -> __m128i {
    let bytes: &[u8; 16] = bytes[at..].first_chunk().expect("blocks lie within the message");
    // SAFETY: the reference makes sixteen bytes readable; the instruction asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,avx")]
fn store(bytes: &mut [u8], value: __m128i) {
    let bytes: &mut [u8; 16] = bytes.first_chunk_mut().expect("half of a hash");
    // SAFETY: the reference makes sixteen bytes writable; the instruction asks for no alignment.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), value) }
}
