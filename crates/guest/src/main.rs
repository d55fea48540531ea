//! `blockcloud-guest`: the program that the confidential VM runs.
//!
//! stdout is the result, stderr the log; neither ever holds a customer's data.

use anyhow::Context as _;
use blockcloud_guest::{
    evidence::{CONFIGFS_ROOT, Configfs, Simulated},
    job::{self, Finished},
    sandbox,
    stop::Stop,
    transport::Agent,
};
use blockcloud_primitives::Tee;
use clap::{Parser, Subcommand};
use std::{process::ExitCode, str::FromStr, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs one job inside a confidential VM.
#[derive(Parser)]
#[command(name = "blockcloud-guest", version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the job that the agent has.
    Run {
        /// The agent's URL for this guest, token included.
        #[arg(long, env = "BLOCKCLOUD_AGENT")]
        agent: String,
        /// Where reports come from: `configfs` in a confidential VM, or `simulated:URL#LAUNCH` or `simulated-tdx:URL#LAUNCH` (SIMULATED: protects
        /// nothing).
        #[arg(long, env = "BLOCKCLOUD_EVIDENCE", default_value = "configfs")]
        evidence: EvidenceSource,
    },
    /// Print the engine's identity, as it stands in a job's spec.
    EngineId,
}

#[derive(Clone)]
enum EvidenceSource {
    Configfs,
    Simulated(Simulated),
}

impl FromStr for EvidenceSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "configfs" => Ok(Self::Configfs),
            Some(("simulated", rest)) => Self::simulated(Tee::Simulated, rest),
            Some(("simulated-tdx", rest)) => Self::simulated(Tee::SimulatedTdx, rest),
            _ => Err("expected `configfs`, `simulated:URL#LAUNCH` or `simulated-tdx:URL#LAUNCH`".into()),
        }
    }
}

impl EvidenceSource {
    fn simulated(tee: Tee, launch: &str) -> Result<Self, String> {
        Simulated::new(tee, launch).map(Self::Simulated).map_err(|error| error.to_string())
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    let done = match args.command {
        Command::EngineId => {
            println!("{}", sandbox::engine_id());
            return ExitCode::SUCCESS;
        }
        Command::Run { agent, evidence } => run(&agent, evidence),
    };
    match done {
        Ok(Finished { completion }) => {
            println!("{}", serde_json::json!(completion));
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(agent: &str, source: EvidenceSource) -> anyhow::Result<Finished> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let done = runtime.block_on(async {
        let stop = Stop::default();
        let agent = Agent::new(agent, stop.clone())?;
        let mut terminated = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let stop_on_signal = stop.clone();
        tokio::spawn(async move {
            terminated.recv().await;
            stop_on_signal.stop("the guest was asked to end");
        });
        let done = match source {
            EvidenceSource::Configfs => job::run(&agent, &Configfs::open(CONFIGFS_ROOT)?, &stop).await,
            EvidenceSource::Simulated(source) => {
                tracing::warn!("SIMULATED evidence: this guest is not protected by hardware");
                job::run(&agent, &source, &stop).await
            }
        };
        Ok(done?)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}
