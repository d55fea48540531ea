//! One value for what a guest is: what an approval names. Not which values are approved.

use crate::tdx::Claims;
use sha2::{Digest, Sha384};

/// Sets these digests apart from all others.
const TAG: &[u8] = b"blockcloud/tdx-measurement/v1";

/// The measurement of a TDX guest: SHA-384 over the ASCII tag `blockcloud/tdx-measurement/v1`, `MRTD`, and `RTMR0` to `RTMR2`, in this
/// order.
///
/// `MRTD` covers the firmware's initial memory; `RTMR0` the rest of the firmware and its configuration; `RTMR1` what it started; `RTMR2`
/// the kernel's command line and initial file system. `RTMR3` is the guest's own to extend at run time and is left out.
pub fn measurement(mr_td: &[u8; 48], rtmr: &[[u8; 48]; 3]) -> [u8; 48] {
    let [rtmr0, rtmr1, rtmr2] = rtmr;
    Sha384::new().chain_update(TAG).chain_update(mr_td).chain_update(rtmr0).chain_update(rtmr1).chain_update(rtmr2).finalize().into()
}

impl Claims {
    /// The [`measurement`] of the guest that was verified.
    pub fn measurement(&self) -> [u8; 48] {
        let [rtmr0, rtmr1, rtmr2, _] = self.rtmr;
        measurement(&self.mr_td, &[rtmr0, rtmr1, rtmr2])
    }
}
