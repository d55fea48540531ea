//! The programs of customers, providers, certifiers and auditors: `blockcloud`, one file per command in `commands/`, and `blockcloud-keyd` in `keyd/`, which
//! releases a company's data keys by the same judgement. What they share stands beside this file.
//!
//! stdout is the result, stderr everything else. Exit code 0: done; 1: refused or false; 2: wrong usage; 3: node or agent unreachable.
#![forbid(unsafe_code)]

mod agent;
mod aggregator;
mod archive;
mod bundle;
mod commands;
pub mod completeness;
mod context;
pub mod entry;
mod fault;
mod home;
mod keyd;
mod keys;
mod lineage;
mod output;
mod peer;
mod release;
mod signing;
mod spec;
mod trust;
mod units;
pub mod verdict;

use clap::Parser as _;
use std::process::ExitCode;

/// Runs `blockcloud` with the arguments of this process.
pub async fn blockcloud() -> ExitCode {
    let arguments = commands::Arguments::parse();
    speak("warn");
    finish(commands::run(arguments).await)
}

/// Runs `blockcloud-keyd` with the arguments of this process.
pub async fn keyd() -> ExitCode {
    let arguments = keyd::Arguments::parse();
    speak("info");
    finish(keyd::run(arguments).await)
}

/// Sends what goes on to stderr.
fn speak(usual: &str) {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual.into()))
        .init();
}

fn finish(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            output::failure(&error);
            ExitCode::from(fault::exit_code(&error))
        }
    }
}
