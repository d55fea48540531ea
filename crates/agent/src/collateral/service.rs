//! Collateral over HTTP, from Intel or a cache of its service (Intel, *Provisioning Certification Service* API v4).
//!
//! Answers are bounded and redirects are not followed: whoever answers may be anybody.

use super::{
    CollateralError,
    document::{PCK_CRL, ROOT_CRL, bounded, first_certificate, malformed, signed},
};
use blockcloud_primitives::{CollateralItem, SignedObject};
use percent_encoding::percent_decode_str;
use reqwest::{Client, header::HeaderMap, redirect::Policy};
use std::time::Duration;

/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest answer: a list of 16 KiB in hex, and a little.
const LONGEST: usize = 40_000;

/// Asks for all of it.
pub(super) async fn fetch(base: &str, families: &[[u8; 6]]) -> Result<Vec<CollateralItem>, CollateralError> {
    let client = Client::builder().timeout(DEADLINE).redirect(Policy::none()).build();
    let client = client.map_err(|error| CollateralError::Unreachable { url: base.into(), reason: error.to_string() })?;
    let base = base.trim_end_matches('/');
    let ask = async |path: &str| answer(&client, format!("{base}{path}")).await;

    let root_crl = ask("/sgx/certification/v4/rootcacrl").await?;
    // Intel writes this one list as hex, caches also as it is.
    let list = hex::decode(root_crl.body.trim_ascii()).unwrap_or(root_crl.body);
    let mut items = vec![CollateralItem::RootCrl { list: bounded(&root_crl.url, list, ROOT_CRL)? }];

    let pck_crl = ask("/sgx/certification/v4/pckcrl?ca=platform&encoding=der").await?;
    let issuer = first_certificate(&pck_crl.url, &chain(&pck_crl, "SGX-PCK-CRL-Issuer-Chain")?)?;
    items.push(CollateralItem::PckCrl { list: bounded(&pck_crl.url, pck_crl.body, PCK_CRL)?, issuer });

    for family in families {
        let info = ask(&format!("/tdx/certification/v4/tcb?fmspc={}", hex::encode(family))).await?;
        items.push(CollateralItem::TcbInfo(object(&info, "tcbInfo", "TCB-Info-Issuer-Chain")?));
    }
    let identity = ask("/tdx/certification/v4/qe/identity").await?;
    items.push(CollateralItem::QeIdentity(object(&identity, "enclaveIdentity", "SGX-Enclave-Identity-Issuer-Chain")?));
    Ok(items)
}

/// What was answered.
struct Answer {
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn answer(client: &Client, url: String) -> Result<Answer, CollateralError> {
    let failed = |error: reqwest::Error| CollateralError::Unreachable { url: url.clone(), reason: error.without_url().to_string() };
    let mut response = client.get(&url).send().await.map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        return Err(CollateralError::Refused { url, status: status.as_u16() });
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(malformed(&url, "an answer of a length that collateral has"));
        }
    }
    Ok(Answer { url, headers, body })
}

/// A chain of certificates that stands URL-encoded in a header.
fn chain(answer: &Answer, header: &str) -> Result<Vec<u8>, CollateralError> {
    let text = answer.headers.get(header).and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| malformed(&answer.url, "its issuers' certificates in a header"))?;
    Ok(percent_decode_str(text).collect())
}

/// The signed object of an answer `{"field":{...},"signature":"..."}`: its bytes as they are, because those are what is signed.
fn object(answer: &Answer, field: &str, header: &str) -> Result<SignedObject, CollateralError> {
    const WHAT: &str = "an object with its signature";
    let cut = || {
        let text = std::str::from_utf8(&answer.body).ok()?.trim();
        let rest = text.strip_prefix("{\"")?.strip_prefix(field)?.strip_prefix("\":")?;
        let (body, signature) = rest.rsplit_once(",\"signature\":\"")?;
        Some((body.as_bytes().to_vec(), signature.strip_suffix("\"}")?))
    };
    let (body, signature) = cut().ok_or_else(|| malformed(&answer.url, WHAT))?;
    signed(&answer.url, body, signature, &chain(answer, header)?)
}
