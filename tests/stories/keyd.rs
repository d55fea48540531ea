//! A company's key daemon: it releases keys for jobs that somebody else places, under a policy file, with a security officer's approval, and writes it all down.

use anyhow::{Context as _, Result, ensure};
use blockcloud_tests::{
    customer::Customer,
    module,
    process::{Process, program},
    root,
    scene::Scene,
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(120);
/// The daemon's account, and the officer's.
const DAEMON: &str = "//Dave";
const OFFICER: &str = "//Eve";

/// How data keys lie in the customer's folder: as the buyer sees it, and as the daemon does. With age where it is installed.
fn protection(folder: &Path) -> Result<(&'static str, String)> {
    let identity = folder.join("identity.txt");
    match Command::new("age-keygen").arg("-o").arg(&identity).output() {
        Ok(made) => {
            ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let text = fs::read_to_string(&identity)?;
            let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).context("the public key")?;
            let seals = format!("kind = \"age\"\nrecipients = [\"{recipient}\"]\n");
            Ok(("data.key.age", seals))
        }
        Err(_) => {
            eprintln!("SKIPPED in part: age is not installed, so that data keys are plain files here");
            Ok(("data.key", "kind = \"file\"\n".into()))
        }
    }
}

fn keyd(arguments: &[&str], config: &Path) -> Result<Output> {
    Ok(Command::new(program("blockcloud-keyd")?).args(arguments).arg("--config").arg(config).args(["--output", "json"]).output()?)
}

fn json(output: &Output) -> Result<Value> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).with_context(|| said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_releases_keys_for_a_company_when_its_officer_approves() -> Result<()> {
    let scene = Scene::new().await?;
    let (customer, folder) = (&scene.customer, scene.directory());
    let (file, seals) = protection(folder)?;
    fs::write(folder.join("protection.toml"), &seals)?;
    fs::write(folder.join("keyd.key"), format!("sr25519:{DAEMON}\n"))?;
    let guest = program("blockcloud-guest")?.display().to_string();
    let measurement = customer.run(["evidence", "measure", &guest])?["measurement"].as_str().context("the measurement")?.to_owned();
    let opens = if file == "data.key" { "" } else { "identity = \"identity.txt\"\n" };
    let config = folder.join("keyd.toml");
    let text = format!(
        "node = \"{}\"\ngenesis = \"{}\"\nkey = \"keyd.key\"\nhome = \"customer\"\nstate = \"keyd\"\n[keys]\n{seals}{opens}\
         [policy]\ncustomers = [\"//Charlie\"]\ntees = [\"simulated\"]\nmeasurements = [\"{measurement}\"]\napprovals = 1\nofficers = [\"{OFFICER}\"]\n",
        scene.node.url(),
        scene.chain.genesis()
    );
    fs::write(&config, &text)?;

    // The buyer seals the data key for the daemon, and cannot open it.
    let data = root().join("tests/data/seattle-weather.csv");
    let spec = Customer::spec(&module("weather-summary")?, &[&data], &["/input/seattle-weather.csv", "/output"])?;
    let sealed = ["--key-protection".to_owned(), folder.join("protection.toml").display().to_string()];
    let job = customer.place(&[&spec[..], &sealed].concat())?;
    let jobs: Vec<_> =
        fs::read_dir(folder.join("customer"))?.map(|chain| Ok(chain?.path().join(format!("job-{job}")))).collect::<Result<_>>()?;
    ensure!(jobs.len() == 1 && jobs[0].join(file).is_file(), "{jobs:?}");
    for file in [file, "job.json"] {
        assert_eq!(fs::metadata(jobs[0].join(file))?.permissions().mode() & 0o007, 0, "{file} is not for everybody");
    }
    if file != "data.key" {
        let refused = customer.try_run([&["job", "place"].map(String::from)[..], &spec, &sealed].concat())?;
        assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    }

    // Nobody is appointed yet: the check says so, and the provider's agent takes nothing from the daemon.
    let check = keyd(&["check"], &config)?;
    assert_eq!(check.status.code(), Some(1));
    let failed: Vec<_> =
        json(&check)?["checks"].as_array().context("checks")?.iter().filter(|check| check["holds"] == false).cloned().collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed.iter().all(|check| check["found"].as_str().is_some_and(|found| found.contains("account appoint"))), "{failed:?}");
    let start = || {
        let mut command = Command::new(program("blockcloud-keyd")?);
        command.args(["run", "--config"]).arg(&config);
        Process::spawn("keyd", &mut command, &folder.join("keyd.log"))
    };
    let daemon = start()?;
    daemon.wait_line(|line| line.contains("does not act for it"), PATIENCE)?;
    for (account, role) in [(DAEMON, "security"), (OFFICER, "security")] {
        customer.run(["account", "appoint", account, "--role", role])?;
    }
    assert!(keyd(&["check"], &config)?.status.success());

    // Everything holds, and the officer is asked. Another daemon, somebody else's approval and a restart change nothing.
    daemon.wait_line(|line| line.contains("waiting for 1 of 1 officers"), PATIENCE)?;
    let second = Command::new(program("blockcloud-keyd")?).args(["run", "--config"]).arg(&config).output()?;
    assert!(String::from_utf8_lossy(&second.stderr).contains("another blockcloud-keyd runs"));
    let requests = json(&keyd(&["requests"], &config)?)?;
    assert_eq!((requests[0]["job"].as_u64(), requests.as_array().map(Vec::len)), (Some(job.0), Some(1)), "{requests}");
    let request = fs::read_dir(folder.join("keyd/requests"))?.next().context("the request")??.path();
    let approve = |officer: &str| -> Result<Output> {
        let mut command = Command::new(program("blockcloud-keyd")?);
        command.arg("approve").arg(&request).args(["--key", officer, "--into"]).arg(folder.join("keyd/approvals"));
        Ok(command.output()?)
    };
    assert!(approve("//Mallory")?.status.success());
    daemon.wait_line(|line| line.contains("is no officer of the policy"), PATIENCE)?;
    drop(daemon);
    let daemon = start()?;
    daemon.wait_line(|line| line.contains("is no officer of the policy"), PATIENCE)?;
    assert!(!daemon.output().contains("the data key is released"));
    let mut daemon = daemon;
    let mut wanted = vec!["started", "started"];
    if file == "data.key" {
        assert!(approve(OFFICER)?.status.success());
    } else {
        // Killed after it has written that it releases the key, and before it could: what opens the key waits at a pipe.
        drop(daemon);
        let (gate, programs) = (folder.join("gate"), folder.join("programs"));
        ensure!(Command::new("mkfifo").arg(&gate).status()?.success(), "a pipe");
        fs::create_dir(&programs)?;
        fs::write(programs.join("age"), format!("#!/bin/sh\ncat {} >&2\nexit 1\n", gate.display()))?;
        fs::set_permissions(programs.join("age"), fs::Permissions::from_mode(0o755))?;
        let mut command = Command::new(program("blockcloud-keyd")?);
        command.args(["run", "--config"]).arg(&config);
        command.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH")?));
        let stuck = Process::spawn("keyd", &mut command, &folder.join("keyd.log"))?;
        stuck.wait_line(|line| line.contains("is no officer of the policy"), PATIENCE)?;
        assert!(approve(OFFICER)?.status.success());
        // Opening a pipe waits for who reads it, so here the program has been called. It ends with the end of what it reads.
        let opened = tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(gate));
        let gate = tokio::time::timeout(PATIENCE, opened).await.context("the key is never opened")???;
        drop(stuck);
        drop(gate);
        daemon = start()?;
        wanted.extend(["started", "releasing", "started"]);
    }
    wanted.extend(["releasing", "released"]);
    daemon.wait_line(|line| line.contains("the data key is released"), PATIENCE)?;
    assert!(customer.watch(job)?);

    // The guest's own log proves the release; the daemon's says who approved.
    let receipts = customer.run(["receipt", "list", &job.to_string()])?;
    let operations: Vec<_> = receipts["receipts"].as_array().context("receipts")?.iter().map(|receipt| receipt["op"].clone()).collect();
    assert_eq!(operations.iter().filter(|op| *op == "key_release").count(), 1, "{operations:?}");
    let audit = json(&keyd(&["audit"], &config)?)?;
    let entries = audit["entries"].as_array().context("entries")?;
    let event = |entry: &Value| entry["event"].as_str().unwrap_or_default().to_owned();
    assert_eq!(event(&entries[1]), "requested");
    // Each daemon asks again, unless it is killed before.
    let events: Vec<_> = entries.iter().map(event).filter(|event| event != "requested").collect();
    assert_eq!(events, wanted);
    assert_eq!(event(&entries[entries.len() - 2]), "releasing");
    let officer: blockcloud_client::Signer = OFFICER.parse()?;
    assert_eq!(entries[entries.len() - 2]["officers"], serde_json::json!([officer.account()]));
    assert_eq!(fs::read_dir(folder.join("keyd/requests"))?.count(), 0);
    let head = audit["head"].as_str().context("the head")?.to_owned();
    assert!(keyd(&["audit", "--head", &head], &config)?.status.success());
    assert_eq!(keyd(&["audit", "--head", &format!("0x{}", "11".repeat(32))], &config)?.status.code(), Some(1));

    // The output opens for whoever has the identity.
    fs::write(folder.join("opens.toml"), format!("{seals}{opens}"))?;
    let fetch = |into: &str, protection: &str| {
        let into = folder.join(into).display().to_string();
        customer.try_run(["job", "fetch", &job.to_string(), "--into", &into, "--key-protection", protection])
    };
    let sealed_only = fetch("refused", &sealed[1])?;
    assert_eq!(sealed_only.status.success(), file == "data.key", "{}", String::from_utf8_lossy(&sealed_only.stderr));
    let opened = fetch("output", &folder.join("opens.toml").display().to_string())?;
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    assert!(fs::read_to_string(folder.join("output/output/monthly.csv"))?.lines().count() > 12);

    // Dismissed, it gets nowhere with the next job.
    customer.run(["account", "dismiss", DAEMON, "--role", "security"])?;
    customer.place(&[&spec[..], &sealed].concat())?;
    let refusals = daemon.output().matches("does not act for it").count();
    daemon.wait_line(|line| line.contains("does not act for it"), PATIENCE)?;
    assert_eq!(refusals, 0);
    Ok(())
}
