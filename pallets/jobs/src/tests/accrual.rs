//! The arithmetic of pay and time by itself.

use crate::{
    Graces, Run,
    accrual::{Clock, earned, exhausting_ms, millis},
};
use blockcloud_primitives::{End, Moment};
use proptest::prelude::*;

const GRACES: Graces = Graces { silence: 20, last_word: 5 };

fn clock() -> Clock {
    let run = Run { started_at: 1_000_000, last_checkpoint: 1_000_000, vouched_until: 1_000_000, covered_ms: 0 };
    Clock { run, rate: 10, deposited: 1_000, longest_run: 200, checkpoint_gap: 30, session_until: Moment::MAX }
}

#[test]
fn pay_is_rounded_down_and_capped() {
    assert_eq!(earned(200, 1_499, u128::MAX), 299);
    assert_eq!(earned(1, 999, u128::MAX), 0);
    assert_eq!(earned(200, 10_000, 1_999), 1_999);
    assert_eq!(earned(0, u64::MAX, 5), 0);
    assert_eq!(earned(u128::MAX, u64::MAX, u128::MAX), u128::MAX);
}

#[test]
fn the_exhausting_time_is_rounded_up() {
    assert_eq!(exhausting_ms(200, 300), Some(1_500));
    assert_eq!(exhausting_ms(3, 1), Some(334));
    assert_eq!(exhausting_ms(3, 0), Some(0));
    assert_eq!(exhausting_ms(0, 300), None);
    assert_eq!(exhausting_ms(1, u128::MAX), None);
}

#[test]
fn a_clock_that_was_slow_at_first_and_then_catches_up_earns_nothing_by_it() {
    // The first checkpoint is signed 299 s back; the next ones by a right clock.
    let mut run = Run::start(1_000, 300_000);
    for now in [302_000, 304_000, 306_000] {
        run.vouch(now, now, 60, 1_000);
    }
    assert_eq!(run.covered_ms, 6_000);
    // One that stays slow loses nothing.
    let mut run = Run::start(1_000, 300_000);
    run.vouch(7_000, 306_000, 60, 1_000);
    assert_eq!(run.covered_ms, 6_000);
}

#[test]
fn the_earliest_reason_ends_a_job() {
    let usual = clock();
    assert_eq!(usual.due(&GRACES), (1_050_000, End::Silent));
    assert_eq!(Clock { session_until: 1_049_999, ..usual }.due(&GRACES), (1_049_999, End::AttestationLapsed));
    assert_eq!(Clock { longest_run: 20, ..usual }.due(&GRACES), (1_025_000, End::TimeUp));
    assert_eq!(Clock { deposited: 200, ..usual }.due(&GRACES), (1_025_000, End::EscrowExhausted));
    assert_eq!(Clock { deposited: 200, longest_run: 20, ..usual }.due(&GRACES), (1_025_000, End::TimeUp));
    assert_eq!(Clock { longest_run: 26, ..usual }.due(&GRACES), (1_031_000, End::Silent));
    assert_eq!(Clock { rate: 0, deposited: 0, ..usual }.due(&GRACES), (1_050_000, End::Silent));
}

#[test]
fn times_at_the_end_of_time_do_not_wrap() {
    let run = Run { started_at: u64::MAX, last_checkpoint: u64::MAX, vouched_until: u64::MAX, covered_ms: 0 };
    assert_eq!(Clock { run, ..clock() }.due(&GRACES).0, u64::MAX);
}

proptest! {
    #[test]
    fn the_exhausting_time_is_the_least_that_earns_everything(rate in 1..u128::from(u64::MAX), deposited in 1..u128::from(u64::MAX)) {
        if let Some(ms) = exhausting_ms(rate, deposited) {
            prop_assert_eq!(earned(rate, ms, u128::MAX).min(deposited), deposited);
            prop_assert!(earned(rate, ms - 1, u128::MAX) < deposited);
        }
    }

    #[test]
    fn many_checkpoints_earn_what_one_would(rate in 0..1_000_000_u128, steps in prop::collection::vec(0..5_000_u64, 1..40)) {
        let (gap, longest) = (5, 1_000_000);
        let mut run = Run::start(0, 0);
        let mut now = 0;
        for step in &steps {
            now += step;
            run.vouch(now, now, gap, longest);
        }
        let total: u64 = steps.iter().sum();
        prop_assert_eq!(run.covered_ms, total);
        prop_assert_eq!(earned(rate, run.covered_ms, u128::MAX), rate * u128::from(total) / 1000);
    }

    #[test]
    fn nothing_beyond_the_chains_time_the_gaps_or_the_longest_run_is_covered(
        checkpoints in prop::collection::vec((0..20_000_u64, 0..100_000_u64), 1..30),
        first in 0..400_000_u64,
        gap in 1..20_u32,
        longest in 1..60_u32,
    ) {
        let start = 1_000_000;
        let mut run = Run::start(start - first, start);
        let mut now = start;
        for (step, signed) in &checkpoints {
            now += step;
            let before = run;
            run.vouch(start - 50_000 + signed, now, gap, longest);
            prop_assert!(run.covered_ms - before.covered_ms <= millis(gap));
            prop_assert!(run.vouched_until >= before.vouched_until && run.vouched_until <= now);
            prop_assert!(run.covered_ms <= millis(longest) && run.covered_ms <= now - start);
        }
    }

    #[test]
    fn checkpoints_do_not_move_the_end_of_the_escrow(
        steps in prop::collection::vec(1..30_000_u64, 1..30),
        deposited in 1..300_u128,
    ) {
        let mut clock = Clock { deposited, checkpoint_gap: 30, longest_run: 1_000_000, ..clock() };
        let due = clock.due(&Graces { silence: 1_000_000, last_word: 5 }).0;
        let mut now = clock.run.started_at;
        for step in steps {
            now += step;
            clock.run.vouch(now, now, 30, 1_000_000);
            prop_assert_eq!(clock.due(&Graces { silence: 1_000_000, last_word: 5 }).0, due);
        }
    }
}
