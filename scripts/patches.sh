#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks what the patches promise: each probe of bpf/events.def is in the built library with its arguments,
# spice's own tests give the same results with and without the patches, and the series applies to 0.15.2.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

passed=0 failed=0
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf 'ok %s\n' "$name"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$name"
    fi
}

check probes-as-in-events.def build/spicetap probes --check build/stack/lib/libspice-server.so.1
check plain-library-is-refused bash -c \
    '! build/spicetap probes --check build/stack-plain/lib/libspice-server.so.1 2> /dev/null'
check applies-to-0.15.2 scripts/stack.sh applies-0.15.2
check spice-tests-unchanged scripts/stack.sh check-spice
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
