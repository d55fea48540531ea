//! Collateral: what a vendor publishes beside its evidence, as it is brought to the chain. Not here: reading and verifying it (`blockcloud-evidence`).

use crate::{List, Signature, bytes::hex_list};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A certificate, DER. The largest of AMD's takes 1,683 bytes, of Intel's 1,270.
pub type CertificateDer = List<u8, 2048>;
/// A revocation list, DER. The largest of Intel's takes 3,400 bytes.
pub type CrlDer = List<u8, 16384>;

/// A JSON object with its vendor's signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedObject {
    /// The object byte for byte: it is these bytes that are signed (PCS: the inner object of `tcbInfo` or `enclaveIdentity`).
    #[serde(with = "hex_list")]
    pub body: List<u8, 16384>,
    /// ECDSA P-256 over SHA-256 of it: r and s, big-endian.
    pub signature: Signature,
    /// The signer's certificate.
    #[serde(with = "hex_list")]
    pub signer: CertificateDer,
}

/// All of Intel's collateral that one quote rests on, at once: for whoever judges the quote without a chain that keeps collateral.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct CollateralSet {
    /// The root's revocation list.
    pub root_crl: CrlDer,
    /// The revocation list of the authority for platform keys.
    pub pck_crl: CrlDer,
    /// That authority's certificate.
    pub pck_issuer: CertificateDer,
    /// TCB info of the platform's family.
    pub tcb_info: SignedObject,
    /// Identity of the quoting enclave.
    pub qe_identity: SignedObject,
}

/// One piece of Intel's collateral. They are brought one by one, in this order, because each is verified under those before it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum CollateralItem {
    /// The root's revocation list.
    #[codec(index = 0)]
    RootCrl {
        /// The list.
        #[serde(with = "hex_list")]
        list: CrlDer,
    },
    /// The revocation list of an authority for platform keys.
    #[codec(index = 1)]
    PckCrl {
        /// The list.
        #[serde(with = "hex_list")]
        list: CrlDer,
        /// The authority's certificate.
        #[serde(with = "hex_list")]
        issuer: CertificateDer,
    },
    /// TCB info of a family of platforms.
    #[codec(index = 2)]
    TcbInfo(SignedObject),
    /// Identity of the quoting enclave.
    #[codec(index = 3)]
    QeIdentity(SignedObject),
}
