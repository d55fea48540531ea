//! The index of objects: which objects a stretch of a log is about, under one root, so that *no receipt about this object* has a short proof.
//!
//! One entry for each object, in rising order of its keyed digest, as leaves of an RFC 9162 tree (section 2.1). Absence is two entries that stand next to
//! each other with the object between them. Who signs the log vouches for the order and for what is in it: a heartbeat of the log names the root
//! ([`IndexReceipt`]). Whoever has the receipts can make the index again.
//!
//! Not here: which indexes a period takes (`blockcloud_client::completeness`), when one is closed (the guest).

use crate::{
    hash::{EMPTY_ROOT, Hash, leaf_hash},
    tree::Tree,
    verify::{ProofError, verify_inclusion},
};
use blockcloud_primitives::{Digest, Op, Receipt};
use codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// How much of a log an index is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// From one heartbeat to the next: about a round.
    Beat,
    /// About an hour.
    Hour,
    /// About a day.
    Day,
}

impl Span {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Beat, Self::Hour, Self::Day];

    /// What stands as the object of a heartbeat that carries such an index.
    pub fn name(self) -> Digest {
        Digest::of(match self {
            Self::Beat => b"blockcloud/objects/v1/beat",
            Self::Hour => b"blockcloud/objects/v1/hour",
            Self::Day => b"blockcloud/objects/v1/day",
        })
    }
}

/// What a heartbeat with an index says. The index covers the receipts from `from` up to the heartbeat itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexReceipt {
    /// Which kind.
    pub span: Span,
    /// Position of the first receipt that it covers.
    pub from: u64,
    /// Position of the heartbeat, the first that it does not cover.
    pub to: u64,
    /// Number of objects.
    pub objects: u64,
    /// Root of the index.
    pub root: Hash,
}

impl IndexReceipt {
    /// Reads it from a receipt, if that is one.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let Receipt { op: Op::Heartbeat, object, offset, bytes, digest, seq, .. } = *receipt else { return None };
        let span = Span::ALL.into_iter().find(|span| span.name() == object)?;
        Some(Self { span, from: offset, to: seq, objects: bytes, root: digest.0 })
    }
}

/// What an index says of one object. The canonical encoding is SCALE: 56 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ObjectEntry {
    /// Keyed digest of its name.
    pub object: Digest,
    /// Number of receipts about it.
    pub receipts: u64,
    /// Position of the first of them.
    pub first: u64,
    /// Position of the last.
    pub last: u64,
}

impl ObjectEntry {
    fn leaf(&self) -> Hash {
        leaf_hash(&self.encode())
    }
}

/// The objects of a stretch of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectIndex {
    entries: BTreeMap<Digest, ObjectEntry>,
}

impl ObjectIndex {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The index over these receipts. Those without an object, and heartbeats, are about nothing.
    pub fn over<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Self {
        let mut index = Self::new();
        receipts.into_iter().for_each(|receipt| index.add(receipt));
        index
    }

    /// Adds a receipt that comes later in the log than all that is here.
    pub fn add(&mut self, receipt: &Receipt) {
        if receipt.op == Op::Heartbeat || receipt.object == Digest::ZERO {
            return;
        }
        let Receipt { object, seq, .. } = *receipt;
        self.join(&ObjectEntry { object, receipts: 1, first: seq, last: seq });
    }

    /// Adds a later stretch of the same log: how hours are made of heartbeats.
    pub fn merge(&mut self, later: &Self) {
        later.entries.values().for_each(|entry| self.join(entry));
    }

    fn join(&mut self, entry: &ObjectEntry) {
        self.entries
            .entry(entry.object)
            .and_modify(|known| {
                known.receipts = known.receipts.saturating_add(entry.receipts);
                known.first = known.first.min(entry.first);
                known.last = known.last.max(entry.last);
            })
            .or_insert(*entry);
    }

    /// Number of objects.
    pub fn objects(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The root over the entries.
    pub fn root(&self) -> Hash {
        self.tree().root()
    }

    fn tree(&self) -> Tree {
        self.entries.values().map(ObjectEntry::leaf).collect()
    }

    /// What the index says of an object, with the proof.
    pub fn prove(&self, object: &Digest) -> ObjectProof {
        let tree = self.tree();
        let placed = |position: usize| -> Option<PlacedEntry> {
            let entry = *self.entries.values().nth(position)?;
            let path = tree.inclusion_proof(position as u64, tree.size()).ok()?;
            Some(PlacedEntry { entry, position: position as u64, path: path.into_iter().map(Digest).collect() })
        };
        let before = self.entries.range(..*object).count();
        if self.entries.contains_key(object) {
            return placed(before).map_or(ObjectProof::Absent { before: None, after: None }, ObjectProof::Present);
        }
        ObjectProof::Absent { before: before.checked_sub(1).and_then(placed), after: placed(before) }
    }
}

/// An entry at its place in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedEntry {
    /// The entry.
    pub entry: ObjectEntry,
    /// Its position.
    pub position: u64,
    /// RFC 9162 inclusion proof.
    pub path: Vec<Digest>,
}

impl PlacedEntry {
    fn verify(&self, root: &Hash, objects: u64) -> Result<(), ProofError> {
        let path: Vec<Hash> = self.path.iter().map(|digest| digest.0).collect();
        verify_inclusion(root, objects, self.position, &self.entry.leaf(), &path)
    }
}

/// That an object is in an index, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectProof {
    /// It is: its entry.
    Present(PlacedEntry),
    /// It is not: what stands before and after where it would be.
    Absent {
        /// The greatest lower object; none where there is none.
        before: Option<PlacedEntry>,
        /// The least greater object; none where there is none.
        after: Option<PlacedEntry>,
    },
}

/// Why a proof shows nothing about the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ObjectProofError {
    /// The path of an entry.
    #[error("an entry is not in the index: {0}")]
    Path(#[from] ProofError),
    /// The entry is another object's.
    #[error("the entry is about another object")]
    OtherObject,
    /// The neighbours are on the wrong side.
    #[error("the object does not lie between the entries that are shown")]
    NotBetween,
    /// Something stands between the neighbours.
    #[error("the entries that are shown do not stand next to each other, or at the index's end")]
    NotAdjacent,
}

impl ObjectProof {
    /// Checks the proof against the root and size of an index; what that says of the object, or nothing if it is not in it.
    ///
    /// # Errors
    /// Any [`ObjectProofError`].
    pub fn verify(&self, root: &Hash, objects: u64, object: &Digest) -> Result<Option<ObjectEntry>, ObjectProofError> {
        match self {
            Self::Present(placed) => {
                if placed.entry.object != *object {
                    return Err(ObjectProofError::OtherObject);
                }
                placed.verify(root, objects)?;
                Ok(Some(placed.entry))
            }
            Self::Absent { before, after } => {
                let between = before.as_ref().is_none_or(|placed| placed.entry.object < *object)
                    && after.as_ref().is_none_or(|placed| *object < placed.entry.object);
                if !between {
                    return Err(ObjectProofError::NotBetween);
                }
                let next = match before {
                    Some(placed) => placed.position.checked_add(1).ok_or(ObjectProofError::NotAdjacent)?,
                    None => 0,
                };
                if after.as_ref().map_or(objects, |placed| placed.position) != next {
                    return Err(ObjectProofError::NotAdjacent);
                }
                if objects == 0 && *root != EMPTY_ROOT {
                    return Err(ProofError::RootMismatch.into());
                }
                [before, after].into_iter().flatten().try_for_each(|placed| placed.verify(root, objects))?;
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_primitives::{JobId, Party};
    use proptest::prelude::*;

    fn receipt(seq: u64, object: u8, op: Op) -> Receipt {
        Receipt {
            version: Receipt::VERSION,
            job: JobId(1),
            seq,
            time: seq,
            op,
            object: Digest([object; 32]),
            offset: 0,
            bytes: 1,
            digest: Digest::ZERO,
            actor: Digest::ZERO,
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from: Digest::ZERO,
            purpose: 0,
            salt: [0; 16],
        }
    }

    fn index(objects: &[u8]) -> ObjectIndex {
        let receipts: Vec<_> = objects.iter().zip(0..).map(|(object, seq)| receipt(seq, *object, Op::Read)).collect();
        ObjectIndex::over(&receipts)
    }

    #[test]
    fn heartbeats_and_receipts_about_nothing_are_in_no_index() {
        let receipts = [receipt(0, 0, Op::Erase), receipt(1, 9, Op::Heartbeat), receipt(2, 5, Op::Access)];
        let index = ObjectIndex::over(&receipts);
        assert_eq!(index.objects(), 1);
        assert_eq!(
            index.prove(&Digest([5; 32])).verify(&index.root(), 1, &Digest([5; 32])),
            Ok(Some(ObjectEntry { object: Digest([5; 32]), receipts: 1, first: 2, last: 2 }))
        );
    }

    #[test]
    fn an_index_receipt_is_a_heartbeat_that_names_a_span() {
        let plain = receipt(7, 0, Op::Heartbeat);
        assert_eq!(IndexReceipt::of(&plain), None);
        for span in Span::ALL {
            let named = Receipt { object: span.name(), offset: 3, bytes: 4, digest: Digest([8; 32]), ..plain };
            assert_eq!(IndexReceipt::of(&named), Some(IndexReceipt { span, from: 3, to: 7, objects: 4, root: [8; 32] }));
            assert_eq!(IndexReceipt::of(&Receipt { op: Op::Read, ..named }), None);
        }
    }

    #[test]
    fn nothing_is_in_an_empty_index_and_only_in_an_empty_one_without_neighbours() {
        let (nobody, object) = (ObjectProof::Absent { before: None, after: None }, Digest([5; 32]));
        assert_eq!(ObjectIndex::new().prove(&object), nobody);
        assert_eq!(nobody.verify(&EMPTY_ROOT, 0, &object), Ok(None));
        assert_eq!(nobody.verify(&[1; 32], 0, &object), Err(ObjectProofError::Path(ProofError::RootMismatch)));
        let full = index(&[1, 2]);
        assert_eq!(nobody.verify(&full.root(), full.objects(), &object), Err(ObjectProofError::NotAdjacent));
    }

    #[test]
    fn neighbours_that_leave_something_out_prove_nothing() {
        let index = index(&[10, 20, 30, 40]);
        let (root, objects) = (index.root(), index.objects());
        let at = |object: u8| match index.prove(&Digest([object; 32])) {
            ObjectProof::Present(placed) => Some(placed),
            ObjectProof::Absent { .. } => None,
        };
        let verify = |before, after, object: u8| ObjectProof::Absent { before, after }.verify(&root, objects, &Digest([object; 32]));
        assert_eq!(verify(at(10), at(20), 15), Ok(None));
        assert_eq!(verify(None, at(10), 5), Ok(None));
        assert_eq!(verify(at(40), None, 45), Ok(None));
        assert_eq!(verify(at(10), at(30), 20), Err(ObjectProofError::NotAdjacent));
        assert_eq!(verify(at(10), at(30), 15), Err(ObjectProofError::NotAdjacent));
        assert_eq!(verify(None, at(20), 5), Err(ObjectProofError::NotAdjacent));
        assert_eq!(verify(at(30), None, 45), Err(ObjectProofError::NotAdjacent));
        for object in [10, 20, 25] {
            assert_eq!(verify(at(10), at(20), object), Err(ObjectProofError::NotBetween), "{object}");
        }
        // An index that claims to end earlier.
        let shorter = ObjectProof::Absent { before: at(30), after: None }.verify(&root, 3, &Digest([45; 32]));
        assert!(matches!(shorter, Err(ObjectProofError::Path(_))), "{shorter:?}");
        let mut moved = at(20).unwrap();
        moved.position = 0;
        assert!(matches!(verify(None, Some(moved), 15), Err(ObjectProofError::Path(_))));
        let other = ObjectProof::Present(at(10).unwrap()).verify(&root, objects, &Digest([11; 32]));
        assert_eq!(other, Err(ObjectProofError::OtherObject));
    }

    proptest! {
        #[test]
        fn every_object_is_proved_present_or_absent_and_hours_are_their_beats(
            beats in prop::collection::vec(prop::collection::vec(1u8..40, 0..30), 1..6),
            asked in 0u8..42,
        ) {
            let all: Vec<u8> = beats.concat();
            let whole = index(&all);
            let (mut merged, mut seq) = (ObjectIndex::new(), 0);
            for beat in &beats {
                let receipts: Vec<_> = beat.iter().map(|object| { seq += 1; receipt(seq - 1, *object, Op::Write) }).collect();
                merged.merge(&ObjectIndex::over(&receipts));
            }
            prop_assert_eq!(&merged, &whole);
            let object = Digest([asked; 32]);
            let found = whole.prove(&object).verify(&whole.root(), whole.objects(), &object).unwrap();
            let places: Vec<u64> = all.iter().zip(0..).filter(|(known, _)| **known == asked).map(|(_, seq)| seq).collect();
            let expected = places.first().map(|first| {
                ObjectEntry { object, receipts: places.len() as u64, first: *first, last: *places.last().unwrap() }
            });
            prop_assert_eq!(found, expected);
        }
    }
}
