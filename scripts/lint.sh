#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Format, cppcheck's default checks, man pages, shell syntax, licences, and what must not be committed.
set -uo pipefail
cd "$(dirname "$0")/.."

bad=0
complain() { printf '%s\n' "$*"; bad=1; }

mapfile -t c < <(git ls-files 'bpf/*.c' 'loader/*.[ch]' 'collect/**/*.[ch]' 'guest/*.[ch]' 'meter/*.[ch]' 'tests/*.[ch]')
clang-format-14 --dry-run --Werror "${c[@]}" || complain 'format: clang-format-14 -i the files named above'
mapfile -t own < <(git ls-files 'loader/*.c' 'collect/**/*.c' 'guest/*.c' 'meter/*.c')
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -I. -Icollect -Ibuild/bpf -j2 "${own[@]}" || complain 'cppcheck: see above'
while read -r f; do
    bash -n "$f" || complain "shell: $f"
done < <(git grep -lE '^#!(/usr/bin/env |/bin/)bash')
while read -r f; do
    out=$(LC_ALL=C MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$f" 2>&1 > /dev/null)
    [[ -z $out ]] || complain "man: $f: $out"
done < <(git ls-files 'docs/man/*')
while read -r f; do
    head -5 "$f" | grep -q 'SPDX-License-Identifier' || complain "licence: $f has no SPDX line"
done < <(git ls-files 'bpf/*' 'loader/*' 'collect/*' 'guest/*' 'meter/*' 'scripts/*' 'tests/*.[ch]' 'tests/*.sh' 'tests/*.py' Makefile)
for host in $(apt-get indextargets --format '$(SITE)' 2> /dev/null | sed -nE 's#^[a-z]+://([^/]+).*#\1#p' | sort -u); do
    git grep -lIF "$host" -- . && complain "a package mirror's host is named in the files above: take it from apt's configuration"
done
exit $bad
