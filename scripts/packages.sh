#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes packages of spicetap and spicetap-guest, and tries them. Needs root.
#
#   scripts/packages.sh build [SUITE]...   makes build/packages/SUITE/*.deb, and runs lintian on them;
#                                          without SUITE: bookworm and trixie
#   scripts/packages.sh walk SUITE [RUN]   installs them in a new system of SUITE, tries them, and removes
#                                          them; with RUN also makes a report of that run
#   scripts/packages.sh rpm [SUITE]        makes build/packages/SUITE/rpm/*.rpm from packaging/rpm with Debian's
#                                          rpmbuild and libraries, and checks them; without SUITE: trixie
#
# Each suite has its own system to build in, made from the machine's mirror. The cache keeps it. dpkg-buildpackage
# and rpmbuild have no network: what does not come from the suite (HdrHistogram_c, uPlot) is handed in. packaging/
# has the files of the packages; the changelog is made here, from the program's version and the last commit.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

SUITES=(bookworm trixie)
DEBIAN=$TOP/packaging/debian
RPM=$TOP/packaging/rpm
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export LC_ALL=C.UTF-8 TZ=UTC

# suite_number SUITE   prints the release's number: a package of a later suite has a later version
suite_number() {
	case $1 in
	bookworm) echo 12 ;;
	trixie) echo 13 ;;
	*) die "no packages for $1" "suites: ${SUITES[*]}" ;;
	esac
}

# Prints the packages that building needs, for mmdebstrap. dpkg-buildpackage checks their versions.
build_packages() {
	awk '/^[^ ]/ { on = sub(/^Build-Depends:/, "") } on' "$DEBIAN/control" |
		sed 's/([^)]*)//g; s/debhelper-compat/debhelper/; s/,//' | xargs
}

# ---- a system of a suite ----------------------------------------------------------------------

# inside ROOT COMMAND...   runs it in ROOT, with the network of the machine. Its mounts and processes end with it.
inside() {
	local root=$1
	shift
	unshare --mount --pid --fork --kill-child --root="$root" --mount-proc \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# Prints the options that give a system's apt the machine's way to the archive, such as a proxy.
apt_options() {
	apt-config dump | grep -iE '^Acquire::(http|https)::(Proxy|[^ ]*::Proxy|Proxy-Auto-Detect) "..*";$' |
		sed 's/^/--aptopt=/' || true
}

# make_system SUITE ROOT PACKAGE...   makes a system of Debian with these packages
make_system() {
	local suite=$1 root=$2 mirror options
	shift 2
	mirror=$(debian_mirror)
	mapfile -t options < <(apt_options)
	# In a mount namespace of its own: what is mounted in the root is gone with it, even after a kill.
	run "packages-root-$suite" unshare --mount env PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		mmdebstrap --variant=minbase --mode=root --format=directory --include="$*" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io "${options[@]}" \
		"$suite" "$root" "deb [signed-by=$KEYRING] $mirror $suite main" ||
		die "cannot make a system of $suite from $mirror" \
			"is there a network? another mirror: SPICETAP_MIRROR=<URI> make packages"
	rm -rf "${root:?}"/var/cache/apt/*.bin
}

# get_system SUITE KIND ROOT "PACKAGE..."   the same from the cache, where it has one with these packages
get_system() {
	local suite=$1 kind=$2 root=$3 packages=$4 hash
	hash=$(printf '%s\n' "1 $suite $(dpkg --print-architecture) $packages" | hash_of)
	if ! cache_get "packages-$kind-$suite" "$hash" "$root"; then
		rm -rf --one-file-system "$root"
		say "packages: making a system of $suite to $kind in; some minutes, once"
		# shellcheck disable=SC2086 # one argument a package
		make_system "$suite" "$root" $packages
		# It is large: one a suite is enough.
		rm -f "$CACHE/packages-$kind-$suite"-*
		cache_put "packages-$kind-$suite" "$hash" "$root"
	fi
}

# ---- building -----------------------------------------------------------------------------------

# Prints the version without its suite: the program's, with time and name of the last commit, so that apt takes a
# later build for an upgrade.
source_version() {
	local program changed=''
	program=$(sed -n 's/^#define SPICETAP_VERSION "\(.*\)"$/\1/p' "$TOP/collect/base/exit.h")
	[ -n "$program" ] || die "collect/base/exit.h has no SPICETAP_VERSION"
	[ -z "$(git -C "$TOP" status --porcelain)" ] || changed=.changed
	printf '%s~git%s.%s%s\n' "$program" "$(git -C "$TOP" log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S)" \
		"$(git -C "$TOP" log -1 --format=%h)" "$changed"
}

# changelog SUITE VERSION   prints debian/changelog
changelog() {
	printf 'spicetap (%s) %s; urgency=medium\n\n  * Built from commit %s.\n\n -- spicetap <spicetap@spicetap.invalid>  %s\n' \
		"$2" "$1" "$(git -C "$TOP" log -1 --format=%H)" "$(git -C "$TOP" log -1 --format=%cD)"
}

# put_tree TREE   copies what git does not ignore, but for the measured runs
put_tree() {
	mkdir -p "$1"
	(cd "$TOP" && git ls-files -z --cached --others --exclude-standard -- . ':!results' |
		tar --no-recursion --null --files-from=- -cf -) | tar -C "$1" --no-same-owner -xf -
}

# put_source SUITE VERSION TREE   copies what git does not ignore, the packages' files and what is handed in
put_source() {
	local tree=$3
	put_tree "$tree"
	mkdir -p "$tree/build"
	cp -r "$DEBIAN" "$tree/debian"
	cp -r "$BUILD/hdr" "$BUILD/uplot" "$tree/build/"
	# make takes what is older than its script for out of date.
	find "$tree/build" -type f -exec touch {} +
	changelog "$1" "$2" >"$tree/debian/changelog"
}

# build_suite SUITE
build_suite() {
	local suite=$1 out=$BUILD/packages/$1 root=$WORK/$1 version start=$SECONDS
	version=$(source_version)+deb$(suite_number "$suite")
	get_system "$suite" build "$root" "build-essential fakeroot lintian $(build_packages)"
	put_source "$suite" "$version" "$root/build/spicetap"
	say "packages: building $version for $suite"
	run "packages-build-$suite" unshare --net "$0" --inside "$root" /bin/sh -c \
		"cd /build/spicetap && DEB_BUILD_OPTIONS='nocheck parallel=$JOBS' dpkg-buildpackage -us -uc -b" ||
		die "cannot build the packages for $suite"
	rm -rf "$out"
	mkdir -p "$out"
	mv "$root"/build/*.deb "$root"/build/*.buildinfo "$root"/build/*.changes "$out/"
	check_package "$suite" "$root" "$out"
	rm -rf --one-file-system "$root"
	say "packages: $suite done in $((SECONDS - start)) s:"
	printf '  %s\n' "$out"/*.deb
}

# check_package SUITE ROOT FOLDER   lintian of that suite finds nothing
check_package() {
	local lintian='lintian --allow-root --fail-on error,warning,info --display-info --tag-display-limit 0'
	# The agent has a unit and no init script. Later lintians do not have this tag.
	[ "$1" != bookworm ] || lintian+=' --suppress-tags package-supports-alternative-init-but-no-init.d-script'
	mkdir "$2/packages"
	cp "$3"/* "$2/packages/"
	run "packages-lintian-$1" "$0" --inside "$2" /bin/sh -c "$lintian /packages/*.changes" ||
		die "lintian finds something in the packages for $1" "all of it: $LOGS/packages-lintian-$1.log"
	note "lintian $(inside "$2" lintian --print-version): nothing found"
}

# Makes the work folder; it is gone at the end, whatever happens.
work_in_build() {
	[ "$(id -u)" = 0 ] || die "only root can make a system of Debian" "run: sudo make packages"
	[ -f "$KEYRING" ] || die "$KEYRING is missing" "install the package debian-archive-keyring (make deps)"
	mkdir -p "$BUILD/packages"
	exec 9>"$BUILD/packages/.lock"
	flock -n 9 || { note "another packages.sh is at work here: waiting for it" && flock 9; }
	rm -rf --one-file-system "$BUILD"/packages/.work.??????
	WORK=$(mktemp -d "$BUILD/packages/.work.XXXXXX")
	trap 'rm -rf --one-file-system -- "$WORK"' EXIT
}

build() {
	local suite
	for suite in "$@"; do suite_number "$suite" >/dev/null; done
	need mmdebstrap unshare zstd git npm
	[ -f "$BUILD/hdr/libhdr_histogram.a" ] || "$TOP/scripts/hdr.sh"
	[ -f "$BUILD/uplot/uPlot.iife.min.js" ] || "$TOP/scripts/uplot.sh"
	work_in_build
	for suite in "$@"; do build_suite "$suite"; done
}

# ---- RPMs ---------------------------------------------------------------------------------------
#
# Debian knows no -devel packages: rpmbuild gets --nodeps, and Debian's libraries under Debian's names. What this
# proves: the spec is sound, the build obeys its flags, and the packages hold what Debian's do.

# put_rpm_sources VERSION TOPDIR   makes both source archives and the spec, with a changelog
put_rpm_sources() {
	local version=$1 top=$2 work=$2/WORK hdr
	mkdir -p "$top/SOURCES" "$top/SPECS" "$work/handed/handed-in"
	put_tree "$work/spicetap-$version"
	"$TOP/scripts/hdr.sh" source "$work/handed/handed-in/hdr"
	hdr=$(sed -n 's/^#define HDR_HISTOGRAM_VERSION "\(.*\)"$/\1/p' "$work/handed/handed-in/hdr/include/hdr/hdr_histogram_version.h")
	cp -r "$BUILD/uplot" "$work/handed/handed-in/"
	tar -C "$work" --owner=0 --group=0 -czf "$top/SOURCES/spicetap-$version.tar.gz" "spicetap-$version"
	tar -C "$work/handed" --owner=0 --group=0 -czf "$top/SOURCES/spicetap-handed-in-$version.tar.gz" handed-in
	rm -rf "$work"
	cp "$RPM/spicetap.rpmlintrc" "$top/SPECS/"
	{
		printf '%%global snapshot ~%s\n%%global hdr_version %s\n%%global uplot_version %s\n' "${version#*~}" "$hdr" \
			"$(sed -n 's/^PACKAGE=uplot@//p' "$TOP/scripts/uplot.sh")"
		cat "$RPM/spicetap.spec"
		printf '\n%%changelog\n* %s spicetap <spicetap@spicetap.invalid> - %s-1\n- Built from commit %s.\n' \
			"$(git -C "$TOP" log -1 --format=%cd --date='format-local:%a %b %d %Y')" "$version" \
			"$(git -C "$TOP" log -1 --format=%H)"
	} >"$top/SPECS/spicetap.spec"
}

# build_rpms SUITE ROOT   with a compiler that makes no position-independent code of its own, as Fedora's:
# an object that ignores the spec's flags does not link
build_rpms() {
	local defines=("_topdir /build/rpm" "_smp_mflags -j$JOBS" "__cc gcc -fno-PIE -no-pie"
		"build_cflags -O2 -g -fPIE" "build_ldflags -pie -Wl,-z,now") define options=()
	for define in "${defines[@]}"; do options+=(--define "$define"); done
	run "packages-rpm-$1" unshare --net "$0" --inside "$2" rpmbuild -bb --nodeps "${options[@]}" /build/rpm/SPECS/spicetap.spec ||
		die "cannot build the RPMs on $1"
}

# same_paths   prints the paths of stdin as both kinds of packages would have them: no folders, no packed pages, no
# files of one kind alone (copyright, changelog, licences, build ids), and systemd's and zsh's folders of one name
same_paths() {
	sed -e 's,^\./,/,; s,^/usr/lib/systemd,/lib/systemd,; s,zsh/vendor-completions,zsh/site-functions,' \
		-e '/\/man\//s,\.gz$,,' -e '\,/$,d; \,^/usr/share/licenses/,d; \,/\.build-id,d; \,^/usr/share/lintian/,d' \
		-e '\,^/usr/share/doc/[^/]*/[^/]*$,d' | sort
}

deb_paths() { dpkg-deb --fsys-tarfile "$1" | tar -tf - | same_paths; }
rpm_paths() { inside "$1" sh -c "rpm2cpio '$2' | cpio -t --quiet" | (cd "$1/rpm-files" && dirs_marked) | same_paths; }

# Marks the folders of a list from cpio with a slash, as tar does: cpio has unpacked them here.
dirs_marked() {
	local path
	while read -r path; do
		if [ -d "$path" ] && [ ! -L "$path" ]; then printf '%s/\n' "$path"; else printf '%s\n' "$path"; fi
	done
}

same_files() { diff "$WORK/deb-paths" "$WORK/rpm-paths"; }

# check_rpms SUITE ROOT VERSION   tries what Debian can try: rpmlint, and the lists of files
check_rpms() {
	local suite=$1 ROOT=$2 package deb rpm rpms=()
	mkdir "$ROOT/rpm-files"
	for package in spicetap spicetap-guest; do
		rpm=$(cd "$ROOT" && find build/rpm/RPMS -name "$package-[0-9]*.rpm")
		inside "$ROOT" sh -c "cd /rpm-files && rpm2cpio '/$rpm' | cpio -id --quiet"
		try "rpm -qlp $package" prints /usr/share/man/ inside "$ROOT" rpm -qlp "/$rpm"
		rpms+=("/$rpm")
		deb=$(compgen -G "$BUILD/packages/$suite/${package}_$3+deb*.deb") ||
			{ printf 'SKIPPED %s: no Debian package of %s to compare with: make packages SUITE=%s\n' "$package" "$3" "$suite" && continue; }
		deb_paths "$deb" >"$WORK/deb-paths"
		rpm_paths "$ROOT" "/$rpm" >"$WORK/rpm-paths"
		try "$package has the files of its Debian package ($(wc -l <"$WORK/rpm-paths"))" same_files
	done
	try "the unit starts what is packaged" grep -q '^ExecStart=/usr/sbin/spicetap-guest$' \
		"$ROOT/rpm-files/usr/lib/systemd/system/spicetap-guest.service"
	try rpmlint prints ' 0 errors, 0 warnings,' inside "$ROOT" rpmlint -r /build/rpm/SPECS/spicetap.rpmlintrc \
		/build/rpm/SPECS/spicetap.spec "${rpms[@]}"
}

# rpm_main [SUITE]
rpm_main() {
	local suite=${1:-trixie} root version program out
	suite_number "$suite" >/dev/null
	need mmdebstrap unshare zstd git npm
	program=$(sed -n 's/^Version: *\([^%]*\).*/\1/p' "$RPM/spicetap.spec")
	version=$(source_version)
	[ "$program" = "${version%%~*}" ] || die "packaging/rpm/spicetap.spec has version $program, the program ${version%%~*}"
	[ -f "$BUILD/uplot/uPlot.iife.min.js" ] || "$TOP/scripts/uplot.sh"
	work_in_build
	root=$WORK/$suite out=$BUILD/packages/$suite/rpm
	get_system "$suite" rpm "$root" "build-essential cpio debugedit elfutils rpm rpmlint $(build_packages)"
	put_rpm_sources "$version" "$root/build/rpm"
	say "packages: building RPMs of $version on $suite"
	build_rpms "$suite" "$root"
	check_rpms "$suite" "$root" "$version"
	rm -rf "$out"
	mkdir -p "$out"
	cp -r "$root"/build/rpm/{SOURCES,SPECS} "$root"/build/rpm/RPMS/*/*.rpm "$out/"
	printf '  %s\n' "$out"/*.rpm
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" = 0 ]
}

# ---- the walk -----------------------------------------------------------------------------------

passed=0 failed=0

# try NAME COMMAND...   counts it, and prints what it printed where it fails
try() {
	local name=$1
	shift
	if "$@" >"$WORK/try" 2>&1 </dev/null; then
		passed=$((passed + 1))
		printf 'ok    %s\n' "$name"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s\n' "$name"
		sed 's/^/  | /' "$WORK/try" | tail -n 40
	fi
}

# prints TEXT COMMAND...   true where its output has TEXT
prints() {
	local text=$1 out
	shift
	out=$("$@" 2>&1) || { printf '%s\n' "$out" && return 1; }
	printf '%s\n' "$out"
	grep -qF -- "$text" <<<"$out"
}

# Prints the packages that ours need and the system lacks.
walk_needs() {
	inside "$ROOT" apt-get -s --no-install-recommends install "${DEBS[@]}" |
		sed -n 's/^Inst \([^ ]*\).*/\1/p' | grep -v '^spicetap'
}

# system_files FILE   writes the names of all files, but those that each use of apt and dpkg changes
system_files() {
	find "$ROOT" -xdev -regextype egrep -regex "$ROOT/(proc|tmp|packages|run)" -prune -o -printf '%P %y %l\n' |
		grep -vE '^var/(log|cache/(apt|man|ldconfig))/|^var/lib/dpkg/[a-z]*-old ' | sort >"$1"
}

apt_install() { inside "$ROOT" apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"; }
apt_purge() { inside "$ROOT" apt-get -qq -y -o Dpkg::Use-Pty=0 purge spicetap spicetap-guest; }
unit_enabled() { test -L "$ROOT/etc/systemd/system/multi-user.target.wants/spicetap-guest.service"; }
unit_starts_agent() {
	# shellcheck disable=SC2016 # the inner shell replaces it
	inside "$ROOT" sh -ec 'cd /etc/systemd/system/multi-user.target.wants
		test -x "$(sed -n s/^ExecStart=//p spicetap-guest.service)"'
}
is_static() { readelf -lW "$ROOT/usr/sbin/spicetap-guest" && ! grep -q INTERP "$WORK/try"; }
nothing_left() { system_files "$WORK/after" && diff "$WORK/before" "$WORK/after"; }

# walk_run RUN   reads it in the system, as nobody: who reads a run needs no rights
walk_run() {
	mkdir "$ROOT/tmp/walk"
	cp -rL "$1" "$ROOT/tmp/walk/run"
	chmod -R a+rX "$ROOT/tmp/walk"
	chmod 1777 "$ROOT/tmp/walk"
	local as=(inside "$ROOT" setpriv --reuid=65534 --regid=65534 --clear-groups)
	try "spicetap explain" prints 'In short' "${as[@]}" spicetap explain /tmp/walk/run
	try "spicetap report" "${as[@]}" spicetap report /tmp/walk/run -o /tmp/walk/run.html
	try "the report is a page" grep -q '</html>' "$ROOT/tmp/walk/run.html"
	rm -rf "$ROOT/tmp/walk"
}

# walk_system SUITE   makes the system with the packages in it, not installed, and with what they need
walk_system() {
	local suite=$1 deb needs
	get_system "$suite" walk "$ROOT" man-db
	mkdir -p "$ROOT/packages"
	for deb in "$BUILD/packages/$suite"/spicetap*_*.deb; do
		case $deb in *-dbgsym_*) continue ;; esac
		cp "$deb" "$ROOT/packages/"
		DEBS+=("/packages/${deb##*/}")
	done
	cp /etc/resolv.conf "$ROOT/etc/"
	printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$(debian_mirror)" "$suite" >"$ROOT/etc/apt/sources.list"
	run "packages-update-$suite" "$0" --inside "$ROOT" apt-get -qq update || die "cannot read the packages of $suite"
	mapfile -t needs < <(walk_needs)
	[ ${#needs[@]} -gt 0 ] || die "apt cannot install the packages:" "$(inside "$ROOT" apt-get -s install "${DEBS[@]}" 2>&1)"
	say "packages: installing the ${#needs[@]} packages of $suite that ours need"
	run "packages-needs-$suite" "$0" --inside "$ROOT" apt-get -qq -y --no-install-recommends install "${needs[@]}" ||
		die "cannot install what the packages need"
}

walk_programs() {
	local program page
	for program in spicetap spicetap-meter spicetap-guest; do
		try "$program --version" prints "$program " inside "$ROOT" "$program" --version
	done
	try "spicetap record --help" prints --domain inside "$ROOT" spicetap record --help
	try "spicetap meter --help" prints --tap inside "$ROOT" spicetap meter --help
	for page in spicetap spicetap-{record,report,meter,stack,guest}; do
		try "man -w $page" inside "$ROOT" man -w "$page"
	done
}

# walk SUITE [RUN]
walk() {
	local suite=$1 run=${2:-} ROOT DEBS=()
	suite_number "$suite" >/dev/null
	[ -z "$run" ] || [ -f "$run/run.json" ] || die "$run is no run" "a run is a folder with run.json in it"
	need mmdebstrap unshare zstd readelf
	compgen -G "$BUILD/packages/$suite/*.deb" >/dev/null || die "there are no packages for $suite" "run: make packages"
	work_in_build
	ROOT=$WORK/$suite
	walk_system "$suite"
	system_files "$WORK/before"
	try "install ${DEBS[*]##*/}" apt_install "${DEBS[@]}"
	walk_programs
	try "spicetap-guest is static" is_static
	try "the unit is enabled" unit_enabled
	try "the unit starts what is installed" unit_starts_agent
	[ -z "$run" ] || walk_run "$run"
	try "purge both" apt_purge
	try "nothing is left" nothing_left
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" = 0 ]
}

main() {
	local what=${1:-}
	[ $# = 0 ] || shift
	case $what in
	--inside) inside "$@" ;;
	build) [ $# -gt 0 ] || set -- "${SUITES[@]}"; build "$@" ;;
	rpm) [ $# -le 1 ] || usage; rpm_main "$@" ;;
	walk) case $# in 1 | 2) walk "$@" ;; *) usage ;; esac ;;
	-h | --help) usage 0 ;;
	*) usage ;;
	esac
}

main "$@"
