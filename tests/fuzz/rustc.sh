#!/usr/bin/env bash
# Stands before rustc (cargo's RUSTC_WRAPPER) and has it count edges and report comparisons, as libFuzzer wants them, in what decodes. Not in cryptography,
# which would be twenty times slower and lead nowhere; not in build scripts and macros, which are built for no named target.
set -euo pipefail
decoders=" base64 base64ct blockcloud_client blockcloud_evidence blockcloud_fuzz blockcloud_primitives blockcloud_receipt_log bounded_collections ciborium ciborium_ll const_oid coset der finality_grandpa parity_scale_codec pem_rfc7468 serde_json sp_consensus_grandpa sp_runtime sp_trie spki trie_db x509_cert "
crate= target= previous=
for argument in "$@"; do
    [ "$previous" = --crate-name ] && crate="$argument"
    [ "$argument" = --target ] && target=named
    previous="$argument"
done
flags=()
if [[ -n "$target" && "$decoders" == *" $crate "* ]]; then
    flags+=(-Cpasses=sancov-module)
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        flags+=("-Cllvm-args=-sanitizer-coverage-$option")
    done
fi
exec "$@" "${flags[@]}"
