//! `blockcloud-aggregator`: the command line. What it does is in the library.

use anyhow::Context as _;
use blockcloud_aggregator::{config::Config, init};
use clap::{Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Collects signed checkpoints of many logs into rounds: one root for all of them, and the way back to each.
#[derive(Parser)]
#[command(name = "blockcloud-aggregator", version)]
struct Arguments {
    /// How log lines are written to stderr. Which: RUST_LOG, `info` unless set.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run until told to end (SIGTERM, SIGINT).
    Run {
        /// The configuration file.
        #[arg(long, default_value = "aggregator.toml")]
        config: PathBuf,
    },
    /// Write a commented configuration, an empty list of sources and a new key.
    Init {
        /// The folder for them.
        #[arg(long, default_value = ".")]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(arguments.log_format);
    let result = tokio::runtime::Runtime::new().context("cannot start").and_then(|runtime| runtime.block_on(execute(arguments.command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { config } => {
            let config = Config::read(&config)?;
            let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
            let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
            let shutdown = async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            blockcloud_aggregator::run(config, shutdown).await
        }
        Command::Init { folder } => {
            let written = init::init(&folder)?;
            println!("configuration: {}", written.config.display());
            println!("key:           {}", written.key.display());
            println!("public key:    {}", written.public);
            Ok(())
        }
    }
}

fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(layer).init(),
        LogFormat::Json => registry.with(layer.json()).init(),
    }
}
