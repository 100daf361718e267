# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The desktop, and Firefox as the player. spicetap-workload.sh sources it where the guest has one of the two. It
# writes to the serial console, when each is there:
#   spicetap-workload: xfce is up: xfwm4 4.16.1, compositor 0x1200003, panel, desktop
#   spicetap-workload: firefox plays at 50,200,1024,768
# spicetap-NAME.sh of each desktop has desktop_launch (which sets `desktop`, its process), desktop_lacks and
# desktop_is. It may put its own in place of screen_is, browser_shown, browser_place, mouse_moves and url_more.
# shellcheck disable=SC2034 # spicetap-workload.sh and the workloads use what this file sets

# Seconds for a desktop, and for a browser. In slow motion each is several of the host's, but the guest needs no more of
# those than without; scripts/vm.sh waits as long for both.
PATIENCE=$(((300 + 15 * (SPICETAP_SLOWDOWN - 1)) / SPICETAP_SLOWDOWN))
desktop=''

# ended WHAT LOG   the workload ends, and the session with it
ended() {
	say "$1; the end of $2:"
	tail -n 30 "$2" >/dev/ttyS0
	exit 1
}

desktop_start() {
	local until=$((SECONDS + PATIENCE)) lacks
	desktop_launch
	while lacks=$(desktop_lacks) && [ -n "$lacks" ]; do
		desktop_check
		[ $SECONDS -lt $until ] || ended "$SPICETAP_DESKTOP did not come up in $PATIENCE s, there is no ${lacks//$'\n'/, no }" /run/desktop.log
		rest 1
	done
	say "$SPICETAP_DESKTOP is up: $(desktop_is)"
}

desktop_check() { kill -0 "$desktop" 2>/dev/null || ended "$SPICETAP_DESKTOP has ended" /run/desktop.log; }

# Firefox in place of mpv, then what a desktop puts in place of either.
# shellcheck source=/dev/null
[ "$SPICETAP_PLAYER" != firefox ] || . /usr/local/lib/spicetap-firefox.sh
# shellcheck source=/dev/null
[ "$SPICETAP_DESKTOP" = bare ] || . "/usr/local/lib/spicetap-$SPICETAP_DESKTOP.sh"
