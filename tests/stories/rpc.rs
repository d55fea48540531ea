//! A client that knows nothing of SCALE: plain JSON over HTTP and a signature are enough to place a job.

use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain, Signer, calls};
use blockcloud_primitives::{JobId, JobSpec};
use blockcloud_tests::{customer::Customer, module, node::Node, root, rpc::Rpc, scene::Scene};
use serde_json::{Value, from_value, json};
use std::time::Duration;
use subxt::rpcs::{RpcClient, client::RpcSubscription, rpc_params};
use tokio::time::timeout;

/// A job spec as a customer would write it by hand. Placing needs digests only; the files are sealed and uploaded later.
fn spec(engine: &str, measurement: &str) -> Value {
    let digest = format!("0x{}", "11".repeat(32));
    json!({
        "workload": {"wasm": {"module": digest, "engine": engine, "fuel": 1_000_000, "memory_mib": 64, "seed": digest, "args": ["a"]}},
        "manifest": {"digest": digest, "bytes": 1000},
        "inputs": [],
        "resources": {"vcpus": 1, "memory_gib": 1, "storage_gib": 1, "gpus": 0},
        "longest_run": 300,
        "policy": {
            "regions": {"only": ["DE-BE"]}, "jurisdictions": "any", "certificates": [], "tees": ["simulated"], "firmware_floor": {"bootloader": 0, "tee": 0, "snp": 0, "microcode": 0, "fmc": 0},
            "measurements": {"only": [measurement]}, "denied_providers": [], "erase_within": 60, "recipients": [], "checkpoint_gap": 30
        },
        "price_limit": "10000000000",
        "escrow": "3000000000000",
        "cover": "1000000000000"
    })
}

async fn submit(rpc: &Rpc, call: Value, signer: &Signer) -> Result<Value> {
    let account = format!("0x{}", signer.account().to_string().trim_start_matches("0x"));
    let prepared = rpc.call("market_prepare", json!([call, account])).await?;
    assert!(prepared["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
    let payload = hex::decode(prepared["payload"].as_str().context("payload")?.trim_start_matches("0x"))?;
    let signature = format!("0x{}", hex::encode(signer.sign(&payload)));
    let submission = json!({"prepared": prepared["prepared"], "signature": signature, "scheme": signer.scheme().to_string()});
    rpc.call("market_submit", json!([submission])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_placed_with_json_and_a_signature() -> Result<()> {
    let Scene { node, chain, provider, .. } = &Scene::new().await?;
    let rpc = node.rpc()?;
    let spec = spec(&format!("0x{}", "22".repeat(32)), &format!("0x{}", "33".repeat(48)));

    let offers = rpc.call("market_offers", json!([{"tee": "simulated"}])).await?;
    assert_eq!(offers["items"][0]["id"], provider.offer.0);
    let quote = rpc.call("market_quote", json!([spec])).await?;
    assert_eq!(quote["fits"][0]["offer"], provider.offer.0);
    let mut elsewhere = spec.clone();
    elsewhere["policy"]["regions"] = json!({"only": ["FR-75C"]});
    let quote = rpc.call("market_quote", json!([elsewhere])).await?;
    assert_eq!((&quote["fits"], &quote["refused"][0]["refusals"]), (&json!([]), &json!([{"fact": "region"}])));

    // Both schemes; an ed25519 account needs money first.
    let ed: Signer = "ed25519://Charlie".parse()?;
    let amount = 100 * blockcloud_tests::provider::BCU;
    chain.submit_and_finalise(&blockcloud_client::calls::balances::transfer(ed.account(), amount), &"//Charlie".parse()?).await?;
    for signer in ["sr25519://Charlie".parse()?, ed] {
        let mut heads = chain.finalised_heads().await?;
        submit(&rpc, json!({"place": {"offer": provider.offer, "spec": spec}}), &signer).await?;
        let account = signer.account().to_string();
        let placed = timeout(Duration::from_secs(60), async {
            loop {
                heads.next().await?;
                let jobs = rpc.call("market_jobs", json!([account])).await?;
                if let Some(job) = jobs["items"].as_array().and_then(|jobs| jobs.first()) {
                    return anyhow::Ok(job.clone());
                }
            }
        });
        let placed = placed.await.context("the job was not placed in time")??;
        // What the customer left out is at its default.
        assert_eq!(from_value::<JobSpec>(placed["spec"].clone())?, from_value(spec.clone())?);
        submit(&rpc, json!({"cancel": {"job": placed["id"]}}), &signer).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_advice() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let node = Node::dev(directory.path())?;
    let rpc = node.rpc()?;
    let alice: Signer = "//Alice".parse()?;
    let account = alice.account().to_string();
    let call = json!({"register": {"profile": "http://127.0.0.1:1"}});
    let fails = async |method: &str, params: Value, words: &str| -> Result<()> {
        let error = rpc.call(method, params).await.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
        Ok(())
    };
    fails("market_prepare", json!([call, "nobody"]), "is not an account").await?;
    fails("market_prepare", json!([{"palce": {}}, account]), "unknown variant").await?;

    let prepared = rpc.call("market_prepare", json!([call, account])).await?;
    let payload = hex::decode(prepared["payload"].as_str().context("payload")?.trim_start_matches("0x"))?;
    let submission = |prepared: &Value, signer: &Signer, scheme: &str| json!([{"prepared": prepared, "signature": format!("0x{}", hex::encode(signer.sign(&payload))), "scheme": scheme}]);
    fails("market_submit", submission(&prepared["prepared"], &"//Bob".parse()?, "sr25519"), "does not verify").await?;
    fails("market_submit", submission(&prepared["prepared"], &alice, "rot13"), "scheme").await?;
    fails("market_submit", submission(&json!("0x00"), &alice, "sr25519"), "was changed or cut").await?;
    // Calls within calls within calls: read without a limit, they would overflow the node's stack.
    let account = hex::encode(alice.account().0);
    let chain = Chain::connect(&node.url()).await?;
    let enact = calls::consortium::enact(calls::system::remark(b"")).encode(&*chain.runtime(At::Best).await?)?;
    let enact = hex::encode(&enact[..2]);
    let nested = format!("0x{account}{}", enact.repeat(60_000));
    fails("market_submit", submission(&json!(nested), &alice, "sr25519"), "was changed or cut").await?;
    let long = format!("0x{account}{}", enact.repeat(2_000_000));
    fails("market_submit", submission(&json!(long), &alice, "sr25519"), "was changed or cut").await?;
    rpc.call("market_submit", submission(&prepared["prepared"], &alice, "sr25519")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spec_of_the_command_line_is_the_spec_of_the_rpc() -> Result<()> {
    let Scene { node, customer, .. } = &Scene::new().await?;
    let data = root().join("tests/data/seattle-weather.csv");
    let job = customer.place(&Customer::spec(&module("weather-summary")?, &[&data], &["/input/seattle-weather.csv", "/output"])?)?;
    let view = node.rpc()?.call("market_job", json!([job])).await?;
    let quote = node.rpc()?.call("market_quote", json!([view["spec"]])).await?;
    assert_eq!(quote["fits"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_shows_every_change_of_a_job_to_its_closing() -> Result<()> {
    let mut scene = Scene::new().await?;
    let data = root().join("tests/data/seattle-weather.csv");
    let spec = Customer::spec(&module("weather-summary")?, &[&data], &["/input/seattle-weather.csv", "/output"])?;
    let rpc = RpcClient::from_insecure_url(scene.node.url()).await?;
    let subscribe = async |job: JobId| rpc.subscribe::<Value>("market_subscribeJob", rpc_params![job], "market_unsubscribeJob").await;

    // Nobody accepts this job; it is cancelled, which closes it.
    scene.provider.kill_agent()?;
    let job = scene.customer.place(&spec)?;
    let mut updates = subscribe(job).await?;
    assert_eq!(state(&mut updates).await?, Some(json!("reserved")));
    scene.customer.run(["job", "cancel", &job.to_string()])?;
    assert_eq!(state(&mut updates).await?, Some(Value::Null));
    assert_eq!(state(&mut subscribe(job).await?).await?, Some(Value::Null), "the job is closed already");

    // This one is accepted and attested; then the customer, who has released no key, cancels.
    let job = scene.customer.place(&spec)?;
    let mut updates = subscribe(job).await?;
    scene.provider.start_agent()?;
    let mut states = vec![state(&mut updates).await?];
    while states.last() != Some(&Some(json!("attested"))) {
        states.push(state(&mut updates).await?);
        anyhow::ensure!(states.len() <= 3, "{states:?}");
    }
    assert_eq!(states.first(), Some(&Some(json!("reserved"))));
    scene.customer.run(["job", "cancel", &job.to_string()])?;
    assert_eq!(state(&mut updates).await?, Some(json!({"settled": "cancelled_by_customer"})));
    Ok(())
}

/// The state of the job in the next update: null once it is closed.
async fn state(updates: &mut RpcSubscription<Value>) -> Result<Option<Value>> {
    let update = timeout(Duration::from_secs(60), updates.next()).await.context("no update came in time")?.transpose()?;
    Ok(update.map(|update| update["job"].get("state").cloned().unwrap_or_default()))
}
