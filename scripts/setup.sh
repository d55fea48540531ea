#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready to build BlockCloud: system packages and Rust targets. Idempotent and quiet when there is nothing to do.
# Not here: building anything.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

command -v cargo >/dev/null || stop "cargo is missing. Install Rust with rustup (https://rustup.rs), open a new shell and run this again."

# The last three only for tests of key protection and of exports, which say so and pass where they are missing.
packages=(clang libclang-dev protobuf-compiler pkg-config libssl-dev jq age softhsm2 python3-venv)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || stop "this is not Debian or Ubuntu. Install the equivalents of: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "cannot install packages. As root run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq >/dev/null || say "apt-get update failed; trying with the package lists that are there"
    "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null ||
        stop "apt-get could not install them. Install by hand: ${missing[*]}"
fi

for target in wasm32v1-none wasm32-wasip1; do
    # Asking the compiler works for every way Rust can be installed, with or without rustup.
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
        command -v rustup >/dev/null || stop "the Rust target $target is missing and there is no rustup to add it."
        say "adding the Rust target $target"
        rustup target add "$target" >/dev/null 2>&1 || stop "rustup could not add $target. With a network try: rustup target add $target"
    fi
done
for component in clippy rustfmt; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 ||
        rustup component add "$component" >/dev/null 2>&1 || stop "cargo ${component/rustfmt/fmt} is missing. Run: rustup component add $component"
done
