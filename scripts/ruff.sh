#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs ruff, the linter of our Python, and gets it first where it is not in the cache.
#
#   scripts/ruff.sh ARGUMENT...   as `ruff ARGUMENT...`; ruff.toml has the rules
#
# Debian 12 has no ruff. It comes from forky, with the C library that it needs and without installing
# either. apt checks the packages against Debian's signature. A copy stays in the cache.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

SUITE=forky
PACKAGES=(ruff libc6 libgcc-s1)
OUT=$BUILD/ruff

get_ruff() {
	local hash=$1 all
	mkdir -p "$BUILD"
	rm -rf "$OUT"
	cache_get ruff "$hash" "$OUT" && return
	say "getting ruff" >&2
	all=$(mktemp -d "$BUILD/.ruff.XXXXXX")
	unpack_debs "$SUITE" "$all" "${PACKAGES[@]}" || die "cannot get ruff from $SUITE" "is there a network? see $LOGS/get-ruff.log"
	mkdir -p "$all/kept"
	cp "$all/usr/bin/ruff" "$all"/usr/lib/*/{ld-linux*.so.*,libc.so.6,libm.so.6,libgcc_s.so.1} "$all/kept/"
	cache_put ruff "$hash" "$all/kept"
	mv "$all/kept" "$OUT"
	rm -rf "$all"
}

hash=$({ dpkg --print-architecture && cat "$0"; } | hash_of)
if [ "$(cat "$OUT/.hash" 2>/dev/null)" != "$hash" ]; then
	get_ruff "$hash" >&2
	printf '%s\n' "$hash" >"$OUT/.hash"
fi
# The machine's own C library is too old for it.
exec "$OUT"/ld-linux*.so.* --library-path "$OUT" "$OUT/ruff" "$@"
