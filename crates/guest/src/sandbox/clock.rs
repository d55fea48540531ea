//! The program's time: virtual, so that a replay sees the same.
//!
//! It starts at a fixed moment, moves on a little with every reading (so that programs which wait for it get somewhere) and by whole waits when the
//! program sleeps. Not the time in receipts: that is the guest's own clock.

/// A deterministic clock in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtualClock {
    elapsed: u64,
}

impl VirtualClock {
    /// Unix time at which every program starts: 2026-01-01T00:00:00Z.
    pub const EPOCH: u64 = 1_767_225_600 * 1_000_000_000;
    /// How far a reading moves the clock. Also its resolution.
    pub const STEP: u64 = 1_000;

    /// Nanoseconds since the program started.
    pub fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// Unix time in nanoseconds.
    pub fn unix(&self) -> u64 {
        Self::EPOCH.saturating_add(self.elapsed)
    }

    /// A reading: moves the clock on by one step.
    pub fn tick(&mut self) {
        self.wait(Self::STEP);
    }

    /// Waits.
    pub fn wait(&mut self, nanoseconds: u64) {
        self.elapsed = self.elapsed.saturating_add(nanoseconds);
    }
}
