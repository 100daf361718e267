#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#   scripts/once.sh NAME FILE... -- COMMAND...
#
# For a long test of what seldom changes: runs COMMAND, and keeps what it printed in the cache if it passed. With the
# same files and the same command it prints that, and when it was, and does not run again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[ $# -ge 3 ] || usage 2
name=$1 files=()
shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	files+=("$1")
	shift
done
[ $# -gt 1 ] || usage 2
shift

hash=$({ printf '%s\n' "$*" && sha256sum -- "${files[@]}"; } | hash_of)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if cache_get "passed-$name" "$hash" "$tmp"; then
	printf '     not run: with the same files it passed at %s, and printed\n' "$(cat "$tmp/when")"
	cat "$tmp/out"
	exit 0
fi
"$@" 2>&1 | tee "$tmp/out"
date -u +%FT%TZ >"$tmp/when"
cache_put "passed-$name" "$hash" "$tmp"
