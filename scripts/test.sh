#!/usr/bin/env bash
# Runs every check and every test. Sets the machine up first.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
. scripts/env.sh

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --all --check
cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
# Before the build: without the Wasm, and so that the runtime is built with it only once afterwards.
step "lints"
SKIP_WASM_BUILD=1 cargo clippy --workspace --all-targets --locked -- -D warnings
# Programs and tests at once: what waits for the runtime's Wasm leaves the other core to the rest.
step "build"
cargo build --workspace --lib --bins --tests --examples --locked
step "one copy of each polkadot-sdk crate"
./scripts/one-sdk.sh
step "tests"
cargo test --workspace --locked
# By itself: the feature changes how crates below the node are built, and the node is not to be built with it.
step "ingest through NATS"
if command -v nats-server >/dev/null; then
    cargo clippy --workspace --features blockcloud-aggregator/nats --bin blockcloud-aggregator --test aggregator --example soak --locked -- -D warnings
    cargo test --workspace --features blockcloud-aggregator/nats --test aggregator --locked nats
else
    echo "SKIPPED: nats-server is not installed (Debian and Ubuntu: apt-get install nats-server, which also starts one as a service)"
fi
step "the verifiers of TDX and SEV-SNP and the launch digests beside independent ones"
cargo fmt --manifest-path tests/oracle/Cargo.toml --check
cargo test --quiet --manifest-path tests/oracle/Cargo.toml --locked
step "the fuzzers compile"
cargo check --quiet --manifest-path tests/fuzz/Cargo.toml --all-targets --locked --target-dir "$CARGO_TARGET_DIR/fuzz"
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
if cargo deny --version >/dev/null 2>&1; then
    step "licences, bans, sources"
    cargo deny check bans licenses sources
else
    step "licences, bans, sources: SKIPPED, cargo-deny is not installed (cargo install cargo-deny --locked)"
fi
