//! Pieces of DER and PEM that evidence is made of. Public, so that tests can make evidence that is wrong in one point.

use der::{
    DateTime, Encode,
    asn1::{ObjectIdentifier, OctetString, UtcTime},
};
use pem_rfc7468::LineEnding;
use std::time::Duration;
use x509_cert::{ext::Extension, spki::AlgorithmIdentifierOwned, time::Time};

/// An object identifier.
///
/// # Panics
/// If the text is none.
pub fn id(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// ECDSA with SHA-256, without parameters (RFC 5758).
pub fn ecdsa() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: id("1.2.840.10045.4.3.2"), parameters: None }
}

/// A DER value of a tag and a content of less than 64 KiB.
///
/// # Panics
/// If the content is longer.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("a content of less than 64 KiB").to_be_bytes();
    let header = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&header[..], content].concat()
}

/// A value's DER.
///
/// # Panics
/// If it has none, or more than 256 MiB.
pub fn der(value: &impl Encode) -> Vec<u8> {
    value.to_der().expect("lengths far below DER's limit")
}

/// An extension whose content is given byte for byte.
///
/// # Panics
/// If the content has more than 256 MiB.
pub fn extension(id: ObjectIdentifier, critical: bool, value: &[u8]) -> Extension {
    Extension { extn_id: id, critical, extn_value: OctetString::new(value).expect("an extension is short") }
}

/// A time of X.509, from Unix seconds.
///
/// # Panics
/// If it is after 2049.
pub fn at(seconds: u64) -> Time {
    Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds)).expect("a time before 2050"))
}

/// A time of Intel's JSON, from Unix seconds: `2026-01-01T00:00:00Z`.
///
/// # Panics
/// If it is after the year 9999.
pub fn date(seconds: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("a year of four digits").to_string()
}

/// Certificates in PEM, one after the other.
///
/// # Panics
/// Never: DER has an encoding in PEM.
pub fn pem(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, der).expect("DER has an encoding in PEM")).collect()
}
