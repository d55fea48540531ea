//! A tree of aggregators under load while they are killed, for as long as one likes: `tests/aggregator/soak.rs` says what is done and checked.
//!
//! ```text
//! cargo build -p blockcloud-aggregator --bins --examples
//! target/debug/examples/soak [--guests 1000] [--seconds 300] [--seed N] [--parts 4] [--ingest embedded|nats] [--dir FOLDER]
//! ```
//!
//! With `--ingest nats` (built with `--features nats`) guests publish into a stream of a NATS server, which is killed, too; `nats-server` must be installed.
//! The report is on stdout. It ends with status 101 and says why where a promise does not hold.

use anyhow::Context as _;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[path = "../tests/aggregator/soak.rs"]
mod soak;
#[cfg(feature = "nats")]
#[path = "../tests/aggregator/stream.rs"]
mod stream;
#[path = "../tests/aggregator/support.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

fn main() -> anyhow::Result<()> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let mut options = soak::Options {
        guests: 1_000,
        parts: 4,
        seed: u64::from(since.subsec_nanos()),
        least: (Duration::from_secs(300), 1),
        beat: Duration::from_secs(1),
        batch: 25,
        interval_ms: 1_000,
        pauses: (Duration::from_secs(5), Duration::from_secs(2)),
    };
    let mut dir: Option<PathBuf> = None;
    let mut ingest = "embedded".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--guests" => options.guests = value.parse()?,
            "--seconds" => options.least.0 = Duration::from_secs(value.parse()?),
            "--seed" => options.seed = value.parse()?,
            "--parts" => options.parts = value.parse()?,
            "--ingest" => ingest = value,
            "--dir" => dir = Some(value.into()),
            _ => anyhow::bail!("unknown option {name}"),
        }
    }
    println!("seed                     {}", options.seed);
    println!("guests / parts / ingest  {} / {} / {ingest}", options.guests, options.parts);
    let temporary = tempfile::tempdir()?;
    let folder = dir.unwrap_or_else(|| temporary.path().into());
    std::fs::create_dir_all(&folder)?;
    let report = tokio::runtime::Runtime::new()?.block_on(soak::soak(&folder, &options, front(&ingest, &folder)?));
    println!("{report}");
    Ok(())
}

fn front(ingest: &str, _folder: &Path) -> anyhow::Result<Option<Box<dyn soak::Front>>> {
    match ingest {
        "embedded" => Ok(None),
        #[cfg(feature = "nats")]
        "nats" => Ok(Some(Box::new(stream::Server::new(_folder.join("nats")).context("nats-server is not installed")?))),
        _ => anyhow::bail!("ingest through {ingest} is not known here, or not built in"),
    }
}
