//! Modules that misbehave: the host survives them and says how they ended.

use crate::common::{Recorder, run_with};
use blockcloud_guest::sandbox::{Ended, Limits, Program, Quota, Run, Sandbox};
use blockcloud_primitives::Exit;
use std::{sync::mpsc, thread};

/// Every function of `wasi_snapshot_preview1`, with its parameters (`i` 32 bits, `I` 64 bits).
const FUNCTIONS: [(&str, &str); 46] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "ii"),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

fn run_text(text: &str, fuel: u64, memory_mib: u32) -> Run {
    run_with(&wat::parse_str(text).unwrap(), &[], &[("/input/a", b"abc")], &Recorder::default(), fuel, memory_mib)
}

fn ended(text: &str) -> Ended {
    run_text(text, 1_000_000, 1).ended
}

/// A module that imports everything, with this body in `_start` and this text in memory.
fn module_with(body: &str, data: &str) -> String {
    let imports: String = FUNCTIONS
        .iter()
        .map(|(name, parameters)| {
            let parameters: String = parameters.chars().map(|kind| if kind == 'i' { " i32" } else { " i64" }).collect();
            let result = if *name == "proc_exit" { "" } else { " (result i32)" };
            format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param{parameters}){result}))\n")
        })
        .collect();
    format!("(module {imports} (memory (export \"memory\") 1) (data (i32.const 64) \"{data}\") (func (export \"_start\") {body}))")
}

#[test]
fn every_function_of_preview1_is_there() {
    assert_eq!(ended(&module_with("", "")), Ended::Exit(Exit::Code(0)));
}

#[test]
fn wild_arguments_are_survived() {
    // Values that mean something somewhere: descriptors, addresses of text, the end of memory, and nonsense.
    let values = [0_u64, 1, 2, 3, 4, 5, 7, 8, 64, 65, 100, 255, 4096, 65_528, 65_535, 65_536, 1 << 20, i32::MAX as u64, u32::MAX as u64];
    let wide = [0_u64, 1, 2, 100, 1 << 20, 1 << 40, i64::MAX as u64, u64::MAX];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for _ in 0..4 {
        let mut body = String::new();
        for _ in 0..150 {
            for (name, parameters) in FUNCTIONS.iter().filter(|(name, _)| *name != "proc_exit") {
                for kind in parameters.chars() {
                    body += &match kind {
                        'i' => format!("(i32.const {}) ", values[next(values.len())] as u32 as i32),
                        _ => format!("(i64.const {}) ", wide[next(wide.len())] as i64),
                    };
                }
                body += &format!("(drop (call ${name}))\n");
            }
        }
        let run = run_text(&module_with(&body, "/../a\\00.//output\\ff"), 10_000_000_000, 1);
        assert_eq!(run.ended, Ended::Exit(Exit::Code(0)), "{:?}", run.reason);
        assert!(run.files.used() <= 64 << 20);
    }
}

#[test]
fn the_exit_code_is_reported() {
    assert_eq!(ended(&module_with("(call $proc_exit (i32.const 42))", "")), Ended::Exit(Exit::Code(42)));
}

#[test]
fn an_endless_loop_uses_up_its_fuel() {
    assert_eq!(ended(r#"(module (func (export "_start") (loop (br 0))))"#), Ended::Exit(Exit::OutOfFuel));
}

#[test]
fn host_functions_cost_fuel() {
    let body = "(loop (drop (call $fd_filestat_get (i32.const 3) (i32.const 1024))) (br 0))";
    let run = run_text(&module_with(body, ""), 1_000_000, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::OutOfFuel));
    assert!(run.counters.events < 1_000, "{:?}", run.counters);
}

#[test]
fn a_trap_is_reported() {
    let run = run_text(r#"(module (func (export "_start") unreachable))"#, 1_000, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::Trap));
    assert!(run.reason.is_some());
}

#[test]
fn an_endless_recursion_is_a_trap() {
    let run = run_text(r#"(module (func $f (export "_start") (call $f)))"#, u64::MAX / 2, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::Trap));
}

#[test]
fn memory_does_not_grow_beyond_the_limit() {
    let body = "(if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
                (if (i32.eq (memory.grow (i32.const 15)) (i32.const -1)) (then unreachable))";
    assert_eq!(ended(&format!("(module (memory (export \"memory\") 1) (func (export \"_start\") {body}))")), Ended::Exit(Exit::Code(0)));
}

#[test]
fn what_cannot_be_run_is_bad_input() {
    for text in [
        // Needs more memory than it may have.
        r#"(module (memory (export "memory") 17) (func (export "_start")))"#,
        // Imports what there is not.
        r#"(module (import "env" "system" (func)) (func (export "_start")))"#,
        r#"(module (import "wasi_snapshot_preview1" "fd_close" (func)) (func (export "_start")))"#,
        // Is not a command.
        r#"(module (memory (export "memory") 1))"#,
        r#"(module (func (export "_start") (param i32)))"#,
        // Uses what could differ between machines or runs.
        r#"(module (memory (export "memory") i64 1) (func (export "_start")))"#,
        r#"(module (memory 1 2 shared) (func (export "_start")))"#,
        r#"(module (func (export "_start") (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))))"#,
        r#"(module (memory 1) (memory 1) (func (export "_start")))"#,
    ] {
        let run = run_text(text, 1_000, 1);
        assert_eq!(run.ended, Ended::Exit(Exit::BadInput), "{text}: {:?}", run.reason);
    }
    let run = run_with(b"not a module", &[], &[], &Recorder::default(), 1_000, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::BadInput));
}

#[test]
fn a_module_without_memory_gets_a_fault() {
    let text = r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (func (export "_start") (if (i32.ne (call $yield) (i32.const 21)) (then unreachable))))"#;
    assert_eq!(ended(text), Ended::Exit(Exit::Code(0)));
}

#[test]
fn vectors_and_floats_work_without_the_processors_extensions() {
    let text = r#"(module (func (export "_start")
        (if (i32.ne (i32x4.extract_lane 2 (i32x4.mul (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8))) (i32.const 21)) (then unreachable))
        (if (f64.ne (f64.nearest (f64.const 2.5)) (f64.const 2)) (then unreachable))
        (if (i32.ne (i8x16.extract_lane_u 0 (i8x16.swizzle (v128.const i8x16 9 8 7 6 5 4 3 2 1 0 0 0 0 0 0 0) (v128.const i8x16 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))) (i32.const 6)) (then unreachable))
        (if (i64.ne (i64.popcnt (i64.const 255)) (i64.const 8)) (then unreachable))
        ;; Not a number has one form only: the sign and payload of 0/0 do not show.
        (if (i64.ne (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const -0))) (i64.const 0x7ff8000000000000)) (then unreachable))))"#;
    let run = run_text(text, 1_000, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::Code(0)), "{:?}", run.reason);
}

#[test]
fn printing_beyond_the_limit_fails_and_is_noticed() {
    let sandbox = Sandbox::with_limits(Limits { stdout: 10, stderr: 0, ..Limits::default() }).unwrap();
    let body = r#"(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8))
        (if (i32.ne (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 0)) (then unreachable))
        (if (i32.ne (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 0)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 16)) (i32.const 2)) (then unreachable))
        (if (i32.ne (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 51)) (then unreachable))"#;
    let module = wat::parse_str(module_with(body, "12345678")).unwrap();
    let program = Program { module: &module, fuel: 1_000_000, memory_mib: 1, ..Program::default() };
    let files = Sandbox::files(Quota { bytes: 1 << 20, entries: 10 }).unwrap();
    let run = sandbox.run(&program, files, Box::new(Recorder::default()));
    assert_eq!(run.ended, Ended::Exit(Exit::Code(0)), "{:?}", run.reason);
    assert_eq!(run.stdout.bytes().as_slice(), b"1234567812");
    assert!(run.stdout.is_full());
}

#[test]
fn a_running_program_can_be_stopped() {
    // It announces itself with an event, so that it is known to run when it is stopped.
    struct Announce(mpsc::Sender<()>);
    impl blockcloud_guest::sandbox::Observer for Announce {
        fn key(&self) -> &[u8; 32] {
            &crate::common::KEY
        }
        fn observe(&mut self, _: blockcloud_guest::sandbox::Event<'_>) -> Result<(), blockcloud_guest::sandbox::Stopped> {
            self.0.send(()).map_err(|_| blockcloud_guest::sandbox::Stopped)
        }
    }
    let body = "(drop (call $fd_filestat_get (i32.const 3) (i32.const 1024))) (loop (br 0))";
    let module = wat::parse_str(module_with(body, "")).unwrap();
    let sandbox = Sandbox::new().unwrap();
    let stopper = sandbox.stopper();
    let (announce, announced) = mpsc::channel();
    let run = thread::spawn(move || {
        let program = Program { module: &module, fuel: u64::MAX / 2, memory_mib: 1, ..Program::default() };
        sandbox.run(&program, Sandbox::files(Quota { bytes: 1 << 20, entries: 10 }).unwrap(), Box::new(Announce(announce)))
    });
    announced.recv().unwrap();
    stopper.stop();
    assert_eq!(run.join().unwrap().ended, Ended::Stopped);
}

#[test]
fn a_stop_before_the_start_is_not_lost() {
    let module = wat::parse_str(r#"(module (func (export "_start") (loop (br 0))))"#).unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.stopper().stop();
    let program = Program { module: &module, fuel: u64::MAX / 2, memory_mib: 1, ..Program::default() };
    let run = sandbox.run(&program, Sandbox::files(Quota { bytes: 1 << 20, entries: 10 }).unwrap(), Box::new(Recorder::default()));
    assert_eq!((run.ended, run.fuel_used), (Ended::Stopped, 0));
}

#[test]
fn receipts_are_bounded_and_nothing_is_done_without_one() {
    let limits = Limits { events: 5, ..Limits::default() };
    let run_with = |body: &str| {
        let module = wat::parse_str(module_with(body, "/output/x")).unwrap();
        let program = Program { module: &module, fuel: 1_000_000, memory_mib: 1, ..Program::default() };
        let recorder = Recorder::default();
        let files = Sandbox::files(Quota { bytes: 1 << 20, entries: 10 }).unwrap();
        let run = Sandbox::with_limits(limits).unwrap().run(&program, files, Box::new(recorder.clone()));
        (run.ended, run.reason, recorder.take().len())
    };
    let look = "(drop (call $fd_filestat_get (i32.const 3) (i32.const 1024)))";
    let (ended, reason, events) = run_with(&format!("(loop {look} (br 0))"));
    assert_eq!((ended, events), (Ended::Exit(Exit::Trap), 5));
    assert!(reason.unwrap().contains("5 receipts"));
    // As many as there may be, and then the end.
    assert_eq!(run_with(&format!("{} (call $proc_exit (i32.const 3))", look.repeat(5))).0, Ended::Exit(Exit::Code(3)));
}

#[test]
fn tables_are_bounded_all_together() {
    let tables = |count: usize| {
        let tables = "(table 400000 funcref)".repeat(count);
        ended(&format!("(module {tables} (memory (export \"memory\") 1) (func (export \"_start\")))"))
    };
    assert_eq!(tables(2), Ended::Exit(Exit::Code(0)));
    assert_eq!(tables(3), Ended::Exit(Exit::BadInput));
    let grown = r#"(module (table $a 900000 funcref) (table $b 1 funcref) (memory (export "memory") 1) (func (export "_start")
        (if (i32.eq (table.grow $b (ref.null func) (i32.const 99999)) (i32.const -1)) (then unreachable))
        (if (i32.ne (table.grow $a (ref.null func) (i32.const 1)) (i32.const -1)) (then unreachable))))"#;
    assert_eq!(ended(grown), Ended::Exit(Exit::Code(0)));
}

#[test]
fn a_module_that_is_too_long_is_not_compiled() {
    let run = run_with(&vec![0; (64 << 20) + 1], &[], &[], &Recorder::default(), 1_000, 1);
    assert_eq!(run.ended, Ended::Exit(Exit::BadInput));
    assert!(run.reason.unwrap().contains("at most 67108864"));
}
