//! Who is told of each check while evidence is judged. Every check is stated once, in the verifier's own steps: `verify` has nobody told and ends at the
//! first failure, `explain` has all of it written down.
//!
//! Not here: what is written down, see `explain`.

use core::fmt::Display;

/// Who is told of each check.
pub(crate) trait Journal<E: Copy> {
    /// A check that what comes after it does not rest on: even if it fails, the rest can be judged.
    fn check(&mut self, passed: bool, error: E, found: impl Display) -> Result<(), E>;

    /// The same, with the very value that was wanted.
    fn compare(&mut self, passed: bool, error: E, found: impl Display, wanted: impl Display) -> Result<(), E>;

    /// A check that everything after it rests on.
    fn need(&mut self, passed: bool, error: E, found: impl Display) -> Result<(), E>;

    /// A value that is needed, if there is one.
    fn take<T>(&mut self, value: Option<T>, error: E, found: impl Display) -> Result<T, E> {
        self.need(value.is_some(), error, found)?;
        value.ok_or(error)
    }

    /// A step that makes several checks in this order and ends at the first that fails.
    fn step<T>(&mut self, result: Result<T, E>, checks: &[E]) -> Result<T, E>;
}

/// Tells nobody: the first check that fails ends it, and what was found is never put into words.
pub(crate) struct Silent;

impl<E: Copy> Journal<E> for Silent {
    #[inline]
    fn check(&mut self, passed: bool, error: E, _: impl Display) -> Result<(), E> {
        if passed { Ok(()) } else { Err(error) }
    }

    #[inline]
    fn compare(&mut self, passed: bool, error: E, _: impl Display, _: impl Display) -> Result<(), E> {
        if passed { Ok(()) } else { Err(error) }
    }

    #[inline]
    fn need(&mut self, passed: bool, error: E, _: impl Display) -> Result<(), E> {
        if passed { Ok(()) } else { Err(error) }
    }

    #[inline]
    fn step<T>(&mut self, result: Result<T, E>, _: &[E]) -> Result<T, E> {
        result
    }
}

/// What to add to what was found if it is not the best, but the requirements allow it.
pub(crate) fn tolerated(best: bool, allowed: bool) -> &'static str {
    if !best && allowed { ", which the requirements allow" } else { "" }
}

/// Bytes in hex, written only if somebody reads them.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Unix milliseconds as a date (RFC 3339), written only if somebody reads it.
pub(crate) struct Date(pub(crate) u64);

impl Display for Date {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match der::DateTime::from_unix_duration(core::time::Duration::from_millis(self.0)) {
            Ok(date) => write!(f, "{date}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}
