//! libFuzzer around the target that `BLOCKCLOUD_FUZZ_TARGET` names. With `BLOCKCLOUD_FUZZ_SEEDS` it writes the target's seeds into that
//! folder and ends; without a target it prints the names of all.
#![no_main]

use blockcloud_fuzz::{TARGETS, Target};
use std::{env, fs, path::Path, process, sync::OnceLock};

static TARGET: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: choose(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});

fn choose() {
    let name = env::var("BLOCKCLOUD_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        process::exit(if name.is_empty() { 0 } else { 2 });
    };
    if let Some(folder) = env::var_os("BLOCKCLOUD_FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).expect("a folder that can be written to");
        }
        process::exit(0);
    }
    let _ = TARGET.set(target);
}
