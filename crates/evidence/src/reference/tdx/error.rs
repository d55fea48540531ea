//! Why an event log is not believed.

use core::fmt;

/// Why an event log is not believed: what was found, what is wanted, and what to do. Events are numbered from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// The log is longer than [`MAX_LOG_LEN`](super::MAX_LOG_LEN).
    LogLength,
    /// The log does not begin with the head of a crypto-agile log.
    Head,
    /// The head names too many algorithms, one of them twice, or not SHA-384 with 48 bytes.
    Algorithms,
    /// The log ends inside of an event.
    Truncated {
        /// The event.
        event: usize,
    },
    /// An event has another number of digests than the head says, or SHA-384 not exactly once.
    DigestCount {
        /// The event.
        event: usize,
    },
    /// An event has a digest whose algorithm, and so its length, the head does not name.
    AlgorithmUnknown {
        /// The event.
        event: usize,
        /// The algorithm's number.
        algorithm: u16,
    },
    /// An event was measured into something else than a run-time measurement.
    RegisterRange {
        /// The event.
        event: usize,
        /// The register's number in the log, where 1 to 4 are the run-time measurements 0 to 3.
        register: u32,
    },
    /// The replay does not give this run-time measurement of the evidence.
    Register(u8),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WHOLE: &str = "read the whole log from the guest again (/sys/firmware/acpi/tables/data/CCEL)";
        const BOOT: &str = "bring the log of the same boot as the evidence, or do not believe the log";
        match self {
            Self::LogLength => write!(f, "the event log is too long; wanted: at most 1 MiB; {WHOLE}"),
            Self::Head => write!(f, "the event log has no head that can be read; wanted: \"Spec ID Event03\"; {WHOLE}"),
            Self::Algorithms => {
                write!(f, "the event log's head does not name the digests; wanted: at most 8 algorithms, SHA-384 among them; {WHOLE}")
            }
            Self::Truncated { event } => write!(f, "the event log ends inside of event {event}; wanted: whole events; {WHOLE}"),
            Self::DigestCount { event } => write!(
                f,
                "event {event} has other digests than the log's head says; wanted: each of them once, SHA-384 among them; {WHOLE}"
            ),
            Self::AlgorithmUnknown { event, algorithm } => {
                write!(f, "event {event} has a digest by algorithm {algorithm:#x}; wanted: algorithms that the log's head names; {WHOLE}")
            }
            Self::RegisterRange { event, register } => {
                write!(f, "event {event} was measured into register {register}; wanted: 1 to 4, the run-time measurements 0 to 3; {WHOLE}")
            }
            Self::Register(register) => {
                write!(f, "the events do not give run-time measurement {register}; wanted: the value in the evidence; {BOOT}")
            }
        }
    }
}

impl core::error::Error for Error {}
