//! What others' programs say of our roots, proofs, receipts, notes and views, good and bad. Skipped loudly where they cannot be installed.

use crate::{
    python::{programs, script},
    record::{Record, SIZE},
};
use blockcloud_client::{Scheme, Signer as Account};
use blockcloud_receipt_log::{
    Tree,
    formats::{
        PublicKey, Signer,
        cose::{self, Claims, CoseError, HeadSeen},
        note,
    },
    leaf_hash, node_hash, receipt_bytes,
};
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};
use std::fs;

/// An ed25519 key.
struct Ed25519(Account);

impl Signer for Ed25519 {
    fn public(&self) -> PublicKey {
        PublicKey::from_ed25519(&self.0.account().0).unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

fn ed25519(seed: u8) -> Ed25519 {
    Ed25519(Account::from_seed(Scheme::Ed25519, [seed; 32]).unwrap())
}

fn signers() -> [Box<dyn Signer>; 2] {
    [Box::new(ed25519(7)), Box::new(SigningKey::from_slice(&[7; 32]).unwrap())]
}

fn claims() -> Claims {
    Claims {
        issuer: "audit.example.com".into(),
        subject: "blockcloud:00/job/5/receipt/3".into(),
        issued_at: 1_800_000_000,
        head_seen: HeadSeen::Chain,
    }
}

fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|index| format!("entry {index}").into_bytes()).collect()
}

fn tree(entries: &[Vec<u8>]) -> Tree {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

/// A receipt with its entry, as it is given to scitt-cose, and what has to come of it.
fn case(what: &str, receipt: &[u8], entry: &[u8], key: &PublicKey, believed: bool) -> Value {
    json!({"what": what, "receipt": hex::encode(receipt), "entry": hex::encode(entry), "key": key.to_pem().unwrap(), "believed": believed})
}

/// What scitt-cose and we say of these cases has to be what they expect.
fn judge(cases: Vec<Value>) {
    for case in &cases {
        let bytes = |field: &str| hex::decode(case[field].as_str().unwrap()).unwrap();
        let key = PublicKey::from_pem(case["key"].as_str().unwrap().as_bytes()).unwrap();
        let ours = cose::verify_inclusion(&bytes("receipt"), &bytes("entry"), &key);
        assert_eq!(Value::from(ours.is_ok()), case["believed"], "{}: {ours:?}", case["what"]);
    }
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.json"), serde_json::to_vec(&cases).unwrap()).unwrap();
    const JUDGE: &str = r#"
import json, sys
from scitt_cose import verify_receipt
wrong = []
cases = json.load(open("cases.json"))
for case in cases:
    result = verify_receipt(bytes.fromhex(case["receipt"]), leaf_entry_hex=case["entry"], log_public_key_pem=case["key"])
    if result.ok != case["believed"]:
        wrong.append((case["what"], result.ok, result.errors))
if wrong:
    sys.exit(f"scitt-cose differs in {len(wrong)} of {len(cases)}: {wrong[:5]}")
print(len(cases))
"#;
    assert_eq!(script(programs, folder.path(), JUDGE, &[]).trim(), cases.len().to_string());
}

mod scitt_cose {
    use super::*;

    #[test]
    fn accepts_good_receipts() {
        let mut cases = Vec::new();
        for signer in signers() {
            for size in [1, 2, 3, 5, 8, 13] {
                let entries = entries(size);
                for (index, entry) in (0..size).zip(&entries) {
                    let receipt = cose::inclusion(&*signer, &claims(), &tree(&entries), index, size).unwrap();
                    cases.push(case(&format!("leaf {index} of {size}"), &receipt, entry, &signer.public(), true));
                }
            }
        }
        judge(cases);
    }

    #[test]
    fn refuses_receipts_in_which_a_byte_was_changed() {
        let (entries, mut cases) = (entries(SIZE), Vec::new());
        for signer in signers() {
            let good = cose::inclusion(&*signer, &claims(), &tree(&entries), 3, SIZE).unwrap();
            // The size in the proof is not signed by RFC 9942, and leaf 3 has the same path in other trees: scitt-cose cannot see it. We do.
            let size = good.windows(4).position(|bytes| bytes == [0x83, 13, 3, 0x84]).unwrap() + 1;
            for position in (0..good.len()).filter(|position| *position != size) {
                let mut bad = good.clone();
                bad[position] ^= 1;
                cases.push(case(&format!("byte {position}"), &bad, &entries[3], &signer.public(), false));
            }
            let mut bad = good;
            bad[size] = 12;
            assert_eq!(cose::verify_inclusion(&bad, &entries[3], &signer.public()), Err(CoseError::SizeMismatch));
        }
        judge(cases);
    }

    #[test]
    fn refuses_receipts_that_were_cut_or_lengthened_and_other_keys() {
        let (entries, signer, mut cases) = (entries(SIZE), ed25519(7), Vec::new());
        let good = cose::inclusion(&signer, &claims(), &tree(&entries), 3, SIZE).unwrap();
        for length in 0..good.len() {
            cases.push(case(&format!("cut to {length}"), &good[..length], &entries[3], &signer.public(), false));
        }
        cases.push(case("one byte more", &[&good[..], &[0]].concat(), &entries[3], &signer.public(), false));
        for other in [ed25519(8).public(), signers()[1].public()] {
            cases.push(case("another key", &good, &entries[3], &other, false));
        }
        judge(cases);
    }

    #[test]
    fn refuses_other_members_of_the_log() {
        let (entries, signer, mut cases) = (entries(SIZE), ed25519(7), Vec::new());
        for index in 0..SIZE {
            let receipt = cose::inclusion(&signer, &claims(), &tree(&entries), index, SIZE).unwrap();
            for (other, entry) in (0..SIZE).zip(&entries) {
                cases.push(case(&format!("receipt {index} for entry {other}"), &receipt, entry, &signer.public(), index == other));
            }
        }
        // A node of the tree, passed off as an entry.
        let node = node_hash(&leaf_hash(&entries[0]), &leaf_hash(&entries[1]));
        let receipt = cose::inclusion(&signer, &claims(), &tree(&entries), 0, SIZE).unwrap();
        cases.push(case("a node", &receipt, &node, &signer.public(), false));
        cases.push(case("two leaves", &receipt, &[leaf_hash(&entries[0]), leaf_hash(&entries[1])].concat(), &signer.public(), false));
        judge(cases);
    }

    #[test]
    fn refuses_an_empty_slot_in_the_place_of_a_checkpoint_and_a_checkpoint_in_an_empty_slot() {
        // Slots of a round: a checkpoint, or nothing, whose leaf is the hash of the empty entry.
        let slots: Vec<Vec<u8>> =
            (0..8).map(|slot| if slot % 3 == 0 { format!("checkpoint {slot}").into_bytes() } else { Vec::new() }).collect();
        let (signer, tree, mut cases) = (ed25519(7), tree(&slots), Vec::new());
        for (index, slot) in (0..).zip(&slots) {
            let receipt = cose::inclusion(&signer, &claims(), &tree, index, 8).unwrap();
            cases.push(case(&format!("slot {index}"), &receipt, slot, &signer.public(), true));
            let other: &[u8] = if slot.is_empty() { b"checkpoint 0" } else { b"" };
            cases.push(case(&format!("slot {index} as the other kind"), &receipt, other, &signer.public(), false));
        }
        judge(cases);
    }

    #[test]
    fn accepts_statements_of_the_program_and_refuses_changed_ones() {
        let Some(programs) = programs() else { return };
        let record = Record::new();
        fs::write(record.path("exporter.pem"), record.run(&["key", "public", "ed25519://Exporter"]).ok().stdout).unwrap();
        record.signed(&["--format", "cose", "--index", "3", "--to", "3.cose"]).ok();
        fs::write(record.path("entry"), receipt_bytes(&record.receipts[3])).unwrap();
        const STATEMENT: &str = r#"
from scitt_cose import CoseError, extract_receipts, parse_signed_statement, verify_receipt
key, statement = open("exporter.pem").read(), open("3.cose", "rb").read()
parsed = parse_signed_statement(statement, public_key_pem=key)
assert parsed["signature_verified"] is True and parsed["issuer"] == "audit.example.com", parsed
assert parsed["payload"] == open("entry", "rb").read()
assert parsed["content_type"] == "application/vnd.blockcloud.receipt.v1" and parsed["subject"].endswith("/job/5/receipt/3")
[receipt] = extract_receipts(statement)
result = verify_receipt(receipt, leaf_entry_hex=parsed["payload"].hex(), log_public_key_pem=key)
assert result.ok and (result.tree_size, result.leaf_index) == (13, 3) and result.subject == parsed["subject"], result
for position in range(len(statement)):
    other = bytearray(statement)
    other[position] ^= 1
    parsed = parse_signed_statement(bytes(other), public_key_pem=key)
    # The receipt lies in the unsigned header: there it is verify_receipt that notices.
    noticed = parsed["signature_verified"] is not True
    if not noticed:
        try:
            receipts = extract_receipts(bytes(other))
            results = [verify_receipt(receipt, leaf_entry_hex=parsed["payload"].hex(), log_public_key_pem=key) for receipt in receipts]
            noticed = len(results) != 1 or not results[0].ok or results[0].tree_size != 13
        except CoseError:
            noticed = True
    assert noticed, position
print(result.root)
"#;
        assert_eq!(script(programs, record.folder(), STATEMENT, &[]).trim().len(), 64);
    }

    #[test]
    fn accepts_consistency_and_refuses_forks() {
        let Some(programs) = programs() else { return };
        let (entries, signer) = (entries(SIZE), ed25519(7));
        let tree = tree(&entries);
        let folder = tempfile::tempdir().unwrap();
        let receipts: Vec<_> = (1..=SIZE)
            .map(|old| {
                let receipt = cose::consistency(&signer, &claims(), &tree, old, SIZE).unwrap();
                json!({"old": old, "old_root": hex::encode(tree.root_at(old).unwrap()), "receipt": hex::encode(receipt)})
            })
            .collect();
        let input = json!({"root": hex::encode(tree.root()), "size": SIZE, "key": signer.public().to_pem().unwrap(), "receipts": receipts});
        fs::write(folder.path().join("cases.json"), input.to_string()).unwrap();
        const CONSISTENCY: &str = r#"
import json, cbor2
from scitt_cose import CoseError, verify_consistency, verify_sign1
from scitt_cose.cose_sign1 import strict_decode
cases = json.load(open("cases.json"))
root = cases["root"]
labels = frozenset({1, 2, 4, 15, 395})
for case in cases["receipts"]:
    message = bytes.fromhex(case["receipt"])
    signed = verify_sign1(message, public_key_pem=cases["key"], detached_payload=bytes.fromhex(root), understood_labels=labels)
    [proof] = signed.unprotected[396][-2]
    old, new, path = cbor2.loads(proof)
    assert (old, new, signed.protected[395]) == (case["old"], cases["size"], 1)
    path = [node.hex() for node in path]
    assert verify_consistency(case["old_root"], root, old, new, path)
    assert not verify_consistency("00" * 32, root, old, new, path)
    if old < new:
        assert not verify_consistency(case["old_root"], root, old + 1, new, path)
        assert not verify_consistency(case["old_root"], root, old, new, path[1:])
    try:
        verify_sign1(message, public_key_pem=cases["key"], detached_payload=bytes.fromhex(case["old_root"]), understood_labels=labels)
        assert old == new
    except CoseError:
        assert old != new
print(len(cases["receipts"]))
"#;
        assert_eq!(script(programs, folder.path(), CONSISTENCY, &[]).trim(), SIZE.to_string());
    }
}

#[test]
fn pymerkle_has_the_same_roots_and_proofs() {
    const LARGEST: u64 = 40;
    let entries = entries(LARGEST);
    let tree = tree(&entries);
    let path = |hashes: Vec<[u8; 32]>| -> Vec<String> { hashes.iter().map(hex::encode).collect() };
    let inclusion: Vec<_> = (1..=LARGEST)
        .flat_map(|size| (0..size).map(move |index| (index, size)))
        .map(|(index, size)| json!([index, size, path(tree.inclusion_proof(index, size).unwrap())]))
        .collect();
    let cases = json!({
        "entries": entries.iter().map(hex::encode).collect::<Vec<_>>(),
        "roots": (0..=LARGEST).map(|size| hex::encode(tree.root_at(size).unwrap())).collect::<Vec<_>>(),
        "inclusion": inclusion,
    });
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.json"), cases.to_string()).unwrap();
    const MERKLE: &str = r#"
import json
from pymerkle import InmemoryTree, InvalidProof, verify_consistency, verify_inclusion
from pymerkle.proof import InclusionProof
cases = json.load(open("cases.json"))
tree = InmemoryTree(algorithm="sha256")
for entry in cases["entries"]:
    tree.append_entry(bytes.fromhex(entry))
roots = [bytes.fromhex(root) for root in cases["roots"]]
for size in range(len(roots)):
    assert tree.get_root(size) == roots[size], size

def refused(check):
    try:
        check()
    except InvalidProof:
        return
    raise AssertionError("a wrong proof was believed")

for index, size, path in cases["inclusion"]:
    leaf = tree.get_leaf(index + 1)
    theirs = tree.prove_inclusion(index + 1, size)
    # Their positions begin with one, and their path with the leaf itself.
    ours = InclusionProof("sha256", True, size, index + 1, theirs.rule, [leaf] + [bytes.fromhex(node) for node in path])
    assert ours.path == theirs.path, (index, size)
    verify_inclusion(leaf, roots[size], ours, index=index + 1, size=size, algorithm="sha256")
    refused(lambda: verify_inclusion(leaf, roots[size - 1], ours))
    refused(lambda: verify_inclusion(tree.get_leaf((index + 1) % len(cases["entries"]) + 1), roots[size], ours))
    if path:
        cut = InclusionProof("sha256", True, size, index + 1, theirs.rule, ours.path[:-1])
        refused(lambda: verify_inclusion(leaf, roots[size], cut))

# Its consistency proofs have a form of their own, not RFC 9162's; between our roots they hold. That ours hold is what scitt-cose says.
pairs = [(old, size) for size in range(1, len(roots)) for old in range(1, size + 1)]
for old, size in pairs:
    proof = tree.prove_consistency(old, size)
    verify_consistency(roots[old], roots[size], proof, prior_size=old, later_size=size, algorithm="sha256")
    refused(lambda: verify_consistency(roots[old - 1], roots[size], proof))
    refused(lambda: verify_consistency(roots[old], roots[size - 1], proof))
print(len(cases["inclusion"]), len(pairs))
"#;
    assert_eq!(script(programs, folder.path(), MERKLE, &[]).trim(), format!("{0} {0}", LARGEST * (LARGEST + 1) / 2));
}

/// The specification, read by somebody else: notes and cosignatures by Python's `cryptography`.
#[test]
fn notes_and_cosignatures_are_what_the_specification_says() {
    let Some(programs) = programs() else { return };
    let record = Record::new();
    let witness = ed25519(9);
    let text = String::from_utf8(record.signed(&["--format", "c2sp"]).ok().stdout).unwrap();
    let text = note::cosign(&text, "witness.example.com/w1", 1_800_000_000, &witness).unwrap();
    fs::write(record.path("note"), &text).unwrap();
    let origin = text.lines().next().unwrap();
    let log = record.run(&["key", "public", "ed25519://Exporter", "--log", origin]).ok().text().trim().to_owned();
    let witness = note::NoteKey::new("witness.example.com/w1", note::Role::Witness, &witness.public()).unwrap().to_vkey();
    // The program counts the cosignature as well.
    let verified = record.run(&["receipt", "verify", "note", "--vkey", &log, "--witness", &witness]).ok();
    assert!(verified.text().contains("cosigned by witness.example.com/w1 at 1800000000"), "{verified:?}");
    const NOTE: &str = r#"
import base64, hashlib, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
note = open("note", encoding="utf-8").read()
text, signatures = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
origin, size, root = text.splitlines()

def check(vkey, kind, line, message, signature):
    name, number, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == kind and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == number
    dash, signer, blob = line.split(" ")
    blob = base64.b64decode(blob)
    assert dash == "\u2014" and signer == name and blob[:4].hex() == number
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature(blob[4:]), message(blob[4:]))

log, witness = signatures.splitlines()
check(sys.argv[1], 1, log, lambda blob: text.encode(), lambda blob: blob)
assert sys.argv[1].startswith(origin + "+")
time = lambda blob: int.from_bytes(blob[:8], "big")
check(sys.argv[2], 4, witness, lambda blob: f"cosignature/v1\ntime {time(blob)}\n{text}".encode(), lambda blob: blob[8:])
print(size, base64.b64decode(root).hex())
"#;
    let printed = script(programs, record.folder(), NOTE, &[&log, &witness]);
    assert_eq!(printed.trim(), format!("{SIZE} {}", hex::encode(record.tree.root())));
}

#[test]
fn views_are_read_by_the_libraries_of_their_formats() {
    let Some(programs) = programs() else { return };
    let record = Record::new();
    for format in ["cloudevents", "openlineage", "prov"] {
        record.export(&["--format", format, "--to", format]).ok();
    }
    const VIEWS: &str = r#"
import json, uuid
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
events = json.load(open("cloudevents"))
for event in events:
    # Its constructor raises for any attribute that the specification does not allow.
    read = JSONFormat().read(CloudEvent, json.dumps(event))
    assert read.get_id() == event["id"] and read.get_source() == event["source"] and read.get_data() == event["data"]
    assert read.get_extension("leafhash") == event["data"]["log"]["leafHash"]

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
lines = open("openlineage").read().splitlines()
for line in lines:
    event = json.loads(line)
    # Likewise; facets are checked for what every facet has.
    for facet in [event["run"]["facets"], *[dataset.get("facets", {}) for dataset in event["inputs"] + event["outputs"]]]:
        assert all("_producer" in value and "_schemaURL" in value for value in facet.values())
    RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        eventType=RunState(event["eventType"]),
        run=Run(runId=event["run"]["runId"]),
        job=Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
        inputs=[InputDataset(namespace=dataset["namespace"], name=dataset["name"]) for dataset in event["inputs"]],
        outputs=[OutputDataset(namespace=dataset["namespace"], name=dataset["name"]) for dataset in event["outputs"]],
    )
    assert uuid.UUID(event["run"]["runId"]).version == 8
assert json.loads(lines[0])["eventType"] == "START" and json.loads(lines[-1])["eventType"] == "COMPLETE"

from prov.model import ProvActivity, ProvDocument, ProvEntity, ProvGeneration
document = ProvDocument.deserialize("prov", format="json")
activities = list(document.get_records(ProvActivity))
generated = [str(made.formal_attributes[0][1]) for made in document.get_records(ProvGeneration)]
assert len(generated) == len(set(generated)) > 0
# What it writes again is the same document.
assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
assert all(activity.get_startTime() and activity.get_attribute("blockcloud:leafHash") for activity in activities)
print(len(events), len(lines), len(activities))
"#;
    assert_eq!(script(programs, record.folder(), VIEWS, &[]).trim(), format!("{SIZE} {SIZE} {SIZE}"));
}
