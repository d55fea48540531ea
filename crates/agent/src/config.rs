//! The agent's configuration file (TOML), and the commented example that `init` writes.
//!
//! The agent publishes nothing by itself: offers are made with the command line client. What stands here is where things are and which of the
//! jobs placed under those offers are accepted.

use crate::bounds::largest_output;
use anyhow::{Context as _, ensure};
use blockcloud_primitives::{AggregatorId, Balance, JobSpec, Tee, Workload};
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// The example file. `{data}` and `{key}` are replaced.
const EXAMPLE: &str = include_str!("../agent.example.toml");

/// The configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// WebSocket URL of a node.
    pub node: String,
    /// File with the provider's account key.
    pub key: PathBuf,
    /// Where guests and customers reach this agent.
    pub listen: SocketAddr,
    /// Base URL under which guests reach it, where that is not the listen address.
    pub guest_url: Option<String>,
    /// Folder for everything that must survive.
    pub data: PathBuf,
    /// How guests are started.
    pub driver: DriverConfig,
    /// Which jobs are accepted.
    #[serde(default)]
    pub accept: Accept,
    /// How jobs are run.
    #[serde(default)]
    pub run: Run,
    /// The aggregator that running jobs' checkpoints go to. Without it, each goes on chain by itself.
    pub rounds: Option<RoundsConfig>,
}

/// An aggregator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundsConfig {
    /// The number under which the tree's top is registered on chain.
    pub aggregator: AggregatorId,
    /// Base URL of the aggregator that has the slots: the top, or one below it.
    pub url: String,
}

/// How guests are started.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub enum DriverConfig {
    /// As a process of this host. Protects nothing: for development, with simulated evidence, and for hosts that are confidential VMs
    /// themselves, with evidence from the kernel.
    Process {
        /// The guest program; also the image that is measured.
        guest: PathBuf,
        /// Base URL of the simulator that stands in for the processor; absent where the kernel gives evidence (configfs-tsm).
        simulator: Option<String>,
        /// The hardware that guests run on. Without it, `sev-snp` where the kernel gives evidence, and `simulated` where a simulator does.
        tee: Option<Tee>,
    },
}

impl DriverConfig {
    /// The hardware that guests run on.
    ///
    /// # Errors
    /// A simulator is named for real hardware, or none for simulated.
    pub fn tee(&self) -> anyhow::Result<Tee> {
        let Self::Process { simulator, tee, .. } = self;
        let usual = if simulator.is_some() { Tee::Simulated } else { Tee::SevSnp };
        let tee = tee.unwrap_or(usual);
        ensure!(
            tee.is_simulated() == simulator.is_some(),
            "driver.tee says {tee:?}: a simulator plays `simulated` or `simulated-tdx`, a kernel gives evidence of `sev-snp` or `tdx`"
        );
        Ok(tee)
    }
}

/// Which jobs are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accept {
    /// Most jobs at a time.
    pub max_jobs: usize,
    /// Least price per second for a job, in smallest units.
    pub min_rate: Balance,
    /// Largest total of a job's sealed inputs, in bytes.
    pub max_input_bytes: u64,
    /// Largest sealed output that a job may be able to make, in bytes.
    pub max_output_bytes: u64,
    /// Largest linear memory of a module, in MiB.
    pub max_memory_mib: u32,
    /// Most receipts of a job, in bytes. Not judged at acceptance: nobody knows beforehand what a program will do. The default is what a guest lets
    /// a program make at most (2^22 events) and eleven days of heartbeats.
    pub max_log_bytes: u64,
    /// How many times what it pays a job's cover may be at most.
    pub max_cover_factor: u32,
    /// Fewest seconds for which one piece of evidence must count, in a policy that limits them: each renewal costs a transaction.
    pub min_session_s: u32,
}

impl Default for Accept {
    fn default() -> Self {
        Self {
            max_jobs: 16,
            min_rate: 0,
            max_input_bytes: 16 << 30,
            max_output_bytes: 16 << 30,
            max_memory_mib: 4096,
            max_log_bytes: 5 << 28,
            max_cover_factor: 1_000,
            min_session_s: 600,
        }
    }
}

/// How jobs are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Least time between two checkpoints of a job that go on chain, in milliseconds.
    pub checkpoint_interval_ms: u64,
    /// How often a guest is started for one job before the job is given up.
    pub max_launches: u32,
    /// How long a closed job's blobs, receipts and checkpoints are kept, in seconds.
    pub keep_blobs_seconds: u64,
    /// How often the pay that a running job has earned is paid out, in seconds; 0: only when it ends.
    pub settle_interval_s: u64,
    /// Room on the disk that blobs must leave free, in bytes.
    pub keep_free_bytes: u64,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            checkpoint_interval_ms: 1_000,
            max_launches: 5,
            keep_blobs_seconds: 7 * 24 * 3600,
            settle_interval_s: 6 * 3600,
            keep_free_bytes: 1 << 30,
        }
    }
}

impl Run {
    /// See [`Run::checkpoint_interval_ms`].
    pub fn checkpoint_interval(&self) -> Duration {
        Duration::from_millis(self.checkpoint_interval_ms)
    }

    /// See [`Run::settle_interval_s`]; nothing where that is 0.
    pub fn settle_interval(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.settle_interval_s)).filter(|interval| !interval.is_zero())
    }
}

impl Config {
    /// Reads the file. Relative paths in it are relative to its folder.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let DriverConfig::Process { guest, .. } = &mut config.driver;
        for path in [&mut config.key, &mut config.data, guest] {
            *path = folder.join(&*path);
        }
        ensure!(config.accept.max_jobs > 0, "accept.max_jobs is 0: this agent would accept nothing");
        if let Some(rounds) = &config.rounds {
            let url = reqwest::Url::parse(&rounds.url).with_context(|| format!("rounds.url is no URL: {}", rounds.url))?;
            ensure!(matches!(url.scheme(), "http" | "https"), "rounds.url has to begin with http:// or https://: {}", rounds.url);
        }
        ensure!(config.run.max_launches > 0, "run.max_launches is 0: this agent would never start a guest");
        Ok(config)
    }

    /// The example file with these paths in it.
    pub fn example(data: &Path, key: &Path) -> String {
        EXAMPLE.replace("{data}", &data.display().to_string()).replace("{key}", &key.display().to_string())
    }

    /// Base URL under which guests reach this agent.
    pub fn guest_url(&self) -> String {
        if let Some(url) = &self.guest_url {
            return url.trim_end_matches('/').to_owned();
        }
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.listen.port()))
    }
}

impl Accept {
    /// Whether a job may be accepted while `running` others are not over; if not, why.
    pub fn judge(&self, spec: &JobSpec, rate: Balance, running: usize) -> Result<(), String> {
        if running >= self.max_jobs {
            return Err(format!("{running} jobs are running, and no more than {} may (accept.max_jobs)", self.max_jobs));
        }
        if rate < self.min_rate {
            return Err(format!("its price of {rate} per second is below {} (accept.min_rate)", self.min_rate));
        }
        let bytes = input_bytes(spec);
        if bytes > self.max_input_bytes {
            return Err(format!("its inputs of {bytes} bytes are more than {} (accept.max_input_bytes)", self.max_input_bytes));
        }
        let bytes = largest_output(spec);
        if bytes > self.max_output_bytes {
            return Err(format!(
                "its output may have {bytes} bytes, more than {} (accept.max_output_bytes): \
                 reserve less storage or memory",
                self.max_output_bytes
            ));
        }
        let session = spec.policy.longest_session;
        if session != 0 && session < self.min_session_s {
            return Err(format!(
                "its evidence is to be renewed every {session} s, less than {} (accept.min_session_s)",
                self.min_session_s
            ));
        }
        let Workload::Wasm { memory_mib, .. } = &spec.workload;
        if *memory_mib > self.max_memory_mib {
            return Err(format!("its memory of {memory_mib} MiB is more than {} (accept.max_memory_mib)", self.max_memory_mib));
        }
        let pay = largest_pay(spec, rate);
        if spec.cover > pay.saturating_mul(self.max_cover_factor.into()) {
            return Err(format!(
                "its cover of {} is more than {} times the {pay} that it pays at most (accept.max_cover_factor): ask for less cover, or lock more",
                spec.cover, self.max_cover_factor
            ));
        }
        Ok(())
    }
}

/// All sealed inputs of a job together.
fn input_bytes(spec: &JobSpec) -> u64 {
    spec.inputs.iter().fold(spec.manifest.bytes, |sum, blob| sum.saturating_add(blob.bytes))
}

/// What a job pays at most as it was placed: for the longest run, and no more than it has locked. A long run costs nothing to ask for.
fn largest_pay(spec: &JobSpec, rate: Balance) -> Balance {
    rate.saturating_mul(spec.longest_run.into()).min(spec.escrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;

    #[test]
    fn the_example_is_a_valid_configuration_with_the_default_limits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        std::fs::write(&path, Config::example(Path::new("data"), Path::new("/keys/provider.key"))).unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!(config.data, folder.path().join("data"));
        assert_eq!(config.key, Path::new("/keys/provider.key"));
        assert_eq!(config.accept.max_jobs, Accept::default().max_jobs);
        assert_eq!(config.accept.max_input_bytes, Accept::default().max_input_bytes);
        assert_eq!(config.accept.max_output_bytes, Accept::default().max_output_bytes);
        assert_eq!(config.accept.max_log_bytes, Accept::default().max_log_bytes);
        assert_eq!(config.accept.max_cover_factor, Accept::default().max_cover_factor);
        assert_eq!(config.run.max_launches, Run::default().max_launches);
        assert_eq!(config.run.settle_interval_s, Run::default().settle_interval_s);
        assert_eq!(config.run.keep_free_bytes, Run::default().keep_free_bytes);
        assert_eq!(config.guest_url(), "http://127.0.0.1:9940");
    }

    #[test]
    fn refuses_unknown_fields_and_limits_that_allow_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let example = Config::example(Path::new("data"), Path::new("key"));
        let wrong = [
            ("max_jobs = 16", "max_jobs = 0"),
            ("max_launches = 5", "max_launches = 0"),
            ("max_jobs = 16", "max_job = 16"),
            ("# [rounds]", "[rounds]\naggregator = 0"),
            ("# [rounds]", "[rounds]\naggregator = 0\nurl = \"127.0.0.1:9960\""),
            ("# [rounds]", "[rounds]\naggregator = 0\nurl = \"file:///tmp\""),
        ];
        for (from, to) in wrong {
            assert!(example.contains(from));
            std::fs::write(&path, example.replace(from, to)).unwrap();
            assert!(Config::read(&path).is_err(), "{to}");
        }
        let commented = example.replace("# [rounds]", "[rounds]").replace("# aggregator =", "aggregator =").replace("# url =", "url =");
        std::fs::write(&path, commented).unwrap();
        let rounds = Config::read(&path).unwrap().rounds.unwrap();
        assert_eq!((rounds.aggregator, rounds.url.as_str()), (AggregatorId(0), "http://127.0.0.1:9960"));
    }

    #[test]
    fn simulated_hardware_and_a_simulator_go_together() {
        let tee = |simulator: Option<&str>, tee| {
            DriverConfig::Process { guest: "guest".into(), simulator: simulator.map(str::to_owned), tee }.tee().ok()
        };
        assert_eq!((tee(None, None), tee(Some("url"), None)), (Some(Tee::SevSnp), Some(Tee::Simulated)));
        assert_eq!((tee(None, Some(Tee::Tdx)), tee(Some("url"), Some(Tee::SimulatedTdx))), (Some(Tee::Tdx), Some(Tee::SimulatedTdx)));
        assert_eq!((tee(None, Some(Tee::Simulated)), tee(Some("url"), Some(Tee::Tdx))), (None, None));
    }

    #[test]
    fn judges_each_limit_on_its_own() {
        let spec = spec();
        let largest = largest_output(&spec);
        let accept = Accept {
            max_jobs: 2,
            min_rate: 10,
            max_input_bytes: 300,
            max_output_bytes: largest,
            max_memory_mib: 64,
            max_log_bytes: 0,
            max_cover_factor: 1,
            min_session_s: 60,
        };
        let mut impatient = spec.clone();
        impatient.policy.longest_session = 59;
        assert!(accept.judge(&impatient, 10, 1).unwrap_err().contains("min_session_s"));
        impatient.policy.longest_session = 60;
        assert_eq!(accept.judge(&impatient, 10, 1), Ok(()));
        assert_eq!(accept.judge(&spec, 10, 1), Ok(()));
        assert!(accept.judge(&spec, 10, 2).unwrap_err().contains("max_jobs"));
        assert!(accept.judge(&spec, 9, 1).unwrap_err().contains("min_rate"));
        assert!(Accept { max_input_bytes: 2, ..accept.clone() }.judge(&spec, 10, 1).unwrap_err().contains("max_input_bytes"));
        assert!(Accept { max_output_bytes: largest - 1, ..accept.clone() }.judge(&spec, 10, 1).unwrap_err().contains("max_output_bytes"));
        assert!(Accept { max_memory_mib: 63, ..accept.clone() }.judge(&spec, 10, 1).unwrap_err().contains("max_memory_mib"));
        assert!(Accept { max_cover_factor: 0, ..accept }.judge(&spec, 10, 1).unwrap_err().contains("max_cover_factor"));
    }

    #[test]
    fn a_cover_is_bounded_by_what_the_job_pays() {
        // 60 s at 10 a second, and 6,000 locked.
        let accept = Accept { max_cover_factor: 3, ..Accept::default() };
        let judge = |cover, escrow, longest_run| accept.judge(&JobSpec { cover, escrow, longest_run, ..spec() }, 10, 0);
        assert_eq!(judge(1_800, 6_000, 60), Ok(()));
        assert!(judge(1_801, 6_000, 60).unwrap_err().contains("max_cover_factor"));
        // A long run that is not paid for buys no cover.
        assert!(judge(1_800, 599, 6_000).unwrap_err().contains("max_cover_factor"));
        assert_eq!(judge(0, 0, 0), Ok(()));
    }
}
