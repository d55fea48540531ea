//! Proofs as JSON documents, the form in which other transparency tools exchange them: hashes in base64 (RFC 4648, with padding), `proof`
//! from the leaf upwards, `null` for an empty proof. Fields that are not named here are ignored.
//!
//! A document is checked as it stands: a hash of the wrong length makes its verdict false, not the document unreadable. Not here: reading
//! files or standard input, exit codes.

use crate::{Hash, ProofError, Prover, verify_consistency, verify_inclusion};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

/// Why a document's proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Defect {
    /// A hash does not have 32 bytes.
    #[error("`{field}` holds a hash of {bytes} bytes instead of 32")]
    HashLength {
        /// The JSON field.
        field: &'static str,
        /// How many bytes it has.
        bytes: usize,
    },
    /// The proof fails.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A byte string that is base64 in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Base64 {
    fn hash(&self, field: &'static str) -> Result<Hash, Defect> {
        Hash::try_from(self.0.as_slice()).map_err(|_| Defect::HashLength { field, bytes: self.0.len() })
    }
}

impl From<Hash> for Base64 {
    fn from(hash: Hash) -> Self {
        Self(hash.to_vec())
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(&self.0))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// That one leaf is in a tree: what `blockcloud proof inclusion` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionDocument {
    /// Position of the leaf, from zero.
    pub leaf_idx: u64,
    /// Number of leaves in the tree.
    pub tree_size: u64,
    /// Root of the tree.
    pub root: Base64,
    /// Hash of the leaf.
    pub leaf_hash: Base64,
    /// Siblings from the leaf upwards.
    #[serde(deserialize_with = "null_is_empty")]
    pub proof: Vec<Base64>,
}

impl InclusionDocument {
    /// The document for leaf `index` of the tree's first `size` leaves.
    ///
    /// # Errors
    /// As [`Prover::inclusion_proof`].
    pub fn of<P: Prover>(tree: &P, index: u64, size: u64) -> Result<Self, P::Error> {
        let proof = tree.inclusion_proof(index, size)?;
        Ok(Self {
            leaf_idx: index,
            tree_size: size,
            root: tree.root_at(size)?.into(),
            leaf_hash: tree.leaf(index)?.into(),
            proof: proof.into_iter().map(Base64::from).collect(),
        })
    }

    /// Whether the proof holds.
    ///
    /// # Errors
    /// The first defect found.
    pub fn verdict(&self) -> Result<(), Defect> {
        let (root, leaf, proof) = (self.root.hash("root")?, self.leaf_hash.hash("leafHash")?, hashes(&self.proof)?);
        Ok(verify_inclusion(&root, self.tree_size, self.leaf_idx, &leaf, &proof)?)
    }
}

/// That one tree continues another: what `blockcloud proof consistency` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyDocument {
    /// Number of leaves in the older tree.
    pub size1: u64,
    /// Number of leaves in the newer tree.
    pub size2: u64,
    /// Root of the older tree.
    pub root1: Base64,
    /// Root of the newer tree.
    pub root2: Base64,
    /// The proof's hashes, from the older tree's end upwards.
    #[serde(deserialize_with = "null_is_empty")]
    pub proof: Vec<Base64>,
}

impl ConsistencyDocument {
    /// The document for the tree's first `old` and first `new` leaves.
    ///
    /// # Errors
    /// As [`Prover::consistency_proof`].
    pub fn of<P: Prover>(tree: &P, old: u64, new: u64) -> Result<Self, P::Error> {
        let proof = tree.consistency_proof(old, new)?;
        Ok(Self {
            size1: old,
            size2: new,
            root1: tree.root_at(old)?.into(),
            root2: tree.root_at(new)?.into(),
            proof: proof.into_iter().map(Base64::from).collect(),
        })
    }

    /// Whether the proof holds.
    ///
    /// # Errors
    /// The first defect found.
    pub fn verdict(&self) -> Result<(), Defect> {
        // Of two trees of one size, only equality of the roots is asked, and no hash is computed. Other verifiers and the published test
        // vectors (transparency-dev/merkle) compare the roots there as they are, whatever their length; so does this.
        if self.size1 == self.size2 && self.proof.is_empty() && self.root1 == self.root2 {
            return Ok(());
        }
        let (root1, root2, proof) = (self.root1.hash("root1")?, self.root2.hash("root2")?, hashes(&self.proof)?);
        Ok(verify_consistency(self.size1, &root1, self.size2, &root2, &proof)?)
    }
}

fn hashes(proof: &[Base64]) -> Result<Vec<Hash>, Defect> {
    proof.iter().map(|hash| hash.hash("proof")).collect()
}

/// Some writers say `null` for a list without members.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Base64>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
