#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make experiment NAME=...: a guest, its workload, a client and a recording, into runs/NAME-DATE.
#
#   scripts/experiment.sh                        lists the experiments
#   scripts/experiment.sh NAME [KEY=VALUE]...    runs guest-configs/NAME.experiment, or the row of that
#                                                name in guest-configs/runs.list; KEY=VALUE changes it
#   scripts/experiment.sh --settings NAME [KEY=VALUE]...   only checks and prints them
#
# SPICETAP_RUN=FOLDER: the bundle goes there. docs/dev/experiments.md says what the keys mean.
# Exit 0: a good run; 1: a step failed, the workload did not run, or a check refused the run (its
# experiment.json says why).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

CONFIGS=$TOP/guest-configs
SPICETAP=$BUILD/spicetap
recorder='' run='' verdict=interrupted why=() beside=()
declare -A set=([duration]=600 [client]=meter [server]=traced [clip]=1024x768)
declare -a given=() # what the row and the command line change

list() {
	local file
	for file in "$CONFIGS"/*.experiment; do
		printf '  %-18s %s\n' "$(basename "$file" .experiment)" "$(sed -n 's/^about=//p' "$file")"
	done
	say "and the rows of guest-configs/runs.list (scripts/experiments.sh --list)"
	say "run one: make experiment NAME=... [DURATION=seconds]"
}

# The experiment behind NAME, and what its row changes in it
row() {
	local words
	BASE=$NAME
	[ ! -f "$CONFIGS/$NAME.experiment" ] || return 0
	read -ra words < <(awk -v name="$NAME" '$1 == name' "$CONFIGS/runs.list") || true
	[ ${#words[@]} -ge 3 ] || die "no experiment and no row named $NAME" "make experiment lists them"
	BASE=${words[2]}
	given=("${words[@]:3}")
}

# want KEY PATTERN WHAT   the setting, if there is one, must match the regular expression
want() { [[ ! -v set[$1] || ${set[$1]} =~ ^($2)$ ]] || die "$1=${set[$1]}: not $3"; }

# The words of a pattern from the names of files: there A/*B
names_of() { (cd "$1" && printf '%s\n' *"$2") | sed "s/${2//./\\.}$//; s/^$3//" | paste -sd '|'; }

check_settings() {
	local key overlay=$CONFIGS/overlay/usr/local/bin images='auto_glz|auto_lz|quic|glz|lz|off'
	for key in "${!set[@]}"; do
		case $key in
		about | guest | domain | memory | ram | vram | vgamem | screen | x | workload) ;;
		compression | streaming | bitrate | server | client | rate | asks | driver | clip | duration) ;;
		*) die "$key=${set[$key]}: there is no setting named $key" "docs/dev/experiments.md lists them" ;;
		esac
	done
	for key in guest domain screen x workload compression streaming; do
		[ -n "${set[$key]:-}" ] || die "$NAME does not say $key="
	done
	for key in memory ram vram vgamem; do want $key '[1-9][0-9]{0,4}' "a number of MiB"; done
	want duration '[1-9][0-9]{0,5}' "a number of seconds"
	want screen '[1-9][0-9]{2,4}x[1-9][0-9]{2,4}' "WIDTHxHEIGHT"
	want x 'modesetting|qxl|weston' "modesetting, qxl or weston"
	want server 'traced|ring128' "traced or ring128"
	want client 'meter|slow|none' "meter, slow or none"
	want rate '[1-9][0-9]{3,10}' "a number of bytes a second, 1000 and more"
	want streaming 'filter|all|off' "filter, all or off"
	want compression "$images" "one of $images"
	want asks "$images|lz4" "one of $images|lz4"
	want guest "$(names_of "$CONFIGS" .guest '')" "the name of a guest-configs/*.guest"
	want domain "$(names_of "$CONFIGS" .xml '' | sed 's/|/.xml|/g').xml" "a guest-configs/*.xml"
	want clip '1024x768|640x360' "1024x768 or 640x360"
	want driver 'stock|tight' "stock or tight"
	want bitrate '[1-9][0-9]{0,5}' "a number of Mbit/s"
	want workload "$(names_of "$overlay" '' spicetap-)" "the name of a workload"
	[ "${set[client]}" != slow ] || [ -n "${set[rate]:-}" ] || die "client=slow wants rate=, bytes a second"
	[ "${set[client]}" = slow ] || [ -z "${set[rate]:-}" ] || die "rate=${set[rate]}: only with client=slow"
	[ "${set[client]}" != none ] || [ -z "${set[asks]:-}" ] || die "asks=${set[asks]}: there is no client to ask"
	[ "${set[driver]:-stock}" = stock ] || [ "${set[domain]}:${set[x]}" = qxl.xml:modesetting ] ||
		die "driver=${set[driver]}: only with domain=qxl.xml and x=modesetting"
	[ "${set[x]}" != qxl ] || [ "${set[domain]}" = qxl.xml ] || die "x=qxl: only with domain=qxl.xml"
}

settings() {
	local line
	row
	given+=("$@")
	while read -r line; do
		case $line in
		[a-z]*=*) set[${line%%=*}]=${line#*=} ;;
		'' | '#'*) ;;
		*) die "$NAME: not KEY=VALUE: $line" ;;
		esac
	done < <(cat "$CONFIGS/$BASE.experiment" && printf '%s\n' ${given[@]+"${given[@]}"})
	check_settings
}

vm() { "$TOP/scripts/vm.sh" "$1" --name "$VM" "${@:2}"; }
beats() { grep -a '^spicetap-workload: alive' "$console" | tr -d '\r'; }
beat_count() { beats | wc -l; }

clean_up() {
	trap '' INT TERM
	if [ -n "$recorder" ]; then
		kill -INT "$recorder" 2>/dev/null || true
		wait "$recorder" 2>/dev/null || true
	fi
	[ ! -d "$run" ] || [ -f "$run/experiment.json" ] || conclude
	vm stop >/dev/null 2>&1 || warn "the VM $VM could not be stopped: scripts/vm.sh stop --name $VM"
}

# The verdict, its reasons and the settings, beside the recording
conclude() {
	local key
	{
		printf 'name=%s\nverdict=%s\n' "$NAME" "$verdict"
		printf 'commit=%s\n' "$(git -C "$TOP" describe --always --dirty --match=nothing 2>/dev/null)"
		for key in ${why[@]+"${why[@]}"}; do printf 'why=%s\n' "$key"; done
		for key in ${beside[@]+"${beside[@]}"}; do printf 'beside=%s\n' "$key"; done | sort -u
		for key in "${!set[@]}"; do printf 'set.%s=%s\n' "$key" "${set[$key]}"; done | sort
	} | python3 -c '
import json, sys
out = {"why": [], "beside": [], "settings": {}}
for line in sys.stdin:
    key, value = line.rstrip("\n").split("=", 1)
    if key in ("why", "beside"): out[key].append(value)
    elif key.startswith("set."): out["settings"][key[4:]] = value
    else: out[key] = value
json.dump(out, sys.stdout, indent=2)' >"$run/experiment.json"
	cp "$(dirname "$console")/domain.xml" "$console" "$BUILD/stack/share/spicetap/stack.json" "$run/" 2>/dev/null || true
	cp "$("$TOP/scripts/image.sh" --path "${set[guest]}")/packages" "$run/" 2>/dev/null || true
}

wait_beat() {
	local i
	for ((i = 0; i < $2; i++)); do
		[ "$(beat_count)" -le "$1" ] || return 0
		sleep 1
	done
	return 1
}

# What the run, its client and the guest's console tell
check_run() {
	local key line words=()
	for key in "${!set[@]}"; do words+=("$key=${set[$key]}"); done
	while read -r line; do why+=("$line"); done < <(
		python3 "$TOP/scripts/checks.py" "$SPICETAP" "$run" "$console" "$first" "${words[@]}" || echo "the run cannot be read"
	)
}

# The other VMs of this host: what shares its processors with a run is told with it
other_vms() {
	local name
	for name in $(setsid --wait virsh -q -c qemu:///system list --name); do
		[ "$name" = "$VM" ] || beside+=("$name")
	done
}

# QEMU's own log of spice_qxl_oom, which needs no probe: on, off
log_ooms() {
	[ "${set[domain]}" = qxl.xml ] || return 0
	setsid --wait virsh -q -c qemu:///system qemu-monitor-command "$VM" --hmp "trace-event qxl_spice_oom $1" >/dev/null ||
		warn "QEMU cannot log qxl_spice_oom: no second count of it"
}

# Those in its lines that fall into the recording's window, beside the recording's own count. A line's
# time is taken after the event's: one at an edge may differ.
check_ooms() {
	local line
	[ "${set[domain]}" = qxl.xml ] || return 0
	while read -r line; do
		case $line in
		differ*) why+=("QEMU's own log and the recording $line") ;;
		*) note "$line" ;;
		esac
	done < <(grep -aE '(^|[^a-z_])qxl_spice_oom ' "$(vm log)" | python3 "$TOP/scripts/count-ooms.py" "$run" "$SPICETAP")
}

record() {
	local options=(--domain "$VM" -o "$run" -t "${set[duration]}" --guest auto)
	case ${set[client]} in
	slow) options+=(--client "$(vm uri)" --client-rate "${set[rate]}") ;;
	meter) options+=(--client "$(vm uri)") ;;
	esac
	[ -z "${set[asks]:-}" ] || options+=(--client-compression "${set[asks]}")
	[ "${set[client]}" = none ] || options+=(--client-clip "50,50,${set[clip]}")
	wait_beat 0 120 || die "the workload gives no sign of life" "its console: $console"
	first=$(beat_count)
	log_ooms on
	other_vms
	"$SPICETAP" record "${options[@]}" &
	recorder=$!
	wait "$recorder" || why+=("spicetap record ended with status $?")
	recorder=
	other_vms
	log_ooms off
	wait_beat "$(beat_count)" 30 || true
}

experiment() {
	local view
	settings "$@"
	VM=spicetap-$NAME
	run=${SPICETAP_RUN:-$TOP/runs/$NAME-$(date +%Y%m%d-%H%M%S)}
	[ "$(id -u)" = 0 ] || die "only root can start this VM and record it" "run: sudo make experiment NAME=$NAME"
	need virsh python3
	mkdir -p "$LOGS" "$TOP/runs"
	"$TOP/scripts/image.sh" "${set[guest]}"
	if [ "${set[server]}" = ring128 ]; then
		"$TOP/scripts/stack.sh" variant
		export SPICETAP_SPICE_LIB=$BUILD/stack-ring128/lib
	fi
	console=$(vm console)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	vm start "$BASE" ${given[@]+"${given[@]}"}
	vm wait 600
	record
	[ -d "$run" ] || die "there is no recording"
	check_run
	check_ooms
	verdict=ok
	[ ${#why[@]} = 0 ] || verdict=refused
	conclude
	"$SPICETAP" info "$run" || true
	for view in journeys oom fences updates; do
		say "-- $view"
		"$SPICETAP" export "$run" --$view --summary || true
	done
	say "run       $run: $verdict"
	[ "$verdict" = ok ] || die "this run is refused" "${why[@]}"
}

case ${1:-} in
'') list ;;
--settings)
	NAME=${2:?--settings wants a name}
	settings "${@:3}"
	for key in "${!set[@]}"; do printf '%s=%s\n' "$key" "${set[$key]}"; done | sort
	;;
-*)
	sed -n '3,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
*)
	NAME=$1
	experiment "${@:2}"
	;;
esac
