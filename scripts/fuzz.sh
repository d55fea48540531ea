#!/usr/bin/env bash
# Fuzzes every decoder, one after the other, on one core: `scripts/fuzz.sh [SECONDS] [TARGET]`, default 600 seconds for each of all targets. Stops at the
# first finding and says how to reproduce it. What is found to lead somewhere new is kept beside the build and begun with the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
. scripts/env.sh

seconds="${1:-600}"
[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || { echo "usage: scripts/fuzz.sh [SECONDS] [TARGET]" >&2; exit 2; }
work="$CARGO_TARGET_DIR/fuzz"
host="$(rustc -vV | sed -n 's/^host: //p')"

RUSTC_WRAPPER="$PWD/tests/fuzz/rustc.sh" cargo build --quiet --manifest-path tests/fuzz/Cargo.toml --locked --bin fuzz --target "$host" \
    --target-dir "$work"
fuzz="$work/$host/debug/fuzz"

targets="$("$fuzz" 2>/dev/null)"
if [ $# -ge 2 ]; then
    grep -qx -- "$2" <<<"$targets" || { printf 'no such target: %s. There are:\n%s\n' "$2" "$targets" >&2; exit 2; }
    targets="$2"
fi

printf '| target | executions | seconds | per second | edges | findings |\n| --- | --- | --- | --- | --- | --- |\n'
for target in $targets; do
    corpus="$work/corpus/$target"
    findings="$work/findings/$target"
    log="$work/$target.log"
    mkdir -p "$corpus" "$findings"
    BLOCKCLOUD_FUZZ_TARGET="$target" BLOCKCLOUD_FUZZ_SEEDS="$corpus" "$fuzz" >/dev/null 2>"$log" || { cat "$log" >&2; exit 1; }
    if ! BLOCKCLOUD_FUZZ_TARGET="$target" "$fuzz" "$corpus" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$findings/" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        found="$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)"
        printf '\nfuzz: %s has a finding. Reproduce it with:\n  BLOCKCLOUD_FUZZ_TARGET=%s %s %s\n' "$target" "$target" "$fuzz" "${found:-$corpus}" >&2
        exit 1
    fi
    executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    rate="$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")"
    spent="$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$log")"
    edges="$(sed -n 's/^.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
    printf '| %s | %s | %s | %s | %s | 0 |\n' "$target" "$executions" "$spent" "$rate" "$edges"
done
