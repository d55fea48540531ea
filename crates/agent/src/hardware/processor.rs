//! Which processor this is, and whether its family has confidential VMs.

use std::fmt;

/// EPYC 7003, from which extracting the root seed is claimed (arXiv 2605.12990).
pub(super) const MILAN: &str = "EPYC Milan";

/// Who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    /// `AuthenticAMD`.
    Amd,
    /// `GenuineIntel`.
    Intel,
    /// Anybody else, or unknown.
    Other,
}

/// The first processor of `/proc/cpuinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Processor {
    /// Who made it.
    pub vendor: Vendor,
    /// CPUID family, combined.
    pub family: Option<u16>,
    /// CPUID model, combined.
    pub model: Option<u16>,
    /// Its maker's name for it.
    pub name: String,
}

impl Processor {
    /// The product, if it is known to have confidential VMs.
    ///
    /// AMD: the products that the verifier knows (`blockcloud_evidence::snp::Product::from_cpuid`; AMD 56860, attestation report, CPUID family and
    /// model). Intel: canonical/tdx, supported hardware; models from the kernel's `arch/x86/include/asm/intel-family.h`.
    pub fn product(&self) -> Option<&'static str> {
        match (self.vendor, self.family?, self.model?) {
            (Vendor::Amd, 0x19, 0x00..=0x0f) => Some(MILAN),
            (Vendor::Amd, 0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some("EPYC Genoa"),
            (Vendor::Amd, 0x1a, 0x00..=0x11) => Some("EPYC Turin"),
            (Vendor::Intel, 6, 0x8f) => Some("Xeon Sapphire Rapids"),
            (Vendor::Intel, 6, 0xcf) => Some("Xeon Emerald Rapids"),
            (Vendor::Intel, 6, 0xaf) => Some("Xeon 6 Sierra Forest"),
            (Vendor::Intel, 6, 0xad) => Some("Xeon 6 Granite Rapids"),
            _ => None,
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.name.is_empty() { "unknown" } else { &self.name })?;
        if let (Some(family), Some(model)) = (self.family, self.model) {
            write!(f, ", family {family:02X}h, model {model:02X}h")?;
        }
        Ok(())
    }
}
