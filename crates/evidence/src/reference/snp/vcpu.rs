//! What a virtual processor starts with: its identity and its registers (APM, table "VMSA layout"), as QEMU and KVM set them.

use crate::reference::snp::PAGE_LEN;

/// Where the first virtual processor starts.
pub(super) const RESET_VECTOR: u32 = 0xffff_fff0;

/// What a virtual processor says it is: family, model and stepping, as `CPUID` gives them in `EAX` of leaf 1. By QEMU it starts with this
/// in `RDX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VcpuSignature(pub u32);

impl VcpuSignature {
    /// QEMU's `EPYC` in all its versions.
    pub const EPYC: Self = Self(0x0080_0f12);
    /// QEMU's `EPYC-Rome` in all its versions.
    pub const ROME: Self = Self(0x0083_0f10);
    /// QEMU's `EPYC-Milan` in all its versions.
    pub const MILAN: Self = Self(0x00a0_0f11);
    /// QEMU's `EPYC-Genoa` in all its versions.
    pub const GENOA: Self = Self(0x00a1_0f10);
    /// QEMU's `EPYC-Turin` in all its versions.
    pub const TURIN: Self = Self(0x00b0_0f00);

    /// Of family, model and the lower four bits of a stepping (AMD's *CPUID Specification*, 25481, `Fn0000_0001_EAX`).
    pub fn new(family: u8, model: u8, stepping: u8) -> Self {
        const HIGHEST_BASE_FAMILY: u8 = 0xf;
        let [base, extended] = [family.min(HIGHEST_BASE_FAMILY), family.saturating_sub(HIGHEST_BASE_FAMILY)].map(u32::from);
        let [low, high, stepping] = [model & 0xf, model >> 4, stepping & 0xf].map(u32::from);
        Self(extended << 20 | high << 16 | base << 8 | low << 4 | stepping)
    }

    /// Of one of QEMU's processor models of this maker, with a version or without: `EPYC-Milan`, `EPYC-Milan-v2`.
    pub fn of_model(name: &str) -> Option<Self> {
        let is_number = |version: &str| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        match name.rsplit_once("-v").filter(|(_, version)| is_number(version)).map_or(name, |(model, _)| model) {
            "EPYC" | "EPYC-IBPB" => Some(Self::EPYC),
            "EPYC-Rome" => Some(Self::ROME),
            "EPYC-Milan" => Some(Self::MILAN),
            "EPYC-Genoa" => Some(Self::GENOA),
            "EPYC-Turin" => Some(Self::TURIN),
            _ => None,
        }
    }
}

/// The registers of a virtual processor that starts at an address.
pub(super) fn state(entry: u32, signature: VcpuSignature, features: u64) -> [u8; PAGE_LEN] {
    /// Upper half of an address: the code segment's base. The lower half is the instruction pointer.
    const BASE: u32 = 0xffff_0000;
    let (base, instruction) = (u64::from(entry & BASE), u64::from(entry & !BASE));
    let mut page = [0; PAGE_LEN];
    let mut put = |offset: usize, bytes: &[u8]| {
        for (place, byte) in page.iter_mut().skip(offset).zip(bytes) {
            *place = *byte;
        }
    };
    for (offset, selector, attributes, base) in [
        (0x000, 0, 0x93, 0),         // ES
        (0x010, 0xf000, 0x9b, base), // CS
        (0x020, 0, 0x93, 0),         // SS
        (0x030, 0, 0x93, 0),         // DS
        (0x040, 0, 0x93, 0),         // FS
        (0x050, 0, 0x93, 0),         // GS
        (0x060, 0, 0, 0),            // GDTR
        (0x070, 0, 0x82, 0),         // LDTR
        (0x080, 0, 0, 0),            // IDTR
        (0x090, 0, 0x8b, 0),         // TR
    ] {
        const LIMIT: u32 = 0xffff;
        put(offset, &segment(selector, attributes, LIMIT, base));
    }
    for (offset, register) in [
        (0x0d0, 0x1000),                 // EFER: secure virtual machine
        (0x148, 0x40),                   // CR4: machine checks
        (0x158, 0x10),                   // CR0
        (0x160, 0x400),                  // DR7
        (0x168, 0xffff_0ff0),            // DR6
        (0x170, 0x2),                    // RFLAGS
        (0x178, instruction),            // RIP
        (0x268, 0x0007_0406_0007_0406),  // PAT
        (0x310, u64::from(signature.0)), // RDX
        (0x3b0, features),               // SEV_FEATURES
        (0x3e8, 0x1),                    // XCR0
    ] {
        put(offset, &register.to_le_bytes());
    }
    put(0x408, &0x1f80u32.to_le_bytes()); // MXCSR
    put(0x410, &0x37fu16.to_le_bytes()); // control word of the x87
    page
}

/// A segment register: selector, attributes, limit, base.
fn segment(selector: u16, attributes: u16, limit: u32, base: u64) -> [u8; 16] {
    let ([a, b], [c, d], [e, f, g, h]) = (selector.to_le_bytes(), attributes.to_le_bytes(), limit.to_le_bytes());
    let [i, j, k, l, m, n, o, p] = base.to_le_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}
