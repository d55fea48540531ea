#!/usr/bin/env bash
# Fails when the dependency graph holds a second version of any sp-* or frame-* crate of polkadot-sdk.
set -euo pipefail
cd "$(dirname "$0")/.."
# Not parts of polkadot-sdk in spite of their names: the metadata crates, which the client also uses.
duplicates=$(cargo tree --workspace --duplicates --depth 0 --locked 2>/dev/null | awk '{print $1" "$2}' | sort -u |
    grep -E '^(sp|frame|sc|pallet)-' | grep -vE '^frame-(metadata|decode) ' | awk '{print $1}' | uniq -d)
if [ -n "$duplicates" ]; then
    printf 'more than one version of: %s\nPin them in Cargo.toml.\n' "$(echo $duplicates)" >&2
    exit 1
fi
