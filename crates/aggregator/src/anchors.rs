//! The way back: in which rounds at the top this aggregator's rounds stand, and proofs for slots that are composed of all tiers' paths.
//!
//! At the top a round is its own anchor. Below it, anchors are fetched from the aggregator above, verified, and kept in memory: after a start they are
//! fetched again. Not here: HTTP answers (`http`).

use crate::{
    Anchor, Part, SlotProof, SlotProofError, Statement,
    collect::Shared,
    rounds::{Loaded, RoundsError},
    upstream::Parent,
};
use blockcloud_client::aggregator_api::hashes;
use blockcloud_primitives::PublicKey;
use blockcloud_receipt_log::verify_slot;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// Most anchors in one answer.
pub const PAGE: usize = 16;

/// Why there is no proof.
#[derive(Debug, Error)]
pub enum ProofError {
    /// No round at the top is known that has the slot.
    #[error("no round at the top with this slot is known here yet")]
    NotYet,
    /// The round is not known here, or no longer.
    #[error("round {0} is not kept here")]
    NotKept(u64),
    /// The slot is not collected here.
    #[error("slot {0} is not collected here")]
    NotHere(u32),
    /// What was composed does not verify: it is not served.
    #[error("the proof that was composed does not verify: {0}")]
    Wrong(#[from] SlotProofError),
    /// A round cannot be read.
    #[error(transparent)]
    Rounds(RoundsError),
}

impl From<RoundsError> for ProofError {
    fn from(error: RoundsError) -> Self {
        match error {
            RoundsError::NotKept(number) => Self::NotKept(number),
            error => Self::Rounds(error),
        }
    }
}

/// The anchors that are known.
pub struct Anchors {
    shared: Arc<Shared>,
    /// Height of the whole tree.
    height: u8,
    /// Below the top, by number of the round at the top.
    known: RwLock<BTreeMap<u64, Anchor>>,
}

impl Anchors {
    /// None are known yet.
    pub fn new(shared: Arc<Shared>, height: u8) -> Self {
        Self { shared, height, known: RwLock::default() }
    }

    /// The anchor in this round at the top, or in the newest.
    pub fn at(&self, round: Option<u64>) -> Option<Anchor> {
        if self.shared.top {
            let statement = match round {
                Some(round) => self.shared.rounds.statement(round),
                None => self.shared.rounds.newest(),
            };
            return of_top(statement?);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match round {
            Some(round) => known.get(&round).cloned(),
            None => known.values().next_back().cloned(),
        }
    }

    /// Anchors in rounds at the top after this one, or the newest only.
    pub fn after(&self, round: Option<u64>) -> Vec<Anchor> {
        let Some(round) = round else { return self.at(None).into_iter().collect() };
        let from = round.saturating_add(1);
        if self.shared.top {
            return self.shared.rounds.statements(from, PAGE).into_iter().filter_map(of_top).collect();
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.range(from..).take(PAGE).map(|(_, anchor)| anchor.clone()).collect()
    }

    /// Anchors for the aggregator that collects a part below this one. Reads files.
    ///
    /// # Errors
    /// [`RoundsError`]; what is no longer kept is left out.
    pub fn of_part(&self, part: Part, after: Option<u64>) -> Result<Vec<Anchor>, RoundsError> {
        let mut found = Vec::new();
        for anchor in self.after(after) {
            let loaded = match self.shared.rounds.load(anchor.branch) {
                Ok(loaded) => loaded,
                Err(RoundsError::NotKept(_)) => continue,
                Err(error) => return Err(error),
            };
            if let Some((branch, mut path)) = loaded.part(part) {
                path.extend(anchor.path);
                found.push(Anchor { branch, path, round: anchor.round });
            }
        }
        Ok(found)
    }

    /// What a slot holds in a round at the top, the newest that is known unless one is named, with the path through all tiers. Verified. May read a file.
    ///
    /// # Errors
    /// Any [`ProofError`].
    pub fn prove(&self, slot: u32, round: Option<u64>) -> Result<SlotProof, ProofError> {
        let anchor = self.at(round).ok_or_else(|| round.map_or(ProofError::NotYet, ProofError::NotKept))?;
        let loaded = self.shared.rounds.load(anchor.branch)?;
        let (entry, mut path) = loaded.slot(slot).ok_or(ProofError::NotHere(slot))?;
        path.extend(anchor.path);
        let proof = SlotProof { slot, height: self.height, entry, path, statement: Statement::Round(anchor.round) };
        // The signature was made here, or verified when the anchor came.
        verify_slot(&anchor.round.round.root.0, self.height, slot, proof.entry.as_ref(), &hashes(&proof.path))
            .map_err(SlotProofError::from)?;
        Ok(proof)
    }

    /// What a slot holds in a round of this aggregator, with the path to that round's root only.
    ///
    /// # Errors
    /// Any [`ProofError`].
    pub fn prove_here(&self, slot: u32, loaded: &Loaded) -> Result<SlotProof, ProofError> {
        let (entry, path) = loaded.slot(slot).ok_or(ProofError::NotHere(slot))?;
        let proof = SlotProof { slot, height: self.shared.part.height, entry, path, statement: loaded.statement };
        proof.verify(&self.shared.genesis, &PublicKey(self.shared.signer.account().0))?;
        Ok(proof)
    }

    /// Takes what the aggregator above says, if it is true.
    ///
    /// # Errors
    /// [`SlotProofError`] for the first that does not verify. What is about rounds that are no longer kept here is passed over.
    pub fn take(&self, anchors: Vec<Anchor>, key: &PublicKey, keep: u64) -> Result<usize, SlotProofError> {
        let mut taken = 0usize;
        for anchor in anchors {
            let number = anchor.round.round.number;
            if let Some(statement) = self.shared.rounds.statement(anchor.branch) {
                anchor.verify(&self.shared.part, &statement.root(), self.height, &self.shared.genesis, key)?;
            } else {
                continue;
            }
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(number, anchor);
            while known.len() as u64 > keep {
                known.pop_first();
            }
            taken = taken.saturating_add(1);
        }
        Ok(taken)
    }
}

fn of_top(statement: Statement) -> Option<Anchor> {
    match statement {
        Statement::Round(round) => Some(Anchor { branch: round.round.number, path: Vec::new(), round }),
        Statement::Branch(_) => None,
    }
}

/// Fetches anchors from the aggregator above until told to stop.
pub async fn follow(anchors: Arc<Anchors>, parent: Parent, key: PublicKey, pause: Duration, keep: u64, stop: CancellationToken) {
    let mut after = None;
    let mut said = None;
    let mut say = |words: String| {
        if said.as_ref() != Some(&words) {
            tracing::warn!(target: "blockcloud::aggregator", error = words, "the way to the top is not known");
            said = Some(words);
        }
    };
    loop {
        let got = tokio::select! {
            () = stop.cancelled() => return,
            got = parent.anchors(after) => got,
        };
        let mut more = false;
        match got {
            Ok(got) => {
                more = got.len() >= PAGE;
                let newest = got.iter().map(|anchor| anchor.round.round.number).max();
                match anchors.take(got, &key, keep) {
                    // Rounds may only go on: whoever says otherwise is asked for the newest again.
                    Ok(_) => after = newest.max(after),
                    Err(error) => say(format!("what the aggregator above says does not verify: {error}")),
                }
            }
            Err(error) => say(error.to_string()),
        }
        if !more {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
