# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# desktop=gnome: GNOME Shell on Wayland, which spicetap-session has started in a session of logind's. On Wayland a
# program cannot move its window, so the shell does it: it runs with --unsafe-mode, and evaluates what we send.
# spicetap-desktop.sh sources it.
# shellcheck disable=SC2034,SC2154 # what these files share

# A window's surface begins here. Firefox counts from its corner, which lies outside the window's frame.
SURFACE_X=20 SURFACE_Y=40
WINDOW_WIDTH=1430
desktop=$(cat /run/gnome-shell.pid)
url_more="&left=$SURFACE_X&top=$SURFACE_Y"

# shell_eval CODE   prints the value of some JavaScript in GNOME Shell, as text; fails where it is false
shell_eval() {
	local said
	said=$(gdbus call --session --dest org.gnome.Shell --object-path /org/gnome/Shell \
		--method org.gnome.Shell.Eval "$1" 2>/dev/null) || return 1
	[[ $said =~ ^\(true,\ \'\"?(.*[^\"])\"?\'\)$ ]] && [ "${BASH_REMATCH[1]}" != false ] && echo "${BASH_REMATCH[1]}"
}

screen_is() {
	local until=$((SECONDS + PATIENCE))
	until shell_eval 1 >/dev/null; do
		desktop_check
		[ $SECONDS -lt $until ] || ended "GNOME Shell does not answer after $PATIENCE s" /run/desktop.log
		rest 1
	done
	# shellcheck disable=SC2016 # that is JavaScript
	say "mutter is up: $(shell_eval 'const g = global.display.get_monitor_geometry(0); `${g.width}x${g.height}`')"
	say "GL renderer: $(glxinfo -B 2>&1 | sed -nE 's/^OpenGL renderer string: //p')"
	desktop_start
}

# It begins with an overview of no windows.
desktop_lacks() {
	shell_eval '!Main.layoutManager._startingUp' >/dev/null || echo shell
	shell_eval 'Main.overview.hide(); !Main.overview.visible' >/dev/null || echo 'closed overview'
	xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q 'window id' || echo 'window manager'
}

desktop_launch() { :; } # the shell runs already

desktop_is() { echo "$(gnome-shell --version), compositor mutter, Wayland"; }

FIREFOX='const w = global.get_window_actors().map(a => a.meta_window).find(w => w.get_wm_class()?.startsWith("firefox"));'
browser_shown() { shell_eval "$FIREFOX !!w" >/dev/null; }

# Until the window is there: the page takes our word for it. A message that root has logged in would stay until the
# mouse moves.
browser_place() {
	until shell_eval "Main.messageTray.getSources().forEach(s => s.destroy());
		$FIREFOX const f = w.get_frame_rect(), b = w.get_buffer_rect();
		w.move_frame(true, $SURFACE_X + f.x - b.x, $SURFACE_Y + f.y - b.y);
		b.x === $SURFACE_X && b.y === $SURFACE_Y" >/dev/null; do
		kill -0 "$browser" 2>/dev/null || ended "firefox has ended" /run/firefox.log
		rest 1
	done
}

# The shell moves the pointer: on Wayland no program can.
mouse_moves() {
	shell_eval "const { GLib, Clutter } = imports.gi;
		global.spicetap = global.spicetap || Clutter.get_default_backend().get_default_seat()
			.create_virtual_device(Clutter.InputDeviceType.POINTER_DEVICE);
		let i = 0;
		GLib.timeout_add(GLib.PRIORITY_DEFAULT, 40, () => {
			global.spicetap.notify_absolute_motion(GLib.get_monotonic_time(), $1 + i * 20, $2 + i * i % 60);
			return ++i < 25;
		}); 1" >/dev/null
	rest 1
}
