//! From flags and files to a job spec.

mod inputs;

use crate::{
    context,
    units::{bytes, parse_bcu},
};
use anyhow::{Context as _, Result, bail};
use blockcloud_primitives::{
    Allow, Balance, Blob, Digest, EngineId, JobSpec, List, Measurement, Measurements, Policy, RegionCode, Resources, Tcb, TdxFloor, Tee,
    Text, Workload,
};
use blockcloud_seal::{
    DataKey, FileEntry, MAX_FILES, Manifest, ObjectKey, Room, Sealed, SecretText,
    room::{MODULE_MAX, MODULE_MEMORY_MIB_MAX, start_cost},
    seal,
};
use clap::Args;
use sha2::{Digest as _, Sha384};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What to run and under which terms.
#[derive(Debug, Args)]
pub struct SpecArguments {
    /// The program: a module for wasm32-wasip1. It sees the file's name without its ending as its own.
    #[arg(long)]
    module: PathBuf,
    /// An input: FILE is found as /input/FILENAME, a folder with all that is in it as /input/FOLDERNAME/..., NAME=FILE as /input/NAME. May be repeated.
    #[arg(long = "input", value_name = "FILE|FOLDER|NAME=FILE")]
    inputs: Vec<PathBuf>,
    /// What the program reads as its standard input; without it, nothing. Sealed like the inputs, and counted as one of them.
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// An argument for the program. May be repeated. PUBLIC: it stands in the job's terms on chain; give secrets by --env, --stdin or an input file.
    #[arg(long = "arg", allow_hyphen_values = true)]
    args: Vec<String>,
    /// An environment variable for the program, sealed: only the guest reads it. May be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = inputs::variable)]
    env: Vec<(String, SecretText)>,
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
    #[arg(long, conflicts_with_all = ["regions", "tees", "gap", "longest_session", "suspension_grace"])]
    policy: Option<PathBuf>,
    /// A region in which it may run (ISO 3166-2). May be repeated; without any, every region.
    #[arg(long = "region")]
    regions: Vec<RegionCode>,
    /// A kind of hardware that you accept: sev-snp, tdx; on a development chain also simulated and simulated-tdx (they protect nothing). May be repeated.
    #[arg(long = "tee", value_parser = tee, default_value = "sev-snp")]
    tees: Vec<Tee>,
    /// Virtual processors.
    #[arg(long, default_value_t = 1)]
    vcpus: u32,
    /// Memory in GiB, for the program and its files.
    #[arg(long, default_value_t = 1)]
    memory_gib: u32,
    /// The part of the memory that is the program's own, in MiB, at most 4096; the rest, less 128 MiB, is for files. Without it, half of --memory-gib.
    #[arg(long)]
    module_memory_mib: Option<u32>,
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
    /// Longest time in seconds for which one piece of evidence counts before the guest must show itself again; 0: as long as the chain lets it.
    #[arg(long, default_value_t = 0)]
    longest_session: u32,
    /// Seconds that the job waits, unpaid, for new evidence once what it rests on counts no longer; then it ends.
    #[arg(long, default_value_t = 300)]
    suspension_grace: u32,
}

/// Reads a kind of hardware.
pub fn tee(text: &str) -> Result<Tee, String> {
    serde_json::from_value(text.into()).map_err(|_| format!("`{text}` is not a kind of hardware: sev-snp, tdx, simulated, simulated-tdx"))
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
        let memory_mib = self.module_memory()?;
        let module = self.read_module()?;
        let most = MAX_FILES - usize::from(self.stdin.is_some());
        let found = inputs::find(&self.inputs, most)?;
        let stdin = self.stdin.as_deref().map(|path| inputs::length(path).map(|bytes| (path, bytes))).transpose()?;
        let cost = start_cost(found.iter().map(|input| (input.name.as_str(), input.bytes)), stdin.map(|(_, bytes)| bytes));
        self.check_room(memory_mib, cost)?;

        let key = DataKey::generate();
        let mut blobs = Vec::new();
        let mut add = |name: &str, plain: &[u8]| {
            let sealed = seal(&key, plain);
            let blob = Blob { digest: Digest::of(&sealed), bytes: sealed.len() as u64 };
            let entry = FileEntry::new(name, &Sealed { digest: Digest::of(plain), bytes: plain.len() as u64, blob });
            blobs.push((blob, sealed));
            entry
        };
        let module_name =
            self.module.file_name().and_then(|name| name.to_str()).context("the module's file name is not UTF-8: rename it")?;
        let module_entry = add(module_name, &module);
        let files = found.iter().map(|input| Ok(add(&input.name, &inputs::read(&input.file)?))).collect::<Result<_>>()?;
        let stdin = stdin.map(|(path, _)| Ok::<_, anyhow::Error>(add("stdin", &inputs::read(path)?))).transpose()?;
        let mut manifest = Manifest::new(ObjectKey::generate(), module_entry, files)?.with_env(self.environment()?)?;
        if let Some(stdin) = stdin {
            manifest = manifest.with_stdin(stdin)?;
        }
        let sealed = manifest.seal(&key);
        let manifest_blob = Blob { digest: Digest::of(&sealed), bytes: sealed.len() as u64 };
        let inputs = blobs.iter().map(|(blob, _)| *blob).collect::<Vec<_>>();
        blobs.insert(0, (manifest_blob, sealed));
        let spec = self.spec(Digest::of(&module), memory_mib, manifest_blob, inputs)?;
        Ok(Prepared { key, manifest, blobs, spec })
    }

    /// The program's own memory in MiB.
    fn module_memory(&self) -> Result<u32> {
        let reserved = self.memory_gib.checked_mul(1024).context("--memory-gib is too large")?;
        let memory = self.module_memory_mib.unwrap_or((reserved / 2).clamp(64, MODULE_MEMORY_MIB_MAX));
        if memory == 0 || memory > MODULE_MEMORY_MIB_MAX || memory > reserved {
            bail!(
                "a program cannot have {memory} MiB of its own: --module-memory-mib is at least 1, at most {MODULE_MEMORY_MIB_MAX}, and at most what --memory-gib \
                 reserves ({reserved} MiB)"
            );
        }
        Ok(memory)
    }

    /// Refuses inputs for which there is no room in the job's memory, with a sixteenth of it left to what the program writes.
    fn check_room(&self, memory_mib: u32, cost: u64) -> Result<()> {
        let room = Room::beside(&self.resources(), memory_mib).files;
        let reserve = room / 16;
        if cost > room - reserve {
            bail!(
                "the inputs need {} and the program some room to write, but only {} of the job's memory are left for files: raise --memory-gib (now {}), lower \
                 --module-memory-mib (now {memory_mib}), or raise --storage-gib (now {}), which bounds the files, too",
                bytes(cost),
                bytes(room),
                self.memory_gib,
                self.storage_gib
            );
        }
        Ok(())
    }

    fn environment(&self) -> Result<BTreeMap<String, SecretText>> {
        let mut env = BTreeMap::new();
        for (name, value) in &self.env {
            if env.insert(name.clone(), value.clone()).is_some() {
                bail!("--env {name} is given twice");
            }
        }
        Ok(env)
    }

    fn resources(&self) -> Resources {
        Resources { vcpus: self.vcpus, memory_gib: self.memory_gib, storage_gib: self.storage_gib, gpus: self.gpus }
    }

    fn read_module(&self) -> Result<Vec<u8>> {
        let module = fs::read(&self.module).with_context(|| format!("cannot read the module {}", self.module.display()))?;
        if !module.starts_with(b"\0asm") {
            bail!(
                "{} is not a WebAssembly module: compile for wasm32-wasip1, for instance `cargo build --release --target wasm32-wasip1`",
                self.module.display()
            );
        }
        if module.len() as u64 > MODULE_MAX {
            bail!(
                "the module has {}, a job's has at most {}: build it optimised and without debug information",
                bytes(module.len() as u64),
                bytes(MODULE_MAX)
            );
        }
        Ok(module)
    }

    fn spec(&self, module: Digest, memory_mib: u32, manifest: Blob, inputs: Vec<Blob>) -> Result<JobSpec> {
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
                memory_mib,
                seed: Digest(rand::random()),
                args: args.try_into().map_err(|_| anyhow::anyhow!("at most 32 --arg"))?,
            },
            manifest,
            inputs: inputs.try_into().map_err(|_| anyhow::anyhow!("at most {MAX_FILES} input files"))?,
            resources: self.resources(),
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
        // A simulated trust domain is measured in another way, and both may be accepted.
        let simulated = self.guest.is_some() && self.tees.contains(&Tee::SimulatedTdx);
        let mut measurements = vec![measurement];
        if simulated {
            measurements.push(Measurement(blockcloud_evidence::tdx::measurement(&measurement.0, &[[0; 48]; 3])));
        }
        Ok(Policy {
            regions,
            jurisdictions: Allow::Any,
            certificates: List::new(),
            tees: List::try_from(self.tees.clone()).map_err(|_| anyhow::anyhow!("at most 4 --tee"))?,
            firmware_floor: Tcb::default(),
            tdx_floor: TdxFloor::default(),
            legacy_hardware: false,
            chip_endorsements: 0,
            longest_session: self.longest_session,
            measurements: Measurements::Only(List::try_from(measurements).map_err(|_| anyhow::anyhow!("two measurements"))?),
            denied_providers: List::new(),
            erase_within: 60,
            recipients: List::new(),
            checkpoint_gap: self.gap,
            suspension_grace: self.suspension_grace,
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

/// The names under which a guest takes in what a manifest lists, in the order in which it does.
pub fn taken_in(manifest: &Manifest) -> impl Iterator<Item = String> {
    let files = manifest.files.iter().map(|file| format!("/input/{}", file.path));
    let stdin = manifest.stdin.iter().map(|_| "stdin".to_owned());
    std::iter::once("module".to_owned()).chain(files).chain(stdin)
}

/// The file names that a job's receipts stand for, by their keyed digests.
pub fn names(manifest: &Manifest) -> BTreeMap<Digest, String> {
    let inputs = manifest.files.iter().map(|file| format!("/input/{}", file.path));
    let fixed = ["stdin", "stdout", "stderr", "/", "/input", "/output", "/tmp", "module", "manifest", "output"].map(String::from);
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

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        spec: SpecArguments,
    }

    /// What these flags prepare, over a module and a file of this length in a folder of their own.
    fn prepared(flags: &[&str], length: usize) -> Result<Prepared> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tool.wasm"), b"\0asm\x01\0\0\0").unwrap();
        fs::write(folder.path().join("data.csv"), vec![0; length]).unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let (zero48, zero32) = ("00".repeat(48), "00".repeat(32));
        let mut line =
            vec!["blockcloud".into(), "--module".into(), place("tool.wasm"), "--measurement".into(), zero48, "--engine".into(), zero32];
        line.extend(flags.iter().map(|flag| flag.replace("{data}", &place("data.csv"))));
        <Line as clap::Parser>::try_parse_from(line).unwrap().spec.prepare()
    }

    fn memory_mib(prepared: &Prepared) -> u32 {
        let Workload::Wasm { memory_mib, .. } = &prepared.spec.workload;
        *memory_mib
    }

    #[test]
    fn half_of_the_memory_is_the_programs_and_the_rest_for_files() {
        let twenty = prepared(&["--input", "{data}"], 20_000_000).unwrap();
        assert_eq!(memory_mib(&twenty), 512);
        assert!(twenty.manifest.cost() < Room::of(&twenty.spec).files);
        assert_eq!(memory_mib(&prepared(&["--memory-gib", "16"], 0).unwrap()), 4096);
        assert_eq!(memory_mib(&prepared(&["--module-memory-mib", "1024"], 0).unwrap()), 1024);
        for wrong in [["--module-memory-mib", "0"], ["--module-memory-mib", "1025"], ["--memory-gib", "0"]] {
            assert!(prepared(&wrong, 0).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn inputs_without_room_are_refused_with_advice() {
        let error = prepared(&["--module-memory-mib", "1024", "--input", "{data}"], 20_000_000).err().unwrap().to_string();
        assert!(error.contains("--memory-gib") && error.contains("--module-memory-mib"), "{error}");
        // The room is all but used up: nothing would be left to write to.
        assert!(prepared(&["--module-memory-mib", "1024", "--stdin", "{data}"], (16 << 20) - 8192).is_err());
    }

    #[test]
    fn name_environment_and_standard_input_are_sealed() {
        let flags = ["--input", "sub/renamed.csv={data}", "--stdin", "{data}", "--env", "TOKEN=hunter2=x", "--env", "EMPTY="];
        let Prepared { key, manifest, blobs, spec } = prepared(&flags, 3).unwrap();
        assert_eq!(manifest.program_name(), "tool");
        assert_eq!(manifest.entries().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["tool.wasm", "sub/renamed.csv", "stdin"]);
        assert_eq!((manifest.env["TOKEN"].as_str(), manifest.env["EMPTY"].as_str()), ("hunter2=x", ""));
        assert_eq!(
            spec.inputs.iter().map(|blob| blob.digest).collect::<Vec<_>>(),
            manifest.entries().map(|entry| entry.blob).collect::<Vec<_>>()
        );
        assert_eq!(Manifest::open(&key, &blobs[0].1), Ok(manifest));
        assert!(!format!("{spec:?}").contains("hunter2"));
        assert!(prepared(&["--env", "A=1", "--env", "A=2"], 0).is_err());
    }

    #[test]
    fn an_unknown_kind_of_hardware_is_refused() {
        assert_eq!(tee("simulated"), Ok(Tee::Simulated));
        assert!(tee("sgx").is_err());
    }
}
