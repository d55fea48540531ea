# Sourced by the other scripts: one target directory for every checkout on this machine, so that a fresh clone rebuilds only our own crates.
# The runtime's Wasm builder wants a path component named `target`.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/blockcloud/target}"
export BIN="$CARGO_TARGET_DIR/debug"
