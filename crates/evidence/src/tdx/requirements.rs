//! What is tolerated beyond the strictest reading.

use crate::{
    journal::{Journal, tolerated},
    tdx::{Error, TcbStatus},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What a verifier tolerates beyond the strictest reading. Every field says "allow", so that all-false is the strictest, and none can be met by leaving
/// something empty.
///
/// Debugging, profiling, migration, service guests, unknown attributes, SEPT_VE_DISABLE = 0 and revoked levels have no switch: they are always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Requirements {
    /// Platforms of which a part is out of date: known attacks may be open.
    pub allow_out_of_date: bool,
    /// Platforms that are up to date but are set up in a way that leaves known attacks open.
    pub allow_configuration_needed: bool,
    /// Platforms on which software must defend itself against known attacks.
    pub allow_hardening_needed: bool,
    /// Guests that were launched before the platform was updated under them.
    pub allow_relaunch_advised: bool,
    /// Guests that may use performance counters.
    pub allow_performance_counters: bool,
}

impl Requirements {
    /// Nothing beyond the strictest reading.
    pub const STRICT: Self = Self {
        allow_out_of_date: false,
        allow_configuration_needed: false,
        allow_hardening_needed: false,
        allow_relaunch_advised: false,
        allow_performance_counters: false,
    };

    /// Everything that there is a switch for: the caller judges the claims.
    pub const LENIENT: Self = Self {
        allow_out_of_date: true,
        allow_configuration_needed: true,
        allow_hardening_needed: true,
        allow_relaunch_advised: true,
        allow_performance_counters: true,
    };

    /// For whoever holds the platform's standing against a floor of their own: everything but performance counters, of which claims and floors say nothing,
    /// and which let a guest be watched.
    pub const BY_FLOOR: Self = Self { allow_performance_counters: false, ..Self::LENIENT };

    pub(crate) fn check_status(&self, status: TcbStatus, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let mut check = |best, allowed, error| log.check(best || allowed, error, format_args!("{status:?}{}", tolerated(best, allowed)));
        check(!status.is_out_of_date(), self.allow_out_of_date, Error::OutOfDate)?;
        check(!status.is_relaunch_advised(), self.allow_relaunch_advised, Error::RelaunchAdvised)?;
        check(!status.needs_configuration(), self.allow_configuration_needed, Error::ConfigurationNeeded)?;
        check(!status.needs_hardening(), self.allow_hardening_needed, Error::HardeningNeeded)
    }
}
