//! What a node answers over JSON-RPC beyond the library's `system`, `chain`, `state` and `author` methods: nonces, fees, finality, the market.
//!
//! Each group of methods is a module of its own that is merged here.

use crate::{
    finality_proof, hand_overs,
    market::{MarketRpc, MarketServer as _},
    service::{Backend, Client, Pool},
};
use blockcloud_runtime::opaque::Block;
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sp_runtime::traits::{Block as BlockT, NumberFor};
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What is needed to answer about finality.
#[derive(Clone)]
pub struct Finality {
    /// Who votes.
    pub authorities: SharedAuthoritySet<<Block as BlockT>::Hash, NumberFor<Block>>,
    /// Where the voting stands.
    pub voters: SharedVoterState,
    /// Justifications as they come.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Where justifications are stored.
    pub backend: Arc<Backend>,
}

/// What the methods need of the node.
#[derive(Clone)]
pub struct Deps {
    /// The chain.
    pub client: Arc<Client>,
    /// The transactions that wait.
    pub pool: Arc<Pool>,
    /// Finality.
    pub finality: Finality,
}

/// All methods of this node that the library does not bring.
pub fn methods(deps: Deps, executor: SubscriptionTaskExecutor) -> Result<RpcModule<()>, jsonrpsee::core::RegisterMethodError> {
    let Deps { client, pool, finality } = deps;
    let Finality { authorities, voters, justifications, backend } = finality;
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(MarketRpc::new(client, pool, executor.clone()).into_rpc())?;
    let proofs = FinalityProofProvider::new_for_service(backend.clone(), Some(authorities.clone()));
    let mut grandpa = Grandpa::new(executor, authorities.clone(), voters, justifications, proofs).into_rpc();
    finality_proof::serve(&mut grandpa, backend.clone())?;
    hand_overs::serve(&mut grandpa, backend, authorities)?;
    module.merge(grandpa)?;
    Ok(module)
}
