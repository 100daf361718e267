#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs cmocka programs and adds up their counts.
set -uo pipefail

passed=0 failed=0
# The only reason for which a unit test is skipped.
why='needs root and a kernel with uprobes'
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
for program in "$@"; do
    out=$("$program" 2>&1)
    rc=$?
    ok=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' <<< "$out" | tail -1)
    bad=$(sed -nE 's/^\[  FAILED  \].* ([0-9]+) test.*/\1/p' <<< "$out" | tail -1)
    ok=${ok:-0} bad=${bad:-0}
    # A program that a sanitizer ended has not counted that failure.
    [[ $rc -eq 0 || $bad -gt 0 ]] || bad=1
    passed=$((passed + ok)) failed=$((failed + bad))
    skipped=$(sed -nE 's/^\[  SKIPPED \] ([a-z_]+)$/\1/p' <<< "$out" | sort -u | paste -sd' ')
    if [[ $bad -gt 0 ]]; then
        printf '%s\n' "$out" | tail -60
        printf 'FAIL %s (exit %d)\n' "${program##*/}" "$rc"
    else
        printf 'ok %s: %d tests\n' "${program##*/}" "$ok"
    fi
    [[ -z $skipped ]] || printf 'SKIPPED %s (%s): %s\n' "${program##*/}" "$why" "$skipped"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
