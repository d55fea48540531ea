//! Why there is no launch digest.

use core::fmt;

/// Why there is no launch digest: what was found, what is wanted, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// Bit 0 of the guest features, SNP itself, is not set.
    GuestFeatures,
    /// There is no virtual processor, or more than [`MAX_VCPUS`](super::MAX_VCPUS).
    VcpuCount,
    /// The firmware is empty, no multiple of a page, or longer than [`MAX_FIRMWARE_LEN`](super::MAX_FIRMWARE_LEN).
    FirmwareLength,
    /// No table with GUIDs ends 32 bytes before the firmware's end.
    TableMissing,
    /// The table's entries do not fill it, an entry has a wrong length, or there are two of one kind.
    TableEncoding,
    /// The table has no entry for SEV metadata.
    MetadataMissing,
    /// The SEV metadata is outside of the firmware, of another version, or its length does not fit its number of sections.
    MetadataEncoding,
    /// The SEV metadata has more than [`MAX_SECTIONS`](super::MAX_SECTIONS) sections or [`MAX_SECTION_PAGES`](super::MAX_SECTION_PAGES)
    /// pages.
    TooManySections,
    /// A section is of an unknown kind.
    SectionKind(u32),
    /// A section does not consist of whole pages below 4 GiB, or of more than the one page that its kind has.
    SectionRange,
    /// A kernel is given and the firmware has no place for its hashes.
    DirectBootUnsupported,
    /// The place for the hash table is too small or not in the page for it.
    HashTablePlace,
    /// There are several virtual processors and the firmware does not say where those but the first start.
    FurtherVcpusUnsupported,
}

impl Error {
    /// What was found, what is wanted, and what to do.
    fn explanation(self) -> (&'static str, &'static str, &'static str) {
        const IMAGE: &str = "give the whole image that the guest is started from, as it was built";
        const BUILD: &str = "build the firmware from a release of EDK2 that supports SEV-SNP";
        const DIRECT: &str = "use a firmware that is built for it (EDK2's OvmfPkg/AmdSev), or give no kernel";
        match self {
            Self::GuestFeatures => {
                ("bit 0 of the guest features is zero", "one: SNP is active", "take the features from the host's configuration")
            }
            Self::VcpuCount => ("no virtual processor, or too many", "1 to 4096", "give the number that the guest is started with"),
            Self::FirmwareLength => ("the firmware has another length", "whole pages of 4096 bytes, at most 16 MiB", IMAGE),
            Self::TableMissing => ("no table of GUIDs ends 32 bytes before the firmware's end", "the table of an OVMF image", IMAGE),
            Self::TableEncoding => ("the firmware's table of GUIDs cannot be read", "entries that fill it, each kind once", BUILD),
            Self::MetadataMissing => ("the firmware has no SEV metadata", "an entry for it in the table of GUIDs", BUILD),
            Self::MetadataEncoding => {
                ("the firmware's SEV metadata cannot be read", "version 1, inside the firmware, of fitting length", BUILD)
            }
            Self::TooManySections => ("the firmware's SEV metadata is too large", "at most 64 sections and 65536 pages", BUILD),
            Self::SectionKind(_) => {
                ("a section of the SEV metadata is of an unknown kind", "1, 2, 3, 4 or 16", "this program must learn the new kind")
            }
            Self::SectionRange => {
                ("a section of the SEV metadata has an impossible range", "whole pages below 4 GiB, one page where the kind has one", BUILD)
            }
            Self::DirectBootUnsupported => {
                ("the firmware has no place for hashes of a kernel", "a section and a table entry for them", DIRECT)
            }
            Self::HashTablePlace => {
                ("the firmware's place for the hash table is impossible", "176 bytes in the page of the section for it", DIRECT)
            }
            Self::FurtherVcpusUnsupported => {
                ("the firmware does not say where further virtual processors start", "a reset block in the table of GUIDs", BUILD)
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, wanted, duty) = self.explanation();
        match self {
            Self::SectionKind(kind) => write!(f, "{found}, {kind:#x}; wanted: {wanted}; {duty}"),
            _ => write!(f, "{found}; wanted: {wanted}; {duty}"),
        }
    }
}

impl core::error::Error for Error {}
