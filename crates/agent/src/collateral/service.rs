//! Collateral over HTTP, from Intel or a cache of its service (Intel, *Provisioning Certification Service* API v4).
//!
//! Answers are bounded and redirects are not followed: whoever answers may be anybody.

use super::{
    CollateralError,
    document::{PCK_CRL, ROOT_CRL, bounded, first_certificate, malformed, signed},
};
use crate::driver::describe;
use blockcloud_primitives::{CollateralItem, SignedObject};
use percent_encoding::percent_decode_str;
use reqwest::{Client, header::HeaderMap, redirect::Policy};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// Intel's own service.
const INTEL: &str = "https://api.trustedservices.intel.com";
/// Where Intel publishes the root's revocation list. Its service does not answer for that, only caches do.
const INTEL_ROOT_CRL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
/// Longest answer: a list of 16 KiB in hex, and a little.
const LONGEST: usize = 40_000;

/// Asks for all of it. `deadline`: how long one answer may take, from connecting to its last byte.
pub(super) async fn fetch(base: &str, families: &[[u8; 6]], deadline: Duration) -> Result<Vec<CollateralItem>, CollateralError> {
    let client = Client::builder().timeout(deadline).redirect(Policy::none()).build();
    let client = client.map_err(|error| CollateralError::Unreachable { url: base.into(), reason: describe(&error) })?;
    let base = base.trim_end_matches('/');
    let ask = async |path: &str| answer(&client, format!("{base}{path}")).await;

    let root_crl = answer(&client, root_crl_url(base)).await?;
    // Intel gives this one list as it is, caches as hex.
    let list = hex::decode(root_crl.body.trim_ascii()).unwrap_or(root_crl.body);
    let mut items = vec![CollateralItem::RootCrl { list: bounded(&root_crl.url, list, ROOT_CRL)? }];

    let pck_crl = ask("/sgx/certification/v4/pckcrl?ca=platform&encoding=der").await?;
    let issuer = first_certificate(&pck_crl.url, &chain(&pck_crl, "SGX-PCK-CRL-Issuer-Chain")?)?;
    items.push(CollateralItem::PckCrl { list: bounded(&pck_crl.url, pck_crl.body, PCK_CRL)?, issuer });

    for family in families {
        let info = ask(&format!("/tdx/certification/v4/tcb?fmspc={}", hex::encode(family))).await?;
        let object = object(&info, |signed| bytes(signed.tcb_info), "TCB-Info-Issuer-Chain")?;
        if family_of(&object) != Some(*family) {
            return Err(malformed(&info.url, "a TCB info of the family that was asked for"));
        }
        items.push(CollateralItem::TcbInfo(object));
    }
    let identity = ask("/tdx/certification/v4/qe/identity").await?;
    items.push(CollateralItem::QeIdentity(object(
        &identity,
        |signed| bytes(signed.enclave_identity),
        "SGX-Enclave-Identity-Issuer-Chain",
    )?));
    Ok(items)
}

fn root_crl_url(base: &str) -> String {
    if base == INTEL { INTEL_ROOT_CRL.into() } else { format!("{base}/sgx/certification/v4/rootcacrl") }
}

/// What was answered.
struct Answer {
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn answer(client: &Client, url: String) -> Result<Answer, CollateralError> {
    let failed = |error: reqwest::Error| CollateralError::Unreachable { url: url.clone(), reason: describe(&error) };
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

/// The body of an answer with a signed object, whose bytes are left as they are, because those are what is signed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    #[serde(borrow)]
    tcb_info: Option<&'a RawValue>,
    #[serde(borrow)]
    enclave_identity: Option<&'a RawValue>,
    signature: &'a str,
}

fn bytes(object: Option<&RawValue>) -> Option<Vec<u8>> {
    object.map(|object| object.get().as_bytes().to_vec())
}

/// The signed object of an answer, and its signer's certificate out of a header.
fn object(answer: &Answer, choose: fn(&Signed<'_>) -> Option<Vec<u8>>, header: &str) -> Result<SignedObject, CollateralError> {
    let body: Option<Signed<'_>> = serde_json::from_slice(&answer.body).ok();
    let found = body.and_then(|signed| Some((choose(&signed)?, signed.signature.to_owned())));
    let (object, signature) = found.ok_or_else(|| malformed(&answer.url, "an object with its signature"))?;
    signed(&answer.url, object, &signature, &chain(answer, header)?)
}

/// The family that a TCB info says it is of.
fn family_of(info: &SignedObject) -> Option<[u8; 6]> {
    #[derive(Deserialize)]
    struct Info<'a> {
        fmspc: &'a str,
    }
    let info: Info<'_> = serde_json::from_slice(&info.body).ok()?;
    let mut family = [0; 6];
    hex::decode_to_slice(info.fmspc, &mut family).ok()?;
    Some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intel_publishes_the_roots_list_elsewhere() {
        assert_eq!(root_crl_url(INTEL), INTEL_ROOT_CRL);
        assert_eq!(root_crl_url("http://localhost:8081"), "http://localhost:8081/sgx/certification/v4/rootcacrl");
    }
}
