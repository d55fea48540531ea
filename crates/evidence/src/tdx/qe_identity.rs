//! The QE identity (PCS, "Get TD Quoting Enclave Identity"): which quoting enclaves Intel vouches for.

use crate::tdx::{
    Advisories, Advisory, Error, Item, List, MAX_COMPONENT_LEVELS, Origin, TcbStatus,
    json::{Date, Hex, Name, Status},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::Deserialize;

/// A verified QE identity.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct QeIdentity {
    /// Where it comes from.
    pub origin: Origin,
    /// Number of Intel's evaluation that it is a result of. It should never go back.
    pub evaluation_number: u32,
    /// Wanted state that is saved when the enclave is interrupted.
    pub misc_select: [u8; 4],
    /// Which bits of it count.
    pub misc_select_mask: [u8; 4],
    /// Wanted attributes.
    pub attributes: [u8; 16],
    /// Which bits of them count.
    pub attributes_mask: [u8; 16],
    /// Wanted author.
    pub mr_signer: [u8; 32],
    /// Wanted product.
    pub product_id: u16,
    /// Levels, best first.
    pub levels: List<QeLevel, MAX_COMPONENT_LEVELS>,
}

/// A level of quoting enclaves.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct QeLevel {
    /// Lowest security version number.
    pub svn: u16,
    /// Unix milliseconds: everything published against it until then is answered by it.
    pub date_ms: u64,
    /// How good it is.
    pub status: TcbStatus,
    /// What is known of it.
    pub advisories: Advisories,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    id: &'a str,
    version: u32,
    issue_date: Date,
    next_update: Date,
    tcb_evaluation_data_number: u32,
    miscselect: Hex<4>,
    miscselect_mask: Hex<4>,
    attributes: Hex<16>,
    attributes_mask: Hex<16>,
    mrsigner: Hex<32>,
    isvprodid: u16,
    tcb_levels: Vec<JsonLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonLevel {
    tcb: JsonTcb,
    tcb_date: Date,
    tcb_status: Status,
    #[serde(default, rename = "advisoryIDs")]
    advisories: Vec<Name>,
}

#[derive(Deserialize)]
struct JsonTcb {
    isvsvn: u16,
}

impl QeIdentity {
    /// Reads an identity. Its length and its signature are the caller's to check, before.
    pub(crate) fn read(json: &[u8], origin: Origin) -> Result<Self, Error> {
        const ITEM: Item = Item::QeIdentity;
        let json: Json<'_> = serde_json::from_slice(json).map_err(|_| Error::ItemEncoding(ITEM))?;
        if (json.id, json.version) != ("TD_QE", 2) {
            return Err(Error::ItemKind(ITEM));
        }
        let levels = json.tcb_levels.into_iter().map(|level| level.read(ITEM)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            origin: origin.within(json.issue_date.0, json.next_update.0),
            evaluation_number: json.tcb_evaluation_data_number,
            misc_select: json.miscselect.0,
            misc_select_mask: json.miscselect_mask.0,
            attributes: json.attributes.0,
            attributes_mask: json.attributes_mask.0,
            mr_signer: json.mrsigner.0,
            product_id: json.isvprodid,
            levels: levels.try_into().map_err(|_| Error::ItemTooMany(ITEM))?,
        })
    }
}

impl JsonLevel {
    fn read(self, item: Item) -> Result<QeLevel, Error> {
        // Intel never says of an enclave that software around it needs hardening.
        if self.tcb_status.0.needs_hardening() {
            return Err(Error::ItemEncoding(item));
        }
        Ok(QeLevel {
            svn: self.tcb.isvsvn,
            date_ms: self.tcb_date.0,
            status: self.tcb_status.0,
            advisories: advisories(self.advisories, item)?,
        })
    }
}

/// The advisories of a level, if there are not too many.
pub(crate) fn advisories(names: Vec<Name>, item: Item) -> Result<Advisories, Error> {
    names.into_iter().map(|name| name.0).collect::<Vec<Advisory>>().try_into().map_err(|_| Error::ItemTooMany(item))
}
