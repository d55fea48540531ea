//! `blockcloud-agent`: the command line. What it does is in the library.

use anyhow::Context as _;
use blockcloud_agent::{
    collateral::{self, Source},
    config::Config,
    doctor, init,
};
use blockcloud_client::Scheme;
use clap::{Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The provider's agent: accepts jobs, starts their guests, ferries ciphertext, brings evidence and checkpoints to the chain.
#[derive(Parser)]
#[command(name = "blockcloud-agent", version)]
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

#[derive(Clone, Copy, ValueEnum)]
enum KeyScheme {
    /// Schnorr over Ristretto, Substrate's usual.
    Sr25519,
    /// RFC 8032.
    Ed25519,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until it is told to end (SIGTERM, SIGINT). Its guests go on.
    Run {
        /// The configuration file.
        #[arg(long, default_value = "agent.toml")]
        config: PathBuf,
    },
    /// Write a commented configuration and a new account key.
    Init {
        /// The folder for both.
        #[arg(long, default_value = ".")]
        folder: PathBuf,
        /// The kind of key.
        #[arg(long, value_enum, default_value_t = KeyScheme::Sr25519)]
        scheme: KeyScheme,
    },
    /// Fetch Intel's collateral, bring it to the chain, and keep it for customers. Hosts with TDX need it, again within each month: let a timer run this daily.
    Collateral {
        /// The configuration file.
        #[arg(long, default_value = "agent.toml")]
        config: PathBuf,
        /// Base URL of Intel's Provisioning Certification Service (API v4), or of a cache of it (PCCS).
        #[arg(long, required_unless_present = "files")]
        url: Option<String>,
        /// Read it from files instead, one for each family of platforms.
        #[arg(long = "file", conflicts_with = "url")]
        files: Vec<PathBuf>,
        /// A family of platforms, FMSPC as hex. May be repeated. Without it: the family of this host, or of the simulator.
        #[arg(long, value_parser = family)]
        fmspc: Vec<[u8; 6]>,
    },
    /// Say what is wrong and what to do. Exit code 1 if anything is.
    Doctor {
        /// The configuration file.
        #[arg(long, default_value = "agent.toml")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(arguments.log_format);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(execute(arguments.command));
    // A transaction that is being watched goes on without its watcher.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn execute(command: Command) -> anyhow::Result<ExitCode> {
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
            blockcloud_agent::run(config, shutdown).await?;
        }
        Command::Init { folder, scheme } => {
            let scheme = match scheme {
                KeyScheme::Sr25519 => Scheme::Sr25519,
                KeyScheme::Ed25519 => Scheme::Ed25519,
            };
            let written = init::init(&folder, scheme)?;
            println!("configuration: {}", written.config.display());
            println!("account key:   {}", written.key.display());
            println!("account:       {}", written.account);
        }
        Command::Collateral { config, url, files, fmspc } => {
            let config = Config::read(&config)?;
            let source = url.map_or(Source::Files(files), Source::Service);
            for line in collateral::bring(&config, &source, fmspc).await? {
                println!("{line}");
            }
        }
        Command::Doctor { config } => {
            let findings = doctor::examine(&config).await;
            for finding in &findings {
                println!("{finding}");
            }
            if findings.iter().any(|finding| matches!(finding.verdict, doctor::Verdict::Wrong { .. })) {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A family of platforms as it is written on the command line.
fn family(text: &str) -> Result<[u8; 6], String> {
    let mut bytes = [0; 6];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map_err(|_| "six bytes as hex, such as 50806f000000".to_owned())?;
    Ok(bytes)
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
