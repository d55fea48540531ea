//! The body of a quote: what the TDX module reports of a guest, taken apart (Quote, sections "TD Quote Body"). Not its judgement.
#![allow(clippy::as_conversions, reason = "the derived codec writes its variants' indices so; nothing here converts by hand")]

use crate::{
    journal::Journal,
    tdx::{Attributes, Error, Requirements, quote::Cursor},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The kind of a quote's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum BodyType {
    /// TDX 1.0: the only one in quotes of version 4; type 2 in version 5.
    #[codec(index = 2)]
    Td10,
    /// TDX 1.5, with the level that runs now beside the one at launch; type 3.
    #[codec(index = 3)]
    Td15,
    /// TDX 1.5 extended, with the guest's instance id and what service guests were bound; type 4.
    #[codec(index = 4)]
    Td15Ex,
}

impl BodyType {
    /// Length of such a body in bytes.
    pub fn body_len(self) -> usize {
        match self {
            Self::Td10 => 584,
            Self::Td15 => 648,
            Self::Td15Ex => 885,
        }
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        match number {
            2 => Some(Self::Td10),
            3 => Some(Self::Td15),
            4 => Some(Self::Td15Ex),
            _ => None,
        }
    }
}

/// What the TDX module reports of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The kind of body that it was read from.
    pub body_type: BodyType,
    /// Security version numbers of the TDX module and what it rests on, at the guest's launch. The second is the module's version.
    pub tee_tcb_svn: [u8; 16],
    /// Measurement of the TDX module.
    pub mr_seam: [u8; 48],
    /// Who signed the TDX module; zero for Intel's.
    pub mr_signer_seam: [u8; 48],
    /// Attributes of the TDX module.
    pub seam_attributes: [u8; 8],
    /// Attributes of the guest.
    pub attributes: Attributes,
    /// Processor state that the guest may use.
    pub xfam: u64,
    /// Measurement of the guest's initial memory.
    pub mr_td: [u8; 48],
    /// What the host bound at launch.
    pub mr_config_id: [u8; 48],
    /// The guest's owner, as the host said at launch.
    pub mr_owner: [u8; 48],
    /// The owner's configuration, as the host said at launch.
    pub mr_owner_config: [u8; 48],
    /// Measurements that the guest extended at run time.
    pub rtmr: [[u8; 48]; 4],
    /// What the guest bound when it asked for the report.
    pub report_data: [u8; 64],
    /// As `tee_tcb_svn`, but of what runs now; from TDX 1.5.
    pub current_tee_tcb_svn: Option<[u8; 16]>,
    /// Service guests were bound at launch or are bound now, by any of the fields that would name them. Never before TDX 1.5.
    pub service_tds: bool,
    /// The virtual machine within the guest that the report is of; 0 without such machines.
    pub vm: u8,
    /// The guest's instance, statistically unique: new at each launch. TDX 1.5 extended only.
    pub instance: Option<[u8; 32]>,
}

impl Report {
    /// Reads a body of this type.
    pub(crate) fn read(cursor: &mut Cursor<'_>, body_type: BodyType) -> Result<Self, Error> {
        let mut report = Self {
            body_type,
            tee_tcb_svn: cursor.array()?,
            mr_seam: cursor.array()?,
            mr_signer_seam: cursor.array()?,
            seam_attributes: cursor.array()?,
            attributes: Attributes(u64::from_le_bytes(cursor.array()?)),
            xfam: u64::from_le_bytes(cursor.array()?),
            mr_td: cursor.array()?,
            mr_config_id: cursor.array()?,
            mr_owner: cursor.array()?,
            mr_owner_config: cursor.array()?,
            rtmr: [cursor.array()?, cursor.array()?, cursor.array()?, cursor.array()?],
            report_data: cursor.array()?,
            current_tee_tcb_svn: None,
            service_tds: false,
            vm: 0,
            instance: None,
        };
        if body_type != BodyType::Td10 {
            report.current_tee_tcb_svn = Some(cursor.array()?);
            let bound: [u8; 48] = cursor.array()?;
            report.service_tds = is_set(&bound);
        }
        if body_type == BodyType::Td15Ex {
            let [vm] = cursor.array()?;
            report.vm = vm;
            report.instance = Some(cursor.array()?);
            let _devices: [u8; 48] = cursor.array()?;
            let (at_launch, at_launch_attributes): ([u8; 48], [u8; 8]) = (cursor.array()?, cursor.array()?);
            // Level and family of the platform that the guest was first launched on: another one only for a migrated guest.
            let _first_platform: [u8; 44] = cursor.array()?;
            let (now, now_attributes): ([u8; 48], [u8; 8]) = (cursor.array()?, cursor.array()?);
            report.service_tds |= is_set(&at_launch) || is_set(&at_launch_attributes) || is_set(&now) || is_set(&now_attributes);
        }
        Ok(report)
    }

    /// Checks what may be done to the guest from outside.
    pub(crate) fn check(&self, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<(), Error> {
        self.attributes.check(requirements, log)?;
        log.check(!self.service_tds, Error::ServiceTd, "")?;
        log.check(self.vm == 0, Error::Partitioned, self.vm)
    }
}

fn is_set(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| *byte != 0)
}
