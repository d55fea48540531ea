//! What a transaction did: the chain's events, read by the metadata's names.

use crate::{DispatchFailure, Error, Result, runtime::Runtime};
use blockcloud_primitives::{Balance, Digest, JobId, OfferId, SiteId};
use codec::Decode;
use subxt::{
    events::Phase,
    ext::scale_decode::visitor::{IgnoreVisitor, decode_with_visitor},
};

/// One event of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The pallet.
    pub pallet: String,
    /// The event's name.
    pub name: String,
    /// Position of the transaction that caused it, if one did.
    pub transaction: Option<u32>,
    /// Names and SCALE bytes of its fields, in order.
    pub fields: Vec<(String, Vec<u8>)>,
}

impl Event {
    /// Whether it is this event.
    pub fn is(&self, pallet: &str, name: &str) -> bool {
        self.pallet == pallet && self.name == name
    }

    /// A field by name.
    pub fn field<T: Decode>(&self, name: &str) -> Result<T> {
        let missing = || Error::NoEvent(format!("{}::{} with field {name}", self.pallet, self.name));
        let (_, bytes) = self.fields.iter().find(|(field, _)| field == name).ok_or_else(missing)?;
        T::decode(&mut &bytes[..]).map_err(|_| missing())
    }
}

/// Reads the storage item `System::Events` of a block.
pub(crate) fn decode(runtime: &Runtime, bytes: Vec<u8>) -> Result<Vec<Event>> {
    let metadata = runtime.metadata();
    let events = runtime.offline().events().from_bytes(bytes);
    let mut read = Vec::new();
    for event in events.iter() {
        let event = event.map_err(|error| Error::malformed("System::Events", error))?;
        let variant = metadata
            .pallet_by_event_index(event.pallet_index())
            .and_then(|pallet| pallet.event_variant_by_index(event.event_index()))
            .ok_or_else(|| Error::malformed("System::Events", "an event that the metadata does not know"))?;
        let mut rest = event.field_bytes();
        let mut fields = Vec::with_capacity(variant.fields.len());
        for (index, field) in variant.fields.iter().enumerate() {
            let before = rest;
            decode_with_visitor(&mut rest, field.ty.id, metadata.types(), IgnoreVisitor::new())
                .map_err(|error| Error::malformed("System::Events", error))?;
            let name = field.name.clone().unwrap_or_else(|| index.to_string());
            fields.push((name, before[..before.len() - rest.len()].to_vec()));
        }
        let transaction = match event.phase() {
            Phase::ApplyExtrinsic(index) => Some(index),
            Phase::Finalization | Phase::Initialization => None,
        };
        read.push(Event { pallet: event.pallet_name().into(), name: event.event_name().into(), transaction, fields });
    }
    Ok(read)
}

/// What became of a transaction that the chain carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The block that included it.
    pub block: Digest,
    /// Number of that block.
    pub number: u32,
    /// Position in the block.
    pub index: u32,
    /// Whether the block is final.
    pub finalised: bool,
    /// Its events.
    pub events: Vec<Event>,
}

impl Outcome {
    /// Takes a transaction's events out of those of its block, and finds out whether it was carried out.
    pub(crate) fn new(runtime: &Runtime, block: Digest, number: u32, index: u32, finalised: bool, all: Vec<Event>) -> Result<Self> {
        let events: Vec<Event> = all.into_iter().filter(|event| event.transaction == Some(index)).collect();
        for event in &events {
            // A motion or a batch reports the failure of the call inside in an event of its own.
            let failure = match (event.pallet.as_str(), event.name.as_str()) {
                ("System", "ExtrinsicFailed") => {
                    event.fields.iter().find(|(name, _)| name == "dispatch_error").map(|(_, bytes)| &bytes[..])
                }
                ("Council", "Executed" | "MemberExecuted") | ("Consortium", "Enacted") => {
                    event.fields.iter().find(|(name, _)| name == "result").and_then(|(_, bytes)| failed_result(bytes))
                }
                _ => None,
            };
            if let Some(bytes) = failure {
                return Err(Error::Dispatch(Box::new(dispatch_failure(runtime, bytes, block))));
            }
        }
        if events.iter().any(|event| event.is("System", "ExtrinsicSuccess")) {
            Ok(Self { block, number, index, finalised, events })
        } else {
            Err(Error::NoEvent("System::ExtrinsicSuccess".into()))
        }
    }

    /// The first event of this name.
    pub fn event(&self, pallet: &str, name: &str) -> Result<&Event> {
        let missing = || Error::NoEvent(format!("{pallet}::{name}"));
        self.events.iter().find(|event| event.is(pallet, name)).ok_or_else(missing)
    }

    /// The job that was placed.
    pub fn job(&self) -> Result<JobId> {
        self.event("Jobs", "Placed")?.field("job")
    }

    /// The offer that was published.
    pub fn offer(&self) -> Result<OfferId> {
        self.event("Offers", "Published")?.field("offer")
    }

    /// The site that was added.
    pub fn site(&self) -> Result<SiteId> {
        self.event("Offers", "SiteAdded")?.field("site")
    }

    /// The fee that was paid.
    pub fn fee(&self) -> Result<Balance> {
        self.event("TransactionPayment", "TransactionFeePaid")?.field("actual_fee")
    }
}

/// The error inside an encoded `Result<(), DispatchError>`, if it is one.
fn failed_result(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.split_first() {
        Some((1, error)) => Some(error),
        _ => None,
    }
}

/// Names a dispatch error and takes its documentation from the metadata.
fn dispatch_failure(runtime: &Runtime, bytes: &[u8], block: Digest) -> DispatchFailure {
    let other = |text: String| DispatchFailure { pallet: "System".into(), name: text.clone(), docs: text, block };
    match subxt::error::DispatchError::decode_from(bytes, runtime.arc_metadata()) {
        Ok(subxt::error::DispatchError::Module(error)) => match error.details() {
            Ok(details) => DispatchFailure {
                pallet: details.pallet.name().into(),
                name: details.variant.name.clone(),
                docs: details.variant.docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
                block,
            },
            Err(_) => other(error.details_string()),
        },
        Ok(error) => other(error.to_string()),
        Err(error) => other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    fn placed() -> Event {
        Event {
            pallet: "Jobs".into(),
            name: "Placed".into(),
            transaction: Some(1),
            fields: vec![("job".into(), JobId(7).encode()), ("offer".into(), OfferId(3).encode())],
        }
    }

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(placed().field::<JobId>("job").unwrap(), JobId(7));
        assert_eq!(placed().field::<OfferId>("offer").unwrap(), OfferId(3));
        assert!(matches!(placed().field::<JobId>("customer"), Err(Error::NoEvent(_))));
        assert!(matches!(placed().field::<[u8; 64]>("job"), Err(Error::NoEvent(_))));
    }

    #[test]
    fn an_outcome_names_what_was_created() {
        let outcome = Outcome { block: Digest::ZERO, number: 9, index: 1, finalised: true, events: vec![placed()] };
        assert_eq!(outcome.job().unwrap(), JobId(7));
        assert!(matches!(outcome.site(), Err(Error::NoEvent(_))));
    }

    #[test]
    fn a_result_is_a_failure_only_when_it_is_an_error() {
        assert_eq!(failed_result(&[0]), None);
        assert_eq!(failed_result(&[1, 6]), Some(&[6u8][..]));
        assert_eq!(failed_result(&[]), None);
    }
}
