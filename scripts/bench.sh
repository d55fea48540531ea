#!/usr/bin/env bash
# Runs the benchmarks and prints their tables: latencies on four validators (`scripts/bench.sh [SECONDS]`, default 300), and the receipt log.
# Copy the tables into docs/benchmarks/ together with the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
. scripts/env.sh
cargo build --quiet --workspace --bins --locked
"$BIN/measure" "${1:-300}"
cargo bench --quiet --locked --package blockcloud-receipt-log
