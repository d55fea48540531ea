//! The compression function of SHA-256 (FIPS 180-4, 6.2.2) over vectors, written once for every width.
//!
//! Not here: the vectors. A kernel that expands `compress!` has in scope `add`, `xor3`, `choose`, `majority`, `rotate::<N>`, `shift::<N>` and `splat`.

/// Sixty-four rounds: the state behind a block whose words, one message's in each lane, are `$words`. Expanded flat, so that words which are constants
/// where it is expanded take their part of the schedule out of the program.
macro_rules! compress {
    ($state:expr, $words:expr) => {{
        let before = $state;
        let mut w = $words;
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = before;
        compress!(@eight plain, w, 0, a, b, c, d, e, f, g, h);
        compress!(@eight plain, w, 8, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 16, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 24, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 32, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 40, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 48, a, b, c, d, e, f, g, h);
        compress!(@eight extend, w, 56, a, b, c, d, e, f, g, h);
        let [a0, b0, c0, d0, e0, f0, g0, h0] = before;
        [add(a, a0), add(b, b0), add(c, c0), add(d, d0), add(e, e0), add(f, f0), add(g, g0), add(h, h0)]
    }};
    (@eight $word:ident, $w:ident, $t:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        compress!(@round $word, $w, $t, $a, $b, $c, $d, $e, $f, $g, $h);
        compress!(@round $word, $w, $t + 1, $h, $a, $b, $c, $d, $e, $f, $g);
        compress!(@round $word, $w, $t + 2, $g, $h, $a, $b, $c, $d, $e, $f);
        compress!(@round $word, $w, $t + 3, $f, $g, $h, $a, $b, $c, $d, $e);
        compress!(@round $word, $w, $t + 4, $e, $f, $g, $h, $a, $b, $c, $d);
        compress!(@round $word, $w, $t + 5, $d, $e, $f, $g, $h, $a, $b, $c);
        compress!(@round $word, $w, $t + 6, $c, $d, $e, $f, $g, $h, $a, $b);
        compress!(@round $word, $w, $t + 7, $b, $c, $d, $e, $f, $g, $h, $a);
    };
    (@round $word:ident, $w:ident, $t:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        compress!(@$word $w, $t);
        let word = add($w[$t % 16], splat($crate::lanes::ROUND[$t]));
        let sigma1 = xor3(rotate::<6>($e), rotate::<11>($e), rotate::<25>($e));
        let first = add(add($h, word), add(sigma1, choose($e, $f, $g)));
        let sigma0 = xor3(rotate::<2>($a), rotate::<13>($a), rotate::<22>($a));
        $d = add($d, first);
        $h = add(first, add(sigma0, majority($a, $b, $c)));
    };
    (@plain $w:ident, $t:expr) => {};
    // The word that was used sixteen rounds ago makes room for the next.
    (@extend $w:ident, $t:expr) => {
        let (near, far) = ($w[($t + 14) % 16], $w[($t + 1) % 16]);
        let sigma0 = xor3(rotate::<7>(far), rotate::<18>(far), shift::<3>(far));
        let sigma1 = xor3(rotate::<17>(near), rotate::<19>(near), shift::<10>(near));
        $w[$t % 16] = add(add($w[$t % 16], sigma0), add($w[($t + 9) % 16], sigma1));
    };
}

pub(super) use compress;
