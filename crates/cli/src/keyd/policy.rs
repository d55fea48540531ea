//! The configuration, and the company's policy for releases. An empty list is nobody: every list must name somebody.

use crate::{
    context::account,
    fault::{as_usage, usage},
    keys::Protection,
    verdict::Verdict,
};
use anyhow::{Context as _, Result, ensure};
use blockcloud_primitives::{AccountId, Digest, JobSpec, JobView, Measurement, Measurements, Tee};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The whole file. Paths are relative to its folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// WebSocket URL of a node.
    pub node: String,
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// A file with the daemon's own key, whose account acts for the customers as `security`.
    pub key: PathBuf,
    /// The folder with job keys and sealed files, where jobs are placed from.
    pub home: PathBuf,
    /// A folder for requests, approvals and the audit log.
    pub state: PathBuf,
    /// Seconds to wait for an answer of node or agent.
    #[serde(default = "timeout")]
    timeout_s: u64,
    /// How data keys lie in `home`.
    #[serde(default)]
    pub keys: Protection,
    /// What must hold.
    pub policy: Policy,
    /// BLAKE3 of the whole file.
    #[serde(skip, default = "unread")]
    pub digest: Digest,
}

fn unread() -> Digest {
    Digest::ZERO
}

fn timeout() -> u64 {
    30
}

/// What must hold before a key is released, besides all that the job's own policy demands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Whose jobs.
    #[serde(deserialize_with = "accounts")]
    pub customers: Vec<AccountId>,
    /// On which hardware.
    tees: Vec<Tee>,
    /// Which guests. A job that leaves its guest to the council or to publishers is refused: that would be a node's word.
    measurements: Vec<Measurement>,
    /// At which providers; absent, wherever the job's policy allows.
    #[serde(default, deserialize_with = "some_accounts")]
    providers: Option<Vec<AccountId>>,
    /// The vendor's root certificate (DER) to believe, and no other; absent, the vendors' own.
    pub root: Option<PathBuf>,
    /// To how many guests of one job: a guest that dies before its first checkpoint is replaced.
    #[serde(default = "releases")]
    releases_per_job: usize,
    /// How many of the officers must approve each release. Zero: none.
    pub approvals: usize,
    /// The security officers. Each must also act for the customer as `security` on chain at that moment, so that dismissing one there is enough.
    #[serde(default, deserialize_with = "accounts")]
    pub officers: Vec<AccountId>,
    /// Longest time ahead for which an approval counts.
    #[serde(default = "approval")]
    approval_lasts_s: u64,
}

fn releases() -> usize {
    3
}

fn approval() -> u64 {
    3600
}

fn accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AccountId>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| account(text).map_err(D::Error::custom)).collect()
}

fn some_accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<AccountId>>, D::Error> {
    accounts(deserializer).map(Some)
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())).map_err(as_usage)?;
        let config: Self = toml::from_str(&text).with_context(|| format!("{} cannot be used", path.display())).map_err(as_usage)?;
        config.policy.consistent().with_context(|| format!("{} cannot be used", path.display())).map_err(as_usage)?;
        if !config.keys.opens() {
            return Err(usage(format!(
                "{} says how keys are sealed, not how they are opened: name the identity or the token",
                path.display()
            )));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            key: folder.join(config.key),
            home: folder.join(config.home),
            state: folder.join(config.state),
            keys: config.keys.within(folder),
            policy: Policy { root: config.policy.root.map(|root| folder.join(root)), ..config.policy },
            digest: Digest::of(text.as_bytes()),
            ..config
        })
    }

    /// How long to wait for one answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Where requests are put.
    pub fn requests(&self) -> PathBuf {
        self.state.join("requests")
    }

    /// Where approvals are found.
    pub fn approvals(&self) -> PathBuf {
        self.state.join("approvals")
    }

    /// The audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.state.join("audit.jsonl")
    }
}

impl Policy {
    fn consistent(&self) -> Result<()> {
        ensure!(!self.customers.is_empty(), "policy.customers names nobody, so that no key would ever be released");
        ensure!(!self.tees.is_empty(), "policy.tees names no hardware, so that no key would ever be released");
        ensure!(!self.measurements.is_empty(), "policy.measurements names no guest, so that no key would ever be released");
        ensure!(self.releases_per_job > 0, "policy.releases_per_job is zero, so that no key would ever be released");
        let mut officers = self.officers.clone();
        officers.sort_unstable();
        officers.dedup();
        ensure!(officers.len() == self.officers.len(), "policy.officers names somebody twice");
        ensure!(
            self.approvals <= officers.len(),
            "policy.approvals asks for {} of {} officers: name more of them in policy.officers",
            self.approvals,
            officers.len()
        );
        Ok(())
    }

    /// Milliseconds ahead for which an approval counts at most.
    pub fn approval_lasts(&self) -> u64 {
        self.approval_lasts_s.saturating_mul(1000)
    }

    /// Judges a release: `spec` as the customer agreed to it, `others` the number of other guests that this job's key was released to.
    pub fn judge(&self, view: &JobView, spec: &JobSpec, tee: Tee, others: usize, verdict: &mut Verdict) {
        verdict.check("the company's policy knows the customer", self.customers.contains(&view.customer), view.customer.to_string());
        verdict.check(
            "the company's policy admits this hardware",
            self.tees.contains(&tee),
            format!("{tee:?}, admitted are {:?}", self.tees),
        );
        // The evidence was judged by the spec: what it names is what the guest is.
        let known = match &spec.policy.measurements {
            Measurements::Only(list) => !list.is_empty() && list.iter().all(|measurement| self.measurements.contains(measurement)),
            Measurements::Approved | Measurements::Publishers(_) => false,
        };
        let found = match &spec.policy.measurements {
            Measurements::Only(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Measurements::Approved => "the job leaves its guest to the council: place it with the guests that you trust".into(),
            Measurements::Publishers(_) => "the job leaves its guest to publishers: place it with the guests that you trust".into(),
        };
        verdict.check("the company's policy admits every guest that the job names", known, found);
        let admitted = self.providers.as_ref().is_none_or(|providers| providers.contains(&view.provider));
        verdict.check("the company's policy admits this provider", admitted, view.provider.to_string());
        verdict.check(
            "the key was not released too often",
            others < self.releases_per_job,
            format!("to {others} other guests of this job, of at most {}", self.releases_per_job),
        );
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::commands::evidence::tests::{GUEST, failures, job};

    const FILE: &str = r#"
        node = "ws://127.0.0.1:9944"
        genesis = "0x0303030303030303030303030303030303030303030303030303030303030303"
        key = "keyd.key"
        home = "../home"
        state = "state"

        [policy]
        customers = ["0x0101010101010101010101010101010101010101010101010101010101010101"]
        tees = ["simulated"]
        measurements = ["MEASUREMENT"]
        approvals = 1
        officers = ["//Ferdie"]
    "#;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyd.toml");
        fs::write(&path, text.replace("MEASUREMENT", &format!("0x{}", hex::encode(GUEST)))).unwrap();
        Config::read(&path)
    }

    pub fn policy() -> Policy {
        read(FILE).unwrap().policy
    }

    fn failing(policy: &Policy, spec: impl Fn(&mut JobSpec), view: impl Fn(&mut JobView), tee: Tee, others: usize) -> Vec<&'static str> {
        let mut job = job();
        let mut agreed = job.spec.clone();
        spec(&mut agreed);
        view(&mut job);
        let mut verdict = Verdict::default();
        policy.judge(&job, &agreed, tee, others, &mut verdict);
        failures(verdict)
    }

    #[test]
    fn what_is_as_the_policy_wants_holds() {
        assert!(failing(&policy(), |_| (), |_| (), Tee::Simulated, 2).is_empty());
    }

    #[test]
    fn each_demand_fails_by_itself() {
        let policy = policy();
        let nothing = |_: &mut JobView| ();
        assert_eq!(
            failing(&policy, |_| (), |view| view.customer = AccountId([9; 32]), Tee::Simulated, 0),
            ["the company's policy knows the customer"]
        );
        assert_eq!(failing(&policy, |_| (), nothing, Tee::SevSnp, 0), ["the company's policy admits this hardware"]);
        let guests = ["the company's policy admits every guest that the job names"];
        let both = Measurements::Only(vec![Measurement(GUEST), Measurement([8; 48])].try_into().unwrap());
        for measurements in
            [both, Measurements::Only(Default::default()), Measurements::Approved, Measurements::Publishers(Default::default())]
        {
            assert_eq!(failing(&policy, |spec| spec.policy.measurements = measurements.clone(), nothing, Tee::Simulated, 0), guests);
        }
        assert_eq!(failing(&policy, |_| (), nothing, Tee::Simulated, 3), ["the key was not released too often"]);
        let elsewhere = Policy { providers: Some(vec![AccountId([7; 32])]), ..policy };
        assert_eq!(failing(&elsewhere, |_| (), nothing, Tee::Simulated, 0), ["the company's policy admits this provider"]);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = read(FILE).unwrap();
        assert!(config.state.is_absolute() && config.state.ends_with("state") && config.home.ends_with("../home"));
        assert_eq!((config.keys, config.policy.approval_lasts()), (Protection::default(), 3_600_000));
    }

    #[test]
    fn a_file_that_would_release_nothing_or_means_something_else_is_refused() {
        let cases = [
            ("tees = [\"simulated\"]", "tees = []", "names no hardware"),
            ("measurements = [\"MEASUREMENT\"]", "measurements = []", "names no guest"),
            ("customers = [\"0x0101010101010101010101010101010101010101010101010101010101010101\"]", "customers = []", "names nobody"),
            ("approvals = 1", "approvals = 2", "asks for 2 of 1 officers"),
            ("officers = [\"//Ferdie\"]", "officers = [\"//Ferdie\", \"//Ferdie\"]", "twice"),
            ("approvals = 1", "", "missing field `approvals`"),
            ("approvals = 1", "approvals = 1\nreleases_per_job = 0", "is zero"),
            ("approvals = 1", "approvals = 1\nsuperuser = true", "unknown field"),
            ("[policy]", "[keys]\nkind = \"age\"\nrecipients = [\"age1\"]\n[policy]", "not how they are opened"),
            ("[policy]", "[keys]\nkind = \"file\"\nidentity = \"a\"\n[policy]", "unknown field"),
            ("[policy]", "[keys]\nkind = \"age\"\nidentiy = \"a\"\n[policy]", "unknown field"),
        ];
        for (from, to, said) in cases {
            assert!(FILE.contains(from));
            let error = read(&FILE.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains(said), "{from} -> {to}: {error:#}");
            assert_eq!(crate::fault::exit_code(&error), 2);
        }
    }
}
