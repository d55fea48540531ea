//! `audit verify` on whole files: the guest's signature over its completion, receipts that were erased, formats.

use crate::record::{JOB, Record, Run, SIZE};
use blockcloud_primitives::Digest;
use blockcloud_receipt_log::receipt_hash;
use serde_json::{Value, json};
use std::fs;

const SIGNED: &str = "the completion is signed by the attested receipt key";
const ERASED: &str = "the log says that the data was erased";
const NAMED: &str = "every receipt is there, or its leaf hash stands for it";

/// The verdict on the record's bundle after a change.
fn verify(record: &Record, change: impl FnOnce(&mut Value)) -> Run {
    let mut bundle = record.bundle();
    change(&mut bundle);
    fs::write(record.path("job-5.json"), bundle.to_string()).unwrap();
    record.run(&["audit", "verify", "job-5.json", "--output", "json"])
}

/// The statements that do not hold.
fn failed(run: &Run) -> Vec<String> {
    assert_eq!(run.code, 1, "{run:?}");
    let checks = run.json()["checks"].as_array().unwrap().clone();
    checks.iter().filter(|check| check["holds"] == false).map(|check| check["claim"].as_str().unwrap().to_owned()).collect()
}

/// What was found about a statement that holds.
fn found(run: Run, claim: &str) -> Option<String> {
    let checks = run.ok().json()["checks"].as_array().unwrap().clone();
    checks.iter().find(|check| check["claim"] == claim).map(|check| check["found"].as_str().unwrap().to_owned())
}

/// What is left of a receipt once it is erased.
fn erased(record: &Record, seq: usize) -> Value {
    json!({"job": JOB, "seq": seq, "erased": Digest(receipt_hash(&record.receipts[seq]))})
}

mod completion {
    use super::*;

    #[test]
    fn its_signature_and_its_erase_receipt_are_verified() {
        assert_eq!(found(verify(&Record::new(), |_| ()), SIGNED).unwrap(), "Code(0)");
        let said = found(verify(&Record::new(), |_| ()), ERASED).unwrap();
        assert_eq!(said, format!("receipt {}, Erase at 2027-01-15T08:00:12.000Z", SIZE - 1));
    }

    #[test]
    fn fails_without_a_signature_or_with_another() {
        let record = Record::new();
        let missing = verify(&record, |bundle| drop(bundle.as_object_mut().unwrap().remove("completion_signature")));
        assert_eq!(failed(&missing), [SIGNED]);
        let record = Record::new();
        let checkpoints = verify(&record, |bundle| bundle["completion_signature"] = bundle["checkpoints"][1]["signature"].clone());
        assert_eq!(failed(&checkpoints), [SIGNED], "the same key signed something else");
        let record = Record::new();
        let changed = verify(&record, |bundle| bundle["job"]["completion"]["exit"] = json!({"code": 1}));
        assert_eq!(failed(&changed), ["the chain's state in that block holds this job", SIGNED]);
    }

    #[test]
    fn fails_when_the_erase_receipt_is_not_where_it_says() {
        let record = Record::new();
        for position in [3, SIZE, u64::MAX] {
            let other = verify(&record, |bundle| bundle["job"]["completion"]["erased"] = position.into());
            assert!(failed(&other).contains(&ERASED.to_owned()), "{position}");
        }
    }
}

mod erased_receipts {
    use super::*;

    #[test]
    fn every_other_statement_is_verified_and_they_are_named() {
        let record = Record::new();
        let run = verify(&record, |bundle| {
            for seq in [3, 7] {
                bundle["receipts"][seq] = erased(&record, seq);
            }
        });
        assert!(found(run, NAMED).unwrap().contains("2 of 13 were erased, and nobody can say what they said: 3, 7"));
        assert_eq!(found(verify(&Record::new(), |_| ()), NAMED), None);
        // Of the others everything can be shown; of these nothing.
        let cose = |index: &str| record.signed(&["--format", "cose", "--index", index, "--to", "receipt.cose"]);
        cose("4").ok();
        let refused = cose("3");
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("receipt 3 was erased"), "{refused:?}");
        record.export(&["--format", "prov", "--from", "8"]).ok();
        let refused = record.export(&["--format", "prov"]);
        assert_eq!((refused.code, refused.stdout.len()), (1, 0));
        assert!(refused.stderr.contains("2 of these receipts were erased"), "{refused:?}");
    }

    #[test]
    fn lineage_goes_on_and_says_that_something_is_missing() {
        let record = Record::new();
        let object = record.receipts[4].object.to_string();
        verify(&record, |bundle| bundle["receipts"][7] = erased(&record, 7)).ok();
        let run = record.run(&["audit", "lineage", &object, "--bundle", "job-5.json", "--output", "json"]).ok();
        assert_eq!(run.json()["erased_receipts"], json!([{"job": JOB, "seqs": [7]}]));
        assert!(run.stderr.contains("1 receipts of job 5 were erased"), "{run:?}");
    }

    #[test]
    fn fails_when_another_leaf_stands_in_the_place() {
        let record = Record::new();
        let other = verify(&record, |bundle| {
            bundle["receipts"][3] = erased(&record, 3);
            bundle["receipts"][3]["erased"] = Digest([1; 32]).to_string().into();
        });
        assert_eq!(
            failed(&other),
            ["every checkpoint is the root over exactly these receipts", "the chain's head is the root over exactly these receipts"]
        );
    }

    #[test]
    fn fails_when_it_says_another_position_or_job() {
        for field in ["seq", "job"] {
            let record = Record::new();
            let moved = verify(&record, |bundle| {
                bundle["receipts"][3] = erased(&record, 3);
                bundle["receipts"][3][field] = 4.into();
            });
            assert_eq!(failed(&moved), ["the receipts are this job's and their sequence has no gap"]);
        }
    }

    #[test]
    fn fails_when_the_erase_receipt_itself_is_gone() {
        let record = Record::new();
        let last = usize::try_from(SIZE - 1).unwrap();
        let gone = verify(&record, |bundle| bundle["receipts"][last] = erased(&record, last));
        assert_eq!(failed(&gone), [ERASED, "nothing was done with the data after that"]);
    }
}

mod format {
    use super::*;

    #[test]
    fn the_one_before_is_read_without_a_signature_and_without_erased_receipts() {
        let record = Record::new();
        let older = |bundle: &mut Value| {
            bundle["format"] = "blockcloud-audit/v2".into();
            bundle.as_object_mut().unwrap().remove("completion_signature");
        };
        assert_eq!(found(verify(&record, older), SIGNED), None);
        let mixed = verify(&record, |bundle| bundle["receipts"][3] = erased(&record, 3));
        assert_eq!((mixed.code, mixed.stdout.len()), (1, 0));
        let record = Record::new();
        let mixed = verify(&record, |bundle| bundle["format"] = "blockcloud-audit/v2".into());
        assert_eq!((mixed.code, mixed.stdout.len()), (1, 0));
        assert!(mixed.stderr.contains("holds what that has not"), "{mixed:?}");
    }

    #[test]
    fn any_other_is_refused() {
        for format in ["blockcloud-audit/v1", "blockcloud-audit/v4", ""] {
            let refused = verify(&Record::new(), |bundle| bundle["format"] = format.into());
            assert_eq!((refused.code, refused.stdout.len()), (1, 0));
            assert!(refused.stderr.contains("export it again"), "{refused:?}");
        }
    }
}
