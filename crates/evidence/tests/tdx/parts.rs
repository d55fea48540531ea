//! What evidence is made of: keys, certificates, revocation lists, and pieces of them in DER and JSON.

use blockcloud_simulator::Template;
use der::{
    Decode, Encode,
    asn1::{Any, ObjectIdentifier, OctetString, UtcTime},
    oid::AssociatedOid,
};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    pkcs8::EncodePublicKey,
};
use pem_rfc7468::LineEnding;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{str::FromStr, time::Duration};
use x509_cert::{
    SubjectPublicKeyInfo, Version,
    ext::{
        Extension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierOwned,
    time::{Time, Validity},
};

/// 2027: within everything made here.
pub const NOW_MS: u64 = 1_800_000_000_000;
pub const DAY: u64 = 86_400;

pub const ROOT: u8 = 1;
pub const ISSUER: u8 = 2;
pub const CHIP: u8 = 3;
pub const SIGNER: u8 = 4;
pub const ATTESTATION: u8 = 5;
/// Somebody else, who may use anybody's name.
pub const IMPOSTOR: u8 = 6;

/// A revocation list's content.
#[derive(Clone)]
pub struct Crl {
    pub algorithm: Vec<u8>,
    pub issuer: Name,
    pub this_update: u64,
    pub next_update: Option<u64>,
    /// Serial numbers and extensions of the entries.
    pub revoked: Vec<(Vec<u8>, Vec<Extension>)>,
    pub extensions: Vec<Extension>,
    pub by: u8,
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&Sha256::digest([seed])).expect("a number below the curve's order")
}

pub fn public(seed: u8) -> SubjectPublicKeyInfo {
    SubjectPublicKeyInfo::from_der(key(seed).verifying_key().to_public_key_der().expect("a key").as_bytes()).expect("a key")
}

pub fn id(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// A DER value of a tag and a content of less than 64 KiB.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

pub fn extension(id: ObjectIdentifier, critical: bool, value: &[u8]) -> Extension {
    Extension { extn_id: id, critical, extn_value: OctetString::new(value).expect("short") }
}

pub fn at(seconds: u64) -> Time {
    Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds)).expect("a time before 2050"))
}

pub fn der(value: &impl Encode) -> Vec<u8> {
    value.to_der().expect("short")
}

fn ecdsa() -> Vec<u8> {
    tlv(0x30, &der(&id("1.2.840.10045.4.3.2")))
}

/// The part that is signed, the algorithm's name, the signature.
pub fn sign(part: &[u8], algorithm: &[u8], by: u8) -> Vec<u8> {
    let signature: Signature = key(by).sign(part);
    let signature = [&[0], signature.to_der().as_bytes()].concat();
    tlv(0x30, &[part, algorithm, &tlv(0x03, &signature)].concat())
}

fn name(text: &str) -> Name {
    Name::from_str(&format!("CN={text},O=Test root: PROTECTS NOTHING")).expect("a name")
}

pub fn template(serial: u8, issuer: &str, subject: &str, subject_key: u8, authority: Option<u8>) -> Template {
    let usages = if authority.is_some() {
        KeyUsages::KeyCertSign | KeyUsages::CRLSign
    } else {
        KeyUsages::DigitalSignature | KeyUsages::NonRepudiation
    };
    let constraints = BasicConstraints { ca: authority.is_some(), path_len_constraint: authority };
    Template {
        version: Version::V3,
        serial: SerialNumber::new(&[0xb0, serial]).expect("short"),
        algorithm: AlgorithmIdentifierOwned::from_der(&ecdsa()).expect("a constant"),
        issuer: name(issuer),
        validity: Validity::new(at(NOW_MS / 1000 - 4000 * DAY), at(NOW_MS / 1000 + 4000 * DAY)),
        subject: name(subject),
        key: public(subject_key),
        extensions: vec![
            extension(KeyUsage::OID, true, &der(&KeyUsage(usages))),
            extension(BasicConstraints::OID, true, &der(&constraints)),
        ],
    }
}

/// The SGX extension's arc, and an arc below it.
pub fn sgx(arcs: &[u32]) -> ObjectIdentifier {
    arcs.iter().fold(id("1.2.840.113741.1.13.1"), |id, arc| id.push_arc(*arc).expect("short"))
}

/// A pair of the SGX extension.
pub fn part(arcs: &[u32], value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[der(&sgx(arcs)), value.to_vec()].concat())
}

/// The parts of the SGX extension's TCB: all components 3, PCE SVN 11.
pub fn tcb_parts() -> Vec<Vec<u8>> {
    tcb_parts_at([3; 16], 11)
}

pub fn tcb_parts_at(components: [u8; 16], pce_svn: u8) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = (1..=16).zip(components).map(|(arc, svn)| part(&[2, arc], &tlv(0x02, &[svn]))).collect();
    parts.push(part(&[2, 17], &tlv(0x02, &[pce_svn])));
    parts.push(part(&[2, 18], &tlv(0x04, &components)));
    parts
}

/// The parts of the SGX extension.
pub fn platform_parts() -> Vec<Vec<u8>> {
    vec![
        part(&[1], &tlv(0x04, &[7; 16])),
        part(&[2], &tlv(0x30, &tcb_parts().concat())),
        part(&[3], &tlv(0x04, &[0, 0])),
        part(&[4], &tlv(0x04, &[0x50, 0x80, 0x6f, 0, 0, 0])),
        part(&[5], &tlv(0x0a, &[1])),
        part(&[6], &tlv(0x04, &[8; 16])),
        part(
            &[7],
            &tlv(0x30, &[part(&[7, 1], &tlv(0x01, &[0xff])), part(&[7, 2], &tlv(0x01, &[0])), part(&[7, 3], &tlv(0x01, &[0xff]))].concat()),
        ),
    ]
}

/// A level of the TCB info: the same number for all SGX components, and for all TDX components.
pub fn level(sgx: u8, pce_svn: u16, tdx: u8, status: &str, advisories: &[&str]) -> Value {
    let components = |svn: u8| vec![json!({ "svn": svn }); 16];
    json!({
        "tcb": { "sgxtcbcomponents": components(sgx), "pcesvn": pce_svn, "tdxtcbcomponents": components(tdx) },
        "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": status, "advisoryIDs": advisories,
    })
}

/// A level of a TDX module or of a quoting enclave.
pub fn component(svn: u16, status: &str, advisories: &[&str]) -> Value {
    json!({ "tcb": { "isvsvn": svn }, "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": status, "advisoryIDs": advisories })
}

pub fn crl(issuer: &str, by: u8) -> Crl {
    Crl {
        algorithm: ecdsa(),
        issuer: name(issuer),
        this_update: NOW_MS / 1000 - DAY,
        next_update: Some(NOW_MS / 1000 + 20 * DAY),
        revoked: vec![(vec![0x77, 0x01], vec![extension(id("2.5.29.21"), false, &[0x0a, 0x01, 0x01])])],
        extensions: vec![extension(id("2.5.29.20"), false, &[0x02, 0x01, 0x2a])],
        by,
    }
}

impl Crl {
    /// What is signed.
    pub fn part(&self) -> Vec<u8> {
        let entries: Vec<Vec<u8>> = self
            .revoked
            .iter()
            .map(|(serial, extensions)| {
                let extensions = if extensions.is_empty() { Vec::new() } else { der(extensions) };
                tlv(0x30, &[tlv(0x02, serial), der(&at(self.this_update)), extensions].concat())
            })
            .collect();
        let entries = if entries.is_empty() { Vec::new() } else { tlv(0x30, &entries.concat()) };
        let extensions = if self.extensions.is_empty() { Vec::new() } else { tlv(0xa0, &der(&self.extensions)) };
        let next_update = self.next_update.map(|next| der(&at(next))).unwrap_or_default();
        let fields =
            [tlv(0x02, &[1]), self.algorithm.clone(), der(&self.issuer), der(&at(self.this_update)), next_update, entries, extensions];
        tlv(0x30, &fields.concat())
    }
}

/// A body with its signature.
pub fn item(body: String) -> (Vec<u8>, [u8; 64]) {
    let signature = raw(body.as_bytes(), SIGNER);
    (body.into_bytes(), signature)
}

/// A signature as Intel writes it outside of X.509.
pub fn raw(message: &[u8], by: u8) -> [u8; 64] {
    let signature: Signature = key(by).sign(message);
    signature.to_bytes().into()
}

pub fn pem(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, der).expect("PEM")).collect()
}

/// An algorithm with parameters that should not be there.
pub fn with_null_parameters() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: id("1.2.840.10045.4.3.2"), parameters: Some(Any::null()) }
}
