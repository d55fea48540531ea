//! A simulated processor with AMD SEV-SNP: the default.

use crate::simulator::{NOW_MS, Simulator, command, hex_field};
use blockcloud_evidence::snp::{self, Requirements};
use blockcloud_simulator::{dev_root, tdx};
use serde_json::json;
use sha2::{Digest, Sha384};
use std::fs;

#[test]
fn launches_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fs::write(&image, b"a guest").unwrap();
    let simulator = Simulator::start(&folder.path().join("chip"));

    let (status, description) = simulator.request("GET", "/", &json!({}));
    assert_eq!((status, &description["simulated"], &description["product"]), (200, &json!(true), &json!("genoa")));
    assert_eq!(description["tee"], json!("sev-snp"));

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
fn makes_new_roots() {
    let folder = tempfile::tempdir().unwrap();
    let output = command().arg("new-root").arg(folder.path()).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("protect nothing"));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(snp::verify_issuers(&read("root.der"), &read("issuer.der"), NOW_MS).is_ok());
    assert_ne!(read("root.der"), dev_root::ROOT);
    assert!(read("README.md").starts_with(b"# Development root"));

    // Keys and certificate of the other root belong together.
    let root = tdx::Key::from_pkcs8(&read("tdx/root.key")).unwrap();
    assert_eq!(root.certify(&tdx::certificate::root(&root)), read("tdx/root.der"));
    assert!(["tdx/issuer.key", "tdx/signer.key"].iter().all(|name| tdx::Key::from_pkcs8(&read(name)).is_ok()));
    assert_ne!(read("tdx/root.der"), tdx::dev_root::ROOT);
    assert!(read("tdx/README.md").starts_with(b"# Development root"));
}

#[test]
fn help_says_what_it_is() {
    let output = command().arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("SIMULATED"));
}
