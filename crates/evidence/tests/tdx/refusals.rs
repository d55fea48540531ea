//! Every check, reached by evidence that is wrong there and nowhere else; and proof that no check is without such a test.

use crate::maker::*;
use blockcloud_evidence::tdx::{
    Error, Item, Link, MAX_CHAIN_LEN, MAX_CRL_LEN, MAX_QE_IDENTITY_LEN, MAX_QUOTE_LEN, MAX_TCB_INFO_LEN, Requirements, Serial,
};
use blockcloud_simulator::Template;
use codec::{DecodeAll, Encode as _};
use der::asn1::{Any, BitString};
use der::{Encode, oid::AssociatedOid};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_cert::{
    Version,
    ext::pkix::{BasicConstraints, KeyUsage, KeyUsages},
    spki::AlgorithmIdentifierOwned,
};

const LINKS: [Link; 4] = [Link::Root, Link::Issuer, Link::Chip, Link::Signer];

/// The verdict over evidence in which one thing is wrong before it is signed.
fn with(change: impl FnOnce(&mut Maker)) -> Result<(), Error> {
    Maker::with(change).judge().map(drop)
}

/// The verdict over evidence in which one thing is changed after it was signed.
fn signed(change: impl FnOnce(&mut Made)) -> Result<(), Error> {
    Made::with(change).judge().map(drop)
}

/// The verdict over kept collateral in which one thing has changed since.
fn kept(change: impl FnOnce(&mut Kept)) -> Result<(), Error> {
    Kept::with(change).judge().map(drop)
}

/// The verdict over evidence with this quote.
fn quote(change: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
    signed(|made| change(&mut made.quote))
}

/// The verdict over a quote whose chain has this PEM.
fn chain(pem: impl FnOnce(&Maker) -> Vec<u8>) -> Result<(), Error> {
    let maker = Maker::new();
    let mut made = maker.make();
    made.quote = maker.quote(&pem(&maker));
    made.judge().map(drop)
}

/// The verdict over evidence in which the certificate at a place says something wrong.
fn certificate(link: Link, change: impl FnOnce(&mut Template)) -> Result<(), Error> {
    with(|maker| change(maker.certificate(link)))
}

/// The verdict over evidence in which a revocation list says something wrong.
fn crl(item: Item, change: impl FnOnce(&mut Crl)) -> Result<(), Error> {
    with(|maker| change(if item == Item::RootCrl { &mut maker.root_crl } else { &mut maker.pck_crl }))
}

/// The verdict over a TCB info that is changed and signed.
fn tcb_info(change: impl FnOnce(&mut Value)) -> Result<(), Error> {
    with(|maker| change(&mut maker.tcb_info))
}

/// The verdict over a QE identity that is changed and signed.
fn qe_identity(change: impl FnOnce(&mut Value)) -> Result<(), Error> {
    with(|maker| change(&mut maker.qe_identity))
}

/// The verdict over a TCB info of these bytes.
fn tcb_info_text(text: &str) -> Result<(), Error> {
    signed(|made| made.tcb_info = item(text.into()))
}

/// The verdict over guests with these attributes beside the needed one.
fn attributes(bits: u64) -> Result<(), Error> {
    with(|maker| maker.put(ATTRIBUTES, &(0x1000_0000 | bits).to_le_bytes()))
}

/// The verdict over evidence whose platform certificate has these parts of the SGX extension.
fn platform(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<(), Error> {
    let mut parts = platform_parts();
    change(&mut parts);
    with(|maker| maker.set_platform(tlv(0x30, &parts.concat())))
}

/// The same for the parts of its TCB.
fn platform_tcb(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<(), Error> {
    let mut parts = tcb_parts();
    change(&mut parts);
    platform(|platform| platform[1] = part(&[2], &tlv(0x30, &parts.concat())))
}

fn set(template: &mut Template, extension: der::asn1::ObjectIdentifier, value: Option<&[u8]>) {
    match value {
        Some(value) => {
            let entry = template.extensions.iter_mut().find(|entry| entry.extn_id == extension).expect("an extension to change");
            entry.extn_value = der::asn1::OctetString::new(value).expect("short");
        }
        None => template.extensions.retain(|entry| entry.extn_id != extension),
    }
}

fn usage(usage: KeyUsages) -> Vec<u8> {
    KeyUsage(usage.into()).to_der().expect("DER")
}

fn constraints(ca: bool, path_len: Option<u8>) -> Vec<u8> {
    BasicConstraints { ca, path_len_constraint: path_len }.to_der().expect("DER")
}

fn critical() -> x509_cert::ext::Extension {
    extension(id("1.2.840.113741.1.99"), true, &[0x05, 0x00])
}

fn oversized(template: &mut Template) {
    template.extensions.push(extension(id("1.2.840.113741.1.99"), false, &[0; 2048]));
}

fn other_algorithm(template: &mut Template) {
    template.algorithm = AlgorithmIdentifierOwned { oid: id("1.2.840.10045.4.3.3"), parameters: None };
}

fn from_the_future(template: &mut Template) {
    template.validity.not_before = at(NOW_MS / 1000 + 1);
}

fn expired(template: &mut Template) {
    template.validity.not_after = at(NOW_MS / 1000 - 1);
}

fn on_another_curve(template: &mut Template) {
    template.key.algorithm.parameters = Some(Any::encode_from(&id("1.3.132.0.34")).expect("P-384"));
}

fn no_point(template: &mut Template) {
    let mut point = template.key.subject_public_key.raw_bytes().to_vec();
    point[64] ^= 1;
    template.key.subject_public_key = BitString::from_bytes(&point).expect("short");
}

fn repeated(template: &mut Template) {
    template.extensions.push(template.extensions[0].clone());
}

/// A certificate's serial number, as a revocation list writes it.
fn serial(link: Link) -> (Vec<u8>, Vec<x509_cert::ext::Extension>) {
    (Maker::new().certificate(link).serial.as_bytes().to_vec(), vec![])
}

/// Short entries: more than can be kept in fewer bytes than a list may have.
fn many() -> Vec<(Vec<u8>, Vec<x509_cert::ext::Extension>)> {
    (0..321u16).map(|number| (vec![1, (number >> 8) as u8, number as u8], vec![])).collect()
}

/// Declares one test per case, and the list of what the cases cover.
macro_rules! refusals {
    ($list:ident: $($name:ident: $error:expr => $verdict:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!($verdict.map(drop), Err($error));
        })*

        pub const $list: &[Error] = &[$($error),*];
    };
}

/// Declares one test per case, which is about a certificate, and tries it at each of these places.
macro_rules! refusals_of {
    ($list:ident: $($name:ident: $error:ident at $links:expr => $verdict:expr;)*) => {
        $(#[test]
        fn $name() {
            for place in $links {
                let verdict: Result<(), Error> = $verdict(place);
                assert_eq!(verdict, Err(Error::$error(place)));
            }
        })*

        pub fn $list() -> Vec<Error> {
            [$(Vec::from($links.map(Error::$error))),*].concat()
        }
    };
}

mod certificates;
mod guests;
mod items;
mod platforms;
mod quotes;

const ITEMS: [Item; 4] = [Item::RootCrl, Item::PckCrl, Item::TcbInfo, Item::QeIdentity];
const CRLS: [Item; 2] = [Item::RootCrl, Item::PckCrl];

/// Every error there is, found by decoding every encoding.
pub fn every_error() -> impl Iterator<Item = Error> {
    (0..=u8::MAX).flat_map(|variant| {
        let plain = Error::decode_all(&mut &[variant][..]).ok();
        plain.into_iter().chain((0..=u8::MAX).filter_map(move |place| Error::decode_all(&mut &[variant, place][..]).ok()))
    })
}

#[test]
fn every_error_has_a_case() {
    let covered =
        [quotes::COVERED, items::COVERED, platforms::COVERED, guests::COVERED, &certificates::covered(), &items::covered()].concat();
    let unreachable = |error: &Error| match error {
        // Nobody stands above the root.
        Error::CertificateSignature(link) => *link == Link::Root,
        Error::NotAnAuthority(link) => matches!(link, Link::Chip | Link::Signer),
        Error::NotASigner(link) => matches!(link, Link::Root | Link::Issuer),
        Error::ItemKind(item) => CRLS.contains(item),
        Error::CrlAlgorithm(item) | Error::CrlIssuer(item) | Error::CrlExtension(item) | Error::CrlNumber(item) => !CRLS.contains(item),
        _ => false,
    };
    let missing: Vec<Error> = every_error().filter(|error| !covered.contains(error) && !unreachable(error)).collect();
    assert_eq!(missing, []);
    assert_eq!(every_error().count(), 75 - 25 + 25 * 4);
}

#[test]
fn every_error_explains_itself() {
    let texts: Vec<String> = every_error().map(|error| error.to_string()).collect();
    let duties = ["the provider must", "the chain's council must", "the chain's verifier must", "whoever brings collateral must"];
    for (index, text) in texts.iter().enumerate() {
        assert!(text.contains("wanted: "), "{text}");
        assert!(duties.iter().any(|duty| text.contains(duty)), "{text}");
        assert!(!texts[..index].contains(text), "two errors say: {text}");
    }
}

#[test]
fn error_codes_do_not_change() {
    assert_eq!(Error::QuoteLength.encode(), [0]);
    assert_eq!(Error::CertificateExpired(Link::Signer).encode(), [19, 3]);
    assert_eq!(Error::ItemExpired(Item::QeIdentity).encode(), [33, 3]);
    assert_eq!(Error::EvaluationBelowFloor.encode(), [74]);
}
