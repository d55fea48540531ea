//! Evidence of a confidential VM: what a provider submits, and what it binds. Not here: the hardware (`hardware`) and what comes of evidence (`session`).

use crate::{
    AccountId, Digest, JobId, List, PublicKey, Signature, Tee,
    bytes::{fixed_bytes, hex_list},
};
use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::Digest as _;

fixed_bytes! {
    /// The launch measurement of a guest: 48 bytes, SHA-384. SEV-SNP's own; of a TDX guest the digest of MRTD and RTMR 0 to 2, which together say what
    /// SEV-SNP's says.
    Measurement, 48
}

/// What a provider submits to show that a guest of this job runs in a confidential VM.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Evidence {
    /// The kind of hardware that signed.
    pub tee: Tee,
    /// The report or quote, byte for byte (SEV-SNP: 1184 bytes).
    #[serde(with = "hex_list")]
    pub report: List<u8, 8192>,
    /// The certificate of the key that signed it (SEV-SNP: the VCEK, DER). Its issuers are on chain. Empty for TDX, whose quotes carry theirs.
    #[serde(with = "hex_list")]
    pub certificate: List<u8, 6144>,
    /// Number of the recent block whose hash the report binds.
    pub anchor: u32,
    /// The guest's receipt-signing key (ed25519).
    pub receipt_key: PublicKey,
    /// The guest's key-wrapping key (X25519).
    pub wrapping_key: PublicKey,
    /// The receipt key's signature over the report data: proof that the guest holds it.
    pub possession: Signature,
}

impl Evidence {
    /// What makes a second submission of the same evidence recognisable: SHA-256 of the signed part of the report, so that changed padding does not make
    /// it new. SEV-SNP: bytes 0 to 0x2a0. TDX: header and body, whose length depends on the version. Of what is too short to be either: of all.
    pub fn replay_key(&self) -> Digest {
        let end = match self.tee {
            Tee::SevSnp | Tee::Simulated | Tee::Cca => Some(0x2a0),
            Tee::Tdx | Tee::SimulatedTdx => signed_quote_length(&self.report),
        };
        let signed = end.and_then(|end| self.report.get(..end)).unwrap_or(&self.report);
        Digest(sha2::Sha256::digest(signed).into())
    }
}

/// How many bytes of a TDX quote are signed: a header of 48, in version 5 six more that say the body's kind and length, and the body.
fn signed_quote_length(quote: &[u8]) -> Option<usize> {
    match quote {
        [4, 0, ..] => Some(48 + 584),
        [5, 0, ..] => {
            let length = u32::from_le_bytes(quote.get(50..54)?.try_into().ok()?);
            usize::try_from(length).ok()?.checked_add(54)
        }
        _ => None,
    }
}

/// What a report's user data binds. The chain fills in what it knows itself; evidence for another chain, provider, job or time differs here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReportBinding {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The kind of hardware.
    pub tee: Tee,
    /// The provider that runs the guest.
    pub provider: AccountId,
    /// The job.
    pub job: JobId,
    /// Terms hash of the job.
    pub terms: Digest,
    /// A recent block's number.
    pub anchor: u32,
    /// That block's hash: the freshness.
    pub anchor_hash: Digest,
    /// The guest's receipt-signing key (ed25519).
    pub receipt_key: PublicKey,
    /// The guest's key-wrapping key (X25519).
    pub wrapping_key: PublicKey,
    /// SHA-256 of the guest's TLS key, where it serves TLS itself.
    pub tls_key: Option<Digest>,
    /// SHA-256 of the GPU's evidence, where the guest appraised one.
    pub gpu_evidence: Option<Digest>,
    /// Replay key of the evidence that this renews.
    pub previous: Option<Digest>,
}

impl ReportBinding {
    /// The 64 bytes of report data: SHA-512 over the tag `blockcloud/report-data/v1` and the SCALE encoding.
    pub fn report_data(&self) -> [u8; 64] {
        let mut hasher = sha2::Sha512::new();
        hasher.update(b"blockcloud/report-data/v1");
        hasher.update(self.encode());
        hasher.finalize().into()
    }
}
