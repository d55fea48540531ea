//! What verified evidence says.

use crate::{
    journal::{Journal, Silent},
    snp::{Error, GuestPolicy, PlatformInfo, Product, Tcb},
};
use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What verified evidence says. Made by [`verify`](crate::snp::verify) only from evidence that passed every check.
///
/// Whether the measurement, the user data, the chip and the firmware level are the wanted ones is for the caller to judge.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Claims {
    /// Version of the report's layout.
    pub version: u32,
    /// The processor family.
    pub product: Product,
    /// SHA-384 launch measurement of the guest.
    pub measurement: [u8; 48],
    /// What the host bound at launch (`HOST_DATA`).
    pub host_data: [u8; 32],
    /// What the guest bound when it asked for the report (`REPORT_DATA`).
    pub report_data: [u8; 64],
    /// The cloud provider whose key (VLEK) signed, as AMD names it; `None` if the chip's own key (VCEK) did.
    pub cloud_provider: Option<String>,
    /// The chip's identity; on Turin only the first 8 bytes are used. If a cloud provider's key signed, no certificate confirms it.
    pub chip_id: [u8; 64],
    /// Firmware level that the host chose to report. The host can hold it down.
    pub reported: Tcb,
    /// Firmware level below which the host cannot go back.
    pub committed: Tcb,
    /// Firmware level that runs.
    pub current: Tcb,
    /// Firmware level that ran when the guest was launched.
    pub launch: Tcb,
    /// What the guest's owner let the host do.
    pub policy: GuestPolicy,
    /// How the platform is set up.
    pub platform: PlatformInfo,
    /// Security version number of the guest, as its owner signed it; zero without an id block.
    pub guest_svn: u32,
    /// Privilege level of the software that asked for the report.
    pub vmpl: u32,
    /// Unix milliseconds at which the first of the certificates expires.
    pub not_after_ms: u64,
}

impl Claims {
    /// Holds the firmware against a floor. The reported level does not count, because the host can choose it freely up to the committed one.
    ///
    /// # Errors
    /// [`Error::CommittedBelowFloor`], [`Error::LaunchedBelowFloor`].
    pub fn check_floor(&self, floor: &Tcb) -> Result<(), Error> {
        self.judge_floor(floor, &mut Silent)
    }

    /// The same, with every check told.
    pub(crate) fn judge_floor(&self, floor: &Tcb, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.compare(self.committed.meets(floor), Error::CommittedBelowFloor, self.committed, floor)?;
        log.compare(self.launch.meets(floor), Error::LaunchedBelowFloor, self.launch, floor)
    }
}
