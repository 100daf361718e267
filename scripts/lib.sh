# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of this folder share: messages, progress, the cache, Debian's archive. To use it:
#
#   . "$(dirname "$0")/lib.sh"

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${SPICETAP_BUILD:-$TOP/build}
LOGS=$BUILD/log
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/spicetap
JOBS=${JOBS:-$(nproc)}

# ---- messages --------------------------------------------------------------------------------

say()  { printf '%s\n' "$*"; }
note() { printf '  %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die MESSAGE [WAY OUT]...   prints what went wrong and what to do, a line each, and ends the script
die() {
	printf 'error: %s\n' "$1" >&2
	shift
	local line
	for line in "$@"; do
		printf '  %s\n' "$line" >&2
	done
	exit 1
}

# need COMMAND...   ends the script where a command is missing, before any work starts
need() {
	local c missing=()
	for c in "$@"; do
		command -v "$c" >/dev/null || missing+=("$c")
	done
	[ ${#missing[@]} -eq 0 ] || die "not installed: ${missing[*]}" "run: make deps"
}

# usage [STATUS]   prints the comment at the head of the script and ends the script; STATUS is 2 if not given
usage() {
	local text
	text=$(sed -n '4,/^[^#]/ { /^# shellcheck/d; s/^# \{0,1\}//p; }' "$0")
	if [ "${1:-2}" = 0 ]; then say "$text"; else say "$text" >&2; fi
	exit "${1:-2}"
}

# ---- the Python package ----------------------------------------------------------------------

# lab COMMAND...   the commands of scripts/spicetap_lab; `lab --help` lists them
lab() { PYTHONPATH=$TOP/scripts python3 -P -m spicetap_lab "$@"; }

# ---- clones side by side -----------------------------------------------------------------------

# Prints four letters that are this clone's: its VMs have them in their names.
clone_mark() { printf '%s' "$TOP" | sha256sum | cut -c 1-4; }

# started_at PID   prints when it was started, in ticks since the host's boot: with the number, that is one process
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# ---- slow motion: programs under libfaketime -------------------------------------------------

# Prints the library to preload: SPICETAP_FAKETIME, or Debian's.
faketime_library() {
	local file
	for file in ${SPICETAP_FAKETIME-/usr/lib/*/faketime/libfaketimeMT.so.1}; do
		[ ! -f "$file" ] || { printf '%s\n' "$file" && return; }
	done
	die "slow motion needs libfaketime, and ${file:-it} does not exist" "run: make deps" "or at full speed: slowdown=1"
}

# faketime_factor N   prints the FAKETIME of clocks that are N times slower
faketime_factor() { awk -v n="$1" 'BEGIN { printf "+0 x%.15g\n", 1 / n }'; }

# ---- long commands ---------------------------------------------------------------------------

_child=

# A background job of a script ignores Ctrl-C: it gets a process group of its own, and this ends all of it.
_end_child() {
	[ -n "$_child" ] || return 0
	kill -TERM -- "-$_child" 2>/dev/null || true
	wait "$_child" 2>/dev/null || true
	_child=
}

_last_line() {
	tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-100
}

# run NAME COMMAND...   runs it with its output in build/log/NAME.log. It prints the log's last line every few
# seconds, and the end of the log if the command fails.
run() {
	local name=$1 log=$LOGS/$1.log start=$SECONDS shown='' line rc=0
	shift
	mkdir -p "$LOGS"
	printf '+ %s\n' "$*" >"$log"
	setsid "$@" >>"$log" 2>&1 </dev/null &
	_child=$!
	trap '_end_child; trap - INT; kill -INT $$' INT
	trap '_end_child; exit 143' TERM
	while _wait_a_little "$_child"; do
		line=$(_last_line "$log") || true
		if [ "$line" != "$shown" ]; then
			printf '  %s: %ds %s\n' "$name" $((SECONDS - start)) "$line"
			shown=$line
		else
			printf '  %s: %ds\n' "$name" $((SECONDS - start))
		fi
	done
	wait "$_child" || rc=$?
	_child=
	trap - INT TERM
	if [ "$rc" -ne 0 ]; then
		printf 'error: %s failed (status %d); the end of %s:\n' "$name" "$rc" "$log" >&2
		tail -n 40 "$log" | sed 's/^/  | /' >&2
	fi
	return "$rc"
}

# _wait_a_little PID   true when it still runs after SPICETAP_PROGRESS seconds; false as soon as it ends
_wait_a_little() {
	local i
	for ((i = 0; i < ${SPICETAP_PROGRESS:-5} * 10; i++)); do
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.1
	done
	kill -0 "$1" 2>/dev/null
}

# ---- the cache -------------------------------------------------------------------------------
#
# $CACHE/NAME-HASH.tar.zst with its SHA-256 beside it. Both are written under another name and then renamed,
# the sum last: what an interrupted build leaves cannot pass for a result.

# cache_used   notes that this clone uses the cache
cache_used() { mkdir -p "$CACHE/users" && printf '%s\n' "$TOP" >"$CACHE/users/$(clone_mark)"; }

# Prints the other clones that use the cache, a line each.
cache_users() {
	local file clone
	for file in "$CACHE"/users/*; do
		[ -f "$file" ] || continue
		clone=$(cat "$file")
		[ "$clone" = "$TOP" ] || [ ! -d "$clone" ] || printf '%s\n' "$clone"
	done
}

# hash_of   prints the short content hash of stdin
hash_of() { sha256sum | cut -c1-20; }

# cache_get NAME HASH DIR   unpacks into DIR; false where there is nothing to use
cache_get() {
	local f=$CACHE/$1-$2.tar.zst
	[ -f "$f" ] && [ -f "$f.sha256" ] || return 1
	if ! (cd "$CACHE" && sha256sum --status -c "$f.sha256" 2>/dev/null); then
		warn "$f does not match the SHA-256 beside it: deleted, building anew"
		rm -f "$f" "$f.sha256"
		return 1
	fi
	mkdir -p "$3"
	cache_used
	zstd -dcq "$f" | tar -C "$3" -xf -
}

# cache_put NAME HASH DIR   keeps the contents of DIR
cache_put() {
	local f=$CACHE/$1-$2.tar.zst t
	cache_used
	t=$(mktemp "$CACHE/.$1.XXXXXX")
	if ! tar -C "$3" --sort=name --owner=0 --group=0 --numeric-owner -cf - . | zstd -q -T0 -6 -c >"$t"; then
		rm -f "$t"
		warn "cannot write to $CACHE: the result is not cached"
		return 0
	fi
	sync "$t"
	chmod 644 "$t"
	mv -f "$t" "$f"
	(cd "$CACHE" && sha256sum "$(basename "$f")") >"$t" && chmod 644 "$t" && mv -f "$t" "$f.sha256"
}

# ---- Debian's archive ------------------------------------------------------------------------

# Prints lines "URI|RELEASE|LABEL" of the archives that this machine's apt uses. The label is empty until an
# index is downloaded.
_apt_sites() {
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(SITE)|$(RELEASE)|$(LABEL)' 'Created-By: Packages' 2>/dev/null | sort -u
}

# debian_mirror [security]   prints the URI of the archive that this machine uses
debian_mirror() {
	local want=${1:-main} site release label
	if [ "$want" = main ] && [ -n "${SPICETAP_MIRROR:-}" ]; then
		printf '%s\n' "$SPICETAP_MIRROR"
		return 0
	fi
	while IFS='|' read -r site release label; do
		case $label in Debian | Debian-Security | '') ;; *) continue ;; esac
		case $site in http:* | https:* | file:* | mirror*:* | tor*:*) ;; *) continue ;; esac
		case $want:$release in
		security:*-security) ;;
		main:*-security | main:*-updates | main:*-backports* | security:*) continue ;;
		main:bookworm | main:trixie | main:forky | main:sid | main:stable | main:oldstable | main:testing | main:unstable) ;;
		*) continue ;;
		esac
		printf '%s\n' "$site"
		return 0
	done < <(_apt_sites)
	[ "$want" = security ] || die "no Debian archive in this machine's apt sources" \
		"name one: SPICETAP_MIRROR=<URI of a Debian mirror> make ..."
	return 1
}

# apt_source_conf SUITE [deb]   makes (once an hour) an apt root of its own with SUITE's source packages (deb:
# its binary ones), and prints its configuration file, for apt's -c. The machine's own apt settings, such as
# its proxy, stay in force; its lists do not change.
apt_source_conf() {
	local suite=$1 kind=${2:-deb-src} dir=$BUILD/apt/$1${2:+-$2} mirror security list
	local key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -f "$key" ] || die "$key is missing" "install the package debian-archive-keyring (make deps)"
	mirror=$(debian_mirror)
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	list=$(printf '%s [signed-by=%s] %s %s main\n' "$kind" "$key" "$mirror" "$suite")
	# unstable has no security suite: fixes go into the suite itself.
	if [[ $suite != sid && $suite != unstable ]] && security=$(debian_mirror security); then
		list+=$(printf '\n%s [signed-by=%s] %s %s-security main\n' "$kind" "$key" "$security" "$suite")
	fi
	[ "$list" = "$(cat "$dir/sources.list" 2>/dev/null)" ] || rm -f "$dir/updated"
	printf '%s\n' "$list" >"$dir/sources.list"
	# Where root calls apt, apt's own user could not write root's files.
	cat >"$dir/apt.conf" <<-CONF
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$dir/lists";
		Dir::Cache "$dir/cache";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
	CONF
	if [ -z "$(find "$dir/updated" -mmin -60 2>/dev/null)" ]; then
		run "apt-$suite" apt-get -c "$dir/apt.conf" update -o APT::Update::Error-Mode=any >&2 ||
			die "cannot read the packages of $suite from $mirror" \
				"is there a network? another mirror: SPICETAP_MIRROR=<URI> make ..."
		touch "$dir/updated"
	fi
	printf '%s\n' "$dir/apt.conf"
}

# unpack_debs SUITE DIR PACKAGE[=VERSION]...   downloads Debian's packages of SUITE, and unpacks them in DIR
unpack_debs() {
	local suite=$1 dir=$2 conf debs deb rc=0
	shift 2
	conf=$(apt_source_conf "$suite" deb) || return 1
	debs=$(mktemp -d "$BUILD/.debs.XXXXXX")
	(cd "$debs" && run "get-${1%%=*}" apt-get -c "$conf" download "$@" >&2) || rc=1
	if [ "$rc" = 0 ]; then
		for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$dir" || rc=1; done
	fi
	rm -rf "$debs"
	return "$rc"
}

# new_run NAME   prints runs/NAME-DATE, a folder that is not there: two tries can fall into one second
new_run() {
	local run
	while run=$TOP/runs/$1-$(date +%Y%m%d-%H%M%S) && [ -e "$run" ]; do sleep 0.1; done
	printf '%s\n' "$run"
}
