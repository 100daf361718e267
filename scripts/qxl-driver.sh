#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds a guest's qxl driver with patches/linux, for driver=tight.
#
#   scripts/qxl-driver.sh GUEST   builds it for the kernel of guest-configs/GUEST.guest, or finds it in the
#                                 cache; prints its folder, whose files belong into the guest's root
#
# The source and the headers are Debian's, of the version that is in the guest's image.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PATCHES=$TOP/patches/linux

# Sets RELEASE (5.10.0-32-amd64), VERSION of its package and SERIES (5.10) of the kernel in the guest's image,
# and SUITE, the Debian it is from.
kernel_of() {
	local packages
	packages=$("$TOP/scripts/image.sh" --path "$GUEST")/packages
	[ -f "$packages" ] || die "the image of $GUEST is not built" "run: scripts/image.sh $GUEST"
	read -r RELEASE VERSION < <(sed -nE 's/^linux-image-([0-9][^ ]*) (.*)/\1 \2/p' "$packages")
	SERIES=$(cut -d . -f 1-2 <<<"$RELEASE")
	SUITE=$(sed -n 's/^Codename: //p' "$(dirname "$packages")/release" | head -n 1)
}

build_driver() {
	local lib=lib arch=${RELEASE##*-} source=$WORK/linux-source-$SERIES packages p to
	need dpkg-deb patch xz make gcc
	packages=("linux-headers-$RELEASE" "linux-headers-${RELEASE%-"$arch"}-common" "linux-kbuild-$SERIES" "linux-source-$SERIES")
	unpack_debs "$SUITE" "$WORK/root" "${packages[@]/%/=$VERSION}" ||
		die "cannot get ${packages[*]} of version $VERSION" "the image of $GUEST may be older than the archive"
	# The headers name their other half by its place in a system.
	sed -i "s,/usr/src/,$WORK/root/usr/src/,g" "$WORK/root/usr/src/linux-headers-$RELEASE/Makefile"
	tar -C "$WORK" -xf "$WORK/root/usr/src/linux-source-$SERIES.tar.xz" "linux-source-$SERIES/drivers/gpu/drm/qxl"
	for p in "$PATCHES"/*.patch; do patch -s -d "$source" -p1 <"$p"; done
	run qxl-build make -C "$WORK/root/usr/src/linux-headers-$RELEASE" "M=$source/drivers/gpu/drm/qxl" CONFIG_DRM_QXL=m CC=gcc \
		modules || die "the driver does not build: see $LOGS/qxl-build.log"
	# Debian 11 has both /lib and /usr/lib; from Debian 12 on the first links to the second.
	[ "$SUITE" = bullseye ] || lib=usr/lib
	to=$WORK/out/$lib/modules/$RELEASE/kernel/drivers/gpu/drm/qxl
	mkdir -p "$to"
	objcopy --strip-debug "$source/drivers/gpu/drm/qxl/qxl.ko" "$to/qxl.ko"
}

case ${1:-} in
-h | --help) usage 0 ;;
esac
[ $# = 1 ] || usage
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
