//! What a chain proves to somebody who is offline: that a block is final, and what its state holds.
//!
//! A [`ChainProof`] leads from authorities that are trusted (those of the first block, which the chain's genesis hash stands for, or a set that the verifier
//! pins) through every hand-over to the set that finalised a block, and from the block's state root to single items of its state. Nothing here asks a
//! node; making a proof is [`Chain::prove`](crate::Chain::prove). Not here: what the items mean to a job (the audit bundle).

use blockcloud_primitives::{
    AccountId, Balance, Completion, Digest, Head, JobId, JobState, Moment, OfferId, Resources, SiteId, Suspension,
};
use codec::{Decode, DecodeAll, Encode};
use finality_grandpa::{Chain as Ancestry, Error as GrandpaError, Message, voter_set::VoterSet};
use serde::{Deserialize, Serialize};
use sp_consensus_grandpa::{
    AuthorityId, ConsensusLog, GRANDPA_ENGINE_ID, GrandpaJustification, ScheduledChange, SignatureResult, check_message_signature,
};
use sp_core::{Blake2Hasher, H256, crypto::UncheckedFrom};
use sp_runtime::{DigestItem, generic, traits::BlakeTwo256};
use sp_trie::{LayoutV1, MemoryDB, StorageProof, read_trie_value};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// A block's header in full.
pub type BlockHeader = generic::Header<u32, BlakeTwo256>;
type Justification = GrandpaJustification<BlockHeader>;

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofFault {
    /// No authorities to begin with.
    #[error("the proof does not begin with the first block's authorities; name a set that you trust (--authorities)")]
    NoAnchor,
    /// The first block is another one.
    #[error("the proof begins with the block {found}, not with the first block of the chain {expected}")]
    OtherGenesis {
        /// The genesis hash asked for.
        expected: Digest,
        /// The hash of the header in the proof.
        found: Digest,
    },
    /// The pinned set is younger than what the proof reaches.
    #[error("the pinned set is number {pinned}, and the proof ends in set {last}: export it again, or pin an older set")]
    PinTooYoung {
        /// Number of the pinned set.
        pinned: u64,
        /// Number of the set that finalised the block.
        last: u64,
    },
    /// Something is not an encoding of what it should be.
    #[error("{0} cannot be read")]
    Encoding(&'static str),
    /// The set's authorities are no voters: none, or with no weight.
    #[error("authority set {0} is empty")]
    NoVoters(u64),
    /// Too few of the set vouch for the block.
    #[error("block {block} is not vouched for by two thirds of authority set {set}")]
    NotFinal {
        /// The block.
        block: u32,
        /// The set.
        set: u64,
    },
    /// A signature does not hold.
    #[error("a vote for block {block} is not signed by an authority of set {set}")]
    BadVote {
        /// The block.
        block: u32,
        /// The set.
        set: u64,
    },
    /// The justification is for another block.
    #[error("the justification is for the block {justified}, not for {header}")]
    OtherBlock {
        /// The block justified.
        justified: Digest,
        /// The block it stands with.
        header: Digest,
    },
    /// A hand-over that hands over nothing.
    #[error("block {0} does not say which authorities follow")]
    NoHandOver(u32),
    /// Blocks go back.
    #[error("block {0} comes after a later one")]
    Order(u32),
    /// A header does not follow the one before.
    #[error("block {0} does not follow the one before it in the proof")]
    Broken(u32),
    /// The state's nodes do not lead to an item.
    #[error("the proof does not reach {0} in the state")]
    NotInProof(&'static str),
}

/// Bytes, as `0x` hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The authorities that finalise blocks, with their number among all sets of the chain, from zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySet {
    /// Its number.
    pub id: u64,
    /// Their keys (ed25519) and weights.
    pub authorities: Vec<(Digest, u64)>,
}

impl AuthoritySet {
    /// As the chain encodes it.
    pub(crate) fn decode(id: u64, bytes: &[u8]) -> Result<Self, ProofFault> {
        let authorities = <Vec<([u8; 32], u64)>>::decode_all(&mut &bytes[..]).map_err(|_| ProofFault::Encoding("an authority set"))?;
        Ok(Self { id, authorities: authorities.into_iter().map(|(key, weight)| (Digest(key), weight)).collect() })
    }

    fn voters(&self) -> Result<VoterSet<AuthorityId>, ProofFault> {
        let voters =
            self.authorities.iter().map(|(key, weight)| (AuthorityId::from(sp_core::ed25519::Public::unchecked_from(key.0)), *weight));
        VoterSet::new(voters).ok_or(ProofFault::NoVoters(self.id))
    }

    /// Checks that more than two thirds of the set finalised a block.
    fn justifies(&self, header: &BlockHeader, justification: &[u8]) -> Result<(), ProofFault> {
        let block = header.number;
        let Justification { round, commit, votes_ancestries } =
            Justification::decode_all(&mut &justification[..]).map_err(|_| ProofFault::Encoding("a justification"))?;
        if commit.target_hash != header.hash() {
            return Err(ProofFault::OtherBlock { justified: Digest(commit.target_hash.0), header: Digest(header.hash().0) });
        }
        let ancestry = Headers(votes_ancestries.into_iter().map(|header| (header.hash(), header)).collect());
        let voters = self.voters()?;
        let valid = finality_grandpa::validate_commit(&commit, &voters, &ancestry).is_ok_and(|result| result.is_valid());
        if !valid {
            return Err(ProofFault::NotFinal { block, set: self.id });
        }
        let signed = commit.precommits.iter().all(|vote| {
            voters.contains(&vote.id)
                && matches!(
                    check_message_signature(&Message::Precommit(vote.precommit.clone()), &vote.id, &vote.signature, round, self.id),
                    SignatureResult::Valid
                )
        });
        if signed { Ok(()) } else { Err(ProofFault::BadVote { block, set: self.id }) }
    }
}

/// Headers by which votes for later blocks are counted for an earlier one.
struct Headers(BTreeMap<H256, BlockHeader>);

impl Ancestry<H256, u32> for Headers {
    fn ancestry(&self, base: H256, block: H256) -> Result<Vec<H256>, GrandpaError> {
        let (mut route, mut current, mut seen) = (Vec::new(), block, BTreeSet::new());
        while current != base {
            // A hash cannot lead back to itself; if one did, this ends all the same.
            let header = self.0.get(&current).filter(|_| seen.insert(current)).ok_or(GrandpaError::NotDescendent)?;
            current = header.parent_hash;
            route.push(current);
        }
        route.pop();
        Ok(route)
    }
}

/// A block in which one authority set hands over to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// The block's header, SCALE.
    pub header: Hex,
    /// GRANDPA's justification by the set that hands over.
    pub justification: Hex,
}

/// The first block and its authorities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstBlock {
    /// Its header, SCALE.
    pub header: Hex,
    /// Trie nodes of its state that lead to the authorities.
    pub state: Vec<Hex>,
}

/// Proof that a block is final, and of items of its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainProof {
    /// The first block; absent where the node no longer had its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstBlock>,
    /// Every hand-over before the block, from set 0 on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hand_overs: Vec<HandOver>,
    /// The block's header, SCALE.
    pub header: Hex,
    /// The headers from the one after it to the one that was justified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descendants: Vec<Hex>,
    /// GRANDPA's justification of the last of them.
    pub justification: Hex,
    /// Trie nodes of the block's state.
    pub state: Vec<Hex>,
}

/// A block that is final beyond doubt, and what is proved of its state.
pub struct Proved {
    /// The block's number.
    pub number: u32,
    /// Its hash.
    pub hash: Digest,
    /// The set that finalised it.
    pub set: u64,
    /// Whether trust begins with a set that the verifier pinned and not with the first block.
    pub pinned: bool,
    state_root: H256,
    nodes: MemoryDB<Blake2Hasher>,
}

impl ChainProof {
    /// Checks the proof for the chain with this genesis hash. With a pinned set nothing before that set is looked at.
    ///
    /// # Errors
    /// Any [`ProofFault`] but `NotInProof`.
    pub fn verify(&self, genesis: Digest, pinned: Option<&AuthoritySet>) -> Result<Proved, ProofFault> {
        let mut set = match pinned {
            Some(set) => set.clone(),
            None => self.first.as_ref().ok_or(ProofFault::NoAnchor)?.authorities(genesis)?,
        };
        let skipped = usize::try_from(set.id).unwrap_or(usize::MAX);
        let hand_overs =
            self.hand_overs.get(skipped..).ok_or(ProofFault::PinTooYoung { pinned: set.id, last: self.hand_overs.len() as u64 })?;
        let mut before = None;
        for hand_over in hand_overs {
            let header = header(&hand_over.header)?;
            if before.is_some_and(|before| before >= header.number) {
                return Err(ProofFault::Order(header.number));
            }
            before = Some(header.number);
            set.justifies(&header, &hand_over.justification.0)?;
            set = AuthoritySet { id: set.id + 1, authorities: next_authorities(&header)? };
        }
        let block = header(&self.header)?;
        let mut last = block.clone();
        for descendant in &self.descendants {
            let next = header(descendant)?;
            if next.parent_hash != last.hash() {
                return Err(ProofFault::Broken(next.number));
            }
            last = next;
        }
        set.justifies(&last, &self.justification.0)?;
        Ok(Proved {
            number: block.number,
            hash: Digest(block.hash().0),
            set: set.id,
            pinned: pinned.is_some(),
            state_root: block.state_root,
            nodes: nodes(&self.state),
        })
    }
}

impl FirstBlock {
    fn authorities(&self, genesis: Digest) -> Result<AuthoritySet, ProofFault> {
        let header = header(&self.header)?;
        let found = Digest(header.hash().0);
        if found != genesis || header.number != 0 {
            return Err(ProofFault::OtherGenesis { expected: genesis, found });
        }
        let missing = "the authorities";
        let bytes = read(&nodes(&self.state), header.state_root, &keys::authorities(), missing)?.ok_or(ProofFault::NotInProof(missing))?;
        AuthoritySet::decode(0, &bytes)
    }
}

impl Proved {
    /// The job's record; nothing where the state has none.
    ///
    /// # Errors
    /// [`ProofFault::NotInProof`], [`ProofFault::Encoding`].
    pub fn job(&self, job: JobId) -> Result<Option<JobRecord>, ProofFault> {
        self.item(&keys::job(job), "the job's record", JobRecord::decode_all)
    }

    /// The encoding of the job's spec; nothing where the state has none.
    ///
    /// # Errors
    /// [`ProofFault::NotInProof`].
    pub fn spec(&self, job: JobId) -> Result<Option<Vec<u8>>, ProofFault> {
        read(&self.nodes, self.state_root, &keys::spec(job), "the job's spec")
    }

    /// The head of the job's log; nothing where the log is not open, or has none.
    ///
    /// # Errors
    /// [`ProofFault::NotInProof`], [`ProofFault::Encoding`].
    pub fn head(&self, job: JobId) -> Result<Option<Head>, ProofFault> {
        // pallet_receipts::Log: when it was opened, its head, and whether its guest equivocated.
        let log = self.item(&keys::log(job), "the job's log", <(Moment, Option<Head>, bool)>::decode_all)?;
        Ok(log.and_then(|(_, head, _)| head))
    }

    fn item<T>(
        &self,
        key: &[u8],
        name: &'static str,
        decode: impl Fn(&mut &[u8]) -> Result<T, codec::Error>,
    ) -> Result<Option<T>, ProofFault> {
        let bytes = read(&self.nodes, self.state_root, key, name)?;
        bytes.map(|bytes| decode(&mut &bytes[..]).map_err(|_| ProofFault::Encoding(name))).transpose()
    }
}

/// A job's record as the chain stores it (`pallet_jobs::Job`), field by field.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[expect(missing_docs, reason = "documented where the chain declares them")]
pub struct JobRecord {
    pub customer: AccountId,
    pub provider: AccountId,
    pub offer: OfferId,
    pub site: SiteId,
    pub terms: Digest,
    pub resources: Resources,
    pub rate: Balance,
    pub longest_run: u32,
    pub checkpoint_gap: u32,
    pub state: JobState,
    pub placed_at: Moment,
    pub deadline: Moment,
    pub queued: Option<u64>,
    pub session_until: Option<Moment>,
    pub suspended: Option<Suspension>,
    /// Started, last checkpoint, vouched until; milliseconds covered.
    pub run: Option<(Moment, Moment, Moment, u64)>,
    pub completion: Option<Completion>,
    pub deposit: Balance,
    pub deposited: Balance,
    pub paid: Balance,
    pub returned: Balance,
}

/// Keys of the items that are proved. Fixed, because whoever is offline has no metadata; a test holds them against a node's.
pub mod keys {
    use super::JobId;
    use sp_crypto_hashing::{twox_64, twox_128};

    /// The authorities that finalise.
    pub fn authorities() -> Vec<u8> {
        item("Grandpa", "Authorities")
    }

    /// The number of their set.
    pub fn set_id() -> Vec<u8> {
        item("Grandpa", "CurrentSetId")
    }

    /// A job's record.
    pub fn job(job: JobId) -> Vec<u8> {
        entry("Jobs", "Jobs", job)
    }

    /// A job's spec.
    pub fn spec(job: JobId) -> Vec<u8> {
        entry("Jobs", "Specs", job)
    }

    /// A job's log.
    pub fn log(job: JobId) -> Vec<u8> {
        entry("Receipts", "Logs", job)
    }

    fn item(pallet: &str, item: &str) -> Vec<u8> {
        [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
    }

    /// The hasher is `Twox64Concat`.
    fn entry(pallet: &str, map: &str, job: JobId) -> Vec<u8> {
        let job = job.0.to_le_bytes();
        [item(pallet, map), twox_64(&job).to_vec(), job.to_vec()].concat()
    }
}

fn header(bytes: &Hex) -> Result<BlockHeader, ProofFault> {
    BlockHeader::decode_all(&mut &bytes.0[..]).map_err(|_| ProofFault::Encoding("a header"))
}

/// The set that follows, which the first change in the block's digest names. It takes over with the next block.
fn next_authorities(header: &BlockHeader) -> Result<Vec<(Digest, u64)>, ProofFault> {
    let change = header.digest.logs.iter().find_map(|item| match item {
        DigestItem::Consensus(GRANDPA_ENGINE_ID, log) => match ConsensusLog::<u32>::decode_all(&mut &log[..]) {
            Ok(ConsensusLog::ScheduledChange(ScheduledChange { next_authorities, delay: 0 })) => Some(next_authorities),
            _ => None,
        },
        _ => None,
    });
    let next = change.ok_or(ProofFault::NoHandOver(header.number))?;
    Ok(next.into_iter().map(|(key, weight)| (Digest(sp_core::ed25519::Public::from(key).0), weight)).collect())
}

fn nodes(state: &[Hex]) -> MemoryDB<Blake2Hasher> {
    StorageProof::new(state.iter().map(|node| node.0.clone())).into_memory_db()
}

fn read(nodes: &MemoryDB<Blake2Hasher>, root: H256, key: &[u8], name: &'static str) -> Result<Option<Vec<u8>>, ProofFault> {
    read_trie_value::<LayoutV1<Blake2Hasher>, _>(nodes, &root, key, None, None).map_err(|_| ProofFault::NotInProof(name))
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
