//! COSE Receipts (RFC 9942) over RFC 9162 trees, and the signed statement (RFC 9943) that carries one of our entries with its receipt.
//!
//! A **receipt of inclusion** or **of consistency** is a tagged COSE_Sign1 (RFC 9052, 4.2) without payload: what is signed is the tree's root, which the verifier
//! computes from leaf and proof, so that a receipt cannot be believed without doing so. Protected: `alg` (1), `kid` (4, SHA-256 of the key's
//! SubjectPublicKeyInfo), CWT claims (15, RFC 9597) with `iss` (who exported), `sub` (what about), `iat` (Unix seconds), `tree-size` and `head-seen`, and `vds` (395) = 1. Unprotected:
//! `vdp` (396) with exactly one proof under -1 (`[size, index, [path]]`) or -2 (`[size-1, size-2, [path]]`).
//!
//! `tree-size` is ours, and demanded here: RFC 9942 leaves the size to the unsigned proof, and a root does not commit to it. Leaf 3 has the same path in trees of 12 and of 13
//! leaves, so that whoever passes a receipt on could change the one into the other. `head-seen` is ours as well: where the signer saw the head that it signs for.
//!
//! A **statement** is a COSE_Sign1 whose payload is a receipt's canonical encoding (our word *receipt*: one handling of data) and whose unprotected header carries
//! COSE Receipts (394). It is what other people's tools call a transparent statement.
//!
//! Reading is strict: only the shortest encoding of definite length, no key twice, nothing behind the end; `alg` and `vds` count in the protected header only, which is why
//! the same message has one encoding. Signers are named by whoever verifies, never by the message. Not here: trust in a signer, and whether the chain knows the root.

use super::{Algorithm, ENTRY_TYPE, KeyError, MAX_TREE_SIZE, PublicKey, Signer, WrongSignature};
use crate::{Hash, ProofError, Tree, TreeError, leaf_hash, verify};
use coset::{
    CborSerializable as _, ContentType, CoseSign1, CoseSign1Builder, Header, HeaderBuilder, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
    cbor::Value,
    iana::{self, EnumI64 as _},
};
use std::collections::BTreeSet;
use thiserror::Error;

/// Longer messages are refused unread.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deeper nesting is refused: a statement's header holds receipts as byte strings, so no message of ours has more than five levels.
const MAX_DEPTH: usize = 16;
/// More COSE Receipts on one statement are refused.
const MAX_RECEIPTS: usize = 16;
/// More hashes than any path of a tree below 2^31 leaves, inclusion or consistency, has.
const MAX_PATH: usize = 64;

/// RFC 9942, sections 2 and 5.
const RECEIPTS: i64 = 394;
const VDS: i64 = 395;
const VDP: i64 = 396;
const RFC9162_SHA256: i64 = 1;
const INCLUSION: i64 = -1;
const CONSISTENCY: i64 = -2;
/// RFC 9597.
const CWT_CLAIMS: i64 = 15;
/// RFC 8392, section 3.1.
const ISS: i64 = 1;
const SUB: i64 = 2;
const IAT: i64 = 6;
/// A claim of our own: the size of the tree whose root is signed.
const TREE_SIZE: &str = "tree-size";
/// Another: where the head was seen.
const HEAD_SEEN: &str = "head-seen";

/// Why a message is not believed, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CoseError {
    /// It is longer than any message of this kind.
    #[error("{bytes} bytes are more than the {MAX_BYTES} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is no CBOR: truncated, or nonsense.
    #[error("this is not CBOR, or it is cut off")]
    Malformed,
    /// Something stands behind its end.
    #[error("{bytes} bytes follow the end of the message")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// The same content could be written shorter: longer integers than needed, indefinite lengths.
    #[error("the encoding is not the shortest one of definite length (RFC 8949, 4.2.1)")]
    NotDeterministic,
    /// A map has the same key twice.
    #[error("a map holds the same key twice")]
    DuplicateKey,
    /// It is not a tagged COSE_Sign1.
    #[error("this is not a COSE_Sign1 with its tag 18")]
    NotSign1,
    /// The same parameter stands in the protected and in the unprotected header.
    #[error("a header parameter stands in both headers")]
    DoubleParameter,
    /// The signer demands that something be understood which is not.
    #[error("the header marks a parameter as critical that is not understood here, or not present")]
    Critical,
    /// The algorithm is not one of the two, or is missing from the protected header.
    #[error("the protected header names no algorithm that is known here (ES256, EdDSA)")]
    UnknownAlgorithm,
    /// The algorithm is not that of the key.
    #[error("the message is signed with another algorithm than the key's")]
    AlgorithmMismatch,
    /// The message names another key.
    #[error("the message names another key (kid) than the one it is verified with")]
    KeyMismatch,
    /// Issuer, subject, time of issue or where the head was seen are missing or of the wrong type.
    #[error("the protected header does not say who issued this, about what, when, and where the head was seen")]
    Claims,
    /// The verifiable data structure is not an RFC 9162 tree over SHA-256, or is not named in the protected header.
    #[error("the protected header does not name RFC9162_SHA256 as the verifiable data structure")]
    OtherStructure,
    /// There is not exactly one proof, of the wanted kind.
    #[error("there is not exactly one proof, of the kind that is asked for")]
    ProofCount,
    /// The proof is not `[uint, uint, [hashes of 32 bytes]]`.
    #[error("the proof is not two sizes or positions and a list of hashes")]
    ProofShape,
    /// The tree is larger than any that is exported.
    #[error("a tree of {size} leaves is larger than the {MAX_TREE_SIZE} that are accepted")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// The signer does not say how large the tree is, or says something else than the proof.
    #[error("the tree's size is not signed, or is another one than the proof's")]
    SizeMismatch,
    /// The payload is not where it has to be: a receipt has none, a statement has one.
    #[error("a receipt must leave its payload out, a statement must have one")]
    Payload,
    /// The content is not one of our entries.
    #[error("the statement's content type is not {ENTRY_TYPE}")]
    OtherContent,
    /// The receipt does not say that it is about what the statement is about.
    #[error("receipt and statement are about different subjects")]
    OtherSubject,
    /// The statement carries no receipt, or too many, or something else in their place.
    #[error("the statement carries no COSE Receipts, or more than {MAX_RECEIPTS}")]
    Receipts,
    /// The proof fails.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The signature is not the key's over what leaf and proof lead to.
    #[error("the signature is not the key's over the root that leaf and proof lead to: something was changed, or somebody else signed")]
    Signature,
    /// The tree cannot answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The key cannot be encoded.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<WrongSignature> for CoseError {
    fn from(_: WrongSignature) -> Self {
        Self::Signature
    }
}

/// Where a signer saw the head of the log that it signs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadSeen {
    /// In the chain's finalised state, asked of a node.
    Chain,
    /// In an audit bundle whose evidence and signatures hold; no node was asked.
    Bundle,
}

impl HeadSeen {
    /// The claim's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Bundle => "bundle",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Chain, Self::Bundle].into_iter().find(|seen| seen.as_str() == text)
    }
}

/// What a signer says about a message (CWT claims, RFC 8392).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who exported and signed (`iss`): a URI or a name.
    pub issuer: String,
    /// What it is about (`sub`): the URI of a receipt or a log.
    pub subject: String,
    /// When it was issued (`iat`), in Unix seconds.
    pub issued_at: u64,
    /// Where it saw the log's head (`head-seen`).
    pub head_seen: HeadSeen,
}

/// A receipt of inclusion that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Number of leaves in the tree.
    pub size: u64,
    /// Position of the leaf.
    pub index: u64,
    /// Root of the tree: what is signed.
    pub root: Hash,
    /// What the signer says.
    pub claims: Claims,
}

/// A receipt of consistency that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Number of leaves in the older tree.
    pub old_size: u64,
    /// Number of leaves in the newer tree.
    pub size: u64,
    /// Root of the newer tree: what is signed.
    pub root: Hash,
    /// What the signer says.
    pub claims: Claims,
}

/// A statement that was believed: its signature, and the first of its COSE Receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The entry: a receipt's canonical encoding.
    pub entry: Vec<u8>,
    /// What its signer says.
    pub claims: Claims,
    /// Where the entry stands, by its COSE Receipt.
    pub inclusion: Inclusion,
}

/// Makes a receipt of inclusion: leaf `index` in the tree's first `size` leaves.
///
/// # Errors
/// [`CoseError::Tree`], [`CoseError::TooLarge`], [`CoseError::Key`].
pub fn inclusion(signer: &dyn Signer, claims: &Claims, tree: &Tree, index: u64, size: u64) -> Result<Vec<u8>, CoseError> {
    let path = tree.inclusion_proof(index, size)?;
    receipt(signer, claims, size, INCLUSION, proof([size, index], size, path)?, &tree.root_at(size)?)
}

/// Makes a receipt of consistency between the tree's first `old` and first `size` leaves.
///
/// # Errors
/// [`CoseError::Tree`], [`CoseError::TooLarge`], [`CoseError::Key`].
pub fn consistency(signer: &dyn Signer, claims: &Claims, tree: &Tree, old: u64, size: u64) -> Result<Vec<u8>, CoseError> {
    let path = tree.consistency_proof(old, size)?;
    // RFC 9162 has nothing to prove about an empty tree, and two empty trees are no exception.
    if old == 0 {
        return Err(ProofError::EmptyOldTree.into());
    }
    receipt(signer, claims, size, CONSISTENCY, proof([old, size], size, path)?, &tree.root_at(size)?)
}

/// Makes a statement that carries an entry and its COSE Receipts, in order of preference.
///
/// # Errors
/// [`CoseError::Receipts`], [`CoseError::TooLong`], [`CoseError::Key`].
pub fn statement(signer: &dyn Signer, claims: &Claims, entry: &[u8], receipts: &[Vec<u8>]) -> Result<Vec<u8>, CoseError> {
    if receipts.is_empty() || receipts.len() > MAX_RECEIPTS {
        return Err(CoseError::Receipts);
    }
    let receipts = receipts.iter().map(|receipt| Value::Bytes(receipt.clone())).collect();
    let message = CoseSign1Builder::new()
        .protected(protected(&signer.public(), claims, None)?.content_type(ENTRY_TYPE.into()).build())
        .unprotected(HeaderBuilder::new().value(RECEIPTS, Value::Array(receipts)).build())
        .payload(entry.to_vec())
        .create_signature(&[], |message| signer.sign(message).to_vec());
    finish(message.build())
}

/// Verifies a receipt of inclusion for this entry under this key.
///
/// # Errors
/// Every [`CoseError`] of reading; [`CoseError::Proof`]; [`CoseError::Signature`].
pub fn verify_inclusion(message: &[u8], entry: &[u8], key: &PublicKey) -> Result<Inclusion, CoseError> {
    let message = read(message)?;
    let (claims, [size, index], path) = read_receipt(&message, INCLUSION, key)?;
    let root = verify::root_of_inclusion(size, index, &leaf_hash(entry), &path)?;
    verify_detached(&message, &root, key)?;
    Ok(Inclusion { size, index, root, claims })
}

/// Verifies a receipt of consistency under this key: the signed tree continues that of `old_size` leaves with root `old_root`.
///
/// # Errors
/// Every [`CoseError`] of reading; [`CoseError::Proof`], also for another old size than the receipt's ([`ProofError::OldRootMismatch`]); [`CoseError::Signature`].
pub fn verify_consistency(message: &[u8], old_size: u64, old_root: &Hash, key: &PublicKey) -> Result<Consistency, CoseError> {
    let message = read(message)?;
    let (claims, [from, size], path) = read_receipt(&message, CONSISTENCY, key)?;
    if from == 0 {
        return Err(ProofError::EmptyOldTree.into());
    }
    if from != old_size {
        return Err(ProofError::OldRootMismatch.into());
    }
    let root = verify::root_of_consistency(from, old_root, size, &path)?;
    verify_detached(&message, &root, key)?;
    Ok(Consistency { old_size, size, root, claims })
}

/// Verifies a statement and the first of its COSE Receipts, both under this key, and that the two are about the same subject.
///
/// # Errors
/// Every [`CoseError`] of reading; [`CoseError::OtherContent`]; [`CoseError::OtherSubject`]; [`CoseError::Proof`]; [`CoseError::Signature`].
pub fn verify_statement(message: &[u8], key: &PublicKey) -> Result<Statement, CoseError> {
    let message = read(message)?;
    let claims = read_claims(&message, key, &[CWT_CLAIMS])?;
    if message.protected.header.content_type != Some(ContentType::Text(ENTRY_TYPE.into())) {
        return Err(CoseError::OtherContent);
    }
    let entry = message.payload.as_ref().ok_or(CoseError::Payload)?;
    message.verify_signature(&[], |signature, signed| key.verify(signed, signature))?;
    let receipts = match parameter(&message.unprotected, RECEIPTS) {
        Some(Value::Array(receipts)) if receipts.len() <= MAX_RECEIPTS => receipts,
        _ => return Err(CoseError::Receipts),
    };
    let first = receipts.first().and_then(Value::as_bytes).ok_or(CoseError::Receipts)?;
    let inclusion = verify_inclusion(first, entry, key)?;
    if inclusion.claims.subject != claims.subject {
        return Err(CoseError::OtherSubject);
    }
    Ok(Statement { entry: entry.clone(), claims, inclusion })
}

/// The COSE Receipts that a statement carries, unverified. For tools that want them one by one.
///
/// # Errors
/// Every [`CoseError`] of reading; [`CoseError::Receipts`].
pub fn receipts_of(message: &[u8]) -> Result<Vec<Vec<u8>>, CoseError> {
    let message = read(message)?;
    match parameter(&message.unprotected, RECEIPTS) {
        Some(Value::Array(receipts)) if !receipts.is_empty() && receipts.len() <= MAX_RECEIPTS => {
            receipts.iter().map(|receipt| receipt.as_bytes().cloned().ok_or(CoseError::Receipts)).collect()
        }
        _ => Err(CoseError::Receipts),
    }
}

fn receipt(signer: &dyn Signer, claims: &Claims, size: u64, kind: i64, proof: Vec<u8>, root: &Hash) -> Result<Vec<u8>, CoseError> {
    let proofs = Value::Map(vec![(kind.into(), Value::Array(vec![Value::Bytes(proof)]))]);
    let message = CoseSign1Builder::new()
        .protected(protected(&signer.public(), claims, Some(size))?.value(VDS, RFC9162_SHA256.into()).build())
        .unprotected(HeaderBuilder::new().value(VDP, proofs).build())
        .create_detached_signature(root, &[], |message| signer.sign(message).to_vec());
    finish(message.build())
}

fn finish(message: CoseSign1) -> Result<Vec<u8>, CoseError> {
    let bytes = message.to_tagged_vec().map_err(|_| CoseError::Malformed)?;
    if bytes.len() > MAX_BYTES { Err(CoseError::TooLong { bytes: bytes.len() }) } else { Ok(bytes) }
}

fn proof(numbers: [u64; 2], size: u64, path: Vec<Hash>) -> Result<Vec<u8>, CoseError> {
    check_size(size)?;
    let [first, second] = numbers.map(Value::from);
    let path = path.into_iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
    Value::Array(vec![first, second, Value::Array(path)]).to_vec().map_err(|_| CoseError::Malformed)
}

fn check_size(size: u64) -> Result<(), CoseError> {
    if size > MAX_TREE_SIZE { Err(CoseError::TooLarge { size }) } else { Ok(()) }
}

/// What every message of ours protects, in the order of its labels.
fn protected(key: &PublicKey, claims: &Claims, size: Option<u64>) -> Result<HeaderBuilder, CoseError> {
    let algorithm = match key.algorithm() {
        Algorithm::Es256 => iana::Algorithm::ES256,
        Algorithm::EdDsa => iana::Algorithm::EdDSA,
    };
    let mut map: Vec<(Value, Value)> = vec![
        (ISS.into(), claims.issuer.as_str().into()),
        (SUB.into(), claims.subject.as_str().into()),
        (IAT.into(), claims.issued_at.into()),
        (HEAD_SEEN.into(), claims.head_seen.as_str().into()),
    ];
    map.extend(size.map(|size| (TREE_SIZE.into(), size.into())));
    Ok(HeaderBuilder::new().algorithm(algorithm).key_id(key.id()?.to_vec()).value(CWT_CLAIMS, Value::Map(map)))
}

/// Reads a tagged COSE_Sign1 strictly.
fn read(bytes: &[u8]) -> Result<CoseSign1, CoseError> {
    match strict(bytes)? {
        Value::Tag(CoseSign1::TAG, _) => {}
        _ => return Err(CoseError::NotSign1),
    }
    let message = CoseSign1::from_tagged_slice(bytes).map_err(|_| CoseError::NotSign1)?;
    // Where it is empty, its encoding is, too, and nothing is left to be strict about.
    if let Some(protected) = message.protected.original_data.as_ref().filter(|bytes| !bytes.is_empty()) {
        strict(protected)?;
    }
    let labels: BTreeSet<_> = labels(&message.protected.header).collect();
    if self::labels(&message.unprotected).any(|label| labels.contains(&label)) {
        return Err(CoseError::DoubleParameter);
    }
    Ok(message)
}

/// Reads one CBOR item that has only this encoding, up to the order of keys.
fn strict(bytes: &[u8]) -> Result<Value, CoseError> {
    if bytes.len() > MAX_BYTES {
        return Err(CoseError::TooLong { bytes: bytes.len() });
    }
    let mut rest = bytes;
    let value: Value = coset::cbor::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH).map_err(|_| CoseError::Malformed)?;
    if !rest.is_empty() {
        return Err(CoseError::TrailingBytes { bytes: rest.len() });
    }
    check_keys(&value)?;
    if value.clone().to_vec().is_ok_and(|again| again == bytes) { Ok(value) } else { Err(CoseError::NotDeterministic) }
}

/// No map has a key twice, at any depth.
fn check_keys(value: &Value) -> Result<(), CoseError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_keys),
        Value::Tag(_, item) => check_keys(item),
        Value::Map(entries) => {
            let mut keys = BTreeSet::new();
            entries.iter().try_for_each(|(key, value)| {
                let key_bytes = key.clone().to_vec().map_err(|_| CoseError::Malformed)?;
                if !keys.insert(key_bytes) {
                    return Err(CoseError::DuplicateKey);
                }
                check_keys(key)?;
                check_keys(value)
            })
        }
        _ => Ok(()),
    }
}

/// Labels of the parameters in a header.
fn labels(header: &Header) -> impl Iterator<Item = Label> {
    let known = [
        (header.alg.is_some(), iana::HeaderParameter::Alg),
        (!header.crit.is_empty(), iana::HeaderParameter::Crit),
        (header.content_type.is_some(), iana::HeaderParameter::ContentType),
        (!header.key_id.is_empty(), iana::HeaderParameter::Kid),
        (!header.iv.is_empty(), iana::HeaderParameter::Iv),
        (!header.partial_iv.is_empty(), iana::HeaderParameter::PartialIv),
        (!header.counter_signatures.is_empty(), iana::HeaderParameter::CounterSignature),
    ];
    let known = known.into_iter().filter(|(present, _)| *present).map(|(_, parameter)| Label::Int(parameter.to_i64()));
    known.chain(header.rest.iter().map(|(label, _)| label.clone()))
}

/// A parameter of those that the library has no field for.
fn parameter(header: &Header, label: i64) -> Option<&Value> {
    header.rest.iter().find(|(found, _)| *found == Label::Int(label)).map(|(_, value)| value)
}

/// Checks what the protected header says of key, algorithm and what has to be understood, and reads the claims.
fn read_claims(message: &CoseSign1, key: &PublicKey, understood: &[i64]) -> Result<Claims, CoseError> {
    let header = &message.protected.header;
    let algorithm = match &header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256)) => Algorithm::Es256,
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) => Algorithm::EdDsa,
        _ => return Err(CoseError::UnknownAlgorithm),
    };
    if algorithm != key.algorithm() {
        return Err(CoseError::AlgorithmMismatch);
    }
    // RFC 9052, 3.1: whatever is critical must be present in this header, and understood.
    let present: BTreeSet<_> = labels(header).collect();
    let always =
        [iana::HeaderParameter::Alg, iana::HeaderParameter::ContentType, iana::HeaderParameter::Kid].map(|parameter| parameter.to_i64());
    let critical = header.crit.iter().all(|label| match label {
        RegisteredLabelWithPrivate::Assigned(parameter) => {
            let label = parameter.to_i64();
            present.contains(&Label::Int(label)) && (always.contains(&label) || understood.contains(&label))
        }
        _ => false,
    });
    if !critical {
        return Err(CoseError::Critical);
    }
    if header.key_id != key.id()? {
        return Err(CoseError::KeyMismatch);
    }
    let claims = parameter(header, CWT_CLAIMS).and_then(Value::as_map).ok_or(CoseError::Claims)?;
    let claim = |label: Value| claims.iter().find(|(key, _)| *key == label).map(|(_, value)| value);
    let text = |label| claim(label).and_then(Value::as_text).filter(|text| !text.is_empty()).ok_or(CoseError::Claims);
    let issued_at = claim(IAT.into()).and_then(unsigned).ok_or(CoseError::Claims)?;
    let head_seen = HeadSeen::read(text(HEAD_SEEN.into())?).ok_or(CoseError::Claims)?;
    Ok(Claims { issuer: text(ISS.into())?.into(), subject: text(SUB.into())?.into(), issued_at, head_seen })
}

fn unsigned(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|number| number.try_into().ok())
}

/// Reads a receipt's headers and its one proof of this kind: claims, the proof's two numbers, its path.
fn read_receipt(message: &CoseSign1, kind: i64, key: &PublicKey) -> Result<(Claims, [u64; 2], Vec<Hash>), CoseError> {
    let claims = read_claims(message, key, &[CWT_CLAIMS, VDS])?;
    if parameter(&message.protected.header, VDS) != Some(&Value::from(RFC9162_SHA256)) {
        return Err(CoseError::OtherStructure);
    }
    if message.payload.is_some() {
        return Err(CoseError::Payload);
    }
    let proofs = parameter(&message.unprotected, VDP).and_then(Value::as_map).ok_or(CoseError::ProofCount)?;
    let proof = match proofs.as_slice() {
        [(found, Value::Array(proofs))] if *found == Value::from(kind) => match proofs.as_slice() {
            [Value::Bytes(proof)] => proof,
            _ => return Err(CoseError::ProofCount),
        },
        _ => return Err(CoseError::ProofCount),
    };
    let Value::Array(parts) = strict(proof)? else { return Err(CoseError::ProofShape) };
    let [first, second, Value::Array(path)] = parts.as_slice() else { return Err(CoseError::ProofShape) };
    let (Some(first), Some(second)) = (unsigned(first), unsigned(second)) else { return Err(CoseError::ProofShape) };
    if path.len() > MAX_PATH {
        return Err(ProofError::TooLong.into());
    }
    let size = if kind == INCLUSION { first } else { second };
    check_size(size)?;
    let claimed = parameter(&message.protected.header, CWT_CLAIMS).and_then(Value::as_map);
    let claimed = claimed.and_then(|claims| claims.iter().find(|(key, _)| *key == Value::from(TREE_SIZE)));
    if claimed.and_then(|(_, value)| unsigned(value)) != Some(size) {
        return Err(CoseError::SizeMismatch);
    }
    let hash = |value: &Value| value.as_bytes().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok()).ok_or(CoseError::ProofShape);
    Ok((claims, [first, second], path.iter().map(hash).collect::<Result<_, _>>()?))
}

fn verify_detached(message: &CoseSign1, root: &Hash, key: &PublicKey) -> Result<(), CoseError> {
    // That there is no payload was checked: the library would panic over one.
    Ok(message.verify_detached_signature(root, &[], |signature, signed| key.verify(signed, signature))?)
}

#[cfg(test)]
mod tests;
