#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#   scripts/fuzz.sh smoke PROGRAM...         8 s each, for make check
#   scripts/fuzz.sh run PROGRAM [SECONDS]    an hour, or that long; what it finds stays in build/fuzz
#   scripts/fuzz.sh inputs PROGRAM COUNT     that many inputs, of 4096 bytes at most
set -uo pipefail
cd "$(dirname "$0")/.." || exit

mode=$1
shift
fuzz() { # PROGRAM SECONDS [OPTION...]
    local name=${1##*/}
    local corpus=build/fuzz/corpus-$name
    mkdir -p "$corpus"
    "$1" -max_total_time="$2" -max_len=262144 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/$name-" "${@:3}" "$corpus"
}

case $mode in
smoke)
    passed=0 failed=0
    logs=$(mktemp -d)
    trap 'rm -rf "$logs"' EXIT
    for program in "$@"; do # one for each processor at a time
        while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do wait -n; done
        { fuzz "$program" 8 > "$logs/${program##*/}" 2>&1 && : > "$logs/${program##*/}.ok"; } &
    done
    wait
    for program in "$@"; do
        out=$(< "$logs/${program##*/}")
        if [[ -e $logs/${program##*/}.ok ]]; then
            passed=$((passed + 1))
            printf 'ok %s: %s\n' "${program##*/}" "$(grep -oE 'Done [0-9]+ runs.*' <<< "$out")"
        else
            failed=$((failed + 1))
            tail -30 <<< "$out"
            printf 'FAIL %s\n' "${program##*/}"
        fi
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [[ $failed -eq 0 ]]
    ;;
run) fuzz "$1" "${2:-3600}" ;;
# Without entropic, whose bookkeeping takes longer than a short input.
inputs) fuzz "$1" 0 -runs="$2" -max_len=4096 -entropic=0 -reload=0 ;;
*)
    echo 'usage: fuzz.sh smoke PROGRAM... | run PROGRAM [SECONDS] | inputs PROGRAM COUNT' >&2
    exit 2
    ;;
esac
