//! A simulated platform with Intel TDX, and its collateral.

use crate::simulator::{Answer, NOW_MS, Simulator, hex_field};
use blockcloud_evidence::tdx::{Requirements, certificates, verify};
use blockcloud_simulator::tdx::{Collateral, Platform, SignedCollateral, SignedJson, dev_root};
use serde_json::{Value, json};
use sha2::{Digest, Sha384};
use std::fs;

const TDX: [&str; 2] = ["--tee", "tdx"];

/// The first certificate of a chain in a header, and that the root is the second.
fn issuer(answer: &Answer, header: &str) -> Vec<u8> {
    let text = answer.header(header).as_bytes();
    let mut pem = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [*bytes.next().expect("a digit"), *bytes.next().expect("a digit")];
                pem.extend(hex::decode(digits).expect("hex"));
            }
            byte => pem.push(*byte),
        }
    }
    let chain = certificates(&pem, 2).expect("a chain in PEM");
    assert_eq!(chain[1], dev_root::ROOT);
    chain[0].clone()
}

/// A signed object, cut out of an answer byte for byte.
fn object(answer: &Answer, field: &str, header: &str) -> SignedJson {
    let text = std::str::from_utf8(&answer.body).expect("UTF-8");
    let (object, signature) = text.rsplit_once(r#","signature":""#).expect("a signature");
    let object = object.strip_prefix(&format!(r#"{{"{field}":"#)).expect("the object");
    let signature = hex::decode(signature.strip_suffix(r#""}"#).expect("the end")).expect("hex");
    SignedJson { body: object.into(), signature: signature.try_into().expect("64 bytes"), signer: issuer(answer, header) }
}

/// Everything that the program answers for.
fn collateral(simulator: &Simulator, fmspc: &str) -> SignedCollateral {
    let root_crl = simulator.get("/sgx/certification/v4/rootcacrl");
    let pck_crl = simulator.get("/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
    let tcb_info = simulator.get(&format!("/tdx/certification/v4/tcb?fmspc={fmspc}"));
    let qe_identity = simulator.get("/tdx/certification/v4/qe/identity");
    assert_eq!([&root_crl, &pck_crl, &tcb_info, &qe_identity].map(|answer| answer.status), [200; 4]);
    SignedCollateral {
        root_crl: hex::decode(&root_crl.body).expect("hex"),
        pck_issuer: issuer(&pck_crl, "SGX-PCK-CRL-Issuer-Chain"),
        pck_crl: pck_crl.body,
        tcb_info: object(&tcb_info, "tcbInfo", "TCB-Info-Issuer-Chain"),
        qe_identity: object(&qe_identity, "enclaveIdentity", "SGX-Enclave-Identity-Issuer-Chain"),
    }
}

#[test]
fn quotes_verify_with_the_collateral_that_it_gives() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    fs::write(&image, b"a guest").unwrap();
    let simulator = Simulator::start_with(&folder.path().join("chip"), &TDX);

    let (status, launched) = simulator.request("POST", "/launch", &json!({"image": image, "host_data": "02".repeat(32)}));
    assert_eq!((status, &launched["simulated"]), (200, &json!(true)));
    let request = json!({"launch": launched["launch"], "report_data": "03".repeat(64)});
    let (status, reported) = simulator.request("POST", "/report", &request);
    assert_eq!((status, &reported["simulated"], &reported["certificate"]), (200, &json!(true), &json!("")));

    let collateral = collateral(&simulator, "50806F000000");
    let quote = hex_field(&reported, "report");
    let claims = verify(&quote, &collateral.borrow(), dev_root::ROOT, &Requirements::STRICT, NOW_MS).unwrap();
    let measurement: [u8; 48] = Sha384::digest(b"a guest").into();
    let mut config_id = [0; 48];
    config_id[..32].fill(2);
    assert_eq!((claims.mr_td, claims.mr_config_id, claims.report_data), (measurement, config_id, [3; 64]));
    assert_eq!(hex_field(&launched, "measurement"), measurement);
    // What the library makes, neither more nor less.
    assert_eq!(collateral, Collateral::new(Platform::FMSPC).sign());
}

#[test]
fn says_which_platform_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let chip = folder.path().join("chip");
    fs::write(&chip, "07".repeat(32)).unwrap();
    let (status, description) = Simulator::start_with(&chip, &TDX).request("GET", "/", &Value::Null);
    let ppid = hex::encode(Platform::new([7; 32]).ppid());
    let advice = "SIMULATED hardware: its reports prove nothing. Only development chains accept them.";
    assert_eq!(status, 200);
    assert_eq!(description, json!({"simulated": true, "tee": "tdx", "ppid": ppid, "fmspc": "50806f000000", "advice": advice}));
}

#[test]
fn refuses_collateral_that_it_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start_with(&folder.path().join("chip"), &TDX);
    for (path, expected) in [
        ("/tdx/certification/v4/tcb?fmspc=00906ED50000", 404),
        ("/tdx/certification/v4/tcb", 404),
        ("/sgx/certification/v4/pckcrl?ca=processor&encoding=der", 400),
        ("/sgx/certification/v4/pckcrl?ca=platform", 400),
    ] {
        let (status, answer) = simulator.request("GET", path, &Value::Null);
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].is_string() && answer["advice"].is_string(), "{answer}");
    }
}

#[test]
fn a_processor_has_no_collateral() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(&folder.path().join("chip"));
    assert_eq!(simulator.get("/sgx/certification/v4/rootcacrl").status, 404);
}
