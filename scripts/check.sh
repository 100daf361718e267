#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every test, suite by suite, in the order in which a failure is cheapest to find. Each suite ends
# with "N passed, N failed"; the last line adds them up. `scripts/check.sh NAME...` runs some suites.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

passed=0 failed=0 skips=''
logs=build/log
mkdir -p "$logs"

# suite NAME COMMAND...: a suite that counts its tests
suite() {
    local name=$1 start=$SECONDS count
    shift
    wanted "$name" || return 0
    printf '== %s\n' "$name"
    "$@" 2>&1 | tee "$logs/check-$name.log" | sed 's/^/   /'
    local rc=${PIPESTATUS[0]}
    count=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/check-$name.log" | tail -1)
    if [[ $count =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        # A suite that dies after its count has a failure that it did not count.
        [[ $rc -eq 0 || ${BASH_REMATCH[2]} -gt 0 ]] || failed=$((failed + 1))
    else
        printf '   %s did not count its tests (exit %d): one failure\n' "$name" "$rc"
        failed=$((failed + 1))
    fi
    printf '   %ds\n' $((SECONDS - start))
    skips+=$(sed -n "s/^SKIPPED/SKIPPED in $name:/p" "$logs/check-$name.log" && echo .)
    skips=${skips%.}
}

# step NAME COMMAND...: one test, by its exit code
step() {
    local name=$1 start=$SECONDS
    shift
    wanted "$name" || return 0
    printf '== %s\n' "$name"
    if "$@" > "$logs/check-$name.log" 2>&1; then
        passed=$((passed + 1))
        printf '   ok, %ds\n' $((SECONDS - start))
    else
        failed=$((failed + 1))
        sed 's/^/   /' "$logs/check-$name.log" | tail -40
        printf '   FAILED, %ds: all of it is in %s\n' $((SECONDS - start)) "$logs/check-$name.log"
    fi
}

# Every suite and step. Whoever adds one adds its name.
names=(build unit python docs install results stack-build bench-build lint stack stack-variant whatif slow causes meter
    report several torture fuzz harness patches vm)
only=("$@")

# is_in NAME NAME...   true where the first is one of the others
is_in() {
    local name=$1 other
    shift
    for other in "$@"; do [[ $other == "$name" ]] && return 0; done
    return 1
}

wanted() {
    is_in "$1" "${names[@]}" || { printf 'check.sh: %s is not in its list of names\n' "$1" >&2; exit 2; }
    [[ ${#only[@]} -eq 0 ]] || is_in "$1" "${only[@]}"
}

for name in "${only[@]}"; do
    is_in "$name" "${names[@]}" || {
        printf 'check.sh: there is no suite named %s; there are: %s\n' "$name" "${names[*]}" >&2
        exit 2
    }
done

docs_agree() {
    build/spicetap events --markdown | diff -u docs/dev/events.md - ||
        { echo 'docs/dev/events.md is not what bpf/events.def says: make docs'; return 1; }
}

# completes SHARE   is each shell's script in its place, and does bash take it?
completes() {
    local shell
    for shell in bash:bash-completion/completions/spicetap zsh:zsh/site-functions/_spicetap \
        fish:fish/vendor_completions.d/spicetap.fish; do
        build/spicetap completion "${shell%%:*}" | cmp - "$1/${shell#*:}" || return 1
    done
    bash -c ". '$1/bash-completion/completions/spicetap' && complete -p spicetap"
}

install_works() {
    rm -rf build/install && make -s install DESTDIR="$PWD/build/install" PREFIX=/usr &&
        build/install/usr/bin/spicetap --version && completes build/install/usr/share && rm -rf build/install
}

# begins NAME COMMAND...: runs a suite beside the others, with the lowest priority, until `ends NAME` waits
# for it. Only suites whose results do not depend on time may run so.
declare -A beside=()
begins() {
    wanted "$1" || return 0
    { nice -n 19 "${@:2}" > "$logs/$1.out" 2>&1; echo $? > "$logs/$1.rc"; } &
    beside[$1]=$!
}
ends() {
    # In a pipeline this is a subshell, which is not the job's parent and cannot wait for it.
    tail --pid="${beside[$1]}" -f /dev/null
    cat "$logs/$1.out"
    return "$(< "$logs/$1.rc")"
}

step build make -s -j"$(nproc)" all
begins lint make -s lint
suite unit make -s -j"$(nproc)" check-unit
suite python tests/python/run
begins fuzz make -s -j"$(nproc)" fuzz-smoke
step docs docs_agree
step install install_works
begins harness tests/harness
step results make -s results-check
step stack-build scripts/stack.sh all
step bench-build tests/bench/build
begins patches scripts/patches.sh
step lint ends lint
suite stack tests/stack/run
step stack-variant scripts/stack.sh variant
suite whatif tests/stack/whatif
suite slow tests/stack/slow
suite causes tests/stack/causes
suite meter tests/stack/meter
suite report tests/report/run
suite several tests/stack/several
suite torture tests/stack/torture 10
suite fuzz ends fuzz
suite harness ends harness
suite patches ends patches
suite vm tests/vm/run

printf '%s' "$skips"
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
