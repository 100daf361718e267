# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers shared by the scripts of this folder: messages, progress, the cache, the Debian mirror.
# Source it; it changes nothing but the names it defines:
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

# die MESSAGE [WAY OUT]...   one thing went wrong; what to do about it follows, a line each
die() {
	printf 'error: %s\n' "$1" >&2
	shift
	local line
	for line in "$@"; do
		printf '  %s\n' "$line" >&2
	done
	exit 1
}

# need COMMAND...   a missing command is named before any work starts
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

# ---- long commands ---------------------------------------------------------------------------

_child=

# A background job of a script ignores Ctrl-C, so the job has its own process group and this
# ends all of it.
_end_child() {
	[ -n "$_child" ] || return 0
	kill -TERM -- "-$_child" 2>/dev/null || true
	wait "$_child" 2>/dev/null || true
	_child=
}

_last_line() {
	tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-100
}

# run NAME COMMAND...   runs it with its output in build/log/NAME.log; prints where it is every
# few seconds; on failure prints the end of the log
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

# True when the process still runs after SPICETAP_PROGRESS seconds; false as soon as it has ended.
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
# $CACHE/NAME-HASH.tar.zst with its SHA-256 beside it. Both are written under another name first and
# renamed, the sum last: an interrupted build leaves nothing that could be taken for a result.

# hash_of   the short content hash of what stands on stdin
hash_of() { sha256sum | cut -c1-20; }

# cache_get NAME HASH DIR   unpacks into DIR; false when there is nothing that can be used
cache_get() {
	local f=$CACHE/$1-$2.tar.zst
	[ -f "$f" ] && [ -f "$f.sha256" ] || return 1
	if ! (cd "$CACHE" && sha256sum --status -c "$f.sha256" 2>/dev/null); then
		warn "$f does not have the SHA-256 recorded beside it: deleted, building anew"
		rm -f "$f" "$f.sha256"
		return 1
	fi
	mkdir -p "$3"
	zstd -dcq "$f" | tar -C "$3" -xf -
}

# cache_put NAME HASH DIR   keeps what is in DIR
cache_put() {
	local f=$CACHE/$1-$2.tar.zst t
	mkdir -p "$CACHE"
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

# Lines "URI|RELEASE|LABEL" of what this machine's apt is set up to use. The label is empty as long
# as no index was ever downloaded.
_apt_sites() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(SITE)|$(RELEASE)|$(LABEL)' 'Created-By: Packages' 2>/dev/null | sort -u
}

# debian_mirror [security]   the URI of the archive that this machine already uses
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
		"say which to use: SPICETAP_MIRROR=<URI of a Debian mirror> make ..."
	return 1
}

# apt_source_conf SUITE [deb]   makes (once an hour) an apt root of its own that knows SUITE's source
# packages (deb: its binary ones), and prints the configuration file to hand to apt with -c. The
# machine's own apt settings, its proxy for one, stay in force; its lists are not touched.
apt_source_conf() {
	local suite=$1 kind=${2:-deb-src} dir=$BUILD/apt/$1${2:+-$2} mirror security list
	local key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -f "$key" ] || die "$key is missing" "install the package debian-archive-keyring (make deps)"
	mirror=$(debian_mirror)
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	list=$(printf '%s [signed-by=%s] %s %s main\n' "$kind" "$key" "$mirror" "$suite")
	# unstable has no security suite: what it mends is in the suite itself
	if [[ $suite != sid && $suite != unstable ]] && security=$(debian_mirror security); then
		list+=$(printf '\n%s [signed-by=%s] %s %s-security main\n' "$kind" "$key" "$security" "$suite")
	fi
	[ "$list" = "$(cat "$dir/sources.list" 2>/dev/null)" ] || rm -f "$dir/updated"
	printf '%s\n' "$list" >"$dir/sources.list"
	# apt may be called by root, whose files its own user could not write
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
