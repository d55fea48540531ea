//! What the stories share: the real programs on free loopback ports, watched by what they print, ended when they go out of scope.
//!
//! The stories themselves are in `tests/stories/`. Not here: anything that a story asserts.

pub mod customer;
pub mod node;
pub mod process;
pub mod provider;
pub mod rpc;
pub mod scene;
pub mod wiretap;

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Root of the checkout that cargo runs this for; of the one that it was built in, when it is started without cargo.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Builds one of `tests/programs` for `wasm32-wasip1`, unless it is built already, and returns the module.
pub fn module(program: &str) -> Result<PathBuf> {
    // Cargo's own lock would be held by the tests' parent process if it were still building; by now it is not.
    let target = process::program("blockcloud")?.parent().and_then(Path::parent).context("the target directory")?.to_owned();
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--target", "wasm32-wasip1", "--package", program])
        .current_dir(root())
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    anyhow::ensure!(status.success(), "cannot build {program} for wasm32-wasip1: rustup target add wasm32-wasip1");
    Ok(target.join("wasm32-wasip1/debug").join(format!("{program}.wasm")))
}
