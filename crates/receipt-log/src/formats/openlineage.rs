//! OpenLineage 2-0-2: the job's run as run events, one for each receipt, for lineage catalogues (Marquez, DataHub, OpenMetadata).
//!
//! The run's id is made of chain and job (RFC 9562, version 8), so that every export of a job is about the same run. An object is a dataset named by the keyed digest of its
//! name within the log's namespace; the digest of what was handled is its version, where it is of a whole object. The first receipt starts the run; the last one ends it
//! if the job has ended; everything between is `RUNNING`. What the receipt says is in the run facet `blockcloud_receipt`. Not here: sending events anywhere.

use super::view::{PRODUCER, Standing, View, fields, moment, named};
use blockcloud_primitives::{Digest, Op, Receipt};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const RUN_FACET: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet";
const VERSION_FACET: &str = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";

/// One run event for each receipt of the view.
pub fn events(view: &View<'_>) -> Vec<Value> {
    let run = run_id(view);
    view.receipts()
        .iter()
        .map(|receipt| {
            let (inputs, outputs) = datasets(view, receipt);
            let mut facet = Map::from_iter([("_producer".into(), PRODUCER.into()), ("_schemaURL".into(), RUN_FACET.into())]);
            facet.insert("receipt".into(), fields(receipt));
            facet.insert("log".into(), view.proof(receipt));
            json!({
                "eventType": kind(view, receipt),
                "eventTime": moment(receipt.time),
                "producer": PRODUCER,
                "schemaURL": EVENT,
                "run": {"runId": run, "facets": {"blockcloud_receipt": facet}},
                "job": {"namespace": format!("blockcloud:{}", super::hexadecimal(&view.genesis().0)), "name": format!("job/{}", view.job())},
                "inputs": inputs,
                "outputs": outputs,
            })
        })
        .collect()
}

fn run_id(view: &View<'_>) -> String {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = <[u8; 32]>::from(Sha256::digest(view.log()));
    uuid::Builder::from_custom_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]).into_uuid().hyphenated().to_string()
}

fn kind(view: &View<'_>, receipt: &Receipt) -> &'static str {
    match view.end(receipt) {
        Some(Standing::Completed) => "COMPLETE",
        Some(Standing::Failed) => "FAIL",
        Some(Standing::Aborted) => "ABORT",
        Some(Standing::Running) | None if receipt.seq == 0 => "START",
        Some(Standing::Running) | None => "RUNNING",
    }
}

/// What the receipt's handling took and what it made.
fn datasets(view: &View<'_>, receipt: &Receipt) -> (Vec<Value>, Vec<Value>) {
    let object = || dataset(view, &receipt.object, whole(receipt).then_some(&receipt.digest));
    let origin = || dataset(view, &receipt.derived_from, None);
    let (inputs, outputs) = match receipt.op {
        Op::Ingest | Op::Read | Op::Access | Op::Send => (object(), None),
        Op::Write => (None, object()),
        Op::Process | Op::Store => (origin(), object()),
        Op::KeyRelease | Op::Erase | Op::Admin | Op::Heartbeat => (None, None),
    };
    (inputs.into_iter().collect(), outputs.into_iter().collect())
}

/// Whether the receipt's digest is that of a whole object: a program's reads and writes are of ranges.
fn whole(receipt: &Receipt) -> bool {
    matches!(receipt.op, Op::Ingest | Op::Process | Op::Store)
}

fn dataset(view: &View<'_>, name: &Digest, version: Option<&Digest>) -> Option<Value> {
    let mut dataset = json!({"namespace": view.log(), "name": named(name)?});
    if let (Some(version), Some(dataset)) = (version.and_then(named), dataset.as_object_mut()) {
        let facet = json!({"_producer": PRODUCER, "_schemaURL": VERSION_FACET, "datasetVersion": version});
        dataset.insert("facets".into(), json!({"version": facet}));
    }
    Some(dataset)
}
