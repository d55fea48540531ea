//! What the certificates of Intel's chain say: root, authority for platform keys (PCK CA), signer of TCB infos and QE identities, platform key (PCK).
//!
//! Not here: keys, see `dev_root` and `platform`.

use crate::{
    Template,
    authority::name,
    tdx::{
        Key, SgxExtension,
        parts::{at, der, ecdsa, extension},
    },
};
use der::{asn1::OctetString, oid::AssociatedOid};
use sha2::{Digest, Sha256};
use x509_cert::{
    Version,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    time::Validity,
};

/// 2020-01-01 and 2049-12-31, in Unix seconds: when all of them are valid.
const VALIDITY: [u64; 2] = [1_577_836_800, 2_524_521_600];

/// The root's name.
pub fn root_name() -> Name {
    name("SIMULATED SGX Root CA")
}

/// The name of the authority for platform keys.
pub fn issuer_name() -> Name {
    name("SIMULATED SGX PCK Platform CA")
}

/// What the root's certificate says.
pub fn root(root: &Key) -> Template {
    template(&[1], root_name(), root, root_name(), root, Some(1))
}

/// What the certificate of the authority for platform keys says, from this root.
pub fn issuer(root: &Key, issuer: &Key) -> Template {
    template(&[2], root_name(), root, issuer_name(), issuer, Some(0))
}

/// What the certificate of the signer of TCB infos and QE identities says, from this root.
pub fn signer(root: &Key, signer: &Key) -> Template {
    template(&[3], root_name(), root, name("SIMULATED SGX TCB Signing"), signer, None)
}

/// What the certificate of a platform's key says, from this authority.
pub fn chip(issuer: &Key, serial: &[u8], key: &Key, platform: &SgxExtension) -> Template {
    template(serial, issuer_name(), issuer, name("SIMULATED SGX PCK Certificate"), key, None).with_extension(
        SgxExtension::id(&[]),
        false,
        platform.to_der(),
    )
}

/// Names the key that a certificate or a revocation list is to be checked with.
pub(crate) fn authority_key_id(issuer: &Key) -> Extension {
    let id = AuthorityKeyIdentifier { key_identifier: Some(key_id(issuer)), ..Default::default() };
    extension(AuthorityKeyIdentifier::OID, false, &der(&id))
}

/// `below`: how many authorities may follow, or nothing if it is no authority.
fn template(serial: &[u8], issuer: Name, issuer_key: &Key, subject: Name, key: &Key, below: Option<u8>) -> Template {
    let usages =
        if below.is_some() { KeyUsages::KeyCertSign | KeyUsages::CRLSign } else { KeyUsages::DigitalSignature | KeyUsages::NonRepudiation };
    let constraints = BasicConstraints { ca: below.is_some(), path_len_constraint: below };
    let [not_before, not_after] = VALIDITY;
    Template {
        version: Version::V3,
        serial: SerialNumber::new(serial).expect("a serial number is short"),
        algorithm: ecdsa(),
        issuer,
        validity: Validity::new(at(not_before), at(not_after)),
        subject,
        key: key.public(),
        extensions: vec![
            extension(KeyUsage::OID, true, &der(&KeyUsage(usages))),
            extension(BasicConstraints::OID, true, &der(&constraints)),
            extension(SubjectKeyIdentifier::OID, false, &der(&SubjectKeyIdentifier(key_id(key)))),
            authority_key_id(issuer_key),
        ],
    }
}

/// Key identifier by RFC 7093, section 2, method 1.
fn key_id(key: &Key) -> OctetString {
    OctetString::new(&Sha256::digest(der(&key.public()))[..20]).expect("20 bytes")
}
