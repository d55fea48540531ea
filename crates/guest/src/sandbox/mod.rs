//! The mediated sandbox: runs a `wasm32-wasip1` command deterministically over files in memory and reports everything it does with them.
//!
//! A program finds one open directory, the root of its own file system: inputs in `/input`, an empty `/output` for what it is to hand back, an empty
//! `/tmp`. Both absolute paths and paths relative to `/` work. Standard input is empty. Not here: receipts, keys, network.

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
use engine::Instance;
use std::thread;
use wasi::{ExitCode, Host};
use wasmtime::{Engine, Linker, Module, Store, StoreLimitsBuilder, Trap};
use zeroize::Zeroize;

/// Where inputs are found.
pub const INPUT: &str = "/input";
/// Where what is to be handed back is expected.
pub const OUTPUT: &str = "/output";
/// Scratch space.
pub const SCRATCH: &str = "/tmp";
/// The name that a program sees as its own.
const PROGRAM_NAME: &str = "program";
/// What a program finds in its environment.
const ENVIRONMENT: [&str; 5] = ["HOME=/", "LANG=C.UTF-8", "PWD=/", "TMPDIR=/tmp", "TZ=UTC"];
/// Largest linear memory of a 32-bit module in MiB.
const MEMORY_MIB_MAX: u32 = 4096;

/// What is to be run.
pub struct Program<'a> {
    /// The module.
    pub module: &'a [u8],
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Seed of its randomness.
    pub seed: [u8; 32],
    /// Fuel after which it is stopped.
    pub fuel: u64,
    /// Largest linear memory in MiB.
    pub memory_mib: u32,
}

/// How much a program may print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintLimits {
    /// Bytes of standard output.
    pub stdout: usize,
    /// Bytes of standard error.
    pub stderr: usize,
}

impl Default for PrintLimits {
    fn default() -> Self {
        Self { stdout: 64 << 20, stderr: 16 << 20 }
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
pub struct Stopper(Engine);

impl Stopper {
    /// Stops every program that runs now. One that waits for its observer is the observer's to stop.
    pub fn stop(&self) {
        self.0.increment_epoch();
    }
}

/// Runs programs.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Instance>,
    print: PrintLimits,
}

impl Sandbox {
    /// A sandbox with the usual limits on printing.
    pub fn new() -> Result<Self, EngineError> {
        Self::with_print_limits(PrintLimits::default())
    }

    /// A sandbox with these limits on printing.
    pub fn with_print_limits(print: PrintLimits) -> Result<Self, EngineError> {
        let (engine, linker) = engine::build().map_err(|error| EngineError(error.to_string()))?;
        Ok(Self { engine, linker, print })
    }

    /// What stops a program that runs in this sandbox.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.engine.clone())
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
        let args = std::iter::once(PROGRAM_NAME.to_string()).chain(program.args.iter().cloned()).collect();
        let environment = ENVIRONMENT.map(String::from).to_vec();
        let (stdout, stderr) = (Stream::new(self.print.stdout), Stream::new(self.print.stderr));
        let host = Host::new(files, args, environment, &program.seed, stdout, stderr, observer);
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("program".into()).stack_size(engine::THREAD_STACK);
            match thread.spawn_scoped(scope, move || self.run_here(program, host)) {
                Ok(handle) => handle.join().unwrap_or_else(|_| lost()),
                Err(_) => lost(),
            }
        })
    }

    fn run_here(&self, program: &Program<'_>, host: Host) -> Run {
        let module = Module::from_binary(&self.engine, program.module);
        let memory = usize::try_from(program.memory_mib.min(MEMORY_MIB_MAX)).unwrap_or(0).saturating_mul(1 << 20);
        let limits = StoreLimitsBuilder::new().memory_size(memory).table_elements(1_000_000).instances(1).memories(1).tables(64).build();
        let mut store = Store::new(&self.engine, Instance { host, memory: None, limits });
        store.limiter(|instance| &mut instance.limits);
        store.set_epoch_deadline(1);
        let mut ended = store
            .set_fuel(program.fuel)
            .and(module)
            .and_then(|module| self.linker.instantiate(&mut store, &module))
            .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start").map(|start| (instance, start)))
            .map_err(|error| not_started(&error))
            .and_then(|(instance, start)| {
                store.data_mut().memory = instance.get_memory(&mut store, "memory");
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
}

type End = (Ended, Option<String>);

/// Why a program never reached its own first instruction. A module's start function runs here too, so it may as well have ended by itself.
fn not_started(error: &wasmtime::Error) -> End {
    if error.is::<ExitCode>() || error.is::<Stopped>() || error.is::<Trap>() {
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
