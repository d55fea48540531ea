//! The mediated sandbox: runs a `wasm32-wasip1` command deterministically over files in memory and reports everything it does with them.
//!
//! A program finds one open directory, the root of its own file system: inputs in `/input`, an empty `/output` for what it is to hand back, an empty
//! `/tmp`. Both absolute paths and paths relative to `/` work. Standard input is what was loaded as such. Not here: receipts, keys, network.

mod clock;
mod descriptor;
mod engine;
mod errno;
mod observe;
mod random;
mod rights;
mod stream;
pub mod vfs;
mod wasi;

pub use clock::VirtualClock;
pub use engine::engine_id;
pub use errno::Errno;
pub use observe::{Event, Observer, SPAN, Stopped};
pub use stream::Stream;
pub use vfs::{Quota, Vfs};
pub use wasi::Counters;

use blockcloud_primitives::Exit;
use blockcloud_seal::{
    SecretText,
    room::{MODULE_MAX, MODULE_MEMORY_MIB_MAX},
};
use engine::Instance;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use wasi::{ExitCode, Host, TooManyEvents};
use wasmtime::{Engine, Linker, Module, Store, Trap};
use zeroize::{Zeroize, Zeroizing};

/// Where inputs are found.
pub const INPUT: &str = "/input";
/// Where what is to be handed back is expected.
pub const OUTPUT: &str = "/output";
/// Scratch space.
pub const SCRATCH: &str = "/tmp";
/// What a program finds in its environment, unless the customer says otherwise.
const ENVIRONMENT: [(&str, &str); 5] = [("HOME", "/"), ("LANG", "C.UTF-8"), ("PWD", "/"), ("TMPDIR", "/tmp"), ("TZ", "UTC")];

/// What is to be run.
#[derive(Default)]
pub struct Program<'a> {
    /// The module.
    pub module: &'a [u8],
    /// The name that it sees as its own.
    pub name: String,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment, beside what every program finds.
    pub env: BTreeMap<String, SecretText>,
    /// Seed of its randomness.
    pub seed: [u8; 32],
    /// Fuel after which it is stopped.
    pub fuel: u64,
    /// Largest linear memory in MiB.
    pub memory_mib: u32,
}

/// How much a program may leave behind beside its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of standard output.
    pub stdout: u64,
    /// Bytes of standard error.
    pub stderr: u64,
    /// Events: when there are as many, the program is ended at its next call. The receipts of four million take an agent 1 GiB, with some to spare for
    /// the guest's own.
    pub events: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stdout: 64 << 20, stderr: 16 << 20, events: 4_000_000 }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Exit(Exit),
    /// It was stopped from outside; what it left behind is not a result.
    Stopped,
}

/// What a run left behind.
pub struct Run {
    /// How it ended.
    pub ended: Ended,
    /// Why, in words, where it did not just return.
    pub reason: Option<String>,
    /// Its files.
    pub files: Vfs,
    /// What it printed.
    pub stdout: Stream,
    /// What it printed as errors.
    pub stderr: Stream,
    /// Fuel used.
    pub fuel_used: u64,
    /// Size of its linear memory at the end, in bytes.
    pub memory_bytes: u64,
    /// What it did, counted.
    pub counters: Counters,
}

/// The engine cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the engine cannot be set up: {0}")]
pub struct EngineError(String);

/// Stops what runs in a sandbox, from another thread.
#[derive(Clone)]
pub struct Stopper {
    engine: Engine,
    stopped: Arc<AtomicBool>,
}

impl Stopper {
    /// Stops the program that runs now, and every one that is yet to start. One that waits for its observer is the observer's to stop.
    pub fn stop(&self) {
        // In this order: whoever does not see the flag has its deadline set already and meets it.
        self.stopped.store(true, Ordering::SeqCst);
        self.engine.increment_epoch();
    }
}

/// Runs programs.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Instance>,
    limits: Limits,
    stopped: Arc<AtomicBool>,
}

impl Sandbox {
    /// A sandbox with the usual limits.
    pub fn new() -> Result<Self, EngineError> {
        Self::with_limits(Limits::default())
    }

    /// A sandbox with these limits.
    pub fn with_limits(limits: Limits) -> Result<Self, EngineError> {
        let (engine, linker) = engine::build().map_err(|error| EngineError(error.to_string()))?;
        Ok(Self { engine, linker, limits, stopped: Arc::default() })
    }

    /// What stops a program that runs in this sandbox.
    pub fn stopper(&self) -> Stopper {
        Stopper { engine: self.engine.clone(), stopped: self.stopped.clone() }
    }

    /// A file system as a program expects it: `/input`, `/output`, `/tmp`.
    pub fn files(quota: Quota) -> Result<Vfs, Errno> {
        let mut files = Vfs::new(quota, VirtualClock::EPOCH);
        for path in [INPUT, OUTPUT, SCRATCH] {
            let found = files.resolve(Vfs::ROOT, path.trim_start_matches('/'), false)?;
            files.create_directory(&found, VirtualClock::EPOCH)?;
        }
        Ok(files)
    }

    /// Runs a program to its end, on a thread of its own whose stack is large enough; waits for it.
    pub fn run(&self, program: &Program<'_>, files: Vfs, observer: Box<dyn Observer>) -> Run {
        let args = std::iter::once(program.name.clone()).chain(program.args.iter().cloned()).collect();
        let (stdout, stderr) = (Stream::new(self.limits.stdout), Stream::new(self.limits.stderr));
        let mut host = Host::new(files, args, environment(&program.env), &program.seed, stdout, stderr, observer);
        host.events_max = self.limits.events;
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("program".into()).stack_size(engine::THREAD_STACK);
            match thread.spawn_scoped(scope, move || self.run_here(program, host)) {
                Ok(handle) => handle.join().unwrap_or_else(|_| lost()),
                Err(_) => lost(),
            }
        })
    }

    fn run_here(&self, program: &Program<'_>, host: Host) -> Run {
        let memory = usize::try_from(program.memory_mib.min(MODULE_MEMORY_MIB_MAX)).unwrap_or(0).saturating_mul(1 << 20);
        let mut store = Store::new(&self.engine, Instance { host, memory: None, limits: engine::Limits::new(memory) });
        store.limiter(|instance| &mut instance.limits);
        // Set before the flag is looked at for the first time, so that no stop falls between.
        store.set_epoch_deadline(1);
        let mut ended = store
            .set_fuel(program.fuel)
            .map_err(|error| not_started(&error))
            .and_then(|()| self.compile(program))
            .and_then(|module| {
                self.go_on()?;
                self.linker.instantiate(&mut store, &module).map_err(|error| not_started(&error))
            })
            .and_then(|instance| {
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start").map_err(|error| not_started(&error))?;
                store.data_mut().memory = instance.get_memory(&mut store, "memory");
                self.go_on()?;
                start.call(&mut store, ()).map_err(|error| finished(&error))
            });
        if store.data_mut().host.flush().is_err() && !matches!(ended, Err((Ended::Stopped, _))) {
            ended = Err((Ended::Stopped, None));
        }
        let fuel_used = program.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let mut memory_bytes = 0;
        if let Some(memory) = store.data().memory {
            let bytes = memory.data_mut(&mut store);
            memory_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            bytes.zeroize();
        }
        let (ended, reason) = match ended {
            Ok(()) => (Ended::Exit(Exit::Code(0)), None),
            Err(end) => end,
        };
        let Host { vfs: files, stdout, stderr, counters, .. } = store.into_data().host;
        Run { ended, reason, files, stdout, stderr, fuel_used, memory_bytes, counters }
    }

    fn compile(&self, program: &Program<'_>) -> Result<Module, End> {
        let bytes = u64::try_from(program.module.len()).unwrap_or(u64::MAX);
        if bytes > MODULE_MAX {
            let reason = format!("the module has {bytes} bytes, a job's has at most {MODULE_MAX}");
            return Err((Ended::Exit(Exit::BadInput), Some(reason)));
        }
        Module::from_binary(&self.engine, program.module).map_err(|error| not_started(&error))
    }

    /// Ends the run if it was stopped already.
    fn go_on(&self) -> Result<(), End> {
        if self.stopped.load(Ordering::SeqCst) { Err((Ended::Stopped, None)) } else { Ok(()) }
    }
}

/// The environment as the program reads it.
fn environment(given: &BTreeMap<String, SecretText>) -> Vec<Zeroizing<String>> {
    let mut environment: BTreeMap<&str, &str> = ENVIRONMENT.into_iter().collect();
    environment.extend(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    environment
        .into_iter()
        .map(|(name, value)| {
            // Made at its full length, so that no shorter copy stays behind.
            let mut text = Zeroizing::new(String::with_capacity(name.len().saturating_add(value.len()).saturating_add(1)));
            text.push_str(name);
            text.push('=');
            text.push_str(value);
            text
        })
        .collect()
}

type End = (Ended, Option<String>);

/// Why a program never reached its own first instruction. A module's start function runs here too, so it may as well have ended by itself.
fn not_started(error: &wasmtime::Error) -> End {
    if error.is::<ExitCode>() || error.is::<Stopped>() || error.is::<TooManyEvents>() || error.is::<Trap>() {
        return finished(error);
    }
    (Ended::Exit(Exit::BadInput), Some(format!("the module cannot be run: {error:#}")))
}

/// How a program ended that did not just return.
fn finished(error: &wasmtime::Error) -> End {
    if let Some(ExitCode(code)) = error.downcast_ref() {
        return (Ended::Exit(Exit::Code(*code)), None);
    }
    match error.downcast_ref::<Trap>() {
        _ if error.is::<Stopped>() => (Ended::Stopped, None),
        Some(Trap::Interrupt) => (Ended::Stopped, None),
        Some(Trap::OutOfFuel) => (Ended::Exit(Exit::OutOfFuel), Some("the fuel was used up".into())),
        Some(trap) => (Ended::Exit(Exit::Trap), Some(trap.to_string())),
        None => (Ended::Exit(Exit::Trap), Some(format!("{error:#}"))),
    }
}

/// The thread could not be had, or the engine itself failed: nothing is left of the program.
fn lost() -> Run {
    Run {
        ended: Ended::Stopped,
        reason: Some("the engine failed".into()),
        files: Vfs::new(Quota { bytes: 0, entries: 0 }, 0),
        stdout: Stream::new(0),
        stderr: Stream::new(0),
        fuel_used: 0,
        memory_bytes: 0,
        counters: Counters::default(),
    }
}
