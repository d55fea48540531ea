//! C2SP: a log's state as a signed note (c2sp.org/tlog-checkpoint), cosignatures of witnesses (c2sp.org/tlog-cosignature, v1), and proofs of inclusion around them
//! (c2sp.org/tlog-proof). Ed25519 only.
//!
//! ```text
//! audit.example.com/0123.../job/5        origin: the exporter's name, the chain and the job
//! 12                                     leaves
//! qINS1GRFfWWVSgn0E1wbXD1RwEzBFMfPd...   root, base64
//!
//! — audit.example.com/0123.../job/5 ...  the exporter's signature
//! — witness.example.com/w1 ...           a witness: "this is the largest state I have seen, and it continues what I saw before"
//! ```
//!
//! A C2SP *checkpoint* is not what this project calls a checkpoint: the guest signs that one, in our own encoding, and the chain accepts it. This is the exporter's
//! statement about the same log, under the exporter's name. Here it is called a *tree head*.
//!
//! Not here: which keys to believe, a witness's memory of what it has cosigned before, other signature types (their lines are ignored, as the specification demands).

use super::{KeyError, MAX_TREE_SIZE, PublicKey, Signer};
use crate::{Hash, ProofError, Tree, TreeError, leaf_hash, verify_inclusion};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use thiserror::Error;

/// Longer notes and proofs are refused unread.
pub const MAX_BYTES: usize = 64 * 1024;
/// Notes with more signatures are refused; at least 16 have to be accepted.
const MAX_SIGNATURES: usize = 64;
/// More hashes than a proof of a tree below 2^31 leaves has.
const MAX_PATH: usize = 64;

const DASH: &str = "— ";
const PROOF_MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// Signature types of c2sp.org/signed-note.
const ED25519: u8 = 0x01;
const COSIGNATURE_V1: u8 = 0x04;

/// Why a note or proof is not believed, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// It is longer than any note of this kind.
    #[error("{bytes} bytes are more than the {MAX_BYTES} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has no text, no empty line, no signature, or is cut off.
    #[error("this is not a signed note: text, an empty line, signature lines, each ended by a newline")]
    Malformed,
    /// It holds a control character.
    #[error("a note must not hold control characters")]
    ControlCharacter,
    /// A signature line is not a dash, a key's name and base64 of more than four bytes.
    #[error("line {line} of the signatures is not a dash, a key's name and its signature in base64")]
    SignatureLine {
        /// Which, from one.
        line: usize,
    },
    /// There are too many signatures.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// The text is not origin, size, root.
    #[error("the note's text is not an origin, a size and a root, each on its line")]
    Text,
    /// A number is not written in its one way.
    #[error("a number is not written in decimal without leading zeros, or is too large")]
    Number,
    /// A hash is not 32 bytes in base64.
    #[error("a hash is not 32 bytes in base64 with padding")]
    HashText,
    /// The tree is larger than any that is exported.
    #[error("a tree of {size} leaves is larger than the {MAX_TREE_SIZE} that are accepted")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// An empty tree with a root that is not SHA-256 of nothing.
    #[error("the root of an empty tree is SHA-256 of nothing")]
    EmptyTree,
    /// A name is empty or holds a space or a plus.
    #[error("a key's name and an origin must not be empty, hold spaces, control characters or `+`")]
    Name,
    /// A verifier key is not `NAME+ID+KEY`.
    #[error("this is not a verifier key of the wanted type: NAME+8 hex digits+base64")]
    VerifierKey,
    /// The note is of another log.
    #[error("the note is of `{found}`, not of the log whose key it is verified with")]
    OtherOrigin {
        /// Its origin.
        found: String,
    },
    /// The log's signature is missing.
    #[error("no signature is the log's key's")]
    Unsigned,
    /// A signature of a known key is wrong: the whole note is refused.
    #[error("the signature of `{name}` is not its key's over this note: something was changed, or somebody else signed")]
    Signature {
        /// The key's name.
        name: String,
    },
    /// Fewer known witnesses cosigned than are asked for.
    #[error("{found} of the known witnesses cosigned, {needed} are asked for")]
    Witnesses {
        /// How many did.
        found: usize,
        /// How many are asked for.
        needed: usize,
    },
    /// The key is not an Ed25519 key.
    #[error("signed notes take an Ed25519 key")]
    OtherAlgorithm,
    /// The proof is not the format's lines.
    #[error("this is not a {PROOF_MAGIC}")]
    Proof,
    /// The proof fails.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
    /// The tree cannot answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A key's bytes are not a key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A log's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// The log's name, unique to whoever signs for it: a URL without a scheme.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl TreeHead {
    /// The note's text.
    ///
    /// # Errors
    /// [`NoteError::Name`], [`NoteError::TooLarge`].
    fn text(&self) -> Result<String, NoteError> {
        check_name(&self.origin)?;
        check_size(self.size)?;
        Ok(format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root)))
    }
}

/// What a key's signatures mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It signs for a log (signature type 0x01).
    Log,
    /// It cosigns as a witness (signature type 0x04).
    Witness,
}

impl Role {
    fn kind(self) -> u8 {
        match self {
            Self::Log => ED25519,
            Self::Witness => COSIGNATURE_V1,
        }
    }
}

/// A known key of signed notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    role: Role,
    key: ed25519_dalek::VerifyingKey,
}

impl NoteKey {
    /// A key under a name.
    ///
    /// # Errors
    /// [`NoteError::Name`], [`NoteError::OtherAlgorithm`].
    pub fn new(name: &str, role: Role, key: &PublicKey) -> Result<Self, NoteError> {
        check_name(name)?;
        match key {
            PublicKey::EdDsa(key) => Ok(Self { name: name.into(), role, key: *key }),
            PublicKey::Es256(_) => Err(NoteError::OtherAlgorithm),
        }
    }

    /// Reads a verifier key (`NAME+ID+KEY`, c2sp.org/signed-note) of either role.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`], [`NoteError::Name`], [`NoteError::Key`].
    pub fn from_vkey(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_ascii_end().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteError::VerifierKey) };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::VerifierKey)?;
        let (role, key) = match bytes.split_first() {
            Some((&ED25519, key)) => (Role::Log, key),
            Some((&COSIGNATURE_V1, key)) => (Role::Witness, key),
            _ => return Err(NoteError::VerifierKey),
        };
        let key = PublicKey::from_ed25519(key.try_into().map_err(|_| NoteError::VerifierKey)?)?;
        let key = Self::new(name, role, &key)?;
        if id.len() == 8 && id == super::hexadecimal(&key.id()) { Ok(key) } else { Err(NoteError::VerifierKey) }
    }

    /// The key as other people's tools take it (`NAME+ID+KEY`).
    pub fn to_vkey(&self) -> String {
        let key = [&[self.role.kind()], self.key.as_bytes().as_slice()].concat();
        format!("{}+{}+{}", self.name, super::hexadecimal(&self.id()), STANDARD.encode(key))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures mean.
    pub fn role(&self) -> Role {
        self.role
    }

    /// First four bytes of SHA-256 over name, newline, signature type and key.
    fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', self.role.kind()])
            .chain_update(self.key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <Hash>::from(hash);
        [a, b, c, d]
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        PublicKey::EdDsa(self.key).verify(message, signature).map_err(|_| NoteError::Signature { name: self.name.clone() })
    }
}

/// A note that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The log's state.
    pub head: TreeHead,
    /// Known witnesses that cosigned it, each once, with the time of its cosignature in Unix seconds.
    pub witnesses: Vec<(String, u64)>,
}

/// Signs a log's state under the log's name.
///
/// # Errors
/// [`NoteError::Name`], [`NoteError::TooLarge`], [`NoteError::OtherAlgorithm`].
pub fn sign(head: &TreeHead, signer: &dyn Signer) -> Result<String, NoteError> {
    let key = NoteKey::new(&head.origin, Role::Log, &signer.public())?;
    let text = head.text()?;
    let signature = signer.sign(text.as_bytes());
    Ok(format!("{text}\n{}", signature_line(&key, &signature)))
}

/// Adds a witness's cosignature as of a time (Unix seconds). Whoever calls this has to know that the note continues everything it cosigned before under this origin.
///
/// # Errors
/// Every [`NoteError`] of reading a note; [`NoteError::Number`] for a time beyond 2^63 - 1; [`NoteError::OtherAlgorithm`].
pub fn cosign(note: &str, name: &str, time: u64, signer: &dyn Signer) -> Result<String, NoteError> {
    let (text, _) = split(note)?;
    let key = NoteKey::new(name, Role::Witness, &signer.public())?;
    let signature = signer.sign(cosigned(text, time)?.as_bytes());
    let line = signature_line(&key, &[time.to_be_bytes().as_slice(), &signature].concat());
    let signed = format!("{note}{line}");
    // One line more must not make it a note that nobody reads.
    split(&signed)?;
    Ok(signed)
}

/// Verifies a note under the log's key, and counts the known witnesses that cosigned it.
///
/// Lines of unknown keys are ignored; one wrong signature of a known key refuses the whole note. The times of cosignatures are not compared with any clock.
///
/// # Errors
/// Every [`NoteError`] of reading a note; [`NoteError::OtherOrigin`], [`NoteError::Unsigned`], [`NoteError::Signature`], [`NoteError::Witnesses`].
pub fn open(note: &str, log: &NoteKey, witnesses: &[NoteKey], needed: usize) -> Result<Opened, NoteError> {
    let (text, lines) = split(note)?;
    let head = read_text(text)?;
    // The log's name in its signature should be the origin; here it has to be, so that a key vouches for one log.
    if head.origin != log.name {
        return Err(NoteError::OtherOrigin { found: head.origin });
    }
    if log.role != Role::Log || witnesses.iter().any(|key| key.role != Role::Witness) {
        return Err(NoteError::VerifierKey);
    }
    let mut signed = false;
    let mut found: Vec<(String, u64)> = Vec::new();
    for line in lines {
        if line.is_of(log) {
            log.verify(text.as_bytes(), &line.signature)?;
            signed = true;
        }
        for witness in witnesses.iter().filter(|witness| line.is_of(witness)) {
            let wrong = || NoteError::Signature { name: witness.name.clone() };
            let (time, signature) = line.signature.split_first_chunk().ok_or_else(wrong)?;
            let time = u64::from_be_bytes(*time);
            witness.verify(cosigned(text, time)?.as_bytes(), signature)?;
            // The same witness, or the same key under two names, counts once.
            if !found.iter().any(|(name, _)| witnesses.iter().any(|other| other.name == *name && other.key == witness.key)) {
                found.push((witness.name.clone(), time));
            }
        }
    }
    if !signed {
        return Err(NoteError::Unsigned);
    }
    if found.len() < needed {
        return Err(NoteError::Witnesses { found: found.len(), needed });
    }
    Ok(Opened { head, witnesses: found })
}

/// An inclusion proof with the note that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Position of the leaf.
    pub index: u64,
    /// Siblings from the leaf upwards.
    pub path: Vec<Hash>,
    /// The signed note, as it is.
    pub note: String,
    /// Bytes that are not authenticated by anything: here the entry itself, if it is carried along.
    pub extra: Option<Vec<u8>>,
}

impl Proof {
    /// That leaf `index` is in the tree that the note is about.
    ///
    /// # Errors
    /// Every [`NoteError`] of reading a note; [`NoteError::Tree`].
    pub fn of(tree: &Tree, index: u64, note: String, extra: Option<Vec<u8>>) -> Result<Self, NoteError> {
        let head = read_text(split(&note)?.0)?;
        Ok(Self { index, path: tree.inclusion_proof(index, head.size)?, note, extra })
    }

    /// The proof's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{PROOF_MAGIC}\n");
        // Writing into a `String` does not fail.
        if let Some(extra) = &self.extra {
            let _ = writeln!(text, "extra {}", STANDARD.encode(extra));
        }
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.path {
            let _ = writeln!(text, "{}", STANDARD.encode(hash));
        }
        text + "\n" + &self.note
    }

    /// Reads a proof. The note in it is not verified yet.
    ///
    /// # Errors
    /// [`NoteError::TooLong`], [`NoteError::Proof`], [`NoteError::Number`], [`NoteError::HashText`]; [`NoteError::Inclusion`] for more hashes than any path has.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        check_length(text)?;
        let (own, note) = text.split_once("\n\n").ok_or(NoteError::Proof)?;
        let mut lines = own.split('\n').peekable();
        if lines.next() != Some(PROOF_MAGIC) {
            return Err(NoteError::Proof);
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| line.split_at("extra ".len()).1);
        let extra = extra.map(|extra| STANDARD.decode(extra).map_err(|_| NoteError::Proof)).transpose()?;
        let index = number(lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(NoteError::Proof)?)?;
        let path = lines.map(hash).collect::<Result<Vec<_>, _>>()?;
        if path.len() > MAX_PATH {
            return Err(ProofError::TooLong.into());
        }
        Ok(Self { index, path, note: note.into(), extra })
    }

    /// Verifies note and proof for this entry.
    ///
    /// # Errors
    /// As [`open`]; [`NoteError::Inclusion`].
    pub fn verify(&self, entry: &[u8], log: &NoteKey, witnesses: &[NoteKey], needed: usize) -> Result<Opened, NoteError> {
        let opened = open(&self.note, log, witnesses, needed)?;
        verify_inclusion(&opened.head.root, opened.head.size, self.index, &leaf_hash(entry), &self.path)?;
        Ok(opened)
    }
}

/// A line of signatures.
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Line<'_> {
    fn is_of(&self, key: &NoteKey) -> bool {
        self.name == key.name && self.id == key.id()
    }
}

/// A note's text with its last newline, and its signatures.
fn split(note: &str) -> Result<(&str, Vec<Line<'_>>), NoteError> {
    check_length(note)?;
    if note.chars().any(|character| character < ' ' && character != '\n') {
        return Err(NoteError::ControlCharacter);
    }
    // The last empty line divides; the text keeps its newline.
    let end = note.rfind("\n\n").and_then(|end| end.checked_add(1)).ok_or(NoteError::Malformed)?;
    let (text, rest) = note.split_at_checked(end).ok_or(NoteError::Malformed)?;
    let signatures = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
    let lines: Vec<_> = signatures.split('\n').collect();
    if lines.len() > MAX_SIGNATURES {
        return Err(NoteError::TooManySignatures);
    }
    let lines = lines.into_iter().zip(1..).map(|(line, number)| signature(line).ok_or(NoteError::SignatureLine { line: number }));
    Ok((text, lines.collect::<Result<_, _>>()?))
}

fn signature(line: &str) -> Option<Line<'_>> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    check_name(name).ok()?;
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    if signature.is_empty() { None } else { Some(Line { name, id: *id, signature: signature.to_vec() }) }
}

fn signature_line(key: &NoteKey, signature: &[u8]) -> String {
    format!("{DASH}{} {}\n", key.name, STANDARD.encode([key.id().as_slice(), signature].concat()))
}

/// Reads the three lines of a tree head. Lines after them are allowed by the specification, and mean nothing here.
fn read_text(text: &str) -> Result<TreeHead, NoteError> {
    let lines: Vec<_> = text.strip_suffix('\n').ok_or(NoteError::Text)?.split('\n').collect();
    let [origin, size, root, extensions @ ..] = lines.as_slice() else { return Err(NoteError::Text) };
    if origin.is_empty() || extensions.iter().any(|line| line.is_empty()) {
        return Err(NoteError::Text);
    }
    let (size, root) = (number(size)?, hash(root)?);
    check_size(size)?;
    if size == 0 && root != crate::EMPTY_ROOT {
        return Err(NoteError::EmptyTree);
    }
    Ok(TreeHead { origin: (*origin).into(), size, root })
}

/// What a witness signs (c2sp.org/tlog-cosignature, Ed25519 signed message).
fn cosigned(text: &str, time: u64) -> Result<String, NoteError> {
    if i64::try_from(time).is_err() {
        return Err(NoteError::Number);
    }
    Ok(format!("cosignature/v1\ntime {time}\n{text}"))
}

fn number(text: &str) -> Result<u64, NoteError> {
    let canonical = text == "0" || (!text.starts_with('0') && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().map_err(|_| NoteError::Number) } else { Err(NoteError::Number) }
}

fn hash(text: &str) -> Result<Hash, NoteError> {
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NoteError::HashText)
}

fn check_size(size: u64) -> Result<(), NoteError> {
    if size > MAX_TREE_SIZE { Err(NoteError::TooLarge { size }) } else { Ok(()) }
}

fn check_length(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_BYTES { Err(NoteError::TooLong { bytes: text.len() }) } else { Ok(()) }
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let wrong = |character: char| character.is_whitespace() || character.is_control() || character == '+';
    if name.is_empty() || name.contains(wrong) { Err(NoteError::Name) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
