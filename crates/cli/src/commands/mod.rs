//! The commands and their arguments.

mod account;
mod aggregator;
mod audit;
mod bond;
mod chip;
mod complete;
mod doctor;
pub mod evidence;
mod fact;
mod job;
mod key;
mod offer;
mod proof;
mod provider;
mod receipt;

use crate::{
    context::{Context, Globals},
    output::Format,
};
use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

/// The market for spare capacity whose operators cannot see your data.
#[derive(Debug, Parser)]
#[command(name = "blockcloud", version, max_term_width = 120)]
pub struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register as a provider and keep its sites.
    #[command(subcommand)]
    Provider(provider::Command),
    /// A provider's liability bond.
    #[command(subcommand)]
    Bond(bond::Command),
    /// Vouch for facts about sites, or withdraw them.
    #[command(subcommand)]
    Fact(fact::Command),
    /// Processors: who runs them where, and who vouches for that.
    #[command(subcommand)]
    Chip(chip::Command),
    /// Offers of capacity.
    #[command(subcommand)]
    Offer(offer::Command),
    /// Jobs, from the quote to the output.
    #[command(subcommand)]
    Job(job::Command),
    /// A job's receipts.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Check an RFC 9162 proof given as JSON on stdin.
    #[command(subcommand)]
    Proof(proof::Command),
    /// Aggregators of checkpoints, and the slots of jobs.
    #[command(subcommand)]
    Aggregator(aggregator::Command),
    /// Evidence of confidential VMs.
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Audit a job's whole record offline.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Account keys.
    #[command(subcommand)]
    Key(key::Command),
    /// An account's money, and who may act for it.
    #[command(subcommand)]
    Account(account::Command),
    /// Look for what is wrong and say what to do.
    Doctor,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs one command; `false` means that the answer is no.
pub async fn run(arguments: Arguments) -> Result<bool> {
    let context = Context::new(arguments.globals);
    match arguments.command {
        Command::Provider(command) => provider::run(&context, command).await,
        Command::Bond(command) => bond::run(&context, command).await,
        Command::Fact(command) => fact::run(&context, command).await,
        Command::Chip(command) => chip::run(&context, command).await,
        Command::Offer(command) => offer::run(&context, command).await,
        Command::Job(command) => job::run(&context, command).await,
        Command::Receipt(command) => receipt::run(&context, command).await,
        Command::Proof(command) => proof::run(&context, command),
        Command::Aggregator(command) => aggregator::run(&context, command).await,
        Command::Evidence(command) => evidence::run(&context, command).await,
        Command::Audit(command) => audit::run(&context, command).await,
        Command::Key(command) => key::run(&context, command),
        Command::Account(command) => account::run(&context, command).await,
        Command::Doctor => doctor::run(&context).await,
        Command::Completions { shell } => {
            if context.output.format() == Format::Json {
                anyhow::bail!("completions are a script, not JSON: leave out --output json");
            }
            clap_complete::generate(shell, &mut Arguments::command(), "blockcloud", &mut std::io::stdout());
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
