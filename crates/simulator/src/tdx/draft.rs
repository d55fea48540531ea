//! A quote before it is signed (Quote, sections "Quote Format"): everything can be changed, and is signed as it then is.

use crate::tdx::Key;
use blockcloud_evidence::tdx::EnclaveReport;
use sha2::{Digest, Sha256};

/// What a quote says.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Version of the layout.
    pub version: u16,
    /// Type of the body; written from version 5 on.
    pub body_type: u16,
    /// The guest's report.
    pub body: Vec<u8>,
    /// The quoting enclave's report. What it binds is filled in, over whatever stands there.
    pub qe: [u8; EnclaveReport::LEN],
    /// What the quoting enclave hashes with the attestation key.
    pub qe_auth: Vec<u8>,
    /// Certificates of the platform's key, its authority and the root, in PEM.
    pub chain: Vec<u8>,
}

impl Draft {
    /// ECDSA P-256 with SHA-256; trust domain; four reserved bytes; Intel's quoting enclave.
    const HEADER: [u8; 26] =
        [2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0, 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];
    const USER_DATA: [u8; 20] = [0; 20];
    const QE_REPORT_CERTIFICATION: u16 = 6;
    const PCK_CHAIN: u16 = 5;
    /// Where an enclave's report has what it binds.
    const REPORT_DATA: usize = 320;

    /// What the attestation key signs: header and body.
    pub fn signed_part(&self) -> Vec<u8> {
        let mut signed = Vec::new();
        signed.extend(self.version.to_le_bytes());
        signed.extend(Self::HEADER);
        signed.extend(Self::USER_DATA);
        if self.version == 5 {
            signed.extend(self.body_type.to_le_bytes());
            signed.extend(length(&self.body));
        }
        signed.extend(&self.body);
        signed
    }

    /// The quote, signed by these keys.
    ///
    /// # Panics
    /// If a part is longer than its length field can say.
    pub fn sign(&self, platform_key: &Key, attestation_key: &Key) -> Vec<u8> {
        let mut qe = self.qe;
        let bound = Sha256::new().chain_update(attestation_key.point()).chain_update(&self.qe_auth).finalize();
        for (byte, bound) in qe[Self::REPORT_DATA..].iter_mut().zip(bound) {
            *byte ^= bound;
        }
        let mut inner = qe.to_vec();
        inner.extend(platform_key.sign_raw(&qe));
        inner.extend(u16::try_from(self.qe_auth.len()).expect("short authentication data").to_le_bytes());
        inner.extend(&self.qe_auth);
        inner.extend(Self::PCK_CHAIN.to_le_bytes());
        inner.extend(length(&self.chain));
        inner.extend(&self.chain);

        let signed = self.signed_part();
        let mut data = attestation_key.sign_raw(&signed).to_vec();
        data.extend(attestation_key.point());
        data.extend(Self::QE_REPORT_CERTIFICATION.to_le_bytes());
        data.extend(length(&inner));
        data.extend(inner);
        [&signed[..], &length(&data), &data].concat()
    }
}

/// A length field.
fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("a part of less than 4 GiB").to_le_bytes()
}
