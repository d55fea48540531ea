//! Logs in other people's formats: COSE messages, signed notes, proofs, keys. Whatever is believed has to be what the tree holds.

use blockcloud_receipt_log::{
    Hash, Tree,
    formats::{
        PublicKey, Signer,
        cose::{self, Claims, HeadSeen},
        note::{self, NoteKey, Proof, Role, TreeHead},
    },
    leaf_hash,
};
use coset::{CoseSign1, TaggedCborSerializable as _};
use ed25519_dalek::SigningKey;
use std::sync::LazyLock;

const SIZE: u64 = 13;
const OLD: u64 = 6;
const INDEX: u64 = 3;
const ORIGIN: &str = "audit.example.com/00/job/5";
const WITNESS: &str = "witness.example.com/w1";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
static OTHER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[8; 32]));
static TREE: LazyLock<Tree> = LazyLock::new(|| (0..SIZE).map(|index| leaf_hash(&entry(index))).collect());
static LOG: LazyLock<NoteKey> = LazyLock::new(|| NoteKey::new(ORIGIN, Role::Log, &KEY.public()).unwrap());
static WITNESSES: LazyLock<[NoteKey; 1]> = LazyLock::new(|| [NoteKey::new(WITNESS, Role::Witness, &OTHER.public()).unwrap()]);

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn claims() -> Claims {
    Claims { issuer: "audit.example.com".into(), subject: "blockcloud:00/job/5".into(), issued_at: 1, head_seen: HeadSeen::Chain }
}

fn old_root() -> Hash {
    TREE.root_at(OLD).unwrap()
}

/// As it is: whatever is believed is the one message that was signed.
pub fn cose_inclusion(data: &[u8]) -> bool {
    let Ok(found) = cose::verify_inclusion(data, &entry(INDEX), &KEY.public()) else { return false };
    assert_eq!((found.size, found.index, found.root, found.claims), (SIZE, INDEX, TREE.root(), claims()));
    true
}

pub fn cose_inclusion_seeds() -> Vec<Vec<u8>> {
    let made = |index: u64, size: u64| cose::inclusion(&*KEY, &claims(), &TREE, index, size).unwrap();
    vec![made(INDEX, SIZE), made(4, SIZE), made(0, 1)]
}

pub fn cose_consistency(data: &[u8]) -> bool {
    let Ok(found) = cose::verify_consistency(data, OLD, &old_root(), &KEY.public()) else { return false };
    assert_eq!((found.old_size, found.size, found.root, found.claims), (OLD, SIZE, TREE.root(), claims()));
    true
}

pub fn cose_consistency_seeds() -> Vec<Vec<u8>> {
    let made = |old: u64| cose::consistency(&*KEY, &claims(), &TREE, old, SIZE).unwrap();
    vec![made(OLD), made(8), made(SIZE)]
}

pub fn cose_statement(data: &[u8]) -> bool {
    let receipts = cose::receipts_of(data);
    let Ok(found) = cose::verify_statement(data, &KEY.public()) else { return false };
    assert!(receipts.is_ok_and(|receipts| !receipts.is_empty()), "a statement that is believed carries receipts");
    assert_eq!((found.entry, found.inclusion.index, found.inclusion.root), (entry(INDEX), INDEX, TREE.root()));
    true
}

pub fn cose_statement_seeds() -> Vec<Vec<u8>> {
    let [receipt, other, _] = cose_inclusion_seeds().try_into().unwrap();
    let made = |receipts: &[Vec<u8>]| cose::statement(&*KEY, &claims(), &entry(INDEX), receipts).unwrap();
    vec![made(&[receipt.clone()]), made(&[receipt.clone(), other]), receipt]
}

/// Signed anew over the root, so that what stands in headers and proof gets to its checks: no proof but a true one leads to the root.
pub fn cose_signed(data: &[u8]) -> bool {
    let Ok(mut message) = CoseSign1::from_tagged_slice(data) else { return false };
    if message.payload.is_some() {
        return false;
    }
    message.signature = Signer::sign(&*KEY, &message.tbs_detached_data(&TREE.root(), &[])).to_vec();
    let Ok(data) = message.to_tagged_vec() else { return false };
    let consistent = cose::verify_consistency(&data, OLD, &old_root(), &KEY.public());
    let included = cose::verify_inclusion(&data, &entry(INDEX), &KEY.public());
    assert!(consistent.is_err() || included.is_err(), "a receipt is of one kind");
    for (size, root) in consistent.iter().map(|found| (found.size, found.root)).chain(included.iter().map(|found| (found.size, found.root)))
    {
        assert!(root == TREE.root() && size < 1 << 31);
    }
    if let Ok(found) = &included {
        // Other trees with the same path are the signer's own lie: it says their size.
        assert!(found.index < found.size);
    }
    consistent.is_ok() || included.is_ok()
}

pub fn cose_signed_seeds() -> Vec<Vec<u8>> {
    [cose_inclusion_seeds(), cose_consistency_seeds()].concat()
}

fn head() -> TreeHead {
    TreeHead { origin: ORIGIN.into(), size: SIZE, root: TREE.root() }
}

fn signed() -> String {
    note::cosign(&note::sign(&head(), &*KEY).unwrap(), WITNESS, 1_679_315_147, &*OTHER).unwrap()
}

/// As it is: whatever is believed is the head that was signed.
pub fn note(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(opened) = note::open(text, &LOG, &*WITNESSES, 0) else { return false };
    assert_eq!(opened.head, head());
    assert!(opened.witnesses.iter().all(|witness| *witness == (WITNESS.to_owned(), 1_679_315_147)) && opened.witnesses.len() <= 1);
    true
}

pub fn note_seeds() -> Vec<Vec<u8>> {
    let stranger = note::cosign(&signed(), "other.example.com/w", 2, &*KEY).unwrap();
    vec![signed().into_bytes(), note::sign(&head(), &*KEY).unwrap().into_bytes(), stranger.into_bytes()]
}

/// The text of a note, signed and cosigned as it is: whatever is believed says itself again.
pub fn note_signed(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let [id, key] = [1, 2].map(|part| LOG.to_vkey().splitn(3, '+').nth(part).unwrap().to_owned());
    assert!(NoteKey::from_vkey(&format!("{ORIGIN}+{id}+{key}")).is_ok());
    let line = note::sign(&head(), &*KEY).unwrap();
    // The name and number of the key from a good line, the signature over this text.
    let prefix = hex::decode(&id).unwrap();
    let Some((dash, _)) = line.trim_end().rsplit_once(' ') else { return false };
    let dash = dash.rsplit('\n').next().unwrap_or_default();
    let signature = [prefix.as_slice(), &Signer::sign(&*KEY, text.as_bytes())].concat();
    let note = format!("{text}\n{dash} {}\n", base64(&signature));
    let Ok(opened) = note::open(&note, &LOG, &[], 0) else { return false };
    assert!(opened.head.origin == ORIGIN && opened.head.size < 1 << 31);
    let again = note::sign(&opened.head, &*KEY).unwrap();
    assert_eq!(note::open(&again, &LOG, &[], 0), Ok(opened.clone()));
    let cosigned = note::cosign(&note, WITNESS, 5, &*OTHER).unwrap();
    assert_eq!(note::open(&cosigned, &LOG, &*WITNESSES, 1).map(|opened| opened.head), Ok(opened.head));
    true
}

pub fn note_signed_seeds() -> Vec<Vec<u8>> {
    let text = |size: &str| format!("{ORIGIN}\n{size}\n{}\n", base64(&TREE.root()));
    vec![text("13").into_bytes(), text("2147483647").into_bytes(), (text("1") + "extension\n").into_bytes()]
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, place: u32| char::from(DIGITS[(group >> (18 - 6 * place) & 63) as usize]);
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group = chunk.iter().zip([16, 8, 0]).map(|(byte, shift)| u32::from(*byte) << shift).sum();
            (0..4).map(move |place| if place as usize <= chunk.len() { digit(group, place) } else { '=' }).collect::<Vec<_>>()
        })
        .collect()
}

/// A proof as it is, for its own entry: whatever is believed is a leaf of the tree at its place.
pub fn tlog_proof(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(proof) = Proof::read(text) else { return false };
    assert_eq!(Proof::read(&proof.to_text()).as_ref(), Ok(&proof));
    let Some(entry) = &proof.extra else { return false };
    let Ok(opened) = proof.verify(entry, &LOG, &*WITNESSES, 0) else { return false };
    assert_eq!(opened.head, head());
    assert_eq!(TREE.leaf(proof.index), Some(leaf_hash(entry)));
    true
}

pub fn tlog_proof_seeds() -> Vec<Vec<u8>> {
    let made = |index: u64| Proof::of(&TREE, index, signed(), Some(entry(index))).unwrap();
    let bare = Proof { extra: None, ..made(4) };
    vec![made(INDEX).to_text().into_bytes(), made(12).to_text().into_bytes(), bare.to_text().into_bytes()]
}

pub fn verifier_key(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(key) = NoteKey::from_vkey(text) else { return false };
    assert_eq!(NoteKey::from_vkey(&key.to_vkey()), Ok(key));
    true
}

pub fn verifier_key_seeds() -> Vec<Vec<u8>> {
    [LOG.to_vkey(), WITNESSES[0].to_vkey()].map(String::into_bytes).into()
}

/// In DER and in PEM.
pub fn public_key(data: &[u8]) -> bool {
    let [der, pem] = [PublicKey::from_der(data), PublicKey::from_pem(data)];
    for key in der.iter().chain(&pem) {
        assert_eq!(PublicKey::from_der(&key.to_der().unwrap()), Ok(*key));
        assert!(key.verify(b"", &[0; 64]).is_err());
    }
    der.is_ok() || pem.is_ok()
}

pub fn public_key_seeds() -> Vec<Vec<u8>> {
    let p256 = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let (der, pem) = (KEY.public().to_der().unwrap(), KEY.public().to_pem().unwrap());
    vec![der, pem.into_bytes(), hex::decode(p256).unwrap()]
}
