//! What a guest's owner allowed the host (guest policy), how the platform is set up (platform info), and what is demanded of both.

use crate::{
    journal::{Journal, tolerated},
    snp::Error,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The guest policy: fixed at launch, part of what the processor signs (ABI, table "Guest Policy").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct GuestPolicy(pub u64);

impl GuestPolicy {
    const SMT: u64 = 1 << 16;
    const MUST_BE_ONE: u64 = 1 << 17;
    const MIGRATE_MA: u64 = 1 << 18;
    const DEBUG: u64 = 1 << 19;
    const SINGLE_SOCKET: u64 = 1 << 20;
    const CXL_ALLOW: u64 = 1 << 21;
    /// Everything with a meaning: the ABI version in bits 0 to 15, the bits above, and four that only demand more of the platform (22 AES-256-XTS, 23
    /// no power readings, 24 ciphertext hiding, 25 no page swap).
    const KNOWN: u64 = (1 << 26) - 1;

    /// The guest may run with simultaneous multithreading.
    pub fn smt(self) -> bool {
        self.0 & Self::SMT != 0
    }

    /// The guest may be moved by a migration agent.
    pub fn migratable(self) -> bool {
        self.0 & Self::MIGRATE_MA != 0
    }

    /// The host may debug the guest, that is, read its memory.
    pub fn debuggable(self) -> bool {
        self.0 & Self::DEBUG != 0
    }

    /// The guest runs on one socket only.
    pub fn single_socket(self) -> bool {
        self.0 & Self::SINGLE_SOCKET != 0
    }

    /// The guest's memory may lie behind CXL.
    pub fn cxl(self) -> bool {
        self.0 & Self::CXL_ALLOW != 0
    }

    pub(crate) fn check(self, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let mut check =
            |best, allowed, error| log.check(best || allowed, error, format_args!("policy {:#x}{}", self.0, tolerated(best, allowed)));
        check(self.0 & Self::MUST_BE_ONE != 0, false, Error::PolicyReservedBit)?;
        check(self.0 & !Self::KNOWN == 0, false, Error::PolicyUnknownBit)?;
        check(!self.debuggable(), false, Error::Debuggable)?;
        check(!self.migratable(), false, Error::Migratable)?;
        check(!self.smt(), requirements.allow_smt, Error::SmtAllowed)?;
        check(self.single_socket(), requirements.allow_sockets, Error::SocketsAllowed)?;
        check(!self.cxl(), requirements.allow_cxl, Error::CxlAllowed)
    }
}

/// How the platform is set up (ABI, field `PLATFORM_INFO`). Bits of unknown meaning are tolerated: they are the host's, not the guest's, and new firmware
/// adds to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PlatformInfo(pub u64);

impl PlatformInfo {
    const SMT_EN: u64 = 1;
    const ALIAS_CHECK_COMPLETE: u64 = 1 << 5;

    /// Simultaneous multithreading is on.
    pub fn smt(self) -> bool {
        self.0 & Self::SMT_EN != 0
    }

    /// Since the last reset the firmware has found no two addresses that mean the same memory (the BadRAM attack).
    pub fn aliases_checked(self) -> bool {
        self.0 & Self::ALIAS_CHECK_COMPLETE != 0
    }

    pub(crate) fn check(self, requirements: &Requirements, log: &mut impl Journal<Error>) -> Result<(), Error> {
        let (best, allowed) = (self.aliases_checked(), requirements.allow_unchecked_aliases);
        let found = format_args!("platform info {:#x}{}", self.0, tolerated(best, allowed));
        log.check(best || allowed, Error::AliasesUnchecked, found)
    }
}

/// What a verifier tolerates beyond the strictest reading. Every field says "allow", so that all-false is the strictest, and none can be met by leaving
/// something empty.
///
/// Debugging, migration, masked or unknown signing keys and privilege levels above 0 have no switch: they are always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Requirements {
    /// Reports of version 2, which do not name the processor; the product is then what the certificate says.
    pub allow_version_2: bool,
    /// Guests that may run with simultaneous multithreading.
    pub allow_smt: bool,
    /// Guests that may spread over several sockets.
    pub allow_sockets: bool,
    /// Guests whose memory may lie behind CXL.
    pub allow_cxl: bool,
    /// Firmware that has not checked memory for aliases, so that the BadRAM attack is open. Old firmware only.
    pub allow_unchecked_aliases: bool,
    /// Reports signed by a key that AMD gave to a cloud provider (VLEK). It is the same in all of the provider's chips: that this one is the chip that the
    /// report names is then the word of the firmware alone, and no certificate says it.
    pub allow_vlek: bool,
}

impl Requirements {
    /// Nothing beyond the strictest reading.
    pub const STRICT: Self = Self {
        allow_version_2: false,
        allow_smt: false,
        allow_sockets: false,
        allow_cxl: false,
        allow_unchecked_aliases: false,
        allow_vlek: false,
    };

    /// As providers commonly launch guests: multithreading and several sockets allowed.
    pub const USUAL: Self = Self { allow_smt: true, allow_sockets: true, ..Self::STRICT };
}
