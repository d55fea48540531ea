//! `grandpa_proveFinality` that always has an answer and a short one.
//!
//! The library's method proves a block by the justification that ended its authority set, with every header up to there. A consortium's set
//! changes rarely: the headers would fill megabytes, and before the first change there is no proof at all. Ours takes the first justification
//! at or after the block. One is stored at least every [`JUSTIFICATION_PERIOD`](crate::finality::JUSTIFICATION_PERIOD) blocks, and the newest
//! always is. The proof has the library's form, so that every GRANDPA verifier reads it.

use crate::service::Backend;
use blockcloud_runtime::opaque::{Block, Header};
use codec::Encode;
use jsonrpsee::{
    RpcModule,
    core::{RegisterMethodError, RpcResult},
    types::ErrorObjectOwned,
};
use sc_client_api::Backend as _;
use sc_consensus_grandpa::{FinalityProof, FinalityProofError, GrandpaJustification, best_justification};
use sp_blockchain::{Backend as _, HeaderBackend};
use sp_consensus_grandpa::GRANDPA_ENGINE_ID;
use sp_core::Bytes;
use sp_runtime::generic::BlockId;
use std::sync::Arc;

/// The method that is replaced.
const METHOD: &str = "grandpa_proveFinality";
/// The library's code of errors of this method.
const FAILED: i32 = 4;

/// Replaces the library's method.
pub fn serve<Context: Send + Sync + 'static>(module: &mut RpcModule<Context>, backend: Arc<Backend>) -> Result<(), RegisterMethodError> {
    module.remove_method(METHOD);
    module.register_blocking_method(METHOD, move |params, _, _| -> RpcResult<Option<Bytes>> {
        let block: u32 = params.one()?;
        let proof = Stored::open(&backend).and_then(|stored| prove(&stored, block));
        proof
            .map(|proof| proof.map(|proof| Bytes(proof.encode())))
            .map_err(|error| ErrorObjectOwned::owned(FAILED, format!("finality of block {block} cannot be proved: {error}"), None::<()>))
    })?;
    Ok(())
}

/// What a proof is made of.
trait Chain {
    /// The last final block.
    fn finalized(&self) -> u32;
    /// The header of a final block.
    fn header(&self, number: u32) -> Result<Header, FinalityProofError>;
    /// The justification that is kept for exactly this block, if one is.
    fn justification(&self, number: u32) -> Result<Option<Vec<u8>>, FinalityProofError>;
}

/// Proves that a block is final; nothing if no justification is kept for any block from it on.
fn prove(chain: &impl Chain, block: u32) -> Result<Option<FinalityProof<Header>>, FinalityProofError> {
    let finalized = chain.finalized();
    if finalized < block {
        return Err(FinalityProofError::BlockNotYetFinalized);
    }
    let mut unknown_headers = Vec::new();
    for number in block..=finalized {
        if number > block {
            unknown_headers.push(chain.header(number)?);
        }
        if let Some(justification) = chain.justification(number)? {
            let block = chain.header(number)?.hash();
            return Ok(Some(FinalityProof { block, justification, unknown_headers }));
        }
    }
    Ok(None)
}

/// The node's own database.
struct Stored<'a> {
    backend: &'a Backend,
    best: Option<(u32, Vec<u8>)>,
}

impl<'a> Stored<'a> {
    fn open(backend: &'a Backend) -> Result<Self, FinalityProofError> {
        let best = best_justification::<_, Block>(backend)?.map(|best: GrandpaJustification<Block>| (best.target().0, best.encode()));
        Ok(Self { backend, best })
    }
}

impl Chain for Stored<'_> {
    fn finalized(&self) -> u32 {
        self.backend.blockchain().info().finalized_number
    }

    fn header(&self, number: u32) -> Result<Header, FinalityProofError> {
        let hash = self.backend.blockchain().expect_block_hash_from_id(&BlockId::Number(number))?;
        Ok(self.backend.blockchain().expect_header(hash)?)
    }

    fn justification(&self, number: u32) -> Result<Option<Vec<u8>>, FinalityProofError> {
        if let Some((_, best)) = self.best.as_ref().filter(|(target, _)| *target == number) {
            return Ok(Some(best.clone()));
        }
        let hash = self.backend.blockchain().expect_block_hash_from_id(&BlockId::Number(number))?;
        let justifications = self.backend.blockchain().justifications(hash)?;
        Ok(justifications.and_then(|all| all.into_justification(GRANDPA_ENGINE_ID)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sp_runtime::traits::Header as _;

    /// A chain of ten final blocks with justifications for some.
    struct Ten(&'static [u32]);

    fn header(number: u32) -> Header {
        Header::new(number, Default::default(), Default::default(), Default::default(), Default::default())
    }

    impl Chain for Ten {
        fn finalized(&self) -> u32 {
            10
        }

        fn header(&self, number: u32) -> Result<Header, FinalityProofError> {
            Ok(header(number))
        }

        fn justification(&self, number: u32) -> Result<Option<Vec<u8>>, FinalityProofError> {
            Ok(self.0.contains(&number).then(|| vec![number as u8]))
        }
    }

    #[test]
    fn the_next_justification_is_taken_with_the_headers_up_to_it() {
        let proof = prove(&Ten(&[2, 6, 9]), 4).unwrap().unwrap();
        let expected = FinalityProof { block: header(6).hash(), justification: vec![6], unknown_headers: vec![header(5), header(6)] };
        assert_eq!(proof, expected);
    }

    #[test]
    fn a_block_with_a_justification_needs_no_header() {
        let proof = prove(&Ten(&[2, 6, 9]), 6).unwrap().unwrap();
        assert_eq!((proof.block, proof.unknown_headers), (header(6).hash(), Vec::new()));
    }

    #[test]
    fn without_a_later_justification_there_is_no_proof() {
        assert_eq!(prove(&Ten(&[2]), 3).unwrap(), None);
    }

    #[test]
    fn a_block_that_is_not_final_is_refused() {
        assert!(matches!(prove(&Ten(&[]), 11), Err(FinalityProofError::BlockNotYetFinalized)));
    }
}
