#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make experiments: every run of guest-configs/runs.list that results/ has not yet, one after another.
#
#   scripts/experiments.sh           goes on from where it stopped; Ctrl-C stops it
#   scripts/experiments.sh --list    what is done, what has failed, what is left and how long it takes
#
# environment
#   ONLY='PATTERN...'   only these: names of rows (005b), of runs (16a-2), shell patterns, @BATCH
#   DURATION=SECONDS    other than the list says. Such runs are no results: they go to
#                       build/results-SECONDS, unless RESULTS says where
#   RESULTS=FOLDER      in place of results/
#   RETRY=1             the refused ones again
#
# A run that is refused is done once more; refused again it is recorded as failed, with the reasons.
# One without a recording is tried again by the next `make experiments`.
# Exit 0: all there; 1: some have failed; 130, 143: interrupted.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

DURATION=${DURATION:-}
RESULTS=${RESULTS:-${DURATION:+$BUILD/results-$DURATION}}
RESULTS=${RESULTS:-$TOP/results}
PAGE=$TOP/docs/evidence.md # its tables come from results/
[ "$RESULTS" = "$TOP/results" ] || PAGE=''
read -ra ONLY <<<"${ONLY:-}"
GIVE_UP=3 # rows in a row without any recording: the machine is at fault, not the experiment
barren=0 failed=0

runs() {
	python3 "$TOP/scripts/runs.py" "$1" "$RESULTS" ${DURATION:+--duration "$DURATION"} \
		${ONLY[@]+--only "${ONLY[@]}"}
}
results() { python3 "$TOP/scripts/results.py" "$@"; }
span() { if [ "$1" -lt 3600 ]; then echo "$(($1 / 60)) min"; else echo "$(($1 / 3600)) h $(($1 % 3600 / 60)) min"; fi; }

# once RUN NAME   one attempt; the bundle is in $bundle
once() {
	local log=experiment-$1
	bundle=$TOP/runs/$1-$(date +%Y%m%d-%H%M%S)
	SPICETAP_RUN=$bundle SPICETAP_PROGRESS=60 run "$log" "$TOP/scripts/experiment.sh" "$2" \
		${DURATION:+"duration=$DURATION"} 8>&-
}

# attempt RUN NAME   at most two; what came of them is in results/RUN
attempt() {
	local try start
	for try in 1 2; do
		start=$SECONDS
		if once "$1" "$2"; then
			results keep "$bundle" "$RESULTS/$1" --name "$2" --took $((SECONDS - start)) --attempts "$try"
			barren=0
			return 0
		fi
		[ ! -d "$bundle" ] || barren=-1
		say "  $1: attempt $try of 2 is no result"
	done
	barren=$((barren + 1))
	failed=$((failed + 1))
	results fail "$bundle" "$RESULTS/$1" --name "$2" ${DURATION:+--duration "$DURATION"} --log "$LOGS/experiment-$1.log"
	[ "$barren" -lt "$GIVE_UP" ] || die "$barren rows in a row left no recording: is this machine able to run them?" \
		"the last log: $LOGS/experiment-$1.log" "when it is mended: RETRY=1 make experiments"
}

all() {
	local run name state seconds left n=0 plan total
	plan=$(runs plan)
	total=$(wc -l <<<"$plan")
	while read -r -u 7 run name state seconds left; do
		n=$((n + 1))
		[ "$state:${RETRY:-}" != failed:1 ] || state=todo
		if [ "$state" != todo ]; then
			[ "$state" = done ] || failed=$((failed + 1))
			continue
		fi
		# what the runs so far took tells how long the rest takes
		left=$(runs plan | awk -v run="$run" '$1 == run { print $5 }')
		say "[$n/$total] $run: about $(span "$seconds"), all that is left $(span "$left")"
		attempt "$run" "$name"
		results pages "$RESULTS" ${PAGE:+"$PAGE"}
	done 7<<<"$plan"
	say "$((total - failed)) of $total are in $RESULTS, $failed have failed"
	[ "$failed" = 0 ]
}

case ${1:-} in
--list) runs list && exit ;;
'') ;;
*) sed -n '3,/^set /s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
[[ $DURATION =~ ^([1-9][0-9]{0,5})?$ ]] || die "DURATION=$DURATION: not a number of seconds"
[ "$(id -u)" = 0 ] || die "only root can start the VMs and record them" "run: sudo make experiments"
mkdir -p "$BUILD" "$TOP/runs"
exec 8>"$BUILD/.experiments.lock"
flock -n 8 || die "make experiments is running already in this tree"
all
