//! What the stories share: the real programs on free loopback ports, watched by what they print, ended when they go out of scope.
//!
//! The stories themselves are in `tests/tests/`. Not here: anything that a story asserts.

pub mod customer;
pub mod node;
pub mod process;
pub mod provider;
pub mod rpc;
pub mod scene;
pub mod wiretap;

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
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
