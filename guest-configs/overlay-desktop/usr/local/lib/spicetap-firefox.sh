# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# player=firefox: the clip in a page of Firefox in place of mpv. spicetap-desktop.sh sources it.
# shellcheck disable=SC2034,SC2154 # what these files share

CLIP_X=50 CLIP_Y=200 # below the browser's own bars
WINDOW_X=20 WINDOW_Y=40 WINDOW_WIDTH=1450 WINDOW_HEIGHT=1130
terminals_x=1480 terminals_columns=68
browser='' url_more=''
declare -A page=()

# Reads the page's last report: n, state, at, painted, dropped, box, whole.
page_read() {
	local line word words
	read -r line 2>/dev/null </run/spicetap-page || return 1
	IFS='&' read -ra words <<<"${line//%2C/,}"
	for word in "${words[@]}"; do page[${word%%=*}]=${word#*=}; done
}

# True where the whole clip is in view, at its place, and a second of it has been painted since FRAMES.
page_plays() {
	page_read && [ "${page[state]}" = playing ] && [ "${page[whole]}" = 1 ] &&
		[ "${page[box]}" = "$CLIP_X,$CLIP_Y,${SPICETAP_CLIP/x/,}" ] && [ "${page[painted]}" -ge $(($1 + 25)) ]
}

# page_until WHAT CONDITION...   waits until it holds; WHAT is what Firefox does then
page_until() {
	local until=$((SECONDS + PATIENCE)) what=$1
	shift
	until "$@"; do
		kill -0 "$browser" 2>/dev/null || ended "firefox has ended" /run/firefox.log
		[ $SECONDS -lt $until ] || ended "firefox does not $what after $PATIENCE s, the page says: $(cat /run/spicetap-page 2>&1)" /run/firefox.log
		rest 1
	done
}

page_scrolls() { page_read && [ "${page[state]}" = scrolling ] && [ "${page[painted]}" -gt 0 ]; }

# Opens a long text that scrolls by itself.
article_start() {
	echo play >/run/spicetap-order
	browser_start article
	page_until 'scroll the article' page_scrolls
	say "firefox shows an article"
}

browser_window() { xdotool search --onlyvisible --classname Navigator 2>/dev/null | tail -n 1; }
browser_shown() { [ -n "$(browser_window)" ]; }
browser_place() {
	local window
	window=$(browser_window)
	xdotool windowsize "$window" "$1" "$2" windowmove "$window" "$WINDOW_X" "$WINDOW_Y"
}

# browser_start PAGE
browser_start() {
	local url until=$((SECONDS + PATIENCE)) w h
	w=$(at_most "$WINDOW_WIDTH" $((width - WINDOW_X))) h=$(at_most "$WINDOW_HEIGHT" $((height - WINDOW_Y)))
	url="http://127.0.0.1:8000/clip.html?page=$1&file=$(basename "${SPICETAP_CLIP_FILE:-clip-$SPICETAP_CLIP}").webm"
	url+="&x=$CLIP_X&y=$CLIP_Y&w=${SPICETAP_CLIP%x*}&h=${SPICETAP_CLIP#*x}&pause=$SPICETAP_PAUSE$url_more"
	busybox httpd -p 127.0.0.1:8000 -h /opt/spicetap/page -c /opt/spicetap/httpd.conf
	mkdir -p /run/firefox
	cp /opt/spicetap/user.js /run/firefox/
	firefox-esr --no-remote --profile /run/firefox --width "$w" --height "$h" "$url" >/run/firefox.log 2>&1 &
	browser=$!
	until browser_shown; do
		kill -0 $browser 2>/dev/null || ended "firefox has ended" /run/firefox.log
		[ $SECONDS -lt $until ] || ended "firefox opened no window in $PATIENCE s" /run/firefox.log
		rest 1
	done
	browser_place "$w" "$h"
}

clip_start() {
	echo play >/run/spicetap-order
	[ -n "$browser" ] || browser_start "$SPICETAP_PAGE"
	page_until 'play the clip' page_plays "${page[painted]:-0}"
	player=$browser
	say "firefox plays at ${page[box]}"
	[ "$SPICETAP_PAGE:${0##*-}" != player:video ] || mouse &
}

clip_stop() {
	clip_look
	echo stop >/run/spicetap-order
	player=''
}

clip_look() {
	[ -n "$player" ] && page_read || return
	clip_at=${page[at]} clip_dropped=${page[dropped]} clip_played=${page[painted]}
}

# mouse_moves X Y   moves the mouse from there for a second
mouse_moves() {
	local i steps=()
	for ((i = 0; i < 25; i++)); do
		steps+=(mousemove $(($1 + i * 20)) $(($2 + i * i % 60)) sleep 0.04)
	done
	xdotool "${steps[@]}"
}

# Moves the mouse over the clip for a second, as a user does, every 7 s: the page's controls come and go.
mouse() {
	while rest 6 || :; do
		mouse_moves $((CLIP_X + 100)) $((CLIP_Y + 300))
	done
}
