//! What Intel says about a platform in the certificate of its key: the SGX extension (PCK, section 1.3.5).

use crate::tdx::parts::{der, id, tlv};
use der::asn1::ObjectIdentifier;

const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const YES: u8 = 0xff;
const NO: u8 = 0;
/// Memory is encrypted, not protected by a tree.
const SCALABLE: u8 = 1;

/// The SGX extension of a platform of several packages.
#[derive(Clone, Debug)]
pub struct SgxExtension {
    /// Provisioning id: the platform's identity.
    pub ppid: [u8; 16],
    /// Security version numbers of the processor and its firmware, which are the CPUSVN, too.
    pub components: [u8; 16],
    /// Security version number of the provisioning certification enclave.
    pub pce_svn: u16,
    /// Identity of the provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// Family of platforms that share TCB infos.
    pub fmspc: [u8; 6],
    /// Identity of the platform's present set of packages.
    pub instance_id: [u8; 16],
}

impl SgxExtension {
    /// The extension's identifier, or that of something in it.
    ///
    /// # Panics
    /// If there are more arcs than fit into an identifier.
    pub fn id(arcs: &[u32]) -> ObjectIdentifier {
        arcs.iter().fold(id("1.2.840.113741.1.13.1"), |id, arc| id.push_arc(*arc).expect("a short identifier"))
    }

    /// The extension's parts, in Intel's order.
    pub fn parts(&self) -> Vec<Vec<u8>> {
        let configuration =
            [part(&[7, 1], &tlv(BOOLEAN, &[YES])), part(&[7, 2], &tlv(BOOLEAN, &[NO])), part(&[7, 3], &tlv(BOOLEAN, &[YES]))];
        vec![
            part(&[1], &tlv(OCTETS, &self.ppid)),
            part(&[2], &tlv(SEQUENCE, &self.tcb_parts().concat())),
            part(&[3], &tlv(OCTETS, &self.pce_id)),
            part(&[4], &tlv(OCTETS, &self.fmspc)),
            part(&[5], &tlv(ENUMERATED, &[SCALABLE])),
            part(&[6], &tlv(OCTETS, &self.instance_id)),
            part(&[7], &tlv(SEQUENCE, &configuration.concat())),
        ]
    }

    /// The parts of its TCB: sixteen components, the PCE's level, the CPUSVN.
    pub fn tcb_parts(&self) -> Vec<Vec<u8>> {
        let mut parts: Vec<Vec<u8>> = (1..).zip(self.components).map(|(arc, svn)| part(&[2, arc], &der(&svn))).collect();
        parts.push(part(&[2, 17], &der(&self.pce_svn)));
        parts.push(part(&[2, 18], &tlv(OCTETS, &self.components)));
        parts
    }

    /// The extension's content.
    pub fn to_der(&self) -> Vec<u8> {
        tlv(SEQUENCE, &self.parts().concat())
    }
}

/// A pair of the extension: an identifier below its own, and a value in DER.
pub fn part(arcs: &[u32], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[der(&SgxExtension::id(arcs)), value.to_vec()].concat())
}
