//! Confidential-computing hardware: its kinds, and how good its firmware is.
//!
//! Not here: evidence and what it binds (`evidence`), verification (`blockcloud-evidence`).

use crate::Moment;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A kind of confidential-computing hardware.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tee {
    /// AMD SEV-SNP.
    #[codec(index = 0)]
    SevSnp,
    /// Intel TDX.
    #[codec(index = 1)]
    Tdx,
    /// Arm CCA: the index is reserved, no verifier exists.
    #[codec(index = 2)]
    Cca,
    /// No hardware at all: TDX-format quotes signed by a program under a development root. Protects nothing; production chains refuse it.
    #[codec(index = 254)]
    SimulatedTdx,
    /// No hardware at all: SNP-format reports signed by a program under a development root. Protects nothing; production chains refuse it.
    #[codec(index = 255)]
    Simulated,
}

impl Tee {
    /// Whether there is no hardware behind it.
    pub fn is_simulated(self) -> bool {
        matches!(self, Self::Simulated | Self::SimulatedTdx)
    }

    /// Whether its evidence is a TDX quote.
    pub fn is_tdx(self) -> bool {
        matches!(self, Self::Tdx | Self::SimulatedTdx)
    }
}

/// SEV-SNP's trusted-computing-base version: the security version numbers of the platform's parts. Compared part by part.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Tcb {
    /// Boot loader of the security processor.
    pub bootloader: u8,
    /// Operating system of the security processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
    /// FMC (Turin and later; zero elsewhere).
    pub fmc: u8,
}

impl Tcb {
    /// Whether every part is at least that of `floor`.
    pub fn meets(&self, floor: &Self) -> bool {
        self.bootloader >= floor.bootloader
            && self.tee >= floor.tee
            && self.snp >= floor.snp
            && self.microcode >= floor.microcode
            && self.fmc >= floor.fmc
    }
}

/// What Intel may have to say against a TDX platform that still counts (PCS, field `tcbStatus`), each on its own. Of a level, what was found; of a floor,
/// what is tolerated. Default: nothing. A revoked level is refused always.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Shortcomings {
    /// Updates are missing: known attacks may be open.
    pub out_of_date: bool,
    /// The platform is set up in a way that leaves known attacks open.
    pub configuration_needed: bool,
    /// Software must defend itself against known attacks.
    pub hardening_needed: bool,
    /// The platform was updated after the guest was launched; launching it again would cure it.
    pub relaunch_advised: bool,
}

impl Shortcomings {
    /// Whether none of these is outside of what is tolerated.
    pub fn within(&self, tolerated: &Self) -> bool {
        let ok = |found: bool, tolerated: bool| !found || tolerated;
        ok(self.out_of_date, tolerated.out_of_date)
            && ok(self.configuration_needed, tolerated.configuration_needed)
            && ok(self.hardening_needed, tolerated.hardening_needed)
            && ok(self.relaunch_advised, tolerated.relaunch_advised)
    }
}

/// The lowest acceptable standing of a TDX platform.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct TdxFloor {
    /// Lowest number of Intel's evaluation (`tcbEvaluationDataNumber`) that the judgement may rest on.
    pub evaluation: u32,
    /// What is tolerated.
    pub tolerated: Shortcomings,
}

/// How a TDX platform stands by Intel's collateral.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct TdxLevel {
    /// Number of Intel's evaluation that this is a result of: the lower of TCB info's and QE identity's.
    pub evaluation: u32,
    /// What is said against it.
    pub shortcomings: Shortcomings,
    /// Everything published against the platform until then is answered by its level.
    pub date: Moment,
}

impl TdxLevel {
    /// Whether this is at least the floor.
    pub fn meets(&self, floor: &TdxFloor) -> bool {
        self.evaluation >= floor.evaluation && self.shortcomings.within(&floor.tolerated)
    }
}

/// How good the firmware under a guest is, in its vendor's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// SEV-SNP: part by part the lower of the committed level, to which the host can go back, and that of the guest's launch. The reported level does
    /// not count, because the host chooses it.
    #[codec(index = 0)]
    SevSnp(Tcb),
    /// TDX.
    #[codec(index = 1)]
    Tdx(TdxLevel),
}
