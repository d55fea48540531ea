//! What a firmware image (EDK2's OVMF) says of itself: a table of entries with GUIDs near its end, and in it the sections that the host has
//! to prepare. Not what is made of them.

use crate::reference::snp::{Error, MAX_FIRMWARE_LEN, MAX_SECTION_PAGES, MAX_SECTIONS, PAGE_LEN, boot::DirectBoot};

/// What is between the table and the firmware's end: the code at the reset vector.
const AFTER_TABLE: usize = 32;
const TABLE: [u8; 16] = guid(0x96b582de_1fb2_45f7_baea_a366c55a082d);
const SEV_METADATA: [u8; 16] = guid(0xdc886566_984a_4798_a75e_5585a7bf67cc);
const RESET_BLOCK: [u8; 16] = guid(0x00f771de_1a7e_4fcb_890e_68c77e2fb44e);
const HASH_TABLE: [u8; 16] = guid(0x7255371f_3a3b_4b04_927b_1da6efa8d454);

/// A GUID's bytes, of which the first three fields are little-endian.
pub(super) const fn guid(number: u128) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = number.to_be_bytes();
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Memory that the firmware finds zeroed.
    Memory,
    Secrets,
    Cpuid,
    /// Hashes of the kernel and what goes with it; zeroed without.
    KernelHashes,
}

/// Pages that the host prepares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) purpose: Use,
    pub(super) address: u64,
    /// The address after the last.
    pub(super) end: u64,
}

/// What a firmware image says of itself.
#[derive(Debug)]
pub(super) struct Firmware {
    /// Where it lies: it ends at 4 GiB.
    pub(super) address: u64,
    pub(super) sections: Vec<Section>,
    /// Where virtual processors but the first start.
    pub(super) further_vcpus: Option<u32>,
    /// Address and length of the place for the hash table.
    hashes: Option<(u32, u32)>,
}

impl Firmware {
    const END: u64 = 1 << 32;

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() || bytes.len() > MAX_FIRMWARE_LEN || !bytes.len().is_multiple_of(PAGE_LEN) {
            return Err(Error::FirmwareLength);
        }
        let length = u64::try_from(bytes.len()).map_err(|_| Error::FirmwareLength)?;
        let address = Self::END.checked_sub(length).ok_or(Error::FirmwareLength)?;
        let (mut rest, _) = bytes.split_last_chunk::<AFTER_TABLE>().ok_or(Error::FirmwareLength)?;
        // The table is an entry itself, with the others as its content.
        let mut table = Entry::take_last(&mut rest).filter(|entry| entry.id == TABLE).ok_or(Error::TableMissing)?.content;
        let (mut metadata, mut reset_block, mut hashes) = (None, None, None);
        while !table.is_empty() {
            let entry = Entry::take_last(&mut table).ok_or(Error::TableEncoding)?;
            let place = match entry.id {
                SEV_METADATA => &mut metadata,
                RESET_BLOCK => &mut reset_block,
                HASH_TABLE => &mut hashes,
                _ => continue,
            };
            // Hosts differ in which of two they read.
            if place.replace(entry.content).is_some() {
                return Err(Error::TableEncoding);
            }
        }
        let sections = sections(bytes, Words(metadata.ok_or(Error::MetadataMissing)?).only()?)?;
        let further_vcpus = reset_block.map(|content| Words(content).only()).transpose()?.filter(|address| *address != 0);
        let hashes = hashes.map(|content| Words(content).both()).transpose()?.filter(|(address, _)| *address != 0);
        Ok(Self { address, sections, further_vcpus, hashes })
    }

    /// Where in a section's page the hash table lies.
    pub(super) fn hashes_in(&self, section: &Section) -> Result<usize, Error> {
        let (address, length) = self.hashes.ok_or(Error::DirectBootUnsupported)?;
        let offset = u64::from(address).checked_sub(section.address).and_then(|offset| usize::try_from(offset).ok());
        let offset = offset.filter(|offset| offset.saturating_add(DirectBoot::TABLE_LEN) <= PAGE_LEN).ok_or(Error::HashTablePlace)?;
        if usize::try_from(length).is_ok_and(|length| length >= DirectBoot::TABLE_LEN) { Ok(offset) } else { Err(Error::HashTablePlace) }
    }
}

/// The sections of the metadata that begins so many bytes before the firmware's end.
fn sections(firmware: &[u8], before_end: u32) -> Result<Vec<Section>, Error> {
    const MAGIC: u32 = u32::from_le_bytes(*b"ASEV");
    const VERSION: u32 = 1;
    const HEADER_LEN: usize = 16;
    const SECTION_LEN: usize = 12;
    let start = usize::try_from(before_end).ok().and_then(|before_end| firmware.len().checked_sub(before_end));
    let mut words = Words(start.and_then(|start| firmware.get(start..)).ok_or(Error::MetadataEncoding)?);
    let mut word = || words.next().ok_or(Error::MetadataEncoding);
    let [magic, length, version, count] = [word()?, word()?, word()?, word()?];
    if magic != MAGIC || version != VERSION {
        return Err(Error::MetadataEncoding);
    }
    let count = usize::try_from(count).ok().filter(|count| *count <= MAX_SECTIONS).ok_or(Error::TooManySections)?;
    if usize::try_from(length) != Ok(HEADER_LEN.saturating_add(count.saturating_mul(SECTION_LEN))) {
        return Err(Error::MetadataEncoding);
    }
    let (mut sections, mut pages) = (Vec::new(), 0u64);
    for _ in 0..count {
        let section = Section::read([word()?, word()?, word()?])?;
        pages = pages.saturating_add(section.pages());
        sections.push(section);
    }
    if pages > MAX_SECTION_PAGES { Err(Error::TooManySections) } else { Ok(sections) }
}

impl Section {
    const PAGE: u64 = 4096;

    fn read([address, length, kind]: [u32; 3]) -> Result<Self, Error> {
        let purpose = match kind {
            // 4 is a place where a service module is called, zeroed like memory.
            1 | 4 => Use::Memory,
            2 => Use::Secrets,
            3 => Use::Cpuid,
            0x10 => Use::KernelHashes,
            other => return Err(Error::SectionKind(other)),
        };
        let (address, length) = (u64::from(address), u64::from(length));
        let section = Self { purpose, address, end: address.saturating_add(length) };
        let whole = address.is_multiple_of(Self::PAGE) && length.is_multiple_of(Self::PAGE);
        let fits = length != 0 && section.end <= Firmware::END && (purpose == Use::Memory || length == Self::PAGE);
        if whole && fits { Ok(section) } else { Err(Error::SectionRange) }
    }

    fn pages(&self) -> u64 {
        self.end.saturating_sub(self.address) / Self::PAGE
    }
}

/// An entry of a table, which is read from its end: content, length of all, GUID.
struct Entry<'a> {
    id: [u8; 16],
    content: &'a [u8],
}

impl<'a> Entry<'a> {
    const HEADER_LEN: usize = 18;

    fn take_last(table: &mut &'a [u8]) -> Option<Self> {
        let (rest, id) = table.split_last_chunk()?;
        let (rest, length) = rest.split_last_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length)).checked_sub(Self::HEADER_LEN)?;
        let (rest, content) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        *table = rest;
        Some(Self { id: *id, content })
    }
}

/// Numbers of four bytes, little-endian.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }

    /// An entry's only number.
    fn only(mut self) -> Result<u32, Error> {
        self.next().filter(|_| self.0.is_empty()).ok_or(Error::TableEncoding)
    }

    /// An entry's two numbers.
    fn both(mut self) -> Result<(u32, u32), Error> {
        let (first, second) = (self.next(), self.next());
        first.zip(second).filter(|_| self.0.is_empty()).ok_or(Error::TableEncoding)
    }
}
