//! What is said of a level of the trusted computing base: its status and its advisories, and how those of several parts become one.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use crate::tdx::{List, MAX_ADVISORIES};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// How good a level is (PCS, field `tcbStatus`; the last two are made by the verifier).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TcbStatus {
    /// Nothing is known against it, but what its advisories say.
    #[codec(index = 0)]
    UpToDate,
    /// Software must defend itself against known attacks.
    #[codec(index = 1)]
    HardeningNeeded,
    /// The platform's configuration leaves known attacks open.
    #[codec(index = 2)]
    ConfigurationNeeded,
    /// Both.
    #[codec(index = 3)]
    ConfigurationAndHardeningNeeded,
    /// Updates are missing.
    #[codec(index = 4)]
    OutOfDate,
    /// Updates are missing and the configuration leaves known attacks open.
    #[codec(index = 5)]
    OutOfDateConfigurationNeeded,
    /// The level's keys may be known. Always refused.
    #[codec(index = 6)]
    Revoked,
    /// Out of date when the guest was launched, updated under it since.
    #[codec(index = 7)]
    RelaunchAdvised,
    /// The same, and the configuration leaves known attacks open.
    #[codec(index = 8)]
    RelaunchAdvisedConfigurationNeeded,
}

impl TcbStatus {
    /// By the name in Intel's collateral.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "UpToDate" => Some(Self::UpToDate),
            "SWHardeningNeeded" => Some(Self::HardeningNeeded),
            "ConfigurationNeeded" => Some(Self::ConfigurationNeeded),
            "ConfigurationAndSWHardeningNeeded" => Some(Self::ConfigurationAndHardeningNeeded),
            "OutOfDate" => Some(Self::OutOfDate),
            "OutOfDateConfigurationNeeded" => Some(Self::OutOfDateConfigurationNeeded),
            "Revoked" => Some(Self::Revoked),
            _ => None,
        }
    }

    /// Updates are missing.
    pub fn is_out_of_date(self) -> bool {
        matches!(self, Self::OutOfDate | Self::OutOfDateConfigurationNeeded)
    }

    /// The guest should be launched again.
    pub fn is_relaunch_advised(self) -> bool {
        matches!(self, Self::RelaunchAdvised | Self::RelaunchAdvisedConfigurationNeeded)
    }

    /// The platform should be set up otherwise.
    pub fn needs_configuration(self) -> bool {
        matches!(
            self,
            Self::ConfigurationNeeded
                | Self::ConfigurationAndHardeningNeeded
                | Self::OutOfDateConfigurationNeeded
                | Self::RelaunchAdvisedConfigurationNeeded
        )
    }

    /// Software should defend itself.
    pub fn needs_hardening(self) -> bool {
        matches!(self, Self::HardeningNeeded | Self::ConfigurationAndHardeningNeeded)
    }

    /// Of a platform and a part of it that has a status of its own, the TDX module or the quoting enclave. Only what is out of date or revoked pulls the
    /// whole down.
    pub(crate) fn with_component(self, component: Self) -> Self {
        match (component, self) {
            (Self::Revoked, _) => Self::Revoked,
            (Self::OutOfDate, Self::UpToDate | Self::HardeningNeeded) => Self::OutOfDate,
            (Self::OutOfDate, Self::ConfigurationNeeded | Self::ConfigurationAndHardeningNeeded) => Self::OutOfDateConfigurationNeeded,
            _ => self,
        }
    }

    /// Of a guest of TDX 1.5, which runs on a level that may be newer than the one that it was launched on. Being out of date is then cured by launching
    /// it again.
    pub(crate) fn with_current(self, current: Self) -> Self {
        if !self.is_out_of_date() || current.is_out_of_date() || current == Self::Revoked {
            return self;
        }
        if self.needs_configuration() || current.needs_configuration() {
            Self::RelaunchAdvisedConfigurationNeeded
        } else {
            Self::RelaunchAdvised
        }
    }
}

/// A security advisory of Intel's, by its number: 960 is INTEL-SA-00960.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Advisory(pub u32);

/// The advisories of a level.
pub type Advisories = List<Advisory, MAX_ADVISORIES>;

impl Advisory {
    /// By its name in Intel's collateral.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("INTEL-SA-")?;
        let plain = (5..=9).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        if plain { digits.parse().ok().map(Self) } else { None }
    }
}

impl fmt::Display for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INTEL-SA-{:05}", self.0)
    }
}
