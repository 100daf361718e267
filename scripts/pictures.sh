#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make pictures RUN=...: makes the pictures of docs/tutorial.md again, from the page of a run.
#
#   scripts/pictures.sh RUN [FOLDER]   into docs/pictures, if no FOLDER is given
#
# The run is one of `make demo`, and the text of the tutorial is about the same one.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

LARGEST=150000 # bytes of a picture

# shot NAME WIDTHxHEIGHT [SCRIPT]   a picture of the page, after SCRIPT has run in it
shot() {
	local name=$1 size=$2 script=${3:-} page=$WORK/$1.html bytes
	sed "s|</body>|<script>addEventListener('load', () => setTimeout(() => { $script }, 500));</script></body>|" \
		"$WORK/page.html" >"$page"
	HOME=$WORK chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=3000 \
		--user-data-dir="$WORK/chromium" --window-size="${size/x/,}" --screenshot="$WORK/$name.png" \
		"file://$page" 2>"$WORK/log" || die "chromium makes no picture $name" "$(tail -n 5 "$WORK/log")"
	# A palette makes it a third of the size.
	ffmpeg -v error -y -i "$WORK/$name.png" -vf 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none' \
		-frames:v 1 "$OUT/$name.png"
	bytes=$(stat -c %s "$OUT/$name.png")
	[ "$bytes" -le $LARGEST ] || die "$name.png has $bytes bytes" "at most $LARGEST: choose a smaller part of the page"
	note "$OUT/$name.png: $bytes bytes"
}

# open REF   prints a script that chooses the sentence with this reference
open() { printf '%s' "[...document.querySelectorAll('.ref')].find(r => r.textContent === '$1').parentNode.click();"; }

# first RUN   prints the reference of its first sentence
first() { "$BUILD/spicetap" explain "$1" | sed -n 's/^ *\[\([a-z0-9.]*\)\].*/\1/p' | sed -n 1p; }

main() {
	[ $# -ge 1 ] || usage
	need chromium ffmpeg
	[ -f "$1/run.json" ] || die "$1 is no run" "a run is a folder with run.json in it: make demo makes one"
	OUT=${2:-$TOP/docs/pictures}
	mkdir -p "$OUT"
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
	"$BUILD/spicetap" report "$1" -o "$WORK/page.html"
	shot tutorial-page 1200x900
	shot tutorial-sentence 1200x560 "$(open "$(first "$1")")"
}

case ${1:-} in
-h | --help) usage 0 ;;
*) main "$@" ;;
esac
