#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make batch NAME=...: makes every run of guest-configs/batches/NAME.batch, block by block, into runs/batches/NAME.
#
#   scripts/batch.sh                       lists the batches
#   scripts/batch.sh NAME                  begins it, or goes on where it stopped; Ctrl-C stops it
#   scripts/batch.sh --list NAME           what is done, what has failed, what is left and how long it takes
#   scripts/batch.sh --dry-run NAME        checks the settings and prints what would run, in its order
#   scripts/batch.sh --table NAME          the figures of what is done, and the differences within blocks
#   scripts/batch.sh --plateau ROW [KEY=VALUE]...
#                                          the pilot of a row: slow motion by 1, 2, 4, 8, 16 and 32. ROW is a row
#                                          of a batch (memory/ram64) or an experiment. With --list, --dry-run or
#                                          --table before it: of the pilot
#   --as FOLDER                            runs/batches/FOLDER in place of runs/batches/NAME
#
# A batch is one host's; on another one it goes no further. A run that failed or was refused is made once more, at the
# end of its block. docs/dev/experiments.md explains the rest.
# Exit 0: every run is a row. 1: some have failed, or a refusal. 130, 143: interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

what='make' options=() names=()
while [ $# -gt 0 ]; do
	case $1 in
	--list | --dry-run | --table) what=${1#--} ;;
	--plateau) options+=(--plateau) ;;
	--as)
		[ $# -ge 2 ] || usage
		options+=(--as "$2")
		shift
		;;
	-h | --help) usage 0 ;;
	-*) usage ;;
	*) names+=("$1") ;;
	esac
	shift
done
if [ ${#names[@]} -eq 0 ]; then
	[ ${#options[@]} -eq 0 ] || usage
	case $what in make | list) what=names ;; *) usage ;; esac
elif [ "$what" = make ]; then
	[ "$(id -u)" = 0 ] || die "only root can start the VMs and record them" "run: sudo scripts/batch.sh ${names[*]}"
	need virsh
fi
# In place of this shell: a signal to the script is then one to what makes the runs.
PYTHONPATH=$TOP/scripts exec python3 -P -m spicetap_lab "batch-$what" "${options[@]}" "${names[@]}"
