//! Facts: what an accredited certifier vouches for about a site.

use crate::Text;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A subdivision by ISO 3166-2, for instance `DE-BE`.
pub type RegionCode = Text<6>;
/// A country by ISO 3166-1 alpha-2, for instance `DE`.
pub type CountryCode = Text<2>;
/// A certification scheme by its usual short name, for instance `ISO27001` or `C5`. Data, not code: a new scheme needs no upgrade.
pub type CertificateName = Text<32>;

/// One thing vouched for about a site.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The site stands in this region.
    #[codec(index = 0)]
    Region(RegionCode),
    /// The site is subject to this country's law.
    #[codec(index = 1)]
    Jurisdiction(CountryCode),
    /// The site holds this certificate.
    #[codec(index = 2)]
    Certificate(CertificateName),
    /// This legal entity operates the site.
    #[codec(index = 3)]
    Operator(Text<64>),
}

/// What a fact is about. A site has at most one fact of each kind, and one for each certificate.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// See [`Fact::Region`].
    #[codec(index = 0)]
    Region,
    /// See [`Fact::Jurisdiction`].
    #[codec(index = 1)]
    Jurisdiction,
    /// See [`Fact::Certificate`].
    #[codec(index = 2)]
    Certificate(CertificateName),
    /// See [`Fact::Operator`].
    #[codec(index = 3)]
    Operator,
}

impl Fact {
    /// What this fact is about.
    pub fn kind(&self) -> FactKind {
        match self {
            Self::Region(_) => FactKind::Region,
            Self::Jurisdiction(_) => FactKind::Jurisdiction,
            Self::Certificate(name) => FactKind::Certificate(name.clone()),
            Self::Operator(_) => FactKind::Operator,
        }
    }
}
