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

        const $list: &[Error] = &[$($error),*];
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

        fn $list() -> Vec<Error> {
            [$(Vec::from($links.map(Error::$error))),*].concat()
        }
    };
}

refusals! {
    OF_QUOTES:
    quote_empty: Error::QuoteLength => quote(Vec::clear);
    quote_ends_in_header: Error::QuoteLength => quote(|quote| quote.truncate(47));
    quote_ends_in_body: Error::QuoteLength => quote(|quote| quote.truncate(300));
    quote_ends_in_signature: Error::QuoteLength => quote(|quote| quote.truncate(quote.len() - 1));
    quote_too_long: Error::QuoteLength => quote(|quote| quote.resize(MAX_QUOTE_LEN + 1, 0));
    quote_of_version_3: Error::QuoteVersion => quote(|quote| quote[0] = 3);
    quote_of_version_6: Error::QuoteVersion => quote(|quote| quote[0] = 6);
    other_kind_of_key: Error::KeyType => quote(|quote| quote[2] = 3);
    quote_of_an_enclave: Error::TeeType => quote(|quote| quote[4] = 0);
    other_vendor_of_enclave: Error::QeVendor => quote(|quote| quote[12] ^= 1);
    body_of_an_enclave: Error::BodyType => quote(|quote| quote[48] = 1);
    body_of_unknown_type: Error::BodyType => quote(|quote| quote[48] = 5);
    body_of_another_length: Error::BodyLength => quote(|quote| quote[50] ^= 1);
    certification_data_too_short: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 130] -= 1);
    certification_data_too_long: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 130] += 1);
    chain_shorter_than_its_place: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 134 + 484] -= 1);
    chain_longer_than_its_place: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 134 + 484] += 1);
    signature_data_empty: Error::SignatureDataLength => quote(|quote| quote[54 + 648..].fill(0));
    something_after_the_quote: Error::QuotePadding => quote(|quote| quote.push(1));
    something_after_zeros: Error::QuotePadding => quote(|quote| quote.extend([0, 0, 1]));
    certified_by_a_chain_directly: Error::CertificationType => quote(|quote| quote[54 + 648 + 4 + 128] = 5);
    authentication_data_empty: Error::QeAuthLength => with(|maker| maker.qe_auth.clear());
    authentication_data_too_long: Error::QeAuthLength => with(|maker| maker.qe_auth.push(0));
    chain_by_reference: Error::ChainType => quote(|quote| quote[54 + 648 + 4 + 134 + 482] = 3);
    chain_too_long: Error::ChainLength => chain(|_| vec![b'-'; MAX_CHAIN_LEN + 1]);
    chain_empty: Error::ChainEncoding => chain(|_| Vec::new());
    chain_without_root: Error::ChainEncoding => chain(|maker| pem(&maker.chain()[..2]).into_bytes());
    chain_with_one_more: Error::ChainEncoding => chain(|maker| pem(&[&maker.chain()[..], &[maker.root_der()]].concat()).into_bytes());
    chain_of_something_else: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replace("CERTIFICATE", "CERTIFICATES").into_bytes());
    chain_with_text_between: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replace("E-----\n-", "E-----\nIntel\n-").into_bytes());
    chain_with_text_before: Error::ChainEncoding => chain(|maker| [b"Intel\n", pem(&maker.chain()).as_bytes()].concat());
    chain_with_text_after: Error::ChainEncoding => chain(|maker| [pem(&maker.chain()).as_bytes(), b"Intel"].concat());
    chain_with_two_zeros_after: Error::ChainEncoding => chain(|maker| [pem(&maker.chain()).as_bytes(), &[0, 0]].concat());
    chain_not_in_base64: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replacen('M', "!", 1).into_bytes());
    chain_with_another_root: Error::RootMismatch => {
        let maker = Maker::new();
        let other = Maker::with(|maker| maker.root.serial = x509_cert::serial_number::SerialNumber::new(&[9]).expect("short"));
        let [chip, issuer, _] = maker.chain();
        let mut made = maker.make();
        made.quote = maker.quote(pem(&[chip, issuer, other.root_der()]).as_bytes());
        made.judge()
    };
}

refusals_of! {
    of_certificates:
    certificate_too_long: CertificateLength at LINKS => |link| match link {
        // So long a certificate does not leave room for the others in a quote.
        Link::Root => signed(|made| made.root = vec![0x30; 2049]),
        link => certificate(link, oversized),
    };
    certificate_of_version_1: CertificateEncoding at LINKS => |link| certificate(link, |template| template.version = Version::V1);
    certificate_unreadable: CertificateEncoding at LINKS => |link| match link {
        Link::Root => signed(|made| made.root.truncate(100)),
        Link::Issuer => signed(|made| made.issuer.push(0)),
        Link::Chip => chain(|maker| {
            let [_, issuer, root] = maker.chain();
            pem(&[b"certificate".to_vec(), issuer, root]).into_bytes()
        }),
        Link::Signer => signed(|made| made.signer.clear()),
    };
    certificate_by_another_algorithm: CertificateAlgorithm at [Link::Issuer, Link::Chip, Link::Signer] => |link| certificate(link, other_algorithm);
    certificate_with_parameters: CertificateAlgorithm at [Link::Issuer, Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| template.algorithm = with_null_parameters());
    certificate_by_another_issuer: CertificateIssuer at [Link::Issuer, Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| template.issuer = template.subject.clone());
    certificate_too_new: CertificateNotYetValid at LINKS => |link| certificate(link, from_the_future);
    certificate_expired: CertificateExpired at LINKS => |link| certificate(link, expired);
    key_on_another_curve: CertificateKey at LINKS => |link| certificate(link, on_another_curve);
    key_is_no_point: CertificateKey at LINKS => |link| certificate(link, no_point);
    certificate_by_an_impostor: CertificateSignature at [Link::Issuer, Link::Chip, Link::Signer] => |link| with(|maker| match link {
        Link::Issuer => maker.issuer_by = IMPOSTOR,
        Link::Chip => maker.chip_by = IMPOSTOR,
        _ => maker.signer_by = IMPOSTOR,
    });
    no_authority: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(false, None))));
    nothing_of_authority: NotAnAuthority at [Link::Root, Link::Issuer] => |link| certificate(link, |template| set(template, BasicConstraints::OID, None));
    authority_may_not_sign_certificates: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::CRLSign))));
    authority_may_not_revoke: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::KeyCertSign))));
    root_may_have_no_authority_below: NotAnAuthority at [Link::Root] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(true, Some(0)))));
    authority_in_a_signers_place: NotASigner at [Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(true, None))));
    signer_may_not_sign: NotASigner at [Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::KeyAgreement))));
    signer_without_usage: NotASigner at [Link::Chip, Link::Signer] => |link| certificate(link, |template| set(template, KeyUsage::OID, None));
    certificate_has_unknown_critical_extension: CriticalExtension at LINKS => |link| certificate(link, |template| template.extensions.push(critical()));
    certificate_repeats_an_extension: ExtensionRepeated at LINKS => |link| certificate(link, repeated);
    certificate_revoked: CertificateRevoked at LINKS => |link| with(|maker| match link {
        Link::Chip => maker.pck_crl.revoked.push(serial(link)),
        link => maker.root_crl.revoked.push(serial(link)),
    });
    certificate_revoked_since: CertificateRevoked at LINKS => |link| kept(|kept| {
        let list = if link == Link::Chip { &mut kept.pck_crl } else { &mut kept.root_crl };
        list.revoked.try_push(kept_serial(link)).expect("room for one more");
    });
}

/// A certificate's serial number, as it is kept: without the zero that keeps it positive.
fn kept_serial(link: Link) -> Serial {
    let (bytes, _) = serial(link);
    let number: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut kept = [0; 20];
    kept[20 - number.len()..].copy_from_slice(&number);
    Serial(kept)
}

const ITEMS: [Item; 4] = [Item::RootCrl, Item::PckCrl, Item::TcbInfo, Item::QeIdentity];
const CRLS: [Item; 2] = [Item::RootCrl, Item::PckCrl];

refusals_of! {
    of_items:
    item_too_long: ItemLength at ITEMS => |item| signed(|made| match item {
        Item::RootCrl => made.root_crl.resize(MAX_CRL_LEN + 1, 0),
        Item::PckCrl => made.pck_crl.resize(MAX_CRL_LEN + 1, 0),
        Item::TcbInfo => made.tcb_info = crate::maker::item(" ".repeat(MAX_TCB_INFO_LEN + 1)),
        Item::QeIdentity => made.qe_identity = crate::maker::item(" ".repeat(MAX_QE_IDENTITY_LEN + 1)),
    });
    item_unreadable: ItemEncoding at ITEMS => |item| signed(|made| match item {
        Item::RootCrl => made.root_crl.push(0),
        Item::PckCrl => made.pck_crl.truncate(9),
        Item::TcbInfo => made.tcb_info = crate::maker::item("{".into()),
        Item::QeIdentity => made.qe_identity = crate::maker::item("[]".into()),
    });
    item_without_end: ItemEncoding at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.next_update = None,
        Item::PckCrl => maker.pck_crl.next_update = None,
        Item::TcbInfo => drop(maker.tcb_info.as_object_mut().expect("an object").remove("nextUpdate")),
        Item::QeIdentity => drop(maker.qe_identity.as_object_mut().expect("an object").remove("nextUpdate")),
    });
    item_of_another_kind: ItemKind at [Item::TcbInfo, Item::QeIdentity] => |item| with(|maker| match item {
        Item::TcbInfo => maker.tcb_info["id"] = "SGX".into(),
        _ => maker.qe_identity["id"] = "QE".into(),
    });
    item_of_another_version: ItemKind at [Item::TcbInfo, Item::QeIdentity] => |item| with(|maker| match item {
        Item::TcbInfo => maker.tcb_info["version"] = 4.into(),
        _ => maker.qe_identity["version"] = 3.into(),
    });
    item_lists_too_much: ItemTooMany at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.revoked = many(),
        Item::PckCrl => maker.pck_crl.revoked = many(),
        Item::TcbInfo => maker.tcb_info["tcbLevels"] = vec![level(3, 11, 3, "UpToDate", &[]); 17].into(),
        Item::QeIdentity => maker.qe_identity["tcbLevels"] = vec![component(8, "UpToDate", &[]); 9].into(),
    });
    item_from_the_future: ItemNotYetValid at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.this_update = NOW_MS / 1000 + 1,
        Item::PckCrl => maker.pck_crl.this_update = NOW_MS / 1000 + 1,
        Item::TcbInfo => maker.tcb_info["issueDate"] = "2027-01-15T08:00:01Z".into(),
        Item::QeIdentity => maker.qe_identity["issueDate"] = "2027-01-15T08:00:01Z".into(),
    });
    item_expired: ItemExpired at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.next_update = Some(NOW_MS / 1000),
        Item::PckCrl => maker.pck_crl.next_update = Some(NOW_MS / 1000),
        Item::TcbInfo => maker.tcb_info["nextUpdate"] = "2027-01-15T07:59:59Z".into(),
        Item::QeIdentity => maker.qe_identity["nextUpdate"] = "2027-01-15T07:59:59Z".into(),
    });
    kept_item_expires: ItemExpired at ITEMS => |item| kept(|kept| match item {
        Item::RootCrl => kept.root_crl.origin.not_after_ms = NOW_MS - 1,
        Item::PckCrl => kept.pck_crl.origin.not_after_ms = NOW_MS - 1,
        Item::TcbInfo => kept.tcb_info.origin.not_after_ms = NOW_MS - 1,
        Item::QeIdentity => kept.qe_identity.origin.not_after_ms = NOW_MS - 1,
    });
    item_changed_after_signing: ItemSignature at ITEMS => |item| signed(|made| match item {
        // The first byte of the number, and the last of a date.
        Item::RootCrl => flip(&mut made.root_crl, &[0x02, 0x01, 0x2a], 2),
        Item::PckCrl => flip(&mut made.pck_crl, &[0x02, 0x01, 0x2a], 2),
        Item::TcbInfo => flip(&mut made.tcb_info.0, b"UpToDate", 0),
        Item::QeIdentity => flip(&mut made.qe_identity.0, b"UpToDate", 0),
    });
    item_by_an_impostor: ItemSignature at ITEMS => with_impostor;
    item_under_another_root: ItemRoot at ITEMS => |item| {
        let other = Maker::with(|maker| *maker = under_another_root()).make().kept();
        kept(|kept| match item {
            Item::RootCrl => kept.root_crl = other.root_crl,
            Item::PckCrl => kept.pck_crl = other.pck_crl,
            Item::TcbInfo => kept.tcb_info = other.tcb_info,
            Item::QeIdentity => kept.qe_identity = other.qe_identity,
        })
    };
    list_of_platforms_in_the_roots_place: ItemRoot at [Item::RootCrl] => |_| kept(|kept| kept.root_crl = kept.pck_crl.clone());
    list_by_another_algorithm: CrlAlgorithm at CRLS =>
        |item| crl(item, |list| list.algorithm = tlv(0x30, &id("1.2.840.10045.4.3.3").to_der().expect("DER")));
    list_by_another_issuer: CrlIssuer at CRLS => |item| crl(item, |list| list.issuer = Maker::new().chip.subject);
    list_has_unknown_critical_extension: CrlExtension at CRLS => |item| crl(item, |list| list.extensions.push(critical()));
    entry_has_unknown_critical_extension: CrlExtension at CRLS => |item| crl(item, |list| list.revoked[0].1.push(critical()));
    list_without_number: CrlNumber at CRLS => |item| crl(item, |list| list.extensions.clear());
    list_with_too_large_a_number: CrlNumber at CRLS =>
        |item| crl(item, |list| list.extensions = vec![extension(id("2.5.29.20"), false, &[0x02, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0])]);
}

fn flip(bytes: &mut [u8], pattern: &[u8], offset: usize) {
    let position = bytes.windows(pattern.len()).position(|window| window == pattern).expect("the pattern");
    bytes[position + offset] ^= 1;
}

fn with_impostor(item: Item) -> Result<(), Error> {
    match item {
        Item::RootCrl | Item::PckCrl => crl(item, |list| list.by = IMPOSTOR),
        Item::TcbInfo => signed(|made| made.tcb_info.1 = raw(&made.tcb_info.0, IMPOSTOR)),
        Item::QeIdentity => signed(|made| made.qe_identity.1 = raw(&made.qe_identity.0, IMPOSTOR)),
    }
}

/// The same names and keys, but for the root's key.
fn under_another_root() -> Maker {
    let mut maker = Maker::new();
    maker.root.key = public(IMPOSTOR);
    (maker.issuer_by, maker.signer_by, maker.root_crl.by) = (IMPOSTOR, IMPOSTOR, IMPOSTOR);
    maker
}

refusals! {
    OF_THE_REST:
    list_by_another_authority: Error::CrlOfAnotherIssuer => with(|maker| {
        let mut other = maker.issuer.clone();
        other.key = public(IMPOSTOR);
        (maker.chain_issuer, maker.chip_by) = (Some(other), IMPOSTOR);
    });
    tcb_info_of_another_tcb_type: Error::ItemKind(Item::TcbInfo) => tcb_info(|info| info["tcbType"] = 1.into());
    tcb_info_without_module: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| drop(info.as_object_mut().expect("an object").remove("tdxModule")));
    tcb_info_with_unknown_status: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tcbLevels"][0]["tcbStatus"] = "Fine".into());
    tcb_info_with_status_of_the_verifier: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["tcbStatus"] = "TDRelaunchAdvised".into());
    tcb_info_with_unknown_advisory: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tcbLevels"][0]["advisoryIDs"] = json!(["CVE-2027-1"]));
    tcb_info_with_fifteen_components: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| drop(info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"].as_array_mut().expect("an array").pop()));
    tcb_info_with_large_component: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"][0]["svn"] = 256.into());
    tcb_info_with_short_fmspc: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["fmspc"] = "50806F0000".into());
    tcb_info_with_odd_date: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["issueDate"] = "2027-01-10T00:00:00+00:00".into());
    tcb_info_with_impossible_date: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["issueDate"] = "2027-02-30T00:00:00Z".into());
    tcb_info_with_nameless_module: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tdxModuleIdentities"][0]["id"] = "TDX_1".into());
    tcb_info_with_module_that_needs_configuration: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "ConfigurationNeeded".into());
    tcb_info_with_repeated_field: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info_text(&Maker::new().tcb_info.to_string().replacen('{', r#"{"id":"TDX","#, 1));
    tcb_info_followed_by_something: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&format!("{}x", Maker::new().tcb_info));
    tcb_info_deeply_nested: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&"[".repeat(MAX_TCB_INFO_LEN));
    tcb_info_with_hidden_nesting: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&format!(r#"{{"x":{}"#, "[".repeat(10_000)));
    tcb_info_with_many_modules: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"] = vec![info["tdxModuleIdentities"][0].clone(); 9].into());
    tcb_info_with_many_module_levels: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"] = vec![component(5, "UpToDate", &[]); 9].into());
    tcb_info_with_many_advisories: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["advisoryIDs"] = vec!["INTEL-SA-00001"; 65].into());
    qe_identity_with_status_of_platforms: Error::ItemEncoding(Item::QeIdentity) =>
        qe_identity(|identity| identity["tcbLevels"][0]["tcbStatus"] = "SWHardeningNeeded".into());

    certificate_without_sgx_extension: Error::ExtensionMissing => certificate(Link::Chip, |chip| set(chip, sgx(&[]), None));
    platform_without_ppid: Error::ExtensionMissing => platform(|parts| drop(parts.remove(0)));
    platform_without_tcb: Error::ExtensionMissing => platform(|parts| drop(parts.remove(1)));
    platform_without_pce_id: Error::ExtensionMissing => platform(|parts| drop(parts.remove(2)));
    platform_without_fmspc: Error::ExtensionMissing => platform(|parts| drop(parts.remove(3)));
    platform_without_sgx_type: Error::ExtensionMissing => platform(|parts| drop(parts.remove(4)));
    platform_without_a_component: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(15)));
    platform_without_pce_svn: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(16)));
    platform_without_cpu_svn: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(17)));
    platform_is_no_sequence: Error::ExtensionEncoding => with(|maker| maker.set_platform(vec![0x04, 0x00]));
    platform_is_followed_by_something: Error::ExtensionEncoding =>
        with(|maker| maker.set_platform([tlv(0x30, &platform_parts().concat()), vec![0]].concat()));
    platform_repeats_a_part: Error::ExtensionEncoding => platform(|parts| parts.push(parts[0].clone()));
    platform_with_short_ppid: Error::ExtensionEncoding => platform(|parts| parts[0] = part(&[1], &tlv(0x04, &[7; 15])));
    platform_with_ppid_of_another_type: Error::ExtensionEncoding => platform(|parts| parts[0] = part(&[1], &tlv(0x0c, &[7; 16])));
    platform_with_unknown_sgx_type: Error::ExtensionEncoding => platform(|parts| parts[4] = part(&[5], &tlv(0x0a, &[3])));
    platform_with_short_instance: Error::ExtensionEncoding => platform(|parts| parts[5] = part(&[6], &tlv(0x04, &[8; 8])));
    platform_with_odd_flag: Error::ExtensionEncoding =>
        platform(|parts| parts[6] = part(&[7], &tlv(0x30, &part(&[7, 3], &tlv(0x01, &[1])))));
    platform_with_large_component: Error::ExtensionEncoding => platform_tcb(|parts| parts[0] = part(&[2, 1], &tlv(0x02, &[1, 0])));
    platform_with_negative_component: Error::ExtensionEncoding => platform_tcb(|parts| parts[0] = part(&[2, 1], &tlv(0x02, &[0xff])));

    enclave_report_changed: Error::QeReportSignature => quote(|quote| quote[54 + 648 + 4 + 134] ^= 1);
    enclave_signature_out_of_range: Error::QeReportSignature => quote(|quote| quote[54 + 648 + 4 + 134 + 384..][..64].fill(0xff));
    enclave_vouches_for_another_key: Error::QeReportData => with(|maker| maker.qe[320] = 1);
    enclave_binds_something_else_too: Error::QeReportData => with(|maker| maker.qe[383] = 1);
    authentication_data_changed: Error::QeReportData => quote(|quote| quote[54 + 648 + 4 + 134 + 450] ^= 1);
    attestation_key_changed: Error::QeReportData => quote(|quote| quote[54 + 648 + 4 + 64] ^= 1);
    enclave_of_another_author: Error::QeSigner => with(|maker| maker.qe[128] ^= 1);
    enclave_debuggable: Error::QeDebuggable => with(|maker| maker.qe[48] |= 2);
    enclave_of_another_product: Error::QeProduct => with(|maker| maker.qe[256] = 1);
    enclave_saves_more: Error::QeMiscSelect => with(|maker| maker.qe[16] = 1);
    enclave_with_other_attributes: Error::QeAttributes => with(|maker| maker.qe[48] |= 0x20);
    enclave_too_old: Error::QeLevel => with(|maker| maker.qe[258] = 5);
    no_level_of_enclaves: Error::QeLevel => qe_identity(|identity| identity["tcbLevels"] = json!([]));
    attestation_key_is_no_point: Error::AttestationKey => {
        // The enclave vouches for whatever it is.
        let mut made = Maker::new().make();
        let data = 54 + 648 + 4;
        made.quote[data + 64..][..64].fill(0xff);
        let bound = Sha256::new().chain_update([0xff; 64]).chain_update(Maker::new().qe_auth).finalize();
        made.quote[data + 134 + 320..][..32].copy_from_slice(&bound);
        let signature = raw(&made.quote[data + 134..][..384], CHIP);
        made.quote[data + 134 + 384..][..64].copy_from_slice(&signature);
        made.judge()
    };
    body_changed_after_signing: Error::QuoteSignature => quote(|quote| quote[54 + 136] ^= 1);
    header_changed_after_signing: Error::QuoteSignature => quote(|quote| quote[47] ^= 1);
    signature_is_zero: Error::QuoteSignature => quote(|quote| quote[54 + 648 + 4..][..64].fill(0));

    tcb_info_of_another_family: Error::FmspcMismatch => tcb_info(|info| info["fmspc"] = "50806F000001".into());
    tcb_info_of_another_pce: Error::PceIdMismatch => tcb_info(|info| info["pceId"] = "0001".into());
    platform_below_every_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([level(4, 11, 3, "UpToDate", &[])]));
    pce_below_every_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([level(3, 12, 3, "UpToDate", &[])]));
    tdx_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN + 15, &[1]));
    tdx_now_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN2 + 2, &[1]));
    module_without_version_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN, &[5, 0]));
    no_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([]));
    module_of_unknown_version: Error::ModuleUnknown => with(|maker| maker.put(TEE_TCB_SVN + 1, &[2]));
    module_of_unknown_version_now: Error::ModuleUnknown => with(|maker| maker.put(TEE_TCB_SVN2 + 1, &[2]));
    module_too_old: Error::ModuleLevel => with(|maker| maker.put(TEE_TCB_SVN, &[2]));
    module_too_old_now: Error::ModuleLevel => with(|maker| maker.put(TEE_TCB_SVN2, &[2]));
    module_of_another_author: Error::ModuleSigner => with(|maker| maker.put(MR_SIGNER_SEAM, &[1]));
    module_with_other_attributes: Error::ModuleAttributes => with(|maker| maker.put(SEAM_ATTRIBUTES, &[1]));
    module_with_attributes_outside_of_the_mask: Error::ModuleAttributes => with(|maker| {
        maker.tcb_info["tdxModuleIdentities"][0]["attributesMask"] = "FEFFFFFFFFFFFFFF".into();
        maker.put(SEAM_ATTRIBUTES, &[1]);
    });
    platform_revoked: Error::TcbRevoked => with(|maker| {
        maker.tcb_info["tcbLevels"][0]["tcbStatus"] = "Revoked".into();
        maker.requirements = Requirements::LENIENT;
    });
    module_revoked: Error::TcbRevoked => tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "Revoked".into());
    enclave_revoked: Error::TcbRevoked => qe_identity(|identity| identity["tcbLevels"][0]["tcbStatus"] = "Revoked".into());
    module_revoked_now: Error::TcbRevoked => with(|maker| {
        maker.tcb_info["tdxModuleIdentities"][0]["tcbLevels"][1]["tcbStatus"] = "Revoked".into();
        maker.put(TEE_TCB_SVN2, &[3]);
    });

    debuggable: Error::Debuggable => attributes(1);
    profiled_by_hgs: Error::Profiled => attributes(1 << 4);
    profiled_by_perf: Error::Profiled => attributes(1 << 5);
    profiled_by_pmt: Error::Profiled => attributes(1 << 6);
    migratable: Error::Migratable => attributes(1 << 29);
    extended_service_guests: Error::ServiceTd => attributes(1 << 17);
    service_guest: Error::ServiceTd => with(|maker| maker.put(MR_SERVICE_TD + 47, &[1]));
    sept_ve: Error::SeptVe => with(|maker| maker.put(ATTRIBUTES, &[0; 8]));
    virtual_machine_within: Error::Partitioned => extended(|maker| maker.put(648, &[1]));
    service_guest_at_launch: Error::ServiceTd => extended(|maker| maker.put(729, &[1]));
    attributes_of_service_guest_at_launch: Error::ServiceTd => extended(|maker| maker.put(784, &[1]));
    service_guest_now: Error::ServiceTd => extended(|maker| maker.put(829, &[1]));
    attributes_of_service_guest_now: Error::ServiceTd => extended(|maker| maker.put(884, &[1]));
    reserved_attribute: Error::ReservedAttribute => attributes(1 << 1);
    performance_counters: Error::PerformanceCounters => attributes(1 << 63);
    platform_out_of_date: Error::OutOfDate => status("OutOfDate", Requirements { allow_out_of_date: false, ..Requirements::LENIENT });
    platform_out_of_date_and_misconfigured: Error::OutOfDate =>
        status("OutOfDateConfigurationNeeded", Requirements { allow_out_of_date: false, ..Requirements::LENIENT });
    enclave_out_of_date: Error::OutOfDate => with(|maker| maker.qe[258] = 6);
    module_out_of_date: Error::OutOfDate => with(|maker| {
        maker.put(TEE_TCB_SVN, &[3]);
        maker.put(TEE_TCB_SVN2, &[3]);
    });
    platform_misconfigured: Error::ConfigurationNeeded =>
        status("ConfigurationNeeded", Requirements { allow_configuration_needed: false, ..Requirements::LENIENT });
    out_of_date_and_misconfigured: Error::ConfigurationNeeded =>
        status("OutOfDateConfigurationNeeded", Requirements { allow_configuration_needed: false, ..Requirements::LENIENT });
    platform_needs_hardening: Error::HardeningNeeded =>
        status("SWHardeningNeeded", Requirements { allow_hardening_needed: false, ..Requirements::LENIENT });
    misconfigured_and_needs_hardening: Error::HardeningNeeded =>
        status("ConfigurationAndSWHardeningNeeded", Requirements { allow_hardening_needed: false, ..Requirements::LENIENT });
    launched_before_the_update: Error::RelaunchAdvised => with(|maker| {
        maker.put(TEE_TCB_SVN, &[3]);
        maker.requirements = Requirements { allow_relaunch_advised: false, ..Requirements::LENIENT };
    });
    evaluation_of_the_tcb_info_too_old: Error::EvaluationBelowFloor => {
        let claims = Maker::with(|maker| maker.tcb_info["tcbEvaluationDataNumber"] = 16.into()).judge().expect("valid evidence");
        claims.check_evaluation(17)
    };
    evaluation_of_the_identity_too_old: Error::EvaluationBelowFloor => Maker::new().judge().expect("valid evidence").check_evaluation(18);
}

/// The verdict over a TDX 1.5 extended guest.
fn extended(change: impl FnOnce(&mut Maker)) -> Result<(), Error> {
    let mut maker = Maker::new().with_body(5, 4, 885);
    change(&mut maker);
    maker.judge().map(drop)
}

/// The verdict over a platform whose level has this status.
fn status(status: &str, requirements: Requirements) -> Result<(), Error> {
    with(|maker| {
        maker.tcb_info["tcbLevels"][0]["tcbStatus"] = status.into();
        maker.requirements = requirements;
    })
}

#[test]
fn every_reserved_attribute_is_refused() {
    let known = [0, 4, 5, 6, 16, 17, 27, 28, 29, 30, 62, 63];
    for bit in (0..64).filter(|bit| !known.contains(bit)) {
        assert_eq!(attributes(1 << bit), Err(Error::ReservedAttribute), "bit {bit}");
    }
}

/// Every error there is, found by decoding every encoding.
fn every_error() -> impl Iterator<Item = Error> {
    (0..=u8::MAX).flat_map(|variant| {
        let plain = Error::decode_all(&mut &[variant][..]).ok();
        plain.into_iter().chain((0..=u8::MAX).filter_map(move |place| Error::decode_all(&mut &[variant, place][..]).ok()))
    })
}

#[test]
fn every_error_has_a_case() {
    let covered = [OF_QUOTES, OF_THE_REST, &of_certificates(), &of_items()].concat();
    let unreachable = |error: &Error| match error {
        // Nobody stands above the root.
        Error::CertificateAlgorithm(link) | Error::CertificateIssuer(link) | Error::CertificateSignature(link) => *link == Link::Root,
        Error::NotAnAuthority(link) => matches!(link, Link::Chip | Link::Signer),
        Error::NotASigner(link) => matches!(link, Link::Root | Link::Issuer),
        Error::ItemKind(item) => CRLS.contains(item),
        Error::CrlAlgorithm(item) | Error::CrlIssuer(item) | Error::CrlExtension(item) | Error::CrlNumber(item) => !CRLS.contains(item),
        _ => false,
    };
    let missing: Vec<Error> = every_error().filter(|error| !covered.contains(error) && !unreachable(error)).collect();
    assert_eq!(missing, []);
    assert_eq!(every_error().count(), 74 - 25 + 25 * 4);
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
    assert_eq!(Error::EvaluationBelowFloor.encode(), [73]);
}
