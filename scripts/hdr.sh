#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Puts HdrHistogram_c below build/hdr: the header, and the static library to link with.
#
#   scripts/hdr.sh
#   scripts/hdr.sh source FOLDER   puts the upstream source into FOLDER instead
#
# Debian 12 does not have the package. It comes from forky, or from sid where forky has none; apt
# checks it against Debian's signature. A copy stays in the cache.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGE=libhdr-histogram-dev
OUT=$BUILD/hdr

# keep DIR   takes the header and the library out of the package's files in DIR/all, and drops the others
keep() {
	local dir=$1
	mkdir -p "$dir/include/hdr"
	cp "$dir/all/usr/include/hdr/hdr_histogram.h" "$dir/include/hdr/"
	find "$dir/all" -name libhdr_histogram_static.a -exec cp {} "$dir/libhdr_histogram.a" \;
	rm -rf "$dir/all"
	[[ -f $dir/libhdr_histogram.a ]] || die "$PACKAGE has no static library any more"
}

# put_source FOLDER   unpacks upstream's archive of Debian's source package: apt has its checksum from Debian's signature
put_source() {
	local conf tmp
	need tar apt-get
	tmp=$(mktemp -d "$BUILD/.hdr.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	conf=$(apt_source_conf forky)
	(cd "$tmp" && run get-hdr-source apt-get -c "$conf" source --tar-only --download-only "$PACKAGE") ||
		die "cannot get the source of $PACKAGE from forky" "is there a network?"
	rm -rf "${1:?}"
	mkdir -p "$1"
	tar -xf "$(echo "$tmp"/*.orig.tar.*)" -C "$1" --strip-components=1
	rm -rf "$tmp"
	trap - EXIT
}

main() {
	local hash tmp
	if [ "${1:-}" = source ]; then
		mkdir -p "$LOGS"
		put_source "$2"
		return
	fi
	need dpkg-deb apt-get
	mkdir -p "$LOGS"
	hash=$({ printf '%s %s\n' "$PACKAGE" "$(dpkg --print-architecture)"; cat "$0"; } | hash_of)
	rm -rf "$OUT"
	if cache_get hdr "$hash" "$OUT"; then
		touch "$OUT/libhdr_histogram.a" # make compares it with this script
		return 0
	fi
	say "getting $PACKAGE"
	tmp=$(mktemp -d "$BUILD/.hdr.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	unpack_debs forky "$tmp/all" "$PACKAGE" || unpack_debs sid "$tmp/all" "$PACKAGE" ||
		die "cannot get $PACKAGE from forky or sid" "see $LOGS/get-$PACKAGE.log; is there a network?"
	keep "$tmp"
	cache_put hdr "$hash" "$tmp"
	mv "$tmp" "$OUT"
	touch "$OUT/libhdr_histogram.a"
	trap - EXIT
}

main "$@"
