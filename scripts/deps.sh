#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs the Debian packages that building, running and testing spicetap needs on Debian 12.
# It is fast when all are there: then it asks dpkg and nothing else.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGES=(
	# compilers and build systems: ours, spice's and QEMU's
	build-essential pkgconf meson ninja-build flex bison python3 clang llvm

	# getting Debian's sources, patching, packaging
	ca-certificates debian-archive-keyring dpkg-dev debhelper fakeroot devscripts quilt rsync patchelf zstd git

	# the tracer
	libbpf-dev bpftool libelf-dev zlib1g-dev libdeflate-dev libjansson-dev uthash-dev libcap-dev libcapstone-dev libsqlite3-dev
	protobuf-compiler protobuf-c-compiler libprotobuf-c-dev libvirt-dev libmicrohttpd-dev libncurses-dev

	# the headless client
	libspice-client-glib-2.0-dev libpng-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
	gstreamer1.0-plugins-ugly gstreamer1.0-libav glib-networking

	# spice-server
	systemtap-sdt-dev libspice-protocol-dev libglib2.0-dev libpixman-1-dev libssl-dev libjpeg62-turbo-dev libopus-dev
	liblz4-dev libsasl2-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libcacard-dev liborc-0.4-dev
	python3-pyparsing python3-six

	# QEMU
	libepoxy-dev libgbm-dev libvirglrenderer-dev libaio-dev liburing-dev libslirp-dev libfdt-dev
	libseccomp-dev libcap-ng-dev libattr1-dev libnuma-dev libgnutls28-dev libzstd-dev libudev-dev
	libusb-1.0-0-dev libusbredirparser-dev

	# running a VM: libvirt, its default QEMU with the firmware and keymaps that ours uses too
	libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-system-common qemu-system-data qemu-utils seabios
	ipxe-qemu

	# slow motion: QEMU and the client with slowed clocks
	libfaketime

	# the client of the demo and of the VM tests: spicy-stats; certificates for a server with TLS
	spice-client-gtk openssl

	# making a guest image with a clip in it
	mmdebstrap e2fsprogs cpio kmod ffmpeg

	# tests, benches and checks
	libcmocka-dev python3-jsonschema python3-prometheus-client chromium bpftrace valgrind binutils clang-format clang-tidy cppcheck shellcheck universal-ctags man-db groff
)

# For uPlot. Whoever has npm from elsewhere, such as with Node's own package, keeps it.
command -v npm >/dev/null || PACKAGES+=(npm)

# Prints the packages that are not installed.
missing() {
	local p have
	have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
	for p in "${PACKAGES[@]}"; do
		grep -Fxq "$p" <<<"$have" || printf '%s\n' "$p"
	done
}

# unknown PACKAGE...   prints the names that apt's lists lack: these are old, or this is not Debian 12
unknown() {
	local p
	for p in "$@"; do
		[ -n "$(apt-cache madison "$p")" ] || printf '%s\n' "$p"
	done
}

main() {
	local want gone
	command -v apt-get >/dev/null ||
		die "this machine has no apt" "spicetap is built on Debian 12; elsewhere install the like of the packages in scripts/deps.sh"
	mapfile -t want < <(missing)
	if [ ${#want[@]} -eq 0 ]; then
		say "deps: all ${#PACKAGES[@]} packages are installed"
		return
	fi
	say "deps: ${#want[@]} of ${#PACKAGES[@]} packages are missing: ${want[*]}"
	[ "$(id -u)" -eq 0 ] || die "installing packages needs root" "run: sudo make deps"
	export DEBIAN_FRONTEND=noninteractive
	mapfile -t gone < <(unknown "${want[@]}")
	if [ ${#gone[@]} -gt 0 ]; then
		run apt-update apt-get update || die "apt-get update failed" "is there a network, and are the apt sources right?"
		mapfile -t gone < <(unknown "${want[@]}")
		[ ${#gone[@]} -eq 0 ] || die "apt does not know: ${gone[*]}" "spicetap is built on Debian 12 (bookworm)"
	fi
	_install "${want[@]}"
	mapfile -t want < <(missing)
	[ ${#want[@]} -eq 0 ] || die "still not installed: ${want[*]}"
	say "deps: done"
}

# _install PACKAGE...   Old lists name files that are gone: then it updates them and tries again, once.
_install() {
	local args=(-y --no-install-recommends -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
	run apt-install apt-get install "${args[@]}" "$@" && return
	say "deps: trying again with new package lists"
	run apt-update apt-get update || die "apt-get update failed" "is there a network, and are the apt sources right?"
	run apt-install apt-get install "${args[@]}" "$@" || die "apt-get cannot install: $*" "see $LOGS/apt-install.log"
}

main "$@"; exit
