//! What several tests need: programs to run, a sandbox to run them in, an observer that remembers.

pub mod agent;

use blockcloud_guest::sandbox::{Event, Observer, Program, Quota, Run, Sandbox, Stopped};
use blockcloud_primitives::{Digest, Op};
use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

/// Key of the digests in events.
pub const KEY: [u8; 32] = [7; 32];

/// An event that outlives its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub op: Op,
    pub object: String,
    pub offset: u64,
    pub bytes: u64,
    pub digest: Digest,
    pub derived_from: Option<String>,
}

/// Remembers events.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl Recorder {
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Recorder {
    fn key(&self) -> &[u8; 32] {
        &KEY
    }

    fn observe(&mut self, event: Event<'_>) -> Result<(), Stopped> {
        let Event { op, object, offset, bytes, digest, derived_from } = event;
        let recorded = Recorded { op, object: object.into(), offset, bytes, digest, derived_from: derived_from.map(String::from) };
        self.0.lock().unwrap().push(recorded);
        Ok(())
    }
}

/// Builds a program of `tests/programs` and returns its module.
pub fn build_program(name: &str) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--target", "wasm32-wasip1", "--message-format", "json-render-diagnostics", "-p", name])
        .current_dir(Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs")).join("../.."))
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{name} does not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo prints JSON");
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(String::from))
        .expect("cargo names the executable");
    std::fs::read(executable).expect("the executable can be read")
}

/// Runs a module over these files with plenty of everything.
pub fn run(module: &[u8], args: &[&str], files: &[(&str, &[u8])], recorder: &Recorder) -> Run {
    run_with(module, args, files, recorder, 20_000_000_000, 256)
}

/// Runs a module with this much fuel and memory.
pub fn run_with(module: &[u8], args: &[&str], files: &[(&str, &[u8])], recorder: &Recorder, fuel: u64, memory_mib: u32) -> Run {
    let sandbox = Sandbox::new().unwrap();
    let mut vfs = Sandbox::files(Quota { bytes: 64 << 20, entries: 10_000 }).unwrap();
    for (path, bytes) in files {
        vfs.load(path, bytes, 0).unwrap();
    }
    let args = args.iter().map(|arg| arg.to_string()).collect();
    let program = Program { module, name: "program".into(), args, seed: [1; 32], fuel, memory_mib, ..Program::default() };
    sandbox.run(&program, vfs, Box::new(recorder.clone()))
}
