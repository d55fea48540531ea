//! Evidence of a confidential VM: what a provider submits, what it binds, and the session that comes of it.

use crate::{AccountId, Digest, JobId, List, Moment, PublicKey, Signature, bytes::fixed_bytes};
use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::Digest as _;

fixed_bytes! {
    /// The launch measurement of a guest (SEV-SNP: 48 bytes, SHA-384).
    Measurement, 48
}

/// A kind of confidential-computing hardware.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tee {
    /// AMD SEV-SNP.
    #[codec(index = 0)]
    SevSnp,
    /// Intel TDX.
    #[codec(index = 1)]
    Tdx,
    /// Arm CCA: the index is reserved, no verifier exists.
    #[codec(index = 2)]
    Cca,
    /// No hardware at all: SNP-format reports signed by a program under a development root. Protects nothing; production chains refuse it.
    #[codec(index = 255)]
    Simulated,
}

/// SEV-SNP's trusted-computing-base version: the security version numbers of the platform's parts. Compared part by part.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Tcb {
    /// Boot loader of the security processor.
    pub bootloader: u8,
    /// Operating system of the security processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
    /// FMC (Turin and later; zero elsewhere).
    pub fmc: u8,
}

impl Tcb {
    /// Whether every part is at least that of `floor`.
    pub fn meets(&self, floor: &Self) -> bool {
        self.bootloader >= floor.bootloader
            && self.tee >= floor.tee
            && self.snp >= floor.snp
            && self.microcode >= floor.microcode
            && self.fmc >= floor.fmc
    }
}

/// What a provider submits to show that a guest of this job runs in a confidential VM.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Evidence {
    /// The kind of hardware that signed.
    pub tee: Tee,
    /// The report or quote, byte for byte (SEV-SNP: 1184 bytes).
    #[serde(with = "hex_list")]
    pub report: List<u8, 8192>,
    /// The certificate of the key that signed it (SEV-SNP: the VCEK, DER). Its issuers are on chain.
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
    /// What makes a second submission of the same evidence recognisable: SHA-256 of the signed part of the report (SEV-SNP: bytes 0 to 0x2a0),
    /// so that changed padding does not make it new.
    pub fn replay_key(&self) -> Digest {
        let signed = self.report.get(..0x2a0).unwrap_or(&self.report);
        Digest(sha2::Sha256::digest(signed).into())
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

/// A verified guest: the claims that the chain keeps of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
pub struct Session {
    /// The provider that runs the guest.
    pub provider: AccountId,
    /// The kind of hardware.
    pub tee: Tee,
    /// The guest's receipt-signing key (ed25519).
    pub receipt_key: PublicKey,
    /// The guest's key-wrapping key (X25519).
    pub wrapping_key: PublicKey,
    /// The guest's launch measurement.
    pub measurement: Measurement,
    /// SHA-256 of the chip's identity.
    pub chip: Digest,
    /// The firmware level that the evidence reports.
    pub tcb: Tcb,
    /// See [`Evidence::replay_key`].
    pub evidence: Digest,
    /// When the session began.
    pub since: Moment,
    /// When it ends unless it is renewed.
    pub valid_until: Moment,
}

/// Bounded byte lists as `0x` hex.
mod hex_list {
    use super::*;

    pub fn serialize<S: Serializer, const N: u32>(bytes: &List<u8, N>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: u32>(deserializer: D) -> Result<List<u8, N>, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text))
            .map_err(D::Error::custom)?
            .try_into()
            .map_err(|_| D::Error::custom("too many bytes"))
    }
}
