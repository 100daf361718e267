#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the clip that every experiment plays: 1024x768, 25 frames a second, 1000 frames (40 s).
#
#   clip.sh FILE [FRAMES]              the clip, as MJPEG
#   clip.sh --no-bars FILE [FRAMES]    the same frames without their number: the control
#   clip.sh --all FOLDER [FRAMES]      both, and the top left corner for slow guests, rendered once:
#                                      clip-1024x768.avi, clip-1024x768-plain.avi, clip-640x360.avi
#   clip.sh --vp8 CLIP FILE.webm       one of these as VP8, frame by frame
#
# The clip is a zoom into the Mandelbrot set over moving gradients, with grain: natural motion, no two frames
# alike. Three vertical bars, 8 pixels wide and 256 high, each have the frame's number n, from 0. A bar's top
# is 16 pixels below the picture's. It has 32 cells of 8 x 8 pixels, white for 1, black for 0, from the top:
#   cell 0 to 9     bit 0 (the least significant) to bit 9 of n
#   cell 10 to 19   the same bits, each inverted
#   cell 20 to 29   the same bits, every second one inverted: bits 1, 3, 5, 7 and 9
#   cell 30, 31     always white, always black
# docs/dev/guests.md has the reasons for form and place.
# MJPEG, because an emulated guest decodes it fastest. The same ffmpeg makes the same files.
set -euo pipefail

usage() {
	sed -nE '/^#   clip.sh /s/^#   /usage: /p' "$0" >&2
	exit 2
}

ffmpeg=(ffmpeg -nostdin -v error -stats -y -bitexact)
mjpeg=(-pix_fmt yuvj420p -threads 1 -c:v mjpeg -q:v 6 -fflags +bitexact)
picture=(
	-f lavfi -i "mandelbrot=size=1024x768:rate=25:maxiter=150:start_scale=2:end_scale=0.002:end_pts=1000"
	-f lavfi -i "gradients=size=1024x768:rate=25:speed=0.02:nb_colors=5:seed=7:c0=0x103060:c1=0xd08030:c2=0x208040:c3=0xe0d0a0:c4=0x802050"
)
blend='[0]format=yuvj420p[m];[1]format=yuvj420p[g];[m][g]blend=all_mode=average,noise=all_seed=7:alls=4:allf=t'

# One pixel row for each cell, Y is its number; enlarged 8 times.
bit='floor(N/pow(2,mod(Y,10)))+between(Y,10,19)+gte(Y,20)*mod(Y,2)'
bars=(-f lavfi -i "color=black:size=2x32:rate=25,format=gray,geq=lum='if(if(lt(Y,30),mod($bit,2),eq(Y,30)),235,16)',scale=8:256:flags=neighbor")

# with_bars IN WIDTH BARS OUT   prints a filter that draws the input BARS three times over IN, and leaves all
# other pixels as they are. A bar is 16, 22 or 4 pixels right of a multiple of 32.
with_bars() {
	local left=16 middle=$((($2 / 2 - 22) / 32 * 32 + 22)) right=$((($2 - 12) / 32 * 32 + 4))
	printf '%s' "[$3]split=3[$3a][$3b][$3c];" \
		"[$1][$3a]overlay=$left:16[$3d];[$3d][$3b]overlay=$middle:16[$3e];[$3e][$3c]overlay=$right:16[$4]"
}

all() {
	local frames=(-frames:v "${2:-1000}")
	mkdir -p "$1"
	"${ffmpeg[@]}" "${picture[@]}" "${bars[@]}" -filter_complex \
		"$blend,split=3[plain][v][w];[w]crop=640:360:0:0[x];[2]split[p][q];$(with_bars v 1024 p big);$(with_bars x 640 q small)" \
		-map '[plain]' "${frames[@]}" "${mjpeg[@]}" "$1/clip-1024x768-plain.avi" \
		-map '[big]' "${frames[@]}" "${mjpeg[@]}" "$1/clip-1024x768.avi" \
		-map '[small]' "${frames[@]}" "${mjpeg[@]}" "$1/clip-640x360.avi"
}

case ${1:-} in
--no-bars)
	[ $# = 2 ] || [ $# = 3 ] || usage
	exec "${ffmpeg[@]}" "${picture[@]}" -filter_complex "$blend" -frames:v "${3:-1000}" "${mjpeg[@]}" "$2"
	;;
--all)
	[ $# = 2 ] || [ $# = 3 ] || usage
	all "${@:2}"
	;;
--vp8)
	[ $# = 3 ] || usage
	exec "${ffmpeg[@]}" -i "$2" -fps_mode passthrough -pix_fmt yuv420p -threads 1 -c:v libvpx -b:v 8M -crf 10 \
		-deadline realtime -cpu-used 4 -g 250 -an -fflags +bitexact -f webm "$3"
	;;
'' | -*) usage ;;
*)
	[ $# -le 2 ] || usage
	exec "${ffmpeg[@]}" "${picture[@]}" "${bars[@]}" -filter_complex "${blend}[v];$(with_bars v 1024 2 big)" \
		-map '[big]' -frames:v "${2:-1000}" "${mjpeg[@]}" "$1"
	;;
esac
