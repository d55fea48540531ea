//! Views say where each receipt stands, in the words of their formats, and show nothing that is not in the log.

use super::*;
use crate::formats::{cloudevents, ocsf, openlineage, prov};
use blockcloud_primitives::{Party, SiteId};

const GENESIS: Digest = Digest([3; 32]);
const JOB: JobId = JobId(5);
const OPS: [Op; 11] =
    [Op::KeyRelease, Op::Ingest, Op::Access, Op::Read, Op::Write, Op::Process, Op::Send, Op::Store, Op::Heartbeat, Op::Admin, Op::Erase];

/// A job with one receipt of each operation.
pub fn receipts() -> Vec<Receipt> {
    let about = |seq: u64, op: Op| {
        let object = !matches!(op, Op::KeyRelease | Op::Heartbeat | Op::Admin);
        Receipt {
            version: Receipt::VERSION,
            job: JOB,
            seq,
            time: 1_800_000_000_123 + seq,
            op,
            object: if object { Digest([1; 32]) } else { Digest::ZERO },
            offset: 0,
            bytes: 10 * seq,
            digest: if object { Digest([2; 32]) } else { Digest::ZERO },
            actor: Digest([4; 32]),
            from: Party::site(SiteId(1)),
            to: Party::GUEST,
            derived_from: if matches!(op, Op::Process | Op::Store) { Digest([6; 32]) } else { Digest::ZERO },
            purpose: 0,
            salt: [7; 16],
        }
    };
    (0..).zip(OPS).map(|(seq, op)| about(seq, op)).collect()
}

fn tree(receipts: &[Receipt]) -> Tree {
    receipts.iter().map(receipt_hash).collect()
}

fn view(receipts: &[Receipt], standing: Standing) -> View<'_> {
    let tree = tree(receipts);
    View::new(GENESIS, JOB, &tree, tree.size(), standing, Some("https://audit.example.com/job-5.json".into()), receipts).unwrap()
}

/// Whether a text stands anywhere in a value.
fn holds(value: &Value, text: &str) -> bool {
    value.to_string().contains(text)
}

mod new {
    use super::*;

    fn made(change: impl FnOnce(&mut Vec<Receipt>)) -> Option<ViewError> {
        let mut changed = receipts();
        change(&mut changed);
        View::new(GENESIS, JOB, &tree(&receipts()), 11, Standing::Running, None, &changed).err()
    }

    #[test]
    fn takes_a_stretch_of_the_log() {
        assert_eq!(made(|_| ()), None);
        assert_eq!(made(|receipts| drop(receipts.drain(..3))), None);
        assert_eq!(made(Vec::clear), None);
    }

    #[test]
    fn fails_for_receipts_that_are_not_in_the_log() {
        assert_eq!(made(|receipts| receipts[3].bytes += 1), Some(ViewError::NotInLog { seq: 3 }));
        assert_eq!(made(|receipts| receipts[3].salt[0] ^= 1), Some(ViewError::NotInLog { seq: 3 }));
        assert_eq!(made(|receipts| receipts[3].job = JobId(6)), Some(ViewError::OtherJob { seq: 3, found: JobId(6), expected: JOB }));
        assert_eq!(made(|receipts| receipts.retain(|receipt| receipt.seq != 3)), Some(ViewError::Gap { seq: 4 }));
        assert_eq!(made(|receipts| receipts.swap(3, 4)), Some(ViewError::Gap { seq: 4 }));
        let (receipts, tree) = (receipts(), tree(&receipts()));
        let cut = View::new(GENESIS, JOB, &tree, 10, Standing::Running, None, &receipts).err();
        assert_eq!(cut, Some(ViewError::NotInLog { seq: 10 }));
        let beyond = View::new(GENESIS, JOB, &tree, 12, Standing::Running, None, &receipts).err();
        assert_eq!(beyond, Some(TreeError::SizeBeyondEnd { asked: 12, size: 11 }.into()));
        let large = View::new(GENESIS, JOB, &tree, 1 << 31, Standing::Running, None, &receipts).err();
        assert_eq!(large, Some(ViewError::TooLarge { size: 1 << 31 }));
    }

    #[test]
    fn fails_for_a_time_that_is_no_date() {
        let late = vec![Receipt { time: u64::MAX, seq: 0, ..receipts()[0] }];
        let made = View::new(GENESIS, JOB, &tree(&late), 1, Standing::Running, None, &late).err();
        assert_eq!(made, Some(ViewError::Time { seq: 0 }));
    }
}

#[test]
fn every_view_says_where_every_receipt_stands() {
    let receipts = receipts();
    let view = view(&receipts, Standing::Completed);
    let root = hexadecimal(&tree(&receipts).root());
    for events in [cloudevents::events(&view), openlineage::events(&view), ocsf::events(&view)] {
        assert_eq!(events.len(), receipts.len());
        for (event, receipt) in events.iter().zip(&receipts) {
            let leaf = hexadecimal(&receipt_hash(receipt));
            for said in
                [leaf.as_str(), &root, "\"treeSize\":11", &format!("\"leafIndex\":{}", receipt.seq), "audit.example.com", "receipt prove 5"]
            {
                assert!(holds(event, said), "{said}: {event:#}");
            }
        }
    }
    let document = prov::document(&view);
    for receipt in &receipts {
        let activity = &document["activity"][format!("log:receipt/{}", receipt.seq)];
        assert_eq!(activity["blockcloud:leafHash"], hexadecimal(&receipt_hash(receipt)));
        assert_eq!(activity["blockcloud:treeRoot"], root);
        assert_eq!(activity["blockcloud:treeSize"]["$"], "11");
        assert_eq!(activity["blockcloud:leafIndex"]["$"], receipt.seq.to_string());
        assert_eq!(activity["blockcloud:verifyAt"], "https://audit.example.com/job-5.json");
    }
}

#[test]
fn no_view_gives_the_salt_away() {
    let receipts = receipts();
    let view = view(&receipts, Standing::Completed);
    let all = [cloudevents::events(&view), openlineage::events(&view), ocsf::events(&view), vec![prov::document(&view)]].concat();
    assert!(all.iter().all(|shown| !holds(shown, "salt") && !holds(shown, "7,7,7,7") && !holds(shown, &"07".repeat(16))));
    let mut whole = serde_json::to_value(receipts[3]).unwrap();
    whole.as_object_mut().unwrap().remove("salt");
    assert_eq!(fields(&receipts[3]), whole);
}

#[test]
fn operations_are_called_as_in_receipts() {
    for receipt in receipts() {
        assert_eq!(serde_json::to_value(receipt.op).unwrap(), op(receipt.op));
    }
}

#[test]
fn moments_are_dates() {
    assert_eq!(moment(1_800_000_000_123).unwrap(), "2027-01-15T08:00:00.123Z");
    assert_eq!(moment(0).unwrap(), "1970-01-01T00:00:00Z");
    assert_eq!(moment(253_402_300_800_000), None);
}

#[test]
fn cloud_events_have_what_the_specification_demands() {
    let receipts = receipts();
    let events = cloudevents::events(&view(&receipts, Standing::Running));
    let event = &events[3];
    assert_eq!(
        (&event["specversion"], &event["id"], &event["type"]),
        (&"1.0".into(), &"3".into(), &"io.github.blockcloud.receipt.read.v1".into())
    );
    assert_eq!(event["source"], format!("blockcloud:{}/job/5", "03".repeat(32)));
    assert_eq!((&event["time"], &event["subject"]), (&"2027-01-15T08:00:00.126Z".into(), &"01".repeat(32).into()));
    // Names of attributes are lower-case letters and digits.
    let name = |name: &String| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    assert!(event.as_object().unwrap().keys().all(name));
    assert_eq!(events[0].get("subject"), None);
}

#[test]
fn a_run_starts_once_and_ends_as_its_job_did() {
    let receipts = receipts();
    for (standing, end) in
        [(Standing::Running, "RUNNING"), (Standing::Completed, "COMPLETE"), (Standing::Failed, "FAIL"), (Standing::Aborted, "ABORT")]
    {
        let events = openlineage::events(&view(&receipts, standing));
        let kinds: Vec<_> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], kinds[10]), ("START", end));
        assert!(kinds[1..10].iter().all(|kind| *kind == "RUNNING"));
        assert!(events.iter().all(|event| event["run"]["runId"] == events[0]["run"]["runId"]));
    }
    let id = openlineage::events(&view(&receipts, Standing::Running))[0]["run"]["runId"].as_str().unwrap().to_owned();
    // Version 8 of RFC 9562's variant.
    assert_eq!((id.len(), &id[14..15], ["8", "9", "a", "b"].contains(&&id[19..20])), (36, "8", true));
}

#[test]
fn lineage_goes_from_inputs_to_outputs() {
    let receipts = receipts();
    let events = openlineage::events(&view(&receipts, Standing::Running));
    let names = |event: &Value, side: &str| -> Vec<String> {
        event[side].as_array().unwrap().iter().map(|dataset| dataset["name"].as_str().unwrap()[..2].to_owned()).collect()
    };
    for (event, receipt) in events.iter().zip(&receipts) {
        let (inputs, outputs) = (names(event, "inputs"), names(event, "outputs"));
        let expected: (&[&str], &[&str]) = match receipt.op {
            Op::Ingest | Op::Access | Op::Read | Op::Send => (&["01"], &[]),
            Op::Write => (&[], &["01"]),
            Op::Process | Op::Store => (&["06"], &["01"]),
            _ => (&[], &[]),
        };
        assert_eq!((inputs.as_slice(), outputs.as_slice()), (&expected.0.map_owned()[..], &expected.1.map_owned()[..]), "{:?}", receipt.op);
    }
    assert_eq!(events[5]["outputs"][0]["facets"]["version"]["datasetVersion"], "02".repeat(32));
    // A read is of a range: its digest is no version of the object.
    assert_eq!(events[3]["inputs"][0].get("facets"), None);
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn no_entity_is_generated_twice() {
    let receipts = receipts();
    let document = prov::document(&view(&receipts, Standing::Completed));
    let generations = document["wasGeneratedBy"].as_object().unwrap();
    assert_eq!(generations.len(), 3);
    let entities: std::collections::BTreeSet<_> = generations.values().map(|made| made["prov:entity"].as_str().unwrap()).collect();
    assert_eq!(entities.len(), 3);
    // Every name that a relation uses is declared.
    for (relation, part) in ["used", "wasGeneratedBy", "wasInvalidatedBy", "wasDerivedFrom", "specializationOf", "wasAssociatedWith"]
        .iter()
        .flat_map(|relation| document[relation].as_object().unwrap().values().map(move |value| (relation, value)))
    {
        for (role, name) in part.as_object().unwrap().iter().filter(|(role, _)| *role != "prov:time") {
            let kind = match role.as_str() {
                "prov:activity" => "activity",
                "prov:agent" => "agent",
                _ => "entity",
            };
            assert!(document[kind].get(name.as_str().unwrap()).is_some(), "{relation} {role} {name}");
        }
    }
    assert_eq!(document["wasDerivedFrom"].as_object().unwrap().len(), 2);
    // What is read after a write is what the write made.
    assert_eq!(document["used"]["_:use6"]["prov:entity"], format!("log:object/{}/state/5", "01".repeat(32)));
}

#[test]
fn security_events_are_of_files_or_of_calls() {
    let receipts = receipts();
    let events = ocsf::events(&view(&receipts, Standing::Completed));
    let expected =
        [(6003, 99), (1001, 1), (1001, 99), (1001, 2), (1001, 3), (6003, 99), (6003, 99), (1001, 1), (6003, 99), (6003, 99), (1001, 4)];
    for (event, (class, activity)) in events.iter().zip(expected) {
        assert_eq!((&event["class_uid"], &event["activity_id"]), (&class.into(), &activity.into()), "{event:#}");
        assert_eq!(event["type_uid"], class * 100 + activity);
        // What OCSF 1.5 requires of the class.
        let required: &[&str] = if class == 1001 { &["file", "device"] } else { &["api", "src_endpoint"] };
        let always = ["activity_id", "actor", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];
        assert!(required.iter().chain(&always).all(|field| event.get(field).is_some()), "{event:#}");
    }
    let everything = Receipt { object: Digest::ZERO, seq: 0, ..receipts[10] };
    let erased = ocsf::events(&view(&[everything], Standing::Completed));
    assert_eq!((&erased[0]["class_uid"], &erased[0]["activity_id"]), (&6003.into(), &4.into()));
}
