#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the traced stack under build/stack: spice-server with probes, and a QEMU with its own.
# Builds the same spice-server without our patches under build/stack-plain.
#
#   scripts/stack.sh all             plain, qemu and spice: everything "make stack" makes
#   scripts/stack.sh traced          qemu and spice: what a traced VM runs on
#   scripts/stack.sh spice           spice-server with the patches, in build/stack
#   scripts/stack.sh plain           spice-server without the patches, in build/stack-plain
#   scripts/stack.sh variant [NAME]  spice-server with the patches, and those that patches/variants/series has
#                                    for NAME, in build/stack-NAME; NAME is ring128 if not given
#   scripts/stack.sh qemu            QEMU with the dtrace and log trace backends, in build/stack
#   scripts/stack.sh check-spice     runs spice's own tests on both, and prints a line for each difference
#   scripts/stack.sh applies-0.15.2  checks that the patches fit Debian 13's spice; --build compiles it too
#   scripts/stack.sh sources         only gets the sources, and prints where they are
#
# environment
#   SPICETAP_NOP=plain|five   the kind of probe site; else the one that this kernel handles best
#   SPICETAP_MIRROR=URI       a Debian mirror; else the one that apt uses
#   SPICETAP_BUILD, XDG_CACHE_HOME, JOBS
#
# docs/stack.md is the user's page.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/stack-source.sh
. "$TOP/scripts/stack-source.sh"

# What is built. The files behind these versions are pinned by patches/*/SHA256SUMS.
SUITE=bookworm
SPICE_VERSION=0.15.1-1
QEMU_VERSION=1:7.2+dfsg-7+deb12u18
NEXT_SUITE=trixie
NEXT_SPICE_VERSION=0.15.2-1

# Part of every cache key: raise it when this script builds something else out of the same inputs.
RECIPE=1

# Nothing is installed here: the library and QEMU find their files relative to themselves.
PREFIX=/opt/spicetap

STACK=$BUILD/stack
PLAIN=$BUILD/stack-plain

# ---- which nop -------------------------------------------------------------------------------

# On x86-64, Linux 6.18 and later replace the trap at a 5-byte nop by a call. Older kernels single-step such
# a nop, which costs more than the trap at a 1-byte nop.
nop_kind() {
	local major minor
	case ${SPICETAP_NOP:-} in
	plain | five) printf '%s\n' "$SPICETAP_NOP" && return ;;
	'') ;;
	*) die "SPICETAP_NOP=$SPICETAP_NOP: it must be plain or five" ;;
	esac
	IFS=.- read -r major minor _ < <(uname -r)
	if [ "$(uname -m)" = x86_64 ] && { [ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -ge 18 ]; }; }; then
		printf 'five\n'
	else
		printf 'plain\n'
	fi
}

# ---- what a build depends on -----------------------------------------------------------------

# Prints the toolchain and the system: a build is good for these alone.
_host() {
	gcc --version | head -n 1
	dpkg-architecture -qDEB_HOST_ARCH
	# shellcheck disable=SC1091 # a file of this machine
	(. /etc/os-release && printf '%s %s\n' "$ID" "${VERSION_ID:-}")
}

# describe COMPONENT FILE   writes what stack.json has of one component
describe() {
	local component=$1 file=$2
	mkdir -p "$(dirname "$file")"
	COMPONENT=$component KEY=$KEY VERSION=$C_VERSION SUMS=$C_SUMS PATCHES=$C_PATCHES FLAGS=$(printf '%s\n' "${C_FLAGS[@]}") \
		NOP=$C_NOP COMPILER=$(gcc --version | head -n 1) KERNEL=$(uname -r) lab stack-component "$file"
}

# merge DIR   makes stack.json of the components that are there
merge() { lab stack-merge "$1/share/spicetap"; }

# lock NAME   waits while another stack.sh builds that component: two builds would spoil each other. The
# lock lasts until the next one is taken or the script ends.
lock() {
	mkdir -p "$BUILD"
	exec 9>"$BUILD/.lock-$1"
	flock -n 9 || { say "another stack.sh builds $1 in $BUILD: waiting for it" && flock 9; }
}

# ---- one component: key, cache, build, install -----------------------------------------------
#
# C_* describe a component. The function build_$C_KIND builds it and leaves the result in $STAGE$PREFIX.

# variant NAME   prints the names of a variant's own patches
variant() { awk -v name="$1" '$1 == name { for (i = 2; i <= NF; i++) print $i }' "$TOP/patches/variants/series"; }

# variant_series NAME   makes a folder with the probes' patches and the variant's, and prints its name
variant_series() {
	local dir=$BUILD/patches-$1 p
	rm -rf "$dir"
	mkdir -p "$dir"
	for p in $(series "$TOP/patches/spice"); do cp "$TOP/patches/spice/$p" "$dir/"; done
	for p in $(variant "$1"); do cp "$TOP/patches/variants/$p" "$dir/"; done
	{ series "$TOP/patches/spice" && variant "$1"; } >"$dir/series"
	printf '%s\n' "$dir"
}

# component spice|plain|qemu|VARIANT   sets C_* and KEY
component() {
	C_NAME=$1 C_SUMS='' C_PATCHES='' C_NOP=none C_FLAGS=()
	case $1 in
	qemu)
		C_KIND=qemu C_PKG=qemu C_VERSION=$QEMU_VERSION C_SUITE=$SUITE C_DEST=$STACK C_SERIES=$TOP/patches/qemu
		qemu_flags
		;;
	*)
		C_KIND=spice C_PKG=spice C_VERSION=$SPICE_VERSION C_SUITE=$SUITE C_DEST=$STACK C_SERIES=$TOP/patches/spice
		C_FLAGS=(--buildtype=plain --wrap-mode=nodownload "--prefix=$PREFIX" --libdir=lib -Dpkgconfig.relocatable=true
			-Dmanual=false -Dtests=false -Dgstreamer=1.0 -Dopus=enabled -Dsmartcard=enabled -Dlz4=true -Dsasl=true)
		case $1 in
		spice) ;;
		plain) C_DEST=$PLAIN C_SERIES=- ;;
		*)
			C_DEST=$BUILD/stack-$1
			C_SERIES=$(variant_series "$1")
			;;
		esac
		;;
	esac
	[ "$C_SERIES" = - ] || C_PATCHES=$(series_sums "$C_SERIES")
	if [ "$1" != qemu ] && [ -n "$C_PATCHES" ]; then
		C_NOP=$(nop_kind)
		# shellcheck disable=SC2046 # the names of patches, a word each
		if grep -qs "^+.*option('usdt_nop'" $(series "$C_SERIES" | sed "s|^|$C_SERIES/|"); then
			C_FLAGS+=(-Dusdt=enabled "-Dusdt_nop=$C_NOP")
		fi
	fi
	C_SUMS=$(pinned "$C_PKG" "$C_VERSION")
	[ -n "$C_SUMS" ] || die "patches/$C_PKG/SHA256SUMS does not know version $C_VERSION"
	key
}

# QEMU links to spice's interface, which our patches do not change: they are not part of its key.
key() {
	KEY=$({
		echo "$RECIPE" "$C_NAME" "$C_NOP" "${C_FLAGS[@]}"
		[ "$C_NAME" = qemu ] && pinned spice "$SPICE_VERSION"
		printf '%s\n' "$C_SUMS" "$C_PATCHES"
		_host
	} | hash_of)
}

qemu_flags() {
	local f
	# shellcheck disable=SC2054 # the commas are of one argument
	C_FLAGS=(--target-list=x86_64-softmmu "--prefix=$PREFIX"
		# Debian's firmware, helpers and settings serve this QEMU too.
		--firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu --libexecdir=/usr/lib/qemu
		--sysconfdir=/etc --localstatedir=/var --disable-install-blobs --with-pkgversion=spicetap
		--with-git-submodules=ignore --disable-debug-info --disable-werror
		# Only the features named here, whatever other libraries this machine has.
		--without-default-features --enable-system --disable-user --enable-pie --enable-coroutine-pool
		--audio-drv-list= --enable-trace-backends=dtrace,log --enable-fdt=system)
	for f in spice spice-protocol opengl virglrenderer slirp kvm tcg avx2 linux-aio linux-io-uring vhost-net \
		vhost-kernel vhost-user vhost-vdpa vnc vnc-jpeg png gnutls zstd seccomp cap-ng attr virtfs numa tpm \
		usb-redir libusb smartcard libudev replication live-block-migration malloc-trim; do
		C_FLAGS+=("--enable-$f")
	done
}

_result() { case $C_KIND in spice) echo lib/libspice-server.so.1 ;; qemu) echo bin/qemu-system-x86_64 ;; esac; }

# ready   true when the component is in its place, or was put there from the cache
ready() {
	local unpacked=$C_DEST/.new-$C_KIND
	if [ "$(cat "$C_DEST/share/spicetap/$C_KIND.key" 2>/dev/null)" = "$KEY" ] && [ -e "$C_DEST/$(_result)" ]; then
		say "$C_NAME: up to date in $C_DEST"
		return 0
	fi
	rm -rf "$unpacked"
	if ! cache_get "stack-$C_NAME" "$KEY" "$unpacked"; then
		rm -rf "$unpacked"
		return 1
	fi
	install_tree "$unpacked" || die "cannot install $C_NAME in $C_DEST" "is there space, and may you write there?"
	say "$C_NAME: installed in $C_DEST"
}

# install_tree FROM   replaces the component's files by those in FROM. It renames each file into its place,
# so that a running QEMU keeps the library that it has mapped. It writes the key last: the key means
# complete. Its caller tests the result, which switches errexit off: hence the &&.
install_tree() {
	local meta=$C_DEST/share/spicetap/$C_KIND old
	(cd "$1" && find . ! -type d -printf '%P\n' | sort) >"$1.files" && rm -f "$meta.key" || return 1
	if [ -f "$meta.files" ]; then
		comm -23 "$meta.files" "$1.files" | while read -r old; do rm -f "$C_DEST/$old"; done
	fi
	rsync -rlp --checksum "$1/" "$C_DEST/" && rm -rf "$1" && mv "$1.files" "$meta.files" && merge "$C_DEST" &&
		printf '%s\n' "$KEY" >"$meta.key"
}

make_component() {
	local sources
	lock "$1"
	component "$1"
	if ready; then return; fi
	sources=$(fetch "$C_PKG" "$C_VERSION" "$C_SUITE")
	if [ -f "$sources/accepted" ]; then
		C_VERSION=$(sed -n 's/^Version: //p' "$sources"/*.dsc | head -n 1)
		C_SUMS=$(sums_of "$sources")
		key
		if ready; then return; fi
	fi
	say "$1: building $C_PKG ${C_VERSION#*:} with $(series "$C_SERIES" | wc -l) patches (key $KEY)"
	unpack "$1" "$sources" "$C_SERIES" "$BUILD/src/$1"
	STAGE=$BUILD/stage/$1
	rm -rf "$STAGE"
	"build_$C_KIND" "$BUILD/src/$1" "$BUILD/obj/$1"
	describe "$1" "$STAGE$PREFIX/share/spicetap/$C_KIND.json"
	cache_put "stack-$1" "$KEY" "$STAGE$PREFIX"
	rm -rf "$STAGE"
	ready || die "$1 was built but is not in $CACHE" "is that folder writable, and is there space?"
}

# configured OBJ WORDS...   true when OBJ was set up with exactly these words; else empties it
configured() {
	local obj=$1 want
	shift
	want=$(printf '%s\n' "$@" | hash_of)
	[ "$(cat "$obj/.configured" 2>/dev/null)" = "$want" ] && return 0
	rm -rf "$obj"
	mkdir -p "$obj"
	CONFIGURED=$want
	return 1
}

# meson_spice TREE OBJ FLAGS...   sets up and compiles with Debian's compiler flags
meson_spice() {
	local tree=$1 obj=$2 name cflags
	name=$(basename "$obj")
	shift 2
	cflags=$(cd "$tree" && dpkg-buildflags --get CFLAGS)
	if ! configured "$obj" "$cflags" "$@"; then
		CFLAGS=$cflags CXXFLAGS=$(cd "$tree" && dpkg-buildflags --get CXXFLAGS) \
			CPPFLAGS=$(cd "$tree" && dpkg-buildflags --get CPPFLAGS) LDFLAGS=$(cd "$tree" && dpkg-buildflags --get LDFLAGS) \
			run "configure-$name" meson setup "$obj" "$tree" "$@" || die "cannot configure $name"
		printf '%s\n' "$CONFIGURED" >"$obj/.configured"
	fi
	run "build-$name" ninja -C "$obj" -j "$JOBS" || die "cannot compile $name"
}

build_spice() {
	meson_spice "$1" "$2" "${C_FLAGS[@]}"
	DESTDIR=$STAGE run "install-$C_NAME" meson install -C "$2" --no-rebuild || die "cannot install $C_NAME"
}

build_qemu() {
	# shellcheck disable=SC2016 # the loader replaces $ORIGIN
	local tree=$1 obj=$2 flags rpath='$ORIGIN/../lib'
	flags=("${C_FLAGS[@]}")
	# The subshell keeps C_* and KEY of this component.
	(make_component plain)
	if ! configured "$obj" "${flags[@]}" "$(sha256sum <"$tree/configure")"; then
		(cd "$obj" && PKG_CONFIG_PATH=$PLAIN/lib/pkgconfig run configure-qemu "$tree/configure" "${flags[@]}") ||
			die "cannot configure qemu"
		printf '%s\n' "$CONFIGURED" >"$obj/.configured"
	fi
	# "all" would build a hundred test programs too.
	run build-qemu ninja -C "$obj" -j "$JOBS" qemu-system-x86_64 trace/trace-events-all || die "cannot compile qemu"
	install -D -m 755 "$obj/qemu-system-x86_64" "$STAGE$PREFIX/bin/qemu-system-x86_64"
	# meson adds the folder of the library it linked to; QEMU must use that in build/stack/lib.
	patchelf --set-rpath "$rpath" "$STAGE$PREFIX/bin/qemu-system-x86_64"
	install -D -m 644 "$obj/trace/trace-events-all" "$STAGE$PREFIX/share/qemu/trace-events-all"
}

# ---- spice's own tests -----------------------------------------------------------------------

# verdicts LOG   prints "name result" for each test in a log of meson, sorted
verdicts() { lab stack-verdicts "$1"; }

# run_tests plain|spice   builds with tests, runs them, and leaves the verdicts in build/log
run_tests() {
	local sources obj=$BUILD/obj/$1-tests f flags=()
	lock "$1"
	component "$1"
	for f in "${C_FLAGS[@]}"; do flags+=("${f/-Dtests=false/-Dtests=true}"); done
	sources=$(fetch "$C_PKG" "$C_VERSION" "$C_SUITE")
	unpack "$1" "$sources" "$C_SERIES" "$BUILD/src/$1"
	meson_spice "$BUILD/src/$1" "$obj" "${flags[@]}"
	rm -f "$obj/meson-logs/testlog.json"
	# A test may fail on both sides: the comparison counts.
	run "test-$1" meson test -C "$obj" --no-rebuild --num-processes "$JOBS" || true
	[ -s "$obj/meson-logs/testlog.json" ] || die "the tests of $1 did not run"
	verdicts "$obj/meson-logs/testlog.json" >"$BUILD/log/verdicts-$1.txt"
}

# Verdicts that are the same are cached under the keys of both libraries: to get them, spice is built twice.
check_spice() {
	local n key kept=$BUILD/log/verdicts
	key=$({ component plain && echo "$KEY"; component spice && echo "$KEY"; declare -f run_tests; } | hash_of)
	rm -rf "$kept"
	if ! cache_get spice-tests "$key" "$kept"; then
		(run_tests plain)
		(run_tests spice)
		mkdir -p "$kept"
		cp "$BUILD"/log/verdicts-{plain,spice}.txt "$kept/"
		! cmp -s "$kept"/verdicts-{plain,spice}.txt || cache_put spice-tests "$key" "$kept"
	fi
	n=$(wc -l <"$kept/verdicts-plain.txt")
	if ! diff -U0 "$kept"/verdicts-{plain,spice}.txt >"$BUILD/log/verdicts.diff"; then
		sed -n -e 's/^-\([^-]\)/without the patches: \1/p' -e 's/^+\([^+]\)/with the patches:    \1/p' "$BUILD/log/verdicts.diff"
		die "spice's own tests give other results with the patches than without" \
			"see $BUILD/obj/spice-tests/meson-logs/testlog.txt"
	fi
	say "spice's own $n tests have the same verdicts with and without the patches: $(cut -d' ' -f2- "$kept/verdicts-plain.txt" |
		awk '{print $NF}' | sort | uniq -c | awk '{printf "%s%s %s", s, $1, $2; s = ", "}')"
}

# ---- the next Debian -------------------------------------------------------------------------

applies_next() {
	local sources
	lock spice-next
	component spice
	sources=$(fetch spice "$NEXT_SPICE_VERSION" "$NEXT_SUITE")
	unpack spice-next "$sources" "$C_SERIES" "$BUILD/src/spice-next"
	say "$(series "$C_SERIES" | wc -l) patches apply to spice $NEXT_SPICE_VERSION"
	if [ "${1:-}" = --build ]; then
		meson_spice "$BUILD/src/spice-next" "$BUILD/obj/spice-next" "${C_FLAGS[@]}"
		say "and it compiles"
	fi
}

sources() {
	fetch spice "$SPICE_VERSION" "$SUITE"
	fetch qemu "$QEMU_VERSION" "$SUITE"
}

main() {
	local command=${1:-}
	[ $# -eq 0 ] || shift
	case $command in all | traced | spice | plain | variant | qemu | check-spice | applies-0.15.2 | sources) ;; -h | --help | help) usage 0 ;;
	*) usage ;;
	esac
	need gcc g++ meson ninja patchelf dpkg-source dpkg-buildflags dpkg-architecture quilt rsync zstd python3 pkg-config setsid flock
	case $command in
	# The library first: QEMU takes minutes, and a mistake in a patch should show at once.
	all)
		make_component plain
		make_component spice
		make_component qemu
		;;
	traced)
		make_component spice
		make_component qemu
		;;
	spice | plain | qemu) make_component "$command" ;;
	variant)
		[ -n "$(variant "${1:-ring128}")" ] || die "there is no variant $1" "patches/variants/series lists them"
		make_component "${1:-ring128}"
		;;
	check-spice) check_spice ;;
	applies-0.15.2) applies_next "$@" ;;
	sources) sources ;;
	esac
}

# deb.sh sources this file for its functions.
[ "${BASH_SOURCE[0]}" != "$0" ] || { main "$@"; exit; }
