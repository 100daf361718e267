#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make experiment NAME=...: runs a guest with a workload and a client, and records it into runs/NAME-DATE.
#
#   scripts/experiment.sh                        lists the experiments
#   scripts/experiment.sh NAME [KEY=VALUE]...    runs guest-configs/NAME.experiment, or the row of that
#                                                name in guest-configs/runs.list; KEY=VALUE changes it
#   scripts/experiment.sh --settings NAME [KEY=VALUE]...   only checks and prints the settings
#
# environment
#   SPICETAP_RUN=FOLDER   put the bundle there
#
# docs/dev/experiments.md explains the keys. scripts/spicetap_lab/settings.py reads and checks them.
# Exit 0: a good run. 1: a step failed, or a check refused the run; its experiment.json has the reasons.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

export SPICETAP=$BUILD/spicetap SPICETAP_OWNER=$$
recorder='' run='' by=1 verdict=interrupted why=() beside=()
declare -A set=()

list() {
	lab experiments
	say "and the rows of guest-configs/runs.list (scripts/experiments.sh --list)"
	say "run one: make experiment NAME=... [DURATION=seconds]"
}

# settings NAME [KEY=VALUE]...   fills `set`; ends the script where one of them is bad
settings() {
	local line text
	text=$(lab settings "$@") || exit 1
	while IFS= read -r line; do set[${line%%=*}]=${line#*=}; done <<<"$text"
}

vm() { "$TOP/scripts/vm.sh" "$1" --name "$VM" "${@:2}"; }
beats() { grep -a '^spicetap-workload: alive' "$console" | tr -d '\r'; }
beat_count() { beats | wc -l; }

clean_up() {
	trap '' INT TERM HUP
	if [ -n "$recorder" ]; then
		kill -INT "$recorder" 2>/dev/null || true
		wait "$recorder" 2>/dev/null || true
	fi
	[ ! -d "$run" ] || [ -f "$run/experiment.json" ] || conclude
	vm stop >/dev/null 2>&1 || warn "the VM $VM could not be stopped: scripts/vm.sh stop --name $VM"
}

# lines KEY VALUE...   KEY=VALUE, a line each
lines() {
	local key=$1 value
	shift
	for value in "$@"; do printf '%s=%s\n' "$key" "$value"; done
}

# Puts the verdict, its reasons and the settings beside the recording.
conclude() {
	local key
	{
		printf 'name=%s\nverdict=%s\n' "$NAME" "$verdict"
		printf 'commit=%s\n' "$(git -C "$TOP" describe --always --dirty --match=nothing 2>/dev/null)"
		lines why "${why[@]}"
		lines beside "${beside[@]}" | sort -u
		for key in "${!set[@]}"; do printf 'set.%s=%s\n' "$key" "${set[$key]}"; done | sort
	} | lab conclude "$run"
	cp "$(dirname "$console")/domain.xml" "$console" "$BUILD/stack/share/spicetap/stack.json" "$run/" 2>/dev/null || true
	cp "$("$TOP/scripts/image.sh" --path "${set[guest]}")/packages" "$run/" 2>/dev/null || true
}

# wait_beat COUNT SECONDS   until the workload has given more than COUNT signs of life; SECONDS are the VM's
wait_beat() {
	local i
	for ((i = 0; i < $2 * by; i++)); do
		[ "$(beat_count)" -le "$1" ] || return 0
		sleep 1
	done
	return 1
}

# Collects the reasons against the run from its recording, its client and the guest's console.
check_run() {
	local key line words=()
	for key in "${!set[@]}"; do words+=("$key=${set[$key]}"); done
	while read -r line; do why+=("$line"); done < <(
		lab check-run "$run" "$console" "$first" "${words[@]}" || echo "the run cannot be read"
	)
}

# Notes the other VMs of this host: they shared its processors with the run.
other_vms() {
	local name
	for name in $(setsid --wait virsh -q -c qemu:///system list --name); do
		[ "$name" = "$VM" ] || beside+=("$name")
	done
}

# log_ooms on|off   QEMU's own log of spice_qxl_oom, which needs no probe
log_ooms() {
	[ "${set[domain]}" = qxl.xml ] || return 0
	setsid --wait virsh -q -c qemu:///system qemu-monitor-command "$VM" --hmp "trace-event qxl_spice_oom $1" >/dev/null ||
		warn "QEMU cannot log qxl_spice_oom: no second count of it"
}

# Compares QEMU's own count with the probe's.
check_ooms() {
	local line
	[ "${set[domain]}" = qxl.xml ] || return 0
	while read -r line; do
		case $line in
		differ*) why+=("QEMU's own log and the recording $line") ;;
		*) note "$line" ;;
		esac
	done < <(grep -aE '(^|[^a-z_])qxl_spice_oom ' "$(vm log)" | lab count-ooms "$run")
}

record() {
	local options=(--domain "$VM" -o "$run" -t "${set[duration]}" --guest auto)
	case ${set[client]} in
	slow) options+=(--client "$(vm uri)" --client-rate "${set[rate]}") ;;
	meter) options+=(--client "$(vm uri)") ;;
	esac
	[ "${set[link]}" = local ] || options+=(--client-link "${set[link]}")
	[ -z "${set[keys]:-}" ] || options+=(--client-keys "${set[keys]}")
	[ -z "${set[asks]:-}" ] || options+=(--client-compression "${set[asks]}")
	[ "${set[client]}" = none ] || options+=(--client-clip "$(lab clip-region "player=${set[player]}" "clip=${set[clip]}")")
	[ "${set[client]}" = none ] || [ "${set[pictures]}" = 0 ] || options+=(--client-pictures "${set[pictures]}")
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

# A guest whose desktop, browser or workload does not come up is a refused run, with its console.
no_session() {
	local line
	line=$(grep -a '^spicetap-workload: ' "$console" | tail -n 1 | sed 's/; the end of .*//' | tr -d '\r') || true
	verdict=refused why=("the guest's workload did not come up${line:+; it said: ${line#spicetap-workload: }}")
	mkdir -p "$run"
	conclude
	die "this run is refused" "${why[@]}" "its console: $run/console.log"
}

experiment() {
	local view
	settings "$NAME" "$@"
	by=$("$TOP/scripts/vm.sh" slowdown "$NAME" "$@") || exit 1
	[ "$by" = 1 ] || note "slow motion: ${set[duration]} s of recording take $((set[duration] * by)) s"
	VM=$("$TOP/scripts/vm.sh" name "$NAME")
	run=${SPICETAP_RUN:-$(new_run "$NAME")}
	[ "$(id -u)" = 0 ] || die "only root can start this VM and record it" "run: sudo make experiment NAME=$NAME"
	need virsh python3
	mkdir -p "$LOGS" "$TOP/runs"
	"$TOP/scripts/image.sh" "${set[guest]}"
	if [ "${set[server]}" != traced ]; then
		"$TOP/scripts/stack.sh" variant "${set[server]}"
		export SPICETAP_SPICE_LIB=$BUILD/stack-${set[server]}/lib
	fi
	console=$(vm console)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	vm start "$NAME" "$@"
	vm wait 600 || no_session
	record
	[ -d "$run" ] || die "there is no recording"
	check_run
	check_ooms
	verdict=ok
	[ ${#why[@]} = 0 ] || verdict=refused
	conclude
	[ ! -d "$run/pictures" ] || "$TOP/scripts/ssim.sh" "$run" || warn "no SSIM of the pictures"
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
	shift
	[ $# -ge 1 ] || die "--settings wants a name"
	lab settings "$@"
	;;
-h | --help) usage 0 ;;
-*) usage ;;
*)
	NAME=$1
	shift
	experiment "$@"
	;;
esac
