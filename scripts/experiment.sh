#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make experiment NAME=...: a guest, its workload, a client and a recording, into runs/NAME-DATE.
#
#   scripts/experiment.sh                        lists the experiments
#   scripts/experiment.sh NAME [KEY=VALUE]...    runs guest-configs/NAME.experiment; KEY=VALUE changes it
#
# Exit 0: a good run; 1: a step failed, the workload did not run, or a check refused the run (its
# experiment.json says why).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

CONFIGS=$TOP/guest-configs
SPICETAP=$BUILD/spicetap
client='' recorder='' run='' verdict=interrupted why=()
declare -A set=([duration]=600 [client]=meter)

list() {
	local file
	for file in "$CONFIGS"/*.experiment; do
		printf '  %-18s %s\n' "$(basename "$file" .experiment)" "$(sed -n 's/^about=//p' "$file")"
	done
	say "run one: make experiment NAME=... [DURATION=seconds]"
}

settings() {
	local line file=$CONFIGS/$NAME.experiment
	[ -f "$file" ] || die "no experiment named $NAME" "make experiment lists them"
	while read -r line; do
		case $line in [a-z]*=*) set[${line%%=*}]=${line#*=} ;; esac
	done < <(cat "$file" && printf '%s\n' "$@")
	[[ ${set[duration]} =~ ^[1-9][0-9]{0,5}$ ]] || die "duration=${set[duration]}: not a number of seconds"
	case ${set[client]} in meter | spicy-stats | none) ;; *) die "client=${set[client]}: meter, spicy-stats or none" ;; esac
}

vm() { "$TOP/scripts/vm.sh" "$1" --name "$VM" "${@:2}"; }
knows() { "$SPICETAP" record --help 2>&1 | grep -q -e "$1"; }
beats() { grep -a '^spicetap-workload: alive' "$console" | tr -d '\r'; }
beat_count() { beats | wc -l; }

clean_up() {
	local pid
	trap '' INT TERM
	for pid in $recorder $client; do
		kill -INT "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	[ ! -d "$run" ] || [ -f "$run/experiment.json" ] || conclude
	vm stop >/dev/null 2>&1 || warn "the VM $VM could not be stopped: scripts/vm.sh stop --name $VM"
}

# The verdict, its reasons and the settings, beside the recording
conclude() {
	local key
	{
		printf 'name=%s\nverdict=%s\n' "$NAME" "$verdict"
		for key in ${why[@]+"${why[@]}"}; do printf 'why=%s\n' "$key"; done
		for key in "${!set[@]}"; do printf 'set.%s=%s\n' "$key" "${set[$key]}"; done | sort
	} | python3 -c '
import json, sys
out = {"why": [], "settings": {}}
for line in sys.stdin:
    key, value = line.rstrip("\n").split("=", 1)
    if key == "why": out["why"].append(value)
    elif key.startswith("set."): out["settings"][key[4:]] = value
    else: out[key] = value
json.dump(out, sys.stdout, indent=2)' >"$run/experiment.json"
	cp "$(dirname "$console")/domain.xml" "$console" "$run/" 2>/dev/null || true
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

# The number `work` must rise from each line of the guest's to the next
check_workload() {
	local from=$1 seen
	seen=$(beats | tail -n "+$from" | sed -nE 's/.* work ([0-9]+).*/\1/p')
	awk -v want=$((1 + set[duration] / 30)) '
		NR > 1 && $1 <= last { bad = 1 } { last = $1 }
		END { exit !(NR > want && !bad) }' <<<"$seen" ||
		why+=("the workload did not run: the guest said work $(tr '\n' ' ' <<<"$seen")")
}

# What `info --json` says of losses and of the clocks
check_bundle() {
	local line
	while read -r line; do why+=("$line"); done < <("$SPICETAP" info --json "$run" | python3 -c '
import json, sys
limit = 200000 if sys.argv[1] == "qxl.xml" else 5000000
d = json.load(sys.stdin)
lost, events = d["losses"], d["events"]["count"]
if lost["places_without_count"] or lost["events"] * 1000 > events:
    print("%d of %d events lost, %d losses without a count" % (lost["events"], events, lost["places_without_count"]))
if d["state"] != "complete": print("the recording is", d["state"])
clocks = d["run"].get("clocks", [])
if sys.argv[2] == "guest" and not clocks: print("nothing of the guest: its agent did not answer, or its clock is not known")
for clock in clocks:
    errors = [10**12 if s.get("error_ns") is None else s["error_ns"] for s in clock.get("segments", [])]
    worst = max(errors, default=10**12)
    if clock.get("violations"): print("%d violations of the clock of %s" % (clock["violations"], clock.get("log")))
    if worst > limit: print("clock of %s known to %d ns only, %d allowed" % (clock.get("log"), worst, limit))
' "${set[domain]}" "$(knows --guest && echo guest)" || echo "info cannot read the run")
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
	local options=(--domain "$VM" -o "$run" -t "${set[duration]}")
	if knows --guest; then options+=(--guest auto); else note "record has no --guest: without the guest's side"; fi
	if [ "${set[client]}" = meter ] && ! knows --client; then
		note "record has no --client: spicy-stats is the client"
		set[client]=spicy-stats
	fi
	case ${set[client]} in
	meter) options+=(--client "$(vm uri)") ;;
	spicy-stats)
		GST_REGISTRY=$BUILD/gst-registry.bin spicy-stats --uri "$(vm uri)" >"$LOGS/$VM.client.log" 2>&1 &
		client=$!
		sleep 5
		kill -0 "$client" 2>/dev/null || die "the client ended" "$(cat "$LOGS/$VM.client.log")"
		;;
	esac
	wait_beat 0 120 || die "the workload gives no sign of life" "its console: $console"
	first=$(beat_count)
	log_ooms on
	"$SPICETAP" record "${options[@]}" &
	recorder=$!
	wait "$recorder" || why+=("spicetap record ended with status $?")
	recorder=
	log_ooms off
	[ -z "$client" ] || kill -0 "$client" 2>/dev/null || why+=("the client ended before the recording did")
	wait_beat "$(beat_count)" 30 || true
}

experiment() {
	local view
	settings "$@"
	VM=spicetap-$NAME
	run=$TOP/runs/$NAME-$(date +%Y%m%d-%H%M%S)
	[ "$(id -u)" = 0 ] || die "only root can start this VM and record it" "run: sudo make experiment NAME=$NAME"
	need virsh python3
	mkdir -p "$LOGS" "$TOP/runs"
	"$TOP/scripts/image.sh" "${set[guest]}"
	console=$(vm console)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	vm start "$NAME" "$@"
	vm wait 600
	record
	[ -d "$run" ] || die "there is no recording"
	check_workload "$first"
	check_bundle
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

if [ $# = 0 ]; then
	list
else
	NAME=$1
	shift
	experiment "$@"
fi
