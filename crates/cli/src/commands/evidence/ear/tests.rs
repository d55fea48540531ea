//! Results as others read them: their signatures verified by OpenSSL, their claims by what the drafts say.

use super::*;
use crate::commands::evidence::{
    appraisal::tests::{MEASUREMENT, OUT_OF_DATE, OUT_OF_DATE_AT, debuggable, genuine, judge, policy, simulated},
    policy::{Bytes, Policy},
};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::{PKey, Private},
    sha::sha256,
    sign::Verifier,
};
use serde_json::Value;
use std::{io::Write as _, path::Path};

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn read(pem: &[u8]) -> Result<Key> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem).unwrap();
    Key::read(file.path())
}

/// Header, claims, signed text and signature.
fn parts(token: &str) -> (Value, Value, &str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let json = |text: &str| serde_json::from_slice(&decode(text)).unwrap();
    (json(header), json(claims), message, decode(signature))
}

fn result(appraisal: &Appraisal) -> Value {
    claims(appraisal, None)["submods"]["sev-snp"].clone()
}

#[test]
fn a_p256_key_signs_what_openssl_verifies() {
    let pair = p256();
    let token = token(&judge(&simulated(|_| ()), &policy()), None, &read(&pair.private_key_to_pem_pkcs8().unwrap()).unwrap()).unwrap();
    let (header, _, message, signature) = parts(&token);
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
    let [r, s] = [&signature[..32], &signature[32..]].map(|number| BigNum::from_slice(number).unwrap());
    let signature = EcdsaSig::from_private_components(r, s).unwrap();
    assert!(signature.verify(&sha256(message.as_bytes()), &pair.ec_key().unwrap()).unwrap());
    assert!(!signature.verify(&sha256(b"something else"), &pair.ec_key().unwrap()).unwrap());
}

#[test]
fn an_ed25519_key_signs_what_openssl_verifies() {
    let pair = PKey::generate_ed25519().unwrap();
    let token = token(&judge(&simulated(|_| ()), &policy()), None, &read(&pair.private_key_to_pem_pkcs8().unwrap()).unwrap()).unwrap();
    let (header, _, message, signature) = parts(&token);
    assert_eq!(header, json!({"alg": "EdDSA", "typ": "JWT"}));
    assert!(Verifier::new_without_digest(&pair).unwrap().verify_oneshot(&signature, message.as_bytes()).unwrap());
}

#[test]
fn a_key_file_of_this_program_signs_if_it_is_ed25519() {
    assert!(matches!(read(b"ed25519://Alice\n"), Ok(Key::Ed25519(..))));
    assert!(read(b"sr25519://Alice\n").is_err());
}

#[test]
fn other_keys_are_refused() {
    let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
    let p384 = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let public = p256().public_key_to_pem().unwrap();
    for pem in [p384.private_key_to_pem_pkcs8().unwrap(), public, b"-----BEGIN PRIVATE KEY-----\n".to_vec(), b"".to_vec()] {
        assert!(read(&pem).is_err(), "{}", String::from_utf8_lossy(&pem));
    }
}

#[test]
fn good_evidence_is_affirmed() {
    let policy = Policy { measurements: Some(vec![Bytes(MEASUREMENT.to_vec())]), ..policy() };
    let claims = claims(&judge(&simulated(|_| ()), &policy), Some("sha256:00"));
    assert_eq!(
        claims,
        json!({
            "eat_profile": "tag:ietf.org,2026:rats/ear#04",
            "iat": 1_800_000_000,
            // The first of the certificates to expire: 2049-01-01.
            "exp": 2_493_072_000u64,
            "ear_verifier_id": {"developer": "https://github.com/blockcloud/blockcloud", "build": concat!("blockcloud-cli ", env!("CARGO_PKG_VERSION"))},
            "submods": {"sev-snp": {
                "ear_status": "affirming",
                "ear_trustworthiness_vector": {
                    "instance-identity": 2, "configuration": 2, "executables": 3, "hardware": 2, "runtime-opaque": 2,
                },
                "ear_appraisal_policy_ids": ["sha256:00"],
            }},
        })
    );
}

#[test]
fn nothing_is_claimed_of_a_guest_that_no_policy_names() {
    assert_eq!(result(&judge(&simulated(|_| ()), &policy()))["ear_trustworthiness_vector"]["executables"], Value::Null);
}

#[test]
fn a_debuggable_guest_is_contraindicated() {
    let result = result(&judge(&simulated(debuggable), &policy()));
    assert_eq!(
        result,
        json!({
            "ear_status": "contraindicated",
            "ear_trustworthiness_vector": {"instance-identity": 2, "configuration": 2, "hardware": 2, "runtime-opaque": 96},
        })
    );
}

#[test]
fn a_bad_signature_leaves_one_claim_only() {
    let mut evidence = simulated(|_| ());
    evidence.report[0x90] ^= 1;
    let result = result(&judge(&evidence, &policy()));
    assert_eq!(result, json!({"ear_status": "contraindicated", "ear_trustworthiness_vector": {"instance-identity": 99}}));
}

#[test]
fn what_a_policy_does_not_allow_is_contraindicated() {
    let with = |change: &dyn Fn(&mut Policy)| {
        let mut policy = policy();
        change(&mut policy);
        result(&judge(&simulated(|_| ()), &policy))
    };
    let cases = [
        (with(&|policy| policy.measurements = Some(vec![])), "executables", 96),
        (with(&|policy| policy.roots = Some(vec![])), "instance-identity", 97),
        (with(&|policy| policy.report_data = Some(Bytes(vec![0; 64]))), "instance-identity", 97),
        (with(&|policy| policy.host_data = Some(Bytes(vec![0; 32]))), "configuration", 96),
        (with(&|policy| policy.snp.firmware_floor = toml::from_str("snp = 99").ok()), "hardware", 96),
    ];
    for (result, claim, number) in cases {
        assert_eq!((&result["ear_status"], &result["ear_trustworthiness_vector"][claim]), (&json!("contraindicated"), &json!(number)));
    }
}

/// The collection lies beside the project; where it is absent the test says so and passes.
#[test]
fn a_platform_that_is_out_of_date_is_warned_of_if_the_policy_accepts_it() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs"))
        .join("../../../shared/data/attestation");
    if !folder.is_dir() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no genuine evidence at ../shared/data/attestation beside the project");
        return;
    }
    let result = |policy: &Policy| claims(&genuine(&folder, &OUT_OF_DATE, policy, OUT_OF_DATE_AT), None)["submods"]["tdx"].clone();
    let vector = |hardware: i8| json!({"instance-identity": 2, "configuration": 2, "hardware": hardware, "runtime-opaque": 2});
    let tolerant = Policy { tdx: toml::from_str("statuses = [\"out_of_date\"]").unwrap(), ..Policy::default() };
    assert_eq!(result(&tolerant), json!({"ear_status": "warning", "ear_trustworthiness_vector": vector(32)}));
    assert_eq!(result(&Policy::default()), json!({"ear_status": "contraindicated", "ear_trustworthiness_vector": vector(96)}));
}
