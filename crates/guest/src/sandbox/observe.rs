//! How the sandbox reports what a program does with data.
//!
//! # Which receipt is written when
//! Every open, listing, look at attributes, creation, renaming, linking and deletion is one event. Reads are joined: those through one descriptor
//! that go on exactly where the one before ended make one event, until it covers [`SPAN`] bytes or more, until the descriptor goes on elsewhere or is
//! closed, until the file is written to, cut or deleted, or until the program ends. Writes alike, until the file is read. What is printed counts as
//! written to `stdout` and `stderr`.
//! The rule looks at the program's behaviour only, never at time, so a replay has the same events.
//!
//! Not for receipts themselves: sequence, time, salt and keys are the journal's.

use blockcloud_primitives::{Digest, Op};
use std::fmt;

/// From how many bytes on joined reads or writes are reported.
pub const SPAN: u64 = 1 << 20;

/// Something a program did with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What it did.
    pub op: Op,
    /// The object: a normalised absolute path, or `stdout`, `stderr`.
    pub object: &'a str,
    /// First byte of the range.
    pub offset: u64,
    /// Length of the range.
    pub bytes: u64,
    /// Keyed digest of the bytes handled; zero where none were.
    pub digest: Digest,
    /// The object that this one came from (renaming, linking).
    pub derived_from: Option<&'a str>,
}

/// The observer wants the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program was stopped from outside")
    }
}

impl std::error::Error for Stopped {}

/// Takes the events of a program.
pub trait Observer: Send {
    /// The key under which the digests of handled bytes are made.
    fn key(&self) -> &[u8; 32];

    /// Takes one event. May wait; the program waits with it.
    ///
    /// Errors: [`Stopped`] ends the program.
    fn observe(&mut self, event: Event<'_>) -> Result<(), Stopped>;
}

/// Adjacent reads or writes that make one event.
pub struct Span {
    op: Op,
    offset: u64,
    bytes: u64,
    hasher: Box<blake3::Hasher>,
}

impl Span {
    /// An empty span.
    pub fn new(op: Op, offset: u64, key: &[u8; 32]) -> Self {
        Self { op, offset, bytes: 0, hasher: Box::new(blake3::Hasher::new_keyed(key)) }
    }

    /// Whether this operation at this place goes on where the span ends.
    pub fn continues(&self, op: Op, offset: u64) -> bool {
        self.op == op && self.offset.saturating_add(self.bytes) == offset
    }

    /// Adds what was handled.
    pub fn add(&mut self, data: &[u8]) {
        self.hasher.update(data);
        self.bytes = self.bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
    }

    /// Whether nothing was handled.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Reading or writing.
    pub fn op(&self) -> Op {
        self.op
    }

    /// Whether it is long enough to be reported.
    pub fn is_full(&self) -> bool {
        self.bytes >= SPAN
    }

    /// The event it makes.
    pub fn event<'a>(&self, object: &'a str) -> Event<'a> {
        Event {
            op: self.op,
            object,
            offset: self.offset,
            bytes: self.bytes,
            digest: Digest(*self.hasher.finalize().as_bytes()),
            derived_from: None,
        }
    }
}
