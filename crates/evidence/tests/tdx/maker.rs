//! Evidence under the simulator's development root that is right until a test makes one thing wrong.
//!
//! Everything is kept as what will be signed, so that a test changes that and it is signed as it then is.

use blockcloud_evidence::{
    explain::Refusal,
    tdx::{
        Claims, Collateral, Endorsements, Error, Item, Link, QeIdentity, Requirements, RevocationList, SignedItem, TcbInfo, explain,
        verify, verify_pck_crl, verify_qe_identity, verify_quote, verify_root_crl, verify_tcb_info,
    },
};
pub use blockcloud_simulator::tdx::{Crl, Key, SgxExtension, component, level, part, parts::*};
use blockcloud_simulator::{
    Template,
    tdx::{self, Draft, Platform, certificate, dev_root},
};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use serde_json::Value;
use std::sync::LazyLock;
use x509_cert::{serial_number::SerialNumber, spki::AlgorithmIdentifierOwned};

/// 2027: within everything made here.
pub const NOW_MS: u64 = 1_800_000_000_000;
pub const DAY: u64 = 86_400;

/// The platform that evidence is of.
pub static PLATFORM: LazyLock<Platform> = LazyLock::new(|| Platform::new([7; 32]));
/// Somebody else, who may use anybody's name.
pub static IMPOSTOR: LazyLock<Key> = LazyLock::new(|| Key::from_seed(&[6; 32]));

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
    pub issuer_by: Key,
    pub chip_by: Key,
    pub signer_by: Key,
    pub root_crl: Crl,
    pub pck_crl: Crl,
    pub tcb_info: Value,
    pub qe_identity: Value,
    /// The quote, but for the chain in it.
    pub draft: Draft,
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
    /// A TDX 1.5 guest on a platform that is up to date, with collateral that is superseded within weeks.
    pub fn new() -> Self {
        let (root_key, issuer_key, signer_key) = (dev_root::root(), dev_root::issuer(), dev_root::signer());
        let mut chip = PLATFORM.certificate_template();
        chip.serial = SerialNumber::new(&[0xb0, 3]).expect("short");
        let mut launch = PLATFORM.launch([1; 48], [2; 48]);
        (launch.mr_owner, launch.mr_owner_config) = ([3; 48], [4; 48]);
        launch.rtmr = [[5; 48], [6; 48], [7; 48], [8; 48]];
        let tdx::Collateral { root_crl, pck_crl, tcb_info, qe_identity } = tdx::Collateral::new(PLATFORM.fmspc());
        let mut maker = Self {
            root: certificate::root(root_key),
            issuer: certificate::issuer(root_key, issuer_key),
            chip,
            signer: certificate::signer(root_key, signer_key),
            chain_issuer: None,
            issuer_by: root_key.clone(),
            chip_by: issuer_key.clone(),
            signer_by: root_key.clone(),
            root_crl: listed(root_crl),
            pck_crl: listed(pck_crl),
            tcb_info: tcb_info.body,
            qe_identity: qe_identity.evaluated(17).body,
            draft: launch.draft([0x0d; 64]),
            tamper: None,
            requirements: Requirements::STRICT,
            now_ms: NOW_MS,
        };
        for (item, issued, next_update) in [
            (&mut maker.tcb_info, "2027-01-10T00:00:00Z", "2027-02-09T00:00:00Z"),
            (&mut maker.qe_identity, "2027-01-11T00:00:00Z", "2027-02-10T00:00:00Z"),
        ] {
            (item["issueDate"], item["nextUpdate"]) = (issued.into(), next_update.into());
        }
        maker
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
        self.draft.body[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Gives the quote a body of another type, with the same beginning.
    pub fn with_body(mut self, version: u16, body_type: u16, length: usize) -> Self {
        (self.draft.version, self.draft.body_type) = (version, body_type);
        self.draft.body.resize(length, 0);
        self
    }

    /// Replaces the SGX extension.
    pub fn set_platform(&mut self, extension: Vec<u8>) {
        let entry = self.chip.extensions.iter_mut().find(|entry| entry.extn_id == sgx()).expect("the extension");
        entry.extn_value = OctetString::new(extension).expect("short");
    }

    pub fn root_der(&self) -> Vec<u8> {
        self.sign_certificate(Link::Root, &self.root, dev_root::root())
    }

    fn sign_certificate(&self, link: Link, template: &Template, by: &Key) -> Vec<u8> {
        by.sign_x509(&self.tampered(Place::Certificate(link), der(template)), &template.algorithm)
    }

    fn sign_crl(&self, item: Item, list: &Crl) -> Vec<u8> {
        list.by.sign_x509(&self.tampered(Place::Item(item), list.part()), &list.algorithm)
    }

    fn sign_item(&self, item: Item, body: &Value) -> (Vec<u8>, [u8; 64]) {
        let body = self.tampered(Place::Item(item), body.to_string().into_bytes());
        signed(body)
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
            self.sign_certificate(Link::Chip, &self.chip, &self.chip_by),
            self.sign_certificate(Link::Issuer, issuer, &self.issuer_by),
            self.root_der(),
        ]
    }

    /// The quote with this chain, signed.
    pub fn quote(&self, chain: &[u8]) -> Vec<u8> {
        PLATFORM.sign(&Draft { chain: chain.to_vec(), ..self.draft.clone() })
    }

    pub fn make(&self) -> Made {
        let signer = self.sign_certificate(Link::Signer, &self.signer, &self.signer_by);
        Made {
            quote: self.quote(pem(&self.chain()).as_bytes()),
            root: self.root_der(),
            issuer: self.sign_certificate(Link::Issuer, &self.issuer, &self.issuer_by),
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

/// A list with something on it, with a number, superseded within weeks.
fn listed(list: Crl) -> Crl {
    let now = NOW_MS / 1000;
    let mut list = list.numbered(0x2a).within(now - DAY, now + 20 * DAY);
    list.revoked.push((vec![0x77, 0x01], vec![extension(id("2.5.29.21"), false, &[0x0a, 0x01, 0x01])]));
    list
}

/// A body with its signature.
pub fn item(body: String) -> (Vec<u8>, [u8; 64]) {
    signed(body.into_bytes())
}

fn signed(body: Vec<u8>) -> (Vec<u8>, [u8; 64]) {
    let signature = dev_root::signer().sign_raw(&body);
    (body, signature)
}

/// The SGX extension's identifier.
pub fn sgx() -> ObjectIdentifier {
    SgxExtension::id(&[])
}

/// The parts of the SGX extension.
pub fn platform_parts() -> Vec<Vec<u8>> {
    PLATFORM.extension().parts()
}

/// The parts of the SGX extension's TCB.
pub fn tcb_parts() -> Vec<Vec<u8>> {
    PLATFORM.extension().tcb_parts()
}

/// An algorithm with parameters that should not be there.
pub fn with_null_parameters() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { parameters: Some(Any::null()), ..ecdsa() }
}
