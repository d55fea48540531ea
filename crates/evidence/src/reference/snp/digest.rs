//! The chain of digests over a guest's pages that becomes its measurement (ABI, section 8.17, "PAGE_INFO"). Not which pages a guest has.

use crate::reference::snp::{PAGE_LEN, firmware::Section};
use sha2::{Digest, Sha384};

/// Where the processor counts a virtual processor's state to lie: the highest page.
pub(super) const VCPU_ADDRESS: u64 = 0xffff_ffff_f000;

/// How a page comes into the guest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    Normal,
    Vcpu,
    Zero,
    Secrets,
    Cpuid,
}

impl Page {
    /// `PAGE_TYPE`.
    fn number(self) -> u8 {
        match self {
            Self::Normal => 1,
            Self::Vcpu => 2,
            Self::Zero => 3,
            Self::Secrets => 5,
            Self::Cpuid => 6,
        }
    }
}

/// SHA-384 of a page's contents; zero where they do not count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents([u8; 48]);

impl Contents {
    const UNMEASURED: Self = Self([0; 48]);

    pub(super) fn of(page: &[u8]) -> Self {
        Self(Sha384::digest(page).into())
    }
}

/// A launch digest under way.
pub(super) struct LaunchDigest([u8; 48]);

impl LaunchDigest {
    pub(super) fn new() -> Self {
        Self([0; 48])
    }

    /// Adds a page.
    pub(super) fn extend(&mut self, page: Page, contents: Contents, address: u64) {
        /// Length of what is hashed.
        const PAGE_INFO_LEN: u16 = 0x70;
        // Not of an initial migration image, and nothing permitted to the privilege levels above 0.
        const FLAGS: [u8; 5] = [0; 5];
        self.0 = Sha384::new()
            .chain_update(self.0)
            .chain_update(contents.0)
            .chain_update(PAGE_INFO_LEN.to_le_bytes())
            .chain_update([page.number()])
            .chain_update(FLAGS)
            .chain_update(address.to_le_bytes())
            .finalize()
            .into();
    }

    /// Adds pages whose contents count, beginning at an address.
    pub(super) fn extend_with(&mut self, page: Page, address: u64, bytes: &[u8]) {
        for (bytes, address) in bytes.chunks(PAGE_LEN).zip((address..).step_by(PAGE_LEN)) {
            self.extend(page, Contents::of(bytes), address);
        }
    }

    /// Adds a section whose contents do not count.
    pub(super) fn extend_empty(&mut self, page: Page, section: &Section) {
        for address in (section.address..section.end).step_by(PAGE_LEN) {
            self.extend(page, Contents::UNMEASURED, address);
        }
    }

    pub(super) fn value(self) -> [u8; 48] {
        self.0
    }
}
