//! W3C PROV as PROV-JSON (member submission of 24 April 2013): who did what to which object when, for provenance stores and reasoners.
//!
//! A receipt is an activity. An object is an entity; what a receipt makes of it is an entity of its own (`object/NAME/state/SEQ`, a specialisation of the object), so
//! that no entity is generated twice, as PROV-CONSTRAINTS demands. Who acted is a software agent. Where the receipt stands in the log is said in the activity's
//! attributes (`blockcloud:leafHash` and so on). Not here: inference, other serialisations.

use super::view::{View, leaf, moment, named, object, op};
use blockcloud_primitives::{Op, Receipt};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Namespace of our own attributes and types.
const VOCABULARY: &str = "blockcloud:vocabulary/v1#";

/// One document for the view.
pub fn document(view: &View<'_>) -> Value {
    let mut document = Document::default();
    for receipt in view.receipts() {
        document.add(view, receipt);
    }
    let mut parts = Map::from_iter([("prefix".into(), json!({"log": format!("{}/", view.log()), "blockcloud": VOCABULARY}))]);
    for ((part, name), value) in document.records {
        if let Some(records) = parts.entry(part).or_insert_with(|| Value::Object(Map::new())).as_object_mut() {
            records.insert(name, value);
        }
    }
    Value::Object(parts)
}

#[derive(Default)]
struct Document {
    /// By part of the document and name.
    records: BTreeMap<(&'static str, String), Value>,
    /// The last entity that a receipt of the view made of an object.
    states: BTreeMap<String, String>,
}

impl Document {
    fn put(&mut self, part: &'static str, name: &str, value: Value) {
        self.records.entry((part, name.into())).or_insert(value);
    }

    fn object(&mut self, name: &str) -> String {
        let entity = format!("log:object/{name}");
        self.put("entity", &entity, json!({"prov:type": qualified("blockcloud:Object")}));
        entity
    }

    fn add(&mut self, view: &View<'_>, receipt: &Receipt) {
        let (activity, time) = (format!("log:receipt/{}", receipt.seq), moment(receipt.time));
        let mut attributes = json!({
            "prov:startTime": time,
            "prov:endTime": time,
            "prov:type": qualified("blockcloud:Receipt"),
            "blockcloud:op": op(receipt.op),
            "blockcloud:offset": long(receipt.offset),
            "blockcloud:bytes": long(receipt.bytes),
            "blockcloud:fromSite": long(u64::from(receipt.from.site.0)),
            "blockcloud:toSite": long(u64::from(receipt.to.site.0)),
            "blockcloud:purpose": long(u64::from(receipt.purpose)),
            "blockcloud:leafHash": leaf(receipt),
            "blockcloud:leafIndex": long(receipt.seq),
            "blockcloud:treeSize": long(view.size()),
            "blockcloud:treeRoot": view.root(),
            "blockcloud:verifyWith": view.proof(receipt).get("verifyWith"),
        });
        if let Some(attributes) = attributes.as_object_mut() {
            let optional = [
                ("blockcloud:digest", named(&receipt.digest)),
                ("blockcloud:recipient", named(&receipt.to.recipient)),
                ("blockcloud:verifyAt", view.verify_at().map(str::to_owned)),
            ];
            attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
        }
        self.put("activity", &activity, attributes);
        if let Some(actor) = named(&receipt.actor) {
            let agent = format!("log:actor/{actor}");
            self.put("agent", &agent, json!({"prov:type": qualified("prov:SoftwareAgent")}));
            self.put(
                "wasAssociatedWith",
                &format!("_:association{}", receipt.seq),
                json!({"prov:activity": activity, "prov:agent": agent}),
            );
        }
        let origin = named(&receipt.derived_from).map(|name| self.object(&name));
        let Some(name) = object(receipt) else { return };
        let object = self.object(&name);
        let current = self.states.get(&name).cloned().unwrap_or_else(|| object.clone());
        let related = |entity: &str| json!({"prov:activity": activity, "prov:entity": entity, "prov:time": time});
        match receipt.op {
            Op::Read | Op::Ingest | Op::Access | Op::Send => self.put("used", &format!("_:use{}", receipt.seq), related(&current)),
            Op::Erase => self.put("wasInvalidatedBy", &format!("_:end{}", receipt.seq), related(&current)),
            Op::Write | Op::Process | Op::Store => {
                let state = format!("log:object/{name}/state/{}", receipt.seq);
                self.put("entity", &state, json!({"prov:type": qualified("blockcloud:State")}));
                self.put(
                    "specializationOf",
                    &format!("_:state{}", receipt.seq),
                    json!({"prov:specificEntity": state, "prov:generalEntity": object}),
                );
                self.put("wasGeneratedBy", &format!("_:making{}", receipt.seq), related(&state));
                if let Some(origin) = origin {
                    let derivation = json!({"prov:generatedEntity": state, "prov:usedEntity": origin, "prov:activity": activity});
                    self.put("wasDerivedFrom", &format!("_:derivation{}", receipt.seq), derivation);
                }
                self.states.insert(name, state);
            }
            Op::KeyRelease | Op::Admin | Op::Heartbeat => {}
        }
    }
}

fn qualified(name: &str) -> Value {
    json!({"$": name, "type": "prov:QUALIFIED_NAME"})
}

fn long(number: u64) -> Value {
    json!({"$": number.to_string(), "type": "xsd:unsignedLong"})
}
