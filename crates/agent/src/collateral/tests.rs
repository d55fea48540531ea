//! Against the simulator's service, and against services and files that are not what they should be.

use super::*;
use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    response::Redirect,
    routing::{MethodRouter, get},
};
use blockcloud_primitives::SignedObject;
use blockcloud_simulator::tdx::{Collateral, Platform, SignedJson, dev_root, parts::pem, pcs};

const FAMILY: [u8; 6] = Platform::FMSPC;

async fn serve(router: Router) -> Source {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Source::Service(url)
}

async fn simulated() -> Source {
    serve(pcs::router(&Collateral::new(FAMILY), &[FAMILY])).await
}

#[tokio::test]
async fn a_service_gives_all_that_a_quote_rests_on() {
    let signed = Collateral::new(FAMILY).sign();
    let object = |item: &blockcloud_simulator::tdx::SignedJson| SignedObject {
        body: item.body.clone().try_into().unwrap(),
        signature: blockcloud_primitives::Signature(item.signature),
        signer: item.signer.clone().try_into().unwrap(),
    };
    let expected = vec![
        CollateralItem::RootCrl { list: signed.root_crl.clone().try_into().unwrap() },
        CollateralItem::PckCrl { list: signed.pck_crl.clone().try_into().unwrap(), issuer: signed.pck_issuer.clone().try_into().unwrap() },
        CollateralItem::TcbInfo(object(&signed.tcb_info)),
        CollateralItem::QeIdentity(object(&signed.qe_identity)),
    ];
    assert_eq!(fetch(&simulated().await, &[FAMILY]).await.unwrap(), expected);
}

#[tokio::test]
async fn a_service_has_to_be_told_for_which_family() {
    let source = simulated().await;
    assert!(matches!(fetch(&source, &[]).await, Err(CollateralError::NoFamily)));
    assert!(matches!(fetch(&source, &[[9; 6]]).await, Err(CollateralError::Refused { status: 404, .. })));
}

#[tokio::test]
async fn a_service_that_is_away_is_named() {
    let away = Source::Service("http://127.0.0.1:1".into());
    assert!(matches!(fetch(&away, &[FAMILY]).await, Err(CollateralError::Unreachable { url, .. }) if url.contains("rootcacrl")));
}

/// What a service whose first answer is this is refused for.
async fn first_answer(handler: MethodRouter) -> CollateralError {
    let source = serve(Router::new().route("/sgx/certification/v4/rootcacrl", handler)).await;
    fetch(&source, &[FAMILY]).await.unwrap_err()
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let error = first_answer(get(async || vec![0x30; 1 << 20])).await;
    assert!(matches!(error, CollateralError::Malformed { what: "an answer of a length that collateral has", .. }), "{error}");
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_cut_off() {
    let endless = async || Body::from_stream(futures::stream::repeat(Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'0'; 4096]))));
    let error = first_answer(get(endless)).await;
    assert!(matches!(error, CollateralError::Malformed { what: "an answer of a length that collateral has", .. }), "{error}");
}

#[tokio::test]
async fn silence_has_an_end() {
    // It takes connections, as any socket that listens does, and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let error = service::fetch(&url, &[FAMILY], Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, CollateralError::Unreachable { .. }), "{error}");
}

/// A good service, but for its TCB info.
async fn tcb_info_of(handler: MethodRouter) -> Result<Vec<CollateralItem>, CollateralError> {
    let good = pcs::router(&Collateral::new(FAMILY), &[FAMILY]);
    fetch(&serve(Router::new().route("/tdx/certification/v4/tcb", handler).fallback_service(good)).await, &[FAMILY]).await
}

/// A signed TCB info of a family, with its signer's chain as it stands in the header.
fn tcb_info(family: [u8; 6]) -> (SignedJson, String) {
    let info = Collateral::new(family).tcb_info.sign();
    let chain = pem(&[info.signer.clone(), dev_root::ROOT.to_vec()]).replace('\n', "%0A");
    (info, chain)
}

#[tokio::test]
async fn an_object_is_taken_byte_for_byte_wherever_it_stands() {
    let (info, chain) = tcb_info(FAMILY);
    let text = String::from_utf8(info.body.clone()).unwrap();
    let body = format!("{{ \"signature\": \"{}\", \"tcbInfo\": {text} }}\n", hex::encode(info.signature));
    let items = tcb_info_of(get(async move || ([("TCB-Info-Issuer-Chain", chain)], body))).await.unwrap();
    assert!(matches!(&items[2], CollateralItem::TcbInfo(object) if object.body.as_slice() == info.body), "{items:?}");
}

#[tokio::test]
async fn a_tcb_info_of_another_family_is_refused() {
    let (info, chain) = tcb_info([9; 6]);
    let text = String::from_utf8(info.body).unwrap();
    let body = format!(r#"{{"tcbInfo":{text},"signature":"{}"}}"#, hex::encode(info.signature));
    let error = tcb_info_of(get(async move || ([("TCB-Info-Issuer-Chain", chain)], body))).await.unwrap_err();
    assert!(matches!(error, CollateralError::Malformed { what: "a TCB info of the family that was asked for", .. }), "{error}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let (_, chain) = tcb_info(FAMILY);
    let body = [br#"{"tcbInfo":{"fmspc":""#.as_slice(), &[0xff; 12], br#""},"signature":"00"}"#].concat();
    let error = tcb_info_of(get(async move || ([("TCB-Info-Issuer-Chain", chain)], body))).await.unwrap_err();
    assert!(matches!(error, CollateralError::Malformed { what: "an object with its signature", .. }), "{error}");
}

#[tokio::test]
async fn a_header_that_is_no_chain_is_refused() {
    let (info, _) = tcb_info(FAMILY);
    let text = String::from_utf8(info.body).unwrap();
    let body = format!(r#"{{"tcbInfo":{text},"signature":"{}"}}"#, hex::encode(info.signature));
    for chain in ["Intel", "%zz", "%ff%fe"] {
        let body = body.clone();
        let error = tcb_info_of(get(async move || ([("TCB-Info-Issuer-Chain", chain)], body))).await.unwrap_err();
        assert!(matches!(error, CollateralError::Malformed { what: "a chain of certificates in PEM", .. }), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = first_answer(get(async || Redirect::temporary("http://127.0.0.1:1/"))).await;
    assert!(matches!(error, CollateralError::Refused { status, .. } if status == StatusCode::TEMPORARY_REDIRECT.as_u16()), "{error}");
}

#[tokio::test]
async fn an_answer_without_its_issuers_is_refused() {
    let routes = Router::new()
        .route("/sgx/certification/v4/rootcacrl", get(async || "3001"))
        .route("/sgx/certification/v4/pckcrl", get(async || "list"));
    let error = fetch(&serve(routes).await, &[FAMILY]).await.unwrap_err();
    assert!(matches!(error, CollateralError::Malformed { what: "its issuers' certificates in a header", .. }), "{error}");
}

#[tokio::test]
async fn files_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collateral.json");
    let source = Source::Files(vec![path.clone()]);
    assert!(matches!(fetch(&source, &[]).await, Err(CollateralError::File { .. })));
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(fetch(&source, &[]).await, Err(CollateralError::Malformed { what: "collateral as JSON", .. })));
    std::fs::write(&path, " ".repeat(1 << 20)).unwrap();
    let refused = fetch(&source, &[]).await;
    assert!(matches!(refused, Err(CollateralError::Malformed { what: "collateral of a length that there is", .. })));
}

#[test]
fn a_refusal_says_what_to_do() {
    let text = |status| CollateralError::Refused { url: "url".into(), status }.to_string();
    assert_eq!(text(307), "url answers 307: name the address that it sends to, if that is to be trusted");
    assert_eq!(text(503), "url answers 503: try again later, or name another service");
    assert_eq!(text(404), "url answers 404: is the family (FMSPC) right, and is this a service of API version 4?");
    assert_eq!(
        text(401),
        "url answers 401: it wants a key or a certificate: name a service that does not, or read collateral from files with --file"
    );
}

/// The files lie beside the project; where they are absent the test says so and passes.
#[tokio::test]
async fn genuine_files_are_read_and_verify() {
    use blockcloud_evidence::tdx::{verify_pck_crl, verify_root_crl};
    use std::io::Write as _;
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs"))
        .join("../../../shared/data/attestation/tdx");
    if !folder.is_dir() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no collateral at ../shared/data/attestation/tdx beside the project");
        return;
    }
    let path = folder.join("90c06f_2026.collateral.json");
    let items = fetch(&Source::Files(vec![path.clone(), path.clone()]), &[]).await.unwrap();
    let [
        CollateralItem::RootCrl { list },
        CollateralItem::PckCrl { list: pck, issuer },
        CollateralItem::TcbInfo(_),
        CollateralItem::QeIdentity(_),
    ] = &items[..]
    else {
        panic!("another order: {}", items.len())
    };
    let text: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let chain = text["pck_crl_issuer_chain"].as_str().unwrap().trim_end().as_bytes();
    let root = &blockcloud_evidence::tdx::certificates(chain, 3).unwrap()[1];
    let now = 1_773_800_000_000;
    let root_crl = verify_root_crl(list, root, now).unwrap();
    assert!(verify_pck_crl(pck, issuer, root, &root_crl, now).is_ok());
}

#[test]
fn what_was_fetched_last_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(kept(folder.path()).unwrap(), []);
    let items = [CollateralItem::RootCrl { list: vec![1, 2].try_into().unwrap() }];
    keep(folder.path(), &items).unwrap();
    assert_eq!(kept(folder.path()).unwrap(), items);
    std::fs::write(folder.path().join(KEPT), "no").unwrap();
    assert!(matches!(kept(folder.path()), Err(CollateralError::Malformed { .. })));
}
