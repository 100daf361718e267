#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make demo: runs a Debian 11 QXL guest under libvirt with a real headless client, records it, and prints what
# happened. With KVM it records a minute. Without, it runs in slow motion: guest, server and client live in time
# that passes ten times slower, so that an emulated guest plays its video at full speed. 20 s of that time are
# recorded.
#
#   scripts/demo.sh         leaves build/, the cache and the bundle run-demo-DATE
#   scripts/demo.sh clean   removes them. The cache stays while another clone uses it
#
# environment
#   SPICETAP_DEMO_SECONDS   how long to record, in the guest's time (60; in slow motion 20)
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

NAME=$("$TOP/scripts/vm.sh" name)
export SPICETAP_OWNER=$$
SPICETAP=$BUILD/spicetap
SLOWDOWN=10 # what a Debian 11 guest takes to play the clip at its 25 frames a second on two common cores
client='' image=''

vm() { "$TOP/scripts/vm.sh" "$@" --name "$NAME"; }

# Runs whatever happens, after Ctrl-C too: no client, VM or libvirtd of ours stays.
clean_up() {
	trap '' INT TERM HUP
	if [ -n "$client" ]; then
		kill "$client" 2>/dev/null || true
		wait "$client" 2>/dev/null || true
	fi
	if [ -n "$image" ]; then
		kill "$image" 2>/dev/null || true
		wait "$image" 2>/dev/null || true
	fi
	vm stop >/dev/null 2>&1 || warn "the VM $NAME could not be stopped: scripts/vm.sh stop"
}

# The stack and the image know nothing of each other, and one waits for the network where the other compiles.
stack_and_image() {
	"$TOP/scripts/image.sh" debian11 &
	image=$!
	"$TOP/scripts/stack.sh" traced
	wait "$image" || die "there is no image of the guest"
	image=
}

# connected PID   true when the client has a connection for each of its four channels
connected() {
	local fd n=0
	for fd in "/proc/$1/fd"/*; do
		case $(readlink "$fd" 2>/dev/null) in socket:*) n=$((n + 1)) ;; esac
	done
	[ "$n" -ge 4 ]
}

connect_client() {
	local uri i slow=()
	uri=$(vm uri)
	[ "$by" = 1 ] || slow=("LD_PRELOAD=$(faketime_library)" "FAKETIME=$(faketime_factor "$by")")
	env "${slow[@]}" GST_REGISTRY="$BUILD/gst-registry.bin" spicy-stats --uri "$uri" >"$LOGS/demo-client.log" 2>&1 &
	client=$!
	for ((i = 0; i < 150 * by; i++)); do
		kill -0 "$client" 2>/dev/null || die "the client could not connect to $uri" "$(cat "$LOGS/demo-client.log")"
		connected "$client" && break
		sleep 0.1
	done
	connected "$client" || die "the client did not open its channels at $uri" "$(cat "$LOGS/demo-client.log")"
	note "spicy-stats at $uri"
}

# Interrupts the client: it then prints what it has read.
end_client() {
	kill -INT "$client" 2>/dev/null || true
	wait "$client" 2>/dev/null || true
	client=
}

count() { grep -c "\"event\":\"$1\"" "$RUN/timeline.jsonl" || true; }

# Fails where the guest did not show what the demo is for; the machine may be too slow.
verdict() {
	local event missing=()
	for event in oom_begin evict stream_create stream_stop; do
		[ "$(count "$event")" -gt 0 ] || missing+=("$event")
	done
	[ ${#missing[@]} -eq 0 ] || die "in these $time s the guest showed no ${missing[*]}" \
		"the bundle is complete, and in $RUN" \
		"a slow or busy machine shows less in the same time: SPICETAP_DEMO_SECONDS=180 make demo"
}

demo() {
	local start=$SECONDS rc=0 by time
	RUN=$TOP/run-demo-$(date +%Y%m%d-%H%M%S)
	[ "$(id -u)" = 0 ] || die "only root can start this VM and record it" "run: sudo make demo"
	need virsh spicy-stats
	[ -x "$SPICETAP" ] || die "$SPICETAP does not exist" "run: make all"
	mkdir -p "$LOGS"
	by=$(vm slowdown "slowdown=$SLOWDOWN")
	time=${SPICETAP_DEMO_SECONDS:-$([ "$by" = 1 ] && echo 60 || echo 20)}

	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	say "[1/5] the traced stack, and the guest's image beside it"
	stack_and_image
	say "[2/5] the VM"
	[ "$by" = 1 ] || note "there is no KVM: the guest runs in slow motion, a second of its time takes $by s"
	vm start "slowdown=$SLOWDOWN"
	vm wait 300
	say "[3/5] the client"
	connect_client
	say "[4/5] recording $time s of the guest's time, which take $((time * by)) s"
	"$SPICETAP" record --domain "$NAME" -o "$RUN" -t "$time" || rc=$?
	[ "$rc" = 0 ] || die "spicetap record ended with status $rc"
	end_client
	vm stop
	say "[5/5] what happened"
	"$SPICETAP" export "$RUN" --format jsonl >"$RUN/timeline.jsonl"
	"$SPICETAP" report "$RUN" -o "$RUN/report.html"
	say
	"$SPICETAP" info "$RUN"
	say
	say "client    read $(awk '$1 == "display:" { print $2 }' "$LOGS/demo-client.log") bytes on its display channel"
	say "timeline  $RUN/timeline.jsonl: $(wc -l <"$RUN/timeline.jsonl") events, a line each"
	say "run       $RUN"
	say "page      $RUN/report.html: open it in a browser"
	say "took      $((SECONDS - start)) s"
	verdict
}

clean() {
	vm stop
	local others
	others=$(cache_users)
	rm -rf -- "$BUILD" "$TOP"/run-demo-*
	say "removed: $BUILD and the runs of the demo"
	if [ -z "$others" ]; then
		rm -rf -- "$CACHE"
		say "removed: $CACHE"
	else
		rm -f "$CACHE/users/$(clone_mark)"
		say "left:    $CACHE, which other clones use:" "$others"
	fi
}

case ${1:-} in
'') demo ;;
clean) clean ;;
-h | --help) usage 0 ;;
*) usage ;;
esac
