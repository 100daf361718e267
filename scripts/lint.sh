#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make lint: what can be checked without running anything. The checks run side by side; one that fails
# prints what is wrong and what to do. `scripts/lint.sh NAME...` runs some.
#
#   format    C is as clang-format 14 writes it
#   c         cppcheck with its default checks, clang-tidy with those of .clang-tidy
#   shell     shellcheck; .shellcheckrc has its options
#   python    ruff; ruff.toml has its rules
#   man       man pages have no warnings
#   licence   every file of ours has an SPDX line
#   hosts     no file names the host of a package mirror
#   rooms     the order of the rooms of collect/, and the size of files and functions
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$TOP" || exit

# scripts_in LANGUAGE   prints the files whose first line names that interpreter
scripts_in() { git grep -lE "^#!(/usr/bin/env |/bin/|/usr/bin/)$1\$" | sort; }

check_format() {
    git ls-files 'bpf/*.c' '*.[ch]' | sort -u | xargs clang-format-14 --dry-run --Werror ||
        { echo 'run: clang-format-14 -i FILE'; return 1; }
}

# The cache remembers which tree passed; make remembers which files did. One make: both check what it
# has compiled.
check_c() {
    local passed
    passed=$CACHE/lint-c-$({ cppcheck --version; clang-tidy-14 --version | grep -i version
        git ls-files -z Makefile .clang-tidy scripts/cppcheck.h bpf loader collect guest meter | xargs -0 sha256sum; } | hash_of)
    [[ ! -f $passed ]] || return 0
    make -s -k -j"$(nproc)" cppcheck tidy && mkdir -p "$CACHE" && touch "$passed"
}

check_shell() {
    { scripts_in bash && git ls-files '*.sh'; } | sort -u | xargs shellcheck ||
        { echo 'a finding that is wrong: # shellcheck disable=CODE # the reason'; return 1; }
}

check_python() {
    { scripts_in python3 && git ls-files '*.py'; } | sort -u | xargs scripts/ruff.sh check --quiet --output-format concise
}

check_rooms() { scripts/rooms.py; }

check_man() {
    local f out rc=0
    while read -r f; do
        out=$(LC_ALL=C MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$f" 2>&1 > /dev/null)
        [[ -z $out ]] || { printf '%s: %s\n' "$f" "$out"; rc=1; }
    done < <(git ls-files 'docs/man/*')
    return $rc
}

check_licence() {
    local missing
    missing=$(git ls-files bpf loader collect guest meter scripts 'tests/*.[ch]' 'tests/*.sh' 'tests/*.py' Makefile '*.toml' |
        while read -r f; do head -5 "$f" | grep -q 'SPDX-License-Identifier' || printf '%s has no SPDX line\n' "$f"; done)
    [[ -z $missing ]] || { printf '%s\n' "$missing"; return 1; }
}

check_hosts() {
    local host rc=0
    # shellcheck disable=SC2016 # apt replaces $(SITE)
    for host in $(apt-get indextargets --format '$(SITE)' 2> /dev/null | sed -nE 's#^[a-z]+://([^/]+).*#\1#p' | sort -u); do
        ! git grep -lIF "$host" -- . || { echo 'name no mirror: take it from the configuration of apt'; rc=1; }
    done
    return $rc
}

all=(rooms format c shell python man licence hosts)
[[ $# -eq 0 ]] || all=("$@")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for name in "${all[@]}"; do
    declare -F "check_$name" > /dev/null || { echo "lint: there is no check named $name" >&2; exit 2; }
    { "check_$name" > "$out/$name" 2>&1; echo $? > "$out/$name.rc"; } &
done
wait
failed=0
for name in "${all[@]}"; do
    [[ $(< "$out/$name.rc") -ne 0 ]] || continue
    failed=$((failed + 1))
    printf 'lint: %s\n' "$name"
    sed 's/^/  /' "$out/$name"
done
[[ $failed -eq 0 ]] || printf 'lint: %d of %d checks failed\n' "$failed" "${#all[@]}"
[[ $failed -eq 0 ]]
