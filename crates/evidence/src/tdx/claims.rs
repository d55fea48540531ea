//! What verified evidence says.

use crate::{
    journal::{Journal, Silent},
    tdx::{Advisory, Attributes, BodyType, Error, KeyId, Platform, Serial, TcbStatus},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What verified evidence says. Made by [`verify`](crate::tdx::verify) and [`verify_quote`](crate::tdx::verify_quote) only, from evidence that passed every
/// check.
///
/// Whether measurements, user data, processor state, platform and evaluation number are the wanted ones is for the caller to judge.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Claims {
    /// Version of the quote's layout.
    pub version: u16,
    /// The kind of body that the quote had.
    pub body_type: BodyType,
    /// The platform that the guest runs on.
    pub platform: Platform,
    /// Serial number of the certificate of the platform's key, which its authority may revoke later.
    pub serial: Serial,
    /// Key of the authority that issued it.
    pub authority: KeyId,
    /// How good the platform, its TDX module and its quoting enclave are together.
    pub status: TcbStatus,
    /// What is known of them, each once. An up-to-date platform may have some: for information.
    pub advisories: Vec<Advisory>,
    /// Unix milliseconds: everything published against any of them until then is answered.
    pub tcb_date_ms: u64,
    /// Number of the evaluation that the TCB info is a result of.
    pub tcb_evaluation_number: u32,
    /// Number of the evaluation that the QE identity is a result of.
    pub qe_evaluation_number: u32,
    /// Security version numbers of the TDX module and what it rests on, at the guest's launch.
    pub tee_tcb_svn: [u8; 16],
    /// The same, of what runs now; from TDX 1.5.
    pub current_tee_tcb_svn: Option<[u8; 16]>,
    /// Measurement of the TDX module.
    pub mr_seam: [u8; 48],
    /// Attributes of the guest.
    pub attributes: Attributes,
    /// Processor state that the guest may use.
    pub xfam: u64,
    /// Measurement of the guest's initial memory.
    pub mr_td: [u8; 48],
    /// What the host bound at launch (`MRCONFIGID`).
    pub mr_config_id: [u8; 48],
    /// The guest's owner, as the host said at launch.
    pub mr_owner: [u8; 48],
    /// The owner's configuration, as the host said at launch.
    pub mr_owner_config: [u8; 48],
    /// Measurements that the guest extended at run time.
    pub rtmr: [[u8; 48]; 4],
    /// What the guest bound when it asked for the report (`REPORTDATA`).
    pub report_data: [u8; 64],
    /// The guest's instance, statistically unique: new at each launch. TDX 1.5 extended only.
    pub instance: Option<[u8; 32]>,
    /// SHA-256 of what the attestation key signed: the key against replay. Bytes outside of it can be changed without the quote becoming bad.
    pub signed_hash: [u8; 32],
    /// The last Unix millisecond at which everything that this rests on counts: certificates, revocation lists, TCB info, QE identity.
    pub not_after_ms: u64,
}

impl Claims {
    /// The lower of both evaluation numbers.
    pub fn evaluation_number(&self) -> u32 {
        self.tcb_evaluation_number.min(self.qe_evaluation_number)
    }

    /// Holds the collateral against a floor: whoever brings collateral could choose an old evaluation that still counts.
    ///
    /// # Errors
    /// [`Error::EvaluationBelowFloor`].
    pub fn check_evaluation(&self, floor: u32) -> Result<(), Error> {
        self.judge_evaluation(floor, &mut Silent)
    }

    /// The same, with the check told.
    pub(crate) fn judge_evaluation(&self, floor: u32, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let number = self.evaluation_number();
        log.compare(number >= floor, Error::EvaluationBelowFloor, number, floor)
    }
}
