#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the image of a guest, or finds it in the cache.
#
#   scripts/image.sh GUEST           builds it if need be; GUEST is guest-configs/GUEST.guest
#   scripts/image.sh --clip [webm]   puts the clip (clip.sh --all) into build/, with webm as VP8, and prints its folder
#   scripts/image.sh --path GUEST    only prints its folder, which has disk.qcow2, vmlinuz, initrd,
#                                    `packages` (every package in it, with its version) and `release`
#                                    (the state of Debian's archive that they are from)
#   scripts/image.sh --verify GUEST  builds it again, clip and all, in build/verify, and compares. Exit 0:
#                                    every byte is the same; 1: names the files that differ
#
# The image is in $XDG_CACHE_HOME/spicetap/image-GUEST-HASH. The hash covers all of ours that goes into it:
# the .guest file, the files of overlay/, the clip's recipe and this script, comments of these two apart.
# The same inputs and the same state of the archive make the same image, bit for bit.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

CONFIGS=$TOP/guest-configs
# No file of the image is younger (2025-01-01). dpkg, shadow, fontconfig and others write this time into files.
export SOURCE_DATE_EPOCH=1735689600 LC_ALL=C TZ=UTC
# The file system's, and the seed of its directory hashes.
DISK_UUID=73706963-6574-6170-8000-000000000001
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# The guest never needs these: most of the kernel's modules (but media/cec, which every graphics driver
# needs) and all documentation. Modules are in /lib, from Debian 13 on in /usr/lib.
EXCLUDE=(
	'*/lib/modules/*/kernel/drivers/'{net,media/{common,dvb-core,dvb-frontends,firewire,i2c,mc,mmc,pci,platform,radio,rc,spi,test-drivers,tuners,usb,v4l2-core},infiniband,scsi,staging,iio,isdn,hwmon,usb,ata,mtd,md,target,nvme,mmc,hid,firewire,thunderbolt,bluetooth,nfc,mfd,leds,power,rtc,crypto,message}'/*'
	'*/lib/modules/*/kernel/drivers/gpu/drm/'{amd,radeon,nouveau,i915,xe,gma500,vmwgfx,ast,mgag200}'/*'
	'*/lib/modules/*/kernel/'{sound,net}'/*'
	'*/lib/modules/*/kernel/fs/'{xfs,btrfs,ocfs2,gfs2,f2fs,nfs,nfsd,ceph,cifs,dlm,jfs,reiserfs,ubifs,afs,coda,udf,ntfs}'/*'
	'/usr/share/'{doc,man,info,locale,lintian,icons,bug,gtk-doc}'/*'
	'/var/cache/man/*'
)
# The initrd's modules. modprobe adds those that they need.
INITRD_MODULES=(virtio_pci virtio_blk crc32c_generic ext4)

# guest_value KEY [FILE]   prints a value of the .guest file, with the indented lines that follow it
guest_value() {
	awk -v key="$1" '
		/^[[:space:]]*(#|$)/ { next }
		/^[^[:space:]]/      { on = index($0, key "=") == 1; if (on) printf "%s ", substr($0, length(key) + 2); next }
		on                   { gsub(/^[[:space:]]+|[[:space:]]+$/, ""); printf "%s ", $0 }' "${2:-$GUEST_FILE}" |
		sed 's/^ *//; s/ *$//'
}

# Prints the .guest files that make the image: the one it builds on (base=) first.
guest_files() {
	local base
	base=$(guest_value base)
	[ -z "$base" ] || printf '%s\n' "$CONFIGS/$base.guest"
	printf '%s\n' "$GUEST_FILE"
}

# all_values KEY   prints the values of all these files, the base's first
all_values() {
	local file
	while read -r file; do printf '%s\n' "$(guest_value "$1" "$file")"; done < <(guest_files)
}
last_value() { all_values "$1" | sed '/^$/d' | tail -n 1; }

# without_comments FILE   prints a script without its comments: these make no other image
without_comments() { sed '/^[[:space:]]*#/d' "$1"; }

# Prints the folders of our files that go into the image.
overlays() {
	local name
	for name in overlay $(all_values overlay); do printf '%s\n' "$CONFIGS/$name"; done
}

# Prints the hash of all that makes the image what it is.
image_hash() {
	local file
	{
		while read -r file; do without_comments "$file"; done < <(guest_files)
		without_comments "$CONFIGS/clip.sh"
		without_comments "$TOP/scripts/image.sh"
		while IFS= read -r -d '' file; do
			printf '%s %s\n' "${file#"$TOP"}" "$(stat -c %a "$file")"
			cat "$file"
		done < <(printf '%s\0' "$CONFIGS/initrd-init" && overlays |
			xargs -d '\n' -I '{}' find '{}' ! -type d -print0 | sort -z)
	} | hash_of
}

# image_ok FOLDER   true where the image is there and whole; a damaged one is deleted
image_ok() {
	[ -f "$1/SHA256SUMS" ] || return 1
	if ! (cd "$1" && sha256sum --status --strict -c SHA256SUMS); then
		warn "$1 does not have the SHA-256 recorded in it: deleted, building anew"
		rm -rf -- "$1"
		return 1
	fi
}

# set_up_dpkg ROOT KEEP   mmdebstrap calls it: settings for what is installed from here on. KEEP names folders
# of /usr/share that stay. (With --dpkgopt, mmdebstrap would start a Python program for each package to match the
# patterns.)
set_up_dpkg() {
	local root=$1 keep=$2 pattern
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/initramfs-tools"
	{
		printf 'force-unsafe-io\nforce-confold\n'
		for pattern in "${EXCLUDE[@]}"; do
			printf 'path-exclude=%s\n' "$pattern"
		done
		for pattern in $keep; do
			printf 'path-include=/usr/share/%s/*\n' "$pattern"
		done
	} >"$root/etc/dpkg/dpkg.cfg.d/spicetap"
	# make_initrd makes a smaller initrd.
	echo update_initramfs=no >"$root/etc/initramfs-tools/update-initramfs.conf"
}

# tell_release ROOT   mmdebstrap calls it: prints the state of the archive that the root is made from
tell_release() {
	find "$1/var/lib/apt/lists" -name '*Release' -exec sed -nE '/^(Origin|Suite|Version|Codename|Date): /p' {} +
}

# Makes Debian's system of the guest in a folder.
make_root() {
	local mirror suite options=() line
	mirror=$(debian_mirror)
	suite=$(last_value suite)
	# The guest's apt uses the machine's way to the archive (a proxy, say) while the image is made.
	while read -r line; do
		options+=("--aptopt=$line")
	done < <(apt-config dump | grep -iE '^Acquire::(http|https)::(Proxy|[^ ]*::Proxy|Proxy-Auto-Detect) "..*";$' || true)
	# In a mount namespace of its own: what is mounted in the root is gone with it, even after a kill.
	run image-root unshare --mount env PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		mmdebstrap --verbose --variant=minbase --mode=root --format=directory \
		--include="$(all_values packages | xargs | tr ' ' ,)" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		--aptopt='APT::Install-Recommends "false"' "${options[@]}" \
		--essential-hook="'$TOP/scripts/image.sh' --set-up-dpkg \"\$1\" '$(last_value keep)'" \
		--customize-hook="'$TOP/scripts/image.sh' --tell-release \"\$1\" >'$WORK/out/release'" \
		"$suite" "$WORK/root" "deb [signed-by=$KEYRING] $mirror $suite main" ||
		die "cannot make the guest's system from $mirror" \
			"is there a network? another mirror: SPICETAP_MIRROR=<URI> make ..."
	rm -rf "${WORK:?}"/root/dev/* "$WORK"/root/usr/share/{doc,man,locale}/*
}

# The clips take longest of all that is ours, and are the same in every guest: they are cached, and nothing else is.

# put_clip FOLDER
put_clip() {
	local hash made=$1.made
	hash=$(without_comments "$CONFIGS/clip.sh" | hash_of)
	[ -n "$verify" ] || { cache_get clip-mjpeg "$hash" "$1" && return; }
	rm -rf -- "$made"
	run image-clip "$CONFIGS/clip.sh" --all "$made"
	move_clips clip-mjpeg "$hash" "$made" "$1"
}

# put_webm CLIPS FOLDER   the same clips as a browser plays them
put_webm() {
	local hash clip made=$2.made
	hash=$(without_comments "$CONFIGS/clip.sh" | hash_of)
	[ -n "$verify" ] || { cache_get clip-vp8 "$hash" "$2" && return; }
	rm -rf -- "$made"
	mkdir -p "$made"
	for clip in "$1"/clip-*.avi; do
		run "image-$(basename "$clip" .avi)-vp8" "$CONFIGS/clip.sh" --vp8 "$clip" "$made/$(basename "$clip" .avi).webm"
	done
	move_clips clip-vp8 "$hash" "$made" "$2"
}

# move_clips NAME HASH MADE FOLDER
move_clips() {
	[ -n "$verify" ] || cache_put "$1" "$2" "$3"
	mkdir -p "$4"
	mv "$3"/* "$4/"
	rmdir "$3"
}

# clip_folder [webm]   prints the folder of the clip, which ssim.sh compares pictures with
clip_folder() {
	local folder
	folder=$BUILD/clip-$(without_comments "$CONFIGS/clip.sh" | hash_of)
	if [ ! -d "$folder" ]; then
		need ffmpeg zstd
		rm -rf -- "$folder.new"
		put_clip "$folder.new" >&2
		mv "$folder.new" "$folder"
	fi
	if [ "${1:-}" = webm ]; then
		if [ ! -d "$folder-vp8" ]; then
			need ffmpeg zstd
			rm -rf -- "$folder-vp8.new"
			put_webm "$folder" "$folder-vp8.new" >&2
			mv "$folder-vp8.new" "$folder-vp8"
		fi
		folder+=-vp8
	fi
	printf '%s\n' "$folder"
}

# Adds our files, and switches off services.
dress_root() {
	local root=$WORK/root
	local overlay
	while read -r overlay; do cp -rT --no-preserve=ownership "$overlay" "$root"; done < <(overlays)
	put_clip "$root/opt/spicetap"
	[[ " $(last_value players) " != *" firefox "* ]] || put_webm "$root/opt/spicetap" "$root/opt/spicetap/page"
	echo spicetap >"$root/etc/hostname"
	echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"
	: >"$root/etc/machine-id"
	ln -sf /etc/systemd/system/spicetap.target "$root/etc/systemd/system/default.target"
	local unit
	for unit in systemd-journal-flush.service systemd-random-seed.service systemd-update-utmp.service \
		systemd-timesyncd.service e2scrub_reap.service getty@tty1.service systemd-hwdb-update.service \
		systemd-journal-catalog-update.service ldconfig.service systemd-update-done.service; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
}

# Nothing that came later has taken the place of a file of ours.
check_overlays() {
	local overlay file
	while read -r overlay; do
		while IFS= read -r -d '' file; do
			cmp "$overlay/$file" "$WORK/root/$file" || die "the image would have another /$file than ${overlay#"$TOP/"}"
		done < <(cd "$overlay" && find . -type f -printf '%P\0')
	done < <(overlays)
}

# Removes what the day and the machine of the build left: logs, caches that are made again when needed,
# random names and seeds, and every time after SOURCE_DATE_EPOCH.
forget_the_day() {
	local root=$WORK/root
	rm -rf "${root:?}"/var/cache/{ldconfig,fontconfig,apt,debconf}/* "$root"/var/lib/apt/lists/* \
		"$root"/var/lib/systemd/{random-seed,credential.secret} "$root"/var/lib/dpkg/*-old \
		"$root"/var/cache/debconf/*-old "$root"/etc/{passwd,group,shadow,gshadow,subuid,subgid}- \
		"$root"/{tmp,run,var/tmp}/* "$root"/root/.[a-z]*_history
	find "$root/var/log" -type f -delete
	find "$root/usr" -name __pycache__ -prune -exec rm -rf {} +
	clamp_times "$root"
}

clamp_times() {
	find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# Debian 13 compresses its modules. busybox and an emulated guest are slow to unpack them.
unpack_modules() {
	local root=$1 release=$2
	[ -n "$(find "$root/lib/modules/$release" -name '*.ko.xz' -print -quit)" ] || return 0
	find "$root/lib/modules/$release" -name '*.ko.xz' -exec xz -d -- {} +
	depmod -b "$root" "$release"
}

# Makes an initrd of a few modules and busybox; initrd-init has the reasons.
make_initrd() {
	local root=$WORK/root dir=$WORK/initrd release file
	release=$(basename "$root"/lib/modules/*)
	unpack_modules "$root" "$release"
	cp "$root/boot/vmlinuz-$release" "$WORK/out/vmlinuz"
	mkdir -p "$dir"/{bin,dev,proc,sys,root,modules}
	cp "$root/bin/busybox" "$dir/bin/"
	cp "$CONFIGS/initrd-init" "$dir/init"
	modprobe -d "$root" -S "$release" -a --show-depends "${INITRD_MODULES[@]}" |
		awk '$1 == "insmod" && $2 !~ /crc32c-intel/ && !seen[$2]++ { print $2 }' >"$WORK/modules"
	while read -r file; do
		cp "$file" "$dir/modules/"
		basename "$file"
	done <"$WORK/modules" >"$dir/modules/order"
	clamp_times "$dir"
	(cd "$dir" && find . | sort | cpio --quiet -o -H newc -R 0:0 --reproducible) >"$WORK/out/initrd"
	# QEMU loads kernel and initrd from the host.
	rm -rf "${root:?}"/boot/*
}

# mke2fs sorts what it reads, and takes E2FSPROGS_FAKE_TIME for the time of day. But it copies each file's
# change time and access time, which are of today: debugfs sets them.
make_disk() {
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH run image-disk mke2fs -q -t ext4 -L spicetap -U "$DISK_UUID" \
		-E "lazy_itable_init=1,hash_seed=$DISK_UUID" -O ^has_journal,^metadata_csum \
		-d "$WORK/root" "$WORK/disk.raw" "$(last_value size)M"
	(cd "$WORK/root" && find . -printf '%P\n' | sort) |
		sed -E 's/"/""/g; s,.*,sif "/&" atime @T\nsif "/&" ctime @T,; s/@T/@'"$SOURCE_DATE_EPOCH/g" >"$WORK/times"
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH run image-times debugfs -w -f "$WORK/times" "$WORK/disk.raw"
	! grep -qvE '^(\+ |debugfs)' "$LOGS/image-times.log" || die "debugfs complained: $LOGS/image-times.log"
	run image-qcow2 qemu-img convert -f raw -O qcow2 "$WORK/disk.raw" "$WORK/out/disk.qcow2"
}

# Makes the image in $WORK/out.
make_image() {
	mkdir "$WORK/out"
	make_root
	dress_root
	check_overlays
	dpkg-query --admindir="$WORK/root/var/lib/dpkg" -W -f='${Package} ${Version}\n' >"$WORK/out/packages"
	make_initrd
	forget_the_day
	make_disk
	(cd "$WORK/out" && sha256sum -- * >SHA256SUMS)
	chmod 755 "$WORK/out"
}

can_build() {
	need mmdebstrap ffmpeg mke2fs debugfs qemu-img cpio modprobe depmod xz
	[ "$(id -u)" = 0 ] || die "only root can make the guest's system" "run: sudo scripts/image.sh $GUEST"
	[ -f "$KEYRING" ] || die "$KEYRING is missing" "install the package debian-archive-keyring (make deps)"
}

# work_in FOLDER   makes the work folder there; it is gone at the end, whatever happens
work_in() {
	mkdir -p "$1"
	WORK=$(mktemp -d "$1/.image.XXXXXX")
	trap 'rm -rf --one-file-system -- "$WORK"' EXIT
}

build_image() {
	local start=$SECONDS
	say "image of $GUEST: Debian $(last_value suite), X, $(last_value players | sed 's/^$/mpv/; s/ /, /g') and the clip; some minutes, once"
	can_build
	mkdir -p "$CACHE"
	exec 9>"$CACHE/.image.lock"
	if ! flock -n 9; then
		note "another build of an image is under way: waiting for it"
		flock 9
		if image_ok "$IMAGE"; then
			say "image of $GUEST: the other build made it: $IMAGE"
			return 0
		fi
	fi
	rm -rf --one-file-system "$CACHE"/.image.??????
	work_in "$CACHE"
	make_image
	rm -rf -- "$IMAGE"
	mv "$WORK/out" "$IMAGE"
	say "image of $GUEST: made in $((SECONDS - start)) s: $IMAGE ($(du -sm "$IMAGE" | cut -f 1) MiB)"
}

# unpack_disk IMAGE FOLDER   copies the files of an image's disk into a new folder
unpack_disk() {
	mkdir "$2"
	qemu-img convert -f qcow2 -O raw "$1/disk.qcow2" "$2.raw"
	debugfs -R "rdump / $2" "$2.raw" >/dev/null 2>&1
	rm -f "$2.raw"
}

# tell_difference ONE TWO   prints what differs between two images: packages, files and their properties
tell_difference() {
	local one=$1 two=$2
	diff "$one/SHA256SUMS" "$two/SHA256SUMS" || true
	diff -U0 "$one/release" "$two/release" || true
	diff -U0 "$one/packages" "$two/packages" || true
	cmp -s "$one/disk.qcow2" "$two/disk.qcow2" && return
	unpack_disk "$one" "$WORK/one"
	unpack_disk "$two" "$WORK/two"
	diff -rq --no-dereference "$WORK/one" "$WORK/two" 2>/dev/null | sed "s,$WORK/,,g" || true
	diff -U0 <(cd "$WORK/one" && find . -printf '%P %M %U:%G %s %T@ %l\n' | sort) \
		<(cd "$WORK/two" && find . -printf '%P %M %U:%G %s %T@ %l\n' | sort) || true
}

verify_image() {
	can_build
	work_in "$BUILD/verify"
	make_image
	if cmp "$IMAGE/SHA256SUMS" "$WORK/out/SHA256SUMS"; then
		say "image of $GUEST: built again, every byte the same:"
		sed 's/^/  /' "$IMAGE/SHA256SUMS"
		return
	fi
	tell_difference "$IMAGE" "$WORK/out"
	die "the image of $GUEST, built again, is another; the lines above name what differs" \
		"if packages differ, the archive has changed: name a snapshot of it with SPICETAP_MIRROR=URI"
}

case ${1:-} in
--set-up-dpkg) set_up_dpkg "$2" "$3"; exit ;;
--tell-release) tell_release "$2"; exit ;;
-h | --help) usage 0 ;;
--clip) mkdir -p "$BUILD" "$LOGS" && verify='' && clip_folder "${2:-}"; exit ;;
esac
only_path='' verify=''
case ${1:-} in
--path) only_path=1 && shift ;;
--verify) verify=1 && shift ;;
-*) usage ;;
esac
[ $# = 1 ] || usage
GUEST=$1
GUEST_FILE=$CONFIGS/$GUEST.guest
[ -f "$GUEST_FILE" ] || die "no guest named $GUEST: $GUEST_FILE does not exist" "guests: $(cd "$CONFIGS" && echo *.guest)"
IMAGE=$CACHE/image-$GUEST-$(image_hash)
if [ -n "$only_path" ]; then
	printf '%s\n' "$IMAGE"
elif [ -n "$verify" ]; then
	image_ok "$IMAGE" || die "the image of $GUEST is not built" "run: scripts/image.sh $GUEST"
	verify_image
elif image_ok "$IMAGE"; then
	say "image of $GUEST: in the cache: $IMAGE"
else
	build_image
fi
