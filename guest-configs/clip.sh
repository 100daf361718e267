#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest-configs/clip.sh FILE [FRAMES]   makes the clip that every experiment plays: 1024x768, 25 frames a
#                                       second, 1000 frames (40 s)
# guest-configs/clip.sh --corner WIDTHxHEIGHT CLIP FILE   cuts out its top left corner, with the number:
#                                       as natural, and less work for the guest
# guest-configs/clip.sh --vp8 CLIP FILE.webm   the same frames as VP8, for a browser
#
# The clip is a zoom into the Mandelbrot set over moving gradients, with grain: natural motion, no two frames
# alike. Its top left corner (640 x 32 pixels) has the frame's number n, from 0, in 20 cells of 32 x 32
# pixels, white for 1, black for 0, from the left:
#   cell 0 to 15   bit 0 (the least significant) to bit 15 of n
#   cell 16, 17    always white, always black
#   cell 18        exclusive or of the even bits of n (0, 2, ... 14)
#   cell 19        exclusive or of the odd bits of n (1, 3, ... 15)
# MJPEG, because an emulated guest decodes it fastest. The same ffmpeg makes the same file.
set -euo pipefail
[ $# = 1 ] || [ $# = 2 ] || [ "$#:$1" = 4:--corner ] || [ "$#:$1" = 3:--vp8 ] || {
	echo "usage: clip.sh FILE [FRAMES], clip.sh --corner WIDTHxHEIGHT CLIP FILE, clip.sh --vp8 CLIP FILE.webm" >&2
	exit 2
}
mjpeg=(-pix_fmt yuvj420p -threads 1 -c:v mjpeg -q:v 6 -fflags +bitexact)
if [ "$1" = --corner ]; then
	exec ffmpeg -nostdin -v error -stats -y -bitexact -i "$3" -vf "crop=${2/x/:}:0:0" "${mjpeg[@]}" "$4"
fi
if [ "$1" = --vp8 ]; then
	exec ffmpeg -nostdin -v error -stats -y -bitexact -i "$2" -pix_fmt yuv420p -threads 1 -c:v libvpx -b:v 8M -crf 10 \
		-deadline realtime -cpu-used 4 -g 250 -an -fflags +bitexact -f webm "$3"
fi

# ones FIRST   prints a sum in ffmpeg's language: how many of every second bit of N, from FIRST on, are set
ones() {
	local bit sum=0
	for ((bit = $1; bit < 16; bit += 2)); do
		sum+="+mod(floor(N/$((1 << bit))),2)"
	done
	printf '%s' "$sum"
}

# One pixel for each cell, X is its number; enlarged 32 times below.
cells="if(lt(X,16), mod(floor(N/pow(2,X)),2), if(lt(X,18), eq(X,16), mod(if(eq(X,18), $(ones 0), $(ones 1)),2)))"

exec ffmpeg -nostdin -v error -stats -y -bitexact \
	-f lavfi -i "mandelbrot=size=1024x768:rate=25:maxiter=150:start_scale=2:end_scale=0.002:end_pts=1000" \
	-f lavfi -i "gradients=size=1024x768:rate=25:speed=0.02:nb_colors=5:seed=7:c0=0x103060:c1=0xd08030:c2=0x208040:c3=0xe0d0a0:c4=0x802050" \
	-f lavfi -i "color=black:size=20x2:rate=25,format=gray,geq=lum='if($cells,235,16)',scale=640:32:flags=neighbor" \
	-filter_complex "[0][1]blend=all_mode=average,noise=all_seed=7:alls=4:allf=t[v];[v][2]overlay=0:0" \
	-frames:v "${2:-1000}" "${mjpeg[@]}" "$1"
