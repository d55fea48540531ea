//! Proofs as JSON: the form that other transparency tools write, verdicts on damaged ones, and our own.

use crate::common::{eight_entries, hash};
use blockcloud_receipt_log::{
    ProofError, Tree, TreeError,
    document::{Base64, ConsistencyDocument, Defect, InclusionDocument},
    leaf_hash,
};

/// Published with the eight-leaf tree: leaf 1 of 5.
const INCLUSION: &str = r#"{
  "leafIdx": 1,
  "treeSize": 5,
  "root": "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=",
  "leafHash": "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
  "proof": [
    "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
    "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
    "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms="
  ],
  "desc": "happy path",
  "wantErr": false
}"#;

/// Published with the eight-leaf tree: 1 to 8.
const CONSISTENCY: &str = r#"{
  "size1": 1,
  "size2": 8,
  "root1": "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
  "root2": "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=",
  "proof": [
    "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
    "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
    "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="
  ],
  "desc": "happy path",
  "wantErr": false
}"#;

fn tree() -> Tree {
    eight_entries().iter().map(|entry| leaf_hash(entry)).collect()
}

mod inclusion {
    use super::*;

    fn document() -> InclusionDocument {
        serde_json::from_str(INCLUSION).unwrap()
    }

    #[test]
    fn holds_as_others_write_it() {
        assert_eq!(document().verdict(), Ok(()));
    }

    #[test]
    fn is_what_we_write() {
        let ours = InclusionDocument::of(&tree(), 1, 5).unwrap();
        assert_eq!(ours, document());
        let json = serde_json::to_value(&ours).unwrap();
        let mut published: serde_json::Value = serde_json::from_str(INCLUSION).unwrap();
        published.as_object_mut().unwrap().retain(|field, _| field != "desc" && field != "wantErr");
        assert_eq!(json, published);
    }

    #[test]
    fn cannot_be_written_beyond_the_end() {
        assert_eq!(InclusionDocument::of(&tree(), 8, 9), Err(TreeError::SizeBeyondEnd { asked: 9, size: 8 }));
        assert_eq!(InclusionDocument::of(&tree(), 8, 8), Err(TreeError::IndexOutOfRange { index: 8, size: 8 }));
    }

    #[test]
    fn reads_null_as_an_empty_proof() {
        let json = r#"{"leafIdx":0,"treeSize":1,"root":"bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
            "leafHash":"bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=","proof":null}"#;
        assert_eq!(serde_json::from_str::<InclusionDocument>(json).unwrap().verdict(), Ok(()));
    }

    #[test]
    fn fails_at_another_position() {
        let document = InclusionDocument { leaf_idx: 2, ..document() };
        assert_eq!(document.verdict(), Err(Defect::Proof(ProofError::RootMismatch)));
    }

    #[test]
    fn fails_at_the_largest_position() {
        let json = INCLUSION.replace("\"leafIdx\": 1", "\"leafIdx\": 18446744073709551615");
        let document: InclusionDocument = serde_json::from_str(&json).unwrap();
        assert_eq!(document.verdict(), Err(Defect::Proof(ProofError::IndexOutOfRange)));
    }

    #[test]
    fn fails_with_a_hash_of_another_length() {
        let short = || Base64(b"WrongLeaf".to_vec());
        let defect = |field| Err(Defect::HashLength { field, bytes: 9 });
        assert_eq!(InclusionDocument { root: short(), ..document() }.verdict(), defect("root"));
        assert_eq!(InclusionDocument { leaf_hash: short(), ..document() }.verdict(), defect("leafHash"));
        assert_eq!(InclusionDocument { proof: vec![short()], ..document() }.verdict(), defect("proof"));
        let empty = InclusionDocument { proof: vec![Base64(Vec::new())], ..document() };
        assert_eq!(empty.verdict(), Err(Defect::HashLength { field: "proof", bytes: 0 }));
    }

    #[test]
    fn is_unreadable_without_its_fields_or_base64() {
        for field in ["leafIdx", "treeSize", "root", "leafHash", "proof"] {
            let mut json: serde_json::Value = serde_json::from_str(INCLUSION).unwrap();
            json.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<InclusionDocument>(json).is_err(), "{field}");
        }
        assert!(serde_json::from_str::<InclusionDocument>(&INCLUSION.replace("Tju7", "T*u7")).is_err());
    }
}

mod consistency {
    use super::*;

    fn document() -> ConsistencyDocument {
        serde_json::from_str(CONSISTENCY).unwrap()
    }

    #[test]
    fn holds_as_others_write_it() {
        assert_eq!(document().verdict(), Ok(()));
    }

    #[test]
    fn is_what_we_write() {
        assert_eq!(ConsistencyDocument::of(&tree(), 1, 8), Ok(document()));
    }

    #[test]
    fn cannot_be_written_from_nothing() {
        assert_eq!(ConsistencyDocument::of(&tree(), 0, 8), Err(TreeError::EmptyOldTree));
    }

    #[test]
    fn of_equal_sizes_compares_the_roots_as_they_are() {
        let text = |text: &str| Base64(text.as_bytes().to_vec());
        let equal = |size, root1, root2| ConsistencyDocument { size1: size, size2: size, root1, root2, proof: Vec::new() };
        for size in [0, 1] {
            assert_eq!(equal(size, text("don't care 1"), text("don't care 1")).verdict(), Ok(()));
            let verdict = equal(size, text("don't care 1"), text("don't care 2")).verdict();
            assert_eq!(verdict, Err(Defect::HashLength { field: "root1", bytes: 12 }));
            let verdict = equal(size, hash(&"11".repeat(32)).into(), hash(&"22".repeat(32)).into()).verdict();
            assert_eq!(verdict, Err(Defect::Proof(ProofError::RootMismatch)));
        }
        let with_proof = ConsistencyDocument { size1: 8, root1: document().root2, ..document() };
        assert_eq!(with_proof.verdict(), Err(Defect::Proof(ProofError::TooLong)));
    }

    #[test]
    fn fails_from_an_empty_tree() {
        let document = ConsistencyDocument { size1: 0, proof: Vec::new(), ..document() };
        assert_eq!(document.verdict(), Err(Defect::Proof(ProofError::EmptyOldTree)));
    }

    #[test]
    fn fails_with_a_hash_of_another_length() {
        let short = || Base64(b"WrongRoot".to_vec());
        let defect = |field| Err(Defect::HashLength { field, bytes: 9 });
        assert_eq!(ConsistencyDocument { root1: short(), ..document() }.verdict(), defect("root1"));
        assert_eq!(ConsistencyDocument { root2: short(), ..document() }.verdict(), defect("root2"));
        assert_eq!(ConsistencyDocument { proof: vec![short()], ..document() }.verdict(), defect("proof"));
    }
}
