//! The second question: does every round have the log's checkpoint, and a fresh one?
//!
//! A round holds the newest checkpoint of every source whether or not that is new, so a log that fell silent shows by its checkpoint's age.

use blockcloud_client::aggregator_api::{SlotProof, hashes};
use blockcloud_primitives::{JobId, Moment, RoundView, SourceView};
use blockcloud_receipt_log::verify_slot;
use serde::Serialize;
use std::fmt;

/// What a round has of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    /// A fresh checkpoint.
    Covered {
        /// Its size, in receipts.
        size: u64,
        /// Its time, Unix milliseconds.
        time: Moment,
    },
    /// A checkpoint from before too long a silence.
    Silent {
        /// Its time, Unix milliseconds.
        since: Moment,
    },
    /// An empty slot, proved.
    Empty,
    /// The slot holds another job's checkpoint.
    Other {
        /// Whose.
        job: JobId,
    },
    /// Nobody shows what the slot holds, or what is shown is not in the round.
    Unproved {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Covered { size, time } => write!(f, "{size} receipts, signed at {time}"),
            Self::Silent { since } => write!(f, "silent since {since}"),
            Self::Empty => f.write_str("the slot is empty"),
            Self::Other { job } => write!(f, "the slot holds a checkpoint of job {job}"),
            Self::Unproved { why } => write!(f, "not proved: {why}"),
        }
    }
}

/// One round's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// The round's number.
    pub round: u64,
    /// What it has.
    #[serde(flatten)]
    pub found: Found,
}

impl Covered {
    /// Whether the round has a fresh checkpoint of the log.
    pub fn holds(&self) -> bool {
        matches!(self.found, Found::Covered { .. })
    }
}

/// What a round that the chain took has of a job in its place. `silence` is the age in milliseconds from which on a checkpoint is not fresh.
pub fn judge(place: &SourceView, view: &RoundView, shown: Result<SlotProof, String>, silence: u64) -> Covered {
    let round = view.round.number;
    let found = match shown {
        Err(why) => Found::Unproved { why },
        Ok(proof) => {
            let height = u8::try_from(proof.path.len()).unwrap_or(u8::MAX);
            match verify_slot(&view.round.root.0, height, place.slot, proof.entry.as_ref(), &hashes(&proof.path)) {
                Err(error) => Found::Unproved { why: format!("what is shown is not in the round that the chain took: {error}") },
                Ok(()) => match proof.entry.map(|entry| entry.checkpoint) {
                    None => Found::Empty,
                    Some(checkpoint) if checkpoint.job != place.job => Found::Other { job: checkpoint.job },
                    Some(checkpoint) if checkpoint.time.saturating_add(silence) < view.round.time => {
                        Found::Silent { since: checkpoint.time }
                    }
                    Some(checkpoint) => Found::Covered { size: checkpoint.size, time: checkpoint.time },
                },
            }
        }
    };
    Covered { round, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_client::aggregator_api::{SignedRound, Statement, digests};
    use blockcloud_primitives::{AccountId, AggregatorId, Checkpoint, Digest, Round, Signature, SlotEntry};
    use blockcloud_receipt_log::{SlotTree, slot_hash};

    const PLACE: SourceView = SourceView { aggregator: AggregatorId(0), slot: 2, job: JobId(5), holder: AccountId([0; 32]), from: 0 };

    fn entry(job: JobId, time: Moment) -> SlotEntry {
        let checkpoint = Checkpoint {
            version: 1,
            job,
            size: 7,
            root: Digest::ZERO,
            time,
            usage: Default::default(),
            previous_size: 0,
            previous_root: Digest::ZERO,
        };
        SlotEntry::new(checkpoint, Signature([0; 64]))
    }

    /// A round of which slot 2 holds this, and what its aggregator shows of it.
    fn round(entry: Option<SlotEntry>) -> (RoundView, SlotProof) {
        let filled = entry.iter().map(|entry| (2, slot_hash(Some(entry)))).collect();
        let tree = SlotTree::of_slots(3, filled).unwrap();
        let round =
            Round { version: 1, aggregator: PLACE.aggregator, number: 4, root: Digest(tree.root()), filled: 1, receipts: 0, time: 100_000 };
        let statement = Statement::Round(SignedRound { round, signature: Signature([0; 64]) });
        let proof = SlotProof { slot: 2, height: 3, entry, path: digests(&tree.path(2).unwrap()), statement };
        (RoundView { round, committed_at: 100_001 }, proof)
    }

    #[test]
    fn each_answer_has_its_own_name() {
        let found = |entry: Option<SlotEntry>| {
            let (view, proof) = round(entry);
            judge(&PLACE, &view, Ok(proof), 10_000).found
        };
        assert_eq!(found(Some(entry(JobId(5), 90_000))), Found::Covered { size: 7, time: 90_000 });
        assert_eq!(found(Some(entry(JobId(5), 89_999))), Found::Silent { since: 89_999 });
        assert_eq!(found(Some(entry(JobId(6), 99_999))), Found::Other { job: JobId(6) });
        assert_eq!(found(None), Found::Empty);
        let (view, _) = round(None);
        let away = judge(&PLACE, &view, Err("away".into()), 10_000);
        assert_eq!((away.round, &away.found, away.holds()), (4, &Found::Unproved { why: "away".into() }, false));
    }

    #[test]
    fn what_is_shown_has_to_be_in_the_round_that_the_chain_took() {
        let (view, proof) = round(Some(entry(JobId(5), 99_999)));
        let (empty, hidden) = round(None);
        // A filled slot shown as empty, another round's path, a longer one.
        for shown in [SlotProof { entry: None, ..proof.clone() }, hidden, SlotProof { path: vec![Digest::ZERO; 40], ..proof.clone() }] {
            assert!(matches!(judge(&PLACE, &view, Ok(shown), 0).found, Found::Unproved { .. }));
        }
        assert!(matches!(judge(&PLACE, &empty, Ok(proof), 0).found, Found::Unproved { .. }));
    }
}
