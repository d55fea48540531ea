//! TDX: what the guest's firmware and boot loader say they measured, and whether that gives the run-time measurements (RTMRs) of a quote.
//!
//! References of the form "PFP, section N" are to the Trusted Computing Group's *PC Client Platform Firmware Profile Specification*, "UEFI,
//! section N" to the
//! *UEFI Specification*.

mod error;
mod event;
mod event_type;
mod log;

pub use error::Error;
pub use event::Event;
pub use event_type::EventType;
pub use log::EventLog;

/// Longest event log, in bytes. Firmware reserves 64 to 256 KiB and leaves most of it unused.
pub const MAX_LOG_LEN: usize = 1024 * 1024;
