//! `receipt export --format` and `receipt verify` as scripts see them.

use crate::record::{GENESIS, JOB, Record, SIZE};
use blockcloud_receipt_log::{formats::receipt_uri, receipt_bytes, receipt_hash};
use serde_json::Value;
use std::fs;

/// The log's name, as the exporter has it.
fn log() -> String {
    format!("audit.example.com/{}/job/{JOB}", GENESIS.to_string().trim_start_matches("0x"))
}

fn vkey(record: &Record) -> String {
    record.run(&["key", "public", "ed25519://Exporter", "--log", &log()]).ok().text().trim().to_owned()
}

fn pem(record: &Record) {
    fs::write(record.path("exporter.pem"), record.run(&["key", "public", "ed25519://Exporter"]).ok().stdout).unwrap();
}

mod cose {
    use super::*;

    #[test]
    fn a_statement_is_exported_and_verified() {
        let record = Record::new();
        pem(&record);
        let exported = record.signed(&["--format", "cose", "--index", "3", "--to", "3.cose"]).ok();
        assert!(exported.text().contains("a signed statement with its COSE Receipt"), "{exported:?}");
        assert!(exported.stderr.contains("had finalised when the bundle was written"), "{exported:?}");
        let genesis = GENESIS.to_string();
        for more in [&[][..], &["--genesis", &genesis]] {
            let verified =
                record.run(&[&["receipt", "verify", "3.cose", "--public-key", "exporter.pem", "--output", "json"], more].concat()).ok();
            let found = &verified.json()["found"];
            assert_eq!((&found["kind"], &found["index"], &found["size"]), (&"inclusion".into(), &3.into(), &SIZE.into()));
            assert_eq!(found["claims"]["subject"], receipt_uri(&GENESIS, JOB, 3));
            assert_eq!((&found["claims"]["issuer"], &found["claims"]["head_seen"]), (&"audit.example.com".into(), &"bundle".into()));
            assert_eq!(found["receipt"], serde_json::to_value(record.receipts[3]).unwrap());
        }
        let verified = record.run(&["receipt", "verify", "3.cose", "--public-key", "exporter.pem"]).ok();
        assert!(verified.text().contains("receipt 3 of job 5 (Read) is in the log of 13 receipts"), "{verified:?}");
        assert!(verified.text().contains("in an audit bundle only"), "{verified:?}");
    }

    #[test]
    fn what_was_changed_or_is_somebody_elses_is_refused_with_1() {
        let record = Record::new();
        pem(&record);
        record.signed(&["--format", "cose", "--index", "3", "--to", "3.cose"]).ok();
        let verify = |name: &str, more: &[&str]| record.run(&[&["receipt", "verify", name, "--public-key", "exporter.pem"], more].concat());
        let good = record.read("3.cose");
        for position in [0, 20, 150, good.len() / 2, good.len() - 1] {
            let mut other = good.clone();
            other[position] ^= 1;
            fs::write(record.path("other.cose"), other).unwrap();
            let refused = verify("other.cose", &[]);
            assert_eq!((refused.code, refused.text().starts_with("not believed: ")), (1, true), "{refused:?}");
        }
        // Another chain, another key, no COSE at all, a receipt that is not of the entry that is named.
        assert_eq!(verify("3.cose", &["--genesis", &format!("0x{}", "04".repeat(32))]).code, 1);
        fs::write(record.path("exporter.pem"), record.run(&["key", "public", "ed25519://Other"]).ok().stdout).unwrap();
        assert_eq!(verify("3.cose", &[]).code, 1);
        assert_eq!(verify("job-5.json", &[]).code, 1);
    }

    #[test]
    fn a_bare_receipt_is_verified_with_its_entry_and_no_other() {
        let record = Record::new();
        pem(&record);
        let receipt = record.signed(&["--format", "cose", "--index", "3", "--bare"]).ok().stdout;
        fs::write(record.path("3.cose"), receipt).unwrap();
        for (index, code) in [(3, 0), (4, 1)] {
            fs::write(record.path("entry"), receipt_bytes(&record.receipts[index])).unwrap();
            let verified = record.run(&["receipt", "verify", "3.cose", "--public-key", "exporter.pem", "--entry", "entry"]);
            assert_eq!(verified.code, code, "{verified:?}");
        }
        fs::write(record.path("entry"), "").unwrap();
        assert_eq!(record.run(&["receipt", "verify", "3.cose", "--public-key", "exporter.pem", "--entry", "entry"]).code, 1);
        // Without the entry it says nothing.
        assert_eq!(record.run(&["receipt", "verify", "3.cose", "--public-key", "exporter.pem"]).code, 1);
    }

    #[test]
    fn a_log_is_shown_to_continue_an_older_one() {
        let record = Record::new();
        pem(&record);
        record.signed(&["--format", "cose", "--since", "6", "--to", "since-6.cose"]).ok();
        let root = |size: u64| format!("0x{}", hex::encode(record.tree.root_at(size).unwrap()));
        let verify = |size: u64| {
            record.run(&[
                "receipt",
                "verify",
                "since-6.cose",
                "--public-key",
                "exporter.pem",
                "--old-size",
                &size.to_string(),
                "--old-root",
                &root(size),
            ])
        };
        assert!(verify(6).ok().text().contains("continues that of 6"));
        assert_eq!(verify(7).code, 1);
        let refused = record.signed(&["--format", "cose", "--since", "0"]);
        assert_eq!((refused.code, refused.stdout.len()), (1, 0), "{refused:?}");
    }

    #[test]
    fn a_p256_key_signs_as_well() {
        let record = Record::new();
        let pair = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1)
            .and_then(|group| openssl::ec::EcKey::generate(&group));
        let pair = openssl::pkey::PKey::from_ec_key(pair.unwrap()).unwrap();
        fs::write(record.path("key.pem"), pair.private_key_to_pem_pkcs8().unwrap()).unwrap();
        fs::write(record.path("exporter.pem"), pair.public_key_to_pem().unwrap()).unwrap();
        record.export(&["--key", "key.pem", "--issuer", "a.example", "--format", "cose", "--index", "0", "--to", "0.cose"]).ok();
        record.run(&["receipt", "verify", "0.cose", "--public-key", "exporter.pem"]).ok();
        let printed = record.run(&["key", "public", "key.pem"]).ok();
        assert_eq!(printed.stdout, record.read("exporter.pem"));
        // Signed notes take Ed25519 only.
        let refused = record.export(&["--key", "key.pem", "--issuer", "a.example", "--format", "c2sp"]);
        assert_eq!((refused.code, refused.stdout.len()), (2, 0), "{refused:?}");
    }
}

mod c2sp {
    use super::*;

    #[test]
    fn a_checkpoint_and_a_proof_are_exported_and_verified() {
        let record = Record::new();
        let note = record.signed(&["--format", "c2sp"]).ok();
        assert!(note.text().starts_with(&format!("{}\n{SIZE}\n", log())), "{note:?}");
        assert!(note.stderr.contains(&vkey(&record)), "{note:?}");
        fs::write(record.path("note"), &note.stdout).unwrap();
        let verified = record.run(&["receipt", "verify", "note", "--vkey", &vkey(&record), "--genesis", &GENESIS.to_string()]).ok();
        assert!(verified.text().contains("has 13 receipts"), "{verified:?}");
        record.signed(&["--format", "c2sp", "--index", "4", "--to", "4.tlog-proof"]).ok();
        let verified = record.run(&["receipt", "verify", "4.tlog-proof", "--vkey", &vkey(&record), "--output", "json"]).ok().json();
        assert_eq!((&verified["found"]["index"], &verified["found"]["size"]), (&4.into(), &SIZE.into()));
        assert_eq!(verified["found"]["receipt"], serde_json::to_value(record.receipts[4]).unwrap());
    }

    #[test]
    fn what_was_changed_or_is_somebody_elses_is_refused_with_1() {
        let record = Record::new();
        record.signed(&["--format", "c2sp", "--index", "4", "--to", "proof"]).ok();
        let good = String::from_utf8(record.read("proof")).unwrap();
        let verify = |text: &str, more: &[&str]| {
            fs::write(record.path("other"), text).unwrap();
            record.run(&[&["receipt", "verify", "other", "--vkey", &vkey(&record)], more].concat()).code
        };
        assert_eq!(verify(&good, &[]), 0);
        for wrong in [
            good.replace("index 4", "index 5"),
            good.replace("\n13\n", "\n12\n"),
            good.replace("extra ", "extra AAAA"),
            good[..good.len() - 9].into(),
        ] {
            assert_eq!(verify(&wrong, &[]), 1, "{wrong}");
        }
        assert_eq!(verify(&good, &["--genesis", &format!("0x{}", "04".repeat(32))]), 1);
        let witness = record.run(&["key", "public", "ed25519://Witness", "--witness", "w.example/1"]).ok().text().trim().to_owned();
        assert_eq!(verify(&good, &["--witness", &witness]), 1);
        assert_eq!(verify(&good, &["--witness", &witness, "--witnesses", "0"]), 0);
        assert_eq!(verify(&good, &["--witness", &witness, "--witnesses", "2"]), 2);
        // A key of the same name and type, and not the exporter's.
        let other = record.run(&["key", "public", "ed25519://Other", "--log", &log()]).ok().text().trim().to_owned();
        assert_eq!(record.run(&["receipt", "verify", "proof", "--vkey", &other]).code, 1);
    }
}

mod views {
    use super::*;

    fn shown(record: &Record, format: &str, more: &[&str]) -> Vec<Value> {
        let run = record.export(&[&["--format", format], more].concat()).ok();
        match format {
            "cloudevents" => run.json().as_array().unwrap().clone(),
            "prov" => vec![run.json()],
            _ => run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    #[test]
    fn every_receipt_is_shown_with_leaf_position_size_root_and_where_to_verify() {
        let record = Record::new();
        let root = hex::encode(record.tree.root());
        for format in ["cloudevents", "openlineage", "ocsf", "prov"] {
            let shown = shown(&record, format, &["--verify-at", "https://audit.example.com/job-5.json"]);
            assert_eq!(shown.len(), if format == "prov" { 1 } else { record.receipts.len() });
            let text = serde_json::to_string(&shown).unwrap();
            for receipt in &record.receipts {
                assert!(text.contains(&hex::encode(receipt_hash(receipt))), "{format} {}", receipt.seq);
            }
            assert!(
                [root.as_str(), "https://audit.example.com/job-5.json", "receipt prove 5"].iter().all(|said| text.contains(said)),
                "{format}"
            );
        }
    }

    #[test]
    fn a_stretch_is_shown_and_what_lies_beyond_is_empty() {
        let record = Record::new();
        let ids = |more: &[&str]| -> Vec<String> {
            shown(&record, "cloudevents", more).iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&["--from", "3", "--limit", "2"]), ["3", "4"]);
        assert_eq!(ids(&["--from", "12", "--limit", "5"]), ["12"]);
        assert!(ids(&["--from", "13"]).is_empty());
        assert!(ids(&["--limit", "0"]).is_empty());
    }

    #[test]
    fn a_file_is_written_and_said_so() {
        let record = Record::new();
        let said = record.export(&["--format", "prov", "--to", "prov.json", "--output", "json"]).ok().json();
        assert_eq!((&said["format"], &said["size"]), (&"prov".into(), &SIZE.into()));
        assert_eq!(said["root"], format!("0x{}", hex::encode(record.tree.root())));
        assert_eq!(said["bytes"], record.read("prov.json").len());
    }
}

mod refusals {
    use super::*;

    #[test]
    fn nothing_is_exported_of_a_bundle_that_does_not_hold() {
        let change = |change: &dyn Fn(&mut Value)| {
            let record = Record::new();
            let mut bundle = record.bundle();
            change(&mut bundle);
            fs::write(record.path("job-5.json"), bundle.to_string()).unwrap();
            [&["--format", "c2sp"][..], &["--format", "cose", "--index", "3"], &["--format", "prov"]].map(|format| {
                let refused = if format[1] == "prov" { record.export(format) } else { record.signed(format) };
                assert_eq!((refused.code, refused.stdout.len()), (1, 0), "{refused:?}");
                refused.stderr
            })
        };
        for said in change(&|bundle| bundle["receipts"][3]["bytes"] = 7.into()) {
            assert!(said.contains("every checkpoint is the root over exactly these receipts"), "{said}");
        }
        for said in change(&|bundle| drop(bundle["receipts"].as_array_mut().unwrap().pop())) {
            assert!(said.contains("no receipt up to the chain's head is missing"), "{said}");
        }
        change(&|bundle| bundle["job"]["head"]["size"] = 12.into());
        change(&|bundle| bundle["format"] = "blockcloud-audit/v9".into());
        change(&|bundle| bundle["evidence"]["receipt_key"] = Value::from(format!("0x{}", "05".repeat(32))));
        // A receipt of another job's, and one at another place than it says, whatever is signed.
        for record in [Record::with(|receipts| receipts[3].job.0 = 6), Record::with(|receipts| receipts.swap(3, 4))] {
            assert_eq!(record.signed(&["--format", "c2sp"]).code, 1);
        }
    }

    #[test]
    fn nothing_is_exported_of_another_chain_or_another_root() {
        let record = Record::new();
        let other = format!("0x{}", "04".repeat(32));
        for wrong in [["--genesis", other.as_str()], ["--root", other.as_str()]] {
            let refused = record.signed(&[&["--format", "c2sp"], &wrong[..]].concat());
            assert_eq!((refused.code, refused.stdout.len()), (1, 0), "{refused:?}");
        }
    }

    #[test]
    fn a_receipt_that_does_not_exist_is_refused() {
        let record = Record::new();
        for format in ["cose", "c2sp"] {
            let refused = record.signed(&["--format", format, "--index", "13"]);
            assert_eq!((refused.code, refused.stdout.len()), (1, 0));
            assert!(refused.stderr.contains("positions 0 to 12"), "{refused:?}");
        }
    }

    #[test]
    fn wrong_usage_is_2_and_a_node_that_is_away_is_3() {
        let record = Record::new();
        pem(&record);
        for wrong in [
            &["--format", "cose", "--index", "3"][..],
            &["--format", "cose", "--index", "3", "--key", "ed25519://Exporter"],
            &["--format", "cose", "--index", "3", "--issuer", "a.example"],
            &["--format", "cose", "--index", "3", "--issuer", "a.example", "--key", "//Alice"],
            &["--format", "cose", "--issuer", "a.example", "--key", "ed25519://Exporter"],
            &["--format", "cose", "--index", "3", "--since", "2", "--issuer", "a", "--key", "ed25519://E"],
            &["--format", "cose", "--since", "3", "--bare", "--issuer", "a", "--key", "ed25519://E"],
            &["--format", "c2sp", "--issuer", "two words", "--key", "ed25519://E"],
            &["--format", "c2sp", "--since", "3", "--issuer", "a", "--key", "ed25519://E"],
            &["--format", "prov", "--index", "3"],
            &["--format", "prov", "--issuer", "a"],
            &["--format", "cose", "--index", "3", "--from", "2", "--issuer", "a", "--key", "ed25519://E"],
            &["--format", "spreadsheet"],
            &["--to", "x"],
            &[],
        ] {
            let refused = record.export(wrong);
            assert_eq!((refused.code, refused.stdout.len()), (2, 0), "{wrong:?}: {refused:?}");
        }
        assert_eq!(record.run(&["receipt", "export"]).code, 2);
        assert_eq!(record.run(&["receipt", "export", "5"]).code, 2);
        for flag in [&["--online"][..], &["--root", &format!("0x{}", "04".repeat(32))]] {
            assert_eq!(record.run(&[&["receipt", "export", "5", "--format", "prov"], flag].concat()).code, 2);
        }
        for wrong in [
            &["receipt", "verify", "job-5.json"][..],
            &["receipt", "verify", "absent", "--public-key", "exporter.pem"],
            &["receipt", "verify", "job-5.json", "--public-key", "job-5.json"],
            &["receipt", "verify", "job-5.json", "--vkey", "nonsense"],
            &["receipt", "verify", "job-5.json", "--public-key", "exporter.pem", "--old-size", "3"],
            &["key", "public", "//Alice"],
            &["key", "public", "ed25519://E", "--log", "two words"],
        ] {
            assert_eq!(record.run(wrong).code, 2, "{wrong:?}");
        }
        assert_eq!(record.export(&["--format", "prov", "--online"]).code, 3);
        assert_eq!(record.run(&["receipt", "export", "5", "--format", "prov"]).code, 3);
    }

    #[test]
    fn a_secret_that_is_given_as_the_key_is_not_repeated() {
        let record = Record::new();
        let refused = record.export(&["--format", "c2sp", "--issuer", "a", "--key", "hunter2 hunter2 hunter2"]);
        assert_eq!(refused.code, 2);
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
}
