//! What a customer demands of whoever handles its data.

use crate::{AccountId, CertificateName, CountryCode, List, Measurement, PublicKey, RegionCode, Tcb, TdxFloor, Tee};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A demand that is either absent, by name, or satisfied by one of a list. An empty list is satisfied by nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub enum Allow<T, const N: u32> {
    /// No demand.
    #[codec(index = 0)]
    Any,
    /// One of these.
    #[codec(index = 1)]
    Only(List<T, N>),
}

impl<T: PartialEq, const N: u32> Allow<T, N> {
    /// Whether `value` is allowed; an unknown value (`None`) only where there is no demand.
    pub fn allows(&self, value: Option<&T>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => value.is_some_and(|value| list.contains(value)),
        }
    }

    /// Whether this demand can never be met.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(list) if list.is_empty())
    }
}

/// Which guest software may hold the job's keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurements {
    /// Any that the chain's council has approved and not withdrawn.
    #[codec(index = 0)]
    Approved,
    /// Exactly these, on the customer's own judgement. An empty list is satisfied by nothing.
    #[codec(index = 1)]
    Only(List<Measurement, 8>),
    /// Any that one of these accounts has published and not retracted: makers of guest software whom the customer trusts. An empty list is satisfied by
    /// nothing.
    #[codec(index = 2)]
    Publishers(List<AccountId, 4>),
}

impl Measurements {
    /// Whether this demand can never be met.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Approved => false,
            Self::Only(list) => list.is_empty(),
            Self::Publishers(list) => list.is_empty(),
        }
    }
}

/// What a customer demands of the place, the hardware and the handling.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Regions in which the site may stand.
    pub regions: Allow<RegionCode, 16>,
    /// Countries to whose law the site may be subject.
    pub jurisdictions: Allow<CountryCode, 16>,
    /// Certificates that the site must hold, every one.
    pub certificates: List<CertificateName, 8>,
    /// Kinds of hardware that are accepted. An empty list accepts none.
    pub tees: List<Tee, 4>,
    /// Firmware level of SEV-SNP below which evidence is refused.
    pub firmware_floor: Tcb,
    /// Standing of a TDX platform below which evidence is refused. Default: nothing is tolerated.
    #[serde(default)]
    pub tdx_floor: TdxFloor,
    /// Whether processors count from which the root of their keys is claimed to have been extracted by software (EPYC Milan). Default: no.
    #[serde(default)]
    pub legacy_hardware: bool,
    /// How many certifiers must vouch that the very chip stands at its site. Default: none.
    #[serde(default)]
    pub chip_endorsements: u8,
    /// Longest time in seconds for which one piece of evidence counts before the guest must show itself again; zero: as long as the chain lets it.
    #[serde(default)]
    pub longest_session: u32,
    /// Guest software that is accepted.
    pub measurements: Measurements,
    /// Providers that are refused.
    pub denied_providers: List<AccountId, 16>,
    /// Seconds after the end within which all of the job's data must be erased.
    pub erase_within: u32,
    /// Keys to which the guest may send data. An empty list allows none; the customer fetching its sealed output is not a sending.
    pub recipients: List<PublicKey, 8>,
    /// Largest number of seconds that one checkpoint vouches for. A longer silence is not paid.
    pub checkpoint_gap: u32,
    /// Seconds that the job waits, unpaid, for new evidence once what it rests on counts no longer; then it ends. Default: it ends at once.
    #[serde(default)]
    pub suspension_grace: u32,
}

impl Policy {
    /// Most certifiers that can vouch for one chip, and so be asked for.
    pub const MAX_CHIP_ENDORSEMENTS: u8 = 4;
    /// Fewest seconds that evidence can be asked to count for: in half of it, a renewal must come through.
    pub const MIN_SESSION: u32 = 20;
}
