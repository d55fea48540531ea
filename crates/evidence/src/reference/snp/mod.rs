//! SEV-SNP: the launch digest of a guest that QEMU starts, from its firmware, its virtual processors and, if it is booted directly, its
//! kernel.
//!
//! References of the form "ABI, section N" are to AMD's *SEV Secure Nested Paging Firmware ABI Specification* (56860), "APM" to volume 2 of
//! the *AMD64 Architecture Programmer's Manual* (24593). QEMU is the host that counts here: what a processor starts with is the host's
//! choice, and others choose otherwise.

mod boot;
mod digest;
mod error;
mod firmware;
mod vcpu;

pub use boot::DirectBoot;
pub use error::Error;
pub use vcpu::VcpuSignature;

use digest::{Contents, LaunchDigest, Page};
use firmware::{Firmware, Use};

/// Longest firmware, in bytes. Real ones have 2 or 4 MiB.
pub const MAX_FIRMWARE_LEN: usize = 16 * 1024 * 1024;
/// Most sections of a firmware's SEV metadata. Real ones have 7.
pub const MAX_SECTIONS: usize = 64;
/// Most pages of all those sections together: 256 MiB. Real ones have about 40.
pub const MAX_SECTION_PAGES: u64 = 65_536;
/// Most virtual processors.
pub const MAX_VCPUS: u32 = 4096;

/// Length of a page in bytes.
const PAGE_LEN: usize = 4096;

/// What a guest is started from.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// The firmware image (`OVMF.fd`), byte for byte.
    pub firmware: &'a [u8],
    /// Number of virtual processors.
    pub vcpus: u32,
    /// What the virtual processors say they are.
    pub vcpu_signature: VcpuSignature,
    /// The processor features that are switched on in the guest (`SEV_FEATURES`; APM, table "VMSA layout"). Bit 0 is SNP itself. The host's
    /// kernel decides: 0x1 and, with DebugSwap, 0x21 are the common values.
    pub guest_features: u64,
    /// The kernel, if QEMU hands one over (`-kernel` with `kernel-hashes=on`).
    pub direct_boot: Option<DirectBoot>,
}

/// The measurement that the processor reports for a guest which is started so (ABI, section 8.17).
///
/// # Errors
/// The first check that fails, in the order of [`Error`]'s variants.
pub fn launch_digest(launch: &Launch<'_>) -> Result<[u8; 48], Error> {
    const SNP_ACTIVE: u64 = 1;
    if launch.guest_features & SNP_ACTIVE == 0 {
        return Err(Error::GuestFeatures);
    }
    if !(1..=MAX_VCPUS).contains(&launch.vcpus) {
        return Err(Error::VcpuCount);
    }
    let firmware = Firmware::parse(launch.firmware)?;
    if launch.direct_boot.is_some() && !firmware.sections.iter().any(|section| section.purpose == Use::KernelHashes) {
        return Err(Error::DirectBootUnsupported);
    }
    let mut digest = LaunchDigest::new();
    digest.extend_with(Page::Normal, firmware.address, launch.firmware);
    for section in &firmware.sections {
        match (section.purpose, &launch.direct_boot) {
            (Use::KernelHashes, Some(boot)) => digest.extend_with(Page::Normal, section.address, &boot.page(firmware.hashes_in(section)?)),
            (Use::KernelHashes | Use::Memory, _) => digest.extend_empty(Page::Zero, section),
            (Use::Secrets, _) => digest.extend_empty(Page::Secrets, section),
            (Use::Cpuid, _) => digest.extend_empty(Page::Cpuid, section),
        }
    }
    let state = |entry| Contents::of(&vcpu::state(entry, launch.vcpu_signature, launch.guest_features));
    digest.extend(Page::Vcpu, state(vcpu::RESET_VECTOR), digest::VCPU_ADDRESS);
    if launch.vcpus > 1 {
        // All but the first are alike.
        let other = state(firmware.further_vcpus.ok_or(Error::FurtherVcpusUnsupported)?);
        for _ in 1..launch.vcpus {
            digest.extend(Page::Vcpu, other, digest::VCPU_ADDRESS);
        }
    }
    Ok(digest.value())
}
