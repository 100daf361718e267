# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The desktop, and Firefox as the player. spicetap-workload.sh sources it where the guest has one of the two. It
# writes to the serial console, when each is there:
#   spicetap-workload: xfce is up: xfwm4 4.16.1, compositor 0x1200003, panel, desktop
#   spicetap-workload: firefox plays at 50,200,1024,768
# shellcheck disable=SC2034 # spicetap-workload.sh and the workloads use what this file sets

PATIENCE=300 # seconds for a desktop, and for a browser: an emulated guest takes a minute and more
desktop=''

# ended WHAT LOG   the workload ends, and the session with it
ended() {
	say "$1; the end of $2:"
	tail -n 30 "$2" >/dev/ttyS0
	exit 1
}

# ---- the desktop -----------------------------------------------------------------------------

# Prints what is not there yet of a desktop that a user could work with.
desktop_lacks() {
	xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 'window id' || echo 'window manager'
	/usr/local/lib/spicetap-selection _NET_WM_CM_S0 >/run/compositor 2>/dev/null || echo compositor
	xdotool search --onlyvisible --class xfce4-panel >/dev/null 2>&1 || echo panel
	xdotool search --onlyvisible --class xfdesktop >/dev/null 2>&1 || echo desktop
}

desktop_start() {
	local until=$((SECONDS + PATIENCE)) lacks
	export XDG_RUNTIME_DIR=/run/user/0 XDG_CURRENT_DESKTOP=XFCE DESKTOP_SESSION=xfce NO_AT_BRIDGE=1
	mkdir -p "$XDG_RUNTIME_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"
	eval "$(dbus-launch --sh-syntax)"
	xfce4-session >/run/desktop.log 2>&1 &
	desktop=$!
	while lacks=$(desktop_lacks) && [ -n "$lacks" ]; do
		kill -0 $desktop 2>/dev/null || ended "xfce has ended" /run/desktop.log
		[ $SECONDS -lt $until ] || ended "xfce did not come up in $PATIENCE s, there is no ${lacks//$'\n'/, no }" /run/desktop.log
		rest 1
	done
	say "xfce is up: $(xfwm4 --version 2>/dev/null | grep -oE 'xfwm4 version [0-9.]+' | sed 's/version //'), compositor $(cat /run/compositor), panel, desktop"
}

desktop_check() { kill -0 "$desktop" 2>/dev/null || ended "xfce has ended" /run/desktop.log; }

# ---- Firefox in place of mpv -----------------------------------------------------------------

[ "$SPICETAP_PLAYER" = firefox ] || return 0

CLIP_X=50 CLIP_Y=200 # below the browser's own bars
WINDOW_X=20 WINDOW_Y=40 WINDOW_WIDTH=1450 WINDOW_HEIGHT=1130
terminals_x=1480 terminals_columns=68
browser=''
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

# browser_start PAGE
browser_start() {
	local url window until=$((SECONDS + PATIENCE)) w h
	# shellcheck disable=SC2154 # spicetap-workload.sh sets width and height
	w=$(at_most "$WINDOW_WIDTH" $((width - WINDOW_X))) h=$(at_most "$WINDOW_HEIGHT" $((height - WINDOW_Y)))
	url="http://127.0.0.1:8000/clip.html?page=$1&file=$(basename "${SPICETAP_CLIP_FILE:-clip-$SPICETAP_CLIP}").webm"
	url+="&x=$CLIP_X&y=$CLIP_Y&w=${SPICETAP_CLIP%x*}&h=${SPICETAP_CLIP#*x}"
	busybox httpd -p 127.0.0.1:8000 -h /opt/spicetap/page -c /opt/spicetap/httpd.conf
	mkdir -p /run/firefox
	cp /opt/spicetap/user.js /run/firefox/
	firefox-esr --no-remote --profile /run/firefox --width "$w" --height "$h" "$url" >/run/firefox.log 2>&1 &
	browser=$!
	until window=$(browser_window) && [ -n "$window" ]; do
		kill -0 $browser 2>/dev/null || ended "firefox has ended" /run/firefox.log
		[ $SECONDS -lt $until ] || ended "firefox opened no window in $PATIENCE s" /run/firefox.log
		rest 1
	done
	xdotool windowsize "$window" "$w" "$h" windowmove "$window" "$WINDOW_X" "$WINDOW_Y"
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

# Moves the mouse over the clip for a second, as a user does, every 7 s: the page's controls come and go.
mouse() {
	local i steps
	while rest 6 || :; do
		steps=()
		for ((i = 0; i < 25; i++)); do
			steps+=(mousemove $((CLIP_X + 100 + i * 20)) $((CLIP_Y + 300 + i * i % 60)) sleep 0.04)
		done
		xdotool "${steps[@]}"
	done
}
