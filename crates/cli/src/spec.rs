//! From flags and files to a job spec.

use crate::{context, units::parse_bcu};
use anyhow::{Context as _, Result, bail};
use blockcloud_primitives::{
    Allow, Balance, Blob, Digest, EngineId, JobSpec, List, Measurement, Measurements, Policy, RegionCode, Resources, Tcb, Tee, Text,
    Workload,
};
use blockcloud_seal::{DataKey, FileEntry, Manifest, ObjectKey, Sealed, seal};
use clap::Args;
use sha2::{Digest as _, Sha384};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What to run and under which terms.
#[derive(Debug, Args)]
pub struct SpecArguments {
    /// The program: a module for wasm32-wasip1.
    #[arg(long)]
    module: PathBuf,
    /// An input file; the program finds it as /input/NAME. May be repeated.
    #[arg(long = "input")]
    inputs: Vec<PathBuf>,
    /// An argument for the program. May be repeated.
    #[arg(long = "arg", allow_hyphen_values = true)]
    args: Vec<String>,
    /// The guest program that you trust with the job's key: its measurement and engine are demanded.
    #[arg(long, value_name = "FILE", required_unless_present_all = ["measurement", "engine"])]
    guest: Option<PathBuf>,
    /// A measurement that you trust, instead of --guest.
    #[arg(long, requires = "engine")]
    measurement: Option<Measurement>,
    /// The engine id that the measurement stands for, instead of --guest.
    #[arg(long, requires = "measurement")]
    engine: Option<EngineId>,
    /// A policy as TOML or JSON; replaces the flags about place and hardware.
    #[arg(long, conflicts_with_all = ["regions", "tees", "gap"])]
    policy: Option<PathBuf>,
    /// A region in which it may run (ISO 3166-2). May be repeated; without any, every region.
    #[arg(long = "region")]
    regions: Vec<RegionCode>,
    /// A kind of hardware that you accept: sev-snp, or simulated on a development chain (protects nothing). May be repeated.
    #[arg(long = "tee", value_parser = tee, default_value = "sev-snp")]
    tees: Vec<Tee>,
    /// Virtual processors.
    #[arg(long, default_value_t = 1)]
    vcpus: u32,
    /// Memory in GiB.
    #[arg(long, default_value_t = 1)]
    memory_gib: u32,
    /// Storage in GiB.
    #[arg(long, default_value_t = 1)]
    storage_gib: u32,
    /// Whole GPUs.
    #[arg(long, default_value_t = 0)]
    gpus: u32,
    /// Longest run in seconds.
    #[arg(long, default_value_t = 600)]
    longest: u32,
    /// Highest price per second in BCU for all resources together.
    #[arg(long, value_parser = parse_bcu, default_value = "0.01")]
    price_limit: Balance,
    /// What to lock for the job, in BCU; without it, the longest run at the price limit.
    #[arg(long, value_parser = parse_bcu)]
    escrow: Option<Balance>,
    /// The part of the provider's bond that must stand behind the job, in BCU.
    #[arg(long, value_parser = parse_bcu, default_value = "1")]
    cover: Balance,
    /// Fuel after which the program is stopped (wasmtime's unit, about one per instruction).
    #[arg(long, default_value_t = 1_000_000_000_000)]
    fuel: u64,
    /// Largest number of seconds between checkpoints that you pay for.
    #[arg(long, default_value_t = 30)]
    gap: u32,
}

/// Reads a kind of hardware.
pub fn tee(text: &str) -> Result<Tee, String> {
    serde_json::from_value(text.into()).map_err(|_| format!("`{text}` is not a kind of hardware: sev-snp, tdx, simulated"))
}

/// What a customer seals for one job.
pub struct Prepared {
    /// The data key.
    pub key: DataKey,
    /// The manifest in plain.
    pub manifest: Manifest,
    /// The sealed manifest, module and inputs.
    pub blobs: Vec<(Blob, Vec<u8>)>,
    /// The spec.
    pub spec: JobSpec,
}

impl SpecArguments {
    /// Seals module and inputs under a new data key and writes the spec.
    pub fn prepare(&self) -> Result<Prepared> {
        let key = DataKey::generate();
        let module = self.read_module()?;
        let mut blobs = Vec::new();
        let mut add = |name: &str, plain: &[u8]| {
            let sealed = seal(&key, plain);
            let blob = Blob { digest: Digest::of(&sealed), bytes: sealed.len() as u64 };
            let entry = FileEntry::new(name, &Sealed { digest: Digest::of(plain), bytes: plain.len() as u64, blob });
            blobs.push((blob, sealed));
            entry
        };
        let module_entry = add("module.wasm", &module);
        let mut files = Vec::new();
        for path in &self.inputs {
            let name =
                path.file_name().and_then(|name| name.to_str()).with_context(|| format!("{} has no usable file name", path.display()))?;
            let plain = fs::read(path).with_context(|| format!("cannot read the input {}", path.display()))?;
            files.push(add(name, &plain));
        }
        let manifest = Manifest::new(ObjectKey::generate(), module_entry, files)?;
        let sealed = manifest.seal(&key);
        let manifest_blob = Blob { digest: Digest::of(&sealed), bytes: sealed.len() as u64 };
        let inputs = blobs.iter().map(|(blob, _)| *blob).collect::<Vec<_>>();
        blobs.insert(0, (manifest_blob, sealed));
        let spec = self.spec(Digest::of(&module), manifest_blob, inputs)?;
        Ok(Prepared { key, manifest, blobs, spec })
    }

    fn read_module(&self) -> Result<Vec<u8>> {
        let module = fs::read(&self.module).with_context(|| format!("cannot read the module {}", self.module.display()))?;
        if !module.starts_with(b"\0asm") {
            bail!(
                "{} is not a WebAssembly module: compile for wasm32-wasip1, for instance `cargo build --release --target wasm32-wasip1`",
                self.module.display()
            );
        }
        Ok(module)
    }

    fn spec(&self, module: Digest, manifest: Blob, inputs: Vec<Blob>) -> Result<JobSpec> {
        let (measurement, engine) = match (&self.guest, self.measurement, self.engine) {
            (_, Some(measurement), Some(engine)) => (measurement, engine),
            (Some(guest), ..) => (measure(guest)?, engine_of(guest)?),
            _ => bail!("name the guest that you trust with --guest, or its --measurement and --engine"),
        };
        let args = self.args.iter().map(|arg| arg.parse::<Text<256>>()).collect::<Result<Vec<_>, _>>()?;
        let escrow = match self.escrow {
            Some(escrow) => escrow,
            None => self.price_limit.checked_mul(self.longest.into()).context("the price limit times the longest run is too large")?,
        };
        Ok(JobSpec {
            workload: Workload::Wasm {
                module,
                engine,
                fuel: self.fuel,
                memory_mib: self.memory_gib.checked_mul(1024).context("too much memory")?.min(4096),
                seed: Digest(rand::random()),
                args: args.try_into().map_err(|_| anyhow::anyhow!("at most 32 --arg"))?,
            },
            manifest,
            inputs: inputs.try_into().map_err(|_| anyhow::anyhow!("at most 31 --input"))?,
            resources: Resources { vcpus: self.vcpus, memory_gib: self.memory_gib, storage_gib: self.storage_gib, gpus: self.gpus },
            longest_run: self.longest,
            policy: self.policy(measurement)?,
            price_limit: self.price_limit,
            escrow,
            cover: self.cover,
        })
    }

    fn policy(&self, measurement: Measurement) -> Result<Policy> {
        if let Some(path) = &self.policy {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read the policy {}", path.display()))?;
            let policy = parse_policy(&text).with_context(|| format!("{} is not a policy", path.display()))?;
            if matches!(&policy.measurements, Measurements::Only(list) if !list.contains(&measurement)) {
                bail!("the policy {} does not accept the guest that you named: its measurement is {measurement}", path.display());
            }
            return Ok(policy);
        }
        let regions = match &self.regions[..] {
            [] => Allow::Any,
            some => Allow::Only(List::try_from(some.to_vec()).map_err(|_| anyhow::anyhow!("at most 16 --region"))?),
        };
        Ok(Policy {
            regions,
            jurisdictions: Allow::Any,
            certificates: List::new(),
            tees: List::try_from(self.tees.clone()).map_err(|_| anyhow::anyhow!("at most 4 --tee"))?,
            firmware_floor: Tcb::default(),
            measurements: Measurements::Only(List::try_from(vec![measurement]).map_err(|_| anyhow::anyhow!("one measurement"))?),
            denied_providers: List::new(),
            erase_within: 60,
            recipients: List::new(),
            checkpoint_gap: self.gap,
        })
    }
}

/// Reads a policy from JSON or TOML.
fn parse_policy(text: &str) -> Result<Policy> {
    if text.trim_start().starts_with('{') { Ok(serde_json::from_str(text)?) } else { Ok(toml::from_str(text)?) }
}

/// The launch measurement that the simulated processor gives a guest program: SHA-384 of the file.
pub fn measure(guest: &Path) -> Result<Measurement> {
    let image = fs::read(guest).with_context(|| format!("cannot read the guest {}", guest.display()))?;
    Ok(Measurement(Sha384::digest(image).into()))
}

/// The engine id of a guest program, from the program itself.
fn engine_of(guest: &Path) -> Result<EngineId> {
    let output = Command::new(guest).arg("engine-id").output().with_context(|| format!("cannot run {} engine-id", guest.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| anyhow::anyhow!("{} engine-id printed no engine id: is it the guest?", guest.display()))
}

/// The file names that a job's receipts stand for, by their keyed digests.
pub fn names(manifest: &Manifest) -> std::collections::BTreeMap<Digest, String> {
    let inputs = manifest.files.iter().map(|file| format!("/input/{}", file.path));
    let fixed = ["stdout", "stderr", "/", "/input", "/output", "/tmp", "module", "manifest", "output"].map(String::from);
    inputs.chain(fixed).map(|name| (manifest.object_key.digest(name.as_bytes()), name)).collect()
}

/// Reads an account like every command does, for use as a value parser.
pub fn account(text: &str) -> Result<blockcloud_primitives::AccountId, String> {
    context::account(text).map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        jurisdictions = "any"
        certificates = ["ISO27001"]
        tees = ["sev-snp"]
        measurements = "approved"
        denied_providers = []
        erase_within = 60
        recipients = []
        checkpoint_gap = 30
        [regions]
        only = ["DE-BE", "DE-HE"]
        [firmware_floor]
        snp = 20
    "#;

    #[test]
    fn a_policy_is_read_from_toml_and_from_json() {
        let policy = parse_policy(POLICY).unwrap();
        assert_eq!(policy.tees.to_vec(), [Tee::SevSnp]);
        assert_eq!(policy.firmware_floor.snp, 20);
        assert!(policy.regions.allows(Some(&"DE-HE".parse().unwrap())));
        assert!(!policy.regions.allows(Some(&"FR-75".parse().unwrap())));
        assert_eq!(parse_policy(&serde_json::to_string(&policy).unwrap()).unwrap(), policy);
    }

    #[test]
    fn a_misspelt_or_missing_demand_is_refused() {
        assert!(parse_policy(&POLICY.replace("certificates", "certificats")).is_err());
        assert!(parse_policy(&POLICY.replace("tees = [\"sev-snp\"]", "")).is_err());
    }

    #[test]
    fn an_unknown_kind_of_hardware_is_refused() {
        assert_eq!(tee("simulated"), Ok(Tee::Simulated));
        assert!(tee("sgx").is_err());
    }
}
