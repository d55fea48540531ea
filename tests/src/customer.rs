//! A customer: the real command line, with Charlie's account.

use crate::{node::Node, process::program};
use anyhow::{Context as _, Result, bail};
use blockcloud_primitives::JobId;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A customer with a folder of its own.
pub struct Customer {
    home: PathBuf,
    node: String,
}

impl Customer {
    /// A customer that uses this node.
    pub fn new(node: &Node, directory: &Path) -> Self {
        Self { home: directory.join("customer"), node: node.url() }
    }

    /// The command line, ready for arguments.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(program("blockcloud")?);
        command
            .env("BLOCKCLOUD_NODE", &self.node)
            .env("BLOCKCLOUD_KEY", "//Charlie")
            .env("BLOCKCLOUD_HOME", &self.home)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command and returns what came of it, whatever that is.
    pub fn try_run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Output> {
        Ok(self.command()?.args(arguments).output()?)
    }

    /// Runs a command that must succeed, and returns its result, the last line of JSON that it printed.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Value> {
        let output = self.command()?.args(arguments).args(["--output", "json"]).output()?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("the command failed with {}:\n{stdout}\n{stderr}", output.status);
        }
        let line = stdout.lines().rfind(|line| !line.is_empty()).context("the command printed nothing")?;
        serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))
    }

    /// Flags that describe a job for the offer of [`crate::provider::Provider`].
    pub fn spec(module: &Path, inputs: &[&Path], arguments: &[&str]) -> Result<Vec<String>> {
        let mut flags: Vec<String> =
            ["--tee", "simulated", "--region", "DE-BE", "--price-limit", "0.01", "--longest", "600", "--cover", "10", "--guest"]
                .map(String::from)
                .into();
        flags.push(program("blockcloud-guest")?.display().to_string());
        flags.extend(["--module".into(), module.display().to_string()]);
        for input in inputs {
            flags.extend(["--input".into(), input.display().to_string()]);
        }
        for argument in arguments {
            flags.extend(["--arg".into(), (*argument).to_owned()]);
        }
        Ok(flags)
    }

    /// Places a job without going on to upload and release.
    pub fn place(&self, spec: &[String]) -> Result<JobId> {
        let arguments = ["job", "place", "--place-only"].into_iter().map(String::from).chain(spec.iter().cloned());
        Ok(JobId(self.run(arguments)?["job"].as_u64().context("the job's number")?))
    }

    /// Uploads, verifies the guest, releases the key.
    pub fn release(&self, job: JobId) -> Result<Value> {
        self.run(["job", "release", &job.to_string()])
    }

    /// Follows a job until it ends; whether the program ended well.
    pub fn watch(&self, job: JobId) -> Result<bool> {
        Ok(self.try_run(["job", "watch", &job.to_string()])?.status.success())
    }
}
