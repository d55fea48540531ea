//! An aggregator with a real key and real trees.

use super::{ANYONE, Guest, NOW, OWNER, Receipts, RuntimeOrigin, genesis};
use blockcloud_primitives::{AggregatorId, Checkpoint, Digest, JobId, List, Moment, PublicKey, Round, Signature, SignedRound, SlotEntry};
use blockcloud_receipt_log::{SlotTree, Tree, leaf_hash, slot_hash};
use codec::Encode;
use frame_support::dispatch::DispatchResult;
use sp_core::{Pair, ed25519};
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

/// Height of the mock's trees.
pub const HEIGHT: u8 = 3;

/// An aggregator.
#[derive(Clone)]
pub struct Collector {
    /// Its id.
    pub id: AggregatorId,
    /// Its key.
    pub pair: ed25519::Pair,
    /// Height of its tree.
    pub height: u8,
    /// What stands in its slots.
    pub slots: BTreeMap<u32, SlotEntry>,
    /// The next round's number.
    pub number: u64,
    /// The last round's time.
    pub time: Moment,
    /// Its log of rounds.
    pub log: Tree,
}

impl Collector {
    /// A registered one.
    pub fn registered() -> Self {
        let id = crate::NextAggregator::<super::Test>::get();
        let pair = ed25519::Pair::from_seed(&[100 + id.0 as u8; 32]);
        Receipts::register_aggregator(RuntimeOrigin::signed(OWNER), PublicKey(pair.public().0), HEIGHT).unwrap();
        Self { id, pair, height: HEIGHT, slots: BTreeMap::new(), number: 0, time: NOW, log: Tree::new() }
    }

    /// Gives a job an unused slot, for its party.
    pub fn register(&self, party: AccountId32, job: JobId) -> u32 {
        Receipts::register_source(RuntimeOrigin::signed(party), self.id, job, None).unwrap();
        crate::Aggregators::<super::Test>::get(self.id).unwrap().width - 1
    }

    /// Puts a guest's checkpoint into a slot.
    pub fn take(&mut self, slot: u32, guest: &Guest, checkpoint: Checkpoint) {
        self.slots.insert(slot, SlotEntry::new(checkpoint, guest.sign(&checkpoint)));
    }

    fn tree(&self) -> SlotTree {
        let filled = self.slots.iter().map(|(slot, entry)| (*slot, slot_hash(Some(entry)))).collect();
        SlotTree::of_slots(self.height, filled).unwrap()
    }

    /// The next round, a second after the one before, with as many receipts as filled slots.
    pub fn round(&self) -> Round {
        Round {
            version: Round::VERSION,
            aggregator: self.id,
            number: self.number,
            root: Digest(self.tree().root()),
            filled: self.slots.len() as u32,
            receipts: self.slots.len() as u64,
            time: self.time + 1_000,
        }
    }

    /// The aggregator's signature.
    pub fn sign(&self, round: &Round) -> Signature {
        Signature(self.pair.sign(&round.signing_payload(&genesis())).0)
    }

    /// A round with the aggregator's signature.
    pub fn signed(&self, round: Round) -> SignedRound {
        SignedRound { round, signature: self.sign(&round) }
    }

    /// Signs and submits a round.
    pub fn submit(&self, round: Round) -> DispatchResult {
        Receipts::commit_round(RuntimeOrigin::signed(ANYONE), round, self.sign(&round))
    }

    /// Commits the next round and goes on to the following. Answers it.
    pub fn commit(&mut self) -> Round {
        let round = self.round();
        self.submit(round).unwrap();
        self.number += 1;
        self.time = round.time;
        self.log.append(leaf_hash(&round.encode()));
        round
    }

    /// The path from a slot to the root of the slots as they stand.
    pub fn path(&self, slot: u32) -> List<Digest, 30> {
        self.tree().path(slot).unwrap().into_iter().map(Digest).collect::<Vec<_>>().try_into().unwrap()
    }

    /// The proof that a round is in the log of rounds as it stands.
    pub fn proof_of_round(&self, number: u64) -> List<Digest, 25> {
        let proof = self.log.inclusion_proof(number, self.log.size()).unwrap();
        proof.into_iter().map(Digest).collect::<Vec<_>>().try_into().unwrap()
    }

    /// Brings what stands in a slot, through a round that was committed with the slots as they stand.
    pub fn bring(&self, number: u64, slot: u32, guest: &Guest) -> DispatchResult {
        let from = Receipts::head(guest.job).map_or(0, |head| head.size);
        let proof = if from >= guest.tree.size() { List::new() } else { guest.proof(from) };
        let entry = self.slots[&slot];
        Receipts::checkpoint_in_round(RuntimeOrigin::signed(ANYONE), self.id, number, slot, entry, self.path(slot), proof)
    }
}
