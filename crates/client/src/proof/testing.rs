//! A chain of a few headers with real signatures, for tests: its authorities are known to everybody.

use super::*;
use finality_grandpa::{Commit, Precommit, SignedPrecommit};
use sp_consensus_grandpa::{AuthoritySignature, localized_payload};
use sp_core::{Pair as _, ed25519};
use sp_runtime::Digest as Logs;
use sp_trie::{TrieDBMutBuilder, TrieMut as _};

/// The first block, and the state that leads to its authorities.
fn first() -> (BlockHeader, Vec<Hex>) {
    let encoded: Vec<_> = set(0, &[1, 2, 3]).authorities.iter().map(|(key, weight)| (key.0, *weight)).collect();
    let (root, state) = state(&[(keys::authorities(), encoded.encode())]);
    (block(0, H256::zero(), root, None), state)
}

/// Hash of the first block.
pub fn genesis() -> Digest {
    Digest(first().0.hash().0)
}

/// Proof that a final block's state holds these items, by key and value.
pub fn finalised(items: &[(Vec<u8>, Vec<u8>)]) -> ChainProof {
    let ((first, authorities), (root, nodes)) = (first(), state(items));
    let block = block(5, H256([5; 32]), root, None);
    ChainProof {
        first: Some(FirstBlock { header: Hex(first.encode()), state: authorities }),
        hand_overs: Vec::new(),
        justification: justify(&block, 0, &[1, 2, 3]),
        header: Hex(block.encode()),
        descendants: Vec::new(),
        state: nodes,
    }
}

/// Has the first block's authorities justify whatever a proof ends in, so that what was changed before gets past the check of their votes. False if there is no
/// header to justify.
pub fn justify_anew(proof: &mut ChainProof) -> bool {
    let last = header(proof.descendants.last().unwrap_or(&proof.header));
    last.is_ok_and(|last| {
        proof.justification = justify(&last, 0, &[1, 2, 3]);
        true
    })
}

/// Validators by number.
fn pair(number: u8) -> ed25519::Pair {
    ed25519::Pair::from_seed(&[number; 32])
}

pub(super) fn set(id: u64, members: &[u8]) -> AuthoritySet {
    AuthoritySet { id, authorities: members.iter().map(|member| (Digest(pair(*member).public().0), 1)).collect() }
}

/// All of these items as a state: its root and every node.
pub(super) fn state(items: &[(Vec<u8>, Vec<u8>)]) -> (H256, Vec<Hex>) {
    let (mut nodes, mut root) = (MemoryDB::<Blake2Hasher>::default(), H256::zero());
    let mut trie = TrieDBMutBuilder::<LayoutV1<Blake2Hasher>>::new(&mut nodes, &mut root).build();
    for (key, value) in items {
        trie.insert(key, value).expect("the trie is in memory");
    }
    drop(trie);
    let nodes = nodes.drain().into_values().filter(|(_, count)| *count > 0).map(|(node, _)| Hex(node)).collect();
    (root, nodes)
}

pub(super) fn block(number: u32, parent: H256, state_root: H256, next: Option<&AuthoritySet>) -> BlockHeader {
    let change = next.map(|set| {
        let next_authorities =
            set.authorities.iter().map(|(key, weight)| (ed25519::Public::unchecked_from(key.0).into(), *weight)).collect();
        let log = ConsensusLog::ScheduledChange(ScheduledChange { next_authorities, delay: 0u32 });
        DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode())
    });
    BlockHeader {
        parent_hash: parent,
        number,
        state_root,
        extrinsics_root: H256::zero(),
        digest: Logs { logs: change.into_iter().collect() },
    }
}

/// A justification of a block by these validators as members of a set.
pub(super) fn justify(header: &BlockHeader, set_id: u64, members: &[u8]) -> Hex {
    let precommit = Precommit { target_hash: header.hash(), target_number: header.number };
    let precommits = members
        .iter()
        .map(|member| {
            let payload = localized_payload(3, set_id, &Message::Precommit(precommit.clone()));
            let signature = AuthoritySignature::from(pair(*member).sign(&payload));
            SignedPrecommit { precommit: precommit.clone(), signature, id: AuthorityId::from(pair(*member).public()) }
        })
        .collect();
    let commit = Commit { target_hash: header.hash(), target_number: header.number, precommits };
    Hex(Justification { round: 3, commit, votes_ancestries: vec![] }.encode())
}
