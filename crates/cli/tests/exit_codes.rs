//! What scripts see of the real program when there is no node: exit codes, stdout and stderr.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

/// Runs the program with a node that is not there.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_blockcloud"))
        .args(arguments)
        .env_clear()
        .env("BLOCKCLOUD_NODE", format!("ws://{port}"))
        .env("BLOCKCLOUD_HOME", home)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn wrong_usage_is_2_before_a_node_is_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = home.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (module, program) = (path("module.wasm", "\0asm\u{1}\0\0\0"), path("program", "#!/bin/sh"));
    let (policy, root) = (path("policy.toml", "tees = []"), path("root.pem", "-----BEGIN CERTIFICATE-----"));
    let (measurement, engine) = (format!("0x{}", "07".repeat(48)), format!("0x{}", "08".repeat(32)));
    let guest = ["--measurement", measurement.as_str(), "--engine", engine.as_str(), "--tee", "simulated"];
    let place = |more: &[&str]| [&["--key", "//Alice", "job", "place"], &guest[..4], more].concat().iter().map(|s| s.to_string()).collect();
    let long = "x".repeat(300);
    let cases: [Vec<String>; 12] = [
        ["bond", "add", "1"].map(String::from).into(),
        ["provider", "add-site"].map(String::from).into(),
        ["fact", "revoke", "--site", "1", "--region", "DE-BE"].map(String::from).into(),
        ["job", "release", "1"].map(String::from).into(),
        ["job", "fetch", "1", "--into", "there"].map(String::from).into(),
        ["job", "cancel", "1"].map(String::from).into(),
        ["--key", "no-such.key", "job", "release", "1"].map(String::from).into(),
        ["--key", "//Alice", "job", "release", "1", "--root", &root].map(String::from).into(),
        place(&["--module", &program]),
        place(&["--module", &module, "--policy", &policy]),
        place(&["--module", &module, "--arg", &long]),
        ["account", "show", "nobody"].map(String::from).into(),
    ];
    for arguments in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = run(home.path(), &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_node_that_is_away_is_3_and_doctor_says_so_as_its_result() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["job", "status", "1"][..], &["account", "show", "//Alice"], &["offer", "list"]] {
        let (code, stdout, stderr) = run(home.path(), arguments);
        assert_eq!((code, stdout.as_str()), (3, ""), "{arguments:?}: {stderr}");
    }
    let (code, stdout, stderr) = run(home.path(), &["doctor", "--output", "json"]);
    assert_eq!(code, 3, "{stderr}");
    let verdict: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&verdict["holds"], &verdict["checks"][0]["holds"]), (&false.into(), &false.into()));
}

#[test]
fn a_secret_that_is_given_as_the_key_is_not_repeated() {
    let home = tempfile::tempdir().unwrap();
    for key in ["hunter2 hunter2 hunter2", "sr25519:0xhunter2", "hunter225519:0x00"] {
        let (code, stdout, stderr) = run(home.path(), &["--key", key, "job", "release", "1"]);
        assert_eq!(code, 2, "{stderr}");
        assert!(!stdout.contains("hunter2") && !stderr.contains("hunter2"), "{stderr}");
    }
}

/// A report of a simulated processor and the certificates above it, in files.
fn raw_evidence(home: &Path, change: impl FnOnce(&mut [u8; 1184])) -> Vec<String> {
    let processor = blockcloud_simulator::Processor::new([1; 32]);
    let mut report = processor.launch([2; 48], [3; 32]).report([4; 64]);
    change(&mut report);
    processor.sign(&mut report);
    let files: [(&str, &[u8]); 4] = [
        ("report.bin", &report),
        ("chip.der", processor.certificate()),
        ("issuer.der", blockcloud_simulator::dev_root::ISSUER),
        ("root.der", blockcloud_simulator::dev_root::ROOT),
    ];
    files
        .map(|(name, content)| {
            fs::write(home.join(name), content).unwrap();
            home.join(name).display().to_string()
        })
        .into()
}

#[test]
fn raw_evidence_is_judged_without_a_node() {
    let home = tempfile::tempdir().unwrap();
    let files = raw_evidence(home.path(), |_| ());
    let path = |name: &str| home.path().join(name).display().to_string();
    let judge = |more: &[&str]| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        run(home.path(), &[&["evidence", "verify", "--at", "2027-01-15T08:00:00Z"], &files[..], more].concat())
    };
    let (code, stdout, stderr) = judge(&["--root", &files[3]]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.lines().all(|line| ["ok  ", "note", "good"].iter().any(|start| line.starts_with(start))), "{stdout}");

    // Nobody has named the root.
    let (code, stdout, stderr) = judge(&["--output", "json"]);
    assert_eq!((code, stderr.as_str()), (1, ""), "{stdout}");
    let shown: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&shown["kind"], &shown["at"], &shown["holds"]), (&"snp".into(), &1_800_000_000_000u64.into(), &false.into()));
    assert_eq!((&shown["checks"][0]["name"], &shown["checks"][0]["passed"]), (&"root_trusted".into(), &false.into()));

    fs::write(path("policy.toml"), "debug = \"sometimes\"").unwrap();
    fs::write(path("roots.toml"), "roots = []").unwrap();
    for policy in ["policy.toml", "roots.toml"] {
        let (code, stdout, stderr) = judge(&["--root", &files[3], "--policy", &path(policy)]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    }
    for wrong in [
        &["--at", "soon"][..],
        &["--job", "1", "--policy", "x"],
        &["--ear", "x"],
        &["--ear-key", "x"],
        &["--save", "x"],
        &[files[2].as_str(), files[0].as_str()],
    ] {
        let (code, stdout, stderr) = judge(wrong);
        assert_eq!((code, stdout.as_str()), (2, ""), "{wrong:?}: {stderr}");
    }
}

#[test]
fn a_result_for_others_is_written_whatever_it_says() {
    let home = tempfile::tempdir().unwrap();
    let files = raw_evidence(home.path(), |report| report[0x0a] |= 1 << 3);
    let path = |name: &str| home.path().join(name).display().to_string();
    fs::write(path("key"), "ed25519://Alice").unwrap();
    let (token, key) = (path("token"), path("key"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let arguments =
        [&["evidence", "verify", "--at", "1800000000", "--root", files[3], "--ear", &token, "--ear-key", &key], &files[..]].concat();
    let (code, stdout, stderr) = run(home.path(), &arguments);
    assert_eq!((code, stderr.as_str()), (1, ""), "{stdout}");
    assert!(stdout.contains("FAILED  debuggable (guest policy)"), "{stdout}");
    assert_eq!(fs::read_to_string(&token).unwrap().split('.').count(), 3);
}

#[test]
fn a_report_without_its_issuer_needs_a_node() {
    let home = tempfile::tempdir().unwrap();
    let files = raw_evidence(home.path(), |_| ());
    let (code, stdout, stderr) = run(home.path(), &["evidence", "verify", &files[0], &files[1]]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
}
