//! An event of a log: what was measured into which register.

use crate::reference::tdx::{Error, EventType};
use sha2::{Digest, Sha384};

/// Something that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its number in the log, from zero.
    pub index: usize,
    /// Number of the run-time measurement that it went into; none for an event that only informs.
    pub register: Option<u8>,
    /// What kind of event it is.
    pub event_type: EventType,
    /// SHA-384 of what was measured.
    pub digest: [u8; 48],
    /// What the log says about it. No register covers this unless [`Self::is_covered`].
    pub data: &'a [u8],
}

impl<'a> Event<'a> {
    /// Reads an event (PFP, section 10.2.2).
    pub(super) fn read(reader: &mut Reader<'a>, lengths: &DigestLengths, index: usize) -> Result<Self, Error> {
        let truncated = Error::Truncated { event: index };
        let register = reader.u32().ok_or(truncated)?;
        let event_type = EventType(reader.u32().ok_or(truncated)?);
        let count = reader.u32().ok_or(truncated)?;
        if usize::try_from(count) != Ok(lengths.0.len()) {
            return Err(Error::DigestCount { event: index });
        }
        let mut sha384 = None;
        for _ in 0..count {
            let algorithm = reader.u16().ok_or(truncated)?;
            let length = lengths.of(algorithm).ok_or(Error::AlgorithmUnknown { event: index, algorithm })?;
            let digest = reader.bytes(length.into()).ok_or(truncated)?;
            if algorithm == DigestLengths::SHA384 && sha384.replace(digest).is_some() {
                return Err(Error::DigestCount { event: index });
            }
        }
        let digest = sha384.and_then(|digest| digest.try_into().ok()).ok_or(Error::DigestCount { event: index })?;
        let length = reader.u32().ok_or(truncated)?;
        let data = reader.bytes(length).ok_or(truncated)?;
        let register = match (event_type, register) {
            (EventType::NO_ACTION, _) => None,
            (_, 1) => Some(0),
            (_, 2) => Some(1),
            (_, 3) => Some(2),
            (_, 4) => Some(3),
            (_, register) => return Err(Error::RegisterRange { event: index, register }),
        };
        Ok(Self { index, register, event_type, digest, data })
    }

    /// Whether the digest is that of the data, so that the register covers what the log says, and not only what was measured. It is for
    /// separators, actions and most of the firmware's variables. Of files, and of what a boot loader did, the data are the log's word only.
    pub fn is_covered(&self) -> bool {
        <[u8; 48]>::from(Sha384::digest(self.data)) == self.digest
    }

    /// What the log says in words: a text, or the name of the variable or table. Nothing where there are none, or where they hold control
    /// characters other than tabs and ends of lines.
    pub fn description(&self) -> Option<String> {
        let mut reader = Reader(self.data);
        if self.event_type.is_of_variable() {
            // GUID, length of the name in characters of 16 bits, length of the value; the name; the value.
            let _: [u8; 16] = reader.array()?;
            let (name_len, _value_len) = (u64::from_le_bytes(reader.array()?), reader.array::<8>()?);
            let name = reader.bytes(u32::try_from(name_len.checked_mul(2)?).ok()?)?;
            let (characters, _) = name.as_chunks();
            return printable(&String::from_utf16(&characters.iter().copied().map(u16::from_le_bytes).collect::<Vec<_>>()).ok()?);
        }
        let text = if self.event_type.has_counted_name() {
            let length: [u8; 1] = reader.array()?;
            reader.bytes(u8::from_le_bytes(length).into())?
        } else {
            self.data
        };
        printable(str::from_utf8(text).ok()?)
    }
}

/// A text without the zeros at its end, if it can be shown.
fn printable(text: &str) -> Option<String> {
    let text = text.trim_end_matches('\0');
    let shown = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    (!text.is_empty() && text.chars().all(shown)).then(|| text.to_owned())
}

/// Lengths of the digests that each event has, by the number of the algorithm (TCG's *Algorithm Registry*).
pub(super) struct DigestLengths(Vec<(u16, u16)>);

impl DigestLengths {
    const SHA384: u16 = 0x000c;
    const SHA384_LEN: u16 = 48;
    /// Most algorithms. The registry has eight hashes.
    const MOST: u32 = 8;

    pub(super) fn read(content: &mut Reader<'_>) -> Result<Self, Error> {
        let count = content.u32().ok_or(Error::Head)?;
        if count > Self::MOST {
            return Err(Error::Algorithms);
        }
        let mut lengths = Self(Vec::new());
        for _ in 0..count {
            let (algorithm, length) = content.u16().zip(content.u16()).ok_or(Error::Head)?;
            if lengths.of(algorithm).is_some() {
                return Err(Error::Algorithms);
            }
            lengths.0.push((algorithm, length));
        }
        if lengths.of(Self::SHA384) == Some(Self::SHA384_LEN) { Ok(lengths) } else { Err(Error::Algorithms) }
    }

    fn of(&self, algorithm: u16) -> Option<u16> {
        self.0.iter().find(|(other, _)| *other == algorithm).map(|(_, length)| *length)
    }
}

/// What is left to read. Numbers are little-endian.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn bytes(&mut self, length: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
}
