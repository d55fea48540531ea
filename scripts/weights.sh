#!/usr/bin/env bash
# Measures the weights of our pallets and writes pallets/*/src/weights.rs again.
# Run it on a quiet machine of the kind that validators run, and commit the result by itself. The node it builds has the benchmarks inside; the next
# ordinary build replaces it.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
. scripts/env.sh
# A chain's Wasm is built with this profile, and slower by a fifth to a third without.
export WASM_BUILD_TYPE=production
# A test runtime that comes with the benchmark command cannot be built from outside its repository, and is not needed.
export SKIP_FRAME_STORAGE_ACCESS_TEST_RUNTIME_WASM_BUILD=1
cargo build --quiet --workspace --bins --locked --features blockcloud-node/runtime-benchmarks
written=$(mktemp -d)
trap 'rm -rf "$written"' EXIT
"$BIN/blockcloud-node" benchmark pallet --chain dev --all --steps 50 --repeat 20 --wasm-execution compiled \
    --template scripts/weights.hbs --output "$written"
for file in "$written"/pallet_*.rs; do
    pallet=$(basename "$file" .rs)
    mv "$file" "pallets/${pallet#pallet_}/src/weights.rs"
done
