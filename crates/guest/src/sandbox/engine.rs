//! The engine: wasmtime 48, configured so that a run can be repeated anywhere with the same result.
//!
//! Not for what a program may reach: that is `wasi`.

use super::wasi::{self, Host};
use blockcloud_primitives::EngineId;
use sha2::Digest as _;
use wasmtime::{Config, Engine, Linker, OptLevel, ResourceLimiter};

/// Stack for a program's own calls. As much as a Linux process has by default.
pub const STACK: usize = 8 << 20;
/// Stack of the thread that runs programs: theirs, and what the host functions need on top.
pub const THREAD_STACK: usize = STACK + (4 << 20);

/// Everything that decides what a program computes, in words. Its hash is the engine's identity, so a change of any of it must change a line here.
const DESCRIPTION: &[&str] = &[
    "blockcloud/engine/v1",
    "wasmtime 48.0.8",
    "cranelift speed, baseline instruction set",
    "fuel, epoch interruption for stopping only",
    "nan canonical",
    "on: mutable-global, saturating-float-to-int, sign-extension, bulk-memory, reference-types, multi-value, simd, tail-call, extended-const",
    "off: threads, relaxed-simd, memory64, multi-memory, gc, exceptions, function-references, component-model, wide-arithmetic, custom-page-sizes",
    "stack 8 MiB",
    "module of at most 64 MiB, one memory, tables of 1000000 elements in all",
    "wasi_snapshot_preview1 of blockcloud, v2",
];

/// What a store holds while a program runs.
pub struct Instance {
    /// What stands behind the WASI functions.
    pub host: Host,
    /// The module's memory, once it is known.
    pub memory: Option<wasmtime::Memory>,
    /// Limits on memory and tables.
    pub limits: Limits,
}

/// What a store may take of the machine's memory.
pub struct Limits {
    /// Bytes that the memory may have.
    memory: usize,
    /// Elements that all tables together may still grow by.
    elements: usize,
}

impl Limits {
    /// Elements in all tables together.
    const ELEMENTS: usize = 1_000_000;
    const TABLES: usize = 64;

    /// A memory of at most this many bytes.
    pub fn new(memory: usize) -> Self {
        Self { memory, elements: Self::ELEMENTS }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= self.memory)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let left = self.elements.checked_sub(desired.saturating_sub(current));
        self.elements = left.unwrap_or(self.elements);
        Ok(left.is_some())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        Self::TABLES
    }

    fn memories(&self) -> usize {
        1
    }
}

/// The engine's identity: SHA-256 over its description and the processor architecture, as it stands in a job's spec.
pub fn engine_id() -> EngineId {
    let mut hasher = sha2::Sha256::new();
    for line in DESCRIPTION.iter().copied().chain([std::env::consts::ARCH]) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    blockcloud_primitives::Digest(hasher.finalize().into())
}

/// Builds the engine and the functions that programs import.
pub(super) fn build() -> wasmtime::Result<(Engine, Linker<Instance>)> {
    let engine = Engine::new(&config()?)?;
    let mut linker = Linker::new(&engine);
    wasi::add_to_linker(&mut linker)?;
    Ok((engine, linker))
}

fn config() -> wasmtime::Result<Config> {
    let mut config = Config::new();
    // A target that is named explicitly switches off the detection of the processor's extensions: the same code everywhere, and with it the same
    // depth at which a recursion ends.
    config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    config
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .async_stack_size(THREAD_STACK)
        .max_wasm_stack(STACK)
        .wasm_backtrace_max_frames(None)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_simd(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false);
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_the_engine_that_is_linked() {
        let manifest = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
        let version = DESCRIPTION[1].strip_prefix("wasmtime ").unwrap();
        assert!(manifest.contains(&format!("wasmtime = {{ version = \"={version}\"")), "update DESCRIPTION together with the pin");
    }

    #[test]
    fn the_identity_is_stable() {
        assert_eq!(engine_id(), engine_id());
    }
}
