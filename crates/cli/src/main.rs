//! `blockcloud`: the command line of customers, providers, certifiers and auditors.
//!
//! stdout is the result, stderr everything else. Exit code 0: done; 1: refused or false; 2: wrong usage; 3: node or agent unreachable.
//! One file per command in `commands/`; what they share stands beside this file.
#![forbid(unsafe_code)]

mod agent;
mod archive;
mod bundle;
mod commands;
mod context;
mod fault;
mod home;
mod output;
mod spec;
mod trust;
mod units;
mod verdict;

use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .init();
    match commands::run(arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            output::failure(&error);
            ExitCode::from(fault::exit_code(&error))
        }
    }
}
