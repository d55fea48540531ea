//! `blockcloud-node`: consensus, networking and RPC around the BlockCloud runtime.
//!
//! Not here: anything the chain decides (that is the runtime), and the customer's or provider's tools (`blockcloud`, `blockcloud-agent`).
#![allow(clippy::result_large_err, reason = "sc_service's and sc_cli's own error is that large")]

mod chain_spec;
mod cli;
mod command;
mod finality;
mod finality_proof;
mod hand_overs;
mod market;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
