# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# desktop=xfce: XFCE on X, with its compositor. spicetap-desktop.sh sources it.
# shellcheck disable=SC2034 # spicetap-desktop.sh uses what this file sets

# Prints what is not there yet of a desktop that a user could work with.
desktop_lacks() {
	xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 'window id' || echo 'window manager'
	/usr/local/lib/spicetap-selection _NET_WM_CM_S0 >/run/compositor 2>/dev/null || echo compositor
	xdotool search --onlyvisible --class xfce4-panel >/dev/null 2>&1 || echo panel
	xdotool search --onlyvisible --class xfdesktop >/dev/null 2>&1 || echo desktop
}

desktop_launch() {
	export XDG_RUNTIME_DIR=/run/user/0 XDG_CURRENT_DESKTOP=XFCE DESKTOP_SESSION=xfce NO_AT_BRIDGE=1
	mkdir -p "$XDG_RUNTIME_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"
	eval "$(dbus-launch --sh-syntax)"
	xfce4-session >/run/desktop.log 2>&1 &
	desktop=$!
}

desktop_is() {
	echo "xfwm4 $(xfwm4 --version 2>/dev/null | sed -nE 's/.*xfwm4 version ([0-9.]+).*/\1/p'), compositor $(cat /run/compositor), panel, desktop"
}
