//! Guests as processes of this host: `blockcloud-guest run --evidence SOURCE`, with the agent's URL in its environment, where other users of the
//! host cannot read the token in it.
//!
//! The guest gets a process group of its own and no pipe to the agent, so that neither the agent's death nor a Ctrl-C at its terminal reaches
//! it. A process is recognised by id, start time and boot id together, and signalled through a pidfd, so that a reused id is never mistaken.

use super::{Driver, DriverError, Guest, LaunchRequest};
use blockcloud_primitives::{Measurement, Tee};
use futures::future::BoxFuture;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;
use std::{
    fs::OpenOptions,
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How long a guest may take to end after it was asked to: it erases what it knows and hands over the receipt of that.
const POLITENESS: Duration = Duration::from_secs(15);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);
/// The variable in which a guest finds the agent's URL.
const AGENT_VARIABLE: &str = "BLOCKCLOUD_AGENT";
/// What a guest inherits of the agent's environment.
const INHERITED: [&str; 2] = ["PATH", "RUST_LOG"];
/// Where the kernel shows its processes.
const PROCESSES: &str = "/proc";
/// How often processes that are just being started are looked at again.
const LOOKS: u32 = 4;
/// How long the simulator may take.
const PROCESSOR_DEADLINE: Duration = Duration::from_secs(20);

/// See the module.
pub struct ProcessDriver {
    guest: PathBuf,
    simulator: Option<String>,
    tee: Tee,
    logs: PathBuf,
    http: reqwest::Client,
    politeness: Duration,
}

impl ProcessDriver {
    /// A driver that starts this program on hardware of this kind, and writes what guests print into this folder.
    pub fn new(guest: PathBuf, simulator: Option<String>, tee: Tee, logs: PathBuf) -> Result<Self, DriverError> {
        let http = reqwest::Client::builder().timeout(PROCESSOR_DEADLINE).no_proxy().build();
        let http = http.map_err(|error| DriverError::Start { program: guest.display().to_string(), reason: error.to_string() })?;
        let guest = std::path::absolute(&guest).unwrap_or(guest);
        Ok(Self { guest, simulator: simulator.map(|url| url.trim_end_matches('/').to_owned()), tee, logs, http, politeness: POLITENESS })
    }

    /// Tells the simulated processor what is launched: it measures the image and notes the host data.
    async fn launch_simulated(&self, url: &str, request: &LaunchRequest) -> Result<(String, Measurement), DriverError> {
        #[derive(Deserialize)]
        struct Launched {
            launch: serde_json::Value,
            measurement: Measurement,
        }
        let refused = |reason: String| DriverError::Processor { url: url.into(), reason };
        let body = serde_json::json!({ "image": self.guest, "host_data": request.terms });
        let answer = self.http.post(format!("{url}/launch")).json(&body).send().await.map_err(|error| refused(describe(&error)))?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(refused(format!("{status}: {}", answer.text().await.unwrap_or_default())));
        }
        let launched: Launched = answer.json().await.map_err(|error| refused(describe(&error)))?;
        let id = match launched.launch {
            serde_json::Value::String(id) => id,
            other => other.to_string(),
        };
        Ok((id, launched.measurement))
    }

    async fn start(&self, request: &LaunchRequest) -> Result<Guest, DriverError> {
        let (evidence, measurement) = match &self.simulator {
            Some(url) => {
                let (id, measurement) = self.launch_simulated(url, request).await?;
                let kind = if self.tee.is_tdx() { "simulated-tdx" } else { "simulated" };
                (format!("{kind}:{url}#{id}"), Some(measurement))
            }
            None => ("configfs".to_owned(), None),
        };
        let failed = |reason: String| DriverError::Start { program: self.guest.display().to_string(), reason };
        std::fs::create_dir_all(&self.logs).map_err(|error| failed(error.to_string()))?;
        let output = self.logs.join(format!("{}.log", request.job));
        let output = OpenOptions::new().create(true).append(true).open(output).map_err(|error| failed(error.to_string()))?;
        let errors = output.try_clone().map_err(|error| failed(error.to_string()))?;
        let mut child = Command::new(&self.guest)
            .args(["run", "--evidence", &evidence])
            .env_clear()
            .envs(INHERITED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env(AGENT_VARIABLE, &request.agent)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let pid = child.id();
        let guest = identify(pid, measurement).ok_or_else(|| failed("it ended at once".into()));
        // While the agent lives it is the parent, and must take notice of the end.
        std::thread::Builder::new()
            .name(format!("guest-{pid}"))
            .spawn(move || {
                let status = child.wait();
                tracing::info!(target: "blockcloud::agent", pid, ?status, "a guest's process has ended");
            })
            .map_err(|error| failed(error.to_string()))?;
        guest
    }
}

impl Driver for ProcessDriver {
    fn launch<'a>(&'a self, request: &'a LaunchRequest) -> BoxFuture<'a, Result<Guest, DriverError>> {
        Box::pin(self.start(request))
    }

    fn find<'a>(&'a self, agent: &'a str) -> BoxFuture<'a, Option<Guest>> {
        Box::pin(async move {
            let mut looks = 0;
            loop {
                match find(Path::new(PROCESSES), agent) {
                    Search::Found(guest) => return Some(guest),
                    Search::Nothing => return None,
                    Search::Unclear if looks >= LOOKS => return None,
                    Search::Unclear => looks += 1,
                }
                tokio::time::sleep(LOOK).await;
            }
        })
    }

    fn alive<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, bool> {
        Box::pin(async move { is_alive(guest) })
    }

    fn stop<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async move {
            for signal in [Signal::TERM, Signal::KILL] {
                if !signal_guest(guest, signal)? {
                    return Ok(());
                }
                let ended = async {
                    while is_alive(guest) {
                        tokio::time::sleep(LOOK).await;
                    }
                };
                if tokio::time::timeout(self.politeness, ended).await.is_ok() {
                    return Ok(());
                }
            }
            let Guest::Process { pid, .. } = guest;
            Err(DriverError::Stop { pid: *pid, reason: "it still runs after SIGKILL".into() })
        })
    }
}

/// What `/proc/PID/stat` says of a process: its state and its start time.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything; the fields after the last parenthesis are plain.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // Start time is field 22; the state was field 3.
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// What is needed to recognise a process later.
fn identify(pid: u32, measurement: Option<Measurement>) -> Option<Guest> {
    let (_, started) = stat(pid)?;
    Some(Guest::Process { pid, started, boot: boot_id(), measurement })
}

fn is_alive(guest: &Guest) -> bool {
    let Guest::Process { pid, started, boot, .. } = guest;
    // A zombie has ended; nobody has asked for its exit code yet.
    *boot == boot_id() && stat(*pid).is_some_and(|(state, since)| since == *started && !matches!(state, 'Z' | 'X'))
}

/// Sends a signal. False if the guest has ended.
fn signal_guest(guest: &Guest, signal: Signal) -> Result<bool, DriverError> {
    let Guest::Process { pid, .. } = guest;
    let failed = |error: rustix::io::Errno| DriverError::Stop { pid: *pid, reason: io::Error::from(error).to_string() };
    let Some(id) = i32::try_from(*pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    // The descriptor stands for one process for good; whether it is ours is looked at after it was opened.
    let descriptor = match pidfd_open(id, PidfdFlags::empty()) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    if !is_alive(guest) {
        return Ok(false);
    }
    match pidfd_send_signal(&descriptor, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// What a look through all processes found.
#[derive(Debug, PartialEq, Eq)]
enum Search {
    /// It runs.
    Found(Guest),
    /// No process is the one.
    Nothing,
    /// Not found, but a process has no environment yet: between the two halves of `execve` the kernel shows none.
    Unclear,
}

/// Looks through all processes for one that was started with this agent URL.
fn find(processes: &Path, agent: &str) -> Search {
    let wanted = format!("{AGENT_VARIABLE}={agent}");
    let Ok(entries) = std::fs::read_dir(processes) else { return Search::Nothing };
    let mut search = Search::Nothing;
    for pid in entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok()) {
        let folder = processes.join(pid.to_string());
        let Ok(environment) = std::fs::read(folder.join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            if let Some(guest) = identify(pid, None).filter(is_alive) {
                return Search::Found(guest);
            }
        } else if environment.is_empty() && std::fs::read_link(folder.join("exe")).is_ok() {
            // Threads of the kernel and the dead have no program either.
            search = Search::Unclear;
        }
    }
    search
}

/// The most specific words of an error of the HTTP client.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_primitives::{Digest, JobId};
    use std::os::unix::fs::PermissionsExt as _;

    /// A program that behaves like a guest in so far as it stays until it is told to end.
    fn driver(folder: &Path, script: &str) -> ProcessDriver {
        let program = folder.join("guest");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        ProcessDriver::new(program, None, Tee::SevSnp, folder.join("logs")).unwrap()
    }

    fn request(token: &str) -> LaunchRequest {
        LaunchRequest { job: JobId(1), terms: Digest::ZERO, agent: format!("http://127.0.0.1:1/guest/{token}") }
    }

    async fn until_dead(driver: &ProcessDriver, guest: &Guest) {
        tokio::time::timeout(Duration::from_secs(20), async {
            while driver.alive(guest).await {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await
        .expect("the guest ends");
    }

    #[tokio::test]
    async fn a_guest_is_found_again_by_what_was_stored_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let guest = driver(folder.path(), "exec sleep 600").launch(&request("a")).await.unwrap();
        // What another agent process after this one knows of it.
        let stored = serde_json::to_string(&guest).unwrap();
        let again = ProcessDriver::new(folder.path().join("guest"), None, Tee::SevSnp, folder.path().join("logs")).unwrap();
        let guest: Guest = serde_json::from_str(&stored).unwrap();
        assert!(again.alive(&guest).await);
        again.stop(&guest).await.unwrap();
        assert!(!again.alive(&guest).await);
        again.stop(&guest).await.unwrap();
    }

    #[tokio::test]
    async fn a_reused_process_id_is_not_mistaken() {
        let folder = tempfile::tempdir().unwrap();
        let driver = driver(folder.path(), "exec sleep 600");
        let real = driver.launch(&request("b")).await.unwrap();
        let Guest::Process { pid, started, boot, measurement } = real.clone();
        let earlier = Guest::Process { pid, started: started - 1, boot: boot.clone(), measurement };
        let other_boot = Guest::Process { pid, started, boot: "another".into(), measurement };
        for stranger in [earlier, other_boot] {
            assert!(!driver.alive(&stranger).await);
            driver.stop(&stranger).await.unwrap();
            assert!(driver.alive(&real).await, "the process that has the id now was left alone");
        }
        driver.stop(&real).await.unwrap();
    }

    #[tokio::test]
    async fn a_guest_that_ended_by_itself_is_dead_and_its_words_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let driver = driver(folder.path(), "echo \"$@\" for $BLOCKCLOUD_AGENT; exit 3");
        let guest = driver.launch(&request("c")).await.unwrap();
        until_dead(&driver, &guest).await;
        let said = std::fs::read_to_string(folder.path().join("logs").join("1.log")).unwrap();
        assert_eq!(said, "run --evidence configfs for http://127.0.0.1:1/guest/c\n");
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut driver = driver(folder.path(), "trap '' TERM; echo ready; while :; do sleep 1; done");
        let guest = driver.launch(&request("d")).await.unwrap();
        let log = folder.path().join("logs").join("1.log");
        tokio::time::timeout(Duration::from_secs(20), async {
            while std::fs::read_to_string(&log).unwrap_or_default() != "ready\n" {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the program begins");
        driver.politeness = Duration::from_millis(200);
        driver.stop(&guest).await.unwrap();
        assert!(!driver.alive(&guest).await);
    }

    #[tokio::test]
    async fn a_start_that_was_not_noted_is_found_by_its_url() {
        let folder = tempfile::tempdir().unwrap();
        let driver = driver(folder.path(), "exec sleep 600");
        let token = format!("{:032x}", rand::random::<u128>());
        assert_eq!(driver.find(&request(&token).agent).await, None);
        let guest = driver.launch(&request(&token)).await.unwrap();
        assert_eq!(driver.find(&request(&token).agent).await, Some(guest.clone()));
        driver.stop(&guest).await.unwrap();
        assert_eq!(driver.find(&request(&token).agent).await, None);
    }

    #[test]
    fn a_process_without_an_environment_may_be_the_one_in_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let process = |pid: u32, environment: Option<&[u8]>, program: bool| {
            let process = folder.path().join(pid.to_string());
            std::fs::create_dir(&process).unwrap();
            if let Some(environment) = environment {
                std::fs::write(process.join("environ"), environment).unwrap();
            }
            if program {
                std::os::unix::fs::symlink("/bin/guest", process.join("exe")).unwrap();
            }
        };
        let url = request("g").agent;
        std::fs::write(folder.path().join("uptime"), "1").unwrap();
        process(10, Some(b"PATH=/bin\0BLOCKCLOUD_AGENT=http://127.0.0.1:1/guest/another\0"), true);
        // A thread of the kernel, a process of somebody else.
        process(11, Some(b""), false);
        process(12, None, false);
        assert_eq!(find(folder.path(), &url), Search::Nothing);
        // Between the two halves of `execve`.
        process(13, Some(b""), true);
        assert_eq!(find(folder.path(), &url), Search::Unclear);
        let own = std::process::id();
        process(own, Some(format!("BLOCKCLOUD_AGENT={url}\0").as_bytes()), true);
        assert_eq!(find(folder.path(), &url), Search::Found(identify(own, None).unwrap()));
        assert_eq!(find(&folder.path().join("missing"), &url), Search::Nothing);
    }

    #[tokio::test]
    async fn a_process_that_never_gets_an_environment_does_not_hold_up_the_search() {
        let mut bare = Command::new("sleep").arg("600").env_clear().spawn().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let found = driver(folder.path(), "exit 0").find(&request("nobody").agent).await;
        bare.kill().unwrap();
        bare.wait().unwrap();
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn a_missing_program_and_a_missing_simulator_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = ProcessDriver::new(folder.path().join("nothing"), None, Tee::SevSnp, folder.path().join("logs")).unwrap();
        assert!(matches!(missing.launch(&request("e")).await, Err(DriverError::Start { .. })));
        let url = format!("http://{}", closed_port());
        let alone =
            ProcessDriver::new(folder.path().join("nothing"), Some(url.clone()), Tee::Simulated, folder.path().join("logs")).unwrap();
        assert!(matches!(alone.launch(&request("f")).await, Err(DriverError::Processor { url: named, .. }) if named == url));
    }

    fn closed_port() -> std::net::SocketAddr {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }
}
