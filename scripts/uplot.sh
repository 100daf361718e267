#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Puts uPlot below build/uplot, from npm: its script and its style, which `spicetap report` writes into its pages.
#
#   scripts/uplot.sh
#
# The package must have the checksum below. A copy stays in the cache.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGE=uplot@1.6.32
SHA512=2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023
OUT=$BUILD/uplot

tmp=
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT

main() {
	local hash
	need npm tar
	hash=$({ printf '%s\n' "$PACKAGE" && cat "$0"; } | hash_of)
	rm -rf "$OUT"
	if ! cache_get uplot "$hash" "$OUT"; then
		tmp=$(mktemp -d "$BUILD/.uplot.XXXXXX")
		(cd "$tmp" && npm pack --silent "$PACKAGE" >/dev/null) || die "npm cannot get $PACKAGE" "is there a network?"
		sha512sum --status -c <<<"$SHA512  $tmp/uplot-${PACKAGE#*@}.tgz" || die "$PACKAGE is not what it was: its checksum differs"
		tar -xzf "$tmp/uplot-${PACKAGE#*@}.tgz" -C "$tmp"
		mkdir "$tmp/out"
		cp "$tmp/package/dist/uPlot.iife.min.js" "$tmp/package/dist/uPlot.min.css" "$tmp/package/LICENSE" "$tmp/out/"
		cache_put uplot "$hash" "$tmp/out"
		mv "$tmp/out" "$OUT"
	fi
	touch "$OUT"/*
}

main "$@"
