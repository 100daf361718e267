#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make experiments: makes every run of guest-configs/runs.list that results/ lacks, one after another.
#
#   scripts/experiments.sh           goes on where it stopped; Ctrl-C stops it
#   scripts/experiments.sh --list    what is done, what has failed, what is left and how long it takes
#
# environment
#   ONLY='PATTERN...'   only these rows (005b) or runs (16a-2); shell patterns, or @BATCH
#   DURATION=SECONDS    another duration than the list has. Such runs are no results: they go to
#                       build/results-SECONDS unless RESULTS names another folder
#   RESULTS=FOLDER      in place of results/
#   RETRY=1             make the refused runs again
#
# A refused run is made once more. Refused again, it is recorded as failed, with the reasons. A run that
# left no recording is tried again by the next `make experiments`.
# Exit 0: all are there. 1: some have failed. 130, 143: interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

DURATION=${DURATION:-}
RESULTS=${RESULTS:-${DURATION:+$BUILD/results-$DURATION}}
RESULTS=${RESULTS:-$TOP/results}
read -ra ONLY <<<"${ONLY:-}"
GIVE_UP=3 # rows in a row without any recording: the machine is at fault, not the experiment
barren=0 failed=0

# runs plan|list   the runs that ONLY and DURATION select
runs() {
	local options=()
	[ -z "$DURATION" ] || options+=(--duration "$DURATION")
	[ ${#ONLY[@]} -eq 0 ] || options+=(--only "${ONLY[@]}")
	lab "$1" "$RESULTS" "${options[@]}"
}
span() { if [ "$1" -lt 3600 ]; then echo "$(($1 / 60)) min"; else echo "$(($1 / 3600)) h $(($1 % 3600 / 60)) min"; fi; }

# once RUN NAME   one attempt; sets $bundle
once() {
	local log=experiment-$1
	bundle=$(new_run "$1")
	SPICETAP_RUN=$bundle SPICETAP_PROGRESS=60 run "$log" "$TOP/scripts/experiment.sh" "$2" \
		${DURATION:+"duration=$DURATION"} 8>&-
}

# attempt RUN NAME   tries at most twice, and leaves a row or the reasons in results/RUN
attempt() {
	local try start
	for try in 1 2; do
		start=$SECONDS
		if once "$1" "$2"; then
			lab keep "$bundle" "$RESULTS/$1" --name "$2" --took $((SECONDS - start)) --attempts "$try"
			barren=0
			return 0
		fi
		[ ! -d "$bundle" ] || barren=-1
		say "  $1: attempt $try of 2 is no result"
	done
	barren=$((barren + 1))
	failed=$((failed + 1))
	lab fail "$bundle" "$RESULTS/$1" --name "$2" ${DURATION:+--duration "$DURATION"} --log "$LOGS/experiment-$1.log"
	[ "$barren" -lt "$GIVE_UP" ] || die "$barren rows in a row left no recording: can this machine run them?" \
		"the last log: $LOGS/experiment-$1.log" "once it can: RETRY=1 make experiments"
}

all() {
	local run name state seconds left n=0 plan total
	plan=$(runs plan)
	total=$(wc -l <<<"$plan")
	while read -r -u 7 run name state seconds left; do
		n=$((n + 1))
		[ "$state:${RETRY:-}" != failed:1 ] || state=todo
		if [ "$state" != todo ]; then
			[ "$state" = "done" ] || failed=$((failed + 1))
			continue
		fi
		# Each run that is made improves the estimate for the rest.
		left=$(runs plan | awk -v run="$run" '$1 == run { print $5 }')
		say "[$n/$total] $run: about $(span "$seconds"), all that is left $(span "$left")"
		attempt "$run" "$name"
		lab pages "$RESULTS"
	done 7<<<"$plan"
	say "$((total - failed)) of $total are in $RESULTS, $failed have failed"
	[ "$failed" = 0 ]
}

case ${1:-} in
--list)
	runs list
	exit
	;;
-h | --help) usage 0 ;;
'') ;;
*) usage ;;
esac
[[ $DURATION =~ ^([1-9][0-9]{0,5})?$ ]] || die "DURATION=$DURATION: not a number of seconds"
[ "$(id -u)" = 0 ] || die "only root can start the VMs and record them" "run: sudo make experiments"
mkdir -p "$BUILD" "$TOP/runs"
exec 8>"$BUILD/.experiments.lock"
flock -n 8 || die "make experiments is running already in this tree"
all
