# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Gets the sources of the traced stack (Debian's source packages), checks them against
# patches/*/SHA256SUMS, and applies the patches. stack.sh sources this file after lib.sh.

# ---- sources ---------------------------------------------------------------------------------

_upstream() { local v=${1#*:}; printf '%s\n' "${v%-*}"; }

# pinned PACKAGE VERSION   prints the lines of its SHA256SUMS that belong to this version
pinned() {
	local v=${2#*:} file sum
	while read -r sum file; do
		case $file in
		"$1_$v".* | "$1_${v%-*}".orig.*) printf '%s  %s\n' "$sum" "$file" ;;
		esac
	done <"$TOP/patches/$1/SHA256SUMS"
}

# differing DIR   names the first file in DIR that is missing or has another sum than stdin gives
differing() {
	local sum file have
	while read -r sum file; do
		have=missing
		[ -f "$1/$file" ] && have=$(sha256sum <"$1/$file" | cut -d' ' -f1)
		[ "$have" = "$sum" ] || { printf '%s: recorded SHA-256 %s, got %s\n' "$file" "$sum" "$have" && return; }
	done
}

# _cached_source PACKAGE VERSION   prints the source folder that can be used without the archive, if any
_cached_source() {
	local dir=$CACHE/source/$1_${2#*:} bad
	if [ -d "$dir" ]; then
		bad=$(pinned "$1" "$2" | differing "$dir")
		[ -n "$bad" ] || { printf '%s\n' "$dir" && return 0; }
		warn "$dir: $bad; getting it again"
		rm -rf "$dir"
	fi
	for dir in "$CACHE/source/$1_$(_upstream "$2")"-*; do
		[ -f "$dir/accepted" ] || continue
		[ -z "$(pinned "$1" "$2" | grep -F .orig. | differing "$dir")" ] || continue
		_tell_drift "$1" "$2" "${dir##*_}" >&2
		printf '%s\n' "$dir"
		return 0
	done
	return 1
}

_tell_drift() {
	note "$1: Debian has replaced packaging revision ${2#*:} by ${3#*:}; that one is used, with the pinned upstream tarball"
}

# fetch PACKAGE VERSION SUITE   prints the folder that holds the checked source package.
#
# A security update removes the packaging revision that is pinned here from the archive. Then this uses
# the newest revision of the same upstream version. apt has checked it against Debian's signature, the
# upstream tarball must still be the pinned one, and stack.json records what was used.
fetch() {
	local pkg=$1 version=$2 suite=$3 conf have pick tmp bad dir
	_cached_source "$pkg" "$version" && return 0
	say "getting the source of $pkg ${version#*:}" >&2
	conf=$(apt_source_conf "$suite")
	have=$(apt-cache -c "$conf" showsrc --only-source "$pkg" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vu)
	pick=$(grep -Fx "$version" <<<"$have" || true)
	[ -n "$pick" ] || pick=$(grep -E "^([0-9]+:)?$(_upstream "$version" | sed 's/[.+]/\\&/g')-[^-]*$" <<<"$have" | tail -n 1 || true)
	[ -n "$pick" ] || die "the archive has no source of $pkg $(_upstream "$version"); it has: ${have//$'\n'/ }" \
		"put the files that patches/$pkg/SHA256SUMS names into $CACHE/source/${pkg}_${version#*:} and run this again"
	mkdir -p "$CACHE/source"
	tmp=$(mktemp -d "$CACHE/source/.get.XXXXXX")
	(cd "$tmp" && run "get-$pkg" apt-get -c "$conf" source --download-only --only-source "$pkg=$pick" >&2) || {
		rm -rf "$tmp"
		die "cannot get the source of $pkg $pick"
	}
	if [ "$pick" = "$version" ]; then
		bad=$(pinned "$pkg" "$version" | differing "$tmp")
	else
		bad=$(pinned "$pkg" "$version" | grep -F .orig. | differing "$tmp")
		touch "$tmp/accepted"
		_tell_drift "$pkg" "$version" "$pick" >&2
	fi
	if [ -n "$bad" ]; then
		rm -rf "$tmp"
		die "$bad" "the archive, or a proxy before it, gave another file than the one this project was tested with;" \
			"try another mirror (SPICETAP_MIRROR=URI); do not edit patches/$pkg/SHA256SUMS before you know why"
	fi
	dir=$CACHE/source/${pkg}_${pick#*:}
	chmod 755 "$tmp"
	rm -rf "$dir"
	mv "$tmp" "$dir"
	printf '%s\n' "$dir"
}

# sums_of DIR   prints the names and sums of the files in a source folder
sums_of() { (cd "$1" && find . -maxdepth 1 -type f ! -name accepted -printf '%P\n' | sort | xargs sha256sum); }

# ---- patches ---------------------------------------------------------------------------------

# series DIR   prints the names of its patches, in order
series() { [ ! -f "$1/series" ] || sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$1/series"; }

# series_sums DIR   prints the sums of its patches: the cache key and stack.json have these
series_sums() {
	local p
	for p in $(series "$1"); do
		[ -f "$1/$p" ] || die "$1/series names $p, which is not there"
		printf '%s  %s\n' "$(sha256sum <"$1/$p" | cut -d' ' -f1)" "$p"
	done
}

# unpack NAME SOURCES PATCHES TREE   makes TREE the Debian source with PATCHES applied (none: -). It writes
# only files whose content changes, so that ninja rebuilds only what a patch touches.
unpack() {
	local name=$1 sources=$2 patches=$3 tree=$4 tmp
	tmp=$BUILD/src/.new-$name
	mkdir -p "$BUILD/src"
	rm -rf "$tmp"
	run "unpack-$name" dpkg-source --no-copy -x "$(echo "$sources"/*.dsc)" "$tmp" || die "cannot unpack $sources"
	if [ "$patches" != - ] && [ -n "$(series "$patches")" ]; then
		(cd "$tmp" && QUILT_PATCHES=$patches QUILT_PC=.pc-spicetap run "patch-$name" \
			quilt --quiltrc /dev/null push -a --fuzz=0) ||
			die "the patches of $patches do not apply to $name" "the refused one is named above"
	fi
	mkdir -p "$tree"
	rsync -rlp --checksum --delete "$tmp/" "$tree/"
	rm -rf "$tmp"
}
