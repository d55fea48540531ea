//! Measures the times that users feel, on four validators and one provider on this machine, and prints them as Markdown. A benchmark: it asserts nothing.
//!
//! `measure [SECONDS]` (default 300). `scripts/bench.sh` runs it. The results belong into `docs/benchmarks/latency.md`.

use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{JobId, JobState, Receipt, Tee};
use blockcloud_tests::{customer::Customer, module, node::Node, process::free_port, provider::Provider};
use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::timeout;

/// Milliseconds of a duration.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Unix milliseconds.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, milliseconds)
}

/// Median, 95th percentile and maximum as a table's cells.
fn summary(mut values: Vec<u64>) -> String {
    values.sort_unstable();
    let at = |share: usize| values.get((values.len() * share / 100).min(values.len().saturating_sub(1))).copied().unwrap_or_default();
    format!("{} | {} | {} | {}", values.len(), at(50), at(95), at(100))
}

/// From import to finality on one node, and the slots without a block, over some time.
async fn finality(chain: &Chain, duration: Duration) -> Result<(Vec<u64>, u64)> {
    let (mut best, mut last) = (chain.best_heads().await?, chain.finalised_heads().await?);
    let until = Instant::now() + duration;
    let mut imported = BTreeMap::<u32, Instant>::new();
    let (mut lags, mut first, mut end) = (Vec::new(), None, 0);
    // Asked at once: a node keeps the state of the last few hundred blocks only.
    let time = async |number: u32| anyhow::Ok(chain.now(At::Block(chain.block_hash(number).await?.context("a final block")?)).await?);
    while Instant::now() < until {
        tokio::select! {
            head = best.next() => { imported.entry(head?.number).or_insert_with(Instant::now); }
            head = last.next() => {
                end = head?.number;
                if let Some(since) = imported.get(&end) {
                    lags.push(milliseconds(since.elapsed()));
                }
                if first.is_none() {
                    first = Some((end, time(end).await?));
                }
            }
        }
    }
    let (number, began) = first.context("no block became final")?;
    // One slot is a second, and every block's time is that of its slot.
    let missed = ((time(end).await? - began) / 1000).saturating_sub(u64::from(end - number));
    Ok((lags, missed))
}

/// When a job was seen running in a final block; and how long each receipt took from being written in the guest to a final block that holds a
/// checkpoint over it.
async fn receipts(chain: &Chain, job: JobId) -> Result<(Instant, Vec<u64>)> {
    let mut heads = chain.finalised_heads().await?;
    let mut covered = Vec::<(u64, u64)>::new();
    let mut running = None;
    let endpoint = loop {
        heads.next().await?;
        let view = chain.job(job, At::Finalised).await?.context("the job")?;
        if view.state == JobState::Running {
            running.get_or_insert_with(Instant::now);
        }
        let size = view.head.map_or(0, |head| head.size);
        if size > 0 && covered.last().is_none_or(|(last, _)| *last < size) {
            covered.push((size, now()));
        }
        if matches!(view.state, JobState::Settled(_)) {
            break view.endpoint;
        }
    };
    let (size, _) = covered.last().context("no checkpoint")?;
    let url = format!("{endpoint}/v1/jobs/{job}/receipts?from=0&limit={size}");
    let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    let mut lags = Vec::new();
    for (index, record) in (0u64..).zip(bytes.chunks_exact(Receipt::ENCODED_LEN)) {
        let time = u64::from_le_bytes(record[17..25].try_into()?);
        if let Some((_, seen)) = covered.iter().find(|(size, _)| index < *size) {
            lags.push(seen.saturating_sub(time));
        }
    }
    Ok((running.context("the job did not run")?, lags))
}

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(300), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let nodes = Node::local4(directory.path())?;
    let chain = Chain::connect(&nodes[0].url()).await?;
    let mut heads = chain.finalised_heads().await?;
    timeout(Duration::from_secs(120), async {
        // Each validator has had its turn a few times: the last one to start is not connected yet when the first block is made.
        while heads.next().await?.number < 16 {}
        anyhow::Ok(())
    })
    .await
    .context("finality did not start")??;

    println!("| what | samples | median ms | 95 % ms | maximum ms |\n| --- | --- | --- | --- | --- |");
    let (lags, missed) = finality(&chain, Duration::from_secs(seconds)).await?;
    println!("| import to finality, four validators, {seconds} s, {missed} slots without a block | {} |", summary(lags));

    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let _provider = Provider::start(&nodes[0], &chain, directory.path(), Tee::Simulated, port, &url, &url).await?;
    let customer = Customer::new(&nodes[0], directory.path());
    let spec = Customer::spec(&module("busy")?, &[], &["5000"])?;
    let mut starts = Vec::new();
    let mut lags = Vec::new();
    for _ in 0..5 {
        let job = customer.place(&spec)?;
        let placed = Instant::now();
        let mut releasing = customer.command()?.args(["job", "release", &job.to_string()]).stdout(Stdio::null()).spawn()?;
        let (running, receipts) = timeout(Duration::from_secs(300), receipts(&chain, job)).await.context("the job did not end")??;
        anyhow::ensure!(releasing.wait()?.success(), "the key was not released");
        starts.push(milliseconds(running.duration_since(placed)));
        lags.extend(receipts);
    }
    println!("| `place` final to `Running` final, with upload, the customer's verification and key release | {} |", summary(starts));
    println!("| receipt written to its checkpoint final | {} |", summary(lags));
    Ok(())
}
