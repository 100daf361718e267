#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the pictures of docs/report.md again: the page of a run, in light colours, and of two runs, in dark ones.
#
#   scripts/report-pictures.sh RUN OTHER [FOLDER]      FOLDER: docs/pictures
#
# Needs chromium. A picture over 150 kB is refused.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

MOST=150000
tmp=
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT

# picture PAGE FILE SIZE [OPTION...]   chromium as root needs --no-sandbox; the page is our own
picture() {
	local page=$1 file=$2 size=$3
	HOME=$tmp chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$tmp/profile" \
		--virtual-time-budget=3000 --window-size="$size" "${@:4}" --screenshot="$file" "file://$page" >"$tmp/log" 2>&1 ||
		die "chromium made no picture of $page" "$(tail -n 3 "$tmp/log")"
	[ "$(stat -c %s "$file")" -le "$MOST" ] || die "$file is larger than $MOST bytes" "a smaller window"
}

main() {
	local folder
	[ $# -ge 2 ] || die "two runs are needed" "scripts/report-pictures.sh RUN OTHER [FOLDER]"
	need chromium
	folder=$(realpath "${3:-$TOP/docs/pictures}")
	tmp=$(mktemp -d)
	"$BUILD/spicetap" report "$1" -o "$tmp/one.html"
	"$BUILD/spicetap" report "$1" "$2" -o "$tmp/two.html"
	picture "$tmp/one.html" "$folder/report.png" 1000,1080
	picture "$tmp/two.html" "$folder/report-two.png" 1400,1325 --force-device-scale-factor=0.65 \
		--force-dark-mode --blink-settings=preferredColorScheme=0
}

main "$@"
