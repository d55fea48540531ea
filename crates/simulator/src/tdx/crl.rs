//! Revocation lists (RFC 5280, section 5; PCK, section 2), before they are signed.

use crate::{
    Template,
    tdx::{
        Key,
        certificate::authority_key_id,
        parts::{at, der, ecdsa, extension, tlv},
    },
};
use der::asn1::ObjectIdentifier;
use x509_cert::{ext::Extension, name::Name, spki::AlgorithmIdentifierOwned};

const NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
/// Why an entry is on the list, and the answer: its key is compromised.
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const KEY_COMPROMISE: [u8; 3] = [0x0a, 0x01, 0x01];

/// What a revocation list says, and who signs it.
#[derive(Clone)]
pub struct Crl {
    /// Algorithm of the signature, as the list names it.
    pub algorithm: AlgorithmIdentifierOwned,
    /// Name of the issuer.
    pub issuer: Name,
    /// When it was issued, in Unix seconds.
    pub this_update: u64,
    /// When it is superseded, in Unix seconds.
    pub next_update: Option<u64>,
    /// Serial numbers (the content of a DER integer) and extensions of the entries.
    pub revoked: Vec<(Vec<u8>, Vec<Extension>)>,
    /// Extensions of the list; the first is its number.
    pub extensions: Vec<Extension>,
    /// Who signs.
    pub by: Key,
}

impl Crl {
    /// An empty list with number 1.
    pub fn new(issuer: Name, by: &Key, this_update: u64, next_update: u64) -> Self {
        Self {
            algorithm: ecdsa(),
            issuer,
            this_update,
            next_update: Some(next_update),
            revoked: Vec::new(),
            extensions: vec![number(1), authority_key_id(by)],
            by: by.clone(),
        }
    }

    /// With these dates, in Unix seconds.
    pub fn within(self, this_update: u64, next_update: u64) -> Self {
        Self { this_update, next_update: Some(next_update), ..self }
    }

    /// With this number.
    pub fn numbered(mut self, list_number: u64) -> Self {
        self.extensions.retain(|extension| extension.extn_id != NUMBER);
        self.extensions.insert(0, number(list_number));
        self
    }

    /// With this certificate on it, whoever issued it, because its key is compromised.
    pub fn revoking(mut self, certificate: &Template) -> Self {
        let serial = der(&certificate.serial).split_off(2);
        self.revoked.push((serial, vec![extension(REASON, false, &KEY_COMPROMISE)]));
        self
    }

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
        // Version 2.
        let version = tlv(0x02, &[1]);
        let fields = [version, der(&self.algorithm), der(&self.issuer), der(&at(self.this_update)), next_update, entries, extensions];
        tlv(0x30, &fields.concat())
    }

    /// The list, DER.
    pub fn sign(&self) -> Vec<u8> {
        self.by.sign_x509(&self.part(), &self.algorithm)
    }
}

fn number(number: u64) -> Extension {
    extension(NUMBER, false, &der(&number))
}
