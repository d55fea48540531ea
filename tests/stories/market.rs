//! One job from the offer to its settlement: real node, agent, guest, simulator and command line, on the committed data.

use anyhow::{Context as _, Result};
use blockcloud_client::{At, calls};
use blockcloud_primitives::{End, Evidence, JobState};
use blockcloud_tests::{customer::Customer, module, process::program, provider::CAPACITY, root, scene::Scene};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What the same program prints and writes natively.
fn natively(directory: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let output = directory.join("native");
    let ran = Command::new(program("weather-summary")?).arg(root().join("tests/data/seattle-weather.csv")).arg(&output).output()?;
    Ok((ran.stdout, fs::read(output.join("monthly.csv"))?))
}

fn write(path: &Path, value: &Value) -> Result<()> {
    Ok(fs::write(path, serde_json::to_vec(value)?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_from_its_offer_to_its_settlement_and_tampering_is_caught() -> Result<()> {
    let scene = Scene::new().await?;
    let Scene { chain, provider, customer, .. } = &scene;
    let data = root().join("tests/data/seattle-weather.csv");
    let spec = Customer::spec(&module("weather-summary")?, &[&data], &["/input/seattle-weather.csv", "/output"])?;

    // Money reaches a new key.
    let key = scene.directory().join("new.key").display().to_string();
    let address = customer.run(["key", "generate", "--to", &key])?["address"].clone();
    customer.run(["account", "send", address.as_str().context("an address")?, "2.5"])?;
    assert_eq!(customer.run(["account", "show", &key])?["free"], "2500000000000");
    let poor = customer.command()?.args(["account", "send", "//Bob", "3"]).env("BLOCKCLOUD_KEY", &key).output()?;
    assert_eq!(poor.status.code(), Some(1));

    // A quote names the offer; the same job in another region is refused with the reason.
    let quotes = customer.run(["job", "quote"].into_iter().map(String::from).chain(spec.clone()))?;
    assert_eq!(quotes[0]["offer"], provider.offer.0);
    let elsewhere = spec.iter().map(|flag| flag.replace("DE-BE", "FR-75C"));
    let refused = customer.try_run(["job", "quote", "--output", "json"].into_iter().map(String::from).chain(elsewhere))?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).contains(r#"{"fact":"region"}"#));

    // Placement reserves capacity; the run ends completed and settled.
    let job = customer.place(&spec)?;
    let reserved = chain.offer(provider.offer, At::Finalised).await?.context("the offer")?;
    assert!(reserved.free.vcpus < CAPACITY.vcpus);
    customer.release(job)?;
    assert!(customer.watch(job)?, "the program ended well");
    let view = chain.job(job, At::Finalised).await?.context("the job")?;
    assert_eq!(view.state, JobState::Settled(End::Completed));
    assert!(view.earned > 0);
    assert_eq!(view.paid, view.earned);
    assert_eq!(view.deposited, view.paid + view.returned, "nothing is held once a job is settled");
    let freed = chain.offer(provider.offer, At::Finalised).await?.context("the offer")?;
    assert_eq!(freed.free, CAPACITY, "capacity is free again");
    assert_eq!(freed.record.completed, 1);

    // The output is that of the same program run natively.
    let into = scene.directory().join("output");
    customer.run(["job", "fetch", &job.to_string(), "--into", &into.display().to_string()])?;
    let (stdout, monthly) = natively(scene.directory())?;
    assert_eq!(fs::read(into.join("output/monthly.csv"))?, monthly);
    assert_eq!(fs::read(into.join("stdout"))?, stdout);

    // The whole record verifies, and every tampering has a verdict of its own.
    let bundle = scene.directory().join("audit.json");
    customer.run(["audit", "export", "--job", &job.to_string(), "--to", &bundle.display().to_string()])?;
    let verify = |path: &Path| customer.try_run(["audit", "verify", &path.display().to_string(), "--output", "json"]);
    assert!(verify(&bundle)?.status.success(), "offline, from the first block on");
    let authorities = scene.directory().join("authorities.json").display().to_string();
    customer.run(["audit", "authorities", "--to", &authorities])?;
    let pinned = ["audit", "verify", &bundle.display().to_string(), "--authorities", &authorities].map(String::from);
    assert!(customer.try_run(pinned.clone())?.status.success());
    assert!(customer.try_run(["audit", "verify", &bundle.display().to_string(), "--online"])?.status.success());
    let good: Value = serde_json::from_slice(&fs::read(&bundle)?)?;
    let tampered = scene.directory().join("tampered.json");
    type Change = fn(&mut Value);
    const FINAL: &str = "the block that the record is read from is final";
    let changes: [(&str, Change); 9] = [
        ("the chain's state in that block holds this head", |bundle| bundle["job"]["head"]["accepted_at"] = 1.into()),
        ("the chain's state in that block holds this head", |bundle| bundle["proof"]["state"] = serde_json::json!([])),
        ("the chain's state in that block holds this job", |bundle| bundle["job"]["paid"] = "0".into()),
        (FINAL, |bundle| {
            let header = bundle["proof"]["first"]["header"].clone();
            bundle["proof"]["header"] = header;
        }),
        (FINAL, |bundle| bundle["genesis"] = bundle["job"]["terms"].clone()),
        ("every checkpoint is the root over exactly these receipts", |bundle| bundle["receipts"][3]["bytes"] = 12345.into()),
        ("no receipt up to the chain's head is missing", |bundle| {
            bundle["receipts"].as_array_mut().map(Vec::pop);
        }),
        ("every checkpoint is signed by the attested receipt key", |bundle| {
            bundle["checkpoints"][0]["checkpoint"]["time"] = 1.into();
        }),
        ("it binds this chain, provider, job, block and these keys", |bundle| {
            let key = bundle["evidence"]["wrapping_key"].clone();
            bundle["evidence"]["receipt_key"] = key;
        }),
    ];
    for (claim, change) in changes {
        let mut bundle = good.clone();
        change(&mut bundle);
        write(&tampered, &bundle)?;
        let output = verify(&tampered)?;
        assert_eq!(output.status.code(), Some(1), "{claim}");
        let verdict: Value = serde_json::from_slice(&output.stdout)?;
        let check = verdict["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["claim"] == claim));
        assert_eq!(check.map(|check| &check["holds"]), Some(&Value::Bool(false)), "{claim}: {verdict}");
    }

    // The guest's signature over its last word is in the file, found in the chain's blocks.
    assert!(good["completion_signature"].is_string());

    // The data is followed from the customer's file through the job to the output, by whoever has the job's keys.
    let blob = view.completion.context("the completion")?.output.digest.to_string();
    let bundle_path = bundle.display().to_string();
    let lineage = |object: &str| customer.run(["audit", "lineage", object, "--bundle", &bundle_path]);
    let graph = lineage(&blob)?;
    let node = |graph: &Value, name: &str| {
        let nodes = graph["nodes"].as_array().cloned().unwrap_or_default();
        nodes.into_iter().find(|node| node["name"] == name || node["kind"] == name)
    };
    let input = node(&graph, "/input/seattle-weather.csv").context("the input is behind the output")?;
    assert_eq!((&input["places"][0]["job"], &input["places"][0]["receipts"]["proved"]), (&job.0.into(), &true.into()));
    assert!(input["erased"]["time"].is_u64(), "{input}");
    assert!(graph["edges"].as_array().is_some_and(|edges| edges.iter().any(|edge| edge["step"] == "store")), "{graph}");
    let written = lineage(&into.join("output/monthly.csv").display().to_string())?;
    assert!(node(&written, "content").is_some_and(|content| content["asked"] == true), "{written}");
    assert!(node(&written, "/input/seattle-weather.csv").is_some(), "what came back was made of the input: {written}");
    let nowhere = good["genesis"].as_str().context("the genesis hash")?;
    assert_eq!(customer.try_run(["audit", "lineage", nowhere, "--bundle", &bundle_path])?.status.code(), Some(1));

    // Without the first block's state somebody has to name authorities; others than the chain's finalise nothing.
    let mut anonymous = good.clone();
    anonymous["proof"].as_object_mut().map(|proof| proof.remove("first"));
    write(&bundle, &anonymous)?;
    assert_eq!(verify(&bundle)?.status.code(), Some(1));
    assert!(customer.try_run(pinned.clone())?.status.success());
    let mut strangers: Value = serde_json::from_slice(&fs::read(&authorities)?)?;
    strangers["authorities"][0][0] = good["evidence"]["receipt_key"].clone();
    write(Path::new(&authorities), &strangers)?;
    assert_eq!(customer.try_run(pinned.clone())?.status.code(), Some(1));
    write(Path::new(&authorities), &Value::Null)?;
    assert_eq!(customer.try_run(pinned)?.status.code(), Some(2));

    // A proof holds for its own position only.
    let proof = customer.run(["receipt", "prove", &job.to_string(), "--index", "1"])?;
    let check = |proof: &Value| -> Result<Option<i32>> {
        let path = scene.directory().join("proof.json");
        write(&path, proof)?;
        Ok(customer.command()?.args(["proof", "inclusion"]).stdin(Stdio::from(fs::File::open(path)?)).output()?.status.code())
    };
    assert_eq!(check(&proof)?, Some(0));
    let mut moved = proof.clone();
    moved["leafIdx"] = 2.into();
    assert_eq!(check(&moved)?, Some(1));
    assert_eq!(check(&Value::Null)?, Some(2));

    // The same log as static files, under a state that the customer signs for.
    let mirror = scene.directory().join("mirror").display().to_string();
    let flags = ["--to", mirror.as_str(), "--issuer", "customer.example.com", "--key", "ed25519://Exporter"];
    let mirrored = customer.run([&["receipt", "mirror", &job.to_string()], &flags[..]].concat())?;
    assert_eq!((&mirrored["size"], &mirrored["root"]), (&good["job"]["head"]["size"], &good["job"]["head"]["root"]));
    let vkey = mirrored["vkey"].as_str().context("a verifier key")?;
    assert!(customer.try_run(["receipt", "verify", &format!("{mirror}/checkpoint"), "--vkey", vkey])?.status.success());

    // Evidence of one job is refused for another, by the customer's own check and by the chain.
    let evidence = scene.directory().join("evidence.json");
    customer.run(["evidence", "verify", "--job", &job.to_string(), "--save", &evidence.display().to_string()])?;
    let other = customer.place(&spec)?;
    let shown = customer.try_run(["evidence", "verify", &evidence.display().to_string(), "--job", &other.to_string()])?;
    assert_eq!(shown.status.code(), Some(1));
    let evidence: Evidence = serde_json::from_slice(&fs::read(&evidence)?)?;
    scene.reach(other, |view| view.state != JobState::Reserved).await?;
    let replayed = chain.submit_and_finalise(&calls::jobs::attest(other, &evidence), &"//Bob".parse()?).await;
    let refused = replayed.expect_err("the chain refuses evidence of another job").to_string();
    assert!(refused.contains("Attestation"), "{refused}");
    chain.submit_and_finalise(&calls::jobs::cancel(other), &"//Charlie".parse()?).await?;
    Ok(())
}
