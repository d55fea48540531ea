//! The TCB info (PCS, "Get TDX TCB Info"): which levels of a family of platforms Intel knows, and what it says of them.

use crate::{
    journal::{self, Journal},
    tdx::{
        Advisories, Advisory, Error, Item, List, MAX_COMPONENT_LEVELS, MAX_LEVELS, MAX_MODULES, Origin, Platform, Report, TcbStatus,
        enclave::agrees,
        json::{Date, Hex, Name, Status},
        qe_identity::advisories,
    },
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::cmp::Reverse;
use scale_info::TypeInfo;
use serde::Deserialize;

const ITEM: Item = Item::TcbInfo;

/// A verified TCB info.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TcbInfo {
    /// Where it comes from.
    pub origin: Origin,
    /// Number of Intel's evaluation that it is a result of. It should never go back.
    pub evaluation_number: u32,
    /// Family of platforms that it is for.
    pub fmspc: [u8; 6],
    /// Provisioning certification enclave that it is for.
    pub pce_id: [u8; 2],
    /// Wanted author and attributes of TDX modules that have no version.
    pub module: Module,
    /// TDX modules that have a version.
    pub modules: List<ModuleIdentity, MAX_MODULES>,
    /// Levels, best first.
    pub levels: List<TcbLevel, MAX_LEVELS>,
}

/// Wanted author and attributes of a TDX module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Module {
    /// Wanted author; zero for Intel.
    pub mr_signer: [u8; 48],
    /// Wanted attributes.
    pub attributes: [u8; 8],
    /// Which bits of them count; the others must be zero.
    pub attributes_mask: [u8; 8],
}

/// A TDX module of one version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModuleIdentity {
    /// The version.
    pub version: u8,
    /// Wanted author and attributes.
    pub module: Module,
    /// Levels, best first.
    pub levels: List<ModuleLevel, MAX_COMPONENT_LEVELS>,
}

/// A level of TDX modules.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModuleLevel {
    /// Lowest security version number.
    pub svn: u8,
    /// Unix milliseconds: everything published against it until then is answered by it.
    pub date_ms: u64,
    /// How good it is: up to date, out of date or revoked.
    pub status: TcbStatus,
    /// What is known of it.
    pub advisories: Advisories,
}

/// A level of platforms.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TcbLevel {
    /// Lowest security version numbers of the processor and its firmware.
    pub sgx: [u8; 16],
    /// Lowest security version number of the provisioning certification enclave.
    pub pce_svn: u16,
    /// Lowest security version numbers of the TDX module and what it rests on.
    pub tdx: [u8; 16],
    /// Unix milliseconds: everything published against it until then is answered by it.
    pub date_ms: u64,
    /// How good it is.
    pub status: TcbStatus,
    /// What is known of it.
    pub advisories: Advisories,
}

/// What is said of a platform: of all its parts together.
pub(crate) struct Standing {
    pub(crate) status: TcbStatus,
    pub(crate) date_ms: u64,
    pub(crate) advisories: Vec<Advisory>,
}

impl TcbInfo {
    /// What is said of a platform with these versions of TDX parts, the TDX module included.
    pub(crate) fn standing(&self, platform: &Platform, tee_tcb_svn: &[u8; 16], log: &mut impl Journal<Error>) -> Result<Standing, Error> {
        let level = self.levels.iter().find(|level| level.is_met(platform, tee_tcb_svn));
        let (cpu, tee) = (journal::Hex(&platform.cpu_svn), journal::Hex(tee_tcb_svn));
        let level = log.take(level, Error::LevelUnknown, format_args!("CPUSVN {cpu}, PCESVN {}, TEE_TCB_SVN {tee}", platform.pce_svn))?;
        let mut standing = Standing { status: level.status, date_ms: level.date_ms, advisories: level.advisories.to_vec() };
        let [svn, ..] = *tee_tcb_svn;
        match log.step(self.identity(tee_tcb_svn), &[Error::ModuleUnknown])? {
            Some(identity) => {
                let level = identity.levels.iter().find(|level| svn >= level.svn);
                let level = log.take(level, Error::ModuleLevel, format_args!("security version {svn}"))?;
                standing.add(level.status, &level.advisories);
                standing.date_ms = standing.date_ms.min(level.date_ms);
            }
            None => log.check(true, Error::ModuleLevel, "no version of its own: judged with the platform")?,
        }
        Ok(standing)
    }

    /// Checks author and attributes of the TDX module.
    pub(crate) fn check_module(&self, report: &Report, log: &mut impl Journal<Error>) -> Result<(), Error> {
        use journal::Hex;
        let wanted = self.identity(&report.tee_tcb_svn)?.map_or(&self.module, |identity| &identity.module);
        let signer = &report.mr_signer_seam;
        log.compare(*signer == wanted.mr_signer, Error::ModuleSigner, Hex(signer), Hex(&wanted.mr_signer))?;
        let found = &report.seam_attributes;
        let inside = found.iter().zip(wanted.attributes_mask).all(|(found, mask)| found & !mask == 0);
        let agree = inside && agrees(found, &wanted.attributes, &wanted.attributes_mask);
        log.compare(agree, Error::ModuleAttributes, Hex(found), Hex(&wanted.attributes))
    }

    /// What is known of the TDX module's version; nothing for version 0.
    fn identity(&self, tee_tcb_svn: &[u8; 16]) -> Result<Option<&ModuleIdentity>, Error> {
        let [_, version, ..] = *tee_tcb_svn;
        if version == 0 {
            return Ok(None);
        }
        self.modules.iter().find(|identity| identity.version == version).ok_or(Error::ModuleUnknown).map(Some)
    }

    /// Reads a TCB info. Its length and its signature are the caller's to check, before.
    pub(crate) fn read(json: &[u8], origin: Origin) -> Result<Self, Error> {
        let json: Json<'_> = serde_json::from_slice(json).map_err(|_| Error::ItemEncoding(ITEM))?;
        if (json.id, json.version, json.tcb_type) != ("TDX", 3, 0) {
            return Err(Error::ItemKind(ITEM));
        }
        let modules = json.tdx_module_identities.into_iter().map(JsonIdentity::read).collect::<Result<Vec<_>, _>>()?;
        let mut levels = json.tcb_levels.into_iter().map(JsonLevel::read).collect::<Result<Vec<_>, _>>()?;
        // Intel's verifier does not rely on the order in the file either.
        levels.sort_by_key(|level| Reverse((level.sgx, level.pce_svn, level.tdx)));
        Ok(Self {
            origin: origin.within(json.issue_date.0, json.next_update.0),
            evaluation_number: json.tcb_evaluation_data_number,
            fmspc: json.fmspc.0,
            pce_id: json.pce_id.0,
            module: json.tdx_module.read(),
            modules: modules.try_into().map_err(|_| Error::ItemTooMany(ITEM))?,
            levels: levels.try_into().map_err(|_| Error::ItemTooMany(ITEM))?,
        })
    }
}

impl TcbLevel {
    /// Whether every part of the platform is at least at this level. A TDX module that has a version is judged by its own levels instead.
    fn is_met(&self, platform: &Platform, tee_tcb_svn: &[u8; 16]) -> bool {
        let [_, version, ..] = *tee_tcb_svn;
        let judged_apart = if version == 0 { 0 } else { 2 };
        let meets = |found: &[u8; 16], lowest: &[u8; 16], skip| found.iter().zip(lowest).skip(skip).all(|(found, lowest)| found >= lowest);
        meets(&platform.cpu_svn, &self.sgx, 0) && platform.pce_svn >= self.pce_svn && meets(tee_tcb_svn, &self.tdx, judged_apart)
    }
}

impl Standing {
    /// Adds what is said of a part of its own.
    pub(crate) fn add(&mut self, status: TcbStatus, advisories: &Advisories) {
        self.status = self.status.with_component(status);
        for advisory in advisories {
            if !self.advisories.contains(advisory) {
                self.advisories.push(*advisory);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    id: &'a str,
    version: u32,
    issue_date: Date,
    next_update: Date,
    fmspc: Hex<6>,
    pce_id: Hex<2>,
    tcb_type: u32,
    tcb_evaluation_data_number: u32,
    tdx_module: JsonModule,
    #[serde(default)]
    tdx_module_identities: Vec<JsonIdentity<'a>>,
    tcb_levels: Vec<JsonLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonModule {
    mrsigner: Hex<48>,
    attributes: Hex<8>,
    attributes_mask: Hex<8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonIdentity<'a> {
    id: &'a str,
    mrsigner: Hex<48>,
    attributes: Hex<8>,
    attributes_mask: Hex<8>,
    tcb_levels: Vec<JsonModuleLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonModuleLevel {
    tcb: JsonModuleTcb,
    tcb_date: Date,
    tcb_status: Status,
    #[serde(default, rename = "advisoryIDs")]
    advisories: Vec<Name>,
}

#[derive(Deserialize)]
struct JsonModuleTcb {
    isvsvn: u8,
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
    sgxtcbcomponents: [JsonComponent; 16],
    pcesvn: u16,
    tdxtcbcomponents: [JsonComponent; 16],
}

#[derive(Deserialize)]
struct JsonComponent {
    svn: u8,
}

impl JsonModule {
    fn read(self) -> Module {
        Module { mr_signer: self.mrsigner.0, attributes: self.attributes.0, attributes_mask: self.attributes_mask.0 }
    }
}

impl JsonIdentity<'_> {
    fn read(self) -> Result<ModuleIdentity, Error> {
        let mut version = [0];
        let digits = self.id.strip_prefix("TDX_").ok_or(Error::ItemEncoding(ITEM))?;
        hex::decode_to_slice(digits, &mut version).map_err(|_| Error::ItemEncoding(ITEM))?;
        let [version] = version;
        let module = JsonModule { mrsigner: self.mrsigner, attributes: self.attributes, attributes_mask: self.attributes_mask };
        let levels = self.tcb_levels.into_iter().map(JsonModuleLevel::read).collect::<Result<Vec<_>, _>>()?;
        Ok(ModuleIdentity { version, module: module.read(), levels: levels.try_into().map_err(|_| Error::ItemTooMany(ITEM))? })
    }
}

impl JsonModuleLevel {
    fn read(self) -> Result<ModuleLevel, Error> {
        let status = self.tcb_status.0;
        if !matches!(status, TcbStatus::UpToDate | TcbStatus::OutOfDate | TcbStatus::Revoked) {
            return Err(Error::ItemEncoding(ITEM));
        }
        Ok(ModuleLevel { svn: self.tcb.isvsvn, date_ms: self.tcb_date.0, status, advisories: advisories(self.advisories, ITEM)? })
    }
}

impl JsonLevel {
    fn read(self) -> Result<TcbLevel, Error> {
        Ok(TcbLevel {
            sgx: self.tcb.sgxtcbcomponents.map(|component| component.svn),
            pce_svn: self.tcb.pcesvn,
            tdx: self.tcb.tdxtcbcomponents.map(|component| component.svn),
            date_ms: self.tcb_date.0,
            status: self.tcb_status.0,
            advisories: advisories(self.advisories, ITEM)?,
        })
    }
}
