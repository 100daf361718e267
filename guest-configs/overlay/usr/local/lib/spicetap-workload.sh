# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the workloads share; each sources it. A workload writes to the serial console
#   spicetap-workload: started                                    once, when all of it is on the screen
#   spicetap-workload: alive 123.45 s, work 678, clip at 12 dropped 3 played 4567, idle 8.90 s
# the latter every 10 s. `work` must rise while the workload runs: that is how the host checks it. The
# clip's numbers are mpv's: the frame it has reached, the frames it had no time for, and how many frames it
# went forward since the workload began. `idle` is the time that the guest's processors had nothing to do.
# shellcheck disable=SC2034 # the workloads use what this file sets

width=${SPICETAP_SCREEN%x*} height=${SPICETAP_SCREEN#*x}
CLIP_FRAMES=1000
player='' clip_at=0 clip_dropped=0 clip_before=0 clip_played=0
terminals_x=1120 terminals_columns=100
exec 3<> <(:) # a pipe that stays empty: `read -t` on it sleeps without a process

say() { echo "spicetap-workload: $*" >/dev/ttyS0; }
rest() { read -rt "$1" -u 3 _; }
# at_most A B   prints the smaller number: on a small screen some of a window is still in view
at_most() { echo $(($1 < $2 ? $1 : $2)); }

# Reports the screen, and who draws GL where GL is used; starts the desktop.
screen_is() {
	# shellcheck disable=SC2153 # spicetap-session exports it
	if [ "$SPICETAP_X" = weston ]; then
		say "weston is up: $(grep -oE "Output '[^']+'.*" /run/weston.log | head -n 1) $(grep -oE '[0-9]+x[0-9]+@.*current' /run/weston.log | head -n 1)"
	else
		say "X is up:$(grep -oE "Output [^ ]+ using initial mode [0-9x]+" /run/xorg.log | tail -n 1 | cut -d ")" -f 2)"
	fi
	[ -z "$SPICETAP_GL" ] || say "GL renderer: $(glxinfo -B 2>&1 | sed -nE 's/^OpenGL renderer string: //p')"
	[ "$SPICETAP_DESKTOP" = bare ] || desktop_start
}

clock() {
	xterm -geometry 20x2+$((width - 200))+20 -e /usr/local/bin/spicetap-clock &
}

clock_and_terminals() {
	local x
	[ "$SPICETAP_BESIDE" = terminals ] || return 0
	x=$(at_most $terminals_x $((width - 200)))
	clock
	xterm -geometry "${terminals_columns}x42+$x+120" -e /usr/local/bin/spicetap-scroll 0 &
	xterm -geometry "${terminals_columns}x42+$x+$(at_most 780 $((height - 200)))" -e /usr/local/bin/spicetap-scroll 7 &
}

# Plays the clip in a loop, in a window at (50, 50), and returns when its first frame is shown. Newer mpv
# convert colours with zimg, which is several times slower than swscale in an emulated guest.
clip_start() {
	# shellcheck disable=SC2016 # mpv replaces these
	mpv --no-config --vo=x11 --no-audio --no-osc --no-input-default-bindings --really-quiet=no \
		--loop-file=inf --no-border --geometry=+50+50 "--autofit=$SPICETAP_CLIP" --no-keepaspect \
		--term-status-msg='at ${estimated-frame-number} dropped ${frame-drop-count}' \
		--sws-scaler=fast-bilinear --sws-fast=yes --sws-allow-zimg=no \
		"$SPICETAP_CLIP_FILE.avi" >/run/mpv.log 2>&1 &
	player=$! clip_before=0
	until tr '\r' '\n' </run/mpv.log 2>/dev/null | grep -q '^.*at [1-9]'; do
		kill -0 "$player" 2>/dev/null || {
			say "mpv has ended:"
			tail -n 5 /run/mpv.log >/dev/ttyS0
			exit 1
		}
		rest 0.5
	done
}

clip_stop() {
	clip_look
	kill "$player"
	wait "$player"
	player=''
}

# Reads mpv's last line.
clip_look() {
	local text
	[ -n "$player" ] || return
	text=$(tail -c 100 /run/mpv.log)
	[[ ${text##*$'\r'} =~ at\ ([0-9]+)\ dropped\ ([0-9]+) ]] ||
		[[ $text =~ .*at\ ([0-9]+)\ dropped\ ([0-9]+) ]] || return
	clip_at=${BASH_REMATCH[1]} clip_dropped=${BASH_REMATCH[2]}
	clip_played=$((clip_played + (clip_at - clip_before + CLIP_FRAMES) % CLIP_FRAMES))
	clip_before=$clip_at
}

# alive [WORK]   writes the line `alive`; WORK is frames of the clip if not given
alive() {
	local up idle
	[ "$SPICETAP_DESKTOP" = bare ] || desktop_check
	read -r up idle </proc/uptime
	clip_look
	say "alive $up s, work ${1:-$clip_played}, clip at $clip_at dropped $clip_dropped played $clip_played, idle $idle s"
}

# What an image with a desktop adds, and puts in place of the above.
if [ "$SPICETAP_DESKTOP" != bare ] || [ "$SPICETAP_PLAYER" != mpv ]; then
	# shellcheck source=guest-configs/overlay-desktop/usr/local/lib/spicetap-desktop.sh
	. /usr/local/lib/spicetap-desktop.sh
fi
