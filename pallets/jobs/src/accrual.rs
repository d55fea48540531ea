//! The arithmetic of pay and time: pure functions of a job's numbers. Not here: storage, holds, states.

use crate::types::{Due, Graces, Run};
use blockcloud_primitives::{Balance, End, Moment};
use sp_runtime::{Rounding, helpers_128bit::multiply_by_rational_with_rounding};

/// Milliseconds in `seconds`.
pub fn millis(seconds: u32) -> u64 {
    // Saturating without effect: 2^32 * 1000 < 2^64.
    u64::from(seconds).saturating_mul(1000)
}

/// Pay for `covered_ms` at `rate` per second, rounded down, and never more than `deposited`.
pub fn earned(rate: Balance, covered_ms: u64, deposited: Balance) -> Balance {
    // No value means that the product is beyond 2^128, so above any deposit.
    multiply_by_rational_with_rounding(rate, Balance::from(covered_ms), 1000, Rounding::Down).map_or(deposited, |pay| pay.min(deposited))
}

/// The least number of milliseconds after which [`earned`] reaches `deposited`, or nothing if it never does.
pub fn exhausting_ms(rate: Balance, deposited: Balance) -> Option<u64> {
    if rate == 0 {
        return None;
    }
    multiply_by_rational_with_rounding(deposited, 1000, rate, Rounding::Up).and_then(|ms| u64::try_from(ms).ok())
}

impl Run {
    /// A run that starts with a checkpoint signed at `signed_at` that counts as of `now`.
    ///
    /// A guest's clock ahead of the chain's buys nothing; one behind it loses nothing, because all later checkpoints are behind as well.
    pub fn start(signed_at: Moment, now: Moment) -> Self {
        Self { started_at: now, last_checkpoint: now, vouched_until: signed_at.min(now), covered_ms: 0 }
    }

    /// Adds the time that a further checkpoint vouches for: from the last one's signing to this one's, at most `gap` seconds; altogether at most
    /// `longest_run` seconds, and never more than has passed on the chain since the run started.
    ///
    /// Counted by signing and not by acceptance, so that a checkpoint that is held back is not worth more than a prompt one; bounded by the
    /// chain's clock, so that a fast clock in the guest is not worth more than a right one, nor one that was slow at first and then caught up.
    pub fn vouch(&mut self, signed_at: Moment, now: Moment, gap: u32, longest_run: u32) {
        let until = signed_at.min(now).max(self.vouched_until);
        // Saturating without effect: `until` is not before `vouched_until`, and the sum is capped anyway.
        let step = until.saturating_sub(self.vouched_until).min(millis(gap));
        // Saturating without effect: the run has started before now.
        let passed = now.saturating_sub(self.started_at);
        // A minimum that was charged already stays.
        self.covered_ms = self.covered_ms.saturating_add(step).min(millis(longest_run)).min(passed).max(self.covered_ms);
        self.vouched_until = until;
        // One that came through a round may count as of a moment before one that came directly.
        self.last_checkpoint = self.last_checkpoint.max(now);
    }
}

impl Run {
    /// Goes on after a suspension: nothing of it is paid, and the guest gets a whole gap for its next checkpoint.
    pub fn resume(&mut self, now: Moment) {
        self.vouched_until = self.vouched_until.max(now);
        self.last_checkpoint = now;
    }
}

/// What decides when a running job ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// How far it has run.
    pub run: Run,
    /// Price per second.
    pub rate: Balance,
    /// Locked altogether.
    pub deposited: Balance,
    /// Longest run in seconds.
    pub longest_run: u32,
    /// Largest number of seconds that one checkpoint vouches for.
    pub checkpoint_gap: u32,
    /// When its session ends.
    pub session_until: Moment,
}

impl Clock {
    /// When the escrow is used up if checkpoints go on coming, or nothing if it never is.
    fn dry_at(&self) -> Option<Moment> {
        let needed = exhausting_ms(self.rate, self.deposited)?;
        // Time that checkpoints already vouch for beyond the escrow lies before the last checkpoint: more of it must not move the moment on.
        Some(self.run.last_checkpoint.saturating_add(needed).saturating_sub(self.run.covered_ms))
    }

    /// When the longest run is over.
    fn time_up_at(&self) -> Moment {
        self.run.started_at.saturating_add(millis(self.longest_run))
    }

    /// When the last checkpoint stops vouching.
    fn vouching_ends(&self) -> Moment {
        self.run.last_checkpoint.saturating_add(millis(self.checkpoint_gap))
    }

    /// When the job ends by itself, and why.
    ///
    /// Saturating sums everywhere: a moment beyond 2^64 ms is never.
    pub fn due(&self, graces: &Graces) -> Due {
        let last_word = millis(graces.last_word);
        let over = |at: Moment, end: End| {
            let at = at.saturating_add(last_word);
            // A provider that had stopped vouching does not get off with the paid time being over anyway.
            (at, if at > self.vouching_ends() { End::Silent } else { end })
        };
        let silent = (self.vouching_ends().saturating_add(millis(graces.silence)), End::Silent);
        let candidates = [
            Some(over(self.time_up_at(), End::TimeUp)),
            self.dry_at().map(|at| over(at, End::EscrowExhausted)),
            Some((self.session_until, End::AttestationLapsed)),
            Some(silent),
        ];
        // Of equally early ones the first wins.
        candidates.into_iter().flatten().min_by_key(|(at, _)| *at).unwrap_or(silent)
    }

    /// Why the provider may stop without blame at `now`: the paid time is over and it has vouched up to here.
    pub fn paid_time_over(&self, now: Moment) -> Option<End> {
        if now > self.vouching_ends() {
            return None;
        }
        if self.dry_at().is_some_and(|at| now >= at) {
            return Some(End::EscrowExhausted);
        }
        (now >= self.time_up_at()).then_some(End::TimeUp)
    }
}
