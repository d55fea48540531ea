//! CloudEvents 1.0 in the JSON batch format (`application/cloudevents-batch+json`): one event for each receipt, for event buses and whatever listens to them.
//!
//! `source` is the log, `id` the position, so that the two together are unique as the specification demands; `time` is the guest's clock; `subject` the keyed digest of
//! the object's name. Extension attributes say where the receipt stands: `leafhash`, `leafindex`, `treesize`, `treeroot`, `verifyat`. Not here: any transport.

use super::view::{View, fields, leaf, moment, object, op};
use serde_json::{Value, json};

/// One event for each receipt of the view.
pub fn events(view: &View<'_>) -> Vec<Value> {
    view.receipts()
        .iter()
        .map(|receipt| {
            let mut event = json!({
                "specversion": "1.0",
                "id": receipt.seq.to_string(),
                "source": view.log(),
                "type": format!("io.github.blockcloud.receipt.{}.v1", op(receipt.op)),
                "time": moment(receipt.time),
                "datacontenttype": "application/json",
                "leafhash": leaf(receipt),
                // CloudEvents' integers have 31 bits and a sign: as many as a position in our trees.
                "leafindex": receipt.seq,
                "treesize": view.size(),
                "treeroot": view.root(),
                "data": {"receipt": fields(receipt), "log": view.proof(receipt)},
            });
            if let Some(event) = event.as_object_mut() {
                event.extend(object(receipt).map(|object| ("subject".into(), object.into())));
                event.extend(view.verify_at().map(|url| ("verifyat".into(), url.into())));
            }
            event
        })
        .collect()
}
