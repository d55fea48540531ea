//! Real nodes: a development chain of one, or the four validators of `local4` or of `consortium`.

use crate::{
    process::{Process, free_port, program},
    rpc::Rpc,
};
use anyhow::{Context, Result, anyhow, ensure};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

/// How long a node may take to answer.
const START: Duration = Duration::from_secs(60);

/// The companies of the `consortium` preset. The secret of each one's account is at `//consortium//NAME`.
pub const COMPANIES: [&str; 4] = ["aurora", "borealis", "cascade", "delta"];

/// Where a node that has this folder keeps its chain and its keys.
fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// A folder for what the nodes of all stories share: the compiled runtime, and specifications with their genesis.
fn shared() -> Result<PathBuf> {
    let shared = program("blockcloud-node")?.parent().and_then(Path::parent).context("the target directory")?.join("stories");
    std::fs::create_dir_all(&shared)?;
    Ok(shared)
}

/// The file of a preset whose genesis is computed already, once for all stories of a process: that is most of what a node does at its start.
/// The nodes of the `consortium` compute theirs, as anybody's do who name a preset.
fn computed(preset: &str) -> Result<String> {
    static MADE: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().map_err(|_| anyhow!("another story panicked"))?;
    if let Some(path) = made.get(preset) {
        return Ok(path.clone());
    }
    let (path, new) = (shared()?.join(format!("{preset}.json")), shared()?.join(format!("{preset}.{}", std::process::id())));
    let mut export = Command::new(program("blockcloud-node")?);
    let exported = export.args(["export-chain-spec", "--chain", preset, "--raw", "--output"]).arg(&new).output()?;
    ensure!(exported.status.success(), "{preset} cannot be exported: {}", String::from_utf8_lossy(&exported.stderr));
    std::fs::rename(&new, &path)?;
    let path = path.display().to_string();
    made.insert(preset.to_owned(), path.clone());
    Ok(path)
}

/// A node, running or killed. Its data, key and ports stay the same over restarts.
pub struct Node {
    name: String,
    arguments: Vec<String>,
    rpc_port: u16,
    directory: PathBuf,
    process: Option<Process>,
}

impl Node {
    /// The single validator of the `dev` preset.
    pub fn dev(directory: &Path) -> Result<Self> {
        Self::start("dev", directory, &["--chain", &computed("dev")?, "--alice", "--force-authoring"], &[])
    }

    /// The four validators of the `local4` preset, connected to each other.
    pub fn local4(directory: &Path) -> Result<Vec<Self>> {
        let names = ["alice", "bob", "charlie", "dave"];
        Self::network(directory, &computed("local4")?, &names.map(|name| (name, Some(format!("--{name}")))))
    }

    /// The four companies of the `consortium` preset, each with its session keys in its keystore, connected to each other.
    pub fn consortium(directory: &Path) -> Result<Vec<Self>> {
        for name in COMPANIES {
            for (kind, scheme, path) in [("aura", "sr25519", "aura"), ("gran", "ed25519", "grandpa")] {
                let inserted = Command::new(program("blockcloud-node")?)
                    .args(["key", "insert", "--chain", "consortium", "--key-type", kind, "--scheme", scheme, "--suri"])
                    .args([format!("//consortium//{name}//{path}"), "--base-path".into()])
                    .arg(data(&directory.join(format!("node-{name}"))))
                    .status()?;
                ensure!(inserted.success(), "the {kind} key of {name} cannot be inserted");
            }
        }
        Self::network(directory, "consortium", &COMPANIES.map(|name| (name, None)))
    }

    /// Nodes of one chain, each with a flag of its own, that know those before them.
    fn network(directory: &Path, chain: &str, members: &[(&str, Option<String>)]) -> Result<Vec<Self>> {
        let mut nodes = Vec::<Self>::new();
        for (index, (name, flag)) in members.iter().enumerate() {
            let bootnodes: Vec<String> = nodes.iter().map(Self::address).collect();
            // A fixed node key for each, so that addresses are known before the nodes run.
            let key = format!("{:064x}", index + 1);
            let mut arguments = vec!["--chain", chain, "--node-key", &key];
            arguments.extend(flag.as_deref());
            nodes.push(Self::start(name, directory, &arguments, &bootnodes)?);
        }
        Ok(nodes)
    }

    fn start(name: &str, directory: &Path, arguments: &[&str], bootnodes: &[String]) -> Result<Self> {
        let directory = directory.join(format!("node-{name}"));
        std::fs::create_dir_all(&directory)?;
        let (rpc_port, port, prometheus) = (free_port()?, free_port()?, free_port()?);
        let mut all: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        all.extend(["--validator", "--no-mdns", "--no-telemetry", "--rpc-port"].map(String::from));
        all.push(rpc_port.to_string());
        all.extend([String::from("--prometheus-port"), prometheus.to_string()]);
        all.extend([String::from("--listen-addr"), format!("/ip4/127.0.0.1/tcp/{port}")]);
        all.extend([String::from("--base-path"), data(&directory).display().to_string()]);
        if !arguments.contains(&"--node-key") {
            all.push("--unsafe-force-node-key-generation".into());
        }
        for bootnode in bootnodes {
            all.extend(["--bootnodes".into(), bootnode.clone()]);
        }
        let mut node = Self { name: name.to_owned(), arguments: all, rpc_port, directory, process: None };
        node.restart()?;
        Ok(node)
    }

    /// Starts the node (again) and waits until it answers.
    pub fn restart(&mut self) -> Result<()> {
        let mut command = Command::new(program("blockcloud-node")?);
        command.args(&self.arguments).arg("--wasm-cache").arg(shared()?.join("wasm"));
        let process = Process::spawn(&self.name, &mut command, &self.directory.join("log"))?;
        process.wait_line(|line| line.contains("Running JSON-RPC server"), START)?;
        self.process = Some(process);
        Ok(())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the node is not running")?.kill()
    }

    /// The node's WebSocket URL.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.rpc_port)
    }

    /// The node's plain HTTP endpoint.
    pub fn rpc(&self) -> Result<Rpc> {
        Rpc::new(format!("http://127.0.0.1:{}", self.rpc_port))
    }

    /// The file that the node's output goes to.
    pub fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The multiaddress that others dial, taken from what the node printed.
    fn address(&self) -> String {
        let port = self.arguments.iter().find_map(|argument| argument.strip_prefix("/ip4/127.0.0.1/tcp/")).unwrap_or_default();
        let identity = self
            .process
            .as_ref()
            .and_then(|process| process.wait_line(|line| line.contains("Local node identity is"), START).ok())
            .and_then(|line| line.split_whitespace().last().map(str::to_owned))
            .unwrap_or_default();
        format!("/ip4/127.0.0.1/tcp/{port}/p2p/{identity}")
    }
}
