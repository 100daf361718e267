#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest's qxl driver with patches/linux, for driver=tight:
#
#   scripts/qxl-driver.sh GUEST   builds it for the kernel of guest-configs/GUEST.guest, or finds it in the cache, and
#                                 prints the folder it is in: its files are those of the guest's root
#
# The source and the headers are Debian's, of the very version that is in the guest's image.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PATCHES=$TOP/patches/linux

# The kernel in the guest's image: its release (5.10.0-32-amd64), its package's version, and what its source is called by
kernel_of() {
	local packages
	packages=$("$TOP/scripts/image.sh" --path "$GUEST")/packages
	[ -f "$packages" ] || die "the image of $GUEST is not built" "run: scripts/image.sh $GUEST"
	read -r RELEASE VERSION < <(sed -nE 's/^linux-image-([0-9][^ ]*) (.*)/\1 \2/p' "$packages")
	SERIES=$(cut -d . -f 1-2 <<<"$RELEASE")
	SUITE=$(sed -n 's/^suite=//p' "$TOP/guest-configs/$GUEST.guest")
}

# unpack DEB...   Debian's packages, into $WORK/root
unpack() {
	local conf deb
	conf=$(apt_source_conf "$SUITE" deb)
	mkdir -p "$WORK/debs"
	(cd "$WORK/debs" && run "qxl-get" apt-get -c "$conf" download "${@/%/=$VERSION}") ||
		die "cannot get $* of version $VERSION" "the image of $GUEST may be older than the archive: see $LOGS/qxl-get.log"
	for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$WORK/root"; done
}

build_driver() {
	local lib=lib arch=${RELEASE##*-} source=$WORK/linux-source-$SERIES p to
	need dpkg-deb patch xz make gcc
	unpack "linux-headers-$RELEASE" "linux-headers-${RELEASE%-"$arch"}-common" "linux-kbuild-$SERIES" "linux-source-$SERIES"
	# the headers call their other half by its place in a system
	sed -i "s,/usr/src/,$WORK/root/usr/src/,g" "$WORK/root/usr/src/linux-headers-$RELEASE/Makefile"
	tar -C "$WORK" -xf "$WORK/root/usr/src/linux-source-$SERIES.tar.xz" "linux-source-$SERIES/drivers/gpu/drm/qxl"
	for p in "$PATCHES"/*.patch; do patch -s -d "$source" -p1 <"$p"; done
	run qxl-build make -C "$WORK/root/usr/src/linux-headers-$RELEASE" "M=$source/drivers/gpu/drm/qxl" CONFIG_DRM_QXL=m CC=gcc \
		modules || die "the driver does not build: see $LOGS/qxl-build.log"
	# Debian 11's guest has /lib and /usr/lib; in later ones the former is the latter
	[ "$SUITE" = bullseye ] || lib=usr/lib
	to=$WORK/out/$lib/modules/$RELEASE/kernel/drivers/gpu/drm/qxl
	mkdir -p "$to"
	objcopy --strip-debug "$source/drivers/gpu/drm/qxl/qxl.ko" "$to/qxl.ko"
}

[ $# = 1 ] || die "usage: scripts/qxl-driver.sh GUEST"
GUEST=$1
kernel_of
hash=$({ echo "$RELEASE $VERSION" && cat "$PATCHES"/*.patch "$TOP/scripts/qxl-driver.sh"; } | hash_of)
DRIVER=$BUILD/qxl-driver/$GUEST-$hash
if [ ! -d "$DRIVER" ]; then
	mkdir -p "$BUILD/qxl-driver"
	WORK=$(mktemp -d "$BUILD/.qxl.XXXXXX")
	trap 'rm -rf --one-file-system -- "$WORK"' EXIT
	if ! cache_get qxl-driver "$hash" "$WORK/out"; then
		say "qxl driver of $GUEST: Linux $VERSION with patches/linux; under a minute, once" >&2
		build_driver >&2
		cache_put qxl-driver "$hash" "$WORK/out"
	fi
	mv -T "$WORK/out" "$DRIVER"
fi
printf '%s\n' "$DRIVER"
