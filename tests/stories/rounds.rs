//! Checkpoints of a running job through an aggregator into rounds on the chain, and the way back to the job's slot.

use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{At, Chain, Signer, calls};
use blockcloud_primitives::{AggregatorId, Digest, JobId, JobState, RoundView, SignedCheckpoint, SlotEntry};
use blockcloud_receipt_log::{slot_hash, verify_slot};
use blockcloud_tests::{
    module,
    process::{Process, free_port, program},
    scene::Scene,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(120);
const HEIGHT: u8 = 10;
/// The first that is registered.
const AGGREGATOR: AggregatorId = AggregatorId(0);

/// A job that goes on for long, running.
async fn running(scene: &Scene, gap: u32) -> Result<JobId> {
    let (guest, busy) = (program("blockcloud-guest")?, module("busy")?);
    let mut spec: Vec<String> =
        ["--tee", "simulated", "--region", "DE-BE", "--price-limit", "0.01", "--longest", "600", "--cover", "10", "--arg", "1000000"]
            .map(String::from)
            .into();
    spec.extend(["--gap".to_owned(), gap.to_string()]);
    for (flag, path) in [("--guest", &guest), ("--module", &busy)] {
        spec.extend([flag.to_owned(), path.display().to_string()]);
    }
    let job = scene.customer.place(&spec)?;
    scene.customer.release(job)?;
    scene.reach(job, |view| view.state == JobState::Running).await?;
    Ok(job)
}

/// The newest checkpoint that the job's agent has.
async fn newest(scene: &Scene, job: JobId) -> Result<SignedCheckpoint> {
    let view = scene.chain.job(job, At::Best).await?.context("the job")?;
    let url = format!("{}/v1/jobs/{job}/checkpoints?from=0", view.endpoint);
    let all: Vec<SignedCheckpoint> = serde_json::from_slice(&reqwest::get(url).await?.error_for_status()?.bytes().await?)?;
    all.last().copied().context("a running job has a checkpoint")
}

/// Waits until the chain has taken a round of the aggregator in which its logs have this many receipts together.
async fn committed(chain: &Chain, aggregator: AggregatorId, receipts: u64) -> Result<RoundView> {
    let mut heads = chain.finalised_heads().await?;
    loop {
        let view = chain.aggregator(aggregator, At::Finalised).await?.context("the aggregator")?;
        if view.receipts >= receipts {
            ensure!(view.receipts == receipts, "the chain counts {} receipts, not {receipts}", view.receipts);
            let rounds = chain.rounds(aggregator, 256, At::Finalised).await?;
            return rounds.into_iter().find(|view| view.round.receipts > 0).context("a round with receipts");
        }
        heads.next_patiently().await?;
    }
}

/// Registers an aggregator of Dave's and writes its configuration; its folder and port.
fn registered(scene: &Scene) -> Result<(PathBuf, u16)> {
    let folder = scene.directory().join("aggregator");
    let init = Command::new(program("blockcloud-aggregator")?).args(["init", "--folder"]).arg(&folder).output()?;
    ensure!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let key: Signer = Signer::read(&folder.join("aggregator.key"))?;
    let key = blockcloud_primitives::PublicKey(key.account().0).to_string();
    let registered =
        scene.customer.run(["aggregator", "register", "--public-key", &key, "--height", &HEIGHT.to_string(), "--key", "//Dave"])?;
    ensure!(registered["aggregator"] == AGGREGATOR.0, "{registered}");
    let port = free_port()?;
    fs::write(folder.join("account.key"), "sr25519://Dave\n")?;
    fs::write(
        folder.join("aggregator.toml"),
        format!(
            "genesis = \"{}\"\naggregator = 0\nkey = \"aggregator.key\"\nlisten = \"127.0.0.1:{port}\"\ndata = \"data\"\nsources = \"sources.toml\"\n\
             [chain]\nnode = \"{}\"\naccount = \"account.key\"\nsources = true\n[tree]\nheight = {HEIGHT}\n[upstream]\nkind = \"chain\"\n",
            scene.chain.genesis(),
            scene.node.url()
        ),
    )?;
    Ok((folder, port))
}

fn start(folder: &Path) -> Result<Process> {
    let mut command = Command::new(program("blockcloud-aggregator")?);
    command.args(["run", "--config"]).arg(folder.join("aggregator.toml"));
    let aggregator = Process::spawn("aggregator", &mut command, &folder.join("aggregator.log"))?;
    aggregator.wait_line(|line| line.contains("the aggregator is here"), PATIENCE)?;
    Ok(aggregator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_jobs_checkpoints_stand_in_rounds_that_the_chain_takes() -> Result<()> {
    let scene = Scene::new().await?;
    let chain = &scene.chain;
    let job = running(&scene, 30).await?;

    // Somebody registers an aggregator, the provider its job.
    let (folder, port) = registered(&scene)?;
    let operator: Signer = "//Dave".parse()?;
    let joined = scene.customer.run(["aggregator", "join", "0", "--job", &job.to_string(), "--key", "//Bob"])?;
    assert_eq!((&joined["slot"], &joined["from"]), (&json!(0), &json!(0)));
    let stranger = scene.customer.try_run(["aggregator", "join", "0", "--job", &job.to_string(), "--key", "//Eve"])?;
    assert_eq!(stranger.status.code(), Some(1), "{}", String::from_utf8_lossy(&stranger.stderr));
    let mut daemon = start(&folder)?;

    // What the guest signed is taken, stands in a round, and the chain takes that.
    let url = format!("http://127.0.0.1:{port}/v1");
    let http = reqwest::Client::new();
    let submit = async |signed: &SignedCheckpoint| -> Result<Value> {
        let answer = http.post(format!("{url}/checkpoints")).json(signed).send().await?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    };
    let first = newest(&scene, job).await?;
    let outcome = submit(&first).await?;
    assert_eq!((&outcome[0]["outcome"], &outcome[0]["slot"]), (&json!("accepted"), &json!(0)), "{outcome}");
    let before = timeout(PATIENCE, committed(chain, AGGREGATOR, first.checkpoint.size)).await.context("no round is committed")??;

    // Killed after it has answered: the checkpoint is in a round all the same, and the sum is the log's size, not more.
    let newer = async {
        loop {
            let newer = newest(&scene, job).await?;
            if newer.checkpoint.size > first.checkpoint.size {
                return anyhow::Ok(newer);
            }
            chain.finalised_heads().await?.next_patiently().await?;
        }
    };
    let newer = timeout(PATIENCE, newer).await.context("the job's log does not grow")??;
    let outcome = submit(&newer).await?;
    assert_eq!(outcome[0]["outcome"], "accepted", "{outcome}");
    daemon.kill()?;
    let daemon = start(&folder)?;
    assert_eq!(submit(&newer).await?[0]["outcome"], "known");
    let forged = SignedCheckpoint { signature: first.signature, ..newer };
    assert_eq!(submit(&forged).await?[0]["outcome"], "refused");
    let round = timeout(PATIENCE, committed(chain, AGGREGATOR, newer.checkpoint.size)).await.context("no round is committed")??;
    assert!(round.round.number > before.round.number);

    // The source proves its place with what the aggregator serves and the chain holds; an empty slot is proved empty.
    let proof = |slot: u32| {
        let url = format!("{url}/rounds/{}/slots/{slot}", round.round.number);
        let http = &http;
        async move { anyhow::Ok(serde_json::from_slice::<Value>(&http.get(url).send().await?.error_for_status()?.bytes().await?)?) }
    };
    let (ours, empty) = (proof(0).await?, proof(1).await?);
    let path = |proof: &Value| -> Result<Vec<Digest>> { Ok(serde_json::from_value(proof["path"].clone())?) };
    let hashes = |path: &[Digest]| path.iter().map(|digest| digest.0).collect::<Vec<_>>();
    let entry: SlotEntry = serde_json::from_value(ours["entry"].clone())?;
    assert_eq!(entry, SlotEntry::new(newer.checkpoint, newer.signature));
    let root = round.round.root.0;
    assert_eq!(verify_slot(&root, HEIGHT, 0, Some(&entry), &hashes(&path(&ours)?)), Ok(()));
    assert_eq!(empty["entry"], Value::Null);
    assert_eq!(verify_slot(&root, HEIGHT, 1, None, &hashes(&path(&empty)?)), Ok(()));
    assert_ne!(slot_hash(None), slot_hash(Some(&entry)));

    // The chain follows the same path. The agent brings checkpoints directly as well, so this one was overtaken; with another path it is not in the round.
    let bring = |path: Vec<Digest>| calls::receipts::checkpoint_in_round(AGGREGATOR, round.round.number, 0, &entry, &path, &[]);
    let overtaken = async {
        loop {
            let head = chain.job(job, At::Finalised).await?.and_then(|view| view.head).context("the head")?;
            if head.size > entry.checkpoint.size {
                return anyhow::Ok(());
            }
            chain.finalised_heads().await?.next_patiently().await?;
        }
    };
    timeout(PATIENCE, overtaken).await.context("the agent brings no checkpoint")??;
    for (path, error) in [(path(&ours)?, "Stale"), (path(&empty)?, "NotInRound")] {
        let refused = chain.submit_and_finalise(&bring(path), &operator).await;
        assert!(matches!(&refused, Err(error_found) if error_found.is_dispatch("Receipts", error)), "{error}: {refused:?}");
    }
    drop(daemon);

    // What the chain holds of it, as its owner and everybody else sees it.
    assert_eq!(scene.customer.run(["aggregator", "list"])?[0]["sources"], 1);
    let shown = scene.customer.run(["aggregator", "show", "0"])?;
    assert_eq!((&shown["sources"][0]["job"], &shown["aggregator"]["receipts"]), (&json!(job), &json!(newer.checkpoint.size)));
    let early = scene.customer.try_run(["aggregator", "retire", "0", "--key", "//Dave"])?;
    assert!(String::from_utf8_lossy(&early.stderr).contains("SourcesLeft"), "{}", String::from_utf8_lossy(&early.stderr));
    scene.customer.run(["aggregator", "leave", "0", "--slot", "0", "--key", "//Bob"])?;
    scene.customer.run(["aggregator", "retire", "0", "--key", "//Dave"])?;
    assert_eq!(scene.customer.try_run(["aggregator", "show", "0"])?.status.code(), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_brings_checkpoints_out_of_rounds_and_without_its_aggregator_directly() -> Result<()> {
    let mut scene = Scene::new().await?;
    let (folder, port) = registered(&scene)?;
    let daemon = start(&folder)?;
    scene.provider.reconfigure_agent(&format!("[rounds]\naggregator = 0\nurl = \"http://127.0.0.1:{port}\"\n"))?;
    let job = running(&scene, 40).await?;
    let bob: Signer = "//Bob".parse()?;

    // The provider registers the job, and the head moves by a round: no later than the chain took that.
    let brought = scene.provider.agent_says(|line| line.contains("through round"), PATIENCE)?;
    assert!(brought.contains("aggregator 0"), "{brought}");
    let place = scene.chain.places(job, At::Best).await?.first().cloned().context("the job has a place")?;
    assert_eq!((place.aggregator, place.holder), (AGGREGATOR, bob.account()));
    let view = scene.reach(job, |view| view.head.is_some_and(|head| head.accepted_at > view.started_at.unwrap_or(u64::MAX))).await?;
    let head = view.head.context("a head")?;
    let rounds = scene.chain.rounds(AGGREGATOR, 256, At::Best).await?;
    ensure!(rounds.iter().any(|round| round.committed_at == head.accepted_at), "{head:?} came in none of {rounds:?}");

    // Four of the five questions about completeness, from what the chain, the aggregator and the agent show by now.
    let (number, url) = (job.to_string(), format!("http://127.0.0.1:{port}"));
    let complete = |arguments: &[&str]| scene.customer.run(["audit", "complete"].iter().chain(arguments));
    let refused = |arguments: &[&str]| -> Result<()> {
        let output = scene.customer.try_run(["audit", "complete"].iter().chain(arguments))?;
        ensure!(output.status.code() == Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        Ok(())
    };
    complete(&["sequence", "--job", &number])?;
    let first = rounds.iter().find(|round| round.committed_at == head.accepted_at).context("its round")?.round.number.to_string();
    let covered = complete(&["rounds", "--job", &number, "--url", &url, "--from", &first])?;
    ensure!(covered["rounds"].as_array().is_some_and(|rounds| !rounds.is_empty()), "{covered}");
    refused(&["rounds", "--job", &number, "--url", &url, "--silence", "0"])?;
    complete(&["counts", "--aggregator", "0", "--url", &url])?;
    complete(&["observers", "--job", &number])?;

    // And the fourth, for somebody who sees nothing else of the log.
    let proof = scene.directory().join("access.json").display().to_string();
    let nothing = complete(&["access", "--job", &number, "--object", &Digest([7; 32]).to_string(), "--to", &proof])?;
    ensure!(nothing["access"]["entries"].as_array().is_some_and(Vec::is_empty), "{nothing}");
    let key = scene.chain.job(job, At::Best).await?.and_then(|view| view.session).context("a session")?.receipt_key.to_string();
    complete(&["access-proof", &proof, "--receipt-key", &key])?;
    refused(&["access", "--job", &number, "--object", "module"])?;
    refused(&["access-proof", &proof, "--receipt-key", &Digest([7; 32]).to_string()])?;

    // The aggregator is gone: the job does not notice.
    drop(daemon);
    scene.provider.agent_says(|line| line.contains("brought directly for a while"), PATIENCE)?;
    let view = scene.reach(job, |view| view.head.is_some_and(|now| now.accepted_at > head.accepted_at)).await?;
    assert_eq!(view.state, JobState::Running);

    // It ends, and the place's deposit returns.
    scene.customer.run(["job", "cancel", &job.to_string()])?;
    scene.provider.agent_says(|line| line.contains("withdraw slot"), PATIENCE)?;
    assert!(scene.chain.places(job, At::Best).await?.is_empty());
    Ok(())
}
