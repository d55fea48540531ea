//! Making a chain proof: everything that `proof` verifies offline, asked of a node once.

use crate::{
    At, Chain, Error, Result,
    proof::{AuthoritySet, BlockHeader, ChainProof, FirstBlock, HandOver, Hex, keys},
};
use blockcloud_primitives::Digest;
use codec::{Decode as _, DecodeAll, Encode as _};
use sp_core::H256;
use subxt::rpcs::rpc_params;

impl Chain {
    /// Proves what the state of a final block holds under these keys, from the first block's authorities on, if the node still has the first block's
    /// state; else for a verifier who pins a set.
    ///
    /// # Errors
    /// [`Error::NoBlock`]; [`Error::NotProvable`] while the node has no justification for the block or a later one; what the node answers.
    pub async fn prove(&self, block: Digest, keys: &[Vec<u8>]) -> Result<ChainProof> {
        let header = self.whole_header(block).await?;
        let proof = self.finality_proof(header.number).await?.ok_or(Error::NotProvable(header.number))?;
        // sc_consensus_grandpa::FinalityProof: the justified block, the justification, and the headers that lead there.
        let (justified, justification, descendants) = <(H256, Vec<u8>, Vec<BlockHeader>)>::decode_all(&mut &proof[..])
            .map_err(|error| Error::malformed("grandpa_proveFinality", error))?;
        let last = descendants.last().map_or(header.number, |last| last.number);
        if descendants.last().unwrap_or(&header).hash() != justified {
            return Err(Error::malformed("grandpa_proveFinality", "it ends in another block than it says"));
        }
        let state = self.read_proof(keys, At::Block(block)).await?.nodes;
        let first = match self.first_block().await {
            Ok(first) => Some(first),
            Err(error) if error.is_unreachable() => return Err(error),
            // Its state is pruned.
            Err(_) => None,
        };
        Ok(ChainProof {
            first,
            hand_overs: self.hand_overs(last).await?,
            header: Hex(header.encode()),
            descendants: descendants.iter().map(|header| Hex(header.encode())).collect(),
            justification: Hex(justification),
            state: state.into_iter().map(Hex).collect(),
        })
    }

    /// The authorities that finalise after a block, with their set's number.
    ///
    /// # Errors
    /// What the node answers.
    pub async fn authority_set(&self, at: At) -> Result<AuthoritySet> {
        let hash = self.resolve(at).await?;
        let id = self.storage(&keys::set_id(), At::Block(hash)).await?.unwrap_or_default();
        let id = u64::decode(&mut &id[..]).map_err(|error| Error::malformed("Grandpa::CurrentSetId", error))?;
        let authorities = self.storage(&keys::authorities(), At::Block(hash)).await?.unwrap_or_default();
        AuthoritySet::decode(id, &authorities).map_err(|error| Error::malformed("Grandpa::Authorities", error))
    }

    async fn first_block(&self) -> Result<FirstBlock> {
        let genesis = self.genesis();
        let header = self.whole_header(genesis).await?;
        let state = self.read_proof(&[keys::authorities()], At::Block(genesis)).await?.nodes;
        Ok(FirstBlock { header: Hex(header.encode()), state: state.into_iter().map(Hex).collect() })
    }

    /// Every hand-over in a block before this one.
    async fn hand_overs(&self, before: u32) -> Result<Vec<HandOver>> {
        const METHOD: &str = "grandpa_handOvers";
        let (mut found, mut after) = (Vec::new(), 0u32);
        loop {
            let answer: crate::chain::HexBytes = self.inner.rpc.request(METHOD, rpc_params![after]).await?;
            let page = <Vec<(BlockHeader, Vec<u8>)>>::decode_all(&mut &answer.0[..]).map_err(|error| Error::malformed(METHOD, error))?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            if last.number <= after {
                return Err(Error::malformed(METHOD, "it goes back"));
            }
            after = last.number;
            let earlier = page.into_iter().filter(|(header, _)| header.number < before);
            found.extend(
                earlier.map(|(header, justification)| HandOver { header: Hex(header.encode()), justification: Hex(justification) }),
            );
            if after >= before {
                return Ok(found);
            }
        }
    }

    /// A block's header, whole and checked against its hash.
    async fn whole_header(&self, hash: Digest) -> Result<BlockHeader> {
        let header: Option<BlockHeader> = self.inner.rpc.request("chain_getHeader", rpc_params![hash]).await?;
        let header = header.ok_or_else(|| Error::NoBlock(hash.to_string()))?;
        if header.hash().0 == hash.0 { Ok(header) } else { Err(Error::malformed("chain_getHeader", "it is of another block")) }
    }
}
