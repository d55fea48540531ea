//! A private root, made here and trusted by nobody else, and evidence under it that is right until a test makes one thing wrong.
//!
//! Everything is kept as what will be signed, so that a test changes that and it is signed as it then is.

use blockcloud_evidence::tdx::{
    Claims, Collateral, Endorsements, Error, Link, QeIdentity, Requirements, RevocationList, SignedItem, TcbInfo, verify, verify_pck_crl,
    verify_qe_identity, verify_quote, verify_root_crl, verify_tcb_info,
};
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

/// The evidence: what will be signed, by whom, and what it is judged by.
#[derive(Clone)]
pub struct Maker {
    pub root: Template,
    pub issuer: Template,
    pub chip: Template,
    pub signer: Template,
    /// The authority's certificate in the quote, where it is another one than the one that comes with the revocation list.
    pub chain_issuer: Option<Template>,
    /// Who signs: by default the right ones.
    pub issuer_by: u8,
    pub chip_by: u8,
    pub signer_by: u8,
    pub root_crl: Crl,
    pub pck_crl: Crl,
    pub tcb_info: Value,
    pub qe_identity: Value,
    pub version: u16,
    pub body_type: u16,
    pub body: Vec<u8>,
    /// The quoting enclave's report. What it binds is filled in.
    pub qe: [u8; 384],
    pub qe_auth: Vec<u8>,
    pub requirements: Requirements,
    pub now_ms: u64,
}

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

/// The evidence, signed.
#[derive(Clone)]
pub struct Made {
    pub quote: Vec<u8>,
    pub root: Vec<u8>,
    pub issuer: Vec<u8>,
    pub signer: Vec<u8>,
    pub qe_signer: Vec<u8>,
    pub root_crl: Vec<u8>,
    pub pck_crl: Vec<u8>,
    pub tcb_info: (Vec<u8>, [u8; 64]),
    pub qe_identity: (Vec<u8>, [u8; 64]),
    pub requirements: Requirements,
    pub now_ms: u64,
}

pub const ROOT: u8 = 1;
pub const ISSUER: u8 = 2;
pub const CHIP: u8 = 3;
pub const SIGNER: u8 = 4;
pub const ATTESTATION: u8 = 5;
/// Somebody else, who may use anybody's name.
pub const IMPOSTOR: u8 = 6;

/// Offsets in a quote's body.
pub const TEE_TCB_SVN: usize = 0;
pub const MR_SIGNER_SEAM: usize = 64;
pub const SEAM_ATTRIBUTES: usize = 112;
pub const ATTRIBUTES: usize = 120;
pub const TEE_TCB_SVN2: usize = 584;
pub const MR_SERVICE_TD: usize = 600;

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

fn der(value: &impl Encode) -> Vec<u8> {
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

fn certificate(template: &Template, by: u8) -> Vec<u8> {
    sign(&der(template), &der(&template.algorithm), by)
}

fn name(text: &str) -> Name {
    Name::from_str(&format!("CN={text},O=Test root: PROTECTS NOTHING")).expect("a name")
}

fn template(serial: u8, issuer: &str, subject: &str, subject_key: u8, authority: Option<u8>) -> Template {
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
    let mut parts: Vec<Vec<u8>> = (1..=16).map(|arc| part(&[2, arc], &tlv(0x02, &[3]))).collect();
    parts.push(part(&[2, 17], &tlv(0x02, &[11])));
    parts.push(part(&[2, 18], &tlv(0x04, &[3; 16])));
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

fn crl(issuer: &str, by: u8) -> Crl {
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
    fn sign(&self) -> Vec<u8> {
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
        sign(&tlv(0x30, &fields.concat()), &self.algorithm, self.by)
    }
}

impl Maker {
    /// A TDX 1.5 guest on a platform that is up to date.
    pub fn new() -> Self {
        let chip = template(3, "Test PCK CA", "Test PCK", CHIP, None);
        let mut body = vec![0; 648];
        body[TEE_TCB_SVN..][..3].copy_from_slice(&[5, 1, 3]);
        body[TEE_TCB_SVN + 3..][..13].fill(3);
        body.copy_within(TEE_TCB_SVN..TEE_TCB_SVN + 16, TEE_TCB_SVN2);
        body[ATTRIBUTES + 3] = 0x10;
        body[128..136].copy_from_slice(&0x602e7u64.to_le_bytes());
        for (index, start) in (136..520).step_by(48).enumerate() {
            body[start..][..48].fill(index as u8 + 1);
        }
        body[520..584].fill(0x0d);
        let mut qe = [0; 384];
        qe[48] = 0x15;
        qe[128..160].fill(9);
        qe[256..260].copy_from_slice(&[2, 0, 8, 0]);
        Self {
            root: template(1, "Test Root", "Test Root", ROOT, Some(1)),
            issuer: template(2, "Test Root", "Test PCK CA", ISSUER, Some(0)),
            chip: chip.with_extension(sgx(&[]), false, tlv(0x30, &platform_parts().concat())),
            signer: template(4, "Test Root", "Test TCB Signing", SIGNER, None),
            chain_issuer: None,
            issuer_by: ROOT,
            chip_by: ISSUER,
            signer_by: ROOT,
            root_crl: crl("Test Root", ROOT),
            pck_crl: crl("Test PCK CA", ISSUER),
            tcb_info: json!({
                "id": "TDX", "version": 3, "issueDate": "2027-01-10T00:00:00Z", "nextUpdate": "2027-02-09T00:00:00Z",
                "fmspc": "50806F000000", "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 18,
                "tdxModule": { "mrsigner": "00".repeat(48), "attributes": "0000000000000000", "attributesMask": "FFFFFFFFFFFFFFFF" },
                "tdxModuleIdentities": [{
                    "id": "TDX_01", "mrsigner": "00".repeat(48), "attributes": "0000000000000000", "attributesMask": "FFFFFFFFFFFFFFFF",
                    "tcbLevels": [component(5, "UpToDate", &[]), component(3, "OutOfDate", &["INTEL-SA-01036"])],
                }],
                "tcbLevels": [level(3, 11, 3, "UpToDate", &[]), level(2, 11, 2, "OutOfDate", &["INTEL-SA-00837", "INTEL-SA-00960"])],
            }),
            qe_identity: json!({
                "id": "TD_QE", "version": 2, "issueDate": "2027-01-11T00:00:00Z", "nextUpdate": "2027-02-10T00:00:00Z",
                "tcbEvaluationDataNumber": 17, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
                "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
                "mrsigner": "09".repeat(32), "isvprodid": 2,
                "tcbLevels": [component(8, "UpToDate", &[]), component(6, "OutOfDate", &["INTEL-SA-00615"])],
            }),
            version: 5,
            body_type: 3,
            body,
            qe,
            qe_auth: (0..32).collect(),
            requirements: Requirements::STRICT,
            now_ms: NOW_MS,
        }
    }

    /// The same with one thing changed.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut maker = Self::new();
        change(&mut maker);
        maker
    }

    /// What a certificate says.
    pub fn certificate(&mut self, link: Link) -> &mut Template {
        match link {
            Link::Root => &mut self.root,
            Link::Issuer => &mut self.issuer,
            Link::Chip => &mut self.chip,
            Link::Signer => &mut self.signer,
        }
    }

    /// Writes into the quote's body.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.body[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Gives the quote a body of another type, with the same beginning.
    pub fn with_body(mut self, version: u16, body_type: u16, length: usize) -> Self {
        (self.version, self.body_type) = (version, body_type);
        self.body.resize(length, 0);
        self
    }

    /// Replaces the SGX extension.
    pub fn set_platform(&mut self, extension: Vec<u8>) {
        let entry = self.chip.extensions.iter_mut().find(|entry| entry.extn_id == sgx(&[])).expect("the extension");
        entry.extn_value = OctetString::new(extension).expect("short");
    }

    pub fn root_der(&self) -> Vec<u8> {
        certificate(&self.root, ROOT)
    }

    pub fn chain(&self) -> [Vec<u8>; 3] {
        let issuer = self.chain_issuer.as_ref().unwrap_or(&self.issuer);
        [certificate(&self.chip, self.chip_by), certificate(issuer, self.issuer_by), self.root_der()]
    }

    /// What the attestation key signs.
    pub fn signed_part(&self) -> Vec<u8> {
        let mut signed = Vec::new();
        signed.extend(self.version.to_le_bytes());
        signed.extend([2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0]);
        signed.extend([0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07]);
        signed.extend([0; 20]);
        if self.version == 5 {
            signed.extend(self.body_type.to_le_bytes());
            signed.extend((self.body.len() as u32).to_le_bytes());
        }
        signed.extend(&self.body);
        signed
    }

    /// The quote with this chain, signed.
    pub fn quote(&self, chain: &[u8]) -> Vec<u8> {
        let point = key(ATTESTATION).verifying_key().to_sec1_point(false);
        let attestation_key = &point.as_bytes()[1..];
        let mut qe = self.qe;
        let bound = Sha256::new().chain_update(attestation_key).chain_update(&self.qe_auth).finalize();
        for (byte, bound) in qe[320..].iter_mut().zip(bound) {
            *byte ^= bound;
        }
        let mut inner = qe.to_vec();
        inner.extend(raw(&qe, CHIP));
        inner.extend((self.qe_auth.len() as u16).to_le_bytes());
        inner.extend(&self.qe_auth);
        inner.extend([5, 0]);
        inner.extend((chain.len() as u32).to_le_bytes());
        inner.extend(chain);
        let signed = self.signed_part();
        let mut data = raw(&signed, ATTESTATION).to_vec();
        data.extend(attestation_key);
        data.extend([6, 0]);
        data.extend((inner.len() as u32).to_le_bytes());
        data.extend(inner);
        [signed, (data.len() as u32).to_le_bytes().to_vec(), data].concat()
    }

    pub fn make(&self) -> Made {
        let signer = certificate(&self.signer, self.signer_by);
        Made {
            quote: self.quote(pem(&self.chain()).as_bytes()),
            root: self.root_der(),
            issuer: certificate(&self.issuer, self.issuer_by),
            qe_signer: signer.clone(),
            signer,
            root_crl: self.root_crl.sign(),
            pck_crl: self.pck_crl.sign(),
            tcb_info: item(self.tcb_info.to_string()),
            qe_identity: item(self.qe_identity.to_string()),
            requirements: self.requirements,
            now_ms: self.now_ms,
        }
    }

    pub fn judge(&self) -> Result<Claims, Error> {
        self.make().judge()
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

impl Made {
    /// The same with one thing changed after it was signed.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut made = Maker::new().make();
        change(&mut made);
        made
    }

    pub fn collateral(&self) -> Collateral<'_> {
        Collateral {
            root_crl: &self.root_crl,
            pck_crl: &self.pck_crl,
            pck_issuer: &self.issuer,
            tcb_info: SignedItem { body: &self.tcb_info.0, signature: &self.tcb_info.1, signer: &self.signer },
            qe_identity: SignedItem { body: &self.qe_identity.0, signature: &self.qe_identity.1, signer: &self.qe_signer },
        }
    }

    pub fn judge(&self) -> Result<Claims, Error> {
        verify(&self.quote, &self.collateral(), &self.root, &self.requirements, self.now_ms)
    }

    /// Verifies the collateral now, to be kept.
    pub fn kept(&self) -> Kept {
        let collateral = self.collateral();
        let root_crl = verify_root_crl(collateral.root_crl, &self.root, self.now_ms).expect("a good list");
        Kept {
            pck_crl: verify_pck_crl(collateral.pck_crl, collateral.pck_issuer, &self.root, &root_crl, self.now_ms).expect("a good list"),
            tcb_info: verify_tcb_info(&collateral.tcb_info, &self.root, &root_crl, self.now_ms).expect("a good TCB info"),
            qe_identity: verify_qe_identity(&collateral.qe_identity, &self.root, &root_crl, self.now_ms).expect("a good identity"),
            root_crl,
            made: self.clone(),
        }
    }
}

/// Evidence with collateral that was verified before.
pub struct Kept {
    pub made: Made,
    pub root_crl: RevocationList,
    pub pck_crl: RevocationList,
    pub tcb_info: TcbInfo,
    pub qe_identity: QeIdentity,
}

impl Kept {
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut kept = Maker::new().make().kept();
        change(&mut kept);
        kept
    }

    pub fn judge(&self) -> Result<Claims, Error> {
        let endorsements =
            Endorsements { root_crl: &self.root_crl, pck_crl: &self.pck_crl, tcb_info: &self.tcb_info, qe_identity: &self.qe_identity };
        verify_quote(&self.made.quote, &endorsements, &self.made.root, &self.made.requirements, self.made.now_ms)
    }
}

/// An algorithm with parameters that should not be there.
pub fn with_null_parameters() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: id("1.2.840.10045.4.3.2"), parameters: Some(Any::null()) }
}
