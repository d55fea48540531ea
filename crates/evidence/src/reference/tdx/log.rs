//! The event log of a confidential guest (CCEL): the crypto-agile log of PFP, section 10, over the measurement registers of UEFI, section
//! 38, taken apart and replayed. A log says of itself what it likes; only the registers of a quote make it true.

use crate::reference::tdx::{
    Error, Event, EventType, MAX_LOG_LEN,
    event::{DigestLengths, Reader},
};
use sha2::{Digest, Sha384};

/// An event log, replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog<'a> {
    /// The events in their order, without the head.
    pub events: Vec<Event<'a>>,
    /// What the run-time measurements are if exactly these events happened.
    pub rtmr: [[u8; 48]; 4],
}

impl<'a> EventLog<'a> {
    /// Takes a log apart, as the guest's kernel gives it (`/sys/firmware/acpi/tables/data/CCEL`), and replays it.
    ///
    /// What the firmware left unused at the end, ones or zeros only, is passed over.
    ///
    /// # Errors
    /// All but [`Error::Register`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_LOG_LEN {
            return Err(Error::LogLength);
        }
        let mut reader = Reader(bytes);
        let lengths = read_head(&mut reader)?;
        let mut log = Self { events: Vec::new(), rtmr: [[0; 48]; 4] };
        while ![0, 0xff].iter().any(|unused| reader.0.iter().all(|byte| byte == unused)) {
            let event = Event::read(&mut reader, &lengths, log.events.len())?;
            if let Some(register) = event.register.and_then(|register| log.rtmr.get_mut(usize::from(register))) {
                *register = Sha384::new().chain_update(*register).chain_update(event.digest).finalize().into();
            }
            log.events.push(event);
        }
        Ok(log)
    }

    /// Holds the log against the run-time measurements of verified evidence ([`Claims::rtmr`](crate::tdx::Claims::rtmr)). Then these events
    /// happened, these only, and in this order for each register.
    ///
    /// The registers are compared in their order. The last is the guest's own to extend at run time, where firmware does not see it:
    /// whoever does not want it compared takes [`Error::Register`] with 3 for agreement of the others.
    ///
    /// # Errors
    /// [`Error::Register`] with the first register that differs.
    pub fn check(&self, rtmr: &[[u8; 48]; 4]) -> Result<(), Error> {
        let differs = |((_, replayed), claimed): &((u8, &[u8; 48]), &[u8; 48])| replayed != claimed;
        (0..).zip(&self.rtmr).zip(rtmr).find(differs).map_or(Ok(()), |((register, _), _)| Err(Error::Register(register)))
    }
}

/// Reads the head, which says which digests the events have.
fn read_head(reader: &mut Reader<'_>) -> Result<DigestLengths, Error> {
    let mut content = head_content(reader).ok_or(Error::Head)?;
    let lengths = DigestLengths::read(&mut content)?;
    let vendor_len: [u8; 1] = content.array().ok_or(Error::Head)?;
    if content.0.len() == usize::from(u8::from_le_bytes(vendor_len)) { Ok(lengths) } else { Err(Error::Head) }
}

/// What the head says from its algorithms on. It is an event in the form of the older log (PFP, section 10.2.1) with fixed content (PFP,
/// section 10.4.5.1).
fn head_content<'a>(reader: &mut Reader<'a>) -> Option<Reader<'a>> {
    let (_register, event_type) = (reader.u32()?, EventType(reader.u32()?));
    let _digest: [u8; 20] = reader.array()?;
    let length = reader.u32()?;
    let mut content = Reader(reader.bytes(length)?);
    let signature: [u8; 16] = content.array()?;
    // Class of the platform, version of the specification, size of numbers.
    let _: [u8; 8] = content.array()?;
    (event_type == EventType::NO_ACTION && signature == *b"Spec ID Event03\0").then_some(content)
}
