//! A child process whose output is kept and can be waited for.

use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// The lines that a process has printed so far, on both streams, and whether it still may print more.
#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    open_streams: u8,
}

/// A running program. It is killed when this is dropped.
pub struct Process {
    name: String,
    child: Child,
    printed: Arc<(Mutex<Printed>, Condvar)>,
}

impl Process {
    /// Starts a program; everything it prints also goes into `log`.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        let printed = Arc::new((Mutex::new(Printed { lines: Vec::new(), open_streams: 2 }), Condvar::new()));
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().context("stdout is piped")?), Box::new(child.stderr.take().context("stderr is piped")?)];
        for stream in streams {
            let (printed, mut file) = (printed.clone(), file.try_clone()?);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = writeln!(file, "{line}");
                    let (state, changed) = &*printed;
                    state.lock().expect("no reader panics").lines.push(line);
                    changed.notify_all();
                }
                let (state, changed) = &*printed;
                state.lock().expect("no reader panics").open_streams -= 1;
                changed.notify_all();
            });
        }
        Ok(Self { name: name.to_owned(), child, printed })
    }

    /// Waits until a line satisfies `wanted` (lines already printed count) and returns it.
    pub fn wait_line(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> Result<String> {
        let until = Instant::now() + within;
        let (state, changed) = &*self.printed;
        let mut printed = state.lock().map_err(|_| anyhow!("a reader panicked"))?;
        let mut seen = 0;
        loop {
            if let Some(line) = printed.lines[seen..].iter().find(|line| wanted(line)) {
                return Ok(line.clone());
            }
            seen = printed.lines.len();
            if printed.open_streams == 0 {
                bail!("{} ended without the awaited line; it printed:\n{}", self.name, tail(&printed.lines));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{} did not print the awaited line within {within:?}; it printed:\n{}", self.name, tail(&printed.lines));
            }
            printed = changed.wait_timeout(printed, left).map_err(|_| anyhow!("a reader panicked"))?.0;
        }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything printed so far.
    pub fn output(&self) -> String {
        self.printed.0.lock().map(|printed| printed.lines.join("\n")).unwrap_or_default()
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// One of the workspace's programs, as `cargo build --workspace --bins` left it beside the tests.
pub fn program(name: &str) -> Result<PathBuf> {
    // A test is in `deps` below the programs, a program of this package beside them.
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.exists());
    found.with_context(|| format!("{name} is not built: run `cargo build --workspace --bins` first (scripts/test.sh does)"))
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
