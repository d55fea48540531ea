//! Load for an aggregator on this host: N sources whose checkpoints were signed beforehand, sent over loopback HTTP in batches; or N aggregators below it
//! and their branches.
//!
//! ```text
//! cargo run --release -p blockcloud-aggregator --example load -- \
//!     [--sources 20000] [--seconds 20] [--batch 200] [--connections 8] [--json] [--branches] [--dir FOLDER] [--verify-threads N]
//! ```
//!
//! Starts the aggregator inside this process, on the same processors as the load, so that its figures are a lower bound. Not a test: nothing here judges.

use blockcloud_aggregator::{
    Child, FileSources, Outcome, Part, Statement,
    config::{Config, IngestConfig, LimitsConfig, RoundsConfig, TreeConfig, UpstreamConfig},
    run_with,
    sources::SourcesFile,
    verify,
};
use blockcloud_client::{Scheme, Signer};
use blockcloud_primitives::{AggregatorId, Branch, Digest};
use codec::{Decode as _, Encode as _};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use support::{GENESIS, Guest, STEP, cpu_seconds, delivered};

#[path = "../tests/aggregator/support.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

/// Height of the tree over sources, and over aggregators below; height of the part of each of these.
const HEIGHTS: [u8; 3] = [20, 30, 10];

struct Options {
    sources: u32,
    seconds: u64,
    batch: usize,
    connections: usize,
    json: bool,
    branches: bool,
    verify_threads: usize,
    dir: Option<PathBuf>,
}

fn options() -> anyhow::Result<Options> {
    let mut options =
        Options { sources: 20_000, seconds: 20, batch: 200, connections: 8, json: false, branches: false, verify_threads: 0, dir: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow::anyhow!("{name} needs a value"));
        match name.as_str() {
            "--sources" => options.sources = value()?.parse()?,
            "--seconds" => options.seconds = value()?.parse()?,
            "--batch" => options.batch = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--verify-threads" => options.verify_threads = value()?.parse()?,
            "--dir" => options.dir = Some(value()?.into()),
            "--json" => options.json = true,
            "--branches" => options.branches = true,
            _ => anyhow::bail!("unknown option {name}"),
        }
    }
    Ok(options)
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("warn").init();
    let options = options()?;
    let turns = options.seconds * 60_000 / u64::from(options.sources) + 1;
    eprintln!("signing {} checkpoints of {} sources", turns * u64::from(options.sources), options.sources);
    let bodies = sign(&options, turns);
    signatures();
    let runtime = tokio::runtime::Runtime::new()?;
    let temporary = tempfile::tempdir()?;
    let folder = options.dir.clone().unwrap_or_else(|| temporary.path().into());
    std::fs::create_dir_all(&folder)?;
    runtime.block_on(run(&options, folder, bodies))
}

/// What verifying costs by itself, on one thread.
fn signatures() {
    let items: Vec<_> = (0..4_096)
        .map(|slot| {
            let guest = Guest::new(slot);
            let submission = guest.submission(1);
            (guest.source().key, submission.signature, submission.checkpoint.signing_payload(&GENESIS))
        })
        .collect();
    let each = |begun: f64| (cpu_seconds(std::process::id()) - begun) * 1e6 / items.len() as f64 / 8.0;
    let begun = cpu_seconds(std::process::id());
    let good = (0..8).all(|_| verify::many(&items).iter().all(|good| *good));
    let batched = each(begun);
    let begun = cpu_seconds(std::process::id());
    let good = good && (0..8).all(|_| items.iter().all(|(key, signature, message)| verify::single(key, signature, message)));
    println!("verify, batched / single {batched:.1} / {:.1} us of one core, all good: {good}", each(begun));
}

/// The branch of a turn of the aggregator below that signs with a guest's key.
fn branch(guest: &Guest, turn: u64) -> Branch {
    let (number, height) = (turn - 1, HEIGHTS[2]);
    let root = Digest::of(&(guest.slot, turn).encode());
    let time = 1_700_000_000_000 + turn;
    Branch {
        version: Branch::VERSION,
        aggregator: AggregatorId(1),
        number,
        base: guest.slot << height,
        height,
        root,
        filled: 1 << height,
        receipts: STEP,
        time,
    }
}

/// Bodies by turn: every source once, in batches.
fn sign(options: &Options, turns: u64) -> Vec<Vec<Vec<u8>>> {
    let guests: Vec<Guest> = (0..options.sources).map(Guest::new).collect();
    let guests = &guests;
    let body = |chunk: &[Guest], turn: u64| match (options.branches, options.json) {
        (true, false) => chunk.iter().map(|guest| guest.sign_branch(branch(guest, turn))).collect::<Vec<_>>().encode(),
        (true, true) => {
            serde_json::to_vec(&chunk.iter().map(|guest| guest.sign_branch(branch(guest, turn))).collect::<Vec<_>>()).unwrap_or_default()
        }
        (false, false) => chunk.iter().map(|guest| guest.submission(turn)).collect::<Vec<_>>().encode(),
        (false, true) => serde_json::to_vec(&chunk.iter().map(|guest| guest.submission(turn)).collect::<Vec<_>>()).unwrap_or_default(),
    };
    let body = &body;
    let one = move |turn: u64| -> Vec<Vec<u8>> { guests.chunks(options.batch).map(|chunk| body(chunk, turn)).collect() };
    let half = turns / 2;
    std::thread::scope(|scope| {
        let first = scope.spawn(move || (1..=half).map(one).collect::<Vec<_>>());
        let second: Vec<_> = (half + 1..=turns).map(one).collect();
        let mut all = first.join().unwrap_or_default();
        all.extend(second);
        all
    })
}

async fn run(options: &Options, folder: PathBuf, bodies: Vec<Vec<Vec<u8>>>) -> anyhow::Result<()> {
    let height = HEIGHTS[usize::from(options.branches)];
    let guests = (0..options.sources).map(Guest::new);
    let file = if options.branches {
        let child = |guest: Guest| Child { base: guest.slot << HEIGHTS[2], height: HEIGHTS[2], key: guest.source().key, first: 0 };
        SourcesFile { sources: vec![], children: guests.map(child).collect() }
    } else {
        SourcesFile { sources: guests.map(|guest| guest.source()).collect(), children: vec![] }
    };
    std::fs::write(folder.join("sources.toml"), toml::to_string(&file)?)?;
    Signer::create(&folder.join("key"), Scheme::Ed25519)?;
    let config = Config {
        genesis: GENESIS,
        aggregator: AggregatorId(1),
        key: folder.join("key"),
        listen: ([127, 0, 0, 1], 0).into(),
        data: folder.join("data"),
        sources: folder.join("sources.toml"),
        chain: None,
        tree: TreeConfig { height, part: None, top_key: None },
        rounds: RoundsConfig { keep: 5, ..RoundsConfig::default() },
        upstream: UpstreamConfig::Directory { path: folder.join("out") },
        ingest: IngestConfig::Embedded,
        limits: LimitsConfig { verify_threads: options.verify_threads, ..LimitsConfig::default() },
    };
    let part = Part { base: 0, height };
    let listener = tokio::net::TcpListener::bind(config.listen).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let sources = FileSources::new(&config.sources, part);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(run_with(config, Box::new(sources), listener, Arc::new(|_| ()), async {
        let _ = stopped.await;
    }));

    let (accepted, refused, sent_bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let over = Arc::new(AtomicBool::new(false));
    let bodies = Arc::new(bodies);
    let client = reqwest::Client::new();
    let route = if options.branches { "/v1/branches" } else { "/v1/checkpoints" };
    let content = if options.json { "application/json" } else { "application/octet-stream" };
    // Once the aggregator answers, the clock runs.
    while client.get(format!("{url}/v1/health")).send().await.is_err() {
        tokio::task::yield_now().await;
    }
    let (begun, cpu) = (Instant::now(), cpu_seconds(std::process::id()));
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..options.connections {
        let (bodies, client, url, over) = (bodies.clone(), client.clone(), url.clone(), over.clone());
        let (accepted, refused, sent_bytes) = (accepted.clone(), refused.clone(), sent_bytes.clone());
        let (connections, json) = (options.connections, options.json);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            'all: for turn in bodies.iter() {
                // A source's checkpoints go over one connection, in order.
                for body in turn.iter().skip(connection).step_by(connections) {
                    if over.load(Ordering::Relaxed) {
                        break 'all;
                    }
                    let asked = Instant::now();
                    let request = client.post(format!("{url}{route}")).header("content-type", content).body(body.clone());
                    let Ok(response) = request.send().await else { break 'all };
                    let Ok(answer) = response.bytes().await else { break 'all };
                    waits.push(asked.elapsed());
                    sent_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                    let outcomes: Vec<Outcome> = if json {
                        serde_json::from_slice(&answer).unwrap_or_default()
                    } else {
                        Vec::decode(&mut &answer[..]).unwrap_or_default()
                    };
                    let good = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Accepted { .. })).count() as u64;
                    accepted.fetch_add(good, Ordering::Relaxed);
                    refused.fetch_add(outcomes.len() as u64 - good, Ordering::Relaxed);
                }
            }
            waits
        });
    }
    let deadline = tokio::time::sleep(Duration::from_secs(options.seconds));
    tokio::pin!(deadline);
    let mut waits: Vec<Duration> = Vec::new();
    loop {
        tokio::select! {
            () = &mut deadline, if !over.load(Ordering::Relaxed) => over.store(true, Ordering::Relaxed),
            done = tasks.join_next() => match done {
                Some(done) => waits.extend(done?),
                None => break,
            },
        }
    }
    let (took, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds(std::process::id()) - cpu);
    let accepted = accepted.load(Ordering::Relaxed);
    // The last round, and whether the count is exact.
    let waiting = Instant::now();
    let (receipts, rounds) = loop {
        let rounds = delivered(&folder.join("out"));
        let receipts: u64 = rounds.iter().map(Statement::receipts).sum();
        if receipts == accepted * STEP || waiting.elapsed() > Duration::from_secs(10) {
            break (receipts, rounds);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let metrics = client.get(format!("{url}/metrics")).send().await?.text().await?;
    let figure = |name: &str| -> f64 { metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(f64::NAN) };
    metrics
        .lines()
        .filter(|line| line.contains("outcomes_total{") || line.contains("refusals_total{"))
        .for_each(|line| eprintln!("{line}"));
    waits.sort_unstable();
    let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!("checkpoints accepted     {accepted} in {took:.1} s, refused {}", refused.load(Ordering::Relaxed));
    println!("checkpoints/s            {:.0}", accepted as f64 / took);
    println!("answer p50 / p99         {:?} / {:?} per batch of {}", at(0.5), at(0.99), options.batch);
    println!("CPU (all, load included) {:.2} cores, {:.1} us per checkpoint", cpu / took, cpu * 1e6 / accepted as f64);
    println!("bytes in                 {:.0} kB/s", sent_bytes.load(Ordering::Relaxed) as f64 / took / 1e3);
    let statement = rounds.first().map_or(0, |statement| statement.encode().len());
    println!("rounds                   {}, {statement} bytes each up the tree", rounds.len());
    println!(
        "receipts in rounds       {receipts}, sent {}: {}",
        accepted * STEP,
        if receipts == accepted * STEP { "equal" } else { "DIFFERENT" }
    );
    let mean = |name: &str| figure(&format!("blockcloud_aggregator_{name}_sum")) / figure(&format!("blockcloud_aggregator_{name}_count"));
    println!("round close, mean        {:.1} ms", mean("round_close_seconds") * 1e3);
    println!(
        "group commit, mean       {:.2} ms, {:.0} commits/s",
        mean("commit_seconds") * 1e3,
        figure("blockcloud_aggregator_commit_seconds_count") / took
    );
    let _ = stop.send(());
    server.await??;
    Ok(())
}
