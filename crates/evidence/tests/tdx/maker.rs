//! A private root, made here and trusted by nobody else, and evidence under it that is right until a test makes one thing wrong.
//!
//! Everything is kept as what will be signed, so that a test changes that and it is signed as it then is.

pub use crate::parts::*;
use blockcloud_evidence::{
    explain::Refusal,
    tdx::{
        Claims, Collateral, Endorsements, Error, Item, Link, QeIdentity, Requirements, RevocationList, SignedItem, TcbInfo, explain,
        verify, verify_pck_crl, verify_qe_identity, verify_quote, verify_root_crl, verify_tcb_info,
    },
};
use blockcloud_simulator::Template;
use der::asn1::OctetString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[path = "../common/agreement.rs"]
mod agreement;

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
    /// A change to the bytes of something just before they are signed.
    pub tamper: Option<Tamper>,
    pub requirements: Requirements,
    pub now_ms: u64,
}

/// A byte of what will be signed, and what is flipped there.
#[derive(Clone, Copy, Debug)]
pub struct Tamper {
    pub place: Place,
    pub at: usize,
    pub flip: u8,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Certificate(Link),
    Item(Item),
}

/// Everything that is signed outside of the quote.
pub const PLACES: [Place; 8] = [
    Place::Certificate(Link::Root),
    Place::Certificate(Link::Issuer),
    Place::Certificate(Link::Chip),
    Place::Certificate(Link::Signer),
    Place::Item(Item::RootCrl),
    Place::Item(Item::PckCrl),
    Place::Item(Item::TcbInfo),
    Place::Item(Item::QeIdentity),
];

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

/// Offsets in a quote's body.
pub const TEE_TCB_SVN: usize = 0;
pub const MR_SIGNER_SEAM: usize = 64;
pub const SEAM_ATTRIBUTES: usize = 112;
pub const ATTRIBUTES: usize = 120;
pub const TEE_TCB_SVN2: usize = 584;
pub const MR_SERVICE_TD: usize = 600;

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
            tamper: None,
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
        self.sign_certificate(Link::Root, &self.root, ROOT)
    }

    fn sign_certificate(&self, link: Link, template: &Template, by: u8) -> Vec<u8> {
        sign(&self.tampered(Place::Certificate(link), der(template)), &der(&template.algorithm), by)
    }

    fn sign_crl(&self, item: Item, list: &Crl) -> Vec<u8> {
        sign(&self.tampered(Place::Item(item), list.part()), &list.algorithm, list.by)
    }

    fn sign_item(&self, item: Item, body: &Value) -> (Vec<u8>, [u8; 64]) {
        let body = self.tampered(Place::Item(item), body.to_string().into_bytes());
        let signature = raw(&body, SIGNER);
        (body, signature)
    }

    /// What will be signed, with the change if it is meant for it.
    fn tampered(&self, place: Place, mut part: Vec<u8>) -> Vec<u8> {
        if let Some(tamper) = self.tamper.filter(|tamper| tamper.place == place) {
            let at = tamper.at % part.len();
            part[at] ^= tamper.flip;
        }
        part
    }

    pub fn chain(&self) -> [Vec<u8>; 3] {
        let issuer = self.chain_issuer.as_ref().unwrap_or(&self.issuer);
        [
            self.sign_certificate(Link::Chip, &self.chip, self.chip_by),
            self.sign_certificate(Link::Issuer, issuer, self.issuer_by),
            self.root_der(),
        ]
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
        let signer = self.sign_certificate(Link::Signer, &self.signer, self.signer_by);
        Made {
            quote: self.quote(pem(&self.chain()).as_bytes()),
            root: self.root_der(),
            issuer: self.sign_certificate(Link::Issuer, &self.issuer, self.issuer_by),
            qe_signer: signer.clone(),
            signer,
            root_crl: self.sign_crl(Item::RootCrl, &self.root_crl),
            pck_crl: self.sign_crl(Item::PckCrl, &self.pck_crl),
            tcb_info: self.sign_item(Item::TcbInfo, &self.tcb_info),
            qe_identity: self.sign_item(Item::QeIdentity, &self.qe_identity),
            requirements: self.requirements,
            now_ms: self.now_ms,
        }
    }

    pub fn judge(&self) -> Result<Claims, Error> {
        self.make().judge()
    }
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

    /// The verdict, which its explanation shares.
    pub fn judge(&self) -> Result<Claims, Error> {
        let verdict = verify(&self.quote, &self.collateral(), &self.root, &self.requirements, self.now_ms);
        agreement::agreed(verdict, &self.explain(), Refusal::Tdx)
    }

    pub fn explain(&self) -> blockcloud_evidence::explain::Explanation<Claims, Error> {
        explain(&self.quote, &self.collateral(), &self.root, &self.requirements, self.now_ms)
    }

    /// Verifies the collateral now, to be kept.
    pub fn keep(&self) -> Result<Kept, Error> {
        let collateral = self.collateral();
        let root_crl = verify_root_crl(collateral.root_crl, &self.root, self.now_ms)?;
        Ok(Kept {
            pck_crl: verify_pck_crl(collateral.pck_crl, collateral.pck_issuer, &self.root, &root_crl, self.now_ms)?,
            tcb_info: verify_tcb_info(&collateral.tcb_info, &self.root, &root_crl, self.now_ms)?,
            qe_identity: verify_qe_identity(&collateral.qe_identity, &self.root, &root_crl, self.now_ms)?,
            root_crl,
            made: self.clone(),
        })
    }

    /// The same of good collateral.
    pub fn kept(&self) -> Kept {
        self.keep().expect("good collateral")
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
