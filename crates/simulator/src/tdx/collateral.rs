//! Collateral in the place of Intel's: each item as what will be signed, so that tests can make newer, older, stricter, revoking and expired ones.

use crate::tdx::{Crl, Key, Platform, certificate, dev_root, parts::date};
use blockcloud_evidence::tdx;
use serde_json::{Value, json};

/// 2026-01-01, in Unix seconds: when collateral is issued unless it says something else.
const ISSUED: u64 = 1_767_225_600;
/// 2049-12-01, in Unix seconds: its next update, so that a development chain never has to bring newer collateral.
const NEXT_UPDATE: u64 = 2_521_929_600;
/// Number of the evaluation that it is a result of.
const EVALUATION: u32 = 18;

/// Everything that the quotes of a family of platforms rest on, before it is signed.
#[derive(Clone)]
pub struct Collateral {
    /// The root's revocation list.
    pub root_crl: Crl,
    /// The revocation list of the authority for platform keys.
    pub pck_crl: Crl,
    /// TCB info of the family.
    pub tcb_info: JsonItem,
    /// Identity of the quoting enclave.
    pub qe_identity: JsonItem,
}

/// The same, signed, with the certificates that come with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCollateral {
    /// The root's revocation list, DER.
    pub root_crl: Vec<u8>,
    /// The revocation list of the authority for platform keys, DER.
    pub pck_crl: Vec<u8>,
    /// Certificate of that authority, DER.
    pub pck_issuer: Vec<u8>,
    /// TCB info of the family.
    pub tcb_info: SignedJson,
    /// Identity of the quoting enclave.
    pub qe_identity: SignedJson,
}

/// A JSON object, and who signs it.
#[derive(Clone)]
pub struct JsonItem {
    /// The object.
    pub body: Value,
    /// Who signs.
    pub by: Key,
}

/// A JSON object with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedJson {
    /// The object's bytes.
    pub body: Vec<u8>,
    /// Signature over them: r and s, big-endian.
    pub signature: [u8; 64],
    /// The signer's certificate, DER.
    pub signer: Vec<u8>,
}

impl Collateral {
    /// What is said of this family: up to date, nothing revoked, issued in 2026 and good until 2049.
    pub fn new(fmspc: [u8; 6]) -> Self {
        let crl = |name, by| Crl::new(name, by, ISSUED, NEXT_UPDATE);
        Self {
            root_crl: crl(certificate::root_name(), dev_root::root()),
            pck_crl: crl(certificate::issuer_name(), dev_root::issuer()),
            tcb_info: JsonItem::new(tcb_info(fmspc)),
            qe_identity: JsonItem::new(qe_identity()),
        }
    }

    /// Signs each item as it is.
    pub fn sign(&self) -> SignedCollateral {
        SignedCollateral {
            root_crl: self.root_crl.sign(),
            pck_crl: self.pck_crl.sign(),
            pck_issuer: dev_root::issuer_certificate(),
            tcb_info: self.tcb_info.sign(),
            qe_identity: self.qe_identity.sign(),
        }
    }
}

impl SignedCollateral {
    /// As the verifier takes it.
    pub fn borrow(&self) -> tdx::Collateral<'_> {
        tdx::Collateral {
            root_crl: &self.root_crl,
            pck_crl: &self.pck_crl,
            pck_issuer: &self.pck_issuer,
            tcb_info: self.tcb_info.borrow(),
            qe_identity: self.qe_identity.borrow(),
        }
    }
}

impl JsonItem {
    fn new(body: Value) -> Self {
        Self { body, by: dev_root::signer().clone() }.within(ISSUED, NEXT_UPDATE).evaluated(EVALUATION)
    }

    /// With these dates, in Unix seconds.
    pub fn within(mut self, issued: u64, next_update: u64) -> Self {
        self.body["issueDate"] = date(issued).into();
        self.body["nextUpdate"] = date(next_update).into();
        self
    }

    /// With this evaluation number.
    pub fn evaluated(mut self, number: u32) -> Self {
        self.body["tcbEvaluationDataNumber"] = number.into();
        self
    }

    /// With these levels: [`level`]s of a TCB info, [`component`]s of a QE identity.
    pub fn with_levels(mut self, levels: Vec<Value>) -> Self {
        self.body["tcbLevels"] = levels.into();
        self
    }

    /// Signs the object's bytes.
    pub fn sign(&self) -> SignedJson {
        let body = self.body.to_string().into_bytes();
        SignedJson { signature: self.by.sign_raw(&body), body, signer: dev_root::signer_certificate() }
    }
}

impl SignedJson {
    /// As the verifier takes it.
    pub fn borrow(&self) -> tdx::SignedItem<'_> {
        tdx::SignedItem { body: &self.body, signature: &self.signature, signer: &self.signer }
    }
}

/// A level of the TCB info: the same number for all SGX components, and for all TDX components. The status is in Intel's words.
pub fn level(sgx: u8, pce_svn: u16, tdx: u8, status: &str, advisories: &[&str]) -> Value {
    let components = |svn: u8| vec![json!({ "svn": svn }); 16];
    json!({
        "tcb": { "sgxtcbcomponents": components(sgx), "pcesvn": pce_svn, "tdxtcbcomponents": components(tdx) },
        "tcbDate": date(ISSUED), "tcbStatus": status, "advisoryIDs": advisories,
    })
}

/// A level of a TDX module or of a quoting enclave. The status is in Intel's words.
pub fn component(svn: u16, status: &str, advisories: &[&str]) -> Value {
    json!({ "tcb": { "isvsvn": svn }, "tcbDate": date(ISSUED), "tcbStatus": status, "advisoryIDs": advisories })
}

/// A TCB info in version 3 (PCS, "Get TDX TCB Info"), without dates and number.
fn tcb_info(fmspc: [u8; 6]) -> Value {
    let mr_signer = "00".repeat(48);
    json!({
        "id": "TDX", "version": 3, "fmspc": hex::encode_upper(fmspc), "pceId": hex::encode_upper(Platform::PCE_ID), "tcbType": 0,
        "tdxModule": { "mrsigner": mr_signer, "attributes": "0000000000000000", "attributesMask": "FFFFFFFFFFFFFFFF" },
        "tdxModuleIdentities": [{
            "id": "TDX_01", "mrsigner": mr_signer, "attributes": "0000000000000000", "attributesMask": "FFFFFFFFFFFFFFFF",
            "tcbLevels": [component(5, "UpToDate", &[]), component(3, "OutOfDate", &["INTEL-SA-01036"])],
        }],
        "tcbLevels": [level(3, 11, 3, "UpToDate", &[]), level(2, 11, 2, "OutOfDate", &["INTEL-SA-00837", "INTEL-SA-00960"])],
    })
}

/// A QE identity in version 2 (PCS, "Get TD Quoting Enclave Identity"), without dates and number.
fn qe_identity() -> Value {
    json!({
        "id": "TD_QE", "version": 2, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
        "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex::encode_upper(Platform::QE_SIGNER), "isvprodid": Platform::QE_PRODUCT,
        "tcbLevels": [component(8, "UpToDate", &[]), component(6, "OutOfDate", &["INTEL-SA-00615"])],
    })
}
