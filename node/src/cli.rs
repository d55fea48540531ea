//! The command line.

use crate::finality::FinalityParams;
use clap::Parser;
use std::path::PathBuf;

/// How to run without a network; printed by `--help`.
const EXAMPLES: &str = "\
Without a network, for instance in a test, `blockcloud-node --dev` needs nothing else. Several validators on one machine:

  blockcloud-node --chain local4 --alice --base-path A --node-key KEY --no-mdns --no-telemetry \\
      --listen-addr /ip4/127.0.0.1/tcp/30333 --rpc-port 9944 --prometheus-port 9615
  blockcloud-node --chain local4 --bob --base-path B --node-key KEY2 --no-mdns --no-telemetry \\
      --listen-addr /ip4/127.0.0.1/tcp/30334 --rpc-port 9945 --prometheus-port 9616 \\
      --bootnodes /ip4/127.0.0.1/tcp/30333/p2p/PEER

`blockcloud-node key generate-node-key` makes a KEY and prints its PEER.";

/// The command line of a node.
#[derive(Debug, Parser)]
#[command(after_long_help = EXAMPLES)]
pub struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// How to run a node.
    #[clap(flatten)]
    pub run: sc_cli::RunCmd,

    /// How to finalise.
    #[clap(flatten)]
    pub finality: FinalityParams,

    /// Keep the machine code that the runtime is compiled to in this folder, for the next start.
    ///
    /// Several nodes may share it. Whoever can write to it decides what the node executes: let only the node's own user do so.
    #[arg(long, value_name = "FOLDER", env = "BLOCKCLOUD_WASM_CACHE")]
    pub wasm_cache: Option<PathBuf>,
}

/// What to do instead of running a node.
// The library prefers `export-chain-spec` to `build-spec`, but operators and their scripts know both.
#[allow(deprecated)]
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Make, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Print a chain's specification.
    BuildSpec(sc_cli::BuildSpecCmd),

    /// Write a chain's specification to a file.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Play a block again and check it.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Write the state of a block as a chain's specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Take blocks back that are not final.
    Revert(sc_cli::RevertCmd),

    /// Print where the database stands.
    ChainInfo(sc_cli::ChainInfoCmd),

    /// Delete the database.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Measure weights.
    #[cfg(feature = "runtime-benchmarks")]
    #[command(subcommand)]
    Benchmark(frame_benchmarking_cli::BenchmarkCmd),
}
