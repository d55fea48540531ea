//! A platform that is none: it writes TDX quotes and signs them with keys that it simply has.

use crate::{
    Template,
    random::Seeded,
    tdx::{Draft, Key, Launch, SgxExtension, certificate, dev_root, parts::pem},
};
use blockcloud_evidence::tdx::EnclaveReport;

/// A simulated platform: its identity, its key with the certificate of that key, and its quoting enclave's attestation key.
pub struct Platform {
    extension: SgxExtension,
    serial: [u8; 16],
    key: Key,
    attestation_key: Key,
    chain: Vec<u8>,
}

impl Platform {
    /// The family that it pretends to be of: Sapphire Rapids.
    pub const FMSPC: [u8; 6] = [0x50, 0x80, 0x6f, 0, 0, 0];
    pub(crate) const PCE_ID: [u8; 2] = [0; 2];
    pub(crate) const QE_SIGNER: [u8; 32] = [9; 32];
    pub(crate) const QE_PRODUCT: u16 = 2;
    const QE_SVN: u16 = 8;

    /// The platform that this seed determines, certified by the development root. The same seed gives the same platform and quotes.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::of(Self::FMSPC, seed)
    }

    /// The same of another family.
    pub fn of(fmspc: [u8; 6], seed: [u8; 32]) -> Self {
        let mut random = Seeded::new("blockcloud-simulator/tdx-platform", &seed);
        let extension = SgxExtension {
            ppid: random.bytes(),
            components: [3; 16],
            pce_svn: 11,
            pce_id: Self::PCE_ID,
            fmspc,
            instance_id: random.bytes(),
        };
        let serial = random.bytes();
        let (key, attestation_key) = (Key::next(&mut random), Key::next(&mut random));
        let mut platform = Self { extension, serial, key, attestation_key, chain: Vec::new() };
        let certificate = dev_root::issuer().certify(&platform.certificate_template());
        platform.chain = pem(&[certificate, dev_root::issuer_certificate(), dev_root::ROOT.to_vec()]).into_bytes();
        platform
    }

    /// Its identity.
    pub fn ppid(&self) -> [u8; 16] {
        self.extension.ppid
    }

    /// The family that it is of.
    pub fn fmspc(&self) -> [u8; 6] {
        self.extension.fmspc
    }

    /// What its certificate says of it.
    pub fn extension(&self) -> &SgxExtension {
        &self.extension
    }

    /// Its key, which vouches for the quoting enclave (PCK).
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What the certificate of its key says, to make others of it or to revoke it.
    pub fn certificate_template(&self) -> Template {
        certificate::chip(dev_root::issuer(), &self.serial, &self.key, &self.extension)
    }

    /// Launches a guest, that is, remembers what it measures and what the host binds. Up to date, with nothing measured at run time.
    pub fn launch(&self, mr_td: [u8; 48], mr_config_id: [u8; 48]) -> Launch<'_> {
        Launch::new(self, mr_td, mr_config_id)
    }

    /// Signs a quote as it is, whatever it says.
    pub fn sign(&self, draft: &Draft) -> Vec<u8> {
        draft.sign(&self.key, &self.attestation_key)
    }

    /// A quote of nobody: the parts that are the platform's.
    pub(crate) fn draft(&self) -> Draft {
        let mut qe = [0; EnclaveReport::LEN];
        let mut put = |offset: usize, bytes: &[u8]| qe[offset..offset + bytes.len()].copy_from_slice(bytes);
        put(0, &self.extension.components);
        put(48, &[0x15]); // initialised, 64 bits, may use the provisioning key
        put(128, &Self::QE_SIGNER);
        put(256, &Self::QE_PRODUCT.to_le_bytes());
        put(258, &Self::QE_SVN.to_le_bytes());
        Draft { version: 5, body_type: 0, body: Vec::new(), qe, qe_auth: (0..32).collect(), chain: self.chain.clone() }
    }
}
