#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the traced stack, spice-server with probes and a QEMU with its own, under build/stack, and
# the same spice-server without our patches under build/stack-plain. docs/stack.md is the user's page.
# build_$C_KIND is called by that name:
# shellcheck disable=SC2317
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# What is built. The files behind these versions are pinned by patches/*/SHA256SUMS.
SUITE=bookworm
SPICE_VERSION=0.15.1-1
QEMU_VERSION=1:7.2+dfsg-7+deb12u18
NEXT_SUITE=trixie
NEXT_SPICE_VERSION=0.15.2-1

# Part of every cache key: raise it when this script builds something else out of the same inputs.
RECIPE=1

# Nothing is ever put here: the library and QEMU find their files relative to themselves.
PREFIX=/opt/spicetap

STACK=$BUILD/stack
PLAIN=$BUILD/stack-plain

usage() {
	cat <<-TEXT
		usage: scripts/stack.sh COMMAND
		  all             plain, qemu and spice: everything "make stack" makes
		  spice           spice-server with the patches, in build/stack
		  plain           spice-server without the patches, in build/stack-plain
		  variant [NAME]  spice-server with the patches and those of a line of patches/variants/series, in
		                  build/stack-NAME; without NAME ring128, a trace ring of 128
		  qemu            QEMU with the dtrace and log trace backends, in build/stack
		  check-spice     spice's own test suite on both; a line for each difference
		  applies-0.15.2  do the patches fit Debian 13's spice too? --build compiles it as well
		  sources         only get the sources, and print where they are
		environment: SPICETAP_NOP=plain|five  SPICETAP_MIRROR=URI  XDG_CACHE_HOME  JOBS  SPICETAP_BUILD
	TEXT
}

# ---- which nop -------------------------------------------------------------------------------

# Linux 6.18 and later, on x86-64, replace the trap at a 5-byte nop by a call; older kernels
# single-step such a nop, which costs more than the trap at a plain one.
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

# ---- sources ---------------------------------------------------------------------------------

_upstream() { local v=${1#*:}; printf '%s\n' "${v%-*}"; }

# pinned PACKAGE VERSION   the lines of its SHA256SUMS that belong to this version
pinned() {
	local v=${2#*:} file sum
	while read -r sum file; do
		case $file in
		"$1_$v".* | "$1_${v%-*}".orig.*) printf '%s  %s\n' "$sum" "$file" ;;
		esac
	done <"$TOP/patches/$1/SHA256SUMS"
}

# differing DIR   of the sums on stdin, names the first file in DIR that has another, or is not there
differing() {
	local sum file have
	while read -r sum file; do
		have=missing
		[ -f "$1/$file" ] && have=$(sha256sum <"$1/$file" | cut -d' ' -f1)
		[ "$have" = "$sum" ] || { printf '%s: recorded SHA-256 %s, got %s\n' "$file" "$sum" "$have" && return; }
	done
}

# The source folder of PACKAGE that can be used without asking the archive, if there is one.
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
# A security update removes the packaging revision that is pinned here from the archive. Then the
# newest revision of the same upstream version serves: apt has checked it against Debian's signature,
# the upstream tarball must still be the pinned one, and stack.json says what was used.
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
		die "$bad" "the archive or the way to it gave another file than the one this project was tested with;" \
			"try another mirror (SPICETAP_MIRROR=URI), and do not edit patches/$pkg/SHA256SUMS before you know why"
	fi
	dir=$CACHE/source/${pkg}_${pick#*:}
	chmod 755 "$tmp"
	rm -rf "$dir"
	mv "$tmp" "$dir"
	printf '%s\n' "$dir"
}

# The names and sums of the files in a source folder.
sums_of() { (cd "$1" && find . -maxdepth 1 -type f ! -name accepted -printf '%P\n' | sort | xargs sha256sum); }

# ---- patches ---------------------------------------------------------------------------------

# series DIR   the patch names, in order
series() { [ ! -f "$1/series" ] || sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$1/series"; }

# The sums of a series: what a cache key and stack.json hold of it.
series_sums() {
	local p
	for p in $(series "$1"); do
		[ -f "$1/$p" ] || die "$1/series names $p, which is not there"
		printf '%s  %s\n' "$(sha256sum <"$1/$p" | cut -d' ' -f1)" "$p"
	done
}

# unpack NAME SOURCES PATCHES TREE   TREE becomes the Debian source with PATCHES applied (none: -).
# Only files whose content changes are written, so that ninja rebuilds only what a patch touches.
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

# ---- what a build depends on -----------------------------------------------------------------

# The toolchain and the system that the result is good for.
_host() {
	gcc --version | head -n 1
	dpkg-architecture -qDEB_HOST_ARCH
	# shellcheck disable=SC1091
	(. /etc/os-release && printf '%s %s\n' "$ID" "${VERSION_ID:-}")
}

# describe COMPONENT FILE   writes what stack.json says of one component
describe() {
	local component=$1 file=$2
	mkdir -p "$(dirname "$file")"
	COMPONENT=$component KEY=$KEY VERSION=$C_VERSION SUMS=$C_SUMS PATCHES=$C_PATCHES FLAGS=$(printf '%s\n' "${C_FLAGS[@]}") \
		NOP=$C_NOP COMPILER=$(gcc --version | head -n 1) KERNEL=$(uname -r) python3 - "$file" <<-'PY'
			import json, os, sys
			e = os.environ
			def sums(text):
			    return {name: digest for digest, name in (l.split() for l in text.splitlines() if l)}
			out = {"component": e["COMPONENT"], "version": e["VERSION"], "key": e["KEY"], "sources": sums(e["SUMS"]),
			       "patches": sums(e["PATCHES"]), "flags": e["FLAGS"].splitlines(), "nop": e["NOP"],
			       "compiler": e["COMPILER"], "build_kernel": e["KERNEL"]}
			with open(sys.argv[1], "w") as f:
			    json.dump(out, f, indent=1)
			    f.write("\n")
		PY
}

# merge DIR   stack.json is made of the components that are there
merge() {
	python3 - "$1/share/spicetap" <<-'PY'
		import json, os, sys
		d = sys.argv[1]
		out = {"format": 1}
		for c in ("spice", "qemu"):
		    p = os.path.join(d, c + ".json")
		    if os.path.exists(p):
		        out[c] = json.load(open(p))
		tmp = os.path.join(d, ".stack.json.%d" % os.getpid())
		with open(tmp, "w") as f:
		    json.dump(out, f, indent=1)
		    f.write("\n")
		os.rename(tmp, os.path.join(d, "stack.json"))
	PY
}

# lock NAME   two builds of one component at a time would spoil each other. A lock lasts until the
# next one is taken or the script ends.
lock() {
	mkdir -p "$BUILD"
	exec 9>"$BUILD/.lock-$1"
	flock -n 9 || { say "another stack.sh builds $1 in $BUILD: waiting for it" && flock 9; }
}

# ---- one component: key, cache, build, install -----------------------------------------------
#
# A component is described by C_* and built by the function build_$C_KIND, which leaves the result
# in $STAGE$PREFIX.

# variant NAME   the names of a variant's own patches
variant() { awk -v name="$1" '$1 == name { for (i = 2; i <= NF; i++) print $i }' "$TOP/patches/variants/series"; }

# variant_series NAME   a series of the probes and the variant's own patches, in a folder of its own
variant_series() {
	local dir=$BUILD/patches-$1 p
	rm -rf "$dir"
	mkdir -p "$dir"
	for p in $(series "$TOP/patches/spice"); do cp "$TOP/patches/spice/$p" "$dir/"; done
	for p in $(variant "$1"); do cp "$TOP/patches/variants/$p" "$dir/"; done
	{ series "$TOP/patches/spice" && variant "$1"; } >"$dir/series"
	printf '%s\n' "$dir"
}

# component spice|plain|qemu|VARIANT
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
		# shellcheck disable=SC2046
		if grep -qs "^+.*option('usdt_nop'" $(series "$C_SERIES" | sed "s|^|$C_SERIES/|"); then
			C_FLAGS+=(-Dusdt=enabled "-Dusdt_nop=$C_NOP")
		fi
	fi
	C_SUMS=$(pinned "$C_PKG" "$C_VERSION")
	[ -n "$C_SUMS" ] || die "patches/$C_PKG/SHA256SUMS does not know version $C_VERSION"
	key
}

# What QEMU links to is spice's interface, which our patches leave alone: they are no part of its key.
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
	# shellcheck disable=SC2054
	C_FLAGS=(--target-list=x86_64-softmmu "--prefix=$PREFIX"
		# Debian's firmware, helpers and settings serve this QEMU too
		--firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu --libexecdir=/usr/lib/qemu
		--sysconfdir=/etc --localstatedir=/var --disable-install-blobs --with-pkgversion=spicetap
		--with-git-submodules=ignore --disable-debug-info --disable-werror
		# only what is named here, whatever else this machine has libraries for
		--without-default-features --enable-system --disable-user --enable-pie --enable-coroutine-pool
		--audio-drv-list= --enable-trace-backends=dtrace,log --enable-fdt=system)
	for f in spice spice-protocol opengl virglrenderer slirp kvm tcg avx2 linux-aio linux-io-uring vhost-net \
		vhost-kernel vhost-user vhost-vdpa vnc vnc-jpeg png gnutls zstd seccomp cap-ng attr virtfs numa tpm \
		usb-redir libusb smartcard libudev replication live-block-migration malloc-trim; do
		C_FLAGS+=("--enable-$f")
	done
}

_result() { case $C_KIND in spice) echo lib/libspice-server.so.1 ;; qemu) echo bin/qemu-system-x86_64 ;; esac; }

# ready   true when the component stands in its place, or could be put there from the cache
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

# install_tree FROM   replaces the component's files by those in FROM. Each file is renamed into its
# place, so that a QEMU that runs keeps the library it has mapped; the key that says "complete" is
# written last. Its caller tests the result, which switches errexit off: hence the &&.
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

# configured OBJ WORDS...   true when OBJ was set up by exactly these words; else it is emptied
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

# meson_spice TREE OBJ FLAGS...   sets up and compiles, with the flags Debian compiles it with
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
	# shellcheck disable=SC2016
	local tree=$1 obj=$2 flags rpath='$ORIGIN/../lib'
	flags=("${C_FLAGS[@]}")
	# its own subshell keeps C_* and KEY of this component
	(make_component plain)
	if ! configured "$obj" "${flags[@]}" "$(sha256sum <"$tree/configure")"; then
		(cd "$obj" && PKG_CONFIG_PATH=$PLAIN/lib/pkgconfig run configure-qemu "$tree/configure" "${flags[@]}") ||
			die "cannot configure qemu"
		printf '%s\n' "$CONFIGURED" >"$obj/.configured"
	fi
	# "all" would build some hundred test programs as well
	run build-qemu ninja -C "$obj" -j "$JOBS" qemu-system-x86_64 trace/trace-events-all || die "cannot compile qemu"
	install -D -m 755 "$obj/qemu-system-x86_64" "$STAGE$PREFIX/bin/qemu-system-x86_64"
	# meson adds the folder of the library that was linked to; build/stack/lib is the one that is meant
	patchelf --set-rpath "$rpath" "$STAGE$PREFIX/bin/qemu-system-x86_64"
	install -D -m 644 "$obj/trace/trace-events-all" "$STAGE$PREFIX/share/qemu/trace-events-all"
}

# ---- spice's own tests -----------------------------------------------------------------------

# verdicts LOG   "name result", sorted, of a meson test log
verdicts() {
	python3 - "$1" <<-'PY'
		import json, sys
		for line in sorted({(t["name"], t["result"]) for t in map(json.loads, open(sys.argv[1]))}):
		    print(*line)
	PY
}

# run_tests plain|spice   builds with tests, runs them all, prints where the verdicts are
run_tests() {
	local sources obj=$BUILD/obj/$1-tests f flags=()
	lock "$1"
	component "$1"
	for f in "${C_FLAGS[@]}"; do flags+=("${f/-Dtests=false/-Dtests=true}"); done
	sources=$(fetch "$C_PKG" "$C_VERSION" "$C_SUITE")
	unpack "$1" "$sources" "$C_SERIES" "$BUILD/src/$1"
	meson_spice "$BUILD/src/$1" "$obj" "${flags[@]}"
	rm -f "$obj/meson-logs/testlog.json"
	# a test may fail on both sides: what counts is the comparison
	run "test-$1" meson test -C "$obj" --no-rebuild --num-processes "$JOBS" || true
	[ -s "$obj/meson-logs/testlog.json" ] || die "the tests of $1 did not run"
	verdicts "$obj/meson-logs/testlog.json" >"$BUILD/log/verdicts-$1.txt"
}

check_spice() {
	local n
	(run_tests plain)
	(run_tests spice)
	n=$(wc -l <"$BUILD/log/verdicts-plain.txt")
	if ! diff -U0 "$BUILD/log/verdicts-plain.txt" "$BUILD/log/verdicts-spice.txt" >"$BUILD/log/verdicts.diff"; then
		sed -n -e 's/^-\([^-]\)/without the patches: \1/p' -e 's/^+\([^+]\)/with the patches:    \1/p' "$BUILD/log/verdicts.diff"
		die "spice's own tests have other verdicts with the patches than without" \
			"see $BUILD/obj/spice-tests/meson-logs/testlog.txt"
	fi
	say "spice's own $n tests have the same verdicts with and without the patches: $(cut -d' ' -f2- "$BUILD/log/verdicts-plain.txt" |
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
	case $command in all | spice | plain | variant | qemu | check-spice | applies-0.15.2 | sources) ;; -h | --help | help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
	esac
	need gcc g++ meson ninja patchelf dpkg-source dpkg-buildflags dpkg-architecture quilt rsync zstd python3 pkg-config setsid flock
	case $command in
	# the library first: QEMU takes minutes, and a mistake in a patch should show at once
	all)
		make_component plain
		make_component spice
		make_component qemu
		;;
	spice | plain | qemu) make_component "$command" ;;
	variant)
		[ -n "$(variant "${1:-ring128}")" ] || die "there is no variant $1" "patches/variants/series has them"
		make_component "${1:-ring128}"
		;;
	check-spice) check_spice ;;
	applies-0.15.2) applies_next "$@" ;;
	sources) sources ;;
	esac
}

# deb.sh reads this file for its functions
[ "${BASH_SOURCE[0]}" != "$0" ] || { main "$@"; exit; }
