//! Signed notes, and proofs of the trees that they are about, as another implementation of C2SP sees them.

use crate::common::leaves;
use blockcloud_receipt_log::{
    Hash, Tree,
    formats::{
        Signer as _,
        note::{self, NoteKey, Role, TreeHead},
    },
};
use ed25519_dalek::SigningKey;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash as TheirHash, check_record, check_tree};

const ORIGIN: &str = "audit.example.com/00/job/5";
const LARGEST: u64 = 70;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn vkey() -> String {
    NoteKey::new(ORIGIN, Role::Log, &key().public()).unwrap().to_vkey()
}

fn signed(tree: &Tree, size: u64) -> String {
    note::sign(&TreeHead { origin: ORIGIN.into(), size, root: tree.root_at(size).unwrap() }, &key()).unwrap()
}

/// Whether the other implementation believes a note under our key.
fn believed(text: &str, vkey: &str) -> bool {
    let verifiers = VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())]);
    Note::from_bytes(text.as_bytes()).is_ok_and(|note| note.verify(&verifiers).is_ok_and(|(verified, _)| verified.len() == 1))
}

#[test]
fn another_implementation_believes_our_notes_and_reads_what_they_say() {
    let tree: Tree = leaves(LARGEST).into_iter().collect();
    for size in 1..=LARGEST {
        let text = signed(&tree, size);
        assert!(believed(&text, &vkey()));
        let note = Note::from_bytes(text.as_bytes()).unwrap();
        let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
        let read = (checkpoint.origin(), checkpoint.size(), checkpoint.hash().0, checkpoint.extension());
        assert_eq!(read, (ORIGIN, size, tree.root_at(size).unwrap(), ""));
    }
}

#[test]
fn another_implementation_believes_no_changed_note_and_ignores_witnesses_that_it_does_not_know() {
    let tree: Tree = leaves(LARGEST).into_iter().collect();
    let text = signed(&tree, 13);
    let other = SigningKey::from_bytes(&[8; 32]);
    assert!(!believed(&text, &NoteKey::new(ORIGIN, Role::Log, &other.public()).unwrap().to_vkey()));
    assert!(!believed(&text.replace("\n13\n", "\n14\n"), &vkey()));
    assert!(!believed(&text.replacen("audit", "other", 1), &vkey()));
    assert!(believed(&note::cosign(&text, "witness.example.com/w1", 1_679_315_147, &other).unwrap(), &vkey()));
}

#[test]
fn we_believe_notes_of_another_implementation() {
    let tree: Tree = leaves(13).into_iter().collect();
    let ours = signed(&tree, 13);
    let text = ours.split_inclusive('\n').take(3).collect::<String>();
    // Its keys are written with the type of signature before the seed.
    let [id, _] = [1, 2].map(|part| vkey().splitn(3, '+').nth(part).unwrap().to_owned());
    let secret = base64(&[&[1], key().to_bytes().as_slice()].concat());
    let signer = signed_note::StandardSigner::new(&format!("PRIVATE+KEY+{ORIGIN}+{id}+{secret}")).unwrap();
    let mut theirs = Note::new(text.as_bytes(), &[]).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), ours);
    let key = NoteKey::from_vkey(&vkey()).unwrap();
    assert_eq!(note::open(&ours, &key, &[], 0).unwrap().head.root, tree.root());
}

fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(blockcloud_receipt_log::document::Base64(bytes.to_vec())).unwrap().as_str().unwrap().into()
}

#[test]
fn another_implementation_believes_our_proofs_and_no_others() {
    let leaves = leaves(LARGEST);
    let tree: Tree = leaves.iter().copied().collect();
    let theirs = |hashes: Vec<Hash>| hashes.into_iter().map(TheirHash).collect::<Vec<_>>();
    for size in 1..=LARGEST {
        let root = TheirHash(tree.root_at(size).unwrap());
        for (index, leaf) in (0..size).zip(&leaves) {
            let proof = theirs(tree.inclusion_proof(index, size).unwrap());
            assert!(check_record(&proof, size, root, index, TheirHash(*leaf)).is_ok());
            assert!(check_record(&proof, size, root, index, TheirHash([1; 32])).is_err());
            assert!(check_record(&proof, size, root, index + 1, TheirHash(*leaf)).is_err());
        }
        for old in 1..=size {
            let (proof, old_root) = (theirs(tree.consistency_proof(old, size).unwrap()), TheirHash(tree.root_at(old).unwrap()));
            assert!(check_tree(&proof, size, root, old, old_root).is_ok());
            assert!(check_tree(&proof, size, root, old, TheirHash([1; 32])).is_err());
        }
    }
}
