//! OCSF 1.5: receipts as security events, for SIEMs and data lakes.
//!
//! | operation | class | activity |
//! | --- | --- | --- |
//! | ingest, store | File System Activity (1001) | Create (1) |
//! | read | | Read (2) |
//! | write | | Update (3) |
//! | erase, of one object | | Delete (4) |
//! | access | | Other (99) |
//! | erase, of everything | API Activity (6003) | Delete (4) |
//! | process, send, key release, admin, heartbeat | | Other (99) |
//!
//! What a program does with its files is file activity, on the confidential VM as the device. What is done to the guest as a whole has no file and is a call of the
//! guest's own interface. The fields of the receipt and where it stands in the log are under `unmapped`, as OCSF wants what its schema has no attribute for. Not here:
//! findings and severities other than informational: a receipt says what happened, not whether it should have.

use super::view::{PRODUCER, View, fields, named, object, op};
use blockcloud_primitives::{Op, Receipt};
use serde_json::{Value, json};

const VERSION: &str = "1.5.0";

/// One event for each receipt of the view.
pub fn events(view: &View<'_>) -> Vec<Value> {
    view.receipts().iter().map(|receipt| event(view, receipt)).collect()
}

fn event(view: &View<'_>, receipt: &Receipt) -> Value {
    let object = object(receipt);
    let (activity, activity_name) = activity(receipt.op);
    let (class, class_name, category, category_name) = match (receipt.op, &object) {
        (Op::Ingest | Op::Store | Op::Read | Op::Write | Op::Erase | Op::Access, Some(_)) => {
            (1001_u32, "File System Activity", 1, "System Activity")
        }
        _ => (6003, "API Activity", 6, "Application Activity"),
    };
    let device = json!({"uid": view.log(), "type_id": 6, "type": "Virtual", "name": format!("job/{}", view.job())});
    let mut event = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": category,
        "category_name": category_name,
        "class_uid": class,
        "class_name": class_name,
        // OCSF defines it so; no class or activity comes near the end of the type.
        "type_uid": class.saturating_mul(100).saturating_add(activity),
        "type_name": format!("{class_name}: {activity_name}"),
        "severity_id": 1,
        "severity": "Informational",
        "status_id": 1,
        "status": "Success",
        "time": receipt.time,
        "metadata": {
            "version": VERSION,
            "uid": view.uri(receipt),
            "sequence": receipt.seq,
            "log_name": view.log(),
            "product": {"name": "BlockCloud", "vendor_name": "BlockCloud", "url_string": PRODUCER, "version": env!("CARGO_PKG_VERSION")},
        },
        "actor": {"process": {"uid": named(&receipt.actor), "name": if matches!(receipt.op, Op::Read | Op::Write | Op::Access | Op::Process) { "program" } else { "guest" }}},
        "unmapped": {"receipt": fields(receipt), "log": view.proof(receipt)},
    });
    if let Some(event) = event.as_object_mut() {
        match object {
            Some(name) if class == 1001 => {
                let mut file = json!({"name": name, "uid": name, "type_id": 1, "type": "Regular File"});
                // A program's reads and writes are of ranges, whose digests are not the file's.
                let whole = matches!(receipt.op, Op::Ingest | Op::Store).then(|| named(&receipt.digest)).flatten();
                if let (Some(digest), Some(file)) = (whole, file.as_object_mut()) {
                    let hash = json!({"algorithm_id": 99, "algorithm": "BLAKE3-256, keyed", "value": digest});
                    file.insert("hashes".into(), json!([hash]));
                }
                event.insert("file".into(), file);
                event.insert("device".into(), device);
            }
            object => {
                let api = json!({"operation": op(receipt.op), "service": {"name": "blockcloud-guest", "uid": view.log()}});
                event.insert("api".into(), api);
                event.insert("src_endpoint".into(), json!({"uid": view.log(), "name": format!("site/{}", receipt.from.site)}));
                event.insert("dst_endpoint".into(), json!({"uid": view.log(), "name": format!("site/{}", receipt.to.site)}));
                if let Some(object) = object {
                    event.insert("resources".into(), json!([{"uid": object, "type": "object"}]));
                }
            }
        }
    }
    event
}

/// Number and caption, the same in both classes where both have them.
fn activity(op: Op) -> (u32, &'static str) {
    match op {
        Op::Ingest | Op::Store => (1, "Create"),
        Op::Read => (2, "Read"),
        Op::Write => (3, "Update"),
        Op::Erase => (4, "Delete"),
        Op::Access | Op::Process | Op::Send | Op::KeyRelease | Op::Admin | Op::Heartbeat => (99, "Other"),
    }
}
