//! From the command line to what it asks for.

use crate::{
    chain_spec,
    cli::{Cli, Subcommand},
    service::{self, Parts},
};
use blockcloud_runtime::opaque::Block;
use clap::{CommandFactory, FromArgMatches};
use sc_cli::{RunCmd, SubstrateCli};
use sc_network::{Litep2pNetworkBackend, Multiaddr, NetworkWorker, config::NetworkBackendType, multiaddr::Protocol};
use sc_service::{ChainSpec, Configuration};
use std::net::Ipv4Addr;

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "BlockCloud Node".into()
    }

    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        env!("CARGO_PKG_AUTHORS").into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
        Ok(Box::new(chain_spec::load(id)?))
    }
}

/// The command line with our defaults.
///
/// The fork-aware pool accepts more than it includes when it is flooded, and forgets the rest; the single-state pool does not.
fn parse() -> Cli {
    let command = Cli::setup_command(Cli::command()).mut_arg("pool_type", |arg| arg.default_value("single-state"));
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Does what the command line asks for.
pub fn run() -> sc_cli::Result<()> {
    let cli = parse();
    match &cli.subcommand {
        None => {
            let finality = cli.finality;
            cli.create_runner(&cli.run)?.run_node_until_exit(|mut config| async move {
                if cli.run.shared_params.is_dev() {
                    keep_to_this_machine(&mut config, &cli.run);
                }
                match config.network.network_backend {
                    NetworkBackendType::Libp2p => service::start::<NetworkWorker<_, _>>(config, finality, cli.wasm_cache),
                    NetworkBackendType::Litep2p => service::start::<Litep2pNetworkBackend>(config, finality, cli.wasm_cache),
                }
                .map_err(sc_cli::Error::Service)
            })
        }
        Some(Subcommand::Key(cmd)) => cmd.run(&cli),
        #[allow(deprecated)]
        Some(Subcommand::BuildSpec(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.chain_spec, config.network)),
        Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
        Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let Parts { client, task_manager, import_queue, .. } = service::parts(&config, None)?;
            Ok((cmd.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let Parts { client, task_manager, .. } = service::parts(&config, None)?;
            Ok((cmd.run(client, config.database), task_manager))
        }),
        Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let Parts { client, task_manager, import_queue, .. } = service::parts(&config, None)?;
            Ok((cmd.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let Parts { client, task_manager, .. } = service::parts(&config, None)?;
            Ok((cmd.run(client, config.chain_spec), task_manager))
        }),
        Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let Parts { client, task_manager, backend, .. } = service::parts(&config, None)?;
            let grandpa = Box::new(|client, _, blocks| Ok(sc_consensus_grandpa::revert(client, blocks)?));
            Ok((cmd.run(client, backend, Some(grandpa)), task_manager))
        }),
        Some(Subcommand::ChainInfo(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config)),
        Some(Subcommand::PurgeChain(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database)),
        #[cfg(feature = "runtime-benchmarks")]
        Some(Subcommand::Benchmark(cmd)) => cli.create_runner(cmd)?.sync_run(|config| benchmark(cmd, config)),
    }
}

/// A development chain listens on the loopback interface only, unless told an address, and reports to nobody.
fn keep_to_this_machine(config: &mut Configuration, run: &RunCmd) {
    if run.network_params.listen_addr.is_empty() {
        let loopback = |protocol| match protocol {
            Protocol::Ip4(_) => Protocol::Ip4(Ipv4Addr::LOCALHOST),
            other => other,
        };
        let ip4 = config.network.listen_addresses.iter().filter(|address| matches!(address.iter().next(), Some(Protocol::Ip4(_))));
        config.network.listen_addresses =
            ip4.map(|address| address.iter().map(loopback).fold(Multiaddr::empty(), Multiaddr::with)).collect();
    }
    if run.telemetry_params.telemetry_endpoints.is_empty() {
        config.telemetry_endpoints = None;
    }
}

#[cfg(feature = "runtime-benchmarks")]
fn benchmark(cmd: &frame_benchmarking_cli::BenchmarkCmd, config: Configuration) -> sc_cli::Result<()> {
    use frame_benchmarking_cli::{BenchmarkCmd, SUBSTRATE_REFERENCE_HARDWARE};
    use sp_runtime::traits::HashingFor;
    match cmd {
        BenchmarkCmd::Pallet(cmd) => cmd.run_with_spec::<HashingFor<Block>, ()>(Some(config.chain_spec)),
        BenchmarkCmd::Block(cmd) => cmd.run(service::parts(&config, None)?.client),
        BenchmarkCmd::Overhead(cmd) => cmd.run_with_default_builder_and_spec::<Block, ()>(Some(config.chain_spec)),
        BenchmarkCmd::Machine(cmd) => cmd.run(&config, SUBSTRATE_REFERENCE_HARDWARE.clone()),
        BenchmarkCmd::Storage(_) | BenchmarkCmd::Extrinsic(_) => {
            Err("measured are: pallet, block, overhead, machine. Database weights are the library's for ParityDB.".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finality::Lag;

    fn cli(args: &[&str]) -> Cli {
        let command = Cli::setup_command(Cli::command()).mut_arg("pool_type", |arg| arg.default_value("single-state"));
        Cli::from_arg_matches(&command.try_get_matches_from([&["blockcloud-node"], args].concat()).unwrap()).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::setup_command(Cli::command()).debug_assert();
    }

    #[test]
    fn finality_is_fast_unless_told_otherwise() {
        let fast = cli(&["--dev"]).finality;
        assert_eq!((fast.grandpa_gossip_ms, fast.finality_lag), (100, Lag::Best));
        let cautious = cli(&["--grandpa-gossip-ms", "333", "--finality-lag", "cautious"]).finality;
        assert_eq!((cautious.grandpa_gossip_ms, cautious.finality_lag), (333, Lag::Cautious));
    }

    #[test]
    fn the_pool_does_not_forget_unless_told_otherwise() {
        use sc_cli::TransactionPoolType::{ForkAware, SingleState};
        assert!(matches!(cli(&[]).run.pool_config.pool_type, SingleState));
        assert!(matches!(cli(&["--pool-type", "fork-aware"]).run.pool_config.pool_type, ForkAware));
    }

    #[test]
    fn an_unknown_chain_says_which_are_known() {
        let error = chain_spec::load("mainnet").err().unwrap();
        assert!(error.contains("dev, local4, consortium"), "{error}");
    }
}
