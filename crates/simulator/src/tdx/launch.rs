//! A guest of a simulated platform: what the TDX module would report of it.

use crate::tdx::{Draft, Platform};
use blockcloud_evidence::tdx::BodyType;
use sha2::{Digest, Sha256, Sha384};

/// A guest (trust domain) that was launched on a simulated platform. Every field can be changed before a quote is asked for.
#[derive(Clone)]
pub struct Launch<'a> {
    platform: &'a Platform,
    /// How its quotes are laid out.
    pub layout: Layout,
    /// Security version numbers of the TDX module and what it rests on, at launch.
    pub tee_tcb_svn: [u8; 16],
    /// The same of what runs now; from TDX 1.5.
    pub current_tee_tcb_svn: [u8; 16],
    /// Attributes.
    pub attributes: u64,
    /// Processor state that it may use.
    pub xfam: u64,
    /// Measurement of its initial memory.
    pub mr_td: [u8; 48],
    /// What the host binds.
    pub mr_config_id: [u8; 48],
    /// Its owner, as the host says.
    pub mr_owner: [u8; 48],
    /// The owner's configuration, as the host says.
    pub mr_owner_config: [u8; 48],
    /// What it measured at run time.
    pub rtmr: [[u8; 48]; 4],
}

/// Version and body of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Version 4, which knows the body of TDX 1.0 only.
    V4,
    /// Version 5 with a body of this type.
    V5(BodyType),
}

impl Layout {
    fn body_type(self) -> BodyType {
        match self {
            Self::V4 => BodyType::Td10,
            Self::V5(body_type) => body_type,
        }
    }
}

impl<'a> Launch<'a> {
    /// The module's level that the simulated TCB info calls up to date.
    const UP_TO_DATE: [u8; 16] = [5, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
    /// Pages that the host took away stop the guest (SEPT_VE_DISABLE); nothing else.
    const ATTRIBUTES: u64 = 1 << 28;
    /// What current processors offer: x87, SSE, AVX, AVX-512, PKRU, CET, AMX.
    const XFAM: u64 = 0x6_02e7;

    pub(crate) fn new(platform: &'a Platform, mr_td: [u8; 48], mr_config_id: [u8; 48]) -> Self {
        Self {
            platform,
            layout: Layout::V5(BodyType::Td15),
            tee_tcb_svn: Self::UP_TO_DATE,
            current_tee_tcb_svn: Self::UP_TO_DATE,
            attributes: Self::ATTRIBUTES,
            xfam: Self::XFAM,
            mr_td,
            mr_config_id,
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            rtmr: [[0; 48]; 4],
        }
    }

    /// The quote that binds `report_data`. The same guest and data give the same quote.
    pub fn quote(&self, report_data: [u8; 64]) -> Vec<u8> {
        self.platform.sign(&self.draft(report_data))
    }

    /// The same before it is signed.
    pub fn draft(&self, report_data: [u8; 64]) -> Draft {
        let body_type = self.layout.body_type();
        let (version, number) = match (self.layout, body_type) {
            (Layout::V4, _) => (4, 0),
            (_, BodyType::Td10) => (5, 2),
            (_, BodyType::Td15) => (5, 3),
            (_, BodyType::Td15Ex) => (5, 4),
        };
        Draft { version, body_type: number, body: self.body(body_type, report_data), ..self.platform.draft() }
    }

    fn body(&self, body_type: BodyType, report_data: [u8; 64]) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.tee_tcb_svn);
        body.extend(Sha384::digest(b"SIMULATED TDX module"));
        body.extend([0; 48]); // the module's author: Intel
        body.extend([0; 8]); // the module's attributes
        body.extend(self.attributes.to_le_bytes());
        body.extend(self.xfam.to_le_bytes());
        for measurement in [self.mr_td, self.mr_config_id, self.mr_owner, self.mr_owner_config].iter().chain(&self.rtmr) {
            body.extend(measurement);
        }
        body.extend(report_data);
        if body_type != BodyType::Td10 {
            body.extend(self.current_tee_tcb_svn);
            body.extend([0; 48]); // no service guests
        }
        if body_type == BodyType::Td15Ex {
            body.push(0); // the guest itself, no machine within it
            body.extend(Sha256::digest(&body));
        }
        // The rest is of devices, service guests and the platform that a migrated guest comes from.
        body.resize(body_type.body_len(), 0);
        body
    }
}
