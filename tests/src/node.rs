//! Real nodes: a development chain of one, or the four validators of `local4`.

use crate::{
    process::{Process, free_port, program},
    rpc::Rpc,
};
use anyhow::{Context, Result};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long a node may take to answer.
const START: Duration = Duration::from_secs(60);

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
        Self::start("dev", directory, &["--chain", "dev", "--alice", "--force-authoring"], &[])
    }

    /// The four validators of the `local4` preset, connected to each other.
    pub fn local4(directory: &Path) -> Result<Vec<Self>> {
        let mut nodes = Vec::<Self>::new();
        for (index, name) in ["alice", "bob", "charlie", "dave"].into_iter().enumerate() {
            let bootnodes: Vec<String> = nodes.iter().map(Self::address).collect();
            // A fixed node key for each, so that addresses are known before the nodes run.
            let key = format!("{:064x}", index + 1);
            let flag = format!("--{name}");
            let node = Self::start(name, directory, &["--chain", "local4", &flag, "--node-key", &key], &bootnodes)?;
            nodes.push(node);
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
        all.extend([String::from("--base-path"), directory.join("data").display().to_string()]);
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
        command.args(&self.arguments);
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
