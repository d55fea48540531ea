//! The aggregator's configuration file (TOML), and the commented example that `init` writes.
//!
//! What stands here is where things are, what this aggregator collects, and to whom its rounds go. Not here: who may fill which slot (`sources`).

use crate::Part;
use anyhow::{Context as _, ensure};
use blockcloud_primitives::{AggregatorId, Digest, PublicKey, Round};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// The example file.
const EXAMPLE: &str = include_str!("../aggregator.example.toml");

/// The configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Genesis hash of the chain.
    pub genesis: Digest,
    /// The registered aggregator at the top of the tree.
    pub aggregator: AggregatorId,
    /// File with this aggregator's ed25519 key.
    pub key: PathBuf,
    /// Where sources, children and readers reach it.
    pub listen: SocketAddr,
    /// Folder for everything that must survive.
    pub data: PathBuf,
    /// File with the sources and children.
    pub sources: PathBuf,
    /// The chain, if it is asked for sources or takes the rounds.
    pub chain: Option<ChainConfig>,
    /// What it collects.
    pub tree: TreeConfig,
    /// When rounds are closed, and how long they are kept.
    #[serde(default)]
    pub rounds: RoundsConfig,
    /// Where rounds go.
    pub upstream: UpstreamConfig,
    /// How checkpoints come in.
    #[serde(default)]
    pub ingest: IngestConfig,
    /// What others are granted, and what is demanded of them.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// A node of the chain, and what it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// Its WebSocket URL.
    pub node: String,
    /// File with the key of the account that pays for rounds: needed where they go to the chain.
    pub account: Option<PathBuf>,
    /// Whether sources are those that the chain has registered.
    #[serde(default)]
    pub sources: bool,
}

/// What an aggregator collects.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeConfig {
    /// Height of the whole tree: it has 2^height slots.
    pub height: u8,
    /// The part of it that is collected here; absent at the top, which collects all.
    pub part: Option<Part>,
    /// The key of the aggregator at the top: needed below it, to verify what comes back.
    pub top_key: Option<PublicKey>,
}

/// When rounds are closed, and how long they are kept.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoundsConfig {
    /// Time from one round to the next, in milliseconds, when something came in.
    pub interval_ms: u64,
    /// A round is closed at once when it holds so many new checkpoints and branches.
    pub max_checkpoints: u64,
    /// A round is closed after so many seconds even if nothing came in.
    pub idle_s: u64,
    /// Rounds whose files are kept, so that paths can be asked for.
    pub keep: u64,
    /// Rounds that may wait for upstream. Beyond that none is closed: what comes in waits in the queue and goes into the next.
    pub max_unacknowledged: u64,
}

impl Default for RoundsConfig {
    fn default() -> Self {
        Self { interval_ms: 1_000, max_checkpoints: 1_000_000, idle_s: 60, keep: 600, max_unacknowledged: 120 }
    }
}

impl RoundsConfig {
    /// See [`RoundsConfig::interval_ms`].
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// See [`RoundsConfig::idle_s`].
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s)
    }
}

/// Where rounds go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub enum UpstreamConfig {
    /// To the aggregator above, which takes this one's branches.
    Parent {
        /// Its base URL.
        url: String,
    },
    /// To the chain, through the node in `chain`.
    Chain,
    /// Into a folder, as one JSON file each: for whoever brings them further.
    Directory {
        /// The folder.
        path: PathBuf,
    },
}

/// How checkpoints come in. Over HTTP they do in any case, and branches in no other way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub enum IngestConfig {
    /// Over HTTP only, into the queue in the data folder.
    #[default]
    Embedded,
    /// Out of a stream of NATS JetStream as well, into the same queue.
    Nats(NatsConfig),
}

/// A stream of NATS JetStream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// URLs of the servers.
    pub urls: Vec<String>,
    /// Name of the stream; it is made if it is missing.
    #[serde(default = "NatsConfig::default_stream")]
    pub stream: String,
    /// How the subjects of the stream begin: what is for this aggregator follows as base and height of its part.
    #[serde(default = "NatsConfig::default_subject")]
    pub subject: String,
    /// File with the credentials.
    pub credentials: Option<PathBuf>,
    /// Servers that each have a copy of the stream, where it is made here.
    #[serde(default = "NatsConfig::default_replicas")]
    pub replicas: usize,
    /// How long the stream keeps what nobody took, in seconds, where it is made here.
    #[serde(default = "NatsConfig::default_max_age_s")]
    pub max_age_s: u64,
    /// Most bytes in the stream, where it is made here. Publishers are refused beyond that.
    #[serde(default = "NatsConfig::default_max_bytes")]
    pub max_bytes: u64,
}

impl NatsConfig {
    fn default_stream() -> String {
        "BLOCKCLOUD".into()
    }

    fn default_subject() -> String {
        "blockcloud.checkpoints".into()
    }

    const fn default_replicas() -> usize {
        1
    }

    const fn default_max_age_s() -> u64 {
        7 * 86_400
    }

    const fn default_max_bytes() -> u64 {
        8 << 30
    }
}

/// What others are granted, and what is demanded of them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Most connections at a time.
    pub connections: usize,
    /// Most questions of readers that are worked on at a time.
    pub reads: usize,
    /// Largest body, in bytes.
    pub body_bytes: usize,
    /// Most checkpoints or branches in one request.
    pub batch: usize,
    /// Bytes of bodies that are worked on at a time. Whoever comes beyond that is told to come again.
    pub in_flight_bytes: usize,
    /// How long a connection may be without a request, a body without a byte, an answer without being taken; in seconds.
    pub idle_s: u64,
    /// How far ahead of this machine's clock a signer's may be, in milliseconds.
    pub max_ahead_ms: u64,
    /// Whether a checkpoint that does not name the last one as the one before it needs a consistency proof.
    pub require_proof: bool,
    /// Room on the disk that is to stay free, in bytes. Nothing is taken while there is less.
    pub keep_free_bytes: u64,
    /// Threads that verify signatures; 0: one for each processor.
    pub verify_threads: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 4_096,
            reads: 256,
            body_bytes: 4 << 20,
            batch: 4_096,
            in_flight_bytes: 64 << 20,
            idle_s: 30,
            max_ahead_ms: 30_000,
            require_proof: false,
            keep_free_bytes: 1 << 30,
            verify_threads: 0,
        }
    }
}

impl LimitsConfig {
    /// Number of threads that verify.
    pub fn threads(&self) -> usize {
        match self.verify_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

impl Config {
    /// Reads the file. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read or understood, or something in it allows nothing.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in [&mut config.key, &mut config.data, &mut config.sources] {
            *path = folder.join(&*path);
        }
        if let Some(account) = config.chain.as_mut().and_then(|chain| chain.account.as_mut()) {
            *account = folder.join(&*account);
        }
        if let UpstreamConfig::Directory { path } = &mut config.upstream {
            *path = folder.join(&*path);
        }
        if let IngestConfig::Nats(NatsConfig { credentials: Some(path), .. }) = &mut config.ingest {
            *path = folder.join(&*path);
        }
        config.check()?;
        Ok(config)
    }

    /// Whether the parts fit together.
    ///
    /// # Errors
    /// What does not, and what to write instead.
    pub fn check(&self) -> anyhow::Result<()> {
        let TreeConfig { height, part, top_key } = self.tree;
        ensure!(height <= Round::MAX_HEIGHT, "tree.height is {height}; a tree has at most {} levels", Round::MAX_HEIGHT);
        if let Some(part) = part {
            let whole = Part { base: 0, height };
            ensure!(part.is_aligned(), "tree.part: its base must be a multiple of 2^height");
            ensure!(part.height < height && whole.has(part.base), "tree.part must be a smaller part of the tree");
            ensure!(top_key.is_some(), "tree.top_key is missing: below the top it verifies what comes back");
            ensure!(
                matches!(self.upstream, UpstreamConfig::Parent { .. }),
                "upstream.kind must be \"parent\" below the top: without one no path leads to a round"
            );
        } else {
            ensure!(
                !matches!(self.upstream, UpstreamConfig::Parent { .. }),
                "upstream.kind is \"parent\" and tree.part is missing: say which part is collected here"
            );
        }
        if matches!(self.upstream, UpstreamConfig::Chain) {
            let account = self.chain.as_ref().and_then(|chain| chain.account.as_ref());
            ensure!(account.is_some(), "upstream.kind is \"chain\": name a node and the account that pays, chain.node and chain.account");
        }
        if let IngestConfig::Nats(nats) = &self.ingest {
            ensure!(
                cfg!(feature = "nats"),
                "ingest.kind is \"nats\", and this program was built without it: build it with --features nats"
            );
            ensure!(!nats.urls.is_empty(), "ingest.urls is empty: name a server");
            let plain = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            ensure!(plain(&nats.stream), "ingest.stream must be of letters, digits, - and _");
            ensure!(nats.subject.split('.').all(plain), "ingest.subject must be of letters, digits, - and _, in parts with dots between");
            ensure!((1..=5).contains(&nats.replicas), "ingest.replicas must be from 1 to 5");
            ensure!(nats.max_bytes > 0 && nats.max_age_s > 0, "ingest.max_bytes and ingest.max_age_s must be more than 0");
        }
        ensure!(self.rounds.interval_ms > 0, "rounds.interval_ms is 0: rounds would never end");
        ensure!(self.rounds.max_checkpoints > 0, "rounds.max_checkpoints is 0: rounds would never fill");
        ensure!(self.rounds.max_unacknowledged > 0, "rounds.max_unacknowledged is 0: no round would be closed");
        ensure!(self.rounds.keep > 0, "rounds.keep is 0: no path could be proved");
        let limits = &self.limits;
        ensure!(limits.connections > 0 && limits.reads > 0, "limits.connections and limits.reads must be more than 0");
        ensure!(limits.batch > 0 && limits.batch <= 8_192, "limits.batch must be from 1 to 8192");
        ensure!(
            limits.body_bytes > 0 && limits.body_bytes <= limits.in_flight_bytes && limits.in_flight_bytes <= 1 << 30,
            "limits.body_bytes must be more than 0, at most limits.in_flight_bytes, and that at most 1 GiB"
        );
        Ok(())
    }

    /// What this aggregator collects.
    pub fn part(&self) -> Part {
        self.tree.part.unwrap_or(Part { base: 0, height: self.tree.height })
    }

    /// The example file.
    pub fn example() -> &'static str {
        EXAMPLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("aggregator.toml");
        std::fs::write(&path, text)?;
        Config::read(&path)
    }

    #[test]
    fn the_example_is_a_valid_configuration_with_the_default_limits() {
        let config = written(Config::example()).unwrap();
        let (rounds, limits) = (RoundsConfig::default(), LimitsConfig::default());
        assert_eq!(format!("{:?}", config.rounds), format!("{rounds:?}"));
        assert_eq!(format!("{:?}", config.limits), format!("{limits:?}"));
        assert_eq!(config.part(), Part { base: 0, height: 20 });
        assert!(matches!(config.upstream, UpstreamConfig::Directory { .. }));
    }

    #[test]
    fn refuses_unknown_fields_limits_that_allow_nothing_and_parts_that_do_not_fit() {
        let example = Config::example();
        let part = "height = 20\npart = { base = 1024, height = 10 }\ntop_key = \"0x0000000000000000000000000000000000000000000000000000000000000000\"";
        let parent = "kind = \"parent\"\nurl = \"http://127.0.0.1:1\"";
        let directory = "kind = \"directory\"\npath = \"rounds-out\"";
        assert!(example.contains(directory));
        let below = example.replace("height = 20", part).replace(directory, parent);
        assert_eq!(written(&below).unwrap().part(), Part { base: 1024, height: 10 });
        for (from, to) in [
            ("interval_ms = 1000", "interval_ms = 0"),
            ("interval_ms = 1000", "interval = 1000"),
            ("max_checkpoints = 1000000", "max_checkpoints = 0"),
            ("max_unacknowledged = 120", "max_unacknowledged = 0"),
            ("keep = 600", "keep = 0"),
            ("connections = 4096", "connections = 0"),
            ("batch = 4096", "batch = 8193"),
            ("body_bytes = 4194304", "body_bytes = 0"),
            ("height = 20", "height = 31"),
            (directory, parent),
            ("height = 20", part),
        ] {
            assert!(example.contains(from), "{from}");
            assert!(written(&example.replace(from, to)).is_err(), "{to}");
        }
        let embedded = "kind = \"embedded\"";
        assert!(example.contains(embedded));
        let nats = |settings: &str| written(&example.replace(embedded, &format!("kind = \"nats\"\n{settings}")));
        let config = nats("urls = [\"nats://127.0.0.1:4222\"]\ncredentials = \"nats.creds\"");
        assert_eq!(config.is_ok(), cfg!(feature = "nats"), "{config:?}");
        for bad in
            ["", "urls = []", "urls = [\"a\"]\nsubject = \"a.*\"", "urls = [\"a\"]\nstream = \"a.b\"", "urls = [\"a\"]\nreplicas = 0"]
        {
            assert!(nats(bad).is_err(), "{bad}");
        }
        for (from, to) in
            [("base = 1024", "base = 1000"), ("base = 1024", "base = 1048576"), ("height = 10", "height = 20"), ("top_key", "# ")]
        {
            assert!(written(&below.replace(from, to)).is_err(), "{to}");
        }
    }
}
