#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Starts and stops a VM of guest-configs/ under libvirt (qemu:///system), on a throw-away overlay of its image.
#
#   scripts/vm.sh start [--name NAME] [--debug] [CONFIG] [KEY=VALUE]...
#                       CONFIG is guest-configs/CONFIG.vm, CONFIG.experiment or a row of runs.list,
#                       `demo` if not given; KEY=VALUE changes it.
#                       --debug: G_MESSAGES_DEBUG=Spice, spice-server's debug messages in the QEMU log
#   scripts/vm.sh wait [--name NAME] [SECONDS]   waits until the guest's workload runs
#   scripts/vm.sh stop [--name NAME]             removes the VM, its overlay, and libvirtd if we started
#                       it; moves the QEMU log of the VM to build/log. A VM that this tree did not start
#                       is left alone
#   scripts/vm.sh name [KIND]                   prints the name of this tree's VM for demo, or for KIND
#   scripts/vm.sh status|uri|pid|log|console|port [--name NAME]
#                       port: the unix socket that is /dev/virtio-ports/org.spicetap.0 in the guest
#   scripts/vm.sh apparmor                      prints what AppArmor's rules for VMs lack, so that it can stay on
#   scripts/vm.sh accelerator                   prints kvm or qemu: what would run the guest
#   scripts/vm.sh slowdown [CONFIG] [KEY=VALUE]...   prints how many times slower its clocks would be
#
# environment
#   SPICETAP_GUEST=FILE        the agent for the guest, in place of build/spicetap-guest; empty: none
#   SPICETAP_FAKETIME=FILE     the libfaketime for slow motion, in place of Debian's
#   SPICETAP_ACCEL=kvm|qemu    what runs the guest; else KVM where the processor has it
#   SPICETAP_OWNER=PID         the script whose VM it is: if it was killed, the next start removes its VM
#
# NAME is spicetap-demo-XXXX unless given, where XXXX stands for this tree: two trees on one host have VMs of their
# own. The files of a VM are in build/vm/NAME. If libvirtd and virtlogd run, they are used. If not (no systemd), the
# first VM of any tree starts them, and the last one stops them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

CONFIGS=$TOP/guest-configs
VMS=$BUILD/vm
vm_name() { printf 'spicetap-%s-%s\n' "$1" "$(clone_mark)"; }
NAME=$(vm_name demo)
# Of all trees on this host: the pids of the daemons that one of them started.
DAEMONS=$VMS
[ "$(id -u)" != 0 ] || DAEMONS=${SPICETAP_DAEMONS:-/run/spicetap}
export LIBVIRT_DEFAULT_URI=qemu:///system

# ---- libvirt's daemons -----------------------------------------------------------------------

# On a terminal virsh would look for polkit, and complain: it gets none.
virsh() { setsid --wait virsh "$@"; }

libvirt_answers() { virsh -q version >/dev/null 2>&1; }

# A device that libvirt's user may not open takes the place of /dev/kvm. (Of one that it may open, libvirt thinks that KVM
# has just become usable, and asks each QEMU anew what it can do: half a minute for each VM.)
without_kvm() {
	local instead=$DAEMONS/no-kvm
	rm -f "$instead"
	mknod -m 0 "$instead" c 1 3 2>/dev/null || instead=/dev/null # some containers may not
	# shellcheck disable=SC2016 # the inner shell expands them
	unshare --mount --propagation private sh -c 'mount --bind "$0" /dev/kvm && exec "$@"' "$instead" "$@"
}

# daemon_start [without_kvm] NAME ARGUMENT...   leaves the pid in a file
daemon_start() {
	local in=() name
	[ "$1" != without_kvm ] || in=(without_kvm) && shift "${#in[@]}"
	name=$1
	shift
	"${in[@]}" "$name" --daemon --pid-file "$DAEMONS/$name.pid" "$@" >"$DAEMONS/$name.out" 2>&1 9>&- || {
		sed 's/^/  | /' "$DAEMONS/$name.out" >&2
		die "cannot start $name"
	}
}

# daemon_stop NAME   only if daemon_start started it, for this tree or another, and the pid is still that daemon
daemon_stop() {
	local pid i
	[ -f "$DAEMONS/$1.pid" ] || return 0
	pid=$(cat "$DAEMONS/$1.pid")
	if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then
		kill "$pid" 2>/dev/null || true
		for ((i = 0; i < 100; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
	fi
	rm -f "$DAEMONS/$1.pid" "$DAEMONS/$1.out"
}

# libvirt probes every installed QEMU, and does so again and again where KVM is there and does not work.
# Where no VM of ours uses KVM, libvirtd must not see it.
libvirtd_start() {
	if [ -e /dev/kvm ] && [ "$(accelerator)" = qemu ]; then
		daemon_start without_kvm libvirtd
	else
		daemon_start libvirtd
	fi
}

libvirt_start() {
	libvirt_answers && return 0
	need libvirtd virtlogd virsh
	[ ! -d /run/systemd/system ] || die "libvirt does not answer at $LIBVIRT_DEFAULT_URI" \
		"start it: systemctl start libvirtd"
	[ "$(id -u)" = 0 ] || die "libvirt does not answer at $LIBVIRT_DEFAULT_URI" \
		"start libvirtd (systemctl start libvirtd), or run this as root"
	mkdir -p /run/libvirt "$DAEMONS"
	if [ ! -S /run/libvirt/virtlogd-sock ] || ! pidof -q virtlogd; then
		# tests count lines of a VM's log: virtlogd must not rotate it
		echo 'max_size = 0' >"$DAEMONS/virtlogd.conf"
		daemon_start virtlogd -f "$DAEMONS/virtlogd.conf"
	fi
	libvirtd_start
	local i
	for ((i = 0; i < 150; i++)); do
		libvirt_answers && return 0
		sleep 0.1
	done
	die "libvirtd was started but does not answer at $LIBVIRT_DEFAULT_URI"
}

# Stops the daemons that we started, with the last VM of this host.
libvirt_stop() {
	[ -f "$DAEMONS/libvirtd.pid" ] || [ -f "$DAEMONS/virtlogd.pid" ] || return 0
	local others
	others=$(virsh -q list --name 2>/dev/null) || return 0
	[ -z "$(tr -d '[:space:]' <<<"$others")" ] || return 0
	daemon_stop libvirtd
	daemon_stop virtlogd
	rm -f "$DAEMONS/virtlogd.conf" "$DAEMONS/no-kvm"
	rmdir "$DAEMONS" 2>/dev/null || true
}

# ---- the domain ------------------------------------------------------------------------------

declare -A vm=()
declare -a overrides=()

# vm_config NAME   fills `vm` with the settings of that name and the overrides
vm_config() {
	local line text
	text=$(lab settings --vm "$1" "${overrides[@]}") || exit 1
	while IFS= read -r line; do vm[${line%%=*}]=${line#*=}; done <<<"$text"
}

emulator() {
	local e=${SPICETAP_QEMU:-$BUILD/stack/bin/qemu-system-x86_64}
	[ -x "$e" ] || die "$e does not exist" "run: make stack"
	printf '%s\n' "$e"
}

# may_read USER:GROUP FILE...   true where that user may read all of them
may_read() {
	local file
	for file in "${@:2}"; do
		setpriv --reuid="${1%:*}" --regid="${1#*:}" --clear-groups test -r "$file" || return 1
	done
}

# Prints the numbers UID:GID that QEMU runs as: whoever calls this. Root does not: then it is libvirt's own user, where
# that one may read what QEMU needs.
qemu_user() {
	local own dir=$1
	if [ "$(id -u)" != 0 ]; then
		printf '%s:%s\n' "$(id -u)" "$(id -g)"
		return
	fi
	own=$(virsh capabilities | sed -n "/<model>dac</,/<.secmodel>/ s/.*<baselabel type='kvm'>+\([0-9]*\):+\([0-9]*\)<.*/\1:\2/p")
	own=${own:-0:0}
	if ! may_read "$own" "$dir/base.qcow2" "$dir/vmlinuz" "$dir/initrd" "$(emulator)"; then
		warn "QEMU runs as root: libvirt's user ($own) cannot read $dir, or the emulator" \
			"(a folder above them is closed to others)"
		own=0:0
	fi
	printf '%s\n' "$own"
}

# Where AppArmor is on, its profile for VMs allows no emulator outside /usr, unless `vm.sh apparmor` was added to it.
APPARMOR=/etc/apparmor.d/local/abstractions/libvirt-qemu
apparmor() {
	local emulator
	emulator=$(emulator) || exit 1
	cat <<-RULES
		  # spicetap's build: scripts/vm.sh apparmor
		  "$emulator" rmix,
		  "$BUILD/stack/**" mr,
		  /usr/lib/*/faketime/*.so.1 mr,
		  /dev/shm/*faketime* rwk,
	RULES
}

# seclabels UID:GID
seclabels() {
	local models
	models=$(virsh capabilities)
	if grep -q '<model>dac</model>' <<<"$models"; then
		printf "<seclabel type='static' model='dac' relabel='no'><label>+%d:+%d</label></seclabel>" "${1%:*}" "${1#*:}"
	fi
	if grep -q '<model>apparmor</model>' <<<"$models" && ! grep -qsF "\"$(emulator)\" rmix," "$APPARMOR"; then
		warn "AppArmor is off for $NAME: its rules do not know the emulator of this tree." \
			"To add them: scripts/vm.sh apparmor | sudo tee -a $APPARMOR"
		printf "<seclabel type='none' model='apparmor'/>"
	fi
}

# Prints how many times slower the clocks of the VM in `vm` are: its `slowdown`. With KVM the guest has the
# speed of a real one, and its clocks are not ours to slow.
slowdown() {
	local by=${vm[slowdown]:-1}
	[ "$(accelerator)" = qemu ] || by=1
	[ "$by" = 1 ] || faketime_library >/dev/null || exit 1
	printf '%s\n' "$by"
}

environment() {
	local lib=${SPICETAP_SPICE_LIB-$BUILD/stack/lib} by
	by=$(slowdown)
	[ "$by" = 1 ] || printf "<qemu:env name='LD_PRELOAD' value='%s'/><qemu:env name='FAKETIME' value='%s'/>" \
		"$(faketime_library)" "$(faketime_factor "$by")"
	[ -z "$lib" ] || printf "<qemu:env name='LD_LIBRARY_PATH' value='%s'/>" "$lib"
	[ -z "${vm[bitrate]:-}" ] || printf "<qemu:env name='SPICE_BIT_RATE' value='%s'/>" "${vm[bitrate]}"
	[ -z "$debug" ] || printf "<qemu:env name='G_MESSAGES_DEBUG' value='Spice'/>"
}

# Prints kvm or qemu (libvirt's name of emulation). In some clouds /dev/kvm is there without the
# processor's own virtualisation: Debian's kernel does not boot on that.
accelerator() {
	case ${SPICETAP_ACCEL:-} in
	kvm | qemu) printf '%s\n' "$SPICETAP_ACCEL" && return ;;
	'') ;;
	*) die "SPICETAP_ACCEL=$SPICETAP_ACCEL: it must be kvm or qemu" ;;
	esac
	if [ -r /dev/kvm ] && [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
		echo kvm
	else
		echo qemu
	fi
}

# words_for_session KEY...   prints the guest's kernel words of these settings, those that are set
words_for_session() {
	local key
	for key in "$@"; do
		[ -z "${vm[$key]:-}" ] || printf ' spicetap.%s=%s' "$key" "${vm[$key]}"
	done
}

domain_xml() {
	local dir=$1 user=$2 type cpu='' timer='' text
	type=$(accelerator)
	[ "$type" = qemu ] || cpu="<cpu mode='host-passthrough'/>"
	# In slow motion the timer that Linux tests at boot seems dead: it would panic.
	[ "$(slowdown)" = 1 ] || timer=" no_timer_check spicetap.slowdown=$(slowdown)"
	text=$(cat "$CONFIGS/${vm[domain]}")
	text=${text//@TYPE@/$type}
	text=${text//@CPU@/$cpu}
	text=${text//@DOMAIN@/$NAME}
	text=${text/<\/name>/<\/name><uuid>$(cat "$dir/uuid")<\/uuid>}
	text=${text//@MEMORY@/${vm[memory]}}
	text=${text//@KERNEL@/$dir/vmlinuz}
	text=${text//@INITRD@/$dir/initrd}
	text=${text//@CMDLINE@/root=/dev/vda console=ttyS0 quiet mitigations=off$timer spicetap.x=${vm[x]} spicetap.screen=${vm[screen]} spicetap.workload=${vm[workload]}$(words_for_session clip bars desktop player page pause beside activity)}
	text=${text//@EMULATOR@/$(emulator)}
	text=${text//@DISK@/$dir/disk.qcow2}
	text=${text//@CONSOLE@/$dir/console.log}
	text=${text//@PORT@/$(port)}
	text=${text//@COMPRESSION@/${vm[compression]}}
	text=${text//@STREAMING@/${vm[streaming]}}
	# virtio-vga has no ram, vram and vgamem.
	text=${text//@RAM_KIB@/$((${vm[ram]:-0} * 1024))}
	text=${text//@VRAM_KIB@/$((${vm[vram]:-0} * 1024))}
	text=${text//@VGAMEM_KIB@/$((${vm[vgamem]:-0} * 1024))}
	# mutter takes the size that the device prefers; for X spicetap-session sets it.
	text=${text//@RESOLUTION@/$([ "${vm[x]}" != mutter ] || printf "<resolution x='@WIDTH@' y='@HEIGHT@'/>")}
	text=${text//@WIDTH@/${vm[screen]%x*}}
	text=${text//@HEIGHT@/${vm[screen]#*x}}
	# With <graphics type=egl-headless> libvirt wants a render node, and refuses to start without one.
	if compgen -G '/dev/dri/renderD*' >/dev/null; then
		text=${text//@EGL_GRAPHICS@/<graphics type=\'egl-headless\'\/>}
		text=${text//@EGL_ARGUMENTS@/}
	else
		text=${text//@EGL_GRAPHICS@/}
		text=${text//@EGL_ARGUMENTS@/<qemu:arg value=\'-display\'\/><qemu:arg value=\'egl-headless\'\/>}
	fi
	text=${text//@SECLABELS@/$(seclabels "$user")}
	text=${text//@ENVIRONMENT@/$(environment)}
	printf '%s\n' "$text" >"$dir/domain.xml"
}

# put_agent FOLDER   copies the agent there; where it is not built, the guest runs without it
put_agent() {
	local extra=$1 agent=${SPICETAP_GUEST-$BUILD/spicetap-guest}
	[ -n "$agent" ] || return 0
	if [ ! -x "$agent" ]; then
		warn "$agent does not exist: no agent in the guest (run: make guest)"
		return 0
	fi
	mkdir -p "$extra"/usr/local/sbin "$extra"/etc/systemd/system/spicetap.target.wants
	install -m 755 "$agent" "$extra/usr/local/sbin/spicetap-guest"
	install -m 644 "$TOP/guest/spicetap-guest.service" "$extra/etc/systemd/system/"
	ln -s ../spicetap-guest.service "$extra/etc/systemd/system/spicetap.target.wants/"
}

# Makes the guest's initrd: the image's, followed by an archive that initrd-init copies into the guest.
# So a new agent or qxl driver needs no new image.
initrd() {
	local dir=$1 image=$2 extra=$1/extra/extra driver
	cp --reflink=auto "$image/initrd" "$dir/initrd"
	mkdir -p "$extra"
	put_agent "$extra"
	if [ "${vm[driver]:-stock}" = tight ]; then
		driver=$("$TOP/scripts/qxl-driver.sh" "${vm[guest]}")
		cp -r "$driver/." "$extra/"
	fi
	(cd "$dir/extra" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0) >>"$dir/initrd"
	rm -rf "$dir/extra"
}

# The image's files for the VM, in DIR. As hard links: the cache may lie in a home that is closed to QEMU's user.
disk() {
	local dir=$1 image=$2 name
	for name in vmlinuz base.qcow2; do
		ln "$image/${name/base/disk}" "$dir/$name" 2>/dev/null || ln -s "$image/${name/base/disk}" "$dir/$name"
	done
	qemu-img create -q -f qcow2 -F qcow2 -b "$dir/base.qcow2" "$dir/disk.qcow2"
}

# Prints QEMU's end of the guest's port. A socket's name has at most 107 bytes (unix(7)): where the tree
# lies too deep, the socket is in /run.
port() {
	local path=$VMS/$NAME/guest.sock
	[ ${#path} -lt 108 ] || path=/run/spicetap-port/$NAME.sock
	printf '%s\n' "$path"
}

# Prints the display device in a few words.
device() {
	printf '%s' "${vm[domain]%.xml}"
	[ "${vm[domain]}" != qxl.xml ] || printf ' ram %s vram %s vgamem %s MiB' "${vm[ram]}" "${vm[vram]}" "${vm[vgamem]}"
}

running() { [ "$(virsh -q domstate "$NAME" 2>/dev/null | head -n 1)" ]; }

# Did this tree start the VM that runs under the name?
ours() { [ "$(cat "$VMS/$NAME/uuid" 2>/dev/null)" = "$(virsh -q domuuid "$NAME" 2>/dev/null | head -n 1)" ]; }

# Was the script that started it killed, so that it could not stop it?
orphaned() {
	local pid start
	read -r pid start 2>/dev/null <"$VMS/$NAME/owner" || return 1
	[ "$(started_at "$pid")" != "$start" ]
}

note_owner() {
	[ -z "${SPICETAP_OWNER:-}" ] || printf '%s %s\n' "$SPICETAP_OWNER" "$(started_at "$SPICETAP_OWNER")"
}

# The name must be free. What a killed script left under it goes.
name_is_free() {
	running || return 0
	ours || die "a VM named $NAME is there already, and this tree did not start it" "name another: --name NAME"
	orphaned || die "a VM named $NAME is there already" "stop it: scripts/vm.sh stop --name $NAME"
	note "$NAME: left by a script that was killed; stopping it"
	remove
}

start() {
	local image dir=$VMS/$NAME by user
	vm_config "${operand:-demo}"
	need virsh qemu-img cpio
	by=$(slowdown)
	image=$("$TOP/scripts/image.sh" --path "${vm[guest]}")
	[ -f "$image/SHA256SUMS" ] || die "the image of ${vm[guest]} is not built" "run: scripts/image.sh ${vm[guest]}"
	libvirt_start
	name_is_free
	rm -rf -- "$dir"
	mkdir -p "$dir" "$(dirname "$(port)")"
	cache_used
	cat /proc/sys/kernel/random/uuid >"$dir/uuid"
	note_owner >"$dir/owner"
	disk "$dir" "$image"
	initrd "$dir" "$image"
	user=$(qemu_user "$dir")
	[ "$user" = "$(id -u):$(id -g)" ] || chown "$user" "$dir/disk.qcow2"
	domain_xml "$dir" "$user"
	# libvirt appends to a log of this name: stop() must know whether all of it is ours.
	stat -c %s "$(qemu_log)" >"$dir/log.start" 2>/dev/null || echo 0 >"$dir/log.start"
	printf '%s\n' "$by" >"$dir/slowdown"
	virsh -q create "$dir/domain.xml" >/dev/null || die "libvirt did not start $NAME" \
		"its XML: $dir/domain.xml" "its log: $(qemu_log)"
	note "$NAME: ${vm[guest]}, $(grep -o "domain type='[a-z]*'" "$dir/domain.xml" | cut -d "'" -f 2), $(device), ${vm[screen]}, with ${vm[x]}, workload ${vm[workload]}$([ "$by" = 1 ] || printf ', in slow motion: 1 s takes %s s' "$by")"
}

stop() {
	if libvirt_answers && running && ! ours; then
		note "$NAME runs, and this tree did not start it: left alone"
	else
		remove
	fi
	libvirt_stop
	rmdir "$VMS" 2>/dev/null || true
}

# Ends our VM, if it runs, and removes what it left.
remove() {
	local pid=''
	if libvirt_answers && running; then
		pid=$(qemu_pid) || true
		virsh -q destroy "$NAME" >/dev/null 2>&1 || true
		! running || die "libvirt could not end $NAME" "its log: $(qemu_log)"
	fi
	# A log that was there before us stays.
	if [ "$(cat "$VMS/$NAME/log.start" 2>/dev/null)" = 0 ] && [ -f "$(qemu_log)" ]; then
		mkdir -p "$LOGS"
		mv -f "$(qemu_log)" "$LOGS/$NAME.qemu.log"
	fi
	# A libfaketime that is killed leaves these; a later process of this number would not start.
	[ -z "$pid" ] || rm -f "/dev/shm/faketime_shm_$pid" "/dev/shm/sem.faketime_sem_$pid"
	rm -f -- "$(port)"
	rm -rf -- "${VMS:?}/$NAME"
}

# A guest in slow motion comes up as fast as without: its processor is what it waits for. SESSION_SLEEPS is the VM's
# time in which its session sleeps meanwhile; that lasts longer.
SESSION_SLEEPS=30
wait_workload() {
	local by limit start=$SECONDS console=$VMS/$NAME/console.log last='' line
	by=$(cat "$VMS/$NAME/slowdown" 2>/dev/null || echo 1)
	limit=$((${1:-180} + SESSION_SLEEPS * (by - 1)))
	while ! grep -q '^spicetap-workload: started' "$console" 2>/dev/null; do
		running || die "$NAME ended before its workload ran; the end of its console:" \
			"$(tail -n 5 "$console" 2>/dev/null)" "its log: $(qemu_log)"
		! grep -q '^spicetap-session: .* has ended' "$console" || die "the session ended in $NAME; its console: $console" "$(tail -n 20 "$console")"
		[ $((SECONDS - start)) -lt "$limit" ] || die "$NAME: no workload after $limit s; its console: $console"
		sleep 1
		line=$(grep -a '^spicetap-' "$console" 2>/dev/null | tail -n 1 | tr -d '\r') || true
		if [ "$line" != "$last" ] || [ $(((SECONDS - start) % 10)) = 0 ]; then
			note "$NAME: $((SECONDS - start)) s ${line:-starting}"
			last=$line
		fi
	done
	note "$NAME: its workload runs after $((SECONDS - start)) s"
}

qemu_log() { printf '/var/log/libvirt/qemu/%s.log\n' "$NAME"; }

qemu_pid() {
	local file=/run/libvirt/qemu/$NAME.pid
	[ -r "$file" ] || die "no VM named $NAME runs"
	cat "$file"
}

status() {
	if libvirt_answers && running; then
		say "$NAME: $(virsh -q domstate "$NAME"), pid $(qemu_pid), $(virsh -q domdisplay "$NAME"), log $(qemu_log)"
	else
		say "$NAME: not running"
	fi
}

[ $# -ge 1 ] || usage
command=$1 operand='' debug=''
shift
while [ $# -gt 0 ]; do
	case $1 in
	--name) NAME=${2:?--name needs a name} && shift ;;
	--debug) debug=1 ;;
	*=*) overrides+=("$1") ;;
	-*) usage ;;
	*) operand=$1 ;;
	esac
	shift
done
case $NAME in */* | .*) die "--name $NAME: not a name of a VM" ;; esac
mkdir -p "$VMS"
case $command in
start | stop)
	# One at a time on this host: two starts would start two libvirtds.
	if [ "$(id -u)" = 0 ]; then exec 9</run; else exec 9>"$BUILD/.vm.lock"; fi
	flock 9
	"$command"
	;;
wait) wait_workload "$operand" ;;
status) status ;;
uri) virsh -q domdisplay "$NAME" ;;
pid) qemu_pid ;;
log) qemu_log ;;
console) printf '%s\n' "$VMS/$NAME/console.log" ;;
port) port ;;
name) vm_name "${operand:-demo}" ;;
accelerator) accelerator ;;
apparmor) apparmor ;;
slowdown)
	vm_config "${operand:-demo}"
	slowdown
	;;
-h | --help) usage 0 ;;
*) usage ;;
esac
