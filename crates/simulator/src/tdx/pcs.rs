//! Simulated collateral over HTTP, as Intel's Provisioning Certification Service and its caches give it (PCS, version 4): same paths, headers and bodies.
//!
//! Not here: certificates of platform keys, which quotes carry; nor SGX enclaves.

use crate::{
    server::Refusal,
    tdx::{Collateral, JsonItem, SignedCollateral, SignedJson, dev_root, parts::pem},
};
use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use std::{collections::HashMap, sync::Arc};

/// What is answered: signed once.
struct Answers {
    collateral: SignedCollateral,
    /// TCB infos of families, by FMSPC in lower case.
    tcb_infos: HashMap<String, SignedJson>,
}

type Parameters = Query<HashMap<String, String>>;

/// The routes for this collateral. Its TCB info is given for each of these families, made out to the family.
pub fn router(collateral: &Collateral, families: &[[u8; 6]]) -> Router {
    let tcb_info = |fmspc: &[u8; 6]| {
        let mut info: JsonItem = collateral.tcb_info.clone();
        info.body["fmspc"] = hex::encode_upper(fmspc).into();
        (hex::encode(fmspc), info.sign())
    };
    let answers = Answers { collateral: collateral.sign(), tcb_infos: families.iter().map(tcb_info).collect() };
    Router::new()
        .route("/sgx/certification/v4/rootcacrl", get(root_crl))
        .route("/sgx/certification/v4/pckcrl", get(pck_crl))
        .route("/tdx/certification/v4/tcb", get(tcb))
        .route("/tdx/certification/v4/qe/identity", get(qe_identity))
        .with_state(Arc::new(answers))
}

async fn root_crl(State(answers): State<Arc<Answers>>) -> String {
    hex::encode(&answers.collateral.root_crl)
}

async fn pck_crl(State(answers): State<Arc<Answers>>, Query(parameters): Parameters) -> Result<Response, Refusal> {
    let parameter = |name: &str| parameters.get(name).map(String::as_str);
    if (parameter("ca"), parameter("encoding")) != (Some("platform"), Some("der")) {
        return Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            error: "this revocation list is not simulated".into(),
            advice: "Ask with ca=platform and encoding=der.",
        });
    }
    let headers =
        [("Content-Type", "application/pkix-crl".to_owned()), ("SGX-PCK-CRL-Issuer-Chain", chain(&answers.collateral.pck_issuer))];
    Ok((headers, answers.collateral.pck_crl.clone()).into_response())
}

async fn tcb(State(answers): State<Arc<Answers>>, Query(parameters): Parameters) -> Result<Response, Refusal> {
    let fmspc = parameters.get("fmspc").map(|fmspc| fmspc.to_lowercase()).unwrap_or_default();
    let info = answers.tcb_infos.get(&fmspc).ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        error: format!("no platform of the family {fmspc:?} is simulated"),
        advice: "Ask with fmspc= and the family that GET / names.",
    })?;
    Ok(json("TCB-Info-Issuer-Chain", "tcbInfo", info))
}

async fn qe_identity(State(answers): State<Arc<Answers>>) -> Response {
    json("SGX-Enclave-Identity-Issuer-Chain", "enclaveIdentity", &answers.collateral.qe_identity)
}

/// An object with its signature, and its signer's chain in a header. The object's bytes stay as they are signed.
fn json(header: &'static str, field: &str, signed: &SignedJson) -> Response {
    let object = String::from_utf8_lossy(&signed.body);
    let body = format!(r#"{{"{field}":{object},"signature":"{}"}}"#, hex::encode(signed.signature));
    let headers = [("Content-Type", "application/json".to_owned()), (header, chain(&signed.signer))];
    (headers, body).into_response()
}

/// A certificate and the root in PEM, URL-encoded.
fn chain(certificate: &[u8]) -> String {
    let pem = pem(&[certificate.to_vec(), dev_root::ROOT.to_vec()]);
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    pem.bytes().map(encode).collect()
}
