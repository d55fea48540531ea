#!/usr/bin/env bash
# One real job on real data, from the offer to the settlement, on a chain of one validator on this machine; then shows that tampering is caught.
#
#   ./scripts/demo.sh                                          the weather summary of tests/programs on tests/data
#   ./scripts/demo.sh --data FILE --module FILE.wasm [ARG...]  your own file and module; it finds FILE as /input/NAME, and gets /input/NAME /output
#                                                              as arguments unless you give others
#
# Everything it starts ends with it. It leaves its folder, whose name it prints, so that you can look at what is there.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
data= module= arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        --data) [ $# -ge 2 ] || usage; data=$(realpath -e "$2") || exit 2; shift 2 ;;
        --module) [ $# -ge 2 ] || usage; module=$(realpath -e "$2") || exit 2; shift 2 ;;
        -h | --help) usage ;;
        *) arguments=("$@"); break ;;
    esac
done

./scripts/setup.sh
. scripts/env.sh

bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
note() { printf '   %s\n' "$*"; }
indent() { sed 's/^/   /'; }

bold "Building (the first time takes a while: a whole node; later runs only look)"
cargo build --quiet --workspace --bins --locked
if [ -z "$module" ]; then
    cargo build --quiet --locked --package weather-summary --target wasm32-wasip1
    module="$CARGO_TARGET_DIR/wasm32-wasip1/debug/weather-summary.wasm"
fi
data=${data:-$PWD/tests/data/seattle-weather.csv}
name=$(basename "$data")
[ ${#arguments[@]} -gt 0 ] || arguments=("/input/$name" /output)
PATH="$BIN:$PATH"

work=$(mktemp -d "${TMPDIR:-/tmp}/blockcloud-demo.XXXXXX")
pids=()
finish() {
    status=$?
    # The guest is the agent's child but lives in a session of its own; it ends by itself when its job does.
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    [ $status -eq 0 ] || printf '\nThe demo stopped. Logs are in %s\n' "$work" >&2
}
trap finish EXIT
start() { # name, awaited line, command...
    local name=$1 awaited=$2
    shift 2
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
    # Waits for the line itself, not for a time; tail ends with the program.
    grep -q -m1 "$awaited" < <(timeout 60 tail --pid=$! -n +1 -F "$work/$name.log" 2>/dev/null) || {
        printf '%s did not start; it printed:\n' "$name" >&2
        tail -5 "$work/$name.log" >&2
        exit 1
    }
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
rpc=$(free_port) agent=$(free_port) p2p=$(free_port)

bold "1. A chain, a simulated processor"
start node "Running JSON-RPC server" blockcloud-node --dev --base-path "$work/node" --rpc-port "$rpc" --listen-addr "/ip4/127.0.0.1/tcp/$p2p" --no-prometheus
start simulator "SIMULATED http" blockcloud-simulator run
simulator=$(grep -om1 'http://[0-9.:]*' "$work/simulator.log")
export BLOCKCLOUD_NODE="ws://127.0.0.1:$rpc" BLOCKCLOUD_HOME="$work/customer"
note "node at $BLOCKCLOUD_NODE with blocks of one second, all of its data in $work"
note "SIMULATED processor at $simulator: it shows the way evidence takes, and protects nothing"

bold "2. A provider (Bob) registers, locks a bond, adds a site; a certifier (Ferdie) vouches for the site; the provider offers capacity"
mkdir -p "$work/agent"
(umask 077 && echo "sr25519://Bob" >"$work/agent/provider.key")
cat >"$work/agent/agent.toml" <<TOML
node = "$BLOCKCLOUD_NODE"
key = "provider.key"
listen = "127.0.0.1:$agent"
data = "data"
[driver]
kind = "process"
guest = "$BIN/blockcloud-guest"
simulator = "$simulator"
TOML
export BLOCKCLOUD_KEY="$work/agent/provider.key"
blockcloud provider register --endpoint "http://127.0.0.1:$agent" | indent
blockcloud bond add 1000 | indent
site=$(blockcloud provider add-site --output json | jq .site)
BLOCKCLOUD_KEY=//Ferdie blockcloud fact certify --site "$site" --region DE-BE --days 365 | indent
offer=$(blockcloud offer publish --site "$site" --tee simulated --vcpus 8 --memory-gib 16 --storage-gib 100 \
    --price-vcpu 0.004 --price-memory 0.002 --price-storage 0.0001 --cover 100 --output json | jq .offer)
blockcloud offer show "$offer" | indent
start agent "the agent is here" blockcloud-agent run --config "$work/agent/agent.toml"

bold "3. A customer (Charlie) asks for a quote: only in Berlin, only this guest, at most 0.01 BCU per second"
export BLOCKCLOUD_KEY=//Charlie
spec=(--module "$module" --input "$data" --guest "$BIN/blockcloud-guest" --tee simulated --region DE-BE --price-limit 0.01 --longest 300 --cover 10)
for argument in "${arguments[@]}"; do spec+=(--arg "$argument"); done
blockcloud job quote "${spec[@]}" | indent
note "the same in Paris:"
blockcloud job quote "${spec[@]/DE-BE/FR-75C}" | indent && exit 1

bold "4. It seals its files and places the job, verifies the guest's evidence itself, and only then releases the key"
blockcloud job place "${spec[@]}" --output json 2> >(indent >&2) | jq -c . >"$work/place.json"
job=$(jq -s '.[-1].job' "$work/place.json")

bold "5. The job runs: receipts and checkpoints"
blockcloud job watch "$job" 2>&1 | indent || note "the program did not end well; what it printed says why"

bold "6. The output, opened with the customer's key"
blockcloud job fetch "$job" --into "$work/output" | indent
note "what the program printed:"
head -20 "$work/output/stdout" | indent
first=$(find "$work/output" -mindepth 2 -type f | sort | head -1)
if [ -n "$first" ]; then
    note "the first lines of ${first#"$work/output/"}:"
    head -5 "$first" | indent
fi

bold "7. Every handling of the data left a receipt; all of them are under the chain's head"
blockcloud receipt list "$job" --limit 20 | indent
index=$(blockcloud receipt list "$job" --output json | jq '[.receipts[] | select(.op == "read")][0].seq // 0')
blockcloud receipt prove "$job" --index "$index" >"$work/proof.json"
note "RFC 9162 proof that receipt $index is in the log: $(blockcloud proof inclusion <"$work/proof.json")"
blockcloud audit export --job "$job" --to "$work/audit.json" | indent
blockcloud audit verify "$work/audit.json" | indent

bold "8. Tampering is caught"
caught() { # what, command...
    local what=$1
    shift
    if "$@" >"$work/caught.log" 2>&1; then
        printf '   NOT CAUGHT: %s\n' "$what" >&2
        exit 1
    fi
    note "caught: $what"
    grep -hE 'FAILED|does not hold|error:' "$work/caught.log" | head -2 | sed 's/^/      /'
}
jq '.receipts[3].bytes += 1' "$work/audit.json" >"$work/changed.json"
caught "a changed receipt" blockcloud audit verify "$work/changed.json"
jq '.leafIdx += 1' "$work/proof.json" >"$work/moved.json"
caught "a proof for another position" bash -c "blockcloud proof inclusion <'$work/moved.json'"
jq '.receipts |= .[:-1]' "$work/audit.json" >"$work/truncated.json"
caught "a truncated log" blockcloud audit verify "$work/truncated.json"
blockcloud evidence verify --job "$job" --save "$work/evidence.json" >/dev/null
other=$(blockcloud job place "${spec[@]}" --place-only --output json 2>/dev/null | jq .job)
caught "the report of job $job shown for job $other" blockcloud evidence verify "$work/evidence.json" --job "$other"
blockcloud job cancel "$other" >/dev/null

bold "9. Money"
blockcloud job status "$job" | grep -E 'money|job ' | indent
blockcloud bond show "$(jq -r .account <(blockcloud key show "$work/agent/provider.key" --output json))" | indent

bold "Done. How to go on by hand"
cat <<TEXT
   Everything this run made is in $work. To do the same step by step: docs/guides/provider.md, docs/guides/customer.md, docs/guides/auditor.md.
   Your own data and program: ./scripts/demo.sh --data FILE --module FILE.wasm
   All tests: ./scripts/test.sh
TEXT
