//! What a guest is allowed and what may be done to it (ABI, table "TD_ATTRIBUTES").

use crate::{
    journal::{Journal, tolerated},
    tdx::{Error, Requirements},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The attributes of a guest: fixed at launch, part of what the TDX module reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Attributes(pub u64);

impl Attributes {
    const DEBUG: u64 = 1;
    /// HGS+, PERF and PMT profiling.
    const PROFILING: u64 = 0b111 << 4;
    /// Instruction-count based defence against single-stepping.
    const ICSSD: u64 = 1 << 16;
    const SERVTD_EXT: u64 = 1 << 17;
    /// Linear address space separation.
    const LASS: u64 = 1 << 27;
    const SEPT_VE_DISABLE: u64 = 1 << 28;
    const MIGRATABLE: u64 = 1 << 29;
    /// Protection keys for supervisor pages.
    const PKS: u64 = 1 << 30;
    /// Provisioning agent for trusted devices.
    const TPA: u64 = 1 << 62;
    const PERFMON: u64 = 1 << 63;
    /// Everything with a meaning. Key Locker (31) lost its: newer manuals reserve it.
    const KNOWN: u64 = Self::DEBUG
        | Self::PROFILING
        | Self::ICSSD
        | Self::SERVTD_EXT
        | Self::LASS
        | Self::SEPT_VE_DISABLE
        | Self::MIGRATABLE
        | Self::PKS
        | Self::TPA
        | Self::PERFMON;

    /// The host may debug the guest, that is, read its memory.
    pub fn debuggable(self) -> bool {
        self.0 & Self::DEBUG != 0
    }

    /// The host may profile the guest.
    pub fn profiled(self) -> bool {
        self.0 & Self::PROFILING != 0
    }

    /// The guest may be moved by a migration guest.
    pub fn migratable(self) -> bool {
        self.0 & Self::MIGRATABLE != 0
    }

    /// Pages that the host took away stop the guest instead of raising an exception in it, which the host could abuse.
    pub fn sept_ve_disabled(self) -> bool {
        self.0 & Self::SEPT_VE_DISABLE != 0
    }

    /// The guest may use performance counters.
    pub fn performance_counters(self) -> bool {
        self.0 & Self::PERFMON != 0
    }

    pub(crate) fn check(self, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let mut check =
            |best, allowed, error| log.check(best || allowed, error, format_args!("attributes {:#x}{}", self.0, tolerated(best, allowed)));
        check(!self.debuggable(), false, Error::Debuggable)?;
        check(!self.profiled(), false, Error::Profiled)?;
        check(self.0 & !Self::KNOWN == 0, false, Error::ReservedAttribute)?;
        check(!self.migratable(), false, Error::Migratable)?;
        check(self.0 & Self::SERVTD_EXT == 0, false, Error::ServiceTd)?;
        check(self.sept_ve_disabled(), false, Error::SeptVe)?;
        check(!self.performance_counters(), requirements.allow_performance_counters, Error::PerformanceCounters)
    }
}
