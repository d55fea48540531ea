//! What a relying party demands of evidence beyond what the verifiers always demand, as a file in TOML or JSON.
//!
//! There is no switch for guests that can be debugged: they are never accepted. An empty list allows nobody; a demand that is left out is not made.

use anyhow::{Context as _, Result, ensure};
use blockcloud_evidence::{
    snp::{self, Tcb},
    tdx::{self, TcbStatus},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

/// What is demanded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// SHA-256 of the certificates (DER) to start from: a vendor's root, or for SEV-SNP the intermediate. Without it, the vendors' own.
    pub roots: Option<Vec<Bytes>>,
    /// Launch measurements: MEASUREMENT of SEV-SNP, MRTD of TDX.
    pub measurements: Option<Vec<Bytes>>,
    /// What the guest bound when it asked for the report.
    pub report_data: Option<Bytes>,
    /// What the host bound at launch: HOST_DATA (32 bytes) of SEV-SNP, MRCONFIGID (48 bytes) of TDX.
    pub host_data: Option<Bytes>,
    /// What is demanded of SEV-SNP.
    pub snp: Snp,
    /// What is demanded of TDX.
    pub tdx: Tdx,
}

/// What is demanded of SEV-SNP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Snp {
    /// Lowest firmware level, committed and at launch.
    pub firmware_floor: Option<Floor>,
    /// Accept reports signed by a cloud provider's key.
    pub allow_vlek: bool,
    /// Accept reports of version 2.
    pub allow_version_2: bool,
    /// Accept guests that may run with simultaneous multithreading.
    pub allow_smt: bool,
    /// Accept guests that may spread over several sockets.
    pub allow_sockets: bool,
    /// Accept guests whose memory may lie behind CXL.
    pub allow_cxl: bool,
    /// Accept firmware that has not checked memory for aliases.
    pub allow_unchecked_aliases: bool,
}

impl Default for Snp {
    fn default() -> Self {
        Self {
            firmware_floor: None,
            allow_vlek: false,
            allow_version_2: false,
            allow_smt: true,
            allow_sockets: true,
            allow_cxl: false,
            allow_unchecked_aliases: false,
        }
    }
}

/// What is demanded of TDX.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tdx {
    /// Lowest evaluation number of the collateral.
    pub evaluation_floor: Option<u32>,
    /// Statuses of the platform that are accepted.
    pub statuses: Vec<TcbStatus>,
    /// Accept guests that may use performance counters.
    pub allow_performance_counters: bool,
}

impl Default for Tdx {
    fn default() -> Self {
        Self { evaluation_floor: None, statuses: vec![TcbStatus::UpToDate], allow_performance_counters: false }
    }
}

/// A firmware level. What is left out is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Floor {
    bootloader: u8,
    tee: u8,
    snp: u8,
    microcode: u8,
    fmc: u8,
}

impl Floor {
    /// As the verifier takes it.
    pub fn tcb(self) -> Tcb {
        let Self { bootloader, tee, snp, microcode, fmc } = self;
        Tcb { bootloader, tee, snp, microcode, fmc }
    }
}

/// Bytes, written in hex with or without `0x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text))
            .map(Self)
            .map_err(|error| D::Error::custom(format!("`{text}` is not hex: {error}")))
    }
}

impl Policy {
    /// Reads a policy and names it: the SHA-256 of the file.
    pub fn read(path: &Path) -> Result<(Self, String)> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the policy {}", path.display()))?;
        let policy = Self::parse(&text).with_context(|| format!("{} is no policy", path.display()))?;
        Ok((policy, format!("sha256:{}", hex::encode(Sha256::digest(&text)))))
    }

    fn parse(text: &str) -> Result<Self> {
        let policy: Self = if text.trim_start().starts_with('{') { serde_json::from_str(text)? } else { toml::from_str(text)? };
        let lengths = |list: &Option<Vec<Bytes>>, length| list.iter().flatten().all(|bytes| bytes.0.len() == length);
        ensure!(lengths(&policy.roots, 32), "a root is named by its SHA-256, 32 bytes");
        ensure!(lengths(&policy.measurements, 48), "a measurement has 48 bytes");
        ensure!(policy.report_data.as_ref().is_none_or(|data| data.0.len() == 64), "report data has 64 bytes");
        ensure!(policy.host_data.as_ref().is_none_or(|data| matches!(data.0.len(), 32 | 48)), "host data has 32 bytes, for TDX 48");
        Ok(policy)
    }

    /// What SEV-SNP's verifier is to tolerate.
    pub fn snp_requirements(&self) -> snp::Requirements {
        let snp = &self.snp;
        snp::Requirements {
            allow_version_2: snp.allow_version_2,
            allow_smt: snp.allow_smt,
            allow_sockets: snp.allow_sockets,
            allow_cxl: snp.allow_cxl,
            allow_unchecked_aliases: snp.allow_unchecked_aliases,
            allow_vlek: snp.allow_vlek,
        }
    }

    /// What TDX's verifier is to tolerate: whatever any of the accepted statuses needs.
    pub fn tdx_requirements(&self) -> tdx::Requirements {
        let any = |needs: fn(TcbStatus) -> bool| self.tdx.statuses.iter().copied().any(needs);
        tdx::Requirements {
            allow_out_of_date: any(TcbStatus::is_out_of_date),
            allow_configuration_needed: any(TcbStatus::needs_configuration),
            allow_hardening_needed: any(TcbStatus::needs_hardening),
            allow_relaunch_advised: any(TcbStatus::is_relaunch_advised),
            allow_performance_counters: self.tdx.allow_performance_counters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = format!(
            "roots = [\"0x{}\"]\nmeasurements = []\nhost_data = \"{}\"\n[snp]\nallow_vlek = true\nfirmware_floor = {{ snp = 23 }}\n[tdx]\nevaluation_floor = \
             17\nstatuses = [\"up_to_date\", \"out_of_date\"]\n",
            "01".repeat(32),
            "02".repeat(32)
        );
        let json = format!(
            r#"{{"roots": ["{}"], "measurements": [], "host_data": "{}", "snp": {{"allow_vlek": true, "firmware_floor": {{"snp": 23}}}},
                "tdx": {{"evaluation_floor": 17, "statuses": ["up_to_date", "out_of_date"]}}}}"#,
            "01".repeat(32),
            "02".repeat(32)
        );
        let wanted = Policy {
            roots: Some(vec![Bytes(vec![1; 32])]),
            measurements: Some(vec![]),
            host_data: Some(Bytes(vec![2; 32])),
            report_data: None,
            snp: Snp { allow_vlek: true, firmware_floor: Some(Floor { snp: 23, ..Floor::default() }), ..Snp::default() },
            tdx: Tdx {
                evaluation_floor: Some(17),
                statuses: vec![TcbStatus::UpToDate, TcbStatus::OutOfDate],
                allow_performance_counters: false,
            },
        };
        assert_eq!(Policy::parse(&toml).unwrap(), wanted);
        assert_eq!(Policy::parse(&json).unwrap(), wanted);
    }

    #[test]
    fn an_empty_policy_is_what_the_verifiers_usually_demand() {
        let policy = Policy::parse("").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.snp_requirements(), snp::Requirements::USUAL);
        assert_eq!(policy.tdx_requirements(), tdx::Requirements::STRICT);
    }

    #[test]
    fn unknown_fields_and_wrong_lengths_are_refused() {
        let short = "00".repeat(31);
        let cases = [
            "debug = true".to_owned(),
            "[snp]\nallow_debug = true".into(),
            "[tdx]\nstatuses = [\"revoked_but_fine\"]".into(),
            "[snp.firmware_floor]\nucode = 1".into(),
            format!("roots = [\"{short}\"]"),
            format!("measurements = [\"{short}\"]"),
            format!("report_data = \"{short}\""),
            format!("host_data = \"{short}\""),
            "measurements = [\"hex\"]".into(),
            "{\"roots\": null, \"more\": 1}".into(),
            "{".into(),
        ];
        for text in cases {
            assert!(Policy::parse(&text).is_err(), "{text}");
        }
    }
}
