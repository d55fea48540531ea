//! What stands behind the WASI functions while a program runs.
//!
//! Not for the functions themselves; they are methods of [`Host`] in the files beside this one, one file per family.

use crate::sandbox::{
    Errno,
    clock::VirtualClock,
    descriptor::{Descriptor, Descriptors, Target},
    observe::{Event, Observer, Span, Stopped},
    random::SeededRandom,
    stream::Stream,
    vfs::{Ino, Vfs},
};
use blockcloud_primitives::{Digest, Op};
use zeroize::Zeroizing;

/// Why a WASI function does not return success.
#[derive(Debug)]
pub enum Halt {
    /// The program gets this number and goes on.
    Errno(Errno),
    /// The program is being stopped from outside.
    Stopped,
}

impl From<Errno> for Halt {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// What a WASI function returns.
pub type Outcome = Result<(), Halt>;

/// What a program has done, counted. The same in every replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Calls of WASI functions.
    pub calls: u64,
    /// Events reported.
    pub events: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Bytes written to files and streams.
    pub bytes_written: u64,
}

/// What stands behind the WASI functions.
pub struct Host {
    /// The file system.
    pub vfs: Vfs,
    /// The open descriptors.
    pub descriptors: Descriptors,
    /// The program's time.
    pub clock: VirtualClock,
    /// The program's randomness.
    pub random: SeededRandom,
    /// Arguments, the program's name first.
    pub args: Vec<String>,
    /// Environment, as `NAME=value`.
    pub environment: Vec<Zeroizing<String>>,
    /// Captured standard output.
    pub stdout: Stream,
    /// Captured standard error.
    pub stderr: Stream,
    /// What was done.
    pub counters: Counters,
    /// Events after which no function does anything any more.
    pub events_max: u64,
    /// Fuel that the current call costs.
    pub charge: u64,
    observer: Box<dyn Observer>,
}

impl Host {
    /// Fuel for a call of a WASI function, about what it costs the machine in instructions.
    pub const CALL_FUEL: u64 = 200;
    /// Fuel for an event: a receipt is made of it.
    pub const EVENT_FUEL: u64 = 1_000;
    /// Fuel for looking at a directory entry while a directory is renamed.
    pub const ENTRY_FUEL: u64 = 10;

    /// A host for a program that finds these files.
    pub fn new(
        mut vfs: Vfs,
        args: Vec<String>,
        environment: Vec<Zeroizing<String>>,
        seed: &[u8; 32],
        stdout: Stream,
        stderr: Stream,
        observer: Box<dyn Observer>,
    ) -> Self {
        Self {
            descriptors: Descriptors::new(&mut vfs),
            vfs,
            clock: VirtualClock::default(),
            random: SeededRandom::new(seed),
            args,
            environment,
            stdout,
            stderr,
            counters: Counters::default(),
            events_max: u64::MAX,
            charge: 0,
            observer,
        }
    }

    /// The time for file times: Unix time in nanoseconds of the virtual clock.
    pub fn now(&self) -> u64 {
        self.clock.unix()
    }

    /// Adds fuel for moving bytes.
    pub fn charge_bytes(&mut self, bytes: usize) {
        self.charge = self.charge.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX) / 8);
    }

    /// Reports an event.
    pub fn report(&mut self, event: Event<'_>) -> Outcome {
        self.charge = self.charge.saturating_add(Self::EVENT_FUEL);
        self.counters.events = self.counters.events.saturating_add(1);
        Ok(self.observer.observe(event)?)
    }

    /// Reports that an object was looked at.
    pub fn report_access(&mut self, object: &str) -> Outcome {
        self.report(Event { op: Op::Access, object, offset: 0, bytes: 0, digest: Digest::ZERO, derived_from: None })
    }

    /// Reports that an object was deleted.
    pub fn report_erase(&mut self, object: &str, bytes: u64) -> Outcome {
        self.report(Event { op: Op::Erase, object, offset: 0, bytes, digest: Digest::ZERO, derived_from: None })
    }

    /// Reports that a file was cut or extended to `size`.
    pub fn report_resize(&mut self, object: &str, size: u64) -> Outcome {
        self.report(Event { op: Op::Write, object, offset: size, bytes: 0, digest: Digest::ZERO, derived_from: None })
    }

    /// The key under which digests in events are made.
    pub fn digest_key(&self) -> &[u8; 32] {
        self.observer.key()
    }

    /// Prepares a descriptor for reading or writing at `offset`: reports what does not go on there, and what was done to the file the other way.
    pub fn begin_span(&mut self, fd: u32, op: Op, offset: u64) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        if descriptor.span.as_ref().is_some_and(|span| span.continues(op, offset)) {
            return Ok(());
        }
        let ino = descriptor.ino();
        let ended = descriptor.span.take().map(|span| (descriptor.object.clone(), span));
        let others = match ino {
            Some(_) => self.descriptors.take_spans(|other| other.ino() == ino && other.span.as_ref().is_some_and(|span| span.op() != op)),
            None => Vec::new(),
        };
        self.report_spans(ended.into_iter().chain(others))?;
        let span = Span::new(op, offset, self.observer.key());
        self.descriptors.get_mut(fd)?.span = Some(span);
        Ok(())
    }

    /// Ends a descriptor's span if it is long enough, or empty.
    pub fn end_span(&mut self, fd: u32) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        match descriptor.span.take() {
            Some(span) if span.is_empty() => Ok(()),
            Some(span) if span.is_full() => {
                let object = descriptor.object.clone();
                self.report(span.event(&object))
            }
            span => {
                descriptor.span = span;
                Ok(())
            }
        }
    }

    /// Reports what was read from or written to a file and is not reported yet.
    pub fn flush_file(&mut self, ino: Ino) -> Outcome {
        let spans = self.descriptors.take_spans(|descriptor| descriptor.ino() == Some(ino));
        self.report_spans(spans)
    }

    /// Reports everything that is not reported yet: the program has ended.
    pub fn flush(&mut self) -> Outcome {
        let spans = self.descriptors.take_spans(|_| true);
        self.report_spans(spans)
    }

    fn report_spans(&mut self, spans: impl IntoIterator<Item = (String, Span)>) -> Outcome {
        spans.into_iter().filter(|(_, span)| !span.is_empty()).try_for_each(|(object, span)| self.report(span.event(&object)))
    }

    /// Lets go of a descriptor that is no longer in the table.
    pub fn release(&mut self, mut descriptor: Descriptor) -> Outcome {
        let span = descriptor.span.take();
        if let Some(ino) = descriptor.ino() {
            self.vfs.closed(ino);
        }
        match span {
            Some(span) if !span.is_empty() => self.report(span.event(&descriptor.object)),
            _ => Ok(()),
        }
    }

    /// The stream behind a descriptor, if it is one that is written to.
    pub fn stream_mut(&mut self, target: Target) -> Option<&mut Stream> {
        match target {
            Target::Stdout => Some(&mut self.stdout),
            Target::Stderr => Some(&mut self.stderr),
            _ => None,
        }
    }
}
