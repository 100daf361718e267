#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest-configs/clip.sh FILE [FRAMES]   the clip every experiment plays: 1024x768, 25 frames a second, 40 s
#
# A zoom into the Mandelbrot set laid over moving gradients, with grain: natural motion, no two
# frames alike. The top left corner (512 x 32 pixels) carries the frame's number, from 0: 16 blocks
# of 32 x 32, least significant bit first, white for 1, black for 0. MJPEG, since an emulated guest
# decodes it faster than anything else of this size. Nothing in it is left to chance: the same ffmpeg
# gives the same file.
set -euo pipefail
[ $# = 1 ] || [ $# = 2 ] || {
	echo "usage: clip.sh FILE [FRAMES]" >&2
	exit 2
}
exec ffmpeg -nostdin -v error -stats -y -bitexact \
	-f lavfi -i "mandelbrot=size=1024x768:rate=25:maxiter=150:start_scale=2:end_scale=0.002:end_pts=1000" \
	-f lavfi -i "gradients=size=1024x768:rate=25:speed=0.02:nb_colors=5:seed=7:c0=0x103060:c1=0xd08030:c2=0x208040:c3=0xe0d0a0:c4=0x802050" \
	-f lavfi -i "color=black:size=512x32:rate=25,format=gray,geq=lum='if(mod(floor(N/pow(2,floor(X/32))),2),235,16)'" \
	-filter_complex "[0][1]blend=all_mode=average,noise=all_seed=7:alls=4:allf=t[v];[v][2]overlay=0:0" \
	-frames:v "${2:-1000}" -pix_fmt yuvj420p -threads 1 -c:v mjpeg -q:v 6 -fflags +bitexact "$1"
