//! `wasi_snapshot_preview1`, our own: every door through which a program reaches data.
//!
//! All 46 functions exist. Each is a method of [`Host`]; this file hangs them into wasmtime's linker, checks the memory they get, charges their fuel
//! and turns how they end into what the program sees. Not here: sockets, processes, threads: there are none.

mod abi;
mod environment;
mod files;
mod host;
mod memory;
mod paths;
mod process;
mod time;

pub use host::{Counters, Halt, Host, Outcome};
pub use memory::Memory;

use super::{Errno, engine::Instance, observe::Stopped};
use paths::{Opening, Text};
use std::fmt;
use wasmtime::{Caller, Extern, Linker, Trap};

/// The module name that programs import from.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// The program ended itself through `proc_exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub u32);

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program ended with code {}", self.0)
    }
}

impl std::error::Error for ExitCode {}

/// The program has led to as many events as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyEvents(pub u64);

impl fmt::Display for TooManyEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program led to {} receipts, as many as a job may have: open fewer files, read and write in larger pieces", self.0)
    }
}

impl std::error::Error for TooManyEvents {}

/// Runs a WASI function on the memory of the module that calls it.
fn call(mut caller: Caller<'_, Instance>, function: impl FnOnce(&mut Host, &mut Memory) -> Outcome) -> wasmtime::Result<u32> {
    let known = caller.data().memory;
    let memory = match known {
        Some(memory) => memory,
        None => match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => {
                caller.data_mut().memory = Some(memory);
                memory
            }
            _ => return Ok(Errno::Fault.code()),
        },
    };
    let (bytes, instance) = memory.data_and_store_mut(&mut caller);
    let host = &mut instance.host;
    // Before the function does anything: what is done is always reported, so a few more than the limit may be.
    if host.counters.events >= host.events_max {
        return Err(wasmtime::Error::new(TooManyEvents(host.events_max)));
    }
    host.counters.calls = host.counters.calls.saturating_add(1);
    host.charge = Host::CALL_FUEL;
    let outcome = function(host, &mut Memory(bytes));
    let charge = host.charge;
    let fuel = caller.get_fuel()?;
    caller.set_fuel(fuel.saturating_sub(charge))?;
    match outcome {
        Err(Halt::Stopped) => Err(wasmtime::Error::new(Stopped)),
        _ if charge > fuel => Err(Trap::OutOfFuel.into()),
        Err(Halt::Errno(errno)) => Ok(errno.code()),
        Ok(()) => Ok(0),
    }
}

/// Adds functions whose parameters are passed on as they are.
macro_rules! add {
    ($linker:ident: $($name:ident($($parameter:ident: $type:ty),*);)*) => {
        $($linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, Instance>, $($parameter: $type),*| {
            call(caller, |host, memory| host.$name(memory, $($parameter),*))
        })?;)*
    };
}

/// Hangs all functions into a linker.
pub fn add_to_linker(linker: &mut Linker<Instance>) -> wasmtime::Result<()> {
    add! { linker:
        args_get(pointers: u32, buffer: u32);
        args_sizes_get(count: u32, size: u32);
        environ_get(pointers: u32, buffer: u32);
        environ_sizes_get(count: u32, size: u32);
        clock_res_get(id: u32, result: u32);
        clock_time_get(id: u32, precision: u64, result: u32);
        fd_advise(fd: u32, place: u64, length: u64, advice: u32);
        fd_allocate(fd: u32, place: u64, length: u64);
        fd_close(fd: u32);
        fd_datasync(fd: u32);
        fd_fdstat_get(fd: u32, result: u32);
        fd_fdstat_set_flags(fd: u32, flags: u32);
        fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64);
        fd_filestat_get(fd: u32, result: u32);
        fd_filestat_set_size(fd: u32, size: u64);
        fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, flags: u32);
        fd_pread(fd: u32, buffers: u32, count: u32, place: u64, result: u32);
        fd_prestat_get(fd: u32, result: u32);
        fd_prestat_dir_name(fd: u32, path: u32, length: u32);
        fd_pwrite(fd: u32, buffers: u32, count: u32, place: u64, result: u32);
        fd_read(fd: u32, buffers: u32, count: u32, result: u32);
        fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, result: u32);
        fd_renumber(fd: u32, to: u32);
        fd_seek(fd: u32, delta: i64, whence: u32, result: u32);
        fd_sync(fd: u32);
        fd_tell(fd: u32, result: u32);
        fd_write(fd: u32, buffers: u32, count: u32, result: u32);
        poll_oneoff(subscriptions: u32, events: u32, count: u32, result: u32);
        proc_raise(signal: u32);
        sched_yield();
        random_get(buffer: u32, length: u32);
    }
    add_paths(linker)?;
    linker.func_wrap(MODULE, "proc_exit", |mut caller: Caller<'_, Instance>, code: u32| {
        let counters = &mut caller.data_mut().host.counters;
        counters.calls = counters.calls.saturating_add(1);
        Err::<(), _>(wasmtime::Error::new(ExitCode(code)))
    })?;
    linker.func_wrap(MODULE, "sock_accept", |caller: Caller<'_, Instance>, fd: u32, _: u32, _: u32| {
        call(caller, |host, _| host.no_socket(fd))
    })?;
    linker.func_wrap(MODULE, "sock_recv", |caller: Caller<'_, Instance>, fd: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
        call(caller, |host, _| host.no_socket(fd))
    })?;
    linker.func_wrap(MODULE, "sock_send", |caller: Caller<'_, Instance>, fd: u32, _: u32, _: u32, _: u32, _: u32| {
        call(caller, |host, _| host.no_socket(fd))
    })?;
    linker
        .func_wrap(MODULE, "sock_shutdown", |caller: Caller<'_, Instance>, fd: u32, _: u32| call(caller, |host, _| host.no_socket(fd)))?;
    Ok(())
}

/// The functions that take text.
fn add_paths(linker: &mut Linker<Instance>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "path_create_directory", |caller: Caller<'_, Instance>, fd: u32, address: u32, length: u32| {
        call(caller, |host, memory| host.path_create_directory(memory, fd, Text { address, length }))
    })?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |caller: Caller<'_, Instance>, fd: u32, lookup: u32, address: u32, length: u32, result: u32| {
            call(caller, |host, memory| host.path_filestat_get(memory, fd, lookup, Text { address, length }, result))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |caller: Caller<'_, Instance>, fd: u32, lookup: u32, address: u32, length: u32, accessed: u64, modified: u64, flags: u32| {
            call(caller, |host, memory| {
                host.path_filestat_set_times(memory, fd, lookup, Text { address, length }, accessed, modified, flags)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_link",
        |caller: Caller<'_, Instance>, old_fd: u32, lookup: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32| {
            let (old, new) = (Text { address: old, length: old_length }, Text { address: new, length: new_length });
            call(caller, |host, memory| host.path_link(memory, old_fd, lookup, old, new_fd, new))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_open",
        |caller: Caller<'_, Instance>,
         fd: u32,
         lookup: u32,
         address: u32,
         length: u32,
         oflags: u32,
         rights: u64,
         _inheriting: u64,
         flags: u32,
         result: u32| {
            // A directory passes on everything that it may itself, whatever is asked for: narrowing is `fd_fdstat_set_rights`.
            let opening = Opening { lookup, oflags, rights, flags };
            call(caller, |host, memory| host.path_open(memory, fd, Text { address, length }, opening, result))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |caller: Caller<'_, Instance>, fd: u32, address: u32, length: u32, buffer: u32, buffer_length: u32, result: u32| {
            call(caller, |host, memory| host.path_readlink(memory, fd, Text { address, length }, buffer, buffer_length, result))
        },
    )?;
    linker.func_wrap(MODULE, "path_remove_directory", |caller: Caller<'_, Instance>, fd: u32, address: u32, length: u32| {
        call(caller, |host, memory| host.path_remove_directory(memory, fd, Text { address, length }))
    })?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |caller: Caller<'_, Instance>, old_fd: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32| {
            let (old, new) = (Text { address: old, length: old_length }, Text { address: new, length: new_length });
            call(caller, |host, memory| host.path_rename(memory, old_fd, old, new_fd, new))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |caller: Caller<'_, Instance>, target: u32, target_length: u32, fd: u32, address: u32, length: u32| {
            let target = Text { address: target, length: target_length };
            call(caller, |host, memory| host.path_symlink(memory, target, fd, Text { address, length }))
        },
    )?;
    linker.func_wrap(MODULE, "path_unlink_file", |caller: Caller<'_, Instance>, fd: u32, address: u32, length: u32| {
        call(caller, |host, memory| host.path_unlink_file(memory, fd, Text { address, length }))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
