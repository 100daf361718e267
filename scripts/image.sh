#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the image of a guest, or finds it in the cache:
#
#   scripts/image.sh GUEST          builds it if need be; GUEST is guest-configs/GUEST.guest
#   scripts/image.sh --path GUEST   only prints the folder it is in: disk.qcow2, vmlinuz, initrd, and
#                                   `packages`: every package in it with its version
#
# The image lies in $XDG_CACHE_HOME/spicetap/image-GUEST-HASH. The hash is of all that goes into it:
# the .guest file, the files of overlay/, the clip's recipe, this script, and the mirror's Release.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

CONFIGS=$TOP/guest-configs
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# what the guest never needs: the greater part of the kernel's modules (but not media/cec, which every
# graphics driver wants), and all documentation. They lie in /lib, or, from Debian 13 on, in /usr/lib.
EXCLUDE=(
	'*/lib/modules/*/kernel/drivers/'{net,media/{common,dvb-core,dvb-frontends,firewire,i2c,mc,mmc,pci,platform,radio,rc,spi,test-drivers,tuners,usb,v4l2-core},infiniband,scsi,staging,iio,isdn,hwmon,usb,ata,mtd,md,target,nvme,mmc,hid,firewire,thunderbolt,bluetooth,nfc,mfd,leds,power,rtc,crypto,message}'/*'
	'*/lib/modules/*/kernel/drivers/gpu/drm/'{amd,radeon,nouveau,i915,xe,gma500,vmwgfx,ast,mgag200}'/*'
	'*/lib/modules/*/kernel/'{sound,net}'/*'
	'*/lib/modules/*/kernel/fs/'{xfs,btrfs,ocfs2,gfs2,f2fs,nfs,nfsd,ceph,cifs,dlm,jfs,reiserfs,ubifs,afs,coda,udf,ntfs}'/*'
	'/usr/share/'{doc,man,info,locale,lintian,icons,bug,gtk-doc}'/*'
	'/var/cache/man/*'
)
# the initrd's modules; those they need come along
INITRD_MODULES=(virtio_pci virtio_blk crc32c_generic ext4)

# guest_value KEY   a value of the .guest file; the indented lines that follow belong to it
guest_value() {
	awk -v key="$1" '
		/^[[:space:]]*(#|$)/ { next }
		/^[^[:space:]]/      { on = index($0, key "=") == 1; if (on) printf "%s ", substr($0, length(key) + 2); next }
		on                   { gsub(/^[[:space:]]+|[[:space:]]+$/, ""); printf "%s ", $0 }' "$GUEST_FILE" |
		sed 's/^ *//; s/ *$//'
}

# The files that make the image what it is, in a fixed order
image_inputs() {
	printf '%s\0' "$GUEST_FILE" "$CONFIGS/clip.sh" "$CONFIGS/initrd-init" "$TOP/scripts/image.sh"
	find "$CONFIGS/overlay" ! -type d -print0 | sort -z
}

image_hash() {
	local file
	while IFS= read -r -d '' file; do
		printf '%s %s\n' "${file#"$TOP"}" "$(stat -c %a "$file")"
		cat "$file"
	done < <(image_inputs) | hash_of
}

image_ok() {
	[ -f "$1/SHA256SUMS" ] || return 1
	if ! (cd "$1" && sha256sum --status --strict -c SHA256SUMS); then
		warn "$1 does not have the SHA-256 recorded in it: deleted, building anew"
		rm -rf -- "$1"
		return 1
	fi
}

# Called by mmdebstrap with the root: settings for what is installed from here on. (Given as
# --dpkgopt, the patterns would be matched by a Python program started for each package.)
set_up_dpkg() {
	local root=$1 pattern
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/initramfs-tools"
	{
		printf 'force-unsafe-io\nforce-confold\n'
		for pattern in "${EXCLUDE[@]}"; do
			printf 'path-exclude=%s\n' "$pattern"
		done
	} >"$root/etc/dpkg/dpkg.cfg.d/spicetap"
	# make_initrd makes a smaller one
	echo update_initramfs=no >"$root/etc/initramfs-tools/update-initramfs.conf"
}

# Debian's system of the guest, as a folder
make_root() {
	local mirror options=() line
	mirror=$(debian_mirror)
	# in a mount namespace of its own: whatever is mounted in the root is gone with it, even if all is killed
	# the machine's own way to the archive (a proxy, say) is the guest's too while it is made
	while read -r line; do
		options+=("--aptopt=$line")
	done < <(apt-config dump | grep -iE '^Acquire::(http|https)::(Proxy|[^ ]*::Proxy|Proxy-Auto-Detect) "..*";$' || true)
	run image-root unshare --mount env PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		mmdebstrap --verbose --variant=minbase --mode=root --format=directory \
		--include="$(guest_value packages | tr -s ' ' ,)" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		--aptopt='APT::Install-Recommends "false"' ${options[@]+"${options[@]}"} \
		--essential-hook="'$TOP/scripts/image.sh' --set-up-dpkg \"\$1\"" \
		"$(guest_value suite)" "$WORK/root" \
		"deb [signed-by=$KEYRING] $mirror $(guest_value suite) main" ||
		die "cannot make the guest's system from $mirror" \
			"is there a network? another mirror: SPICETAP_MIRROR=<URI> make ..."
	rm -rf "${WORK:?}"/root/dev/* "$WORK"/root/usr/share/{doc,man,locale}/*
}

# The clip takes longer to make than anything else of ours, and is the same in every guest
put_clip() {
	local hash
	hash=$(hash_of <"$CONFIGS/clip.sh")
	cache_get clip "$hash" "$1" && return
	mkdir -p "$1"
	run image-clip "$CONFIGS/clip.sh" "$1/clip.avi"
	cache_put clip "$hash" "$1"
}

# Our files, and no service but our own
dress_root() {
	local root=$WORK/root
	cp -rT --no-preserve=ownership "$CONFIGS/overlay" "$root"
	put_clip "$root/opt/spicetap"
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

# Debian 13 compresses its modules: neither busybox nor an emulated guest is quick to unpack them
unpack_modules() {
	local root=$1 release=$2
	[ -n "$(find "$root/lib/modules/$release" -name '*.ko.xz' -print -quit)" ] || return 0
	find "$root/lib/modules/$release" -name '*.ko.xz' -exec xz -d -- {} +
	depmod -b "$root" "$release"
}

# A few modules and busybox: initrd-init has the reasons
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
	(cd "$dir" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$WORK/out/initrd"
	# QEMU loads both from the host
	rm -rf "${root:?}"/boot/*
}

make_disk() {
	run image-disk mke2fs -q -t ext4 -L spicetap -E lazy_itable_init=1 -O ^has_journal,^metadata_csum \
		-d "$WORK/root" "$WORK/disk.raw" "$(guest_value size)M"
	run image-qcow2 qemu-img convert -f raw -O qcow2 "$WORK/disk.raw" "$WORK/out/disk.qcow2"
}

build_image() {
	local start=$SECONDS
	say "image of $GUEST: Debian $(guest_value suite), X, mpv and the clip; about 3 minutes, once"
	need mmdebstrap ffmpeg mke2fs qemu-img cpio modprobe depmod xz
	[ "$(id -u)" = 0 ] || die "only root can make the guest's system" "run: sudo scripts/image.sh $GUEST"
	[ -f "$KEYRING" ] || die "$KEYRING is missing" "install the package debian-archive-keyring (make deps)"
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
	WORK=$(mktemp -d "$CACHE/.image.XXXXXX")
	trap 'rm -rf --one-file-system -- "$WORK"' EXIT
	mkdir "$WORK/out"
	make_root
	dress_root
	dpkg-query --admindir="$WORK/root/var/lib/dpkg" -W -f='${Package} ${Version}\n' >"$WORK/out/packages"
	make_initrd
	make_disk
	(cd "$WORK/out" && sha256sum -- * >SHA256SUMS)
	chmod 755 "$WORK/out"
	rm -rf -- "$IMAGE"
	mv "$WORK/out" "$IMAGE"
	say "image of $GUEST: made in $((SECONDS - start)) s: $IMAGE ($(du -sm "$IMAGE" | cut -f 1) MiB)"
}

if [ "${1:-}" = --set-up-dpkg ]; then
	set_up_dpkg "$2"
	exit
fi
only_path=
if [ "${1:-}" = --path ]; then
	only_path=1
	shift
fi
[ $# = 1 ] || die "usage: scripts/image.sh [--path] GUEST" "guests: $(cd "$CONFIGS" && echo ./*.guest)"
GUEST=$1
GUEST_FILE=$CONFIGS/$GUEST.guest
[ -f "$GUEST_FILE" ] || die "no guest named $GUEST: $GUEST_FILE does not exist"
IMAGE=$CACHE/image-$GUEST-$(image_hash)
if [ -n "$only_path" ]; then
	printf '%s\n' "$IMAGE"
elif image_ok "$IMAGE"; then
	say "image of $GUEST: in the cache: $IMAGE"
else
	build_image
fi
