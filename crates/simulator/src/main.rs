//! Command line of the simulated hardware.

use anyhow::{Context, bail};
use blockcloud_simulator::{
    Processor, dev_root,
    server::{self, Machine},
    tdx::{self, Platform},
};
use clap::{Parser, Subcommand, ValueEnum};
use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// SIMULATED confidential processor for machines without the hardware.
///
/// It signs reports in AMD's SEV-SNP format, or quotes in Intel's TDX format, with keys that are public knowledge. They prove nothing, and only development
/// chains accept them.
#[derive(Parser)]
#[command(name = "blockcloud-simulator", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a SIMULATED processor or platform and prints `SIMULATED` and its URL once it answers.
    Run {
        /// What is simulated.
        #[arg(long, value_enum, default_value = "sev-snp")]
        tee: Tee,
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// File that keeps the chip's seed, so that it is the same chip next time; made if it does not exist. Without it the chip is new.
        #[arg(long)]
        chip: Option<PathBuf>,
    },
    /// Writes one SIMULATED report and its certificate into a folder: `report.bin`, `vcek.der`, beside `root.der` and `issuer.der`.
    ///
    /// The same arguments give the same bytes, so that tests and benchmarks can keep them as fixtures.
    Evidence {
        /// Folder to write into; made if it does not exist.
        folder: PathBuf,
        /// Seed of the chip: 32 bytes, hex.
        #[arg(long)]
        chip_seed: String,
        /// Measurement of the guest: 48 bytes, hex.
        #[arg(long)]
        measurement: String,
        /// What the host binds: 32 bytes, hex.
        #[arg(long)]
        host_data: String,
        /// What the guest binds: 64 bytes, hex.
        #[arg(long)]
        report_data: String,
    },
    /// Makes new development roots and writes their keys and certificates into a folder, those for TDX into `tdx` in it.
    NewRoot {
        /// Folder to write into; made if it does not exist.
        folder: PathBuf,
    },
}

/// The hardware that is simulated.
#[derive(Clone, Copy, ValueEnum)]
enum Tee {
    /// A processor with AMD SEV-SNP.
    SevSnp,
    /// A platform with Intel TDX, which answers for its own collateral, too.
    Tdx,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(io::stderr)
        .init();
    match Arguments::parse().command {
        Command::Run { tee, listen, chip } => run(tee, listen, chip.as_deref()).await,
        Command::Evidence { folder, chip_seed, measurement, host_data, report_data } => {
            let processor = Processor::new(bytes("--chip-seed", &chip_seed)?);
            let launch = processor.launch(bytes("--measurement", &measurement)?, bytes("--host-data", &host_data)?);
            let report = launch.report(bytes("--report-data", &report_data)?);
            fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            for (name, content) in [
                ("report.bin", &report[..]),
                ("vcek.der", processor.certificate()),
                ("root.der", dev_root::ROOT),
                ("issuer.der", dev_root::ISSUER),
            ] {
                let path = folder.join(name);
                fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
            }
            eprintln!("SIMULATED evidence is in {}", folder.display());
            Ok(())
        }
        Command::NewRoot { folder } => {
            dev_root::create(&folder)?;
            tdx::dev_root::create(&folder.join("tdx"))?;
            eprintln!("SIMULATED development roots are in {}; their keys protect nothing", folder.display());
            Ok(())
        }
    }
}

async fn run(tee: Tee, listen: SocketAddr, chip: Option<&Path>) -> anyhow::Result<()> {
    let seed = match chip {
        Some(path) => chip_seed(path)?,
        None => rand::random(),
    };
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let machine: Machine = match tee {
        Tee::SevSnp => Processor::new(seed).into(),
        Tee::Tdx => Platform::new(seed).into(),
    };
    let router = server::router(machine);
    tracing::warn!(target: "simulator", %address, "SIMULATED hardware: its reports prove nothing");
    writeln!(io::stdout(), "SIMULATED http://{address}")?;
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

/// The seed that a file keeps, or a new one that it keeps from now on.
fn chip_seed(path: &Path) -> anyhow::Result<[u8; 32]> {
    match fs::read_to_string(path) {
        Ok(text) => bytes("the chip file", text.trim()).with_context(|| format!("{} is not a chip file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let seed: [u8; 32] = rand::random();
            fs::write(path, format!("{}\n", hex::encode(seed))).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(seed)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn bytes<const N: usize>(name: &str, text: &str) -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    if hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).is_err() {
        bail!("{name} must be {N} bytes in hex");
    }
    Ok(bytes)
}

/// Resolves when the program is asked to stop.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupt => (), _ = terminate.recv() => () }
        }
        Err(_) => drop(interrupt.await),
    }
}
