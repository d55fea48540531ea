//! `grandpa_handOvers`: how each set of authorities handed over to the next, for whoever wants to check finality from the first block on without the chain.
//!
//! The answer is the SCALE encoding of `Vec<(Header, Vec<u8>)>`: the last block of each set, whose digest names the next set, and its justification by the
//! set that goes. It begins with the first after the block of this number and holds at most [`PAGE`] of them; empty, there are no more.

use crate::service::Backend;
use blockcloud_runtime::opaque::{Block, Header};
use codec::Encode;
use jsonrpsee::{
    RpcModule,
    core::{RegisterMethodError, RpcResult},
    types::ErrorObjectOwned,
};
use sc_client_api::Backend as _;
use sc_consensus_grandpa::SharedAuthoritySet;
use sp_blockchain::{Backend as _, Error, HeaderBackend};
use sp_consensus_grandpa::GRANDPA_ENGINE_ID;
use sp_core::Bytes;
use sp_runtime::{generic::BlockId, traits::Block as BlockT};
use std::sync::Arc;

/// Most hand-overs of one answer. One is a header and a vote of each authority: a few kB for a consortium.
const PAGE: usize = 64;
/// As for the other methods about finality.
const FAILED: i32 = 4;

type Authorities = SharedAuthoritySet<<Block as BlockT>::Hash, u32>;

/// Adds the method.
pub fn serve<Context: Send + Sync + 'static>(
    module: &mut RpcModule<Context>,
    backend: Arc<Backend>,
    authorities: Authorities,
) -> Result<(), RegisterMethodError> {
    module.register_blocking_method("grandpa_handOvers", move |params, _, _| -> RpcResult<Bytes> {
        let after: u32 = params.one()?;
        let refused = |message: String| ErrorObjectOwned::owned(FAILED, message, None::<()>);
        let changes = authorities.authority_set_changes();
        let changes = changes.iter_from(after).ok_or_else(|| {
            refused(
                "this node does not know every change of the authorities: it did not begin with the first block. Ask another one".into(),
            )
        })?;
        let found: Result<Vec<_>, Error> = changes.take(PAGE).map(|(_, last)| hand_over(&backend, *last)).collect();
        found.map(|found| Bytes(found.encode())).map_err(|error| refused(format!("a change of the authorities cannot be proved: {error}")))
    })?;
    Ok(())
}

fn hand_over(backend: &Backend, number: u32) -> Result<(Header, Vec<u8>), Error> {
    let chain = backend.blockchain();
    let hash = chain.expect_block_hash_from_id(&BlockId::Number(number))?;
    let justification = chain.justifications(hash)?.and_then(|all| all.into_justification(GRANDPA_ENGINE_ID));
    let justification = justification.ok_or_else(|| Error::Backend(format!("the justification of block {number} is missing")))?;
    Ok((chain.expect_header(hash)?, justification))
}
