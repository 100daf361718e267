#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Compares the pictures that a run's client kept with the clip's own frames (SSIM, ffmpeg's filter), and
# writes the result into the run: ssim.json. It needs no guest.
#
#   scripts/ssim.sh RUN...              with the clip that the run's player played, from the cache or made anew
#   scripts/ssim.sh --clip FILE RUN...  with that clip
#
# docs/meter.md says what SSIM means here. Exit 0: all are compared. 1: one could not be.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

clip=
case ${1:-} in
-h | --help) usage 0 ;;
--clip)
	[ $# -ge 3 ] || usage
	clip=$2
	shift 2
	;;
'' | -*) usage ;;
esac
need ffmpeg python3
for run in "$@"; do
	[ -f "$run/client.json" ] || die "$run: no run with a client: it has no client.json"
	kind=avi
	! grep -qsE '"player": ?"firefox"' "$run/experiment.json" || kind=webm
	folder=$clip
	[ -n "$folder" ] || folder=$("$TOP/scripts/image.sh" --clip $kind)
	lab ssim "$run" "$folder"
done
