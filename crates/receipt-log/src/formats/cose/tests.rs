//! What is believed is exactly what was made: every other message has its own refusal.

use super::*;
use crate::{
    EMPTY_ROOT,
    formats::key::tests::{ed25519, p256},
    node_hash,
};

const SIZE: u64 = 13;

fn entries() -> Vec<Vec<u8>> {
    (0..SIZE).map(|index| format!("entry {index}").into_bytes()).collect()
}

fn tree() -> Tree {
    entries().iter().map(|entry| leaf_hash(entry)).collect()
}

fn claims() -> Claims {
    Claims {
        issuer: "audit.example.com".into(),
        subject: "blockcloud:00/job/5/receipt/3".into(),
        issued_at: 1_800_000_000,
        head_seen: HeadSeen::Chain,
    }
}

fn signers() -> [Box<dyn Signer>; 2] {
    [Box::new(ed25519()), Box::new(p256())]
}

/// The parts of a message, to be changed and signed again.
struct Parts {
    protected: Vec<(Value, Value)>,
    unprotected: Vec<(Value, Value)>,
    payload: Value,
    /// What is signed in place of an absent payload.
    root: Hash,
}

impl Parts {
    /// A receipt of inclusion of entry 3.
    fn inclusion() -> Self {
        let path = tree().inclusion_proof(3, SIZE).unwrap();
        Self::of(INCLUSION, proof([SIZE, 3], SIZE, path).unwrap())
    }

    /// A receipt of consistency between 6 and 13.
    fn consistency() -> Self {
        let path = tree().consistency_proof(6, SIZE).unwrap();
        Self::of(CONSISTENCY, proof([6, SIZE], SIZE, path).unwrap())
    }

    fn of(kind: i64, proof: Vec<u8>) -> Self {
        let protected = protected(&ed25519().public(), &claims(), Some(SIZE)).unwrap().value(VDS, RFC9162_SHA256.into()).build();
        let Value::Map(protected) = coset::AsCborValue::to_cbor_value(protected).unwrap() else { panic!("a header is a map") };
        let mut parts = Self { protected, unprotected: Vec::new(), payload: Value::Null, root: tree().root() };
        parts.prove(kind, vec![Value::Bytes(proof)]);
        parts
    }

    fn prove(&mut self, kind: i64, proofs: Vec<Value>) {
        self.unprotected = vec![(VDP.into(), Value::Map(vec![(kind.into(), Value::Array(proofs))]))];
    }

    /// One proof of these parts.
    fn prove_by(&mut self, kind: i64, parts: Vec<Value>) {
        self.prove(kind, vec![Value::Bytes(Value::Array(parts).to_vec().unwrap())]);
    }

    fn set(&mut self, label: i64, value: impl Into<Value>) {
        self.remove(label);
        self.protected.push((label.into(), value.into()));
    }

    /// Says that the tree has this many leaves.
    fn claim_size(&mut self, size: u64) {
        let mut claims = self.protected.iter().find(|(label, _)| *label == Value::from(CWT_CLAIMS)).unwrap().1.clone();
        for (_, value) in claims.as_map_mut().unwrap().iter_mut().filter(|(key, _)| *key == Value::from(TREE_SIZE)) {
            *value = size.into();
        }
        self.set(CWT_CLAIMS, claims);
    }

    fn remove(&mut self, label: i64) {
        self.protected.retain(|(found, _)| *found != Value::from(label));
    }

    fn sign(&self) -> Vec<u8> {
        self.sign_with(Value::Map(self.protected.clone()).to_vec().unwrap())
    }

    fn sign_with(&self, protected: Vec<u8>) -> Vec<u8> {
        let payload = self.payload.as_bytes().cloned().unwrap_or(self.root.to_vec());
        let signed = Value::Array(vec!["Signature1".into(), Value::Bytes(protected.clone()), Value::Bytes(vec![]), Value::Bytes(payload)]);
        let signature = Signer::sign(&ed25519(), &signed.to_vec().unwrap()).to_vec();
        let parts = vec![Value::Bytes(protected), Value::Map(self.unprotected.clone()), self.payload.clone(), Value::Bytes(signature)];
        Value::Tag(18, Box::new(Value::Array(parts))).to_vec().unwrap()
    }
}

/// What comes of a receipt of inclusion of entry 3 that was changed and signed again.
fn changed(change: impl FnOnce(&mut Parts)) -> Result<Inclusion, CoseError> {
    let mut parts = Parts::inclusion();
    change(&mut parts);
    verify_inclusion(&parts.sign(), &entries()[3], &ed25519().public())
}

fn path(index: u64) -> Value {
    Value::Array(tree().inclusion_proof(index, SIZE).unwrap().into_iter().map(|hash| Value::Bytes(hash.to_vec())).collect())
}

mod inclusion {
    use super::*;

    #[test]
    fn every_leaf_of_every_tree_is_proved_by_both_algorithms() {
        let (tree, entries) = (tree(), entries());
        for signer in signers() {
            for size in 1..=SIZE {
                for (index, entry) in (0..size).zip(&entries) {
                    let message = super::inclusion(&*signer, &claims(), &tree, index, size).unwrap();
                    let believed = verify_inclusion(&message, entry, &signer.public());
                    let root = tree.root_at(size).unwrap();
                    assert_eq!(believed, Ok(Inclusion { size, index, root, claims: claims() }));
                }
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        // Written down part by part, as RFC 9942 and RFC 9052 have them.
        assert_eq!(super::inclusion(&ed25519(), &claims(), &tree(), 3, SIZE), Ok(Parts::inclusion().sign()));
        assert_eq!(super::consistency(&ed25519(), &claims(), &tree(), 6, SIZE), Ok(Parts::consistency().sign()));
        assert_eq!(Parts::inclusion().sign()[..2], [0xd2, 0x84]);
    }

    #[test]
    fn fails_for_another_member_of_the_log() {
        let message = Parts::inclusion().sign();
        for (index, entry) in entries().iter().enumerate().filter(|(index, _)| *index != 3) {
            assert_eq!(verify_inclusion(&message, entry, &ed25519().public()), Err(CoseError::Signature), "{index}");
        }
    }

    #[test]
    fn fails_for_an_entry_in_an_empty_slot_and_for_an_empty_slot_in_the_place_of_an_entry() {
        // A tree of slots: an empty one is the hash of the empty entry.
        let slots: Tree = [&b"checkpoint"[..], b"", b"another"].iter().map(|slot| leaf_hash(slot)).collect();
        let key = ed25519().public();
        let empty = super::inclusion(&ed25519(), &claims(), &slots, 1, 3).unwrap();
        assert_eq!(verify_inclusion(&empty, b"checkpoint", &key), Err(CoseError::Signature));
        assert!(verify_inclusion(&empty, b"", &key).is_ok());
        let taken = super::inclusion(&ed25519(), &claims(), &slots, 0, 3).unwrap();
        assert_eq!(verify_inclusion(&taken, b"", &key), Err(CoseError::Signature));
    }

    #[test]
    fn fails_when_a_node_is_passed_off_as_an_entry() {
        let (left, right) = (leaf_hash(&entries()[0]), leaf_hash(&entries()[1]));
        let siblings: Vec<_> = tree().inclusion_proof(0, SIZE).unwrap()[1..].to_vec();
        let mut parts = Parts::inclusion();
        // The path of a tree that is one level lower leads to the same root, if the node is a leaf of it.
        let path = siblings.into_iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
        parts.claim_size(7);
        parts.prove_by(INCLUSION, vec![7.into(), 0.into(), Value::Array(path)]);
        let message = parts.sign();
        let key = ed25519().public();
        assert_eq!(verify_inclusion(&message, &[left, right].concat(), &key), Err(CoseError::Signature));
        assert_eq!(verify_inclusion(&message, &node_hash(&left, &right), &key), Err(CoseError::Signature));
    }

    #[test]
    fn fails_at_another_position_or_size() {
        let position = |size: u64, index: u64| {
            changed(|parts| {
                parts.claim_size(size);
                parts.prove_by(INCLUSION, vec![size.into(), index.into(), path(3)]);
            })
        };
        assert!(position(SIZE, 3).is_ok());
        for index in (0..8).filter(|index| *index != 3) {
            assert_eq!(position(SIZE, index), Err(CoseError::Signature));
        }
        for size in [SIZE - 5, SIZE + 4] {
            assert!(matches!(position(size, 3), Err(CoseError::Signature | CoseError::Proof(_))), "{size}");
        }
    }

    #[test]
    fn fails_for_a_size_that_is_not_signed() {
        // In a tree of 12 the path would be the same: nothing but the signed size tells the two apart.
        let same_path = changed(|parts| parts.prove_by(INCLUSION, vec![12.into(), 3.into(), path(3)]));
        assert_eq!(same_path, Err(CoseError::SizeMismatch));
        assert_eq!(
            verify::root_of_inclusion(12, 3, &leaf_hash(&entries()[3]), &tree().inclusion_proof(3, SIZE).unwrap()),
            Ok(tree().root())
        );
        assert_eq!(changed(|parts| parts.claim_size(12)), Err(CoseError::SizeMismatch));
        let claims = vec![(1.into(), "a".into()), (2.into(), "b".into()), (6.into(), 7.into()), (HEAD_SEEN.into(), "chain".into())];
        assert_eq!(changed(|parts| parts.set(CWT_CLAIMS, Value::Map(claims))), Err(CoseError::SizeMismatch));
    }

    #[test]
    fn fails_for_size_zero_out_of_range_and_from_two_to_the_31() {
        let position = |size: u64, index: u64| {
            changed(|parts| {
                parts.claim_size(size);
                parts.prove_by(INCLUSION, vec![size.into(), index.into(), path(3)]);
            })
        };
        assert_eq!(position(0, 0), Err(ProofError::IndexOutOfRange.into()));
        assert_eq!(position(SIZE, SIZE), Err(ProofError::IndexOutOfRange.into()));
        assert_eq!(position(SIZE, u64::MAX), Err(ProofError::IndexOutOfRange.into()));
        for size in [1 << 31, 1 << 32, u64::MAX] {
            assert_eq!(position(size, 3), Err(CoseError::TooLarge { size }));
        }
        assert!(matches!(position(MAX_TREE_SIZE, 3), Err(CoseError::Proof(ProofError::TooShort))));
    }

    #[test]
    fn fails_with_hashes_missing_added_or_cut() {
        let with = |path: Vec<Value>| changed(|parts| parts.prove_by(INCLUSION, vec![SIZE.into(), 3.into(), Value::Array(path)]));
        let Value::Array(whole) = path(3) else { panic!("a path is a list") };
        assert!(with(whole.clone()).is_ok());
        assert_eq!(with(whole[1..].to_vec()), Err(ProofError::TooShort.into()));
        assert_eq!(with(vec![]), Err(ProofError::TooShort.into()));
        assert_eq!(with([whole.clone(), vec![whole[0].clone()]].concat()), Err(ProofError::TooLong.into()));
        assert_eq!(with(vec![whole[0].clone(); 65]), Err(ProofError::TooLong.into()));
        assert_eq!(with(vec![whole[0].clone(), whole[0].clone(), whole[1].clone(), whole[2].clone()]), Err(CoseError::Signature));
        for wrong in [Value::Bytes(vec![0; 31]), Value::Bytes(vec![0; 33]), Value::Text("x".into()), 1.into()] {
            assert_eq!(with([vec![wrong], whole[1..].to_vec()].concat()), Err(CoseError::ProofShape));
        }
    }

    #[test]
    fn fails_for_a_proof_of_another_shape() {
        for parts in [
            vec![SIZE.into(), 3.into()],
            vec![SIZE.into(), 3.into(), path(3), 1.into()],
            vec![(-1).into(), 3.into(), path(3)],
            vec![SIZE.into(), Value::Bool(true), path(3)],
            vec![SIZE.into(), 3.into(), Value::Bytes(vec![0; 32])],
        ] {
            assert_eq!(changed(|message| message.prove_by(INCLUSION, parts)), Err(CoseError::ProofShape));
        }
        assert_eq!(changed(|message| message.prove(INCLUSION, vec![Value::Bytes(vec![0x01])])), Err(CoseError::ProofShape));
        assert_eq!(changed(|message| message.prove(INCLUSION, vec![Value::Bytes(vec![0x83, 1])])), Err(CoseError::Malformed));
        let trailing = [proof([SIZE, 3], SIZE, tree().inclusion_proof(3, SIZE).unwrap()).unwrap(), vec![0]].concat();
        assert_eq!(changed(|message| message.prove(INCLUSION, vec![Value::Bytes(trailing)])), Err(CoseError::TrailingBytes { bytes: 1 }));
    }

    #[test]
    fn fails_without_exactly_one_proof_of_the_kind() {
        let one = Value::Bytes(proof([SIZE, 3], SIZE, tree().inclusion_proof(3, SIZE).unwrap()).unwrap());
        for (kind, proofs) in [
            (INCLUSION, vec![]),
            (INCLUSION, vec![one.clone(), one.clone()]),
            (INCLUSION, vec![1_000_000_000.into()]),
            (CONSISTENCY, vec![one.clone()]),
        ] {
            assert_eq!(changed(|parts| parts.prove(kind, proofs)), Err(CoseError::ProofCount));
        }
        assert_eq!(changed(|parts| parts.unprotected.clear()), Err(CoseError::ProofCount));
        assert_eq!(changed(|parts| parts.unprotected = vec![(VDP.into(), one)]), Err(CoseError::ProofCount));
    }

    #[test]
    fn fails_with_a_payload() {
        let root = Value::Bytes(tree().root().to_vec());
        assert_eq!(changed(|parts| parts.payload = root), Err(CoseError::Payload));
    }

    #[test]
    fn fails_for_another_structure_or_one_that_nobody_signed() {
        assert_eq!(changed(|parts| parts.set(VDS, 2)), Err(CoseError::OtherStructure));
        assert_eq!(changed(|parts| parts.remove(VDS)), Err(CoseError::OtherStructure));
        let moved = changed(|parts| {
            parts.remove(VDS);
            parts.unprotected.push((VDS.into(), RFC9162_SHA256.into()));
        });
        assert_eq!(moved, Err(CoseError::OtherStructure));
    }
}

mod headers {
    use super::*;

    #[test]
    fn fails_for_another_algorithm() {
        assert_eq!(changed(|parts| parts.set(1, -35)), Err(CoseError::UnknownAlgorithm));
        assert_eq!(changed(|parts| parts.set(1, "EdDSA")), Err(CoseError::UnknownAlgorithm));
        assert_eq!(changed(|parts| parts.remove(1)), Err(CoseError::UnknownAlgorithm));
        assert_eq!(changed(|parts| parts.set(1, -7)), Err(CoseError::AlgorithmMismatch));
        let moved = changed(|parts| {
            parts.remove(1);
            parts.unprotected.push((1.into(), (-8).into()));
        });
        assert_eq!(moved, Err(CoseError::UnknownAlgorithm));
    }

    #[test]
    fn fails_for_another_key() {
        assert_eq!(changed(|parts| parts.set(4, Value::Bytes(vec![1; 32]))), Err(CoseError::KeyMismatch));
        assert_eq!(changed(|parts| parts.remove(4)), Err(CoseError::KeyMismatch));
        let other = ed25519_dalek::SigningKey::from_bytes(&[8; 32]).public();
        assert_eq!(verify_inclusion(&Parts::inclusion().sign(), &entries()[3], &other), Err(CoseError::KeyMismatch));
        assert_eq!(verify_inclusion(&Parts::inclusion().sign(), &entries()[3], &p256().public()), Err(CoseError::AlgorithmMismatch));
    }

    #[test]
    fn fails_without_issuer_subject_time_and_where_the_head_was_seen() {
        let size = (TREE_SIZE.into(), SIZE.into());
        let claims =
            |claims: Vec<(Value, Value)>| changed(|parts| parts.set(CWT_CLAIMS, Value::Map([claims, vec![size.clone()]].concat())));
        let whole: Vec<(Value, Value)> =
            vec![(1.into(), "a".into()), (2.into(), "b".into()), (6.into(), 7.into()), (HEAD_SEEN.into(), "bundle".into())];
        assert!(claims(whole.clone()).is_ok());
        for (position, (_, value)) in whole.iter().enumerate() {
            let mut less = whole.clone();
            let (label, _) = less.remove(position);
            assert_eq!(claims(less.clone()), Err(CoseError::Claims), "{label:?}");
            let wrong = if value.is_text() { "" } else { "text" };
            less.push((label, wrong.into()));
            assert_eq!(claims(less), Err(CoseError::Claims), "{value:?}");
        }
        assert_eq!(changed(|parts| parts.remove(CWT_CLAIMS)), Err(CoseError::Claims));
    }

    #[test]
    fn fails_when_something_unknown_or_absent_is_critical() {
        let critical = |labels: Vec<Value>| changed(|parts| parts.set(2, Value::Array(labels)));
        assert!(critical(vec![1.into(), 15.into()]).is_ok());
        assert_eq!(critical(vec![5.into()]), Err(CoseError::Critical));
        assert_eq!(critical(vec![3.into()]), Err(CoseError::Critical));
        assert!(critical(vec!["unheard-of".into()]).is_err());
        assert!(critical(vec![(-70_000).into()]).is_err());
        assert!(critical(vec![]).is_err());
    }

    #[test]
    fn fails_when_a_parameter_stands_in_both() {
        for label in [1, 4, CWT_CLAIMS, VDS] {
            let doubled = changed(|parts| {
                let value = parts.protected.iter().find(|(found, _)| *found == Value::from(label)).unwrap().1.clone();
                parts.unprotected.push((label.into(), value));
            });
            assert_eq!(doubled, Err(CoseError::DoubleParameter), "{label}");
        }
    }
}

mod encoding {
    use super::*;

    fn believed(message: &[u8]) -> Result<Inclusion, CoseError> {
        verify_inclusion(message, &entries()[3], &ed25519().public())
    }

    #[test]
    fn no_message_is_believed_that_was_cut_or_lengthened() {
        let message = Parts::inclusion().sign();
        for length in 0..message.len() {
            assert_eq!(believed(&message[..length]), Err(CoseError::Malformed), "{length}");
        }
        assert_eq!(believed(&[&message[..], &[0]].concat()), Err(CoseError::TrailingBytes { bytes: 1 }));
        assert_eq!(believed(&[&message[..], &message[..]].concat()), Err(CoseError::TrailingBytes { bytes: message.len() }));
        assert_eq!(believed(&vec![0; MAX_BYTES + 1]), Err(CoseError::TooLong { bytes: MAX_BYTES + 1 }));
    }

    #[test]
    fn no_message_is_believed_in_which_one_bit_changed() {
        let message = Parts::inclusion().sign();
        for (position, bit) in (0..message.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut other = message.clone();
            other[position] ^= 1 << bit;
            assert!(believed(&other).is_err(), "bit {bit} of byte {position}");
        }
    }

    #[test]
    fn fails_with_a_key_twice_in_any_map() {
        let doubled = changed(|parts| parts.unprotected.push((VDP.into(), 1.into())));
        assert_eq!(doubled, Err(CoseError::DuplicateKey));
        let doubled = changed(|parts| parts.protected.push((VDS.into(), RFC9162_SHA256.into())));
        assert!(matches!(doubled, Err(CoseError::DuplicateKey | CoseError::NotSign1)), "{doubled:?}");
        let claims = Value::Map(vec![(1.into(), "a".into()), (2.into(), "b".into()), (6.into(), 7.into()), (1.into(), "c".into())]);
        assert_eq!(changed(|parts| parts.set(CWT_CLAIMS, claims)), Err(CoseError::DuplicateKey));
        let proofs = Value::Map(vec![(INCLUSION.into(), Value::Array(vec![])), (INCLUSION.into(), Value::Array(vec![]))]);
        assert_eq!(changed(|parts| parts.unprotected = vec![(VDP.into(), proofs)]), Err(CoseError::DuplicateKey));
    }

    #[test]
    fn fails_in_any_longer_encoding() {
        let parts = Parts::inclusion();
        let message = parts.sign();
        // The array of four with a length byte; of indefinite length; the tag in two bytes.
        let longer = [&[0xd2, 0x98, 4], &message[2..]].concat();
        let indefinite = [&[0xd2, 0x9f], &message[2..], &[0xff]].concat();
        let tagged = [&[0xd8, 18], &message[1..]].concat();
        for other in [longer, indefinite, tagged] {
            assert_eq!(believed(&other), Err(CoseError::NotDeterministic));
        }
        // The signer itself wrote its protected header longer than needed: map of five with a length byte.
        let mut protected = Value::Map(parts.protected.clone()).to_vec().unwrap();
        protected.splice(..1, [0xb8, protected[0] & 0x1f]);
        assert_eq!(believed(&parts.sign_with(protected)), Err(CoseError::NotDeterministic));
    }

    #[test]
    fn fails_for_anything_but_a_tagged_sign1() {
        let message = Parts::inclusion().sign();
        assert_eq!(believed(&message[1..]), Err(CoseError::NotSign1));
        assert_eq!(believed(&[&[0xd1], &message[1..]].concat()), Err(CoseError::NotSign1));
        assert_eq!(believed(&[0xd2, 0x80]), Err(CoseError::NotSign1));
        assert_eq!(believed(&[0xa0]), Err(CoseError::NotSign1));
        let deep: Vec<u8> = [vec![0x81; 10_000], vec![0]].concat();
        assert_eq!(believed(&deep), Err(CoseError::Malformed));
        // Announces 2^60 items and bytes, and has none.
        for head in [0x9b, 0xbb, 0x5b, 0x7b] {
            assert_eq!(believed(&[0xd2, head, 0x10, 0, 0, 0, 0, 0, 0, 0]), Err(CoseError::Malformed));
        }
    }
}

mod consistency {
    use super::*;

    fn believed(message: &[u8], old: u64) -> Result<Consistency, CoseError> {
        verify_consistency(message, old, &tree().root_at(old).unwrap(), &ed25519().public())
    }

    #[test]
    fn every_pair_of_sizes_is_proved_by_both_algorithms() {
        let tree = tree();
        for signer in signers() {
            for size in 1..=SIZE {
                for old_size in 1..=size {
                    let message = super::consistency(&*signer, &claims(), &tree, old_size, size).unwrap();
                    let root = tree.root_at(size).unwrap();
                    let believed = verify_consistency(&message, old_size, &tree.root_at(old_size).unwrap(), &signer.public());
                    assert_eq!(believed, Ok(Consistency { old_size, size, root, claims: claims() }));
                }
            }
        }
    }

    #[test]
    fn fails_for_another_old_tree() {
        let message = Parts::consistency().sign();
        assert!(believed(&message, 6).is_ok());
        for old in [5, 7, SIZE] {
            assert_eq!(believed(&message, old), Err(ProofError::OldRootMismatch.into()));
        }
        assert_eq!(verify_consistency(&message, 6, &[1; 32], &ed25519().public()), Err(ProofError::OldRootMismatch.into()));
    }

    #[test]
    fn fails_for_size_zero_reversed_and_from_two_to_the_31() {
        let sizes = |old: u64, size: u64| {
            let mut parts = Parts::consistency();
            parts.claim_size(size);
            let path = tree().consistency_proof(6, SIZE).unwrap().into_iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
            parts.prove_by(CONSISTENCY, vec![old.into(), size.into(), Value::Array(path)]);
            verify_consistency(&parts.sign(), old, &tree().root_at(6).unwrap(), &ed25519().public())
        };
        assert!(sizes(6, SIZE).is_ok());
        assert_eq!(sizes(0, SIZE), Err(ProofError::EmptyOldTree.into()));
        assert_eq!(sizes(0, 0), Err(ProofError::EmptyOldTree.into()));
        assert_eq!(sizes(SIZE + 1, SIZE), Err(ProofError::SizesReversed.into()));
        assert_eq!(sizes(6, 1 << 31), Err(CoseError::TooLarge { size: 1 << 31 }));
        assert_eq!(sizes(SIZE, SIZE), Err(ProofError::TooLong.into()));
    }

    #[test]
    fn fails_for_a_tree_that_forked() {
        let fork: Tree = entries().iter().map(|entry| leaf_hash(entry)).take(7).chain([[9; 32]; 6]).collect();
        let message = super::consistency(&ed25519(), &claims(), &fork, 7, SIZE).unwrap();
        assert!(believed(&message, 7).is_ok());
        // The same signature, with the proof of the true tree.
        let mut parts = Parts::consistency();
        parts.root = fork.root();
        assert_eq!(believed(&parts.sign(), 6), Err(CoseError::Signature));
    }

    #[test]
    fn fails_in_the_place_of_the_other_kind() {
        assert_eq!(believed(&Parts::inclusion().sign(), 6), Err(CoseError::ProofCount));
        assert_eq!(verify_inclusion(&Parts::consistency().sign(), &entries()[3], &ed25519().public()), Err(CoseError::ProofCount));
    }

    #[test]
    fn is_not_made_of_an_empty_tree() {
        for size in [0, SIZE] {
            assert!(super::consistency(&ed25519(), &claims(), &tree(), 0, size).is_err());
        }
        assert!(verify_consistency(&Parts::consistency().sign(), 0, &EMPTY_ROOT, &ed25519().public()).is_err());
    }
}

mod statement {
    use super::*;

    fn made(signer: &dyn Signer) -> Vec<u8> {
        let receipt = super::inclusion(signer, &claims(), &tree(), 3, SIZE).unwrap();
        super::statement(signer, &claims(), &entries()[3], &[receipt]).unwrap()
    }

    #[test]
    fn carries_an_entry_and_where_it_stands() {
        for signer in signers() {
            let message = made(&*signer);
            let inclusion = Inclusion { size: SIZE, index: 3, root: tree().root(), claims: claims() };
            let believed = Statement { entry: entries()[3].clone(), claims: claims(), inclusion };
            assert_eq!(verify_statement(&message, &signer.public()), Ok(believed));
            assert_eq!(receipts_of(&message), Ok(vec![super::inclusion(&*signer, &claims(), &tree(), 3, SIZE).unwrap()]));
        }
    }

    #[test]
    fn no_changed_bit_is_believed() {
        let message = made(&ed25519());
        for (position, bit) in (0..message.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut other = message.clone();
            other[position] ^= 1 << bit;
            assert!(verify_statement(&other, &ed25519().public()).is_err(), "bit {bit} of byte {position}");
        }
    }

    #[test]
    fn fails_with_the_receipt_of_another_entry_or_about_another_subject() {
        let signer = ed25519();
        let other = super::inclusion(&signer, &claims(), &tree(), 4, SIZE).unwrap();
        let message = super::statement(&signer, &claims(), &entries()[3], &[other]).unwrap();
        assert_eq!(verify_statement(&message, &signer.public()), Err(CoseError::Signature));
        let about = Claims { subject: "something else".into(), ..claims() };
        let other = super::inclusion(&signer, &about, &tree(), 3, SIZE).unwrap();
        let message = super::statement(&signer, &claims(), &entries()[3], &[other]).unwrap();
        assert_eq!(verify_statement(&message, &signer.public()), Err(CoseError::OtherSubject));
    }

    #[test]
    fn fails_without_content_type_payload_or_receipts() {
        let receipt = Value::Bytes(super::inclusion(&ed25519(), &claims(), &tree(), 3, SIZE).unwrap());
        let statement = |change: &dyn Fn(&mut Parts)| {
            let mut parts = Parts::inclusion();
            parts.remove(VDS);
            parts.set(3, ENTRY_TYPE);
            parts.payload = Value::Bytes(entries()[3].clone());
            parts.unprotected = vec![(RECEIPTS.into(), Value::Array(vec![receipt.clone()]))];
            change(&mut parts);
            verify_statement(&parts.sign(), &ed25519().public()).map(|_| ())
        };
        assert_eq!(statement(&|_| ()), Ok(()));
        assert_eq!(statement(&|parts| parts.remove(3)), Err(CoseError::OtherContent));
        assert_eq!(statement(&|parts| parts.set(3, "application/json")), Err(CoseError::OtherContent));
        assert_eq!(statement(&|parts| parts.payload = Value::Null), Err(CoseError::Payload));
        assert_eq!(statement(&|parts| parts.unprotected.clear()), Err(CoseError::Receipts));
        let with = |receipts: Vec<Value>| statement(&|parts| parts.unprotected = vec![(RECEIPTS.into(), Value::Array(receipts.clone()))]);
        assert_eq!(with(vec![]), Err(CoseError::Receipts));
        assert_eq!(with(vec![1_000_000_000.into()]), Err(CoseError::Receipts));
        assert_eq!(with(vec![receipt.clone(); 17]), Err(CoseError::Receipts));
        assert_eq!(super::statement(&ed25519(), &claims(), b"", &[]), Err(CoseError::Receipts));
        let long = super::statement(&ed25519(), &claims(), &vec![0; MAX_BYTES], &[vec![]]);
        assert!(matches!(long, Err(CoseError::TooLong { bytes }) if bytes > MAX_BYTES));
    }

    #[test]
    fn a_receipt_is_no_statement() {
        assert_eq!(verify_statement(&Parts::inclusion().sign(), &ed25519().public()), Err(CoseError::OtherContent));
        assert_eq!(receipts_of(&Parts::inclusion().sign()), Err(CoseError::Receipts));
    }
}
