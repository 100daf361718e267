#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes a libspice-server1 package with the probes, in build/deb, for a hypervisor that keeps Debian's own
# QEMU. It is Debian's source package with our patches after Debian's.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

REVISION=1
OUT=$BUILD/deb

# extend_rules RULES   adds the meson options of the patches; stack.sh runs spice's tests
extend_rules() {
	# shellcheck disable=SC2016 # make replaces it
	printf '\noverride_dh_auto_configure:\n\tdh_auto_configure ${buildopts} -- %s\n' \
		"-Dusdt=enabled -Dusdt_nop=$C_NOP -Dtests=false" >>"$1"
}

# packaging TREE VERSION   makes Debian's source package ours
packaging() {
	local tree=$1 version=$2 p
	for p in $(series "$C_SERIES"); do
		install -D -m 644 "$C_SERIES/$p" "$tree/debian/patches/spicetap/$p"
		printf 'spicetap/%s\n' "$p" >>"$tree/debian/patches/series"
	done
	sed -i 's/^ meson, ninja-build,$/&\n systemtap-sdt-dev,/' "$tree/debian/control"
	grep -q systemtap-sdt-dev "$tree/debian/control" || die "debian/control of spice $C_VERSION is not as expected"
	extend_rules "$tree/debian/rules"
	describe spice "$tree/debian/stack.json"
	# shellcheck disable=SC2016 # debhelper replaces it
	printf 'debian/stack.json usr/lib/${DEB_HOST_MULTIARCH}/spicetap/\n' >>"$tree/debian/libspice-server1.install"
	(cd "$tree" && DEBFULLNAME=spicetap DEBEMAIL=spicetap@localhost run dch dch --newversion "$version" \
		--distribution "$SUITE" --force-distribution --force-bad-version \
		"Add static tracepoints for spicetap; site kind: $C_NOP.") || die "dch failed"
}

build_deb() {
	local work=$BUILD/deb-work tree version=$C_VERSION+spicetap$REVISION
	tree=$work/spice
	rm -rf "$work"
	mkdir -p "$work"
	run unpack-deb dpkg-source --no-copy -x "$(echo "$1"/*.dsc)" "$tree" || die "cannot unpack $1"
	packaging "$tree" "$version"
	(cd "$tree" && DEB_BUILD_OPTIONS="nocheck parallel=$JOBS" run build-deb dpkg-buildpackage -us -uc -b) ||
		die "cannot build the package" "when a build dependency is named above: make deps"
	mkdir -p "$work/out"
	mv "$work"/libspice-server1*.deb "$work/out/"
	# The packaging must not have stripped the probes.
	_probes_in "$work/out"/libspice-server1_*.deb
	cache_put deb-spice "$KEY" "$work/out"
	rm -rf "$work"
}

_probes_in() {
	local lib n
	lib=$(mktemp -d "$BUILD/.deb.XXXXXX")
	dpkg-deb -x "$1" "$lib"
	n=$(readelf -n "$lib"/usr/lib/*/libspice-server.so.1 | grep -c 'Provider: spice' || true)
	rm -rf "$lib"
	[ "$n" -gt 0 ] || die "$1 carries no probes"
	say "$(basename "$1") carries $n probe sites"
}

deb_main() {
	local sources
	need dch dpkg-buildpackage dpkg-source fakeroot zstd readelf
	lock deb
	component spice
	[ -n "$C_PATCHES" ] || die "patches/spice has no patches: the package would be Debian's own"
	case " ${C_FLAGS[*]} " in *" -Dusdt_nop="*) ;; *) die "the patches have no option usdt_nop" ;; esac
	sources=$(fetch "$C_PKG" "$C_VERSION" "$C_SUITE")
	if [ -f "$sources/accepted" ]; then
		C_VERSION=$(sed -n 's/^Version: //p' "$sources"/*.dsc | head -n 1)
		# shellcheck disable=SC2034 # key and describe, of stack.sh, use it
		C_SUMS=$(sums_of "$sources")
	fi
	KEY=$({ echo "deb $REVISION" && cat "$TOP/scripts/deb.sh" && key && echo "$KEY"; } | hash_of)
	rm -rf "$OUT"
	if ! cache_get deb-spice "$KEY" "$OUT"; then
		rm -rf "$OUT"
		say "deb: building (probe sites for $C_NOP nops; another kernel on the hypervisor: SPICETAP_NOP=plain|five make deb)"
		build_deb "$sources"
		cache_get deb-spice "$KEY" "$OUT" || die "the package was built but is not in $CACHE"
	fi
	say "deb: $(echo "$OUT"/libspice-server1_*.deb)"
	note "how to install it, hold it and go back: docs/stack.md"
}

deb_main; exit
