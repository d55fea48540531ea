//! The program `blockcloud-simulator`, over HTTP and its command line.

use blockcloud_evidence::snp::{self, Requirements};
use blockcloud_simulator::dev_root;
use serde_json::{Value, json};
use sha2::{Digest, Sha384};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const NOW_MS: u64 = 1_800_000_000_000;
const DEADLINE: Duration = Duration::from_secs(30);

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_blockcloud-simulator"))
}

/// A running simulator that ends with the test.
struct Simulator {
    process: Child,
    address: String,
}

impl Simulator {
    fn start(chip: &Path) -> Self {
        let mut process =
            command().arg("run").arg("--chip").arg(chip).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("SIMULATED http://").expect("it says that it is simulated").to_owned();
        Self { process, address }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in time");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        (status, serde_json::from_str(body).expect("JSON"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hex_field(answer: &Value, field: &str) -> Vec<u8> {
    hex::decode(answer[field].as_str().expect("text")).expect("hex")
}

#[test]
fn launches_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fs::write(&image, b"a guest").unwrap();
    let simulator = Simulator::start(&folder.path().join("chip"));

    let (status, description) = simulator.request("GET", "/", &json!({}));
    assert_eq!((status, &description["simulated"], &description["product"]), (200, &json!(true), &json!("genoa")));

    let (status, launched) = simulator.request("POST", "/launch", &json!({"image": image, "host_data": "02".repeat(32)}));
    assert_eq!((status, &launched["simulated"]), (200, &json!(true)));
    assert_eq!(hex_field(&launched, "measurement"), Sha384::digest(b"a guest").to_vec());

    let request = json!({"launch": launched["launch"], "report_data": format!("0x{}", "03".repeat(64))});
    let (status, reported) = simulator.request("POST", "/report", &request);
    assert_eq!((status, &reported["simulated"]), (200, &json!(true)));
    let (report, certificate) = (hex_field(&reported, "report"), hex_field(&reported, "certificate"));
    let claims = snp::verify(&report, &certificate, dev_root::ISSUER, &Requirements::USUAL, NOW_MS).unwrap();
    let measurement: [u8; 48] = Sha384::digest(b"a guest").into();
    assert_eq!((claims.measurement, claims.host_data, claims.report_data), (measurement, [2; 32], [3; 64]));
}

#[test]
fn keeps_its_chip() {
    let folder = tempfile::tempdir().unwrap();
    let chip = folder.path().join("chip");
    let id = || Simulator::start(&chip).request("GET", "/", &json!({})).1["chip_id"].clone();
    let first = id();
    assert_eq!(id(), first);
    let other = Simulator::start(&folder.path().join("other")).request("GET", "/", &json!({})).1["chip_id"].clone();
    assert_ne!(other, first);
}

#[test]
fn refuses_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(&folder.path().join("chip"));
    let missing = json!({"image": folder.path().join("missing"), "host_data": "02".repeat(32)});
    let short = json!({"image": folder.path().join("chip"), "host_data": "02"});
    let unknown = json!({"launch": "unknown", "report_data": "03".repeat(64)});
    for (path, body, expected) in
        [("/launch", missing, 422), ("/launch", short, 422), ("/launch", json!({}), 422), ("/report", unknown, 404)]
    {
        let (status, answer) = simulator.request("POST", path, &body);
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].is_string() && answer["advice"].is_string(), "{answer}");
    }
}

#[test]
fn writes_fixtures() {
    let folder = tempfile::tempdir().unwrap();
    let output = command()
        .arg("evidence")
        .arg(folder.path())
        .args(["--chip-seed", &"07".repeat(32), "--measurement", &"01".repeat(48), "--host-data", &"02".repeat(32)])
        .args(["--report-data", &"03".repeat(64)])
        .output()
        .unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("SIMULATED"));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(snp::verify_issuers(&read("root.der"), &read("issuer.der"), NOW_MS).is_ok());
    let claims = snp::verify(&read("report.bin"), &read("vcek.der"), &read("issuer.der"), &Requirements::USUAL, NOW_MS).unwrap();
    assert_eq!((claims.measurement, claims.host_data, claims.report_data), ([1; 48], [2; 32], [3; 64]));
}

#[test]
fn makes_a_new_root() {
    let folder = tempfile::tempdir().unwrap();
    let output = command().arg("new-root").arg(folder.path()).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("protect nothing"));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(snp::verify_issuers(&read("root.der"), &read("issuer.der"), NOW_MS).is_ok());
    assert_ne!(read("root.der"), dev_root::ROOT);
    assert!(read("README.md").starts_with(b"# Development root"));
}

#[test]
fn help_says_what_it_is() {
    let output = command().arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("SIMULATED"));
}
