//! `blockcloud-node`: consensus, networking and RPC around the BlockCloud runtime.
//!
//! Not here: anything the chain decides (that is the runtime), and the customer's or provider's tools (`blockcloud`, `blockcloud-agent`).

mod chain_spec;
mod cli;
mod command;
mod finality;
mod finality_proof;
mod market;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
